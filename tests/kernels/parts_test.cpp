// Parts of large arrays, and permuted axes, which are read where they lie: against the same operations on
// copies that were made element by element here.

#include <algorithm>
#include <array>
#include <memory>
#include <numeric>

#include "array/pool.h"
#include "chainrule/autograd.h"
#include "chainrule/optim.h"
#include "chainrule/shaping.h"
#include "graph/node.h"
#include "kernels/boxes.h"
#include "kernels/evaluation.h"
#include "support.h"
#include "thread_counts.h"

namespace chainrule::test {
namespace {

using Slices = std::vector<Index>;

/// A part of a tensor, and the places of its elements there.
struct Part {
  std::vector<Slice> slices;
  Shape shape;
  std::vector<std::int64_t> places;

  Tensor of(const Tensor& x) const { return index(x, Slices(slices.begin(), slices.end())); }
  /// A copy that no kernel for parts has seen.
  Tensor copied(const Tensor& x) const {
    const std::vector<double> all = values(x);
    std::vector<double> some;
    some.reserve(places.size());
    for (const std::int64_t place : places) some.push_back(all[static_cast<std::size_t>(place)]);
    return cast(tensor(some, shape), x.dtype());
  }
};

/// Of most of each axis, in steps of up to 2 either way.
Part random_part(const Shape& whole, Engine& engine) {
  Part part;
  std::vector<std::vector<std::int64_t>> along;
  std::vector<std::int64_t> sizes;
  for (const std::int64_t size : whole) {
    std::vector<std::int64_t> taken;
    const std::int64_t first = static_cast<std::int64_t>(engine() % 3) % size,
                       last = size - 1 - static_cast<std::int64_t>(engine() % 3) % (size - first),
                       step = engine() % 4 == 0 ? 2 : 1;
    switch (engine() % 4) {
      case 0:
        part.slices.emplace_back();
        for (std::int64_t i = 0; i < size; ++i) taken.push_back(i);
        break;
      case 1:
        part.slices.push_back(Slice{last, first == 0 ? std::optional<std::int64_t>() : first - 1, -step});
        for (std::int64_t i = last; i >= first; i -= step) taken.push_back(i);
        break;
      default:
        part.slices.push_back(Slice{first, last + 1, step});
        for (std::int64_t i = first; i <= last; i += step) taken.push_back(i);
    }
    sizes.push_back(static_cast<std::int64_t>(taken.size()));
    along.push_back(std::move(taken));
  }
  part.shape = Shape(sizes);
  part.places = {0};
  for (std::size_t axis = 0; axis < along.size(); ++axis) {
    std::vector<std::int64_t> longer;
    for (const std::int64_t place : part.places)
      for (const std::int64_t i : along[axis]) longer.push_back(place * whole[axis] + i);
    part.places = std::move(longer);
  }
  return part;
}

const std::array wholes = {Shape{60000},   Shape{300, 257},      Shape{70, 30, 33},  Shape{5, 300, 40},
                           Shape{9000, 6}, Shape{12, 9, 20, 30}, Shape{1, 400, 120}, Shape{150, 1, 3, 90}};

/// Already in memory.
Tensor made(const Tensor& tensor) {
  (void)values(tensor);
  return tensor;
}

/// What there is to do with two arrays of a shape, and with what broadcasts to it.
std::vector<Tensor> results(const Tensor& a, const Tensor& b, const Tensor& row, const Tensor& column) {
  const auto last = static_cast<std::int64_t>(a.rank()) - 1;
  return {a * 2,
          exp(a),
          a - b,
          b * a + a,
          (a - row) * column,
          where(a > b, a, row),
          a > 0,
          maximum(column, a) * a,
          sum(a),
          sum(a * b, 0),
          sum(a, 0),
          min(a, 0),
          sum(a, last),
          max(square(a), last),
          sum(exp(b) * column),
          concatenate({a, b * 3}, 0),
          concatenate({a, b}, last),
          cast(a, DType::float64) + 1,
          reshape(a, {-1}) * 2,
          unsqueeze(a, 0) + unsqueeze(b, 0)};
}

TEST(PartOfAnArray, gives_what_a_copy_gives) {
  PRINT_SEED_ON_FAILURE();
  Engine engine(seed());
  for (int round = 0; round < 60; ++round) {
    const Shape& whole = wholes[engine() % wholes.size()];
    const DType dtype = round % 2 == 0 ? DType::float32 : DType::float64;
    const Tensor x = cast(random_tensor(whole, engine), dtype), y = cast(random_tensor(whole, engine), dtype);
    const Part part = random_part(whole, engine);
    Shape one_row = part.shape, one_column = part.shape;
    for (std::size_t axis = 0; axis + 1 < part.shape.rank(); ++axis) one_row[axis] = 1;
    one_column[part.shape.rank() - 1] = 1;
    const Tensor row = cast(random_tensor(one_row, engine), dtype),
                 column = cast(random_tensor(one_column, engine), dtype);
    const Tensor of_x = part.of(x), of_y = part.of(y);
    const auto read = results(part.of(x), part.of(y), row, column), again = results(of_x, of_y, row, column),
               expected = results(part.copied(x), part.copied(y), row, column);
    for (std::size_t i = 0; i < read.size(); ++i) {
      ASSERT_EQ(values(read[i]), values(expected[i]))
          << "result " << i << " of " << part.shape << " in " << whole;
      ASSERT_EQ(values(again[i]), values(expected[i])) << "result " << i << ", when it is held";
    }
    ASSERT_EQ(values(of_x), values(part.copied(x)));
    const Part inner = random_part(part.shape, engine);
    ASSERT_EQ(values(inner.of(part.of(x)) * 2), values(inner.copied(part.copied(x)) * 2))
        << inner.shape << " of " << part.shape << " of " << whole;
    ASSERT_EQ(values(unsqueeze(inner.of(unsqueeze(part.of(x), 0)[0]), 0)),
              values(inner.copied(part.copied(x))));
  }
}

TEST(PartOfAnArray, may_be_all_of_it_backwards) {
  PRINT_SEED_ON_FAILURE();
  Engine engine(seed());
  const Tensor x = random_tensor({200, 150}, engine), one = random_tensor({1, 1}, engine);
  for (const bool rows : {false, true})
    for (const bool columns : {false, true}) {
      Part part{{Slice{{}, {}, rows ? -1 : 1}, Slice{{}, {}, columns ? -1 : 1}}, x.shape(), {}};
      for (std::int64_t i = 0; i < 200; ++i)
        for (std::int64_t j = 0; j < 150; ++j)
          part.places.push_back((rows ? 199 - i : i) * 150 + (columns ? 149 - j : j));
      const Tensor copy = part.copied(x);
      EXPECT_EQ(values(part.of(x) * 2 + 1), values(copy * 2 + 1));
      const auto read = results(part.of(x), x, one, one), expected = results(copy, x, one, one);
      for (std::size_t i = 0; i < read.size(); ++i)
        EXPECT_EQ(values(read[i]), values(expected[i])) << "result " << i;
    }
}

// What is computed together takes over the memory of what nobody reads after it.
TEST(PartOfAnArray, backwards_does_not_give_its_memory_up_before_it_has_been_read) {
  PRINT_SEED_ON_FAILURE();
  Engine engine(seed());
  const Tensor numbers = random_tensor({200, 150}, engine), v = variable(random_tensor({200, 150}, engine));
  for (const std::int64_t step : {1, -1}) {
    const std::vector<Index> where = {Slice{{}, {}, -1}, Slice{{}, {}, step}};
    const kernels::Box box{{199, step == 1 ? 0 : 149}, {-1, step}, numbers.shape()};
    Array part;
    {
      const Tensor x = made(exp(numbers));
      part = kernels::gather(x.node()->value(), box);
    }
    const Tensor twice = v * 2;
    kernels::evaluate_together(std::array{part, twice.node()->value()});
    const std::vector<double> expected = values(made(index(exp(numbers), where)));
    EXPECT_EQ(std::vector<double>(part.data<double>(), part.data<double>() + part.size()), expected);
  }
}

TEST(PartOfAnArray, may_be_of_any_dtype) {
  PRINT_SEED_ON_FAILURE();
  Engine engine(seed());
  for (const DType dtype :
       {DType::boolean, DType::int64, DType::int32, DType::uint8, DType::float16, DType::bfloat16})
    for (const Shape& whole : wholes) {
      const Tensor x = cast(random_tensor(whole, engine) > 0, dtype);
      const Part part = random_part(whole, engine);
      EXPECT_EQ(part.of(x).dtype(), dtype);
      EXPECT_EQ(values(part.of(x)), values(part.copied(x))) << to_string(dtype) << ' ' << whole;
      if (dtype != DType::int64) continue;
      EXPECT_EQ(values(part.of(x) * 3 + part.of(x)), values(part.copied(x) * 4)) << whole;
    }
}

TEST(PartOfAnArray, has_the_gradient_at_its_place) {
  PRINT_SEED_ON_FAILURE();
  Engine engine(seed());
  for (const Shape& whole : wholes) {
    const Tensor x = variable(random_tensor(whole, engine));
    const Part part = random_part(whole, engine);
    const Tensor weights = random_tensor(part.shape, engine);
    sum(square(part.of(x)) * weights).backward();
    const std::vector<double> at = values(x), by = values(weights), gradient = values(x.grad());
    std::vector<double> expected(at.size());
    for (std::size_t i = 0; i < part.places.size(); ++i) {
      const auto place = static_cast<std::size_t>(part.places[i]);
      expected[place] = 2 * at[place] * by[i];
    }
    EXPECT_TRUE(close(x.grad(), tensor(expected, whole), 1e-15)) << whole;
  }
}

TEST(PartOfAnArray, gives_the_same_bits_with_any_number_of_threads) {
  PRINT_SEED_ON_FAILURE();
  Engine engine(seed());
  const Shape whole{700, 520};
  const Tensor x = cast(random_tensor(whole, engine), DType::float32);
  const Part part = random_part(whole, engine);
  std::vector<double> first;
  with_each_thread_count([&](int) {
    const std::vector<double> now = values(sum(tanh(part.of(x)) * part.of(x), 0));
    if (first.empty()) first = now;
    EXPECT_EQ(now, first);
  });
}

TEST(PartOfAnArray, is_what_it_was_when_it_was_taken) {
  Parameter w(full({200, 200}, 2.0), "w");
  const Tensor rows = w.leaf()[{Slice{0, 150}}], columns = w.leaf()[{Slice{}, Slice{0, 150}}];
  sum(w * 1).backward();
  Sgd({w}, {.learning_rate = 1}).step();
  EXPECT_EQ(values(w).front(), 1);
  EXPECT_EQ(values(rows), std::vector<double>(30000, 2.0));
  EXPECT_EQ(values(columns), std::vector<double>(30000, 2.0));
}

TEST(PartOfAnArray, is_a_copy_of_memory_that_others_may_change) {
  const auto numbers = std::make_shared<std::vector<double>>(200 * 200, 2.0);
  const Tensor x =
      from_memory(std::shared_ptr<const void>(numbers, numbers->data()), DType::float64, {200, 200});
  const Tensor rows = x[{Slice{0, 150}}], columns = x[{Slice{}, Slice{0, 150}}];
  std::ranges::fill(*numbers, 3.0);
  EXPECT_EQ(values(rows), std::vector<double>(30000, 2.0));
  EXPECT_EQ(values(columns), std::vector<double>(30000, 2.0));
}

TEST(PartOfAnArray, holds_the_whole_only_where_that_is_not_much_larger) {
  const auto holders = [](const Tensor& x) { return x.node()->value().is_sole_owner() ? 0 : 1; };
  const Tensor x = full({400, 4000}, 2.0);
  const Tensor few_rows = x[{Slice{0, 20}}], few_columns = x[{Slice{}, Slice{0, 100}}];
  EXPECT_EQ(holders(x), 0);
  const Tensor rows = x[{Slice{0, 200}}];
  EXPECT_EQ(holders(x), 1);
}

/// An order of axes, and the shape that an array of this shape has been permuted from.
struct Order {
  std::vector<std::int64_t> order;
  Shape before;
};

std::vector<Order> orders_for(const Shape& shape) {
  std::vector<std::int64_t> order(shape.rank());
  std::iota(order.begin(), order.end(), 0);
  std::vector<Order> found;
  do {
    Shape before = shape;
    for (std::size_t axis = 0; axis < order.size(); ++axis)
      before[static_cast<std::size_t>(order[axis])] = shape[axis];
    found.push_back({order, before});
  } while (std::ranges::next_permutation(order).found);
  return found;
}

TEST(PermutedAxes, give_what_a_copy_gives) {
  PRINT_SEED_ON_FAILURE();
  Engine engine(seed());
  for (const Shape& shape : {Shape{200, 150}, Shape{7, 90, 50}, Shape{3, 20, 30, 40}})
    for (const Order& each : orders_for(shape)) {
      const DType dtype = engine() % 2 == 0 ? DType::float32 : DType::float64;
      Shape one_row = shape, layer = shape;
      for (std::size_t axis = 0; axis + 1 < shape.rank(); ++axis) one_row[axis] = 1;
      layer[engine() % shape.rank()] = 1;
      const auto random = [&](const Shape& of) { return cast(random_tensor(of, engine), dtype); };
      const Tensor a = random(each.before), b = random(each.before), plain = random(shape),
                   row = random(one_row), wide = random(layer), column = random({shape[shape.rank() - 2], 1});
      const auto all = [&](bool first) {
        const auto moved = [&](const Tensor& x) {
          const Tensor result = permute(x, each.order);
          return first ? made(result) : result;
        };
        return std::vector<Tensor>{moved(a) * 2,
                                   exp(moved(a)) + 1,
                                   moved(a) - moved(b),
                                   moved(a) * row,
                                   column / moved(a) + row,
                                   moved(a) * wide,
                                   moved(a) + plain,
                                   moved(a) + swapaxes(swapaxes(plain, 0, 1) + 0, 0, 1),
                                   where(moved(a) > moved(b), moved(a), column),
                                   moved(a) > 0,
                                   permute(exp(moved(a)), each.order),
                                   max(moved(a), -1),
                                   max(moved(a) * row, -2),
                                   min(moved(a), 0),
                                   max(moved(a))};
      };
      const auto unread = all(false), read = all(true);
      for (std::size_t i = 0; i < unread.size(); ++i)
        ASSERT_EQ(values(unread[i]), values(read[i])) << "result " << i << ' ' << shape;
    }
}

TEST(SumOfPermutedAxes, has_the_same_bits_whether_they_have_been_read_or_not) {
  PRINT_SEED_ON_FAILURE();
  Engine engine(seed());
  const Shape shape{6, 130, 70};
  for (const Order& each : orders_for(shape)) {
    const Tensor x = cast(random_tensor(each.before, engine), DType::float32);
    const Tensor exact = permute(cast(x, DType::float64), each.order) + 0;
    for (const std::vector<std::int64_t>& axes :
         {std::vector<std::int64_t>{0}, {1}, {2}, {0, 1}, {0, 2}, {1, 2}, {0, 1, 2}}) {
      const Tensor unread = sum(permute(x, each.order), Axes(axes)),
                   read = sum(made(permute(x, each.order)), Axes(axes)), expected = sum(exact, Axes(axes));
      EXPECT_EQ(values(unread), values(read));
      EXPECT_TRUE(close(cast(unread, DType::float64), expected, 1e-4)) << unread.shape();
    }
  }
}

}  // namespace
}  // namespace chainrule::test
