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

/// One formula as loops over memory, for the library. Every operand is a pointer to floats or doubles and
/// a stride of 0 or 1; every output is contiguous.
class MapFunction {
 public:
  struct Source {
    const void* elements;
    std::int64_t stride;
  };
  virtual ~MapFunction() = default;
  /// out[0] = f(x...)
  virtual void value(DType dtype, std::int64_t n, const Source* x, void* const* out) const = 0;
  /// out[i] = g ∂f/∂xᵢ, for x... and then g among the operands.
  virtual void gradient(DType dtype, std::int64_t n, const Source* x_g, void* const* out) const = 0;
  /// The same differentiated once more along directions c, for x..., g and then c...:
  /// out[j] = g Σᵢ cᵢ ∂²f/∂xᵢ∂xⱼ and, last, Σᵢ cᵢ ∂f/∂xᵢ.
  virtual void second(DType dtype, std::int64_t n, const Source* x_g_c, void* const* out) const = 0;
  /// f(x...) by operations on tensors, for all further derivatives.
  virtual Tensor on_tensors(std::span<const Tensor> x) const = 0;
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
  static constexpr std::size_t operands = K, outputs = 1;
  template <int Bytes>
  static void run(const F* f, std::int64_t n, std::array<simd::Strided<T>, operands> in,
                  std::array<T*, outputs> out) {
    simd::for_each_pack<T, Bytes, map_ahead<T>>(n, in, out, [f](auto load, auto store) {
      const auto call = [&]<std::size_t... I>(std::index_sequence<I...>) { return (*f)(load(I)...); };
      store(0, call(std::make_index_sequence<K>()));
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
  static constexpr bool worth_packs = false;  // which take long to compile
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

/// A derivative by slopes that are not strong; `odd` says whether some may be NaN.
template <class Derivative, class F, class T>
struct MapFastLoop {
  static constexpr std::size_t operands = Derivative::operands, outputs = Derivative::outputs;
  template <int Bytes>
  static void run(const F* f, std::int64_t n, std::array<simd::Strided<T>, operands> in,
                  std::array<T*, outputs> out, bool* odd) {
    using P = simd::Pack<T, Bytes / static_cast<int>(sizeof(T))>;
    // NaN where a slope is. Several, as one addition would wait for the other.
    constexpr std::size_t most = outputs < 4 ? outputs : 4;
    std::array<P, most> sums;
    sums.fill(P(0));
    simd::for_each_pack<T, Bytes, map_ahead<T>>(n, in, out, [f, &sums](auto load, auto store) {
      Derivative::template step<false, P>(*f, load, [&](std::size_t i, const P& slope) {
        store(i, slope);
        sums[i % most] += slope;
      });
    });
    for (std::size_t i = 1; i < most; ++i) sums[0] += sums[i];
    *odd = any(sums[0] != sums[0]);
  }
};
/// The same by strong slopes, for elements that are NaN by others. These come behind the operands.
template <class Derivative, class F, class T>
struct MapStrongLoop {
  static constexpr std::size_t operands = Derivative::operands + Derivative::outputs,
                               outputs = Derivative::outputs;
  template <int Bytes>
  static void run(const F* f, std::int64_t n, std::array<simd::Strided<T>, operands> in,
                  std::array<T*, outputs> out) {
    using P = simd::Pack<T, Bytes / static_cast<int>(sizeof(T))>;
    simd::for_each_pack<T, Bytes>(n, in, out, [f](auto load, auto store) {
      Derivative::template step<true, P>(*f, load, [&](std::size_t i, const P& slope) {
        const P fast = load(Derivative::operands + i);
        store(i, where(fast == fast, fast, slope));
      });
    });
  }
};

template <class F, std::size_t K>
class MapFunctionOf final : public MapFunction {
 public:
  explicit MapFunctionOf(F f) : f_(std::move(f)) {}
  void value(DType dtype, std::int64_t n, const Source* x, void* const* out) const override {
    dispatch(dtype, [&]<class T>() {
      simd::vectorized<MapValueLoop<F, K, T>>(&f_, n, operands<T, K>(x, 0), outputs<T, 1>(out, 0));
    });
  }
  void gradient(DType dtype, std::int64_t n, const Source* x_g, void* const* out) const override {
    differentiate<MapGradient<F, K>>(dtype, n, x_g, out);
  }
  void second(DType dtype, std::int64_t n, const Source* x_g_c, void* const* out) const override {
    differentiate<MapSecond<F, K>>(dtype, n, x_g_c, out);
  }
  Tensor on_tensors(std::span<const Tensor> x) const override {
    return [&]<std::size_t... I>(std::index_sequence<I...>) { return Operand(f_(x[I]...)).as_tensor(); }
    (std::make_index_sequence<K>());
  }

 private:
  template <class Start>
  static void dispatch(DType dtype, const Start& start) {
    // NOLINTNEXTLINE(bugprone-branch-clone): of two types
    dtype == DType::float32 ? start.template operator()<float>() : start.template operator()<double>();
  }
  template <class T, std::size_t Count>
  static std::array<simd::Strided<T>, Count> operands(const Source* in, std::int64_t at) {
    std::array<simd::Strided<T>, Count> operands;
    for (std::size_t k = 0; k < Count; ++k)
      operands[k] = {static_cast<const T*>(in[k].elements) + at * in[k].stride, in[k].stride};
    return operands;
  }
  template <class T, std::size_t Count>
  static std::array<T*, Count> outputs(void* const* out, std::int64_t at) {
    std::array<T*, Count> outputs;
    for (std::size_t k = 0; k < Count; ++k) outputs[k] = static_cast<T*>(out[k]) + at;
    return outputs;
  }
  /// So many elements at a time that the cache holds what may have to be done once more.
  template <class Derivative>
  void differentiate(DType dtype, std::int64_t n, const Source* in, void* const* out) const {
    constexpr std::int64_t most = 4096;
    constexpr std::size_t from = Derivative::operands, to = Derivative::outputs;
    dispatch(dtype, [&]<class T>() {
      for (std::int64_t at = 0; at < n; at += most) {
        const std::int64_t count = n - at < most ? n - at : most;
        const auto operands_here = operands<T, from>(in, at);
        const auto outputs_here = outputs<T, to>(out, at);
        bool odd = false;
        simd::vectorized<MapFastLoop<Derivative, F, T>>(&f_, count, operands_here, outputs_here, &odd);
        if (!odd) continue;
        std::array<simd::Strided<T>, from + to> all;
        for (std::size_t k = 0; k < from; ++k) all[k] = operands_here[k];
        for (std::size_t k = 0; k < to; ++k) all[from + k] = {outputs_here[k], 1};
        using Strong = MapStrongLoop<Derivative, F, T>;
        if constexpr (Derivative::worth_packs)
          simd::vectorized<Strong>(&f_, count, all, outputs_here);
        else
          simd::detail::with_baseline<Strong>(&f_, count, all, outputs_here);
      }
    });
  }

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
