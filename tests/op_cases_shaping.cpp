// The rows of what adds and moves axes, cuts, joins, repeats, pads and turns, with references element by
// element.

#include "chainrule/autograd.h"
#include "chainrule/shaping.h"
#include "op_inputs.h"

namespace chainrule::test {
namespace {

using In = const Arguments&;
using Call = std::function<Tensor(In)>;

/// Rows of compositions, whose values tests/ops/shaping_test.cpp knows. Each call is for all the shapes.
OpCase row(const std::string& name, const std::vector<Call>& calls, const std::vector<Shapes>& shapes,
           std::vector<Misuse> misuses = {}) {
  OpCase result = {.operation = name,
                   .inputs = {between(-2, 2)},
                   .variants = {},
                   .misuses = std::move(misuses),
                   .composed = true,
                   .tolerance = 0};
  for (const Call& call : calls)
    result.variants.push_back(
        {calls.size() == 1 ? "" : "in way " + std::to_string(result.variants.size() + 1), call, {}, shapes});
  return result;
}

/// Several results as one, each element with a weight of its own.
Tensor together(const std::vector<Tensor>& parts) {
  std::vector<Tensor> flat;
  double factor = 1;
  for (const Tensor& part : parts) flat.push_back(ravel(part) * factor++);
  return concatenate(flat);
}

/// Of each element of a result the place that it comes from.
OpCase roll_row() {
  const auto way = [](const std::string& name, std::vector<std::int64_t> shifts,
                      std::optional<std::vector<std::int64_t>> axes, std::vector<Shapes> shapes) {
    return Variant{name, [=](In in) { return axes ? roll(in[0], shifts, *axes) : roll(in[0], shifts); },
                   [=](const reference::Arrays& in) {
                     reference::Array result = in[0];
                     const auto rank = static_cast<std::int64_t>(in[0].shape.rank());
                     for (std::size_t k = 0; k < shifts.size(); ++k) {
                       std::int64_t size = in[0].shape.size(), inner = 1;
                       if (axes) {
                         const std::int64_t axis = ((*axes)[k] + rank) % rank;
                         size = in[0].shape[static_cast<std::size_t>(axis)];
                         for (std::int64_t i = axis + 1; i < rank; ++i)
                           inner *= in[0].shape[static_cast<std::size_t>(i)];
                       }
                       const reference::Numbers before = result.values;
                       for (std::int64_t i = 0; i < static_cast<std::int64_t>(before.size()); ++i) {
                         const std::int64_t at = i / inner % size,
                                            from = ((at - shifts[k]) % size + size) % size;
                         result.values[static_cast<std::size_t>(i)] =
                             before[static_cast<std::size_t>(i + (from - at) * inner)];
                       }
                     }
                     return result;
                   },
                   std::move(shapes)};
  };
  return {
      .operation = "roll",
      .inputs = {between(-2, 2)},
      .variants = {way("of all elements", {4}, {}, {{{3}}, {{7}}, {{0}}, {{1}}}),
                   way("along the last axis", {-1}, {{-1}}, {{{4}}, {{2, 3}}, {{3, 100}}, {{2, 0}}}),
                   way("along the first axis", {5}, {{0}}, {{{4}}, {{2, 3}}, {{3, 2, 7}}}),
                   way("along two axes", {1, -1}, {{0, 1}}, {{{2, 3}}, {{3, 2, 2}}, {{0, 2}}, {{5, 70, 3}}}),
                   way("along axes apart", {1, 2}, {{-1, 0}}, {{{4, 3, 5}}, {{3, 2, 2, 33}}}),
                   way("along all of four", {1, 2, 3, -9}, {{0, 1, 2, 3}}, {{{2, 3, 4, 5}}}),
                   way("twice along an axis", {2, 2}, {{1, 1}}, {{{2, 3}}, {{1, 4}}})},
      .misuses = {{"too few shifts",
                   [] {
                     roll(blank({2, 3}), 1, {0, 1});
                   },
                   {"(2, 3)"}}},
      .tolerance = 0};
}

/// Of each window along the last axis the elements that it takes; to them, with `back`.
OpCase windows_row(bool back) {
  const auto way = [=](const std::string& name, std::int64_t size, std::int64_t step, const Shape& whole) {
    const std::int64_t n = whole.back(), count = (n - size) / step + 1;
    std::vector<std::int64_t> sizes(whole.begin(), whole.end());
    sizes.back() = count;
    sizes.push_back(size);
    const Shape windows(sizes);
    const auto each = [=](const auto& visit) {  // an element of the windows, and where it comes from
      for (std::int64_t i = 0; i < windows.size(); ++i)
        visit(static_cast<std::size_t>(i),
              static_cast<std::size_t>(i / (count * size) * n + i / size % count * step + i % size));
    };
    const Call call = [=](In in) {
      if (!back) return unfold(in[0], -1, size, step);
      const Tensor g = in[0].as_tensor(), x = variable(zeros(whole, g.dtype()));
      return gradients(unfold(x, -1, size, step), {x}, {.seed = g, .create_graph = true}).at(x);
    };
    const auto expected = [=](const reference::Arrays& in) {
      const Shape& shape = back ? whole : windows;
      reference::Array result{shape, reference::Numbers(static_cast<std::size_t>(shape.size()), 0)};
      each([&](std::size_t i, std::size_t from) {
        if (back)
          result.values[from] += in[0].values[i];
        else
          result.values[i] = in[0].values[from];
      });
      return result;
    };
    return Variant{name, call, expected, {{back ? windows : whole}}};
  };
  return {
      .operation = back ? "windows_gradient" : "windows",
      .inputs = {between(-2, 2)},
      .variants = {way("that overlap", 3, 1, {7}), way("that overlap by one", 3, 2, {2, 9}),
                   way("of one line after the other", 20, 3, {2, 100}), way("of one element", 1, 2, {2, 6}),
                   way("with gaps", 2, 3, {3, 9}), way("of none", 2, 1, {0, 3})},
      .tolerance = back ? 1e-15 : 0};
}

std::vector<OpCase> axis_rows() {
  return {
      row("squeeze",
          {[](In in) { return squeeze(in[0]); },
           [](In in) {
             return squeeze(in[0], {0, -1});
           }},
          {{{1, 2, 1}}, {{1, 0, 1}}},
          {{"an axis of another size",
            [] {
              squeeze(blank({1, 2}), 1);
            },
            {"axis 1", "(1, 2)"}}}),
      row("expand_dims",
          {[](In in) { return expand_dims(in[0], -1); },
           [](In in) {
             return expand_dims(in[0], {0, 2});
           }},
          {{{2}}, {{2, 3}}}, {{"an axis too high", [] { expand_dims(blank({2}), 2); }, {"2"}}}),
      row("flatten", {[](In in) { return flatten(in[0]); }, [](In in) { return flatten(in[0], -2, 1); }},
          {{{2, 3}}, {{0, 3}}, {{2, 2, 2}}},
          {{"axes in the wrong order",
            [] {
              flatten(blank({2, 3}), 1, 0);
            },
            {"(2, 3)"}}}),
      row("ravel", {[](In in) { return ravel(in[0]); }}, {{{2, 3}}, {{}}}),
      row("unflatten", {[](In in) {
            return unflatten(in[0], -1, {2, -1});
          }},
          {{{4}}, {{3, 2}}, {{0, 4}}},
          {{"sizes that do not fit",
            [] {
              unflatten(blank({2, 3}), 1, {2, 2});
            },
            {"(3,)"}}}),
      row("movedim",
          {[](In in) { return movedim(in[0], 0, -1); },
           [](In in) {
             return movedim(in[0], {2, 0}, {0, 1});
           }},
          {{{2, 3, 1}}, {{1, 2, 3, 2}}},
          {{"an axis twice",
            [] {
              movedim(blank({2, 3}), {0, 0}, {0, 1});
            },
            {"(2, 3)"}},
           {"too few places",
            [] {
              movedim(blank({2, 3}), {0, 1}, {0});
            },
            {"(2, 3)"}}}),
      row("expand", {[](In in) {
            return expand(in[0], {2, -1, 3});
          }},
          {{{2, 1}}, {{1, 4, 3}}},
          {{"a new axis of size -1",
            [] {
              expand(blank({2}), {-1, 2});
            },
            {"-1"}}}),
      row("atleast_1d", {[](In in) { return atleast_1d(in[0]); }}, {{{}}, {{2}}}),
      row("atleast_2d", {[](In in) { return atleast_2d(in[0]); }}, {{{}}, {{2}}, {{2, 1}}}),
      row("atleast_3d", {[](In in) { return atleast_3d(in[0]); }}, {{{}}, {{2}}, {{2, 3}}, {{1, 2, 1}}}),
  };
}

std::vector<OpCase> piece_rows() {
  return {
      row("split",
          {[](In in) { return together(split(in[0], 2, -1)); },
           [](In in) {
             return together(split(in[0], {1, 0, 2}, -1));
           }},
          {{{3}}, {{2, 3}}},
          {{"sizes that do not add up",
            [] {
              split(blank({3}), {1, 1});
            },
            {"(1, 1)", "(3,)"}},
           {"pieces of nothing", [] { split(blank({3}), 0); }, {"0", "(3,)"}}}),
      row("array_split",
          {[](In in) { return together(array_split(in[0], 2, -1)); },
           [](In in) {
             return together(array_split(in[0], {1, 2}, -1));
           }},
          {{{3}}, {{2, 1}}}, {{"no pieces", [] { array_split(blank({3}), 0); }, {"0", "(3,)"}}}),
      row("chunk", {[](In in) { return together(chunk(in[0], 2)); }}, {{{3}}, {{0}}, {{2, 2}}},
          {{"no pieces", [] { chunk(blank({3}), 0); }, {"0", "(3,)"}}}),
      row("unbind", {[](In in) { return together(unbind(in[0], -1)); }}, {{{3}}, {{2, 3}}},
          {{"a scalar", [] { unbind(blank({})); }, {"()"}}}),
      row("select", {[](In in) { return select(in[0], 1, -1); }}, {{{2, 3}}, {{2, 1, 2}}},
          {{"a position too high",
            [] {
              select(blank({2, 3}), 1, 3);
            },
            {"3", "(2, 3)"}}}),
      row("narrow", {[](In in) { return narrow(in[0], 1, -2, 2); }}, {{{2, 3}}, {{0, 2}}},
          {{"more than there are",
            [] {
              narrow(blank({2, 3}), 1, 2, 2);
            },
            {"(2, 3)"}}}),
      row("unfold", {[](In in) { return unfold(in[0], 0, 3, 2); }}, {{{7}}, {{4, 2}}},
          {{"windows that do not fit", [] { unfold(blank({2}), 0, 3, 1); }, {"3", "(2,)"}}}),
      row("sliding_window_view", {[](In in) {
            return sliding_window_view(in[0], {2, 1});
          }},
          {{{3, 2}}},
          {{"too few sizes",
            [] {
              sliding_window_view(blank({2, 3}), {2});
            },
            {"(2, 3)"}}}),
      row("flip", {[](In in) { return flip(in[0]); }, [](In in) { return flip(in[0], -1); }},
          {{{3}}, {{2, 3}}, {{0, 2}}}, {{"an axis too high", [] { flip(blank({2}), 1); }, {"(2,)"}}}),
      row("fliplr", {[](In in) { return fliplr(in[0]); }}, {{{2, 3}}},
          {{"a vector", [] { fliplr(blank({2})); }, {"(2,)"}}}),
      row("flipud", {[](In in) { return flipud(in[0]); }}, {{{2, 3}}},
          {{"a scalar", [] { flipud(blank({})); }, {"()"}}}),
      roll_row(),
      windows_row(false),
      windows_row(true),
      row("rot90",
          {[](In in) { return rot90(in[0]); },
           [](In in) {
             return rot90(in[0], -1, {1, 0});
           },
           [](In in) { return rot90(in[0], 2); }},
          {{{2, 3}}},
          {{"one axis",
            [] {
              rot90(blank({2, 3}), 1, {0, -2});
            },
            {"(2, 3)"}}}),
      row("hstack", {[](In in) { return hstack(in.tensors()); }}, {{{2}, {1}}, {{2, 1}, {2, 2}}, {{}, {}}},
          {{"sizes that differ",
            [] {
              hstack({blank({2, 1}), blank({3, 1})});
            },
            {"(2, 1)", "(3, 1)"}}}),
      row("vstack", {[](In in) { return vstack(in.tensors()); }}, {{{2}, {2}}, {{1, 2}, {2}}},
          {{"sizes that differ",
            [] {
              vstack({blank({2}), blank({3})});
            },
            {"(1, 2)", "(1, 3)"}}}),
      row("dstack", {[](In in) { return dstack(in.tensors()); }}, {{{2}, {2}}, {{1, 2}, {1, 2}}},
          {{"none", [] { dstack(Inputs{}); }, {}}}),
      row("column_stack", {[](In in) { return column_stack(in.tensors()); }}, {{{2}, {2}}, {{2, 2}, {2}}},
          {{"sizes that differ",
            [] {
              column_stack({blank({2}), blank({3})});
            },
            {"(2, 1)", "(3, 1)"}}}),
  };
}

std::vector<OpCase> pattern_rows() {
  const auto padded = [](const std::vector<std::int64_t>& sizes, PadMode mode) -> Call {
    return [=](In in) { return pad(in[0], sizes, mode); };
  };
  OpCase traced = row("trace", {[](In in) { return trace(in[0]); }, [](In in) { return trace(in[0], -1); }},
                      {{{2, 3}}, {{3, 2, 2}}}, {{"a vector", [] { trace(blank({2})); }, {"(2,)"}}});
  traced.tolerance = 1e-15;
  return {
      row("repeat", {[](In in) {
            return repeat(in[0], {2, 1, 3});
          }},
          {{{2}}, {{1, 2, 2}}, {{}}},
          {{"too few numbers",
            [] {
              repeat(blank({2, 3}), {2});
            },
            {"(2, 3)"}}}),
      row("tile", {[](In in) { return tile(in[0], {2}); }}, {{{2}}, {{2, 3}}, {{}}},
          {{"a negative number", [] { tile(blank({2}), {-1}); }, {"-1", "(2,)"}}}),
      row("repeat_interleave",
          {[](In in) { return repeat_interleave(in[0], 2); },
           [](In in) {
             return repeat_interleave(in[0], {2, 0, 1}, -1);
           },
           [](In in) { return repeat_interleave(in[0], 3, 0); }},
          {{{3}}, {{2, 3}}},
          {{"too few numbers",
            [] {
              repeat_interleave(blank({3}), {1, 2}, 0);
            },
            {"(3,)"}}}),
      row("pad",
          {padded({1, 2}, PadMode::constant), padded({-1, 1, 2, 0}, PadMode::constant),
           padded({1, 2, 2, 1}, PadMode::reflect), padded({3, 0, 0, 1}, PadMode::replicate),
           padded({2, 3, 1, 1}, PadMode::circular)},
          {{{3, 3}}, {{2, 4, 3}}},
          {{"an odd number of sizes", [] { pad(blank({2}), {1}); }, {"(2,)"}},
           {"a reflection of too little",
            [] {
              pad(blank({2}), {2, 0}, PadMode::reflect);
            },
            {"(2,)"}},
           {"more taken away than there is",
            [] {
              pad(blank({2}), {-2, -1});
            },
            {"(2,)"}}}),
      row("tril", {[](In in) { return tril(in[0]); }, [](In in) { return tril(in[0], -1); }},
          {{{3, 2}}, {{2, 2, 2}}}, {{"a vector", [] { tril(blank({2})); }, {"(2,)"}}}),
      row("triu", {[](In in) { return triu(in[0], 1); }}, {{{3, 2}}, {{2, 2, 2}}},
          {{"a vector", [] { triu(blank({2})); }, {"(2,)"}}}),
      row("diagonal",
          {[](In in) { return diagonal(in[0]); }, [](In in) { return diagonal(in[0], 1, -1, 0); },
           [](In in) { return diagonal(in[0], -9); }},
          {{{2, 3}}, {{3, 2, 2}}},
          {{"one axis twice",
            [] {
              diagonal(blank({2, 3}), 0, 1, -1);
            },
            {"(2, 3)"}}}),
      row("diag_embed",
          {[](In in) { return diag_embed(in[0]); }, [](In in) { return diag_embed(in[0], -1, 0, 1); }},
          {{{2}}, {{2, 3}}, {{0}}}, {{"a scalar", [] { diag_embed(blank({})); }, {"()"}}}),
      row("diag", {[](In in) { return diag(in[0], 1); }}, {{{2}}, {{2, 3}}},
          {{"three axes",
            [] {
              diag(blank({1, 2, 3}));
            },
            {"(1, 2, 3)"}}}),
      std::move(traced),
      row("block_diag", {[](In in) { return block_diag(in.tensors()); }},
          {{{2, 3}, {1, 2}}, {{2}, {}, {2, 2}}, {{0, 2}, {2, 1}}},
          {{"three axes",
            [] {
              block_diag({blank({1, 2, 3})});
            },
            {"(1, 2, 3)"}}}),
      row("vander", {[](In in) { return vander(in[0]); }, [](In in) { return vander(in[0], 4, true); }},
          {{{3}}, {{0}}, {{2, 3}}}, {{"a scalar", [] { vander(blank({})); }, {"()"}}}),
      row("cartesian_prod", {[](In in) { return cartesian_prod(in.tensors()); }},
          {{{2}, {3}}, {{2}, {1}, {3}}, {{2}}},
          {{"a matrix",
            [] {
              cartesian_prod({blank({2, 3}), blank({2})});
            },
            {"(2, 3)"}}}),
      row("meshgrid",
          {[](In in) { return together(meshgrid(in.tensors())); },
           [](In in) { return together(meshgrid(in.tensors(), true)); }},
          {{{2}, {3}}, {{2}, {}, {3}}},
          {{"a matrix",
            [] {
              meshgrid({blank({2, 3})});
            },
            {"(2, 3)"}}}),
  };
}

}  // namespace

std::vector<OpCase> shaping_rows() {
  std::vector<OpCase> all = axis_rows();
  for (const auto family : {piece_rows, pattern_rows})
    for (OpCase& each : family()) all.push_back(std::move(each));
  return all;
}

}  // namespace chainrule::test
