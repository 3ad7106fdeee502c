// What the functions of shapes give, in numbers, for dtypes with and without a gradient, as NumPy and PyTorch
// do.

#include "chainrule/shaping.h"
#include "chainrule/functions.h"

#include <cmath>
#include <limits>

#include "chainrule/autograd.h"
#include "support.h"

namespace chainrule::test {
namespace {

const Tensor counted = reshape(arange(0, 6), {2, 3});

TEST(Axes, come_and_go) {
  EXPECT_TRUE(equals(squeeze(zeros({1, 2, 1})), {2}, {0, 0}));
  EXPECT_TRUE(equals(squeeze(zeros({1, 2, 1}), -1), {1, 2}, {0, 0}));
  EXPECT_TRUE(equals(unsqueeze(counted, -1), {2, 3, 1}, {0, 1, 2, 3, 4, 5}));
  EXPECT_TRUE(equals(expand_dims(tensor({1, 2}), {0, -1}), {1, 2, 1}, {1, 2}));
  EXPECT_TRUE(equals(flatten(tensor(5)), {1}, {5}));
  EXPECT_THROW((void)flatten(tensor(5), 0, 1), ShapeError);
  EXPECT_TRUE(equals(flatten(zeros({2, 0, 3}), 1), {2, 0}, {}));
  EXPECT_TRUE(equals(unflatten(zeros({0, 4}), 1, {2, -1}), {0, 2, 2}, {}));
  EXPECT_EQ(movedim(zeros({2, 3, 4}), 0, -1).shape(), (Shape{3, 4, 2}));
  EXPECT_EQ(movedim(zeros({2, 3, 4, 5}), {3, 0}, {0, 2}).shape(), (Shape{5, 3, 2, 4}));
  EXPECT_EQ(moveaxis(zeros({2, 3, 4}), 2, 0).shape(), (Shape{4, 2, 3}));
  EXPECT_TRUE(equals(expand(tensor({{1}, {2}}), {2, -1, 2}), {2, 2, 2}, {1, 1, 2, 2, 1, 1, 2, 2}));
  EXPECT_EQ(atleast_3d(zeros({4, 5})).shape(), (Shape{4, 5, 1}));
  EXPECT_EQ(atleast_3d(zeros({4})).shape(), (Shape{1, 4, 1}));
}

TEST(Permuting, that_moves_no_element_copies_none) {
  const Tensor x = reshape(sin(arange(0, 6)), {2, 1, 3});
  for (const std::vector<std::int64_t>& order : {std::vector<std::int64_t>{0, 1, 2}, {1, 0, 2}, {0, 2, 1}}) {
    const Tensor y = permute(x, order);
    EXPECT_EQ(y.data<double>().data(), x.data<double>().data());
    EXPECT_EQ(y.to_vector<double>(), x.to_vector<double>());
  }
  EXPECT_EQ(permute(x, {0, 2, 1}).shape(), (Shape{2, 3, 1}));
  EXPECT_NE(permute(x, {2, 1, 0}).to_vector<double>(), x.to_vector<double>());
}

TEST(Pieces, are_those_of_pytorch) {
  const auto sizes = [](const std::vector<Tensor>& parts) {
    std::vector<std::int64_t> list;
    for (const Tensor& part : parts) list.push_back(part.shape().back());
    return list;
  };
  using List = std::vector<std::int64_t>;
  const Tensor x = arange(0, 7);
  EXPECT_EQ(sizes(split(x, 3)), (List{3, 3, 1}));
  EXPECT_EQ(sizes(split(x, {0, 5, 2})), (List{0, 5, 2}));
  EXPECT_EQ(sizes(array_split(x, 3)), (List{3, 2, 2}));
  EXPECT_EQ(sizes(array_split(x, 9)), (List{1, 1, 1, 1, 1, 1, 1, 0, 0}));
  EXPECT_EQ(sizes(array_split(x, {2, 5})), (List{2, 3, 2}));
  EXPECT_EQ(sizes(array_split(x, {5, 2, -1, 9})), (List{5, 0, 4, 1, 0}));
  EXPECT_EQ(sizes(array_split(x, {3})), (List{3, 4}));
  EXPECT_EQ(sizes(array_split(x, List{})), (List{7}));
  EXPECT_TRUE(equals(array_split(x, {2, 5})[1], {3}, {2, 3, 4}));
  EXPECT_EQ(sizes(chunk(x, 4)), (List{2, 2, 2, 1}));
  EXPECT_EQ(sizes(chunk(x, 5)), (List{2, 2, 2, 1}));
  EXPECT_EQ(sizes(chunk(zeros(0), 3)), (List{0, 0, 0})) << "as PyTorch has it";
  EXPECT_TRUE(equals(split(x, {0, 5, 2})[2], {2}, {5, 6}));
  EXPECT_TRUE(equals(unbind(counted, 1)[2], {2}, {2, 5}));
  EXPECT_TRUE(equals(select(counted, -1, -2), {2}, {1, 4}));
  EXPECT_TRUE(equals(narrow(counted, 1, 1, 2), {2, 2}, {1, 2, 4, 5}));
  EXPECT_TRUE(equals(unfold(x, 0, 3, 2), {3, 3}, {0, 1, 2, 2, 3, 4, 4, 5, 6}));
  EXPECT_TRUE(equals(unfold(counted, 0, 1), {2, 3, 1}, {0, 1, 2, 3, 4, 5}));
  EXPECT_TRUE(
      equals(unfold(reshape(arange(8), {4, 2}), 0, 3), {2, 2, 3}, {0, 2, 4, 1, 3, 5, 2, 4, 6, 3, 5, 7}));
  EXPECT_TRUE(equals(unfold(x, 0, 3, std::numeric_limits<std::int64_t>::max()), {1, 3}, {0, 1, 2}));
  EXPECT_TRUE(equals(unfold(counted, 1, 0), {2, 4, 0}, {}));
  EXPECT_TRUE(equals(unfold(x, 0, 3, 3), {2, 3}, {0, 1, 2, 3, 4, 5}));
  const Tensor many = zeros(4096);
  const Tensor apart = unfold(many, 0, 4, 4);
  EXPECT_EQ(apart.data<double>().data(), many.data<double>().data()) << "they stay in order";
  EXPECT_TRUE(equals(sliding_window_view(counted, {2, 2}), {1, 2, 2, 2}, {0, 1, 3, 4, 1, 2, 4, 5}));
  const Tensor v = variable({1, 2, 3, 4});
  EXPECT_TRUE(equals(gradients(sum(unfold(v, 0, 2)), {v}).at(v), {4}, {1, 2, 2, 1}));
}

TEST(Turning, is_that_of_numpy) {
  EXPECT_TRUE(equals(flip(counted), {2, 3}, {5, 4, 3, 2, 1, 0}));
  EXPECT_TRUE(equals(fliplr(counted), {2, 3}, {2, 1, 0, 5, 4, 3}));
  EXPECT_TRUE(equals(flipud(counted), {2, 3}, {3, 4, 5, 0, 1, 2}));
  EXPECT_TRUE(equals(roll(counted, 1), {2, 3}, {5, 0, 1, 2, 3, 4}));
  EXPECT_TRUE(equals(roll(counted, {1, -1}, {0, 1}), {2, 3}, {4, 5, 3, 1, 2, 0}));
  EXPECT_TRUE(equals(roll(counted, -4, 1), {2, 3}, {1, 2, 0, 4, 5, 3}));
  EXPECT_TRUE(equals(rot90(counted), {3, 2}, {2, 5, 1, 4, 0, 3}));
  EXPECT_TRUE(equals(rot90(counted, -1), {3, 2}, {3, 0, 4, 1, 5, 2}));
  EXPECT_TRUE(equals(rot90(counted, 3), {3, 2}, {3, 0, 4, 1, 5, 2}));
  EXPECT_TRUE(equals(rot90(counted, 1, {1, 0}), {3, 2}, {3, 0, 4, 1, 5, 2}));
}

TEST(Padding, puts_runs_of_any_length_between_borders_of_any_dtype) {
  for (const DType dtype : {DType::boolean, DType::float16, DType::float32, DType::float64})
    for (const std::int64_t columns : {1, 3, 17, 40, 700})
      for (const std::int64_t border : {0, 1, 9, 300}) {
        const Tensor x =
            cast(reshape(chainrule::remainder(arange(0, 6 * columns), 3), {2, 3, columns}), dtype);
        const Tensor y = pad(x, {border, 2, 1, 0}, PadMode::constant, 1);
        EXPECT_EQ(values(y[{Slice{}, Slice{1, 4}, Slice{border, border + columns}}]), values(x));
        EXPECT_EQ(sum(cast(y, DType::int64)).item<std::int64_t>(),
                  sum(cast(x, DType::int64)).item<std::int64_t>() + y.size() - x.size())
            << to_string(dtype) << ' ' << columns << ' ' << border;
        EXPECT_TRUE(all(cast(y[{Slice{}, 0}], DType::int64) == 1).item<bool>());
      }
}

TEST(Joining, is_that_of_numpy) {
  const Tensor a = tensor({1, 2}), b = tensor({3, 4});
  EXPECT_TRUE(equals(hstack({a, b}), {4}, {1, 2, 3, 4}));
  EXPECT_TRUE(equals(vstack({a, b}), {2, 2}, {1, 2, 3, 4}));
  EXPECT_TRUE(equals(dstack({a, b}), {1, 2, 2}, {1, 3, 2, 4}));
  EXPECT_TRUE(equals(column_stack({a, b}), {2, 2}, {1, 3, 2, 4}));
}

TEST(Repeating, is_that_of_pytorch_and_numpy) {
  const Tensor x = tensor({{1, 2}, {3, 4}});
  EXPECT_TRUE(equals(repeat(x, {1, 2}), {2, 4}, {1, 2, 1, 2, 3, 4, 3, 4}));
  EXPECT_TRUE(equals(repeat(tensor({1, 2}), {2, 1, 2}), {2, 1, 4}, {1, 2, 1, 2, 1, 2, 1, 2}));
  EXPECT_TRUE(equals(tile(x, {2}), {2, 4}, {1, 2, 1, 2, 3, 4, 3, 4}));
  EXPECT_TRUE(equals(tile(x, {0, 1}), {0, 2}, {}));
  EXPECT_TRUE(equals(repeat_interleave(x, 2), {8}, {1, 1, 2, 2, 3, 3, 4, 4}));
  EXPECT_TRUE(equals(repeat_interleave(x, 2, 0), {4, 2}, {1, 2, 1, 2, 3, 4, 3, 4}));
  EXPECT_TRUE(equals(repeat_interleave(x, {0, 3}, 1), {2, 3}, {2, 2, 2, 4, 4, 4}));
  EXPECT_TRUE(mentions(message_of<ShapeError>([&] { repeat(x, {std::int64_t{1} << 62, 4}); }), {"repeat: "}));
}

TEST(Padding, is_that_of_pytorch) {
  const Tensor x = tensor({1, 2, 3});
  EXPECT_TRUE(equals(pad(x, {1, 2}, PadMode::constant, 9), {6}, {9, 1, 2, 3, 9, 9}));
  EXPECT_EQ(pad(x, {1, 2}).dtype(), DType::int64);
  EXPECT_TRUE(equals(pad(x, {-1, 1}), {3}, {2, 3, 0}));
  EXPECT_TRUE(equals(pad(x, {2, 2}, PadMode::reflect), {7}, {3, 2, 1, 2, 3, 2, 1}));
  EXPECT_TRUE(equals(pad(x, {2, 1}, PadMode::replicate), {6}, {1, 1, 1, 2, 3, 3}));
  EXPECT_TRUE(equals(pad(x, {3, 2}, PadMode::circular), {8}, {1, 2, 3, 1, 2, 3, 1, 2}));
  EXPECT_TRUE(equals(pad(counted, {0, 1, 1, 0}), {3, 4}, {0, 0, 0, 0, 0, 1, 2, 0, 3, 4, 5, 0}));
  EXPECT_TRUE(equals(pad(zeros({0}), {1, 0}), {1}, {0}));
  const Tensor v = variable({1, 2, 3});
  EXPECT_TRUE(equals(gradients(sum(pad(v, {2, 1}, PadMode::reflect)), {v}).at(v), {3}, {1, 3, 2}));
}

TEST(Matrices, have_triangles_and_diagonals) {
  const Tensor x = tensor({{1, 2, 3}, {4, 5, 6}, {7, 8, 9}});
  EXPECT_TRUE(equals(tril(x), {3, 3}, {1, 0, 0, 4, 5, 0, 7, 8, 9}));
  EXPECT_EQ(tril(x).dtype(), DType::int64);
  EXPECT_EQ(triu(x > 2).dtype(), DType::boolean);
  EXPECT_TRUE(equals(triu(x, 1), {3, 3}, {0, 2, 3, 0, 0, 6, 0, 0, 0}));
  EXPECT_TRUE(equals(triu(x, std::numeric_limits<std::int64_t>::min()), {3, 3}, {1, 2, 3, 4, 5, 6, 7, 8, 9}));
  EXPECT_TRUE(equals(diagonal(x, -1), {2}, {4, 8}));
  EXPECT_TRUE(equals(diagonal(x, 2), {1}, {3}));
  EXPECT_TRUE(equals(diagonal(x, 7), {0}, {}));
  EXPECT_TRUE(equals(diagonal(counted, 0, 1, 0), {2}, {0, 4}));
  EXPECT_TRUE(equals(diag(tensor({1, 2}), 1), {3, 3}, {0, 1, 0, 0, 0, 2, 0, 0, 0}));
  EXPECT_TRUE(equals(diag(tensor({1, 2}), -1), {3, 3}, {0, 0, 0, 1, 0, 0, 0, 2, 0}));
  EXPECT_TRUE(equals(diag_embed(tensor({{1, 2}}), 0, 0, 2), {2, 1, 2}, {1, 0, 0, 2}));
  EXPECT_TRUE(equals(diag_embed(zeros({0})), {0, 0}, {}));
  EXPECT_TRUE(equals(trace(x), {}, {15}));
  EXPECT_EQ(trace(x).dtype(), DType::int64);
  constexpr double inf = std::numeric_limits<double>::infinity();
  const Tensor infinite = variable({{1, inf}, {1, 1}});
  EXPECT_TRUE(equals(gradients(sum(tril(infinite) * 2), {infinite}).at(infinite), {2, 2}, {2, 0, 2, 2}));
}

TEST(Grids, are_indexed_by_rows_or_by_columns) {
  const Tensor a = tensor({1, 2}), b = tensor({3, 4, 5});
  EXPECT_TRUE(equals(meshgrid({a, b})[0], {2, 3}, {1, 1, 1, 2, 2, 2}));
  EXPECT_TRUE(equals(meshgrid({a, b})[1], {2, 3}, {3, 4, 5, 3, 4, 5}));
  EXPECT_TRUE(equals(meshgrid({a, b}, true)[0], {3, 2}, {1, 2, 1, 2, 1, 2}));
  EXPECT_TRUE(equals(meshgrid({a, b}, true)[1], {3, 2}, {3, 3, 4, 4, 5, 5}));
}

TEST(Making, counts_in_steps_and_powers) {
  EXPECT_TRUE(equals(eye(2, 3), {2, 3}, {1, 0, 0, 0, 1, 0}));
  EXPECT_TRUE(equals(eye(3, 2, DType::int64), {3, 2}, {1, 0, 0, 1, 0, 0}));
  EXPECT_TRUE(equals(full_like(tensor({1, 2}), 7), {2}, {7, 7}));
  EXPECT_TRUE(equals(arange(7, 0, -3), {3}, {7, 4, 1}));
  EXPECT_EQ(arange(7, 0, -3).dtype(), DType::int64);
  EXPECT_TRUE(equals(arange(0, 1, 0.25), {4}, {0, 0.25, 0.5, 0.75}));
  EXPECT_TRUE(equals(arange(1, 0, 0.5), {0}, {}));
  EXPECT_TRUE(close(logspace(0, 2, 3), {1, 10, 100}));
  EXPECT_TRUE(close(logspace(0, 2, 3, 2, DType::float32), {1, 2, 4}));
  EXPECT_TRUE(mentions(message_of<ShapeError>([] { arange(0, 1, 0); }), {"arange: ", "step"}));
  EXPECT_TRUE(mentions(message_of<ShapeError>([] { arange(0.0, INFINITY, 1); }), {"arange: "}));
}

}  // namespace
}  // namespace chainrule::test
