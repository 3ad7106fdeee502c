// Loops that call a function of the C library for each element, and the text of such an operation's
// derivative.

#include "ops/functions/by_number.h"

#include <algorithm>
#include <cctype>

#include "kernels/broadcast.h"
#include "kernels/cast.h"
#include "ops/functions/packed_loops.h"

namespace chainrule::ops {
namespace {

/// A function of the C library takes some ten times as long as an addition.
constexpr std::int64_t grain = kernels::parallel_grain / 8;

template <class T, class N>
Array each_pair(N (*f)(N, N), const Array& a, const Array& b, const Shape& shape) {
  Array out(shape, a.dtype());
  const T *pa = a.data<T>(), *pb = b.data<T>();
  T* po = out.mutable_data<T>();
  kernels::for_each_row<2>(
      shape, {&a.shape(), &b.shape()},
      [&](std::int64_t at, const auto& offsets, const auto& strides, std::int64_t count) {
        const T *x = pa + offsets[0], *y = pb + offsets[1];
        for (std::int64_t i = 0; i < count; ++i)
          po[at + i] = static_cast<T>(f(x[i * strides[0]], y[i * strides[1]]));
      },
      grain);
  return out;
}

bool is_letter(std::string_view text, std::size_t at) {
  return at < text.size() && (std::isalnum(static_cast<unsigned char>(text[at])) != 0 || text[at] == '_');
}

}  // namespace

Array each(FunctionRef<double(double)> f, const Array& x) {
  Array out(x.shape(), x.dtype());
  dispatch_floating(x.dtype(), [&]<class T>() {
    const T* from = x.data<T>();
    T* to = out.mutable_data<T>();
    kernels::parallel_for(x.size(), grain, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) to[i] = static_cast<T>(f(from[i]));
    });
  });
  return out;
}

Array by_wide_packs(const kernels::PackLoop* loop, const Array& x, double which) {
  if (x.dtype() == DType::float64) {
    const Array number(which);
    return kernels::detail::elementwise<2>(loop, DType::float64, x.shape(), {&x, &number}, {});
  }
  Array out(x.shape(), x.dtype());
  const auto* from = x.data<float>();
  auto* to = out.mutable_data<float>();
  kernels::parallel_for(x.size(), grain, [&](std::int64_t begin, std::int64_t end) {
    constexpr std::int64_t most = 1024;
    alignas(64) double in_wide[most], out_wide[most];
    for (std::int64_t at = begin; at < end; at += most) {
      const std::int64_t count = std::min(most, end - at);
      kernels::cast(DType::float32, from + at, count, DType::float64, in_wide);
      (*loop)({.count = count,
               .rows = 1,
               .operands = {in_wide, &which},
               .strides = {1, 0},
               .steps = {},
               .out = out_wide,
               .ahead = out_wide});
      kernels::cast(DType::float64, out_wide, count, DType::float32, to + at);
    }
  });
  return out;
}

bool goes_in_pairs(const Shape& shape, DType dtype) {
  return shape.rank() > 0 && (dtype == DType::float32 || SpecialPacks::are_there());
}

Array by_pairs(special::Pair which, const Array& a, const Array& b, const Shape& shape) {
  if (a.dtype() == DType::float32) {
    const Array kind(static_cast<float>(which));
    return kernels::elementwise<PackedValue<PairPacks>, float, 3>(shape, {&a, &b, &kind});
  }
  const Array kind(static_cast<double>(which));  // int64 goes as bits
  return kernels::detail::elementwise<3>(
      kernels::detail::loop<PackedValue<PairPacks>, double, double, double, double, double>, a.dtype(), shape,
      {&a, &b, &kind}, {});
}

Array each(double (*f)(double, double), const Array& a, const Array& b, const Shape& shape) {
  return dispatch_floating(a.dtype(), [&]<class T>() { return each_pair<T>(f, a, b, shape); });
}

Array each(std::int64_t (*f)(std::int64_t, std::int64_t), const Array& a, const Array& b,
           const Shape& shape) {
  return each_pair<std::int64_t>(f, a, b, shape);
}

LocalFormula spelled_out(std::string_view formula, std::size_t input, std::span<const std::string> names) {
  constexpr std::string_view is = " = ", next = ",  ";
  for (std::size_t i = 0; i < input; ++i) formula.remove_prefix(formula.find(next) + next.size());
  formula = formula.substr(0, formula.find(next));
  formula.remove_prefix(formula.find(is) + is.size());
  const std::string_view letters = names.size() == 1 ? "x" : "ab";
  std::string text;
  for (std::size_t i = 0; i < formula.size(); ++i) {
    const std::size_t which = letters.find(formula[i]);
    const bool alone = !(i > 0 && is_letter(formula, i - 1)) && !is_letter(formula, i + 1);
    if (which == std::string_view::npos || !alone) {
      text += formula[i];
      continue;
    }
    const bool enclosed = i > 0 && formula[i - 1] == '(' && i + 1 < formula.size() && formula[i + 1] == ')';
    const bool is_signed = names[which].starts_with('-') || names[which].starts_with("−");
    text += is_signed && !enclosed ? "(" + names[which] + ")" : names[which];
  }
  return {std::move(text), true};
}

}  // namespace chainrule::ops
