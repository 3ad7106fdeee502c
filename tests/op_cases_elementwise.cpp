// Rows of the table for arithmetic, comparisons, where and clamp, with their references in plain C++.
// op_inputs.h draws the inputs.

#include <algorithm>
#include <cmath>

#include "op_inputs.h"

namespace chainrule::test {
namespace {

using reference::Arrays;
using reference::Number;
using reference::Numbers;

const std::vector<Shapes> unary_shapes = {{{}}, {{3}}, {{2, 3}}, {{4, 1, 3}}, {{0, 3}}, {{37, 29}}};
const std::vector<Shapes> binary_shapes = {{{}, {}}, {{2, 3}, {2, 3}}, {{2, 3}, {3}}, {{37, 29}, {37, 1}}};

OpCase unary(const std::string& operation, Tensor (*function)(const Operand&), Number (*scalar)(Number),
             const Input& input, double lowest = -1e3, double highest = 1e3) {
  const reference::Scalar on_numbers = [scalar](const Numbers& in) { return scalar(in[0]); };
  return {.operation = operation,
          .inputs = {input},
          .variants = {{"", [function](const Arguments& in) { return function(in[0]); },
                        [on_numbers](const Arrays& in) { return reference::elementwise(on_numbers, in); },
                        unary_shapes}},
          .scalar = on_numbers,
          .lowest = lowest,
          .highest = highest};
}

OpCase binary(const std::string& operation, Tensor (*function)(const Operand&, const Operand&),
              Number (*scalar)(Number, Number), const Input& a, const Input& b) {
  const reference::Scalar on_numbers = [scalar](const Numbers& in) { return scalar(in[0], in[1]); };
  return {.operation = operation,
          .inputs = {a, b},
          .variants = {{"", [function](const Arguments& in) { return function(in[0], in[1]); },
                        [on_numbers](const Arrays& in) { return reference::elementwise(on_numbers, in); },
                        binary_shapes}},
          .scalar = on_numbers};
}

OpCase comparison(const std::string& operation, Tensor (*function)(const Operand&, const Operand&),
                  Number (*scalar)(Number, Number)) {
  OpCase row = binary(operation, function, scalar, whole(-2, 2), whole(-2, 2));
  row.differentiable = false;
  return row;
}

OpCase without_sign_of_zero(OpCase row) {
  row.sign_of_zero = false;
  return row;
}

OpCase within(double tolerance, OpCase row) {
  row.tolerance = tolerance;
  return row;
}

Number sign_of(Number x) { return std::isnan(x) ? x : x > 0 ? 1 : x < 0 ? -1 : 0; }
Number larger(Number a, Number b) { return std::isnan(a) || a > b ? a : b; }
Number smaller(Number a, Number b) { return std::isnan(a) || a < b ? a : b; }

std::vector<OpCase> arithmetic() {
  return {
      binary(
          "add", add, [](Number a, Number b) { return a + b; }, between(-2, 2), between(-2, 2)),
      binary(
          "sub", sub, [](Number a, Number b) { return a - b; }, between(-2, 2), between(-2, 2)),
      binary(
          "mul", mul, [](Number a, Number b) { return a * b; }, between(-2, 2), between(-2, 2)),
      binary(
          "div", div, [](Number a, Number b) { return a / b; }, between(-2, 2), between(0.5, 2)),
      unary(
          "neg", neg, [](Number x) { return -x; }, between(-2, 2)),
      within(4e-15, binary(
                        "pow", pow, [](Number a, Number b) { return std::pow(a, b); }, between(0.5, 2),
                        between(-3, 3))),
  };
}

std::vector<OpCase> functions() {
  return {
      unary(
          "square", square, [](Number x) { return x * x; }, between(-2, 2)),
      unary(
          "sqrt", sqrt, [](Number x) { return std::sqrt(x); }, between(0.2, 2), 0, 1e300),
      unary(
          "exp", exp, [](Number x) { return std::exp(x); }, between(-2, 2), -708, 709.7),
      unary(
          "log", log, [](Number x) { return std::log(x); }, between(0.2, 2), 1e-300, 1e300),
      unary(
          "expm1", expm1, [](Number x) { return std::expm1(x); }, between(-2, 2), -708, 709.7),
      unary(
          "log1p", log1p, [](Number x) { return std::log1p(x); }, between(-0.8, 2), -0.9999, 1e300),
      unary(
          "abs", abs, [](Number x) { return std::abs(x); }, between(-2, 2, {0})),
      without_sign_of_zero(unary("sign", sign, sign_of, between(-2, 2, {0}))),
      unary(
          "sin", sin, [](Number x) { return std::sin(x); }, between(-4, 4)),
      unary(
          "cos", cos, [](Number x) { return std::cos(x); }, between(-4, 4)),
      unary(
          "tanh", tanh, [](Number x) { return std::tanh(x); }, between(-3, 3)),
      unary(
          "sigmoid", sigmoid, [](Number x) { return 1 / (1 + std::exp(-x)); }, between(-4, 4), -700),
      unary(
          "softplus", softplus, [](Number x) { return std::log1p(std::exp(x)); }, between(-4, 4), -700, 700),
      binary(
          "logaddexp", logaddexp, [](Number a, Number b) { return std::log(std::exp(a) + std::exp(b)); },
          between(-2, 2), between(-2, 2)),
      without_sign_of_zero(unary(
          "relu", relu, [](Number x) { return std::isnan(x) || x > 0 ? x : 0; }, between(-2, 2, {0}))),
      without_sign_of_zero(binary("maximum", maximum, larger, distinct(), distinct(0.05))),
      without_sign_of_zero(binary("minimum", minimum, smaller, distinct(), distinct(0.05))),
  };
}

OpCase where_row() {
  const reference::Scalar choose = [](const Numbers& in) { return in[0] != 0 ? in[1] : in[2]; };
  return {.operation = "where",
          .inputs = {booleans(), between(-2, 2), between(-2, 2)},
          .variants = {{"",
                        [](const Arguments& in) { return where(in[0], in[1], in[2]); },
                        [=](const Arrays& in) { return reference::elementwise(choose, in); },
                        {{{}, {}, {}},
                         {{2, 3}, {2, 3}, {2, 3}},
                         {{2, 1}, {3}, {}},
                         {{3}, {2, 3}, {4, 1, 1}},
                         {{}, {2, 1}, {1, 3}},
                         {{0, 3}, {3}, {}},
                         {{37, 29}, {29}, {37, 1}}}}},
          .misuses = {{"sizes that differ",
                       [] { where(zeros({2}, DType::boolean), blank({3}), blank({})); },
                       {"(2,)", "(3,)"}}},
          .scalar = choose};
}

OpCase clamp_row() {
  const reference::Scalar held = [](const Numbers& in) { return smaller(larger(in[0], in[1]), in[2]); };
  return {
      .operation = "clamp",
      .inputs = {distinct(), distinct(0.03), distinct(0.06)},
      .variants = {{"",
                    [](const Arguments& in) { return clamp(in[0], in[1], in[2]); },
                    [=](const Arrays& in) { return reference::elementwise(held, in); },
                    {{{}, {}, {}},
                     {{2, 3}, {2, 3}, {2, 3}},
                     {{2, 1}, {3}, {}},
                     {{3}, {2, 3}, {4, 1, 1}},
                     {{0, 3}, {3}, {}},
                     {{37, 29}, {29}, {37, 1}}}}},
      .misuses = {{"sizes that differ", [] { clamp(blank({2}), blank({3}), blank({})); }, {"(2,)", "(3,)"}}},
      .scalar = held,
      .sign_of_zero = false};
}

std::vector<OpCase> comparisons() {
  return {
      comparison("less", less, [](Number a, Number b) -> Number { return a < b; }),
      comparison("less_equal", less_equal, [](Number a, Number b) -> Number { return a <= b; }),
      comparison("greater", greater, [](Number a, Number b) -> Number { return a > b; }),
      comparison("greater_equal", greater_equal, [](Number a, Number b) -> Number { return a >= b; }),
      comparison("equal", equal, [](Number a, Number b) -> Number { return a == b; }),
      comparison("not_equal", not_equal, [](Number a, Number b) -> Number { return a != b; }),
      comparison("logical_and", logical_and, [](Number a, Number b) -> Number { return a != 0 && b != 0; }),
      comparison("logical_or", logical_or, [](Number a, Number b) -> Number { return a != 0 || b != 0; }),
      comparison("logical_xor", logical_xor,
                 [](Number a, Number b) -> Number { return (a != 0) != (b != 0); }),
  };
}

OpCase logical_not_row() {
  OpCase row = unary(
      "logical_not", logical_not, [](Number x) -> Number { return x == 0; }, whole(-2, 2));
  row.differentiable = false;
  return row;
}

OpCase cast_row() {
  const auto to = [](const std::string& name, const Input& input, Number (*rounded)(Number), DType dtype) {
    return Variant{name,
                   [dtype](const Arguments& in) { return cast(in[0], dtype); },
                   [rounded](const Arrays& in) {
                     return reference::elementwise([rounded](const Numbers& x) { return rounded(x[0]); }, in);
                   },
                   unary_shapes,
                   {input}};
  };
  return {
      .operation = "cast",
      .variants = {to(
                       "to float32", between(-2, 2),
                       [](Number x) -> Number { return static_cast<float>(static_cast<double>(x)); },
                       DType::float32),
                   to(
                       "to int64", constant(between(-9, 9)), [](Number x) { return std::trunc(x); },
                       DType::int64),
                   to(
                       "to bool", whole(-1, 1), [](Number x) -> Number { return x != 0; }, DType::boolean),
                   to(
                       "from int64", classes(9), [](Number x) { return x; }, DType::float64),
                   to(
                       "from bool", booleans(), [](Number x) { return x; }, DType::float64)},
      .gradient_tolerance = 1e-3};  // float32 is too coarse for central differences
}

}  // namespace

std::vector<OpCase> elementwise_rows() {
  std::vector<OpCase> rows = arithmetic();
  const auto append = [&](const std::vector<OpCase>& more) {
    rows.insert(rows.end(), more.begin(), more.end());
  };
  append(functions());
  append({where_row(), clamp_row()});
  append(comparisons());
  append({logical_not_row(), cast_row()});
  return rows;
}

}  // namespace chainrule::test
