#include "kernels/sgd.h"

#include "chainrule/simd.h"
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

template void sgd_step(float*, const float*, float*, std::int64_t, float, float, float);
template void sgd_step(double*, const double*, double*, std::int64_t, double, double, double);
template void sgd_step(float*, const float*, std::int64_t, float, float);
template void sgd_step(double*, const double*, std::int64_t, double, double);

}  // namespace chainrule::kernels
