/// \file
/// map: a formula of the user's own as one node, whose value and derivatives are loops compiled for the
/// processor. The formula is written once, for packs; dual.h differentiates it, formula.h writes it down.

#pragma once

#include <array>
#include <memory>
#include <utility>

#include "chainrule/detail/api.h"
#include "chainrule/detail/dual.h"
#include "chainrule/detail/formula.h"
#include "chainrule/detail/loops.h"
#include "chainrule/ops.h"
#include "chainrule/tensor.h"

namespace CHAINRULE_API chainrule {

namespace detail {

/// One formula as loops over memory, for the library.
class MapFunction {
 public:
  using Loop = simd::CompiledLoop<const simd::PackCall*>;
  /// On floats or doubles.
  struct Loops {
    /// result[0] = f(x...)
    Loop value;
    /// result[i] = g ∂f/∂xᵢ, for x... and then g among the operands.
    Loop gradient;
    /// The same differentiated once more along directions c, for x..., g and then c...:
    /// result[j] = g Σᵢ cᵢ ∂²f/∂xᵢ∂xⱼ and, last, Σᵢ cᵢ ∂f/∂xᵢ.
    Loop second;
  };

  /// Of the formula that the loops find at PackCall::function.
  MapFunction(const void* formula, const Loops& float32, const Loops& float64)
      : formula_(formula), float32_(float32), float64_(float64) {}
  MapFunction(const MapFunction&) = delete;
  MapFunction& operator=(const MapFunction&) = delete;
  virtual ~MapFunction() = default;
  /// f(x...) by operations on tensors, for all further derivatives.
  virtual Tensor on_tensors(std::span<const Tensor> x) const = 0;

  const void* formula() const { return formula_; }
  const Loops& loops(DType dtype) const { return dtype == DType::float32 ? float32_ : float64_; }

 private:
  const void* formula_;
  const Loops& float32_;
  const Loops& float64_;
};

constexpr std::size_t map_operands = 8;  ///< at most
/// Half a page, as what the processor fetches by itself ends with the page.
template <class T>
constexpr int map_ahead = 2048 / sizeof(T);

Tensor map(std::shared_ptr<const MapFunction> function, std::span<const Operand> x);

/// One E for each X.
template <class E, class X>
using OneFor = E;

/// The loop of a formula f of K operands; below, what its gradient takes, and that differentiated along c.
template <class F, std::size_t K, class T>
struct MapValueLoop {
  template <int Bytes>
  static void run(const simd::PackCall* call) {
    const auto& f = *static_cast<const F*>(call->function);
    simd::for_each_pack<T, Bytes, map_ahead<T>, K, 1>(*call, [&f](auto load, auto store, auto) {
      const auto value = [&]<std::size_t... I>(std::index_sequence<I...>) { return f(load(I)...); };
      store(0, value(std::make_index_sequence<K>()));
    });
  }
};

template <class F, std::size_t K>
struct MapGradient {
  static constexpr std::size_t operands = K + 1, outputs = K;
  static constexpr bool worth_packs = true;
  template <bool Strong, class P>
  static void step(const F& f, auto load, auto store) {
    using D = simd::Dual<P, K, Strong>;
    const auto call = [&]<std::size_t... I>(std::index_sequence<I...>) {
      return D(f(D::variable(load(I), I)...));
    };
    const D y = call(std::make_index_sequence<K>());
    const rules::Cotangent<P, Strong> g{load(K)};
    D::for_each_direction([&](std::size_t i) { store(i, (g * y.slope[i]).value); });
  }
};

template <class F, std::size_t K>
struct MapSecond {
  static constexpr std::size_t operands = 2 * K + 1, outputs = K + 1;
  static constexpr bool worth_packs = false;  // strong, which take long to compile
  template <bool Strong, class P>
  static void step(const F& f, auto load, auto store) {
    // Outside, the slope along c; inside, the slopes along each x.
    using Inner = simd::Dual<P, K, Strong>;
    using Outer = simd::Dual<Inner, 1, Strong>;
    const auto call = [&]<std::size_t... I>(std::index_sequence<I...>) {
      return Outer(f(Outer(Inner::variable(load(I), I), {Inner(load(K + 1 + I))})...));
    };
    const Outer y = call(std::make_index_sequence<K>());
    const rules::Cotangent<P, Strong> g{load(K)};
    Inner::for_each_direction([&](std::size_t i) { store(i, (g * y.slope[0].slope[i]).value); });
    store(K, y.slope[0].value);
  }
};

/// The loop of a derivative: by slopes that are not strong, and where one of these is NaN by strong ones.
template <class Derivative, class F, class T>
struct MapDerivativeLoop {
  static constexpr std::size_t operands = Derivative::operands, outputs = Derivative::outputs;
  template <int Bytes>
  static void run(const simd::PackCall* call) {
    const auto& f = *static_cast<const F*>(call->function);
    using P = simd::Pack<T, Bytes / static_cast<int>(sizeof(T))>;
    // NaN where a slope is. Several, as one addition would wait for the other.
    constexpr std::size_t most = outputs < 4 ? outputs : 4;
    std::array<P, most> sums;
    sums.fill(P(0));
    simd::for_each_pack<T, Bytes, map_ahead<T>, operands, outputs>(*call, [&](auto load, auto store, auto) {
      Derivative::template step<false, P>(f, load, [&](std::size_t i, const P& slope) {
        store(i, slope);
        sums[i % most] += slope;
      });
    });
    for (std::size_t i = 1; i < most; ++i) sums[0] += sums[i];
    if (!any(sums[0] != sums[0])) return;
    if constexpr (Derivative::worth_packs)
      strong<Bytes>(call);
    else
      strong_baseline(call);
  }

 private:
  template <int Bytes>
  static void strong(const simd::PackCall* call) {
    const auto& f = *static_cast<const F*>(call->function);
    using P = simd::Pack<T, Bytes / static_cast<int>(sizeof(T))>;
    simd::for_each_pack<T, Bytes, 0, operands, outputs>(*call, [&](auto load, auto store, auto stored) {
      Derivative::template step<true, P>(f, load, [&](std::size_t i, const P& slope) {
        const P fast = stored(i);
        store(i, where(fast == fast, fast, slope));
      });
    });
  }
  [[gnu::noinline]] static void strong_baseline(const simd::PackCall* call) { strong<16>(call); }
};

template <class F, std::size_t K>
class MapFunctionOf final : public MapFunction {
 public:
  explicit MapFunctionOf(F f) : MapFunction(&f_, loops_of<float>, loops_of<double>), f_(std::move(f)) {}
  Tensor on_tensors(std::span<const Tensor> x) const override {
    return [&]<std::size_t... I>(std::index_sequence<I...>) { return Operand(f_(x[I]...)).as_tensor(); }
    (std::make_index_sequence<K>());
  }

 private:
  template <class T>
  static constexpr Loops loops_of{Loop::of<MapValueLoop<F, K, T>>(),
                                  Loop::of<MapDerivativeLoop<MapGradient<F, K>, F, T>>(),
                                  Loop::of<MapDerivativeLoop<MapSecond<F, K>, F, T>>()};
  F f_;
};

template <class F, class... X>
Tensor map_of(F&& f, const X&... x) {
  using Formula = std::remove_cvref_t<F>;
  // Written here and not in a function of its own, as compilers list whatever leads to a mistake.
  if constexpr (requires(const Formula& on) {
                  { on(OneFor<formula::Element, X>()...) } -> std::convertible_to<formula::Element>;
                }) {
    const std::array<Operand, sizeof...(X)> operands = {x...};
    return detail::map(std::make_shared<MapFunctionOf<Formula, sizeof...(X)>>(std::forward<F>(f)), operands);
  } else {
    // A mistake inside has been reported by now.
    constexpr bool mistaken =
        formula::takes<Formula, OneFor<formula::Anything, X>...>() && !requires(const Formula& on) {
      on(OneFor<formula::Element, X>()...);
    };
    static_assert(mistaken,
                  "map: the lambda takes one auto for each operand and returns a number made by "
                  "+ - * /, where(condition, a, b), tanh(a), ... without std::");
    return {};
  }
}

}  // namespace detail

/// f(x...) element by element as one node, from a generic lambda:
///   map([](auto x, auto a, auto b) { return tanh(x * a + b) * sigmoid(x) + relu(x); }, x, a, b)
/// Forward evaluates the lambda on SIMD packs in one pass; backward evaluates it on dual numbers of packs
/// (Wengert 1964; forward mode inside reverse mode), so that every partial derivative comes from one pass
/// with no intermediate tensor. Full speed needs no compiler flags: see simd::vectorized.
///
/// The lambda may use + - * /, comparisons, where(condition, a, b), numbers, and the functions abs, cos,
/// exp, expm1, log, log1p, logaddexp, maximum, minimum, pow, relu, sigmoid, sign, sin, softplus, sqrt,
/// square, tanh, unqualified; not `if` on an element. What it captures is copied. Up to 8 operands, tensors
/// or numbers, broadcast as in any operation, float32 or float64; ShapeError for shapes that do not
/// broadcast.
///
/// Every value and derivative at kinks, infinities and zeros is that of the operations: both follow the rules
/// in detail/rules.h. The gradient, and the gradient of that, come from dual numbers; derivatives beyond, and
/// those to be differentiated yet again, from the formula run on tensors: it is compiled for these as well.
template <class F>
Tensor map(F f, const Operand& x0) {
  return detail::map_of(std::move(f), x0);
}
template <class F>
Tensor map(F f, const Operand& x0, const Operand& x1) {
  return detail::map_of(std::move(f), x0, x1);
}
template <class F>
Tensor map(F f, const Operand& x0, const Operand& x1, const Operand& x2) {
  return detail::map_of(std::move(f), x0, x1, x2);
}
template <class F>
Tensor map(F f, const Operand& x0, const Operand& x1, const Operand& x2, const Operand& x3) {
  return detail::map_of(std::move(f), x0, x1, x2, x3);
}
template <class F>
Tensor map(F f, const Operand& x0, const Operand& x1, const Operand& x2, const Operand& x3,
           const Operand& x4) {
  return detail::map_of(std::move(f), x0, x1, x2, x3, x4);
}
template <class F>
Tensor map(F f, const Operand& x0, const Operand& x1, const Operand& x2, const Operand& x3, const Operand& x4,
           const Operand& x5) {
  return detail::map_of(std::move(f), x0, x1, x2, x3, x4, x5);
}
template <class F>
Tensor map(F f, const Operand& x0, const Operand& x1, const Operand& x2, const Operand& x3, const Operand& x4,
           const Operand& x5, const Operand& x6) {
  return detail::map_of(std::move(f), x0, x1, x2, x3, x4, x5, x6);
}
template <class F>
Tensor map(F f, const Operand& x0, const Operand& x1, const Operand& x2, const Operand& x3, const Operand& x4,
           const Operand& x5, const Operand& x6, const Operand& x7) {
  return detail::map_of(std::move(f), x0, x1, x2, x3, x4, x5, x6, x7);
}
/// Refuses all else.
template <class F, class... X>
requires(sizeof...(X) == 0 || sizeof...(X) > detail::map_operands ||
         !(std::is_convertible_v<const X&, Operand> && ...)) Tensor map(const F&, const X&...) {
  static_assert(sizeof(F) == 0, "map: after the formula come 1 to 8 tensors or numbers");
  return {};
}

}  // namespace chainrule
