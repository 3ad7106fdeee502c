// What indexing and order give, in numbers, and where they are delicate: places named twice, ties, NaN,
// nothing, and dtypes that carry no gradient.

#include "chainrule/indexing.h"

#include <cmath>
#include <limits>

#include "chainrule/autograd.h"
#include "chainrule/functions.h"
#include "chainrule/memory.h"
#include "chainrule/random.h"
#include "chainrule/shaping.h"
#include "chainrule/statistics.h"
#include "support.h"

namespace chainrule::test {
namespace {

const double nan = std::numeric_limits<double>::quiet_NaN(), inf = std::numeric_limits<double>::infinity();

Tensor gradient(const Tensor& y, const Tensor& x) { return gradients(sum(y * y.detach()), {x}).at(x); }

TEST(Taking, follows_numpy_and_pytorch) {
  const Tensor x = tensor({{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}});
  EXPECT_TRUE(equals(gather(x, 1, {{2, 0}, {1, 1}}), {2, 2}, {3, 1, 5, 5}));
  EXPECT_TRUE(equals(gather(x, 0, {{1, 0}}), {1, 2}, {4, 2}));
  EXPECT_TRUE(equals(take_along_axis(x, {{-1}}, 1), {2, 1}, {3, 6}));
  EXPECT_TRUE(equals(take_along_axis(tensor({1.0, 2.0}, {1, 2}), {{1, 0}, {0, 0}}), {2, 2}, {2, 1, 1, 1}));
  EXPECT_TRUE(equals(index_select(x, 1, {2, -3}), {2, 2}, {3, 1, 6, 4}));
  EXPECT_TRUE(equals(index_select(x, 0, 1), {1, 3}, {4, 5, 6}));
  EXPECT_TRUE(equals(take(x, {{-1}, {3}}), {2, 1}, {6, 4}));
  EXPECT_TRUE(equals(take(x, 4), {}, {5}));
  EXPECT_TRUE(equals(take(x, {{0, 2}}, 1), {2, 1, 2}, {1, 3, 4, 6}));
  EXPECT_TRUE(equals(index(x, tensor({1, 1})), {2, 3}, {4, 5, 6, 4, 5, 6}));
  EXPECT_TRUE(equals(index(x, tensor({false, true})), {1, 3}, {4, 5, 6}));
  EXPECT_TRUE(equals(index(x, x > 4), {2}, {5, 6}));
  EXPECT_TRUE(equals(masked_select(x, tensor({true, false, true})), {4}, {1, 3, 4, 6}));
  EXPECT_TRUE(equals(nonzero(x > 2), {4, 2}, {0, 2, 1, 0, 1, 1, 1, 2}));
  EXPECT_TRUE(equals(nonzero(tensor(5)), {1, 0}, {}));
  const std::vector<Tensor> places = where(x > 4);
  ASSERT_EQ(places.size(), 2U);
  EXPECT_TRUE(equals(places[0], {2}, {1, 1}));
  EXPECT_TRUE(equals(places[1], {2}, {1, 2}));
}

TEST(Taking, keeps_every_dtype) {
  const Tensor bits = tensor({true, false, true}), whole = tensor({1, 2, 3});
  EXPECT_EQ(take(bits, {2, 1}).dtype(), DType::boolean);
  EXPECT_TRUE(equals(gather(bits, 0, {2, 1}), {2}, {1, 0}));
  EXPECT_EQ(index_select(whole, 0, {0}).dtype(), DType::int64);
  EXPECT_EQ(gather(tensor({1.0F}), 0, {0, 0}).dtype(), DType::float32);
  EXPECT_TRUE(equals(masked_fill(whole, bits, 7), {3}, {7, 2, 7}));
  EXPECT_EQ(masked_fill(whole, bits, 7).dtype(), DType::int64);
  EXPECT_EQ(scatter(tensor({1.0F}), 0, {0}, 0.5).dtype(), DType::float32);
  EXPECT_EQ(scatter_add(whole, 0, {0, 0}, 1).to_vector<std::int64_t>(), (std::vector<std::int64_t>{3, 2, 3}));
  EXPECT_EQ(scatter_add(bits, 0, {1}, true).dtype(), DType::int64);
}

TEST(Positions, of_a_scalar_are_along_its_axis_0_or_last) {
  const Tensor x = variable(2.0);
  for (const std::int64_t axis : {0, -1}) {
    EXPECT_TRUE(equals(gather(x, axis, 0), {}, {2}));
    EXPECT_TRUE(equals(gather(x, axis, {0, 0}), {2}, {2, 2}));
    EXPECT_TRUE(equals(scatter(x, axis, 0, 3.0), {}, {3}));
    EXPECT_TRUE(equals(scatter_add(x, axis, {0, 0}, 3.0), {}, {8}));
    EXPECT_TRUE(equals(scatter_reduce(x, axis, 0, 3.0, Combining::prod), {}, {6}));
    EXPECT_TRUE(equals(index_select(x, axis, {0}), {}, {2}));
    EXPECT_TRUE(equals(index_add(x, axis, {0}, 1.0), {}, {3}));
    EXPECT_TRUE(equals(index_fill(x, axis, {0}, 1.0), {}, {1}));
    EXPECT_TRUE(equals(swapaxes(x, axis, 0), {}, {2}));
    EXPECT_TRUE(equals(movedim(x, {axis}, {0}), {}, {2}));
    EXPECT_TRUE(equals(index_copy(x, axis, {0}, {3.0}), {}, {3}));
    EXPECT_TRUE(equals(take(x, 0, axis), {}, {2}));
    EXPECT_TRUE(equals(take(x, {0, -1}, axis), {2}, {2, 2}));
    EXPECT_TRUE(equals(unfold(x, axis, 1), {1}, {2}));
    EXPECT_TRUE(equals(argmin(x, axis, true), {}, {0}));
    EXPECT_TRUE(equals(argsort(x, axis), {}, {0}));
    EXPECT_TRUE(equals(topk(x, 1, axis).values, {}, {2}));
    EXPECT_TRUE(equals(kthvalue(x, 1, axis).values, {}, {2}));
    EXPECT_TRUE(equals(median(x, axis, true).places, {}, {0}));
  }
  EXPECT_EQ(gradients(sum(gather(x, 0, {0, 0})), {x}).at(x).item(), 2);
  EXPECT_EQ(gradients(scatter(x, 0, 0, 3.0), {x}).at(x).item(), 0);
  EXPECT_THROW(gather(x, 1, 0), ShapeError);
  EXPECT_THROW(index_select(x, 0, {0, 0}), ShapeError);
  EXPECT_THROW(swapaxes(x, 0, 1), ShapeError);
  EXPECT_TRUE(
      mentions(message_of<ShapeError>([&] { (void)topk(x, 0, 0); }), {"topk: k = 0", "()", "give 1"}));
}

TEST(Positions, are_int64_and_say_what_to_do_otherwise) {
  const std::string message = message_of<DTypeError>([] { gather(zeros({2}), 0, tensor({0.0})); });
  EXPECT_TRUE(mentions(message, {"gather: ", "float64", "cast"}));
  EXPECT_TRUE(
      mentions(message_of<DTypeError>([] { masked_select(zeros({2}), ones({2})); }), {"mask", "bool"}));
  EXPECT_TRUE(mentions(message_of<ShapeError>([] { take(zeros({0}), {0}); }), {"take: index 0", "size 0"}));
  EXPECT_TRUE(equals(take(zeros({2, 0}), tensor(std::vector<std::int64_t>{}), 1), {2, 0}, {}));
}

TEST(Embedding, gives_the_row_of_the_padding_no_gradient) {
  const Tensor table = variable({{1, 2}, {3, 4}, {5, 6}});
  const Tensor rows = embedding(table, {2, 0, 2}, -1);
  EXPECT_TRUE(equals(rows, {3, 2}, {5, 6, 1, 2, 5, 6}));
  EXPECT_TRUE(equals(gradients(sum(rows), {table}).at(table), {3, 2}, {1, 1, 0, 0, 0, 0}));
  const Tensor all = embedding(table, {2, 0, 2});
  EXPECT_TRUE(equals(gradients(sum(all), {table}).at(table), {3, 2}, {1, 1, 0, 0, 2, 2}));
}

TEST(OneHot, counts_classes_and_is_int64_unless_told) {
  EXPECT_TRUE(equals(one_hot({1, 0}), {2, 2}, {0, 1, 1, 0}));
  EXPECT_EQ(one_hot({1, 0}).dtype(), DType::int64);
  EXPECT_TRUE(equals(one_hot({{2}}, 4, DType::float32), {1, 1, 4}, {0, 0, 1, 0}));
  EXPECT_TRUE(mentions(message_of<ShapeError>([] { one_hot({3}, 3); }), {"one_hot", "3"}));
}

TEST(Replacing, lets_the_last_of_equal_places_win_and_have_the_gradient) {
  const Tensor x = variable({1, 2, 3}), v = variable({7, 8, 9});
  for (const Tensor& y : {scatter(x, 0, {0, 2, 0}, v), put(x, {0, -1, -3}, v),
                          put_along_axis(x, {0, -1, 0}, v), put(x, {0, 2, 0}, v, 0)}) {
    EXPECT_TRUE(equals(y, {3}, {9, 2, 8}));
    EXPECT_TRUE(equals(gradient(y, x), {3}, {0, 2, 0}));
    EXPECT_TRUE(equals(gradient(y, v), {3}, {0, 8, 9}));
  }
  EXPECT_TRUE(equals(put(zeros({2, 2}), {1}, {{5}, {6}}, 1), {2, 2}, {0, 5, 0, 6}));
  EXPECT_TRUE(equals(masked_scatter(x, {true, false, true}, v), {3}, {7, 2, 8}));
  EXPECT_TRUE(equals(gradient(masked_fill(x, {true, false, true}, nan), x), {3}, {0, 2, 0}))
      << "what is replaced leaves no NaN behind";
}

TEST(AddingUp, follows_pytorch) {
  const Tensor x = tensor({1.0, 2.0, 3.0});
  EXPECT_TRUE(equals(scatter_add(x, 0, {2, 2, 0}, {10.0, 20.0, 30.0}), {3}, {31, 2, 33}));
  EXPECT_TRUE(equals(index_add(zeros({2, 2}), 1, {1, 1}, {{1, 2}, {3, 4}}, 0.5), {2, 2}, {0, 1.5, 0, 3.5}));
  EXPECT_TRUE(equals(index_add(zeros({2, 2}), 0, 1, {{3.0, 4.0}}), {2, 2}, {0, 0, 3, 4}));  // one position
  EXPECT_EQ(index_add(tensor({1, 2}), 0, {1}, {3}, 2).dtype(), DType::int64);
  EXPECT_EQ(index_add(tensor({1, 2}), 0, {1}, {3}, 2.5).to_vector<double>(), (std::vector<double>{1, 9.5}));
  EXPECT_TRUE(equals(segment_sum({{1, 2}, {3, 4}, {5, 6}}, {1, 1, 0}, 3), {3, 2}, {5, 6, 4, 6, 0, 0}));
  const auto reduced = [&](Combining how, bool with_x) {
    return scatter_reduce(x, 0, {0, 0, 2, 0}, {4.0, 2.0, 5.0, 3.0}, how, with_x);
  };
  EXPECT_TRUE(equals(reduced(Combining::sum, true), {3}, {10, 2, 8}));
  EXPECT_TRUE(equals(reduced(Combining::sum, false), {3}, {9, 2, 5}));
  EXPECT_TRUE(equals(reduced(Combining::prod, true), {3}, {24, 2, 15}));
  EXPECT_TRUE(equals(reduced(Combining::prod, false), {3}, {24, 2, 5}));
  EXPECT_TRUE(equals(reduced(Combining::mean, true), {3}, {2.5, 2, 4}));
  EXPECT_TRUE(equals(reduced(Combining::mean, false), {3}, {3, 2, 5}));
  EXPECT_TRUE(equals(reduced(Combining::amax, true), {3}, {4, 2, 5}));
  EXPECT_TRUE(equals(reduced(Combining::amin, true), {3}, {1, 2, 3}));
  EXPECT_TRUE(equals(reduced(Combining::amin, false), {3}, {2, 2, 5}));
  for (const auto& [how, expected] :
       {std::pair(Combining::prod, 24.0), {Combining::amax, 4.0}, {Combining::amin, 1.0}})
    EXPECT_TRUE(
        equals(scatter_reduce(ones({2}), 0, {0, 0, 0, 0, 0}, {2, 3, 1, 4, 1}, how), {2}, {expected, 1}));
  for (const Combining how :
       {Combining::amax, Combining::amin}) {  // as max and min, without x only where it counts
    const Tensor with_nan = scatter_reduce(tensor({nan, 1, nan, 1}), 0, {0, 1, 1, 3}, {2, nan, 3, 1}, how);
    EXPECT_TRUE(array_equal(isnan(with_nan), tensor({true, true, true, false}))) << with_nan;
    const Tensor without_x = scatter_reduce(tensor({nan, nan}), 0, {0}, {2}, how, false);
    EXPECT_TRUE(array_equal(isnan(without_x), tensor({false, true}))) << without_x;
    EXPECT_TRUE(equals(scatter_reduce(tensor({nan, 1}), 0, {0}, {2}, how), {2}, {nan, 1}));
    EXPECT_TRUE(equals(scatter_reduce(tensor({nan, 1}), 0, {0, 1}, {2, nan}, how, false), {2}, {2, nan}));
  }
  const Tensor largest = scatter_reduce(tensor({-7, 4}), 0, {0, 0}, {-9, -8}, Combining::amax, false);
  EXPECT_TRUE(equals(largest, {2}, {-8, 4}));
  EXPECT_EQ(largest.dtype(), DType::int64);
  const Tensor none = tensor(std::vector<std::int64_t>{}, {0, 2});
  EXPECT_TRUE(equals(scatter_reduce(zeros({0, 2}), 0, none, zeros({0, 2}), Combining::prod), {0, 2}, {}));
  EXPECT_TRUE(equals(scatter_reduce(ones({1, 2}), 0, none, zeros({0, 2}), Combining::amax), {1, 2}, {1, 1}));
  const Tensor whole = scatter_reduce(tensor({-7, 4}), 0, {0, 1}, {0, 3}, Combining::mean);
  EXPECT_TRUE(equals(whole, {2}, {-4, 3}));
  EXPECT_EQ(whole.dtype(), DType::int64);
}

TEST(AddingUp, has_exact_derivatives_at_zeros_and_ties) {
  const Tensor x = variable({2, 3}), v = variable({0, 5, 3});
  const auto reduced = [&](Combining how) {
    return gradients(sum(scatter_reduce(x, 0, {0, 0, 1}, v, how)), {x, v});
  };
  const Gradients of_product = reduced(Combining::prod);
  EXPECT_TRUE(equals(of_product.at(x), {2}, {0, 3}));
  EXPECT_TRUE(equals(of_product.at(v), {3}, {10, 0, 3}));
  const Tensor large = variable({1e200}), others = variable({1e200, 1e-250});  // a part is out of range
  const Tensor product = scatter_reduce(large, 0, {0, 0}, others, Combining::prod);
  EXPECT_NEAR(product.item() / 1e150, 1, 1e-14);
  const Gradients of_parts = gradients(product, {large, others}, {.seed = ones({1})});
  EXPECT_NEAR(of_parts.at(large).item() / 1e-50, 1, 1e-14);
  EXPECT_TRUE(allclose(of_parts.at(others) / tensor({1e-50, 1.0}), tensor({1.0, inf})));
  // Nothing comes from above: not 0 · inf, which the product of the others is.
  for (const auto& [one, other] :
       {std::pair(tensor({1e30F}), tensor({1e30F, 1e30F})), {tensor({1e-300}), tensor({1e300, 1e300})}}) {
    const Tensor own = variable(one), more = variable(other);
    const Tensor of_all = scatter_reduce(own, 0, {0, 0}, more, Combining::prod);
    const Gradients none = gradients(of_all, {own, more}, {.seed = zeros({1}, own.dtype())});
    EXPECT_TRUE(equals(none.at(own), {1}, {0}));
    EXPECT_TRUE(equals(none.at(more), {2}, {0, 0}));
  }
  const Gradients of_largest = reduced(Combining::amax);
  EXPECT_TRUE(equals(of_largest.at(x), {2}, {0, 0.5}));
  EXPECT_TRUE(equals(of_largest.at(v), {3}, {0, 1, 0.5}));
}

TEST(Order, has_nan_last_and_keeps_the_order_of_equals) {
  const Tensor x = tensor({2.0, nan, -inf, 2.0, inf, -0.0, 0.0});
  const Ordered up = sort(x), down = sort(x, 0, true);
  EXPECT_TRUE(equals(up.values, {7}, {-inf, -0.0, 0, 2, 2, inf, nan}));
  EXPECT_TRUE(equals(up.places, {7}, {2, 5, 6, 0, 3, 4, 1}));
  EXPECT_TRUE(equals(down.places, {7}, {1, 4, 0, 3, 5, 6, 2}));
  EXPECT_TRUE(equals(argsort(tensor({3, -9, 3}), -1, true), {3}, {0, 2, 1}));
  EXPECT_TRUE(equals(sort(tensor({true, false, true})).values, {3}, {0, 1, 1}));
  EXPECT_TRUE(equals(sort(tensor({{3.0F, 1.0F}, {2.0F, 4.0F}}), 0).values, {2, 2}, {2, 1, 3, 4}));
  EXPECT_TRUE(equals(topk(x, 3).places, {3}, {1, 4, 0}));
  EXPECT_TRUE(equals(topk(x, 3, 0, false).places, {3}, {2, 5, 6}));
  EXPECT_TRUE(equals(kthvalue(x, 5).places, {}, {3}));
}

TEST(Order, finds_extremes_and_medians_and_lets_nan_through) {
  const Tensor x = tensor({{1.0, 5.0, 5.0}, {nan, 2.0, nan}});
  EXPECT_TRUE(equals(max_with_places(x, 1).values, {2}, {5, nan}));
  EXPECT_TRUE(equals(argmax(x, 1), {2}, {1, 0}));
  EXPECT_TRUE(equals(argmin(x, -1, true), {2, 1}, {0, 0}));
  EXPECT_TRUE(equals(argmin(x, 0), {3}, {1, 1, 1}));
  EXPECT_TRUE(equals(argmax(x), {}, {3}));
  EXPECT_TRUE(equals(argmin(tensor({4, -9, -9}), {}, true), {1}, {1}));
  EXPECT_TRUE(equals(argmax(tensor({std::numeric_limits<std::int64_t>::min(), std::int64_t{0}})), {}, {1}));
  EXPECT_TRUE(equals(median(tensor({4.0, 1.0, 3.0, 2.0})), {}, {2}));
  EXPECT_TRUE(equals(median(x, 1).values, {2}, {5, nan}));
  EXPECT_TRUE(equals(median(tensor({1.0, nan, 2.0, 3.0})), {}, {nan}));
  EXPECT_TRUE(equals(kthvalue(tensor({1.0, nan, 2.0}), 2).values, {}, {2}));
  EXPECT_TRUE(mentions(message_of<ShapeError>([] {
                         (void)kthvalue(tensor({1.0, 2.0}), 3);
                       }),
                       {"kthvalue: k = 3 of axis 0 of shape (2,)"}));
  EXPECT_TRUE(equals(median(tensor({{7, 9, 8}}), 1, true).places, {1, 1}, {2}));
  const Tensor tied = variable({1, 3, 3});
  EXPECT_TRUE(equals(gradients(max_with_places(tied, 0).values, {tied}).at(tied), {3}, {0, 1, 0}));
}

TEST(Unique, gives_values_inverse_and_counts) {
  const Unique found = unique(tensor({{3.0, nan}, {1.0, 3.0}, {nan, 1.0}}));
  EXPECT_TRUE(equals(found.values, {4}, {1, 3, nan, nan}));
  EXPECT_TRUE(equals(found.inverse, {3, 2}, {1, 2, 0, 1, 3, 0}));
  EXPECT_TRUE(equals(found.counts, {4}, {2, 2, 1, 1}));
  for (const std::int64_t step : {std::int64_t{1}, std::int64_t{1} << 40}) {  // counted, or sorted
    const Unique whole = unique(tensor({5, -3, 5, 4, -3, 5}) * step);
    EXPECT_TRUE(array_equal(whole.values, tensor({-3, 4, 5}) * step));
    EXPECT_TRUE(array_equal(whole.inverse, tensor({2, 0, 2, 1, 0, 2})));
    EXPECT_TRUE(array_equal(whole.counts, tensor({2, 1, 3})));
  }
  const std::int64_t least = std::numeric_limits<std::int64_t>::min();
  EXPECT_TRUE(array_equal(unique(tensor({-1 - least, least})).values, tensor({least, -1 - least})));
  EXPECT_EQ(unique(cast(tensor({3, 3}), DType::uint8)).values.dtype(), DType::uint8);
  EXPECT_TRUE(equals(unique(zeros({0})).values, {0}, {}));
  EXPECT_FALSE(unique(variable({1, 2})).values.requires_grad());
}

TEST(Unique, knows_where_each_value_is_first) {
  EXPECT_TRUE(equals(unique({{2, 1}, {2, 5}}).first_places(), {3}, {1, 0, 3}));
  EXPECT_TRUE(equals(unique({{2, 1}, {0, 3}, {2, 1}}, 0).first_places(), {2}, {1, 0}));
  EXPECT_TRUE(equals(unique_consecutive({2.0, 2.0, 1.0, 2.0}).first_places(), {3}, {0, 2, 3}));
  EXPECT_TRUE(equals(unique(zeros({0})).first_places(), {0}, {}));
}

TEST(Unique, finds_slices_along_an_axis) {
  const Tensor rows = tensor({{2.0, nan}, {1.0, 3.0}, {2.0, nan}, {1.0, 3.0}, {1.0, 0.0}});
  const Unique found = unique(rows, 0);
  EXPECT_TRUE(equals(found.values, {4, 2}, {1, 0, 1, 3, 2, nan, 2, nan}));
  EXPECT_TRUE(equals(found.inverse, {5}, {2, 1, 3, 1, 0}));
  EXPECT_TRUE(equals(found.counts, {4}, {1, 2, 1, 1}));
  EXPECT_TRUE(equals(unique(tensor({{3, 1, 3}, {0, 2, 0}}), -1).values, {2, 2}, {1, 3, 2, 0}));
  EXPECT_TRUE(equals(unique_consecutive(tensor({{1}, {1}, {0}, {1}}), 0).counts, {3}, {2, 1, 1}));
  EXPECT_EQ(unique(zeros({0, 2}), 0).values.shape(), Shape({0, 2}));
  EXPECT_EQ(unique(zeros({2, 0}), 0).values.shape(), Shape({1, 0}));  // rows of nothing are equal
  EXPECT_THROW((void)unique(rows, 2), ShapeError);
}

TEST(Mode, is_the_smallest_of_the_most_frequent_at_its_last_place) {
  const Ordered found = mode(tensor({{3, 1, 2, 1, 3}, {5, 4, 4, 0, 1}}));
  EXPECT_TRUE(equals(found.values, {2}, {1, 4}));
  EXPECT_TRUE(equals(found.places, {2}, {3, 2}));
  EXPECT_TRUE(equals(mode(tensor({nan, 2.0, nan, 2.0})).values, {}, {2}));
  EXPECT_TRUE(equals(mode(tensor({{true, false, true}}), 1, true).values, {1, 1}, {1}));
  const Tensor x = variable({2.0, 5.0, 2.0});
  EXPECT_TRUE(equals(gradients(mode(x).values, {x}).at(x), {3}, {0, 0, 1}));
  EXPECT_TRUE(equals(mode(tensor(7.0), 0).values, {}, {7}));
}

TEST(Searchsorted, finds_in_the_row_that_the_values_are_in) {
  const Tensor rows = tensor({{1, 3, 3, 7}, {-2, 0, 1, 1}}), wanted = tensor({{3, 8}, {-5, 1}});
  EXPECT_TRUE(equals(searchsorted(rows, wanted), {2, 2}, {1, 4, 0, 2}));
  EXPECT_TRUE(equals(searchsorted(rows, wanted, true), {2, 2}, {3, 4, 0, 4}));
  EXPECT_EQ(searchsorted(zeros({2, 0}), wanted).shape(), Shape({2, 2}));
  EXPECT_TRUE(mentions(message_of<ShapeError>([&] { (void)searchsorted(rows, wanted[0]); }),
                       {"searchsorted", "(2,)", "(2, 4)"}));
}

TEST(Combinations, are_in_the_order_of_their_places) {
  EXPECT_TRUE(equals(combinations({5, 6, 7}), {3, 2}, {5, 6, 5, 7, 6, 7}));
  EXPECT_TRUE(equals(combinations({5, 6}, 2, true), {3, 2}, {5, 5, 5, 6, 6, 6}));
  EXPECT_EQ(combinations({5, 6}, 3).shape(), Shape({0, 3}));
  EXPECT_EQ(combinations({5, 6}, 0).shape(), Shape({1, 0}));
  EXPECT_EQ(combinations(zeros({0}), 2, true).shape(), Shape({0, 2}));
  EXPECT_EQ(combinations(arange(100), 98).shape(), Shape({4950, 98}));
  const TensorLimit limit(1 << 20);
  EXPECT_THROW((void)combinations(arange(60), 20), MemoryError);
}

TEST(Replacing, along_any_axis_keeps_the_last_of_what_comes_for_a_place) {
  PRINT_SEED_ON_FAILURE();
  Generator generator(seed());
  const Shape shape{3, 4, 5};
  for (const std::int64_t axis : {0, 1, 2})
    for (const std::int64_t count : {0, 1, 2, 9}) {
      Shape sizes = shape;
      sizes[static_cast<std::size_t>(axis)] = count;
      const Tensor index =
          cast(floor(rand(sizes, generator) * double(shape[static_cast<std::size_t>(axis)])), DType::int64);
      const Tensor x = variable(rand(shape, generator)), values = variable(rand(sizes, generator));
      const Tensor y = scatter(x, axis, index, values), seed_of = rand(shape, generator);
      // The same, one slice of the index after another.
      Tensor expected = x;
      const Tensor own =
          reshape(arange(0, shape[static_cast<std::size_t>(axis)]), axis == 0   ? Shape{3, 1, 1}
                                                                    : axis == 1 ? Shape{1, 4, 1}
                                                                                : Shape{1, 1, 5});
      for (std::int64_t i = 0; i < count; ++i)
        expected = where(narrow(index, axis, i, 1) == own, narrow(values, axis, i, 1), expected);
      EXPECT_TRUE(array_equal(y, expected)) << axis << ' ' << count;
      const Gradients found = gradients(y, {x, values}, {.seed = seed_of}),
                      wanted = gradients(expected, {x, values}, {.seed = seed_of});
      EXPECT_TRUE(array_equal(found.at(x), wanted.at(x))) << axis << ' ' << count;
      EXPECT_TRUE(array_equal(found.at(values), wanted.at(values))) << axis << ' ' << count;
    }
}

TEST(Searchsorted, looks_on_either_side) {
  EXPECT_TRUE(equals(searchsorted({1, 3, 3, 5}, {{3.0, 0.0}, {6.0, nan}}), {2, 2}, {1, 0, 4, 4}));
  EXPECT_TRUE(equals(searchsorted({1, 3, 3, 5}, 3, true), {}, {3}));
  EXPECT_TRUE(equals(searchsorted({-1.0, 0.0, 1.0}, {-0.0, 0.0}, true), {2}, {2, 2}));
  EXPECT_TRUE(equals(searchsorted({-1.0, -0.0, 1.0}, {-0.0, 0.0}), {2}, {1, 1}));
}

TEST(Searchsorted, counts_what_is_before_for_any_number_of_elements_and_values) {
  PRINT_SEED_ON_FAILURE();
  Generator generator(seed());
  for (std::int64_t n = 0; n < 20; ++n)
    for (const std::int64_t count : {0, 1, 7, 8, 9, 33}) {
      const Tensor sorted = sort(floor(rand({n}, generator) * 9 - 4)).values,
                   values = floor(rand({count}, generator) * 11 - 5);
      const Tensor rows = expand_dims(values, -1);
      EXPECT_TRUE(array_equal(searchsorted(sorted, values), sum(sorted < rows, 1))) << n << ' ' << count;
      EXPECT_TRUE(array_equal(searchsorted(sorted, values, true), sum(sorted <= rows, 1)))
          << n << ' ' << count;
    }
}

TEST(Concatenate, gives_large_parts_their_own_gradients) {
  const std::int64_t rows = 300, columns = 100;
  const Tensor a = variable(ones({rows, columns})), b = variable(zeros({2 * rows, columns}));
  const Tensor weights = reshape(arange(0, 3 * rows * columns, DType::float64), {3 * rows, columns});
  const auto step = [&] { concatenate({a, b}).backward(weights); };
  step();
  const Tensor first = a.grad(), second = b.grad();
  EXPECT_TRUE(array_equal(concatenate({first, second}), weights));
  step();
  EXPECT_TRUE(array_equal(concatenate({a.grad(), b.grad()}), 2 * weights));
  EXPECT_TRUE(array_equal(concatenate({first, second}), weights));  // as they were
}

TEST(Take, of_a_matrix_adds_its_gradient_to_one_that_is_there) {
  const Tensor x = variable(reshape(arange(0.0, 6400.0), {400, 16}));
  std::vector<std::int64_t> places;
  for (std::int64_t k = 0; k < 300; ++k) places.push_back((6399 - 37 * k) % 6400 + (k % 3 == 0 ? -k : 0));
  for (std::int64_t& place : places) place = (place % 6400 + 6400) % 6400;
  std::vector<double> expected(6400, 0);
  for (std::size_t k = 0; k < places.size(); ++k)
    expected[static_cast<std::size_t>(places[k])] += 2 * static_cast<double>(k + 1);
  for (int i = 0; i < 2; ++i) sum(take(x, tensor(places)) * arange(1.0, 301.0)).backward();
  EXPECT_EQ(x.grad().to_vector<double>(), expected);
}

}  // namespace
}  // namespace chainrule::test
