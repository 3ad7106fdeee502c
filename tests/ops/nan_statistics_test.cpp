// Statistics of what is not NaN, and what is found among elements: where NaN and nothing are.

#include <limits>

#include "chainrule/autograd.h"
#include "chainrule/indexing.h"
#include "chainrule/statistics.h"
#include "chainrule/testing.h"
#include "chainrule/vmap.h"
#include "support.h"

namespace chainrule::test {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double nan = std::numeric_limits<double>::quiet_NaN();

template <class F>
Tensor gradient_at(const Operand& at, const F& f) {
  const Tensor x = variable(at.as(DType::float64));
  return gradients(sum(f(x)), {x}).at(x);
}

TEST(NanStatistics, leave_nan_out) {
  const Tensor x = tensor({{nan, 1.0, 4.0}, {nan, nan, nan}, {2.0, nan, 2.0}});
  EXPECT_THAT(nanmax(x, 1), IsClose({4.0, nan, 2.0}));
  EXPECT_THAT(nanmin(x, 1), IsClose({1.0, nan, 2.0}));
  EXPECT_THAT(nanprod(x, 1), IsClose({4.0, 1.0, 4.0}));
  EXPECT_THAT(nanvar(x, 1), IsClose({2.25, nan, 0.0}));
  EXPECT_THAT(nanstd(x, 1), IsClose({1.5, nan, 0.0}));
  EXPECT_THAT(nanvar(x, 1, false, 1), IsClose({4.5, nan, 0.0}));
  const Ordered medians = nanmedian(x, 1);
  EXPECT_THAT(medians.values, IsClose({1.0, nan, 2.0}));
  EXPECT_TRUE(equals(medians.places, {3}, {1, 0, 0}));
  EXPECT_EQ(nanmedian(x).item(), 2);
  EXPECT_THAT(nanquantile(x, {0.0, 0.5, 1.0}, 1),
              IsClose({{1.0, nan, 2.0}, {2.5, nan, 2.0}, {4.0, nan, 2.0}}));
  EXPECT_EQ(nanquantile(x, 0.3, {}, false, QuantileMethod::higher).item(), 2);
  EXPECT_EQ(nanquantile(x, 0.5, 1, true).shape(), (Shape{3, 1}));
}

TEST(NanStatistics, stay_whole_and_take_scalars) {
  EXPECT_EQ(nanmax({3, 4}).dtype(), DType::int64);
  EXPECT_EQ(nanprod({3, 4}).item(), 12);
  EXPECT_EQ(nanmedian(tensor(3.0), 0).values.item(), 3);
  EXPECT_EQ(nanmin(cast(tensor({1.5, nan}), DType::float16)).dtype(), DType::float16);
  EXPECT_THROW((void)nanmax(zeros({0})), ShapeError);
  EXPECT_TRUE(mentions(message_of<ShapeError>([] { (void)nanmedian(zeros({0})); }), {"nothing"}));
  EXPECT_TRUE(mentions(message_of<ShapeError>([] { (void)nanquantile(ones({2}), 1.5); }),
                       {"nanquantile", "from 0 to 1"}));
}

TEST(NanStatistics, send_nothing_to_nan_and_share_among_equals) {
  EXPECT_THAT(gradient_at({nan, 4.0, 4.0, 1.0}, [](auto& x) { return nanmax(x); }),
              IsClose({0, 0.5, 0.5, 0}));
  EXPECT_THAT(gradient_at({nan, -infinity, -infinity}, [](auto& x) { return nanmax(x); }),
              IsClose({0, 0.5, 0.5}));
  EXPECT_THAT(gradient_at({nan, 4.0, 5.0}, [](auto& x) { return nanprod(x); }), IsClose({0, 5, 4}));
  EXPECT_THAT(gradient_at({nan, 2.0, 4.0}, [](auto& x) { return nanvar(x); }), IsClose({0, -1, 1}));
  EXPECT_THAT(gradient_at({nan, 2.0, 2.0}, [](auto& x) { return nanstd(x); }), IsClose({0, 0, 0}));
  EXPECT_THAT(gradient_at({nan, 2.0, 4.0}, [](auto& x) { return nanmedian(x); }), IsClose({0, 1, 0}));
  EXPECT_THAT(gradient_at({nan, 2.0, 4.0}, [](auto& x) { return nanquantile(x, 0.25); }),
              IsClose({0, 0.75, 0.25}));
}

TEST(NanStatistics, are_those_of_each_sample_of_vmap) {
  const Tensor x = tensor({{nan, 1.0, 4.0}, {3.0, nan, -infinity}});
  EXPECT_THAT(vmap([](const Tensor& row) { return nanquantile(row, 0.5); })(x), IsClose({2.5, -infinity}));
  EXPECT_THAT(vmap([](const Tensor& row) { return nanmedian(row); })(x), IsClose({1.0, -infinity}));
  EXPECT_THAT(vmap([](const Tensor& row) { return nanmax(row); })(x), IsClose({4.0, 3.0}));
  EXPECT_TRUE(equals(vmap([](const Tensor& row) {
                       return isin(row, {1, 3});
                     })(x),
                     {2, 3}, {0, 1, 0, 1, 0, 0}));
}

TEST(Membership, is_of_equal_elements) {
  EXPECT_TRUE(equals(isin({{1, 2}, {3, 9}}, {3, 1, 1}), {2, 2}, {1, 0, 1, 0}));
  EXPECT_TRUE(equals(isin({1.0, nan, infinity}, {nan, infinity}), {3}, {0, 0, 1}));
  EXPECT_TRUE(equals(isin({1, 2}, zeros({0})), {2}, {0, 0}));
  EXPECT_EQ(isin(2.5, {1.0, 2.5}).dtype(), DType::boolean);
}

TEST(UniqueConsecutive, gives_runs) {
  const Unique runs = unique_consecutive({{2, 2, 1}, {1, 2, 2}});
  EXPECT_TRUE(equals(runs.values, {3}, {2, 1, 2}));
  EXPECT_TRUE(equals(runs.inverse, {2, 3}, {0, 0, 1, 1, 2, 2}));
  EXPECT_TRUE(equals(runs.counts, {3}, {2, 2, 2}));
  EXPECT_EQ(unique_consecutive(zeros({0})).values.size(), 0);
  EXPECT_EQ(unique_consecutive({nan, nan}).values.size(), 2) << "each NaN is different";
}

TEST(CumulativeTrapezoid, is_empty_of_one_element) {
  EXPECT_TRUE(equals(cumulative_trapezoid({1, 4, 9}), {2}, {2.5, 9}));
  EXPECT_EQ(cumulative_trapezoid({1.0}).shape(), (Shape{0}));
  EXPECT_EQ(trapezoid(zeros({0})).item(), 0);
}

}  // namespace
}  // namespace chainrule::test
