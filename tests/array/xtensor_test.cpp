// The border to xtensor, there and back: every element type, layouts, views, and what is copied. support.h
// reads and compares tensors.

#include "chainrule/xtensor.h"

#if __has_include(<xtensor/core/xmath.hpp>)
#include <xtensor/core/xmath.hpp>
#include <xtensor/views/xview.hpp>
#else
#include <xtensor/xmath.hpp>
#include <xtensor/xview.hpp>
#endif

#include "support.h"

namespace chainrule::test {
namespace {

template <class T>
concept CanBeViewed = requires(T&& tensor) {
  as_xtensor<double>(std::forward<T>(tensor));
};
static_assert(CanBeViewed<const Tensor&>);
static_assert(!CanBeViewed<Tensor>, "the view of a temporary would outlive its value");

TEST(FromXtensor, takes_arrays_of_every_element_type) {
  EXPECT_TRUE(equals(from_xtensor(xt::xarray<double>{{1, 2}, {3, 4}}), {2, 2}, {1, 2, 3, 4}));
  EXPECT_EQ(from_xtensor(xt::xarray<double>{1, 2}).dtype(), DType::float64);
  EXPECT_EQ(from_xtensor(xt::xarray<float>{1, 2}).dtype(), DType::float32);
  EXPECT_EQ(from_xtensor(xt::xarray<int>{1, 2}).dtype(), DType::int32);
  EXPECT_EQ(from_xtensor(xt::xarray<std::uint8_t>{1, 255}).dtype(), DType::uint8);
  EXPECT_EQ(from_xtensor(xt::xarray<short>{1, 2}).dtype(), DType::int64);
  EXPECT_EQ(from_xtensor(xt::xarray<bool>{true, false}).dtype(), DType::boolean);
  EXPECT_TRUE(equals(from_xtensor(xt::xarray<unsigned char>{7, 255}), {2}, {7, 255}));
}

TEST(FromXtensor, evaluates_lazy_expressions) {
  const xt::xarray<double> a = {{1, 2, 3}, {4, 5, 6}};
  EXPECT_TRUE(equals(from_xtensor(a * 2 + 1), {2, 3}, {3, 5, 7, 9, 11, 13}));
  EXPECT_TRUE(equals(from_xtensor(xt::sum(a, {1})), {2}, {6, 15}));
  EXPECT_TRUE(equals(from_xtensor(a > 3), {2, 3}, {0, 0, 0, 1, 1, 1}));
}

TEST(FromXtensor, follows_views_and_layouts) {
  const xt::xarray<double> a = {{1, 2, 3}, {4, 5, 6}};
  EXPECT_TRUE(equals(from_xtensor(xt::view(a, xt::all(), 1)), {2}, {2, 5}));
  EXPECT_TRUE(equals(from_xtensor(xt::transpose(a)), {3, 2}, {1, 4, 2, 5, 3, 6}));
  const xt::xarray<double, xt::layout_type::column_major> columns = a;
  EXPECT_TRUE(equals(from_xtensor(columns), {2, 3}, {1, 2, 3, 4, 5, 6}));
}

TEST(FromXtensor, copies_so_that_the_array_may_change) {
  xt::xarray<double> a = {1, 2};
  const Tensor x = from_xtensor(a);
  a(0) = 99;
  EXPECT_TRUE(equals(x, {2}, {1, 2}));
}

TEST(FromXtensor, takes_scalars_and_nothing) {
  EXPECT_TRUE(equals(from_xtensor(xt::xarray<double>(3.5)), {}, {3.5}));
  EXPECT_TRUE(equals(from_xtensor(xt::xarray<double>::from_shape({0, 3})), {0, 3}, {}));
}

TEST(AsXtensor, is_the_value_without_a_copy) {
  const Tensor x = tensor({{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}});
  const auto view = as_xtensor<double>(x);
  EXPECT_EQ(view.data(), x.data<double>().data());
  ASSERT_EQ(view.dimension(), 2U);
  EXPECT_EQ(view.shape(0), 2U);
  EXPECT_EQ(view(1, 2), 6);
  EXPECT_EQ(xt::sum(view)(), 21);
}

TEST(AsXtensor, takes_part_in_expressions_that_become_tensors_again) {
  const Tensor x = tensor({{1.0, 2.0}, {3.0, 4.0}});
  EXPECT_TRUE(equals(from_xtensor(as_xtensor<double>(x) * 10.0), {2, 2}, {10, 20, 30, 40}));
}

TEST(AsXtensor, sees_scalars_and_nothing) {
  const Tensor scalar = tensor(3.5F);
  EXPECT_EQ(as_xtensor<float>(scalar)(), 3.5F);
  EXPECT_EQ(as_xtensor<float>(scalar).dimension(), 0U);
  const Tensor nothing = zeros({0, 3}, DType::float32);
  EXPECT_EQ(as_xtensor<float>(nothing).size(), 0U);
}

TEST(AsXtensor, of_another_dtype_is_refused) {
  const Tensor x = tensor({1.0, 2.0});
  EXPECT_TRUE(mentions(message_of<DTypeError>([&] { as_xtensor<float>(x); }), {"float64", "float32"}));
}

}  // namespace
}  // namespace chainrule::test
