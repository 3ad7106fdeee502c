// Tensors from numbers, lists, vectors and memory: shapes, dtypes, who owns the elements, and refusals.
// support.h reads and compares tensors.

#include <limits>

#include "chainrule/shaping.h"
#include "support.h"

namespace chainrule::test {
namespace {

TEST(Tensor, from_a_number_is_a_scalar_of_the_dtype_that_fits) {
  EXPECT_EQ(tensor(2.5).dtype(), DType::float64);
  EXPECT_EQ(tensor(2.5F).dtype(), DType::float32);
  EXPECT_EQ(tensor(2).dtype(), DType::int64);
  EXPECT_EQ(tensor(2U).dtype(), DType::int64);
  EXPECT_EQ(tensor(true).dtype(), DType::boolean);
  EXPECT_TRUE(equals(tensor(2.5F), {}, {2.5}));
  EXPECT_TRUE(equals(tensor(true), {}, {1}));
  EXPECT_EQ(tensor(std::int64_t{9007199254740993}).item<std::int64_t>(), 9007199254740993);
}

TEST(Tensor, from_nested_lists_has_their_shape) {
  EXPECT_TRUE(equals(tensor({1.0, 2.0, 3.0}), {3}, {1, 2, 3}));
  EXPECT_TRUE(equals(tensor({{1, 2, 3}, {4, 5, 6}}), {2, 3}, {1, 2, 3, 4, 5, 6}));
  EXPECT_TRUE(equals(tensor({{{1.0F}, {2.0F}}, {{3.0F}, {4.0F}}}), {2, 2, 1}, {1, 2, 3, 4}));
  EXPECT_TRUE(equals(tensor({{true, false}}), {1, 2}, {1, 0}));
}

TEST(Tensor, from_ragged_lists_is_refused) {
  EXPECT_TRUE(mentions(message_of<ShapeError>([] { tensor({{1.0, 2.0}, {3.0}}); }), {"ragged", "2", "1"}));
  EXPECT_THROW(tensor({{{1.0, 2.0}}, {{3.0}}}), ShapeError);
}

TEST(Tensor, from_a_vector_takes_every_kind_of_number) {
  EXPECT_TRUE(equals(tensor(std::vector<double>{1, 2}), {2}, {1, 2}));
  EXPECT_TRUE(equals(tensor(std::vector<float>{1, 2, 3, 4}, {2, 2}), {2, 2}, {1, 2, 3, 4}));
  EXPECT_TRUE(equals(tensor(std::vector<int>{1, -2}), {2}, {1, -2}));
  EXPECT_TRUE(equals(tensor(std::vector<unsigned char>{0, 255}), {2}, {0, 255}));
  EXPECT_TRUE(equals(tensor(std::vector<bool>{true, false, true}), {3}, {1, 0, 1}));
  EXPECT_EQ(tensor(std::vector<bool>{true}).dtype(), DType::boolean);
  EXPECT_EQ(tensor(std::vector<int>{1}).dtype(), DType::int32);
  EXPECT_EQ(tensor(std::vector<short>{1}).dtype(), DType::int64);
}

TEST(Tensor, from_a_span_copies_it) {
  std::vector<float> numbers = {1, 2, 3, 4};
  const Tensor x = tensor(std::span<const float>(numbers), {2, 2});
  const Tensor row = tensor(std::span<const float>(numbers).first(2));
  numbers[0] = 99;
  EXPECT_TRUE(equals(x, {2, 2}, {1, 2, 3, 4}));
  EXPECT_TRUE(equals(row, {2}, {1, 2}));
}

TEST(Tensor, from_the_wrong_number_of_elements_is_refused) {
  EXPECT_TRUE(mentions(message_of<ShapeError>([] {
                         tensor(std::vector<double>{1, 2, 3}, {2, 2});
                       }),
                       {"3", "(2, 2)"}));
}

TEST(Tensor, of_nothing_has_no_elements) {
  const Tensor x = tensor(std::vector<double>{}, {2, 0, 3});
  EXPECT_EQ(x.size(), 0);
  EXPECT_EQ(x.rank(), 3U);
  EXPECT_TRUE(x.data<double>().empty());
  EXPECT_TRUE(x.to_vector<float>().empty());
}

TEST(Tensor, handle_is_empty_until_assigned) {
  Tensor x;
  EXPECT_TRUE(x.is_empty());
  x = tensor(1.0);
  EXPECT_FALSE(x.is_empty());
  const Tensor moved = std::move(x);
  EXPECT_FALSE(moved.is_empty());
}

TEST(Tensor, handle_survives_assignment_to_itself) {
  Tensor x = tensor({1.0, 2.0});
  const Tensor& same_one = x;
  x = same_one;
  EXPECT_TRUE(equals(x, {2}, {1, 2}));
}

TEST(Tensor, converts_its_elements) {
  const Tensor x = tensor({1.5, 0.0, -2.0});
  EXPECT_EQ(x.to_vector<float>(), (std::vector<float>{1.5F, 0, -2}));
  EXPECT_EQ(x.to_vector<std::int64_t>(), (std::vector<std::int64_t>{1, 0, -2}));
  EXPECT_EQ(x.to_vector<bool>(), (std::vector<bool>{true, false, true}));
  EXPECT_EQ(tensor({3}).item<int>(), 3);
  EXPECT_EQ(tensor(2.5F).item<double>(), 2.5);
}

TEST(Full, repeats_one_number) {
  EXPECT_TRUE(equals(full({2, 2}, 0.5), {2, 2}, {0.5, 0.5, 0.5, 0.5}));
  EXPECT_EQ(full({2}, 0.5).dtype(), DType::float64);
  EXPECT_TRUE(equals(full({3}, 7, DType::int64), {3}, {7, 7, 7}));
  EXPECT_TRUE(equals(zeros({2}), {2}, {0, 0}));
  EXPECT_TRUE(equals(ones({1, 2}, DType::boolean), {1, 2}, {1, 1}));
  EXPECT_TRUE(equals(ones({}), {}, {1}));
}

TEST(ZerosLike, has_the_shape_and_dtype_of_its_model) {
  const Tensor model = tensor({{1, 2, 3}});
  EXPECT_TRUE(equals(zeros_like(model), {1, 3}, {0, 0, 0}));
  EXPECT_TRUE(equals(ones_like(model), {1, 3}, {1, 1, 1}));
  EXPECT_EQ(ones_like(model).dtype(), DType::int64);
  EXPECT_FALSE(zeros_like(variable(1.0)).requires_grad());
}

TEST(Arange, counts_up_to_but_not_including_stop) {
  EXPECT_TRUE(equals(arange(2, 6), {4}, {2, 3, 4, 5}));
  EXPECT_EQ(arange(0, 1).dtype(), DType::int64);
  EXPECT_TRUE(equals(arange(3, 3), {0}, {}));
  EXPECT_TRUE(equals(arange(3, 1), {0}, {}));
  EXPECT_EQ(arange(0, 2, DType::float64).dtype(), DType::float64);
}

TEST(Linspace, includes_both_ends) {
  EXPECT_TRUE(close(linspace(-1, 1, 5, DType::float64), {-1, -0.5, 0, 0.5, 1}));
  EXPECT_EQ(linspace(0, 1, 11, DType::float64)[10].item(), 1.0);
  EXPECT_TRUE(equals(linspace(3, 9, 1), {1}, {3}));
  EXPECT_TRUE(equals(linspace(3, 9, 0), {0}, {}));
}

TEST(Linspace, and_arange_of_any_count_have_equal_steps_and_are_symmetric) {
  for (const DType dtype : {DType::float32, DType::float64})
    for (const std::int64_t count : {2, 3, 15, 16, 17, 64, 1001, (1 << 20) + 3}) {
      const std::vector<double> spaced = values(linspace(-3, 7, count, dtype)),
                                counted = values(arange(-2, count - 2, dtype)),
                                stepped =
                                    values(arange(0.5, 0.5 + 0.25 * static_cast<double>(count), 0.25, dtype)),
                                centred = values(linspace(-1.1, 1.1, count, dtype));
      const double unit = dtype == DType::float32 ? 0x1p-22 : 0x1p-50;
      for (std::size_t i = 0; i < spaced.size(); ++i) {
        const auto at = static_cast<double>(i);
        ASSERT_NEAR(spaced[i], -3 + 10 * at / static_cast<double>(count - 1), 2 * unit) << count;
        ASSERT_EQ(counted[i], at - 2) << count;
        ASSERT_EQ(stepped[i], 0.5 + 0.25 * at) << count;
        if (2 * i + 1 != spaced.size()) {
          ASSERT_EQ(centred[i], -centred[spaced.size() - 1 - i]) << count;
        }
      }
      EXPECT_EQ(spaced.back(), 7);
    }
  // What double does not hold exactly is counted in integers.
  const std::int64_t large = (std::int64_t{1} << 53) + 1;
  EXPECT_EQ(values(arange(large, large + 3, DType::float64)),
            (std::vector<double>{0x1p53, 0x1p53 + 2, 0x1p53 + 4}));
}

TEST(Full, fills_all_elements_of_every_dtype) {
  for (const DType dtype : {DType::boolean, DType::uint8, DType::int32, DType::int64, DType::float16,
                            DType::bfloat16, DType::float32, DType::float64})
    for (const std::int64_t count : {0, 1, 7, 31, 32, 33, 64, 65, 129, 1000}) {
      const Tensor x = full({count}, 1, dtype);
      EXPECT_EQ(values(cast(x, DType::float64)), std::vector<double>(static_cast<std::size_t>(count), 1.0));
    }
}

TEST(ShapeType, is_printed_as_python_prints_a_tuple) {
  EXPECT_EQ(to_string(Shape{}), "()");
  EXPECT_EQ(to_string(Shape{3}), "(3,)");
  EXPECT_EQ(to_string(Shape{2, 3, 0}), "(2, 3, 0)");
}

TEST(ShapeType, holds_more_axes_than_fit_in_place) {
  const Shape five = {5, 4, 3, 2, 1};
  Shape copy = five;
  copy[4] = 7;
  Shape moved = std::move(copy);
  EXPECT_EQ(moved, (Shape{5, 4, 3, 2, 7}));
  EXPECT_EQ(five, (Shape{5, 4, 3, 2, 1}));
  moved = Shape{1};
  EXPECT_EQ(moved, Shape{1});
  moved = five;
  EXPECT_EQ(moved.size(), 120);
  EXPECT_EQ(moved.back(), 1);
  EXPECT_FALSE(five == Shape({5, 4, 3, 2}));
}

TEST(ElementTypes, have_numpys_names) {
  EXPECT_EQ(to_string(DType::boolean), "bool");
  EXPECT_EQ(to_string(DType::int64), "int64");
  EXPECT_EQ(to_string(DType::float32), "float32");
  EXPECT_EQ(to_string(DType::float64), "float64");
}

}  // namespace
}  // namespace chainrule::test
