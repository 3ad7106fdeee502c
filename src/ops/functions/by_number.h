// Functions that are computed one number after another, mostly by the C library. All share a few loops in
// double, so that each costs little code; elementwise.h has what is done in packs.

#pragma once

#include "chainrule/detail/function_ref.h"
#include "ops/elementwise.h"

namespace chainrule::special {
enum class Pair : std::uint8_t;
}

/// Functions that are computed one number after another, mostly by the C library. All of them share a few
/// loops, so each costs little code. They work in double: so float32 has all its digits.
///
/// An operation gives its value, its slopes in terms of public operations, which of its inputs and output
/// these read, and a formula of which each slope can be taken to show it to people. If one of one input also
/// has a class Packs with value and slope on packs of float32, these are what arrays of that dtype are
/// computed with, in one pass each. Such classes, and their loops, are in packed_loops.h. One with
/// pair_of_float32 computes these by that function of pairs.h. One with a class Wide has a value on packs of
/// float64, of x and of a number `which` (see wide_packs.h): where the processor has such, arrays of float64
/// are computed with it, and those of float32 that have neither of these; and its slope, if there are such
/// for all processors, where it has which_slope. One of two inputs has `pair` where
/// it is a function of pairs.h, pair_of_int64 for that dtype, and pair_slope_a and pair_slope_b where its
/// slopes are.
namespace chainrule::ops {

template <class Op>
concept HasPacks = requires {
  typename Op::Packs;
};

template <class Packs>
struct PackedValue {
  auto operator()(auto... x) const { return Packs::value(x...); }
};
/// By the slope.
template <class Packs>
struct PackedRule {
  auto operator()(auto x, auto g) const { return strong_product(g, Packs::slope(x)); }
};

/// Is this an array of float32? (One number alone is computed in double.)
inline bool goes_in_packs(const Shape& shape, DType dtype) {
  return dtype == DType::float32 && shape.rank() > 0;
}

Array each(FunctionRef<double(double)> f, const Array& x);
/// A loop of packs of float64 on x and on a number; float32 is computed in float64.
Array by_wide_packs(const kernels::PackLoop* loop, const Array& x, double which);
template <class Wide>
Array by_wide_packs(const Array& x, double which) {
  if constexpr (Wide::has_float32)
    if (x.dtype() == DType::float32) {
      const Array number(static_cast<float>(which));
      return kernels::elementwise<PackedValue<Wide>, float, 2>(x.shape(), {&x, &number});
    }
  return by_wide_packs(kernels::detail::loop<PackedValue<Wide>, double, double, double, double>, x, which);
}
/// Are arrays of this shape and dtype computed by packs of pairs.h?
bool goes_in_pairs(const Shape& shape, DType dtype);
Array by_pairs(special::Pair which, const Array& a, const Array& b, const Shape& shape);
Array each(double (*f)(double, double), const Array& a, const Array& b, const Shape& shape);
Array each(std::int64_t (*f)(std::int64_t, std::int64_t), const Array& a, const Array& b, const Shape& shape);

/// What "∂f(a, b)/∂a = ...,  ∂/∂b = ..." says of an input, with these names for x, or a and b.
LocalFormula spelled_out(std::string_view formula, std::size_t input, std::span<const std::string> names);

/// y = f(x...), broadcast, of one input or two. Op gives value(x...) in numbers, and slopes in tensors:
/// slope(x, y), which may read members, or slope_a(a, b, y), if that is not 1, and slope_b(a, b, y); and
/// on_integers(a, b) where it is defined on int64, too.
template <class Op, std::size_t N = 1>
struct ByNumber {
  static constexpr bool integers = false, slope_a_is_1 = false;
  static constexpr Reads read = reads_input(0), read_a = reads_input(0) | reads_input(1), read_b = read_a;

  Array forward(Values in) const { return values(in, Indices()); }
  Reads reads(Wanted wanted) const {
    if constexpr (N == 1)
      return wanted(0) ? Op::read : 0;
    else
      return (wanted(0) ? Op::read_a : 0) | (wanted(1) ? Op::read_b : 0);
  }
  void vjp(Inputs in, const Tensor& y, const Tensor& g, Cotangents& to) const {
    for_each_input<0, N>([&]<std::size_t i>() {
      if (to.wants(i)) to[i] = sum_to(along<i>(in, y, g, to.in_numbers()), in[i].shape());
    });
  }
  Tensor batch(const Unwrapped& at) const {
    if constexpr (N == 1)
      return apply(Op(op()), {}, Argument(at.in[0]));
    else
      return elementwise_again<Op, N>(at);
  }
  Tensor jvp(Inputs in, const Tensor& y, Inputs tangents) const {
    return sum_of_tangents<0, N>(y, tangents,
                                 [&]<std::size_t i>(const Tensor& t) { return along<i>(in, y, t, false); });
  }
  LocalFormula local_formula(std::size_t input, std::span<const std::string> names,
                             const std::string&) const {
    return spelled_out(Op::formula, input, names);
  }

 private:
  using Indices = std::make_index_sequence<N>;
  const Op& op() const { return static_cast<const Op&>(*this); }

  template <std::size_t... k>
  Array values(Values in, std::index_sequence<k...>) const {
    const Shape& shape = common_shape(Op::name, in[k]->shape()...);
    if constexpr (Op::integers)
      if (in[0]->dtype() == DType::int64)
        return goes_in_pairs(shape, DType::int64) ? by_pairs(Op::pair_of_int64, *in[0], *in[1], shape)
                                                  : each(Op::on_integers, *in[0], *in[1], shape);
    if constexpr (HasPacks<Op>)
      if (goes_in_packs(shape, in[0]->dtype()))
        return kernels::elementwise<PackedValue<typename Op::Packs>, float, 1>(shape, {in[k]...});
    if constexpr (requires { Op::pair; })
      if (goes_in_pairs(shape, in[0]->dtype())) return by_pairs(Op::pair, *in[0], *in[1], shape);
    if constexpr (requires { Op::pair_of_float32; })
      if (goes_in_packs(shape, in[0]->dtype())) return by_pairs(Op::pair_of_float32, *in[0], *in[0], shape);
    if constexpr (requires { typename Op::Wide; })
      if (shape.rank() > 0 && Op::Wide::are_there())
        return by_wide_packs<typename Op::Wide>(*in[0], static_cast<double>(Op::which));
    if constexpr (N == 1)
      return each([this](double x) { return op().value(x); }, *in[0]);
    else
      return each(Op::value, *in[0], *in[1], shape);
  }
  template <std::size_t i>
  Tensor slope(Inputs in, const Tensor& y) const {
    if constexpr (N == 1)
      return op().slope(in[0], y);
    else if constexpr (i == 0 && Op::slope_a_is_1)
      return ones_like(y);
    else if constexpr (i == 0)
      return Op::slope_a(in[0], in[1], y);
    else
      return Op::slope_b(in[0], in[1], y);
  }
  /// g times the slope along input i.
  template <std::size_t i>
  Tensor along(Inputs in, const Tensor& y, const Tensor& g, bool in_numbers) const {
    if constexpr (i == 0 && Op::slope_a_is_1) return g;
    const Shape& shape = y.node()->shape();
    if constexpr (HasPacks<Op>)
      if (in_numbers && goes_in_packs(shape, y.node()->dtype()))
        return constant(kernels::elementwise<PackedRule<typename Op::Packs>, float, 2>(
            shape, {&value_of(in[0]), &value_of(g)}));
    if constexpr (requires { Op::which_slope; })
      if (in_numbers && shape.rank() > 0)
        return strong_product(g, constant(by_wide_packs<typename Op::Wide>(
                                     value_of(in[0]), static_cast<double>(Op::which_slope))));
    if constexpr (requires { Op::pair_slope_a; })
      if (in_numbers && goes_in_pairs(shape, y.node()->dtype()))
        return strong_product(g, constant(by_pairs(i == 0 ? Op::pair_slope_a : Op::pair_slope_b,
                                                   value_of(in[0]), value_of(in[1]), shape)));
    return strong_product(g, slope<i>(in, y));
  }
};

/// An operand of real numbers as a tensor, for what is composed.
inline Tensor real(const Operand& x) { return x.as(real_dtype(dtype_of(x))); }

}  // namespace chainrule::ops
