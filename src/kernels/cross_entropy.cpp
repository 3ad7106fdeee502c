#include "kernels/cross_entropy.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace chainrule::kernels {
namespace {

/// log Σ exp(x) as its two parts: the largest x, and log Σ exp(x - largest).
template <class T>
struct LogTotal {
  T largest, rest;
  LogTotal(const T* x, std::int64_t classes) {
    largest = *std::max_element(x, x + classes);
    if (!std::isfinite(largest)) largest = 0;
    T total = 0;
    for (std::int64_t c = 0; c < classes; ++c) total += std::exp(x[c] - largest);
    rest = std::log(total);
  }
  /// log softmax, without adding the two parts, which would cancel digits.
  T log_probability(T x) const { return (x - largest) - rest; }
  T probability(T x) const { return std::isinf(rest) ? T(0) : std::exp(log_probability(x)); }
};

/// Calls visit.template operator()<T>(row, sample, classes) for each row of logits.
template <class Visit>
void for_each_sample(const Array& logits, Visit visit) {
  const std::int64_t classes = logits.shape().back(), samples = logits.shape()[0];
  dispatch_floating(logits.dtype(), [&]<class T>() {
    for (std::int64_t sample = 0; sample < samples; ++sample)
      visit(logits.data<T>() + sample * classes, sample, classes);
  });
}

}  // namespace

Array cross_entropy(const Array& logits, const Array& target) {
  Array out({logits.shape()[0]}, logits.dtype());
  for_each_sample(logits, [&]<class T>(const T* x, std::int64_t sample, std::int64_t classes) {
    const LogTotal<T> total(x, classes);
    T& loss = out.mutable_data<T>()[sample];
    if (target.dtype() == DType::int64) {
      loss = -total.log_probability(x[target.data<std::int64_t>()[sample]]);
      return;
    }
    const T* probability = target.data<T>() + sample * classes;
    loss = 0;
    for (std::int64_t c = 0; c < classes; ++c)
      if (probability[c] != 0) loss -= probability[c] * total.log_probability(x[c]);  // 0 · -inf is 0
  });
  return out;
}

Array cross_entropy_gradient(const Array& logits, const Array& target, const Array& g, double scale) {
  Array out(logits.shape(), logits.dtype());
  for_each_sample(logits, [&]<class T>(const T* x, std::int64_t sample, std::int64_t classes) {
    const LogTotal<T> total(x, classes);
    const T upstream = g.data<T>()[g.size() == 1 ? 0 : sample] * static_cast<T>(scale);
    T* to = out.mutable_data<T>() + sample * classes;
    if (target.dtype() == DType::int64) {
      for (std::int64_t c = 0; c < classes; ++c) to[c] = upstream * total.probability(x[c]);
      const std::int64_t truth = target.data<std::int64_t>()[sample];
      to[truth] = upstream * (total.probability(x[truth]) - 1);
      return;
    }
    const T* probability = target.data<T>() + sample * classes;
    T mass = 0;
    for (std::int64_t c = 0; c < classes; ++c) mass += probability[c];
    for (std::int64_t c = 0; c < classes; ++c)
      to[c] = upstream * (total.probability(x[c]) * mass - probability[c]);
  });
  return out;
}

}  // namespace chainrule::kernels
