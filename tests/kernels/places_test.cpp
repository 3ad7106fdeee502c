// Elements at places that follow each other, many of them, move as single ones do.

#include "kernels/places.h"

#include <vector>

#include "chainrule/autograd.h"
#include "chainrule/functions.h"
#include "chainrule/shaping.h"
#include "chainrule/statistics.h"
#include "graph/node.h"
#include "support.h"

namespace chainrule::test {
namespace {

double number_at(const Array& of, std::int64_t i) {
  return dispatch_stored(of.dtype(), [&]<class T>() { return convert<double>(of.data<T>()[i]); });
}

/// Runs of this many places on average, some of them outside of the order, and some repeated.
std::vector<std::int64_t> places_in_runs(Engine& engine, std::int64_t size, std::int64_t length) {
  std::vector<std::int64_t> list;
  for (int i = 0; i < 20; ++i) {
    const auto count = static_cast<std::int64_t>(engine() % static_cast<std::uint64_t>(2 * length)),
               first = static_cast<std::int64_t>(engine() % static_cast<std::uint64_t>(size));
    for (std::int64_t k = first; k < std::min(size, first + count); ++k) list.push_back(k);
  }
  list.push_back(0);
  return list;
}

TEST(Places, in_runs_are_taken_and_added_to_as_single_ones) {
  PRINT_SEED_ON_FAILURE();
  Engine engine(seed());
  for (const DType dtype : {DType::float32, DType::float64, DType::int64, DType::uint8})
    for (const std::int64_t outer : {1, 3})
      for (const std::int64_t inner : {1, 5})
        for (const std::int64_t length : {1, 3, 7, 16, 70}) {
          const std::int64_t size = 100;
          const auto list = places_in_runs(engine, size, length);
          const auto count = static_cast<std::int64_t>(list.size());
          const kernels::PlacesAlong places{outer, size, inner, list.data(), count, false};
          const auto numbers = [&](std::int64_t n) {
            return value_of(cast(remainder(arange(0, outer * n * inner), 89), dtype));
          };
          const Array x = numbers(size);
          Array taken({outer, count, inner}, dtype);
          kernels::take_places(places, x, taken);
          const auto at = [&](const Array& of, std::int64_t n, std::int64_t o, std::int64_t k,
                              std::int64_t i) { return number_at(of, (o * n + k) * inner + i); };
          for (std::int64_t o = 0; o < outer; ++o)
            for (std::int64_t k = 0; k < count; ++k)
              for (std::int64_t i = 0; i < inner; ++i)
                ASSERT_EQ(at(taken, count, o, k, i), at(x, size, o, list[static_cast<std::size_t>(k)], i));
          if (dtype == DType::uint8) continue;
          const Array values = numbers(count);
          Array sums({outer, size, inner}, dtype);
          kernels::add_at_places(places, values, sums);
          std::vector<double> expected(static_cast<std::size_t>(outer * size * inner));
          for (std::int64_t o = 0; o < outer; ++o)
            for (std::int64_t k = 0; k < count; ++k)
              for (std::int64_t i = 0; i < inner; ++i)
                expected[static_cast<std::size_t>((o * size + list[static_cast<std::size_t>(k)]) * inner +
                                                  i)] += at(values, count, o, k, i);
          for (std::int64_t i = 0; i < outer * size * inner; ++i)
            ASSERT_EQ(number_at(sums, i), expected[static_cast<std::size_t>(i)]);
        }
}

TEST(Places, of_padding_are_the_same_for_many_planes_together_as_axis_by_axis) {
  const Tensor x = reshape(arange(0.0, 40.0 * 3 * 4 * 5), {40, 3, 4, 5}),
               weights = reshape(arange(0.0, 40.0 * 5 * 4 * 8), {40, 5, 4, 8});
  for (const PadMode mode : {PadMode::reflect, PadMode::replicate, PadMode::circular}) {
    const auto together = [&](const Tensor& in) { return pad(in, {2, 1, 0, 0, 1, 1}, mode); };
    const auto one_by_one = [&](const Tensor& in) {
      return pad(pad(in, {2, 1}, mode), {0, 0, 0, 0, 1, 1}, mode);
    };
    EXPECT_TRUE(array_equal(together(x), one_by_one(x)));
    const auto gradient = [&](const auto& f) {
      const Tensor leaf = variable(x);
      return gradients(sum(f(leaf) * weights), {leaf}).at(leaf);
    };
    EXPECT_TRUE(array_equal(gradient(together), gradient(one_by_one)));
  }
}

}  // namespace
}  // namespace chainrule::test
