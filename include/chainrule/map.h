#pragma once

#include <array>
#include <memory>
#include <utility>

#include "chainrule/detail/dual.h"
#include "chainrule/tensor.h"

namespace chainrule {

namespace detail {

/// One formula as loops over memory, for the library. Every operand is a pointer to floats or doubles and
/// a stride of 0 or 1; every output is contiguous.
class MapFunction {
 public:
  struct Operand {
    const void* elements;
    std::int64_t stride;
  };
  virtual ~MapFunction() = default;
  /// out = f(x...)
  virtual void value(DType dtype, std::int64_t n, const Operand* x, void* out) const = 0;
  /// out[i] = g ∂f/∂xᵢ, for x... and then g among the operands.
  virtual void gradient(DType dtype, std::int64_t n, const Operand* x_g, void* const* out) const = 0;
  /// The same differentiated once more along directions c, for x..., g and then c...:
  /// out[j] = g Σᵢ cᵢ ∂²f/∂xᵢ∂xⱼ and, last, Σᵢ cᵢ ∂f/∂xᵢ.
  virtual void second(DType dtype, std::int64_t n, const Operand* x_g_c, void* const* out) const = 0;
};

constexpr std::size_t map_operands = 8;  ///< at most

Tensor map(std::shared_ptr<const MapFunction> function, std::span<const chainrule::Operand> x);

template <class T>
using Pointers = std::array<T, 2 * map_operands + 1>;

/// Calls step(load, store) for every pack of n elements: load(k) is operand k, store(k, pack) output k.
template <class T, int Bytes, class Step>
void for_each_pack(std::int64_t n, const Pointers<MapFunction::Operand>& in, std::size_t in_count,
                   const Pointers<T*>& out, Step step) {
  constexpr int lanes = Bytes / static_cast<int>(sizeof(T));
  using P = simd::Pack<T, lanes>;
  const auto at = [&](std::size_t k, std::int64_t i) {
    return static_cast<const T*>(in[k].elements) + i * in[k].stride;
  };
  // A repeated element is spread over a pack once, which is then read again and again.
  T spread[std::tuple_size_v<Pointers<T*>>][lanes];
  const T* whole[std::tuple_size_v<Pointers<T*>>];
  for (std::size_t k = 0; k < in_count; ++k) {
    whole[k] = static_cast<const T*>(in[k].elements);
    if (in[k].stride != 0) continue;
    P(*whole[k]).store(spread[k]);
    whole[k] = spread[k];
  }
  std::int64_t i = 0;
  for (; i + lanes <= n; i += lanes)
    step([&](std::size_t k) { return P::load(whole[k] + i * in[k].stride); },
         [&](std::size_t k, const P& pack) { pack.store(out[k] + i); });
  if (i < n)
    step([&](std::size_t k) { return in[k].stride == 0 ? P(*at(k, 0)) : P::load_part(at(k, i), n - i); },
         [&](std::size_t k, const P& pack) { pack.store_part(out[k] + i, n - i); });
}

template <class F, std::size_t K, class T>
struct MapValueLoop {
  template <int Bytes>
  static void run(const F* f, std::int64_t n, Pointers<MapFunction::Operand> x, Pointers<T*> out) {
    run<Bytes>(f, n, x, out, std::make_index_sequence<K>());
  }
  template <int Bytes, std::size_t... I>
  static void run(const F* f, std::int64_t n, const Pointers<MapFunction::Operand>& x,
                  const Pointers<T*>& out, std::index_sequence<I...>) {
    for_each_pack<T, Bytes>(n, x, K, out, [f](auto load, auto store) {
      store(0, simd::Pack<T, Bytes / static_cast<int>(sizeof(T))>((*f)(load(I)...)));
    });
  }
};

template <class F, std::size_t K, class T>
struct MapGradientLoop {
  template <int Bytes>
  static void run(const F* f, std::int64_t n, Pointers<MapFunction::Operand> x_g, Pointers<T*> out) {
    run<Bytes>(f, n, x_g, out, std::make_index_sequence<K>());
  }
  template <int Bytes, std::size_t... I>
  static void run(const F* f, std::int64_t n, const Pointers<MapFunction::Operand>& x_g,
                  const Pointers<T*>& out, std::index_sequence<I...>) {
    for_each_pack<T, Bytes>(n, x_g, K + 1, out, [f](auto load, auto store) {
      using D = simd::Dual<simd::Pack<T, Bytes / static_cast<int>(sizeof(T))>, K>;
      const D y((*f)(D::variable(load(I), I)...));
      const auto g = load(K);
      (store(I, g * y.slope[I]), ...);
    });
  }
};

template <class F, std::size_t K, class T>
struct MapSecondLoop {
  template <int Bytes>
  static void run(const F* f, std::int64_t n, Pointers<MapFunction::Operand> x_g_c, Pointers<T*> out) {
    run<Bytes>(f, n, x_g_c, out, std::make_index_sequence<K>());
  }
  template <int Bytes, std::size_t... I>
  static void run(const F* f, std::int64_t n, const Pointers<MapFunction::Operand>& x_g_c,
                  const Pointers<T*>& out, std::index_sequence<I...>) {
    for_each_pack<T, Bytes>(n, x_g_c, 2 * K + 1, out, [f](auto load, auto store) {
      // Outside, the slope along c; inside, the slopes along each x.
      using Inner = simd::Dual<simd::Pack<T, Bytes / static_cast<int>(sizeof(T))>, K>;
      using Outer = simd::Dual<Inner, 1>;
      const Outer y((*f)(Outer(Inner::variable(load(I), I), {Inner(load(K + 1 + I))})...));
      const auto g = load(K);
      (store(I, g * y.slope[0].slope[I]), ...);
      store(K, y.slope[0].value);
    });
  }
};

template <class F, std::size_t K>
class MapFunctionOf final : public MapFunction {
 public:
  explicit MapFunctionOf(F f) : f_(std::move(f)) {}
  void value(DType dtype, std::int64_t n, const Operand* x, void* out) const override {
    run<MapValueLoop>(dtype, n, x, K, &out, 1);
  }
  void gradient(DType dtype, std::int64_t n, const Operand* x_g, void* const* out) const override {
    run<MapGradientLoop>(dtype, n, x_g, K + 1, out, K);
  }
  void second(DType dtype, std::int64_t n, const Operand* x_g_c, void* const* out) const override {
    run<MapSecondLoop>(dtype, n, x_g_c, 2 * K + 1, out, K + 1);
  }

 private:
  template <template <class, std::size_t, class> class Loop>
  void run(DType dtype, std::int64_t n, const Operand* in, std::size_t in_count, void* const* out,
           std::size_t out_count) const {
    Pointers<Operand> operands{};
    for (std::size_t k = 0; k < in_count; ++k) operands[k] = in[k];
    const auto start = [&]<class T>(T) {
      Pointers<T*> outputs{};
      for (std::size_t k = 0; k < out_count; ++k) outputs[k] = static_cast<T*>(out[k]);
      simd::vectorized<Loop<F, K, T>>(&f_, n, operands, outputs);
    };
    if (dtype == DType::float32)
      start(float());
    else
      start(double());
  }

  F f_;
};

}  // namespace detail

/// f(x...) element by element as one node, from a generic lambda:
///   map([](auto x, auto a, auto b) { return tanh(x * a + b) * sigmoid(x) + relu(x); }, x, a, b)
/// Forward evaluates the lambda on SIMD packs in one pass; backward evaluates it on dual numbers of packs
/// (Wengert 1964; forward mode inside reverse mode), so that every partial derivative comes from one pass
/// with no intermediate tensor. Full speed needs no compiler flags: see simd::vectorized.
///
/// The lambda may use + - * /, comparisons, where(condition, a, b), numbers, and the functions abs, cos,
/// exp, log, maximum, minimum, pow, relu, sigmoid, sign, sin, sqrt, square, tanh, unqualified; not `if` on
/// an element. What it captures is copied. Up to 8 operands, tensors or numbers, broadcast as in any
/// operation, float32 or float64. Derivatives up to the second; GradError for the third, and ShapeError
/// for shapes that do not broadcast.
template <class F, std::convertible_to<Operand>... X>
Tensor map(F f, const X&... x) {
  constexpr std::size_t count = sizeof...(X);
  static_assert(count >= 1 && count <= detail::map_operands, "map takes 1 to 8 operands");
  const std::array<Operand, count> operands = {Operand(x)...};
  return detail::map(std::make_shared<detail::MapFunctionOf<F, count>>(std::move(f)), operands);
}

}  // namespace chainrule
