// vmap of operations at places that are a tensor, which may be others for each sample: compared with a loop
// over them.

#include <functional>

#include "chainrule/autograd.h"
#include "chainrule/derivatives.h"
#include "chainrule/indexing.h"
#include "chainrule/networks.h"
#include "chainrule/ops.h"
#include "chainrule/statistics.h"
#include "chainrule/vmap.h"
#include "support.h"

namespace chainrule::test {
namespace {

/// f(x, values, places) under vmap, of places that are others for each sample, and its gradients.
using OfPlaces = std::function<Tensor(const Tensor& x, const Tensor& values, const Tensor& places)>;
void expect_a_loop(const char* name, const OfPlaces& f, const Tensor& x, const Tensor& values,
                   const Tensor& places) {
  SCOPED_TRACE(name);
  const auto number = [&](const Tensor& a, const Tensor& v, const Tensor& at) {
    const Tensor y = f(a, v, at);
    return sum(y * cos(reshape(arange(0, y.size()), y.shape())));
  };
  const auto slopes = grad(number, argnums<0, 1>);
  const auto same = [&](const Tensor& all, const auto& of_one) {
    for (std::int64_t i = 0; i < places.shape()[0]; ++i) EXPECT_TRUE(close(all[i], of_one(i), 1e-12));
  };
  same(vmap([&](const Tensor& at) { return f(x, values, at); })(places),
       [&](std::int64_t i) { return f(x, values, places[i]); });
  const auto [by_x, by_values] = vmap(slopes, {.in_axes = {no_axis, no_axis, 0}})(x, values, places);
  same(by_x, [&](std::int64_t i) { return std::get<0>(slopes(x, values, places[i])); });
  same(by_values, [&](std::int64_t i) { return std::get<1>(slopes(x, values, places[i])); });
  // Of two vmaps, and as seen from outside.
  const Tensor twice =
      vmap(vmap([&](const Tensor& at) { return f(x, values, at); }))(stack({places, places}));
  same(twice[1], [&](std::int64_t i) { return f(x, values, places[i]); });
  EXPECT_TRUE(close(grad([&](const Tensor& a) {
                      return sum(vmap([&](const Tensor& at) { return number(a, values, at); })(places));
                    })(x),
                    sum(by_x, 0), 1e-12));
}

TEST(VmapOverPlaces, takes_and_puts_at_places_of_each_sample) {
  const Tensor x = tensor({{1.0, 2.0, 4.0}, {0.5, -1.0, 3.0}, {7.0, -2.0, 0.25}, {6.0, 5.0, -4.0}});
  const Tensor rows = tensor({{0, 2, 2}, {3, 3, 1}}),
               wide = tensor({{{0, 2, 1}, {1, 1, 0}}, {{2, 0, 0}, {2, 2, 2}}});
  const Tensor values = tensor({{10.0, 20.0, 30.0}, {40.0, 50.0, 60.0}, {70.0, 80.0, 90.0}});
  using T = const Tensor&;
  expect_a_loop(
      "take", [](T a, T v, T at) { return take(a, at - 4, 0) * v; }, x, values, rows);
  expect_a_loop(
      "take, flat", [](T a, T v, T at) { return take(a, at) * v; }, x, values, rows);
  expect_a_loop(
      "index_select", [](T a, T v, T at) { return index_select(a, 1, minimum(at, 2)) * v[0]; }, x, values,
      rows);
  expect_a_loop(
      "index", [](T a, T v, T at) { return index(a, at[0]) * v[0]; }, x, values, rows);
  expect_a_loop(
      "embedding", [](T a, T v, T at) { return embedding(a, at, 3) * v; }, x, values, rows);
  expect_a_loop(
      "gather", [](T a, T v, T at) { return gather(a, 1, at) * v[0]; }, x, values, wide);
  expect_a_loop(
      "take_along_axis",
      [](T a, T v, T at) {
        return take_along_axis(a, at[{Slice{0, 1}}] - 3, 1) * v[0];
      },
      x, values, wide);
  expect_a_loop(
      "one_hot", [](T a, T v, T at) { return one_hot(at, 4) * v[0][0] * a[0][1]; }, x, values, rows);
  expect_a_loop(
      "scatter", [](T a, T v, T at) { return scatter(a, 1, at, v); }, x, values, wide);
  expect_a_loop(
      "scatter_add", [](T a, T v, T at) { return scatter_add(a, 0, at, v); }, x, values, wide);
  expect_a_loop(
      "index_add", [](T a, T v, T at) { return index_add(a, 0, at, v, 2); }, x, values, rows);
  expect_a_loop(
      "put", [](T a, T v, T at) { return put(a, at, v[0]); }, x, values, rows);
  expect_a_loop(
      "put, rows", [](T a, T v, T at) { return put(a, at, v, 0); }, x, values, rows);
  expect_a_loop(
      "put_along_axis",
      [](T a, T v, T at) {
        return put_along_axis(a, at[{Slice{0, 1}}], v[0][0], 1);
      },
      x, values, wide);
  EXPECT_TRUE(equals(vmap([](T at) {
                       return searchsorted(tensor({0, 2, 3}), at);
                     })(rows),
                     {2, 3}, {0, 1, 1, 2, 2, 1}));
  EXPECT_TRUE(
      mentions(message_of<ShapeError>([&] { vmap([&](T at) { return embedding(x, at); })(rows + 1); }),
               {"embedding", "index 4", "size 4"}));
}

TEST(VmapOverPlaces, counts_for_each_sample_up_to_the_largest_of_all) {
  const Tensor x = tensor({{0, 2, 2}, {1, 0, 5}}), w = tensor({{0.5, 1.0, 2.0}, {-1.0, 3.0, 4.0}});
  EXPECT_TRUE(equals(vmap([](const Tensor& one) { return bincount(one); })(x), {2, 6},
                     {1, 0, 2, 0, 0, 0, 1, 1, 0, 0, 0, 1}));
  const auto weighted = [](const Tensor& one, const Tensor& weights) { return bincount(one, weights, 7); };
  EXPECT_TRUE(equals(vmap(weighted)(x, w), {2, 7}, {0.5, 0, 3, 0, 0, 0, 0, 3, -1, 0, 0, 0, 4, 0}));
  const Tensor g = vmap(grad(
      [&](const Tensor& weights, const Tensor& one) { return sum(square(weighted(one, weights))); }))(w, x);
  EXPECT_TRUE(equals(g, {2, 3}, {1, 6, 6, -2, 6, 8}));
  EXPECT_TRUE(
      mentions(message_of<ShapeError>([&] { vmap([](const Tensor& one) { return bincount(one); })(-x); }),
               {"bincount", "negative"}));
}

TEST(VmapOverPlaces, combines_what_meets_in_each_sample) {
  const Tensor x = tensor({{1.0, 2.0, 4.0}, {0.5, -1.0, 3.0}, {7.0, -2.0, 0.25}, {6.0, 5.0, -4.0}});
  const Tensor values = tensor({{1.5, 0.0, 3.0}, {4.0, -5.0, 0.5}, {7.0, 8.0, 9.0}});
  // In the first sample three meet in one place, in the second at most two.
  const Tensor places = tensor({{{0, 2, 1}, {0, 1, 0}, {0, 2, 3}}, {{2, 0, 0}, {3, 2, 1}, {2, 2, 2}}});
  const Tensor segments = tensor({{0, 2, 2, 1}, {3, 3, 1, 0}});
  using T = const Tensor&;
  for (const Combining how :
       {Combining::sum, Combining::mean, Combining::prod, Combining::amax, Combining::amin})
    for (const bool include_self : {true, false})
      expect_a_loop(
          "scatter_reduce", [=](T a, T v, T at) { return scatter_reduce(a, 0, at, v, how, include_self); }, x,
          values, places);
  expect_a_loop(
      "segment_sum", [](T a, T v, T at) { return segment_sum(a, at, 5) * v[0]; }, x, values, segments);
  expect_a_loop(
      "masked_scatter",
      [](T a, T v, T at) {
        return masked_scatter(a[{Slice{0, 3}}], at > 1, v);
      },
      x, values, places);
  const auto mean = [](T at) {
    return scatter_reduce(tensor({-4, 5}), 0, at, tensor({-3, 6, 2}), Combining::mean, false);
  };
  EXPECT_TRUE(equals(vmap(mean)(tensor({{0, 0, 0}, {0, 1, 0}})), {2, 2}, {1, 5, -1, 6}));
  // As many segments as the largest of all samples names.
  EXPECT_TRUE(equals(vmap([](T at) {
                       return segment_sum(tensor({1.0, 2.0, 4.0}), at);
                     })(tensor({{0, 1, 1}, {2, 0, 0}})),
                     {2, 3}, {1, 6, 0, 6, 0, 1}));
  const Tensor none =
      vmap([](T mask) { return masked_scatter(zeros({2}), mask, ones({2})); })(zeros({0, 2}, DType::boolean));
  EXPECT_EQ(none.shape(), (Shape{0, 2}));
  EXPECT_TRUE(mentions(message_of<ShapeError>([&] {
                         vmap([&](T at) {
                           return masked_scatter(zeros({3, 3}), at > 0, tensor({1.0, 2.0}));
                         })(places);
                       }),
                       {"masked_scatter", "(2,)", "holds 5 times"}));
}

TEST(VmapOverPlaces, looks_for_places_among_the_elements_of_each_sample) {
  using T = const Tensor&;
  const Tensor lines = tensor({{1.0, 2.0, 2.0}, {-1.0, 0.0, 5.0}}),
               wanted = tensor({{2.0, 0.0}, {9.0, -3.0}});
  for (const bool right : {false, true}) {
    const Tensor found = vmap([&](T line) { return searchsorted(line, wanted, right); })(lines);
    const Tensor own = vmap([&](T line, T of) { return searchsorted(line, of, right); })(lines, wanted);
    for (std::int64_t i = 0; i < 2; ++i) {
      EXPECT_TRUE(close(found[i], searchsorted(lines[i], wanted, right), 0));
      EXPECT_TRUE(close(own[i], searchsorted(lines[i], wanted[i], right), 0));
    }
  }
}

TEST(VmapOverPlaces, counts_in_bins_of_each_sample) {
  using T = const Tensor&;
  const Tensor x = tensor({{0.1, 0.7, 0.3, 0.7}, {-2.0, 5.0, 1.0, 1.5}, {2.0, 2.0, 2.0, 2.0}});
  const auto of_range = [](T each) {
    const Histogram found = histogram(each, 3);
    return std::pair(found.counts, found.edges);
  };
  const auto [counts, edges] = vmap(of_range)(x);
  const Tensor shared = vmap([](T each) { return histogram(each, 4, std::pair(0.0, 2.0)).counts; })(x);
  const auto [twice, edges_twice] = vmap(vmap(of_range))(stack({x, x + 1}));
  for (std::int64_t i = 0; i < 3; ++i) {
    const Histogram alone = histogram(x[i], 3);
    EXPECT_TRUE(close(counts[i], alone.counts, 0));
    EXPECT_TRUE(close(edges[i], alone.edges, 1e-15));
    EXPECT_TRUE(close(shared[i], histogram(x[i], 4, std::pair(0.0, 2.0)).counts, 0));
    EXPECT_TRUE(close(twice[1][i], histogram(x[i] + 1, 3).counts, 0));
  }
  EXPECT_TRUE(mentions(message_of<ShapeError>([&] { vmap(of_range)(log(x)); }), {"histogram", "nan"}));
}

TEST(VmapOverPlaces, interpolates_between_the_points_of_each_sample_and_refuses_points_that_decrease) {
  const auto f = [](const Tensor& x, const Tensor& points) {
    return interp(x, points, tensor({0.0, 1.0, 2.0}));
  };
  const Tensor x = tensor({0.5, 3.0});
  EXPECT_TRUE(equals(vmap(f)(x, tensor({{0.0, 1.0, 2.0}, {2.0, 4.0, 6.0}})), {2}, {0.5, 0.5}));
  EXPECT_TRUE(mentions(message_of<ShapeError>([&] {
                         (void)vmap(f)(x, tensor({{0.0, 1.0, 2.0}, {2.0, 1.0, 0.0}}));
                       }),
                       {"interp", "decreases"}));
}

}  // namespace
}  // namespace chainrule::test
