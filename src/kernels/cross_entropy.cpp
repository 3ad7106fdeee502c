#include "kernels/cross_entropy.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "chainrule/simd.h"

namespace chainrule::kernels {
namespace {

/// One row of logits: its maximum, and log Σ exp(x - maximum). Kept apart, as adding them would cancel
/// digits of log softmax(x) = (x - largest) - rest.
template <class T, int Bytes>
struct LogTotal {
  using P = simd::Pack<T, Bytes / static_cast<int>(sizeof(T))>;
  T largest, rest;

  LogTotal(const T* x, std::int64_t classes) {
    largest = -std::numeric_limits<T>::infinity();
    std::int64_t c = 0;
    P most(largest), sums(0);
    for (; c + P::lanes <= classes; c += P::lanes) most = maximum(most, P::load(x + c));
    for (int lane = 0; lane < P::lanes; ++lane)
      largest = std::isnan(most.v[lane]) ? most.v[lane] : std::max(largest, T(most.v[lane]));
    for (; c < classes; ++c) largest = std::isnan(x[c]) ? x[c] : std::max(largest, x[c]);
    if (std::isinf(largest)) largest = 0;
    for (c = 0; c + P::lanes <= classes; c += P::lanes) sums += exp(P::load(x + c) - largest);
    T total = 0;
    for (int lane = 0; lane < P::lanes; ++lane) total += sums.v[lane];
    if (c < classes) {
      const P powers = exp(P::load_part(x + c, classes - c) - largest);
      for (std::int64_t lane = 0; lane < classes - c; ++lane) total += powers.v[lane];
    }
    rest = std::log(total);
  }
  T log_probability(T x) const { return (x - largest) - rest; }
  P probability(P x) const { return std::isinf(rest) ? P(0) : exp((x - largest) - rest); }
};

/// What the loops below go over. `target` is a class per sample or, if null, `shares` per logit.
template <class T>
struct Rows {
  const T* logits;
  const std::int64_t* target;
  const T* shares;
  std::int64_t samples, classes;

  Rows(const Array& x, const Array& y)
      : logits(x.data<T>()),
        target(y.dtype() == DType::int64 ? y.data<std::int64_t>() : nullptr),
        shares(y.dtype() == DType::int64 ? nullptr : y.data<T>()),
        samples(x.shape()[0]),
        classes(x.shape()[1]) {}
};

template <class T>
struct LossLoop {
  template <int Bytes>
  static void run(Rows<T> rows, T* out) {
    for (std::int64_t sample = 0; sample < rows.samples; ++sample) {
      const T* x = rows.logits + sample * rows.classes;
      const LogTotal<T, Bytes> total(x, rows.classes);
      T loss = 0;
      if (rows.target != nullptr) {
        loss = -total.log_probability(x[rows.target[sample]]);
      } else {
        const T* share = rows.shares + sample * rows.classes;
        for (std::int64_t c = 0; c < rows.classes; ++c)
          if (share[c] != 0) loss -= share[c] * total.log_probability(x[c]);  // 0 · -inf is 0
      }
      out[sample] = loss;
    }
  }
};

template <class T>
struct GradientLoop {
  template <int Bytes>
  static void run(Rows<T> rows, const T* g, std::int64_t g_stride, T scale, T* out) {
    using P = typename LogTotal<T, Bytes>::P;
    for (std::int64_t sample = 0; sample < rows.samples; ++sample) {
      const T* x = rows.logits + sample * rows.classes;
      T* to = out + sample * rows.classes;
      const LogTotal<T, Bytes> total(x, rows.classes);
      const T upstream = g[sample * g_stride] * scale;
      const T* share = rows.target == nullptr ? rows.shares + sample * rows.classes : nullptr;
      T mass = share == nullptr ? 1 : 0;
      for (std::int64_t c = 0; share != nullptr && c < rows.classes; ++c) mass += share[c];
      for (std::int64_t c = 0; c < rows.classes; c += P::lanes) {
        const std::int64_t count = std::min<std::int64_t>(P::lanes, rows.classes - c);
        const bool whole = count == P::lanes;
        P part = total.probability(whole ? P::load(x + c) : P::load_part(x + c, count)) * mass;
        if (share != nullptr) part -= whole ? P::load(share + c) : P::load_part(share + c, count);
        part *= upstream;
        whole ? part.store(to + c) : part.store_part(to + c, count);
      }
      if (rows.target != nullptr) to[rows.target[sample]] -= upstream;
    }
  }
};

}  // namespace

Array cross_entropy(const Array& logits, const Array& target) {
  Array out({logits.shape()[0]}, logits.dtype());
  dispatch_floating(logits.dtype(), [&]<class T>() {
    simd::vectorized<LossLoop<T>>(Rows<T>(logits, target), out.mutable_data<T>());
  });
  return out;
}

Array cross_entropy_gradient(const Array& logits, const Array& target, const Array& g, double scale) {
  Array out(logits.shape(), logits.dtype());
  dispatch_floating(logits.dtype(), [&]<class T>() {
    const std::int64_t g_stride = g.size() == 1 ? 0 : 1;
    simd::vectorized<GradientLoop<T>>(Rows<T>(logits, target), g.data<T>(), g_stride, static_cast<T>(scale),
                                      out.mutable_data<T>());
  });
  return out;
}

}  // namespace chainrule::kernels
