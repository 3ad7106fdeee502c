// The steps of an LSTM, one after another, and back. Products are matmul.h's, a step's gates one pass over
// packs, with what the way back needs kept on the way.

#include "kernels/lstm.h"

#include <algorithm>

#include "chainrule/simd.h"
#include "kernels/copy.h"
#include "kernels/matmul.h"
#include "kernels/parallel.h"

namespace chainrule::kernels {
namespace {

/// Calls f(packs, write) for the packs of lines of n numbers that begin at `from`, where write(pack, x) puts
/// one into another line. The last ones are whole packs, too, so that no number's bits depend on where it
/// stands.
template <class P, std::size_t Lines, class F>
void for_each_pack(std::int64_t n, const typename P::Element* const (&from)[Lines], const F& f) {
  for (std::int64_t i = 0; i < n; i += P::lanes) {
    const std::int64_t count = std::min<std::int64_t>(n - i, P::lanes);
    P packs[Lines];
    if (count == P::lanes)
      for (std::size_t k = 0; k < Lines; ++k) packs[k] = P::load(from[k] + i);
    else
#pragma GCC unroll 1
      for (std::size_t k = 0; k < Lines; ++k) packs[k] = P::load_part(from[k] + i, count);
    f(packs, [=](const P& pack, typename P::Element* x) { pack.store_part(x + i, count); });
  }
}

/// h and c of one step, of the samples from begin to end - 1.
template <class T>
struct LstmStep {
  template <int Bytes>
  static void run(std::int64_t begin, std::int64_t end, std::int64_t size, const T* gates, const T* before,
                  T* h, T* c) {
    using P = simd::Pack<T, Bytes / static_cast<int>(sizeof(T))>;
    for (std::int64_t row = begin; row < end; ++row) {
      const T* const gate = gates + row * 4 * size;
      const T* const from[] = {gate, gate + size, gate + 2 * size, gate + 3 * size, before + row * size};
      for_each_pack<P>(size, from, [&](const P(&packs)[5], const auto& write) {
        const auto& [i, f, g, o, old] = packs;
        const P next = sigmoid(f) * old + sigmoid(i) * tanh(g);
        write(next, c + row * size);
        write(sigmoid(o) * tanh(next), h + row * size);
      });
    }
  }
};

/// Where one step lies in memory, for its way back.
template <class T>
struct StepBack {
  std::int64_t size;
  const T *gates, *before, *c;  // the state c before the step and after it
  const T *g_of_h, *g_of_c;     // from above
  const T* through_h;           // from the step behind it,
  T* through_c;                 // which c of the step before it gets in turn
  T* to_gates;
};

template <class T>
struct LstmStepBack {
  template <int Bytes>
  static void run(const StepBack<T>* step, std::int64_t begin, std::int64_t end) {
    using P = simd::Pack<T, Bytes / static_cast<int>(sizeof(T))>;
    const std::int64_t size = step->size;
    for (std::int64_t row = begin; row < end; ++row) {
      const T* const gate = step->gates + row * 4 * size;
      T* const to = step->to_gates + row * 4 * size;
      const std::int64_t at = row * size;
      const T* const from[] = {
          gate,         gate + size,       gate + 2 * size,   gate + 3 * size,      step->before + at,
          step->c + at, step->g_of_h + at, step->g_of_c + at, step->through_h + at, step->through_c + at};
      for_each_pack<P>(size, from, [&](const P(&packs)[10], const auto& write) {
        const auto& [i, f, g, o, old, c, g_of_h, g_of_c, through_h, through_c] = packs;
        const P to_h = g_of_h + through_h;
        const P to_c = (g_of_c + through_c) + strong_product(to_h, sigmoid(o) * tanh_slope(c));
        write(strong_product(to_c, tanh(g) * sigmoid_slope(i)), to);
        write(strong_product(to_c, old * sigmoid_slope(f)), to + size);
        write(strong_product(to_c, sigmoid(i) * tanh_slope(g)), to + 2 * size);
        write(strong_product(to_h, tanh(c) * sigmoid_slope(o)), to + 3 * size);
        write(strong_product(to_c, sigmoid(f)), step->through_c + at);
      });
    }
  }
};

/// Calls part for samples of a step.
template <class Part>
void for_samples(const Lstm& plan, const Part& part) {
  parallel_for(plan.samples,
               std::max<std::int64_t>(1, parallel_grain / 16 / std::max<std::int64_t>(1, plan.size)), part);
}

template <class T>
void forward(const Lstm& plan, const T* h, const T* c, const T* weight, bool is_transposed, T* gates,
             T* out) {
  const std::int64_t one = plan.samples * plan.size;
  T *to_h = out, *to_c = out + plan.steps * one;
  for (std::int64_t step = 0; step < plan.steps; ++step, gates += 4 * one, to_h += one, to_c += one) {
    matmul(Product{.m = plan.samples,
                   .n = 4 * plan.size,
                   .k = plan.size,
                   .transpose_b = !is_transposed,
                   .accumulate = true},
           h, weight, gates);
    for_samples(plan, [&](std::int64_t begin, std::int64_t end) {
      simd::vectorized<LstmStep<T>>(begin, end, plan.size, static_cast<const T*>(gates), c, to_h, to_c);
    });
    h = to_h;
    c = to_c;
  }
}

template <class T>
void backward(const Lstm& plan, const T* gates, const T* h, const T* c, const T* weight, const T* out,
              const T* g, T* to_in, T* to_h, T* to_c, T* to_weight) {
  const std::int64_t one = plan.samples * plan.size, all = plan.steps * one;
  std::fill_n(to_h, one, T(0));
  std::fill_n(to_c, one, T(0));
  for (std::int64_t step = plan.steps; step-- > 0;) {
    const std::int64_t at = step * one;
    const StepBack<T> back = {plan.size,      gates + 4 * at, step == 0 ? c : out + all + at - one,
                              out + all + at, g + at,         g + all + at,
                              to_h,           to_c,           to_in + 4 * at};
    for_samples(plan, [&](std::int64_t begin, std::int64_t end) {
      simd::vectorized<LstmStepBack<T>>(&back, begin, end);
    });
    matmul(Product{.m = plan.samples, .n = plan.size, .k = 4 * plan.size}, to_in + 4 * at, weight, to_h);
  }
  if (to_weight == nullptr) return;
  // One product for the first step, whose h is given, and one for all others.
  const auto add = [&](std::int64_t first, std::int64_t count, const T* from, bool more) {
    matmul(Product{.m = 4 * plan.size,
                   .n = plan.size,
                   .k = count * plan.samples,
                   .transpose_a = true,
                   .accumulate = more},
           to_in + first * 4 * one, from, to_weight);
  };
  add(0, 1, h, false);
  if (plan.steps > 1) add(1, plan.steps - 1, out, true);
}

}  // namespace

Array lstm(const Lstm& plan, const Array& in, const Array& h, const Array& c, const Array& weight,
           Array& gates) {
  Array out({2, plan.steps, plan.samples, plan.size}, in.dtype());
  gates = Array(in.shape(), in.dtype());
  // So many steps make up for turning the weight. Few samples are multiplied with it as it lies in memory.
  const bool is_turned = plan.steps >= (plan.samples <= 4 ? 8 : 2);
  const std::size_t swapped[] = {1, 0};
  const Array right = is_turned ? permute(weight, swapped) : weight;
  dispatch_floating(in.dtype(), [&]<class T>() {
    std::copy_n(in.data<T>(), in.size(), gates.mutable_data<T>());
    if (out.size() == 0) return;
    forward<T>(plan, h.data<T>(), c.data<T>(), right.data<T>(), is_turned, gates.mutable_data<T>(),
               out.mutable_data<T>());
  });
  return out;
}

void lstm_gradient(const Lstm& plan, const Array& gates, const Array& h, const Array& c, const Array& weight,
                   const Array& out, const Array& g, Array& to_in, Array* to_h, Array* to_c,
                   Array* to_weight) {
  Array own_h, own_c;  // these are needed on the way
  for (auto [array, own] : {std::pair(&to_h, &own_h), std::pair(&to_c, &own_c)})
    if (*array == nullptr) *(*array = own) = Array(h.shape(), h.dtype());
  dispatch_floating(out.dtype(), [&]<class T>() {
    T* const sum = to_weight == nullptr ? nullptr : to_weight->mutable_data<T>();
    if (out.size() == 0) {
      if (sum != nullptr) std::fill_n(sum, to_weight->size(), T(0));
      return;
    }
    backward<T>(plan, gates.data<T>(), h.data<T>(), c.data<T>(), weight.data<T>(), out.data<T>(), g.data<T>(),
                to_in.mutable_data<T>(), to_h->mutable_data<T>(), to_c->mutable_data<T>(), sum);
  });
}

}  // namespace chainrule::kernels
