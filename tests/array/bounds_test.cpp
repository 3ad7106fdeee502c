// Shapes that no tensor can have, and what is near to them: none, too many, and sizes that cannot be, refused
// by every function that makes tensors. support.h reads and compares tensors.

#include <limits>

#include "chainrule/autograd.h"
#include "chainrule/data.h"
#include "chainrule/random.h"
#include "support.h"

namespace chainrule::test {
namespace {

constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t least = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t power(int exponent) { return std::int64_t{1} << exponent; }

TEST(ShapeType, counts_no_elements_where_a_size_is_0) {
  EXPECT_EQ((Shape{power(62), 0}).size(), 0);
  EXPECT_EQ((Shape{0, 5, 0}).size(), 0);
  EXPECT_EQ((Shape{most}).size(), most);
}

TEST(ShapeType, says_so_when_the_elements_cannot_be_counted) {
  EXPECT_EQ(message_of<ShapeError>([] {
              (void)Shape({power(32), power(32)}).size();
            }),
            "shape (4294967296, 4294967296): too many elements; their number must be below 2⁶³");
  EXPECT_EQ(message_of<ShapeError>([] {
              (void)Shape({2, -3}).size();
            }),
            "shape (2, -3): a size is negative; sizes count elements, from 0 on");
  EXPECT_THROW((void)Shape({-1, -1}).size(), ShapeError) << "their product is positive";
  EXPECT_THROW((void)Shape({0, -1}).size(), ShapeError);
  EXPECT_THROW((void)Shape({power(32), power(31), 0}).size(), ShapeError) << "as in NumPy";
  EXPECT_THROW((void)Shape({0, power(32), power(31)}).size(), ShapeError);
}

TEST(ShapeType, is_compared_with_a_vector_of_whole_numbers) {
  const Tensor x = zeros({2, 3});
  EXPECT_TRUE(x.shape() == (std::vector<int>{2, 3}));
  EXPECT_TRUE((std::vector<std::int64_t>{2, 3}) == x.shape());
  EXPECT_TRUE(x.shape() != (std::vector<int>{2}));
  EXPECT_FALSE(x.shape() == (std::vector<int>{3, 2}));
}

TEST(ShapeType, counts_axes_from_the_end_and_refuses_those_that_do_not_exist) {
  const Tensor x = zeros({2, 3, 5});
  EXPECT_EQ(x.shape()[-1], 5);
  EXPECT_EQ(x.shape()[-3], 2);
  EXPECT_EQ(x.shape()[1], 3);
  Shape shape = x.shape();
  shape[-1] = 7;
  EXPECT_EQ(shape, (Shape{2, 3, 7}));
  EXPECT_EQ(message_of<ShapeError>([&] { (void)x.shape()[3]; }),
            "shape: axis 3 does not exist: shape (2, 3, 5); give one from -3 to 2");
  EXPECT_THROW((void)x.shape()[std::int64_t{-4}], ShapeError);
  EXPECT_THROW(shape[3] = 1, ShapeError);
  EXPECT_TRUE(mentions(message_of<ShapeError>([] { (void)Shape().back(); }), {"a scalar has no axes"}));
}

TEST(ShapeType, has_at_most_64_axes) {
  EXPECT_EQ(Shape(std::vector<std::int64_t>(64, 1)).rank(), 64U);
  EXPECT_TRUE(mentions(message_of<ShapeError>([] { Shape(std::vector<std::int64_t>(65, 1)); }),
                       {"65 axes", "at most 64"}));
  EXPECT_THROW(Shape::filled(60000, 1), ShapeError);
  EXPECT_THROW(zeros(Shape(std::vector<std::int64_t>(60000, 1))), ShapeError);
  const Tensor x = zeros(Shape::filled(64, 1));
  EXPECT_THROW(stack({x, x}), ShapeError) << "of 64 axes there is no further one";
}

TEST(Creation, of_a_negative_size_is_refused_by_every_maker) {
  Generator random(1);
  EXPECT_TRUE(
      message_of<ShapeError>([&] {
        rand({2, -3}, random);
      }).starts_with("rand: shape (2, -3): a size is negative; sizes count elements, from 0 on; called at "));
  EXPECT_TRUE(mentions(message_of<ShapeError>([&] { randn({-5}, random); }), {"randn: shape (-5,)"}));
  EXPECT_TRUE(mentions(message_of<ShapeError>([&] { randperm(-1, random); }), {"randperm: shape (-1,)"}));
  EXPECT_TRUE(mentions(message_of<ShapeError>([] { zeros({-1, -1}); }), {"zeros: shape (-1, -1)"}));
  EXPECT_TRUE(mentions(message_of<ShapeError>([] { ones({-1}); }), {"ones: shape (-1,)"}));
  EXPECT_TRUE(mentions(message_of<ShapeError>([] { full({3, -1}, 2.0); }), {"full: shape (3, -1)"}));
  EXPECT_TRUE(mentions(message_of<ShapeError>([] { linspace(0, 1, -1); }), {"linspace: shape (-1,)"}));
  EXPECT_THROW(tensor(std::vector<double>{1}, {-1, -1}), ShapeError);
  EXPECT_THROW(broadcast_to(tensor(1.0), {-2}), ShapeError);
  EXPECT_THROW(broadcast_to(tensor({1.0}), {-1}), ShapeError);
}

TEST(Creation, of_too_many_elements_is_refused_by_every_maker) {
  Generator random(1);
  for (const DType dtype : {DType::float32, DType::float64})
    for (const Shape& shape :
         {Shape{power(62)}, Shape{power(61)}, Shape{power(32), power(32)}, Shape{most, most},
          Shape{1, power(63 - 2), 1}, Shape{power(16), power(16), power(16), power(16), 1}}) {
      EXPECT_THROW(zeros(shape, dtype), ShapeError);
      EXPECT_THROW(ones(shape, dtype), ShapeError);
      EXPECT_THROW(full(shape, 2.0, dtype), ShapeError);
      EXPECT_THROW(rand(shape, random, dtype), ShapeError);
      EXPECT_THROW(randn(shape, random, dtype), ShapeError);
    }
  EXPECT_TRUE(mentions(
      message_of<ShapeError>([] { zeros({power(62)}, DType::float32); }),
      {"zeros: shape (4611686018427387904,): too many elements; in float32 they take 2⁶³ bytes or more"}));
  EXPECT_THROW(tensor(std::vector<double>{}, {power(32), power(32)}), ShapeError);
  EXPECT_THROW(randperm(most, random), ShapeError);
  EXPECT_THROW(arange(0, most), ShapeError);
  EXPECT_TRUE(mentions(message_of<ShapeError>([] { arange(least, most); }), {"arange", "too many elements"}));
  EXPECT_TRUE(equals(arange(most, least), {0}, {}));
  EXPECT_EQ(arange(least, least + 2).to_vector<std::int64_t>(), (std::vector{least, least + 1}));
  EXPECT_EQ(arange(most - 1, most).item<std::int64_t>(), most - 1);
  EXPECT_THROW(linspace(0, 1, most), ShapeError);
  EXPECT_THROW(half_moons(power(62), 0, random), ShapeError);
}

TEST(Creation, of_more_than_there_is_memory_for_says_how_much) {
  if (sanitized) GTEST_SKIP() << "a sanitizer ends the process instead";
  const std::string message = message_of<MemoryError>([] { zeros({power(50), 2}, DType::float64); });
  EXPECT_TRUE(mentions(message, {"out of memory", "(1125899906842624, 2)", "float64", "1801439850948"}));
  EXPECT_THROW(zeros({power(50)}, DType::boolean), std::bad_alloc) << "which is what others catch";
  EXPECT_THROW(broadcast_to(tensor({1.0}), {power(50)}), MemoryError);
  const Tensor row = zeros({1, power(20)}), column = zeros({power(20), 1});
  EXPECT_THROW((void)(row + column).to_vector<double>(), MemoryError) << "also where it is computed late";
  EXPECT_EQ(sum(zeros({4}) + 1).item(), 4) << "and all goes on";
}

TEST(Reshape, of_sizes_whose_product_overflows_is_refused) {
  const Tensor x = zeros({6});
  EXPECT_TRUE(mentions(message_of<ShapeError>([&] {
                         reshape(x, {power(32), power(32)});
                       }),
                       {"reshape: (6,) to (4294967296, 4294967296)", "too many elements"}));
  // Their product is 1, modulo 2⁶⁴, and 0.
  EXPECT_THROW(reshape(zeros({1}), {274177, 67280421310721}), ShapeError);
  EXPECT_THROW(reshape(zeros({0}), {power(32), power(32)}), ShapeError);
  EXPECT_THROW(reshape(x, {power(62), 4, -1}), ShapeError);
  EXPECT_THROW(reshape(zeros({0}), {0, -1}), ShapeError);
  EXPECT_TRUE(mentions(message_of<ShapeError>([&] {
                         reshape(x, {-1, 4});
                       }),
                       {"(6,) to (-1, 4)", "not whole"}));
  EXPECT_TRUE(mentions(message_of<ShapeError>([&] { reshape(x, {-2}); }), {"negative"}));
  EXPECT_THROW(reshape(x, {least}), ShapeError);
  EXPECT_EQ(reshape(zeros({0}), {power(62), 0}).shape(), (Shape{power(62), 0}));
}

TEST(Operations, whose_result_would_have_too_many_elements_are_refused) {
  const Tensor empty = zeros({power(62), 0});
  EXPECT_TRUE(mentions(message_of<ShapeError>([&] {
                         concatenate({empty, empty});
                       }),
                       {"concatenate", "axis 0"}));
  EXPECT_EQ(concatenate({empty, empty}, 1).shape(), (Shape{power(62), 0}));
  EXPECT_THROW(stack({zeros({power(62), 0}), zeros({power(62), 0})}), ShapeError);
  EXPECT_THROW(broadcast_to(tensor(1.0), {power(32), power(32)}), ShapeError);
  EXPECT_THROW((broadcast_to(tensor(1.0), {power(32), power(32)})[{5, 5}]), ShapeError);
  const Tensor row = zeros({0, 1, power(40)}), column = zeros({0, power(40), 1});
  EXPECT_THROW(row + column, ShapeError);
  EXPECT_THROW(where(row > 0, row, column), ShapeError);
  EXPECT_THROW(maximum(cast(row, DType::int64), cast(column, DType::int64)), ShapeError);
  EXPECT_THROW(matmul(zeros({power(40), 0}), zeros({0, power(40)})), ShapeError);
  EXPECT_THROW(linear(zeros({power(40), 0}), zeros({power(40), 0})), ShapeError);
  EXPECT_THROW(sum(empty, 1), ShapeError);
  EXPECT_EQ(sum(empty, 0).shape(), (Shape{0}));
  EXPECT_EQ(sum(empty).item(), 0);
  EXPECT_EQ(sum(cast(empty, DType::int64), 0).shape(), (Shape{0}));
  const Tensor v = variable(empty);
  using Reduction = Tensor (*)(const Operand&, const Axes&, Flag);
  for (const Reduction reduction : {Reduction{sum}, Reduction{prod}, Reduction{norm}, Reduction{mean},
                                    Reduction{max}, Reduction{min}, Reduction{logsumexp}}) {
    const Tensor reduced = reduction(v, 0, false);
    EXPECT_EQ(reduced.shape(), (Shape{0}));
    EXPECT_EQ(gradients(sum(reduced), {v})[v].shape(), v.shape());
  }
  EXPECT_EQ(matmul(zeros({power(60), 0, 3}), zeros({1, 3, 2})).shape(), (Shape{power(60), 0, 2}));
  EXPECT_EQ(matmul(zeros({power(60), 0}, DType::int64), zeros({0, 0}, DType::int64)).shape(),
            (Shape{power(60), 0}));
  EXPECT_EQ(permute(empty, {1, 0}).shape(), (Shape{0, power(62)}));
  EXPECT_EQ((empty * 2 + 1).size(), 0);
  EXPECT_EQ(softmax(zeros({power(60), 0, 3})).size(), 0);
}

TEST(Index, takes_slices_of_any_size_of_step) {
  const Tensor x = arange(0, 5);
  const auto taken = [&](Slice slice) { return x[{slice}].to_vector<std::int64_t>(); };
  using Elements = std::vector<std::int64_t>;
  EXPECT_EQ(taken({.step = power(62)}), (Elements{0}));
  EXPECT_EQ(taken({.step = most}), (Elements{0}));
  EXPECT_EQ(taken({.step = -power(62)}), (Elements{4}));
  EXPECT_EQ(taken({.step = least}), (Elements{4}));
  EXPECT_EQ(taken({1, {}, power(62)}), (Elements{1}));
  EXPECT_EQ(taken({least, most, 1}), (Elements{0, 1, 2, 3, 4}));
  EXPECT_EQ(taken({most, least, -1}), (Elements{4, 3, 2, 1, 0}));
  EXPECT_EQ(taken({most, most, 2}), (Elements{}));
  EXPECT_EQ(taken({least, least, -2}), (Elements{}));
  EXPECT_EQ(taken({.step = 4}), (Elements{0, 4}));
  EXPECT_EQ(taken({.step = -4}), (Elements{4, 0}));
  EXPECT_EQ(taken({.step = 5}), (Elements{0}));
  EXPECT_EQ((zeros({3, 4})[{Slice{3}, Slice{4, {}, power(62)}}].shape()), (Shape{0, 0}));
  EXPECT_THROW(x[{least}], ShapeError);
  EXPECT_THROW(x[{most}], ShapeError);
  const Tensor v = variable(arange(0, 6, DType::float64).reshape({2, 3}));
  const Tensor part = v[{Slice{.step = most}, Slice{.step = least}}];
  EXPECT_TRUE(equals(part, {1, 1}, {2}));
  EXPECT_TRUE(equals(gradients(sum(part), {v})[v], {2, 3}, {0, 0, 1, 0, 0, 0}));
}

TEST(HighRank, up_to_64_axes_differentiates_like_any_other) {
  std::vector<std::int64_t> wide(64, 1), narrow(64, 1), order(64);
  wide[0] = 2;
  wide[31] = 3;
  wide[62] = 2;
  wide[63] = 2;
  narrow[31] = 3;
  const Tensor x = variable(arange(0, 24, DType::float64).reshape(Shape(wide)));
  const Tensor b = variable(arange(1, 4, DType::float64).reshape(Shape(narrow)));
  const Gradients of_product = gradients(sum(x * b), {x, b});
  EXPECT_EQ(of_product[b].shape(), b.shape());
  const auto flat = x.to_vector<double>();
  std::vector<double> expected(3);
  for (std::size_t i = 0; i < flat.size(); ++i) expected[i / 4 % 3] += flat[i];
  EXPECT_EQ(values(of_product[b]), expected);
  EXPECT_TRUE(equals(gradients(sum(broadcast_to(b, x.shape())), {b})[b], b.shape(), {8, 8, 8}));

  for (std::size_t i = 0; i < order.size(); ++i) order[i] = 63 - static_cast<std::int64_t>(i);
  const Tensor turned = permute(x, order);
  EXPECT_TRUE(
      equals(turned.reshape({-1}), {24}, values(arange(0, 24).reshape({2, 3, 2, 2}).T().reshape({-1}))));
  EXPECT_TRUE(equals(gradients(sum(turned * turned), {x})[x], x.shape(), values(2 * x.detach())));
  EXPECT_TRUE(equals(sum(x, {63, 0}).reshape({-1}), {6},
                     values(sum(x.detach().reshape({2, 3, 2, 2}), {3, 0}).reshape({-1}))));
  EXPECT_EQ(max(x, 63).rank(), 63U);
  order[0] = order[1];
  EXPECT_THROW(permute(x, order), ShapeError);
}

}  // namespace
}  // namespace chainrule::test
