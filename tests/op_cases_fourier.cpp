// Rows of the table for Fourier transforms, whose reference is the sum in their definition.
// op_inputs.h draws the inputs.

#include <complex>
#include <numbers>

#include "chainrule/fft.h"
#include "op_rows.h"

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

std::vector<OpCase> rows_of_several_axes() {
  const auto one = [](auto function) { return [function](const Arguments& in) { return function(in[0]); }; };
  using Axes2 = std::vector<std::int64_t>;
  std::vector<OpCase> rows = {
      composed("fftn",
               [](const Arguments& in) {
                 return fftn(in[0], {3, 2}, {1, 0});
               },
               {{{2, 3, 2}}},
               {{"an axis twice",
                 [] {
                   fftn(blank({2, 2}), {}, {0, -1});
                 },
                 {"(2, 2)", "twice"}},
                {"no pairs",
                 [] {
                   fftn(blank({2, 3}));
                 },
                 {"(2, 3)", "pairs"}},
                {"too many sizes",
                 [] {
                   fftn(blank({2, 2}), {2, 2}, 0);
                 },
                 {"2 sizes", "1 axes"}}}),
      composed("ifftn", [](const Arguments& in) { return ifftn(in[0]); }, {{{2, 3, 2}}}),
      composed("rfftn",
               [](const Arguments& in) {
                 return rfftn(in[0], {}, Axes2{1, 0});
               },
               {{{2, 3}}, {{3, 4}}}),
      composed("irfftn",
               [](const Arguments& in) {
                 return irfftn(in[0], {2, 3});
               },
               {{{2, 2, 2}}}),
      composed("fft2", one([](const Operand& x) { return fft2(x); }), {{{2, 2, 3, 2}}},
               {{"a line",
                 [] {
                   fft2(blank({3, 2}));
                 },
                 {"(3,)"}}}),
      composed("ifft2", one([](const Operand& x) { return ifft2(x); }), {{{2, 3, 2}}}),
      composed("rfft2", one([](const Operand& x) { return rfft2(x); }), {{{1, 2, 3}}}),
      composed("irfft2", one([](const Operand& x) { return irfft2(x); }), {{{2, 3, 2}}}),
      composed("fftshift", one([](const Operand& x) {
                 return fftshift(x, {0, 1});
               }),
               {{{3, 4}}, {{0, 2}}}, {{"no axes", [] { fftshift(blank({2}), {}); }, {"(2,)", "name them"}}}),
      composed("ifftshift", one([](const Operand& x) { return ifftshift(x, 0); }), {{{3, 2}}})};
  return rows;
}

std::vector<OpCase> signal_rows() {
  const StftOptions options = {.hop = 3, .window = tensor({0.5, 1.0, 0.75, 0.25, 0.5}), .normalized = true},
                    whole = {.hop = 2, .center = false, .onesided = false};
  return {
      composed("stft",
               {{"", [=](const Arguments& in) { return stft(in[0], 5, options); }, {}, {{{9}}, {{2, 8}}}},
                {"of both sides", [=](const Arguments& in) { return stft(in[0], 4, whole); }, {}, {{{7}}}}},
               {{"a short signal", [] { stft(blank({2}), 8); }, {"(2,)", "8"}},
                {"no frames", [] { stft(blank({8}), 0); }, {"0"}},
                {"a long window", [] { stft(blank({8}), 2, {.window = ones({3})}); }, {"(3,)"}}}),
      composed("istft",
               {{"", [=](const Arguments& in) { return istft(in[0], 5, options); }, {}, {{{2, 3, 3, 2}}}},
                {"of both sides",
                 [=](const Arguments& in) { return istft(in[0], 4, whole, 9); },
                 {},
                 {{{4, 3, 2}}}}},
               {{"other frames",
                 [] {
                   istft(blank({2, 3, 2}), 4);
                 },
                 {"(2, 3, 2)", "3, frames, 2"}},
                {"gaps",
                 [] {
                   istft(blank({2, 3, 2}), 2, {.hop = 4});
                 },
                 {"add up to 0"}}})};
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
  for (OpCase& row : rows_of_several_axes()) rows.push_back(std::move(row));
  for (OpCase& row : signal_rows()) rows.push_back(std::move(row));
  return rows;
}

}  // namespace chainrule::test
