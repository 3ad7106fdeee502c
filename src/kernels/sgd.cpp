#include "kernels/sgd.h"

namespace chainrule::kernels {

// Plain functions on restricted pointers: what compilers turn into vector code most reliably.

template <class T>
void sgd_step(T* __restrict value, const T* __restrict gradient, T* __restrict velocity, std::size_t n,
              T learning_rate, T momentum, T weight_decay) {
  for (std::size_t i = 0; i < n; ++i) {
    velocity[i] = momentum * velocity[i] + (gradient[i] + weight_decay * value[i]);
    value[i] -= learning_rate * velocity[i];
  }
}

template <class T>
void sgd_step(T* __restrict value, const T* __restrict gradient, std::size_t n, T learning_rate,
              T weight_decay) {
  for (std::size_t i = 0; i < n; ++i) value[i] -= learning_rate * (gradient[i] + weight_decay * value[i]);
}

template void sgd_step(float*, const float*, float*, std::size_t, float, float, float);
template void sgd_step(double*, const double*, double*, std::size_t, double, double, double);
template void sgd_step(float*, const float*, std::size_t, float, float);
template void sgd_step(double*, const double*, std::size_t, double, double);

}  // namespace chainrule::kernels
