// Reductions of arrays (outer, n, inner) along the middle axis: there are ways for lines of neighbours, for
// short and long ones, and for wide and narrow rows.

#include "kernels/reduce.h"

#include "chainrule/autograd.h"
#include "chainrule/ops.h"
#include "chainrule/shaping.h"
#include "reference.h"
#include "support.h"
#include "thread_counts.h"

namespace chainrule::test {
namespace {

const std::vector<Shape> shapes = {{1, 1, 1},      {40, 3, 1},   {7, 64, 1},   {3, 1000, 1}, {1, 140001, 1},
                                   {2, 150000, 1}, {9, 5, 3},    {40, 20, 5},  {2, 5000, 3}, {1, 9001, 2},
                                   {1, 70, 63},    {3, 200, 64}, {1, 12, 65},  {1, 9, 1025}, {1, 300, 1025},
                                   {2, 300, 500},  {1, 3, 4097}, {1, 64, 2050}};

TEST(Reductions, agree_with_plain_loops_along_lines_of_every_kind) {
  PRINT_SEED_ON_FAILURE();
  Engine engine(seed());
  for (const Shape& shape : shapes)
    for (const DType dtype : {DType::float32, DType::float64, DType::int64}) {
      SCOPED_TRACE(testing::PrintToString(shape) + " " + std::string(to_string(dtype)));
      const Tensor x = cast(random_tensor(shape, engine, -100, 100), dtype);
      const auto expected = [&](const reference::Scalar& fold) {
        const reference::Array all = reference::reduce(reference::from_tensor(x), {1}, false, fold);
        return std::vector<double>(all.values.begin(), all.values.end());
      };
      const double tolerance = dtype == DType::float32 ? 1e-6 : 1e-14;
      EXPECT_TRUE(close(sum(x, 1), expected(reference::sum), tolerance * 100 * std::sqrt(shape[1])));
      EXPECT_TRUE(close(max(x, 1), expected(reference::max), 0));
      EXPECT_TRUE(close(min(x, 1), expected(reference::min), 0));
    }
}

TEST(Reductions, find_what_is_not_a_number_and_keep_it_to_its_line) {
  for (const Shape& shape : shapes) {
    SCOPED_TRACE(testing::PrintToString(shape));
    const std::int64_t n = shape[1], lines = shape[0] * shape[2];
    for (const std::int64_t place : {std::int64_t{0}, n / 2, n - 1}) {
      std::vector<double> numbers(static_cast<std::size_t>(n * lines), 1.0);
      numbers[((shape[0] - 1) * n + place) * shape[2] + shape[2] - 1] = std::nan("");
      std::vector<double> expected(static_cast<std::size_t>(lines), 1.0);
      expected.back() = std::nan("");
      EXPECT_TRUE(equals(max(tensor(numbers, shape), 1), {shape[0], shape[2]}, expected));
      EXPECT_TRUE(equals(min(tensor(numbers, shape), 1), {shape[0], shape[2]}, expected));
      EXPECT_TRUE(std::isnan(values(sum(tensor(numbers, shape), 1)).back()));
    }
  }
}

TEST(Reductions, add_up_as_accurately_as_pairs_along_any_axis) {
  constexpr std::int64_t n = 1 << 20;
  for (const Shape& shape :
       {Shape{1, n, 1}, Shape{1, n, 2}, Shape{1, n / 64, 64}, Shape{1, n / 1024, 1024}}) {
    const Tensor x = full(shape, 0.1, DType::float32);
    const double expected = static_cast<double>(0.1F) * static_cast<double>(shape[1]);
    for (const double total : values(sum(x, 1))) EXPECT_NEAR(total / expected, 1, 1e-6);
  }
}

/// Max (min) along axis 1, and the gradient of what weights g, by plain loops.
struct Extremum {
  std::vector<double> values, gradient;
  Extremum(const Tensor& x, const std::vector<double>& g, double sign) {
    const std::vector<double> in = test::values(x);
    const std::int64_t n = x.shape()[1], inner = x.shape()[2];
    gradient.resize(in.size());
    for (std::int64_t line = 0; line < x.shape()[0] * inner; ++line) {
      const auto at = [&](std::int64_t i) { return (line / inner * n + i) * inner + line % inner; };
      double best = in[at(0)];
      for (std::int64_t i = 1; i < n; ++i)
        if (std::isnan(in[at(i)]) || sign * in[at(i)] > sign * best) best = in[at(i)];
      double ties = 0;
      for (std::int64_t i = 0; i < n; ++i) ties += in[at(i)] == best ? 1 : 0;
      for (std::int64_t i = 0; i < n; ++i)
        if (in[at(i)] == best) gradient[at(i)] = g[line] / ties;
      values.push_back(best);
    }
  }
};

TEST(Extrema, have_the_gradient_at_their_places_or_shared_among_equal_ones) {
  PRINT_SEED_ON_FAILURE();
  Engine engine(seed());
  constexpr double infinity = std::numeric_limits<double>::infinity();
  for (const Shape& shape : shapes)
    for (const DType dtype : {DType::float32, DType::float64})
      for (const double spread : {1e3, 2.0, 0.0})  // few ties, many, and nothing else
        for (const double special : {1.0, infinity, -infinity, std::nan("")}) {
          SCOPED_TRACE(testing::PrintToString(shape) + " with " + std::to_string(special));
          std::vector<double> numbers;
          for (const double number : values(random_tensor(shape, engine)))
            numbers.push_back(std::isnan(special) || special == 1 ? std::round(number * spread) : special);
          numbers[numbers.size() / 2] = special;
          const Tensor x = variable(cast(tensor(numbers, shape), dtype));
          const Tensor g = cast(random_tensor({shape[0], shape[2]}, engine), dtype);
          for (const double sign : {1.0, -1.0}) {
            const Tensor y = sign > 0 ? max(x, 1) : min(x, 1);
            const Extremum expected(x, values(g), sign);
            ASSERT_TRUE(equals(y, g.shape(), expected.values));
            ASSERT_TRUE(close(gradients(y, {x}, {.seed = g}).at(x), expected.gradient, 1e-6));
          }
        }
}

// Columns are put side by side where there are few, and what is left over is gone over by itself.
TEST(Extrema, are_found_in_every_row) {
  for (const Shape& shape : {Shape{9001, 2}, Shape{300, 63}, Shape{3000, 5}, Shape{200, 65}})
    for (const std::int64_t from_end : {0, 1, 5, 8, 9, 10, 31, 32, 33, 40, 64, 65, 100})
      for (const double most : {5.0, std::nan("")}) {
        SCOPED_TRACE(testing::PrintToString(shape) + " from the end " + std::to_string(from_end));
        const std::int64_t row = shape[0] - 1 - from_end;
        const Tensor there = where(reshape(arange(0, shape[0]), {shape[0], 1}) == row, most, -ones(shape));
        for (const double sign : {1.0, -1.0}) {
          const Tensor x = variable(there * sign), y = sign > 0 ? max(x, 0) : min(x, 0);
          const Tensor g = gradients(sum(y), {x}).at(x);
          ASSERT_TRUE(equals(y, {shape[1]}, std::vector<double>(shape[1], most * sign)));
          ASSERT_EQ(sum(g).item(), std::isnan(most) ? 0 : static_cast<double>(shape[1]));
          ASSERT_EQ(sum(g[row]).item(), sum(g).item());
        }
      }
}

TEST(Extrema, send_nothing_to_other_elements_even_where_the_gradient_is_infinite) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  const Tensor x = variable({{1.0, 2.0}, {4.0, 4.0}});
  for (const bool create_graph : {false, true}) {
    const Gradients g =
        gradients(max(x, 1), {x}, {.seed = tensor({infinity, infinity}), .create_graph = create_graph});
    EXPECT_TRUE(equals(g.at(x), {2, 2}, {0, infinity, infinity, infinity}));
  }
}

TEST(Reductions, give_the_same_bits_with_any_number_of_threads) {
  Engine engine(3);
  for (const Shape& shape :
       {Shape{1, 1000003, 1}, Shape{3001, 300, 1}, Shape{1, 1024, 1024}, Shape{1, 300001, 3},
        Shape{20, 100, 301}, Shape{1, 20, 100003}, Shape{30001, 49, 1}}) {
    const Tensor x = variable(cast(random_tensor(shape, engine), DType::float32));
    const auto all = [&](int threads) {
      const ThreadCount guard(threads);
      const Tensor most = max(x, 1);
      return std::vector{values(sum(x, 1)), values(most), values(min(x, 1)), values(mean(x)),
                         values(gradients(sum(most), {x}).at(x))};
    };
    EXPECT_EQ(all(1), all(3));
  }
}

TEST(Reduction, over_short_last_axes_is_that_of_each_line) {
  PRINT_SEED_ON_FAILURE();
  Engine engine(seed());
  for (const DType dtype : {DType::float32, DType::float64})
    for (std::int64_t n = 1; n <= 140; n += n < 20 ? 1 : 7)
      for (const std::int64_t lines : {1, 7, 16, 50, 403}) {
        SCOPED_TRACE(std::to_string(lines) + " lines of " + std::to_string(n) + ", " +
                     std::string(to_string(dtype)));
        const double tolerance = dtype == DType::float32 ? 1e-5 : 1e-13;
        const Tensor x = cast(random_tensor({lines, n}, engine), dtype);
        const std::vector<double> all = values(x);
        std::vector<double> total, largest, shares;
        for (std::int64_t line = 0; line < lines; ++line) {
          double sum = 0, most = -2, powers = 0;
          for (std::int64_t i = 0; i < n; ++i) {
            const double element = all[static_cast<std::size_t>(line * n + i)];
            sum += element;
            most = std::max(most, element);
            powers += std::exp(element);
          }
          total.push_back(sum);
          largest.push_back(most);
          for (std::int64_t i = 0; i < n; ++i)
            shares.push_back(std::exp(all[static_cast<std::size_t>(line * n + i)]) / powers);
        }
        EXPECT_TRUE(close(sum(x, 1), total, tolerance));
        EXPECT_EQ(values(max(x, 1)), largest);
        EXPECT_TRUE(close(softmax(x, 1), shares, tolerance));
      }
}

TEST(Products, have_the_products_of_the_others_as_derivatives_along_lines_of_every_kind) {
  PRINT_SEED_ON_FAILURE();
  Engine engine(seed());
  for (const Shape& shape : {Shape{40, 3, 1}, Shape{7, 70, 1}, Shape{9, 5, 3}, Shape{2, 8, 17},
                             Shape{2, 7, 100}, Shape{1, 6, 259}, Shape{3, 1, 64}})
    for (const DType dtype : {DType::float32, DType::float64})
      for (const double element : {1.5, 0.0, 1e4}) {  // of one line a zero, as the others must not notice
        const Tensor start = cast(random_tensor(shape, engine, 0.5, 2), dtype);
        const Tensor x = variable(slice_update(start, {0, Slice{0, 2}, 0}, element));
        const Tensor found = gradients(sum(prod(x, 1)), {x}).at(x);
        std::vector<double> expected;
        const std::vector<double> all = values(x);
        const std::int64_t n = shape[1], inner = shape[2];
        for (std::int64_t at = 0; at < x.size(); ++at) {
          double product = 1;
          for (std::int64_t i = 0; i < n; ++i)
            if (const std::int64_t place = at / inner / n * n * inner + i * inner + at % inner; place != at)
              product *= all[static_cast<std::size_t>(place)];
          expected.push_back(product);
        }
        EXPECT_TRUE(close(found, expected, dtype == DType::float32 ? 2e-5 : 1e-13))
            << shape << ' ' << to_string(dtype) << ' ' << element;
      }
}

/// Arrays that wait to be taken out of x, repeated, turned, or cast.
std::vector<Tensor (*)(const Tensor& x)> ways_to_wait() {
  return {[](const Tensor& x) { return x[{Slice{.step = 2}}]; },
          [](const Tensor& x) {
            return x[{Slice{.start = 1, .step = 3}, Index::ellipsis(), Slice{3, -1}}];
          },
          [](const Tensor& x) {
            return x[{Index::ellipsis(), Slice{.step = 2}}];
          },
          [](const Tensor& x) { return flip(x, 0); },
          [](const Tensor& x) { return flip(x); },
          [](const Tensor& x) { return transpose(x); },
          [](const Tensor& x) { return swapaxes(x, -1, -2); },
          [](const Tensor& x) {
            return broadcast_to(x[{Slice{0, 1}}], x.shape());
          },
          [](const Tensor& x) {
            return transpose(broadcast_to(x[{Index::ellipsis(), Slice{0, 1}}], x.shape()));
          },
          [](const Tensor& x) { return cast(x, DType::int32); },
          [](const Tensor& x) { return cast(transpose(x), DType::float64); },
          [](const Tensor& x) { return cast(flip(x, 0), DType::boolean); }};
}

TEST(Reductions, of_what_waits_are_those_of_what_is_written_out) {
  PRINT_SEED_ON_FAILURE();
  Engine engine(seed());
  const std::vector<std::vector<std::int64_t>> axes_of[] = {{{0}, {1}, {0, 1}},
                                                            {{0}, {1}, {2}, {0, 2}, {1, 2}}};
  for (const Shape& shape : {Shape{150, 401}, Shape{3, 20000}, Shape{72, 30, 68}})
    for (std::size_t i = 0; i < std::size(detail::dtype_names); ++i) {
      const Tensor x = cast(random_tensor(shape, engine, 0, 100), static_cast<DType>(i));
      int way = 0;
      for (const auto& wait : ways_to_wait()) {
        const Tensor written = wait(x);
        (void)written.to_vector<double>();
        const Tensor apart = cast(tensor(written.to_vector<double>(), written.shape()), written.dtype());
        for (const auto& axes : axes_of[shape.rank() - 2]) {
          SCOPED_TRACE(std::to_string(way) + testing::PrintToString(shape) + testing::PrintToString(axes) +
                       std::string(detail::dtype_names[i]));
          EXPECT_TRUE(close(sum(wait(x), axes), sum(apart, axes), 1e-6));
          EXPECT_TRUE(close(max(wait(x), axes), max(apart, axes), 0));
          EXPECT_TRUE(close(min(wait(x), axes), min(apart, axes), 0));
          EXPECT_TRUE(close(sum(wait(x) * 2, axes), sum(apart * 2, axes), 1e-6));
        }
        ++way;
      }
    }
}

TEST(Reductions, of_what_waits_are_the_same_for_all_thread_counts) {
  Engine engine(5);
  const Tensor x = cast(random_tensor({900, 700}, engine), DType::float32);
  for (const auto& wait : ways_to_wait())
    for (const Axes& axes : {Axes(), Axes({0}), Axes({1})})
      expect_same_for_all_thread_counts([&] { return values(sum(wait(x), axes)); });
}

}  // namespace
}  // namespace chainrule::test
