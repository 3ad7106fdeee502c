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

/// The loops of a formula f of K operands: its value, its gradient, and that differentiated along c.
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

template <class F, std::size_t K, class T>
struct MapGradientLoop {
  static constexpr std::size_t operands = K + 1, outputs = K;
  template <int Bytes>
  static void run(const F* f, std::int64_t n, std::array<simd::Strided<T>, operands> in,
                  std::array<T*, outputs> out) {
    using D = simd::Dual<simd::Pack<T, Bytes / static_cast<int>(sizeof(T))>, K>;
    simd::for_each_pack<T, Bytes, map_ahead<T>>(n, in, out, [f](auto load, auto store) {
      const auto call = [&]<std::size_t... I>(std::index_sequence<I...>) {
        return D((*f)(D::variable(load(I), I)...));
      };
      const D y = call(std::make_index_sequence<K>());
      const auto g = load(K);
      D::for_each_direction([&](std::size_t i) { store(i, strong_product(g, y.slope[i])); });
    });
  }
};

template <class F, std::size_t K, class T>
struct MapSecondLoop {
  static constexpr std::size_t operands = 2 * K + 1, outputs = K + 1;
  template <int Bytes>
  static void run(const F* f, std::int64_t n, std::array<simd::Strided<T>, operands> in,
                  std::array<T*, outputs> out) {
    // Outside, the slope along c; inside, the slopes along each x.
    using Inner = simd::Dual<simd::Pack<T, Bytes / static_cast<int>(sizeof(T))>, K>;
    using Outer = simd::Dual<Inner, 1>;
    simd::for_each_pack<T, Bytes, map_ahead<T>>(n, in, out, [f](auto load, auto store) {
      const auto call = [&]<std::size_t... I>(std::index_sequence<I...>) {
        return Outer((*f)(Outer(Inner::variable(load(I), I), {Inner(load(K + 1 + I))})...));
      };
      const Outer y = call(std::make_index_sequence<K>());
      const auto g = load(K);
      Inner::for_each_direction([&](std::size_t i) { store(i, strong_product(g, y.slope[0].slope[i])); });
      store(K, y.slope[0].value);
    });
  }
};

template <class F, std::size_t K>
class MapFunctionOf final : public MapFunction {
 public:
  explicit MapFunctionOf(F f) : f_(std::move(f)) {}
  void value(DType dtype, std::int64_t n, const Source* x, void* const* out) const override {
    run<MapValueLoop>(dtype, n, x, out);
  }
  void gradient(DType dtype, std::int64_t n, const Source* x_g, void* const* out) const override {
    run<MapGradientLoop>(dtype, n, x_g, out);
  }
  void second(DType dtype, std::int64_t n, const Source* x_g_c, void* const* out) const override {
    run<MapSecondLoop>(dtype, n, x_g_c, out);
  }
  Tensor on_tensors(std::span<const Tensor> x) const override {
    return [&]<std::size_t... I>(std::index_sequence<I...>) { return Operand(f_(x[I]...)).as_tensor(); }
    (std::make_index_sequence<K>());
  }

 private:
  template <template <class, std::size_t, class> class Loop>
  void run(DType dtype, std::int64_t n, const Source* in, void* const* out) const {
    const auto start = [&]<class T>(T) {
      using OneLoop = Loop<F, K, T>;
      std::array<simd::Strided<T>, OneLoop::operands> operands;
      for (std::size_t k = 0; k < operands.size(); ++k)
        operands[k] = {static_cast<const T*>(in[k].elements), in[k].stride};
      std::array<T*, OneLoop::outputs> outputs;
      for (std::size_t k = 0; k < outputs.size(); ++k) outputs[k] = static_cast<T*>(out[k]);
      simd::vectorized<OneLoop>(&f_, n, operands, outputs);
    };
    // NOLINTNEXTLINE(bugprone-branch-clone): of two types
    dtype == DType::float32 ? start(float()) : start(double());
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
