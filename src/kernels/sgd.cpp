// A step of gradient descent, with momentum or without, in one pass over the memory of a parameter. Relies on
// parallel.h for large ones; rarer rules go through fused_step.h.

#include "kernels/sgd.h"

#include "chainrule/simd.h"
#include "kernels/fused_step.h"
#include "kernels/parallel.h"

namespace chainrule::kernels {
namespace {

template <class T>
struct StepLoop {
  template <int Bytes>
  static void run(std::int64_t n, T* value, const T* gradient, T rate, T decay) {
    using P = simd::Pack<T, Bytes / static_cast<int>(sizeof(T))>;
    std::int64_t i = 0;
    for (; i + P::lanes <= n; i += P::lanes) {
      const P x = P::load(value + i);
      (x - P(rate) * (P::load(gradient + i) + P(decay) * x)).store(value + i);
    }
    for (; i < n; ++i) value[i] = value[i] - rate * (gradient[i] + decay * value[i]);
  }
};

template <class T>
struct MomentumLoop {
  template <int Bytes>
  static void run(std::int64_t n, T* value, const T* gradient, T* velocity, T rate, T momentum, T decay) {
    using P = simd::Pack<T, Bytes / static_cast<int>(sizeof(T))>;
    std::int64_t i = 0;
    for (; i + P::lanes <= n; i += P::lanes) {
      const P x = P::load(value + i);
      const P v = P(momentum) * P::load(velocity + i) + (P::load(gradient + i) + P(decay) * x);
      v.store(velocity + i);
      (x - P(rate) * v).store(value + i);
    }
    for (; i < n; ++i) {
      velocity[i] = momentum * velocity[i] + (gradient[i] + decay * value[i]);
      value[i] = value[i] - rate * velocity[i];
    }
  }
};

template <class T>
struct DampedRule {
  T rate, momentum, decay, kept;
  template <class P>
  P operator()(const P& x, const P& gradient, P& velocity) const {
    velocity = P(momentum) * velocity + P(kept) * (gradient + P(decay) * x);
    return x - P(rate) * velocity;
  }
};

template <class T>
struct NesterovRule {
  T rate, momentum, decay;
  template <class P>
  P operator()(const P& x, const P& gradient, P& velocity) const {
    const P g = gradient + P(decay) * x;
    velocity = P(momentum) * velocity + g;
    return x - P(rate) * (g + P(momentum) * velocity);
  }
};

}  // namespace

template <class T>
void sgd_step(T* value, const T* gradient, T* velocity, std::int64_t n, T learning_rate, T momentum,
              T weight_decay) {
  parallel_for(n, parallel_grain, [=](std::int64_t begin, std::int64_t end) {
    simd::vectorized<MomentumLoop<T>>(end - begin, value + begin, gradient + begin, velocity + begin,
                                      learning_rate, momentum, weight_decay);
  });
}

template <class T>
void sgd_step(T* value, const T* gradient, std::int64_t n, T learning_rate, T weight_decay) {
  parallel_for(n, parallel_grain, [=](std::int64_t begin, std::int64_t end) {
    simd::vectorized<StepLoop<T>>(end - begin, value + begin, gradient + begin, learning_rate, weight_decay);
  });
}

template <class T>
void damped_sgd_step(T* value, const T* gradient, T* velocity, std::int64_t n, T learning_rate, T momentum,
                     T weight_decay, T kept) {
  fused_step(DampedRule<T>{learning_rate, momentum, weight_decay, kept}, n, value, gradient, velocity);
}

template <class T>
void nesterov_step(T* value, const T* gradient, T* velocity, std::int64_t n, T learning_rate, T momentum,
                   T weight_decay) {
  fused_step(NesterovRule<T>{learning_rate, momentum, weight_decay}, n, value, gradient, velocity);
}

template void sgd_step(float*, const float*, float*, std::int64_t, float, float, float);
template void sgd_step(double*, const double*, double*, std::int64_t, double, double, double);
template void sgd_step(float*, const float*, std::int64_t, float, float);
template void sgd_step(double*, const double*, std::int64_t, double, double);
template void damped_sgd_step(float*, const float*, float*, std::int64_t, float, float, float, float);
template void damped_sgd_step(double*, const double*, double*, std::int64_t, double, double, double, double);
template void nesterov_step(float*, const float*, float*, std::int64_t, float, float, float);
template void nesterov_step(double*, const double*, double*, std::int64_t, double, double, double);

}  // namespace chainrule::kernels
