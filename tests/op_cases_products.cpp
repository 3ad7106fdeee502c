// Rows of products: dot, outer, kron, cross, matrix_power, tensordot and einsum, all compositions of others,
// with references in plain loops.

#include <map>

#include "chainrule/linalg.h"
#include "op_inputs.h"

namespace chainrule::test {
namespace {

using reference::Array;
using reference::Arrays;
using reference::Number;
using reference::Position;

/// Einstein's sum in plain loops, of letters alone.
Array einsum_in_loops(const std::vector<std::string>& operands, const std::string& output, const Arrays& in) {
  std::map<char, std::int64_t> sizes;
  for (std::size_t i = 0; i < in.size(); ++i)
    for (std::size_t axis = 0; axis < operands[i].size(); ++axis) {
      std::int64_t& size = sizes.try_emplace(operands[i][axis], 1).first->second;
      if (in[i].shape[axis] != 1) size = in[i].shape[axis];
    }
  const auto shape_of = [&](const std::string& letters) {
    std::vector<std::int64_t> list;
    for (const char letter : letters) list.push_back(sizes.at(letter));
    return Shape(list);
  };
  std::string summed;
  for (const auto& [letter, size] : sizes)
    if (output.find(letter) == std::string::npos) summed += letter;
  return reference::generate(shape_of(output), [&](const Position& outside) {
    Number total = 0;
    reference::generate(shape_of(summed), [&](const Position& inside) {
      Number product = 1;
      for (std::size_t i = 0; i < in.size(); ++i) {
        Position place;
        for (std::size_t axis = 0; axis < operands[i].size(); ++axis) {
          const std::size_t of_output = output.find(operands[i][axis]),
                            of_sum = summed.find(operands[i][axis]);
          const std::int64_t position = of_output != std::string::npos ? outside[of_output] : inside[of_sum];
          place.push_back(in[i].shape[axis] == 1 ? 0 : position);
        }
        product *= reference::at(in[i], place);
      }
      total += product;
      return product;
    });
    return total;
  });
}

OpCase row(const std::string& operation, std::vector<Variant> variants, std::vector<Misuse> misuses = {}) {
  return {.operation = operation,
          .inputs = {between(-1, 1), between(-1, 1)},
          .variants = std::move(variants),
          .misuses = std::move(misuses),
          .composed = true,
          .tolerance = 1e-13,
          .float32_tolerance = 2e-5};
}

Misuse refused(const std::string& name, Tensor (*call)(const Operand&, const Operand&), const Shape& a,
               const Shape& b) {
  return {name, [=] { call(blank(a), blank(b)); }, {to_string(a), to_string(b)}};
}

template <Tensor (*call)(const Operand&, const Operand&)>
Variant of_two(const std::string& name, const std::vector<std::string>& operands, const std::string& output,
               std::vector<Shapes> shapes) {
  return {name, [](const Arguments& in) { return call(in[0], in[1]); },
          [=](const Arrays& in) { return einsum_in_loops(operands, output, in); }, std::move(shapes)};
}

OpCase kron_row() {
  const auto expected = [](const Arrays& in) {
    std::vector<std::int64_t> sizes;
    for (std::size_t axis = 0; axis < in[0].shape.rank(); ++axis)
      sizes.push_back(in[0].shape[axis] * in[1].shape[axis]);
    return reference::generate(Shape(sizes), [&](const Position& place) {
      Position a, b;
      for (std::size_t axis = 0; axis < place.size(); ++axis) {
        a.push_back(place[axis] / in[1].shape[axis]);
        b.push_back(place[axis] % in[1].shape[axis]);
      }
      return reference::at(in[0], a) * reference::at(in[1], b);
    });
  };
  return row("kron", {{"",
                       [](const Arguments& in) { return kron(in[0], in[1]); },
                       expected,
                       {{{2, 3}, {1, 1}}, {{1}, {2}}, {{2, 3}, {2, 2}}, {{}, {}}, {{0, 2}, {2, 1}}}}});
}

OpCase cross_row() {
  const auto expected = [](const Arrays& in) {
    return reference::generate(reference::broadcast({in[0].shape, in[1].shape}), [&](const Position& place) {
      Position next = place, last = place;
      next.back() = (place.back() + 1) % 3;
      last.back() = (place.back() + 2) % 3;
      return reference::at(in[0], next) * reference::at(in[1], last) -
             reference::at(in[0], last) * reference::at(in[1], next);
    });
  };
  return row("cross",
             {{"",
               [](const Arguments& in) { return cross(in[0], in[1]); },
               expected,
               {{{3}, {3}}, {{2, 1, 3}, {2, 3}}, {{0, 3}, {3}}}}},
             {{"axes that are not of size 3", [] { cross(blank({2}), blank({2})); }, {"(2,)"}}});
}

OpCase matrix_power_row() {
  const auto fifth = [](const Arrays& in) {
    Array result = in[0];
    for (int i = 1; i < 5; ++i) result = reference::matmul(result, in[0]);
    return result;
  };
  return row("matrix_power",
             {{"5",
               [](const Arguments& in) { return matrix_power(in[0], 5); },
               fifth,
               {{{3, 3}}, {{2, 2, 2}}, {{0, 0}}}}},
             {{"what is not square",
               [] {
                 matrix_power(blank({2, 3}), 2);
               },
               {"(2, 3)"}}});
}

OpCase tensordot_row() {
  const auto over = [](const std::string& name, const std::vector<std::int64_t>& a,
                       const std::vector<std::int64_t>& b, const std::vector<std::string>& operands,
                       const std::string& output, const std::vector<Shapes>& shapes) {
    return Variant{name, [=](const Arguments& in) { return tensordot(in[0], in[1], a, b); },
                   [=](const Arrays& in) { return einsum_in_loops(operands, output, in); }, shapes};
  };
  return row("tensordot",
             {over("over pairs of axes", {0, -1}, {2, 0}, {"iaj", "jbi"}, "ab", {{{2, 3, 4}, {4, 2, 2}}}),
              over("over no axes", {}, {}, {"ab", "c"}, "abc", {{{2, 3}, {1}}, {{1, 1}, {2}}, {{2, 3}, {2}}}),
              {"over the inner axes",
               [](const Arguments& in) { return tensordot(in[0], in[1], 1); },
               [](const Arrays& in) {
                 return einsum_in_loops({"aij", "jb"}, "aib", in);
               },
               {{{2, 2, 3}, {3, 2}}, {{2, 2, 0}, {0, 2}}}}},
             {{"sizes that differ",
               [] {
                 tensordot(blank({2, 3}), blank({2, 3}), 1);
               },
               {"(2, 3)"}},
              {"too many axes",
               [] {
                 tensordot(blank({2, 3}), blank({2}), 2);
               },
               {"2", "(2, 3)", "(2,)"}},
              {"an axis twice",
               [] {
                 tensordot(blank({2, 2}), blank({2, 2}), {0, 0}, {0, 1});
               },
               {"(2, 2)"}}});
}

OpCase einsum_row() {
  const auto of = [](const std::string& name, const std::string& equation,
                     const std::vector<std::string>& operands, const std::string& output,
                     std::vector<Shapes> shapes) {
    return Variant{name, [=](const Arguments& in) { return einsum(equation, in.tensors()); },
                   [=](const Arrays& in) { return einsum_in_loops(operands, output, in); },
                   std::move(shapes)};
  };
  const auto refused = [](const std::string& name, const std::string& equation, const Shapes& shapes,
                          const std::vector<std::string>& words) {
    return Misuse{name,
                  [=] {
                    Inputs inputs;
                    for (const Shape& shape : shapes) inputs.push_back(blank(shape));
                    einsum(equation, inputs);
                  },
                  words};
  };
  return row("einsum",
             {of("of matrices", "ij,jk->ik", {"ij", "jk"}, "ik", {{{2, 3}, {3, 4}}, {{2, 0}, {0, 2}}}),
              of("of batches and a sum", "bij,kjb->bk", {"bij", "kjb"}, "bk", {{{2, 3, 4}, {2, 4, 2}}}),
              of("of a diagonal", "iji->ji", {"iji"}, "ji", {{{2, 3, 2}}}),
              of("of a trace and a scalar", "ii,", {"ii", ""}, "", {{{3, 3}, {}}}),
              of("with an ellipsis", "...ij,j...->...i", {"abij", "jb"}, "abi",
                 {{{2, 3, 2, 4}, {4, 3}}, {{2, 1, 2, 2}, {2, 3}}}),
              of("of outer products", "i,j,k", {"i", "j", "k"}, "ijk",
                 {{{2}, {1}, {1}}, {{1}, {1}, {2}}, {{2}, {3}, {2}}}),
              of("of a chain", "ab,bc,cd,de,e->a", {"ab", "bc", "cd", "de", "e"}, "a",
                 {{{2, 3}, {3, 2}, {2, 4}, {4, 2}, {2}}}),
              of("of seven", "ab,bc,cd,d,a,b,bc->c", {"ab", "bc", "cd", "d", "a", "b", "bc"}, "c",
                 {{{2, 3}, {3, 2}, {2, 2}, {2}, {2}, {3}, {3, 2}}})},
             {refused("an output label that is in no input", "ij,jk->iz", {{2, 2}, {2, 2}},
                      {"'ij,jk->iz'", "z", "is in no input"}),
              refused("sizes that differ", "ij,jk", {{2, 3}, {4, 2}}, {"label j", "3", "4", "(4, 2)"}),
              refused("too few operands", "ij,jk", {{2, 3}}, {"2 operands", "1 given"}),
              refused("too few labels", "i,i", {{2}, {2, 3}}, {"(2, 3)", "2 axes and 1 labels"}),
              refused("too many labels", "...ij", {{2}}, {"(2,)", "1 axes and 2 labels"}),
              refused("a diagonal of two sizes", "ii", {{2, 3}}, {"label i", "(2, 3)"}),
              refused("a label twice in the output", "i->ii", {{2}}, {"twice"}),
              refused("what is no label", "i1", {{2, 3}}, {"'1'"}),
              refused("an arrow that is not whole", "i-j", {{2, 3}}, {"'-'"}),
              refused("two ellipses", "......", {{2, 3}}, {"once"})});
}

}  // namespace

std::vector<OpCase> product_rows() {
  return {
      row("dot", {of_two<dot>("", {"i", "i"}, "", {{{3}, {3}}, {{0}, {0}}})},
          {refused("matrices", dot, {2, 2}, {2, 2}), refused("two sizes", dot, {2}, {3})}),
      row("vdot", {of_two<vdot>("", {"i", "i"}, "", {{{2}, {2}}})}, {refused("two sizes", vdot, {2}, {3})}),
      row("inner", {of_two<inner>("", {"ai", "bci"}, "abc", {{{2, 3}, {2, 2, 3}}})},
          {refused("two sizes", inner, {2, 3}, {2})}),
      row("outer", {of_two<outer>("", {"i", "j"}, "ij", {{{3}, {1}}, {{1}, {2}}, {{2}, {3}}, {{0}, {2}}})},
          {refused("matrices", outer, {2, 2}, {2})}),
      kron_row(),
      cross_row(),
      matrix_power_row(),
      tensordot_row(),
      einsum_row()};
}

}  // namespace chainrule::test
