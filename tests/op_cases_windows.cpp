// Rows for convolutions and pooling.
// What is composed of other operations is compared with PyTorch in tests/reference.

#include <cmath>

#include "chainrule/autograd.h"
#include "chainrule/networks.h"
#include "op_rows.h"

namespace chainrule::test {
namespace {

using reference::Array;
using reference::Arrays;
using reference::Number;
using reference::Numbers;
using reference::Position;

/// Σ x w y of a convolution over one axis with stride 2, padding 1 and two groups, by element: calls f(n, o,
/// p, c, k, i) with the sample, the filter, the window, the channel of the group and the element of the
/// kernel, and where this finds x (n, channel, i).
template <class F>
void for_each_term(const Shape& x, const Shape& w, std::int64_t windows, const F& f) {
  const std::int64_t filters = w[0] / 2;
  for (std::int64_t n = 0; n < x[0]; ++n)
    for (std::int64_t o = 0; o < w[0]; ++o)
      for (std::int64_t p = 0; p < windows; ++p)
        for (std::int64_t c = 0; c < w[1]; ++c)
          for (std::int64_t k = 0; k < w[2]; ++k)
            if (const std::int64_t i = 2 * p + k - 1; i >= 0 && i < x[2])
              f(Position{n, o, p}, Position{o, c, k}, Position{n, o / filters * w[1] + c, i});
}
/// The place of a position in an array.
Number& element(Array& array, const Position& position) {
  std::int64_t at = 0;
  for (std::size_t axis = 0; axis < position.size(); ++axis) at = at * array.shape[axis] + position[axis];
  return array.values[static_cast<std::size_t>(at)];
}
Array zero(const Shape& shape) { return {shape, Numbers(static_cast<std::size_t>(shape.size()), 0)}; }

const ConvOptions conv_options = {.stride = 2, .padding = 1, .groups = 2};

std::vector<OpCase> convolution_rows() {
  const std::vector<Misuse> conv2d_misuses = {
      {"other channels",
       [] {
         conv2d(blank({1, 3, 8, 8}), blank({8, 4, 3, 3}));
       },
       {"(1, 3, 8, 8)", "(8, 4, 3, 3)", "3 channels"}},
      {"a kernel too large",
       [] {
         conv2d(blank({1, 2, 3, 8}), blank({8, 2, 5, 3}));
       },
       {"(8, 2, 5, 3)", "larger", "padding"}},
      {"groups",
       [] {
         conv2d(blank({1, 4, 3, 3}), blank({3, 2, 1, 1}), {.groups = 2});
       },
       {"2 groups", "4", "3"}},
      {"no stride",
       [] {
         conv2d(blank({1, 2, 3, 3}), blank({3, 2, 1, 1}), {.stride = 0});
       },
       {"stride", "at least 1"}},
      {"three strides",
       [] {
         conv2d(blank({1, 2, 3, 3}), blank({3, 2, 1, 1}), {.stride = {1, 1, 1}});
       },
       {"stride (1, 1, 1)"}},
      {"same and stride",
       [] {
         conv2d(blank({1, 2, 3, 3}), blank({3, 2, 1, 1}), {.stride = 2, .padding = Pad::same});
       },
       {"'same'"}},
      {"a bias",
       [] {
         conv2d(blank({1, 2, 3, 3}), blank({3, 2, 1, 1}), blank({2}));
       },
       {"bias", "(2,)", "(3,)"}},
      {"two axes",
       [] {
         conv2d(blank({3, 3}), blank({3, 2, 1, 1}));
       },
       {"(3, 3)", "(N, C, H, W)"}}};
  const auto in_one = [](const Arguments& in) { return conv1d(in[0], in[1], in[2], {.padding = Pad::same}); };
  const auto in_two = [](const Arguments& in) {
    return conv2d(in[0], in[1], {.padding = {1, 0}, .dilation = {1, 2}});
  };
  const auto in_three = [](const Arguments& in) { return conv3d(in[0], in[1], {.stride = {1, 2, 1}}); };
  const auto back_in_one = [](const Arguments& in) {
    return conv_transpose1d(in[0], in[1], in[2], {.stride = 2, .output_padding = 1});
  };
  const auto back_in_two = [](const Arguments& in) {
    return conv_transpose2d(in[0], in[1], {.stride = {2, 1}, .padding = 1});
  };
  const auto back_in_three = [](const Arguments& in) {
    return conv_transpose3d(in[0], in[1], {.groups = 2});
  };
  const auto weight_shape = [](const Shape& x, const Shape& y) { return Shape{y[1], x[1] / 2, 3}; };
  return {composed("conv1d", in_one, {{{2, 4}, {1, 2, 2}, {1}}, {{0, 1, 3}, {2, 1, 2}, {2}}}),
          composed("conv2d", in_two, {{{1, 2, 2, 3}, {2, 2, 3, 2}}}, conv2d_misuses),
          composed("conv3d", in_three, {{{1, 1, 2, 3, 2}, {2, 1, 2, 2, 1}}}),
          composed("conv_transpose1d", back_in_one, {{{2, 3}, {2, 1, 2}, {1}}}),
          composed("conv_transpose2d", back_in_two, {{{1, 1, 2, 3}, {1, 2, 3, 2}}},
                   {{"other channels",
                     [] {
                       conv_transpose2d(blank({1, 3, 8, 8}), blank({4, 3, 3, 3}));
                     },
                     {"3 channels", "(4, 3, 3, 3)"}},
                    {"nothing left",
                     [] {
                       conv_transpose2d(blank({1, 3, 1, 1}), blank({3, 3, 1, 1}), {.padding = 1});
                     },
                     {"padding"}},
                    {"output_padding",
                     [] {
                       conv_transpose2d(blank({1, 3, 1, 1}), blank({3, 3, 1, 1}), {.output_padding = 1});
                     },
                     {"output_padding"}}}),
          composed("conv_transpose3d", back_in_three, {{{1, 2, 1, 2, 1}, {2, 1, 2, 1, 2}}}),
          own(
              "convolution", [](const Arguments& in) { return conv1d(in[0], in[1], conv_options); },
              [](const Arrays& in) {
                const Shape &x = in[0].shape, &w = in[1].shape;
                Array y = zero({x[0], w[0], (x[2] + 2 - w[2]) / 2 + 1});
                for_each_term(x, w, y.shape[2],
                              [&](const Position& at_y, const Position& at_w, const Position& at_x) {
                                element(y, at_y) += reference::at(in[0], at_x) * reference::at(in[1], at_w);
                              });
                return y;
              },
              {{{2, 4, 5}, {2, 2, 3}}, {{1, 2, 40}, {4, 1, 2}}, {{0, 2, 3}, {2, 1, 1}}}),
          own(
              "transposed_convolution",
              [](const Arguments& in) {
                return conv_transpose1d(in[0], in[1], {.stride = 2, .padding = 1, .groups = 2});
              },
              [](const Arrays& in) {
                const Shape &y = in[0].shape, &w = in[1].shape;
                Array x = zero({y[0], 2 * w[1], 2 * (y[2] - 1) - 2 + w[2]});
                for_each_term(x.shape, w, y[2],
                              [&](const Position& at_y, const Position& at_w, const Position& at_x) {
                                element(x, at_x) += reference::at(in[0], at_y) * reference::at(in[1], at_w);
                              });
                return x;
              },
              {{{2, 2, 3}, {2, 2, 3}}, {{1, 4, 20}, {4, 1, 2}}}),
          own(
              "convolution_weight",
              [=](const Arguments& in) {
                const Tensor x = in[0].as_tensor(), y = in[1].as_tensor(),
                             w = variable(zeros(weight_shape(x.shape(), y.shape()), x.dtype()));
                return gradients(conv1d(x, w, conv_options), {w}, {.seed = y, .create_graph = true}).at(w);
              },
              [=](const Arrays& in) {
                Array w = zero(weight_shape(in[0].shape, in[1].shape));
                for_each_term(in[0].shape, w.shape, in[1].shape[2],
                              [&](const Position& at_y, const Position& at_w, const Position& at_x) {
                                element(w, at_w) += reference::at(in[0], at_x) * reference::at(in[1], at_y);
                              });
                return w;
              },
              {{{2, 4, 5}, {2, 2, 3}}, {{1, 2, 40}, {1, 4, 20}}})};
}

/// Of a maximum over windows of 2 with stride 1, the place of each.
std::int64_t place(const Array& x, const Position& at) {
  Position next = at;
  ++next[2];
  return reference::at(x, next) > reference::at(x, at) ? next[2] : at[2];
}
const Array& pooled() {  // what the derivatives below are taken at
  static const Array x = {{1, 2, 4}, {3, 1, 2, 4, 7, 8, 6, 5}};
  return x;
}
Tensor pooled_as(DType dtype) {
  return variable(cast(
      tensor(std::vector<double>(pooled().values.begin(), pooled().values.end()), pooled().shape), dtype));
}

std::vector<OpCase> pooling_rows() {
  const MaxPoolOptions max_options = {.stride = 1, .padding = 1, .dilation = 2, .ceil_mode = true};
  const auto one = [](Tensor (*function)(const Operand&, const PerAxis&)) {
    return [function](const Arguments& in) { return function(in[0], 2); };
  };
  const auto gradient_of = [](const Tensor& g) {
    const Tensor x = pooled_as(g.dtype());
    return gradients(max_pool1d(x, 2, {.stride = 1}), {x}, {.seed = g, .create_graph = true}).at(x);
  };
  const std::vector<Misuse> misuses = {
      {"too large a kernel",
       [] {
         max_pool2d(blank({1, 1, 2, 2}), 3);
       },
       {"(1, 1, 2, 2)", "larger"}},
      {"too much padding",
       [] {
         max_pool2d(blank({1, 1, 2, 2}), 2, {.padding = 2});
       },
       {"padding", "half"}},
      {"nothing",
       [] {
         max_pool2d(blank({1, 1, 0, 2}), 2);
       },
       {"(1, 1, 0, 2)"}},
      {"one axis", [] { max_pool2d(blank({2}), 2); }, {"(2,)", "(N, C, H, W)"}}};
  return {
      composed(
          "max_pool1d", [=](const Arguments& in) { return max_pool1d(in[0], 3, max_options); },
          {{{1, 2, 5}}, {{2, 4}}}, {}, distinct()),
      composed(
          "max_pool2d",
          [](const Arguments& in) {
            return max_pool2d(in[0], {2, 1});
          },
          {{{1, 2, 4, 3}}, {{0, 1, 2, 2}}}, misuses, distinct()),
      composed(
          "max_pool3d", [](const Arguments& in) { return max_pool3d(in[0], 2); }, {{{1, 2, 3, 2}}}, {},
          distinct()),
      composed("avg_pool1d",
               [](const Arguments& in) { return avg_pool1d(in[0], 3, {.padding = 1, .ceil_mode = true}); },
               {{{1, 2, 5}}, {{2, 4}}}),
      composed("avg_pool2d",
               [](const Arguments& in) {
                 return avg_pool2d(in[0], 2, {.padding = 1, .count_include_pad = false});
               },
               {{{1, 2, 4, 3}}, {{0, 1, 2, 2}}},
               {{"no divisor",
                 [] {
                   avg_pool2d(blank({1, 1, 2, 2}), 2, {.divisor_override = 0});
                 },
                 {"divisor_override"}}}),
      composed("avg_pool3d", [](const Arguments& in) { return avg_pool3d(in[0], 2); }, {{{1, 2, 3, 2}}}),
      composed("adaptive_avg_pool1d", one(adaptive_avg_pool1d), {{{2, 5}}}),
      composed("adaptive_avg_pool2d", one(adaptive_avg_pool2d), {{{1, 3, 4}}},
               {{"two sizes",
                 [] {
                   adaptive_avg_pool2d(blank({1, 2, 2}), {1, 1, 1});
                 },
                 {"size (1, 1, 1)"}}}),
      composed("adaptive_avg_pool3d", one(adaptive_avg_pool3d), {{{1, 3, 2, 3}}}),
      composed("adaptive_max_pool1d", one(adaptive_max_pool1d), {{{2, 5}}}, {}, distinct()),
      composed("adaptive_max_pool2d", one(adaptive_max_pool2d), {{{1, 3, 4}}}, {}, distinct()),
      composed("adaptive_max_pool3d", one(adaptive_max_pool3d), {{{1, 3, 2, 3}}}, {}, distinct()),
      composed("normalize", [](const Arguments& in) { return normalize(in[0]); }, {{{2, 3}}, {{2, 3, 2}}}),
      composed("pixel_shuffle", [](const Arguments& in) { return pixel_shuffle(in[0], 2); },
               {{{4, 2, 1}}, {{2, 8, 1, 2}}, {{0, 4, 1, 1}}},
               {{"too few channels",
                 [] {
                   pixel_shuffle(blank({3, 2, 2}), 2);
                 },
                 {"(3, 2, 2)", "square of 2"}},
                {"a matrix",
                 [] {
                   pixel_shuffle(blank({4, 2}), 2);
                 },
                 {"(4, 2)"}},
                {"factor 0",
                 [] {
                   pixel_shuffle(blank({4, 2, 2}), 0);
                 },
                 {"factor 0"}}}),
      composed("pixel_unshuffle", [](const Arguments& in) { return pixel_unshuffle(in[0], 2); },
               {{{1, 4, 2}}, {{2, 2, 2, 4}}},
               {{"an odd width",
                 [] {
                   pixel_unshuffle(blank({1, 2, 3}), 2);
                 },
                 {"(1, 2, 3)", "multiple of 2"}}}),
      composed("interpolate",
               [](const Arguments& in) {
                 return interpolate(in[0], {.scale = {1.5, 2}, .mode = Interpolation::cubic});
               },
               {{{1, 1, 3, 2}}},
               {{"neither",
                 [] {
                   interpolate(blank({1, 1, 2}), {});
                 },
                 {"size or scale"}},
                {"two axes",
                 [] {
                   interpolate(blank({1, 2}), {.size = 2});
                 },
                 {"(1, 2)"}},
                {"scale 0",
                 [] {
                   interpolate(blank({1, 1, 2}), {.scale = {0}});
                 },
                 {"scale"}}}),
      own(
          "max_pool", [](const Arguments& in) { return max_pool1d(in[0], 2, {.stride = 1}); },
          [](const Arrays& in) {
            const Shape& x = in[0].shape;
            return reference::generate({x[0], x[1], x[2] - 1}, [&](const Position& at) {
              return reference::at(in[0], {at[0], at[1], place(in[0], at)});
            });
          },
          {{{2, 2, 4}}, {{0, 1, 3}}}, distinct()),
      own(
          "add_at_places", [=](const Arguments& in) { return gradient_of(in[0].as_tensor()); },
          [](const Arrays& in) {
            Array x = zero(pooled().shape);
            for (std::int64_t c = 0; c < 2; ++c)
              for (std::int64_t p = 0; p < 3; ++p)
                element(x, {0, c, place(pooled(), {0, c, p})}) += reference::at(in[0], {0, c, p});
            return x;
          },
          {{{1, 2, 3}}}),
      own(
          "take_places",
          [=](const Arguments& in) {
            const Tensor seed = in[0].as_tensor(), g = variable(zeros({1, 2, 3}, seed.dtype()));
            return gradients(gradient_of(g), {g}, {.seed = seed, .create_graph = true}).at(g);
          },
          [](const Arrays& in) {
            return reference::generate({1, 2, 3}, [&](const Position& at) {
              return reference::at(in[0], {0, at[1], place(pooled(), at)});
            });
          },
          {{{1, 2, 4}}}),
      own(
          "sums_along",
          [](const Arguments& in) {
            return interpolate(in[0], {.size = 5, .mode = Interpolation::linear, .align_corners = true});
          },
          [](const Arrays& in) {
            return reference::generate({in[0].shape[0], in[0].shape[1], 5}, [&](const Position& at) {
              const Number where = static_cast<Number>(at[2]) * static_cast<Number>(in[0].shape[2] - 1) / 4,
                           start = std::floor(where);
              const auto i = static_cast<std::int64_t>(start), next = std::min(i + 1, in[0].shape[2] - 1);
              return reference::at(in[0], {at[0], at[1], i}) * (1 - where + start) +
                     reference::at(in[0], {at[0], at[1], next}) * (where - start);
            });
          },
          {{{2, 1, 3}}, {{0, 1, 2}}})};
}

}  // namespace

std::vector<OpCase> window_rows() {
  std::vector<OpCase> all = convolution_rows();
  for (OpCase& row : pooling_rows()) all.push_back(std::move(row));
  return all;
}

}  // namespace chainrule::test
