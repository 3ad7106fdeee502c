// Rows for images: read between their pixels, patches, and pools undone.
// All are composed, and compared with PyTorch in tests/reference.

#include "chainrule/vision.h"
#include "op_rows.h"

namespace chainrule::test {
namespace {

using reference::Arrays;
using reference::Number;
using reference::Position;

OpCase grid_sample_row() {
  // Images of 2 and 3 pixels: where a grid is at their centres, its derivative is not unique.
  const std::vector<Input> inputs = {between(-1, 1), between(-0.9, 0.9, {-2.0 / 3, -0.5, 0, 0.5, 2.0 / 3})};
  const GridSampleOptions nearest = {.mode = Interpolation::nearest},
                          cubic = {.mode = Interpolation::cubic,
                                   .padding = GridPadding::reflection,
                                   .align_corners = true};
  return {.operation = "grid_sample",
          .inputs = inputs,
          .variants = {{"linear",
                        [](const Arguments& in) { return grid_sample(in[0], in[1]); },
                        {},
                        {{{2, 2, 3}, {2, 4, 1}},
                         {{1, 2, 3, 2}, {1, 1, 3, 2}},
                         {{0, 1, 2}, {0, 3, 1}},
                         {{1, 0, 2, 2}, {1, 1, 2, 2}},
                         {{1, 1, 2}, {1, 0, 1}}}},
                       {"nearest",
                        [=](const Arguments& in) {
                          return grid_sample(in[0], in[1].as_tensor().detach(), nearest);
                        },
                        {},
                        {{{1, 2, 3, 3}, {1, 2, 1, 2}}},
                        {inputs[0], {.draw = inputs[1].draw, .differentiable = false}}},
                       {"cubic",
                        [=](const Arguments& in) { return grid_sample(in[0], in[1], cubic); },
                        {},
                        {{{1, 2, 3, 2}, {1, 1, 3, 2}}}}},
          .misuses = {{"a grid of fewer axes",
                       [] {
                         grid_sample(blank({1, 1, 2, 2}), blank({1, 2, 2}));
                       },
                       {"(1, 2, 2)", "(1, 1, 2, 2)"}},
                      {"an empty image",
                       [] {
                         grid_sample(blank({1, 1, 0, 2}), blank({1, 1, 1, 2}));
                       },
                       {"(1, 1, 0, 2)", "no pixels"}},
                      {"area",
                       [] {
                         grid_sample(blank({1, 1, 2}), blank({1, 2, 1}), {.mode = Interpolation::area});
                       },
                       {"nearest, linear or cubic"}}},
          .own_inputs = true,  // 16 huge pixels cancel but for their rounding
          .composed = true,
          .float32_tolerance = 2e-5};
}

}  // namespace

std::vector<OpCase> vision_rows() {
  const PatchOptions patches = {.stride = 2, .padding = {1, 0}, .dilation = {1, 2}};
  const Tensor places = tensor({{{1, 2}, {0, 3}}});
  return {
      grid_sample_row(),
      own(
          "sample_planes", [](const Arguments& in) { return grid_sample(in[0], in[1]); },
          [](const Arrays& in) {
            const Shape& x = in[0].shape;
            return reference::generate({x[0], x[1], in[1].shape[1]}, [&](const Position& at) {
              Number total = 0;
              const Number point =
                  ((reference::at(in[1], {at[0], at[2], 0}) + 1) * static_cast<Number>(x[2]) - 1) / 2;
              for (std::int64_t i = 0; i < x[2]; ++i)
                total += std::max<Number>(0, 1 - std::abs(point - static_cast<Number>(i))) *
                         reference::at(in[0], {at[0], at[1], i});
              return total;
            });
          },
          {{{2, 2, 3}, {2, 4, 1}}, {{1, 3, 2}, {1, 70, 1}}, {{0, 1, 2}, {0, 3, 1}}, {{1, 1, 2}, {1, 0, 1}}},
          between(-0.9, 0.9, {-2.0 / 3, -0.5, 0, 0.5, 2.0 / 3})),
      composed("affine_grid",
               [](const Arguments& in) {
                 return affine_grid(in[0], {2, 1, 2, 3});
               },
               {{{2, 2, 3}}},
               {{"theta of another size",
                 [] {
                   affine_grid(blank({2, 2, 2}), {2, 1, 2, 3});
                 },
                 {"(2, 2, 2)", "(2, 1, 2, 3)"}}}),
      composed("im2col",
               [=](const Arguments& in) {
                 return im2col(in[0], {2, 3}, patches);
               },
               {{{2, 2, 3, 5}}, {{1, 2, 6}}, {{0, 1, 2, 5}}},
               {{"too large a kernel",
                 [] {
                   im2col(blank({1, 2, 3}), 4);
                 },
                 {"4", "padding"}}}),
      composed("col2im",
               [=](const Arguments& in) {
                 return col2im(in[0], {3, 5}, {2, 3}, patches);
               },
               {{{2, 12, 2}}, {{6, 2}}},
               {{"another number of patches",
                 [] {
                   col2im(blank({4, 3}), 2, 2);
                 },
                 {"(4, 3)", "1 patches"}}}),
      composed("channel_shuffle", [](const Arguments& in) { return channel_shuffle(in[0], 2); },
               {{{2, 4}}, {{1, 6, 2}}, {{0, 2, 3}}},
               {{"too few channels",
                 [] {
                   channel_shuffle(blank({1, 3}), 2);
                 },
                 {"(1, 3)", "2 groups"}}}),
      composed("max_unpool1d", [=](const Arguments& in) { return max_unpool1d(in[0], places, 2); },
               {{{1, 2, 2}}},
               {{"a place outside",
                 [] {
                   max_unpool1d(blank({1, 2}), {{1, 4}}, 2);
                 },
                 {"4"}},
                {"places of another shape",
                 [] {
                   max_unpool1d(blank({1, 2}), {1}, 2);
                 },
                 {"(1, 2)", "(1,)"}},
                {"a size that no pool has had",
                 [] {
                   max_unpool1d(blank({1, 2}), {{1, 3}}, 2, {.size = 6});
                 },
                 {"6", "below 6"}}}),
      composed("max_unpool2d",
               [](const Arguments& in) {
                 return max_unpool2d(in[0], {{{0, 3}}}, {1, 2});
               },
               {{{1, 1, 2}}}),
      composed("max_unpool3d", [](const Arguments& in) { return max_unpool3d(in[0], {{{{7}}}}, 2); },
               {{{1, 1, 1, 1}}})};
}

}  // namespace chainrule::test
