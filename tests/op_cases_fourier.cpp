// Rows of the table for Fourier transforms, whose reference is the sum in their definition.
// op_inputs.h draws the inputs.

#include <complex>
#include <numbers>

#include "chainrule/fft.h"
#include "op_inputs.h"

namespace chainrule::test {
namespace {

using reference::Array;
using reference::Arrays;
using reference::Number;

/// Σⱼ xⱼ e^(sign 2πi jk/n) along the first axis, for k below `count`, from the definition.
std::vector<std::complex<Number>> definition(const std::vector<std::complex<Number>>& x, std::size_t count,
                                             int sign) {
  std::vector<std::complex<Number>> y(count);
  for (std::size_t k = 0; k < count; ++k)
    for (std::size_t j = 0; j < x.size(); ++j)
      y[k] += x[j] * std::polar(Number(1), static_cast<Number>(sign) * 2 * std::numbers::pi_v<Number> *
                                               static_cast<Number>(j * k % x.size()) /
                                               static_cast<Number>(x.size()));
  return y;
}

std::vector<std::complex<Number>> complex(const Array& pairs) {
  std::vector<std::complex<Number>> x;
  for (std::size_t i = 0; i + 1 < pairs.values.size(); i += 2)
    x.emplace_back(pairs.values[i], pairs.values[i + 1]);
  return x;
}
Array as_pairs(const std::vector<std::complex<Number>>& x) {
  Array pairs{{static_cast<std::int64_t>(x.size()), 2}, {}};
  for (const auto& each : x) {
    pairs.values.push_back(each.real());
    pairs.values.push_back(each.imag());
  }
  return pairs;
}

OpCase row(const std::string& operation, Tensor (*function)(const Operand&),
           std::function<Array(const Array&)> expected, std::vector<Shapes> shapes, const Shape& wrong) {
  return {.operation = operation,
          .inputs = {between(-1, 1)},
          .variants = {{"", [function](const Arguments& in) { return function(in[0]); },
                        [=](const Arrays& in) { return expected(in[0]); }, std::move(shapes)}},
          .misuses = {{"no such axis", [=] { function(blank(wrong)); }, {to_string(wrong)}}},
          .tolerance = 1e-14,
          .float32_tolerance = 4e-6};
}

}  // namespace

std::vector<OpCase> fourier_rows() {
  const std::vector<Shapes> pairs = {{{1, 2}}, {{4, 2}}, {{7, 2}}};
  const auto inverse = [](const Array& y) {
    auto x = definition(complex(y), complex(y).size(), 1);
    for (auto& each : x) each /= static_cast<Number>(x.size());
    return as_pairs(x);
  };
  std::vector<OpCase> rows = {
      row(
          "fft", [](const Operand& x) { return fft(x); },
          [](const Array& x) { return as_pairs(definition(complex(x), complex(x).size(), -1)); }, pairs, {3}),
      row("ifft", [](const Operand& x) { return ifft(x); }, inverse, pairs, {4, 3}),
      row(
          "rfft", [](const Operand& x) { return rfft(x); },
          [](const Array& x) {
            const std::vector<std::complex<Number>> numbers(x.values.begin(), x.values.end());
            return as_pairs(definition(numbers, numbers.size() / 2 + 1, -1));
          },
          {{{1}}, {{4}}, {{7}}}, {}),
      row(
          "irfft", [](const Operand& x) { return irfft(x, 5); },
          [](const Array& y) {
            auto half = complex(y);
            half[0] = half[0].real();
            const auto x =
                definition({half[0], half[1], half[2], std::conj(half[2]), std::conj(half[1])}, 5, 1);
            Array real{{5}, {}};
            for (const auto& each : x) real.values.push_back(each.real() / 5);
            return real;
          },
          {{{3, 2}}}, {3}),
  };
  rows[1].composed = rows[3].composed = true;  // scaled at the end
  return rows;
}

}  // namespace chainrule::test
