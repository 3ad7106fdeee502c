// Steps of gradient descent over memory.
// They know no parameters or options: src/optim/sgd.cpp has those.

#pragma once

#include <cstdint>

namespace chainrule::kernels {

/// One step of stochastic gradient descent, in one pass over n elements:
///
///     gradient += weight_decay * value;  velocity = momentum * velocity + gradient;
///     value -= learning_rate * velocity
///
/// `gradient` is read only. The arrays must not overlap.
template <class T>
void sgd_step(T* value, const T* gradient, T* velocity, std::int64_t n, T learning_rate, T momentum,
              T weight_decay);

/// The same without momentum, which needs no velocity.
template <class T>
void sgd_step(T* value, const T* gradient, std::int64_t n, T learning_rate, T weight_decay);

/// As the first, but velocity = momentum * velocity + kept * gradient.
template <class T>
void damped_sgd_step(T* value, const T* gradient, T* velocity, std::int64_t n, T learning_rate, T momentum,
                     T weight_decay, T kept);

/// As the first, but value -= learning_rate * (gradient + momentum * velocity).
template <class T>
void nesterov_step(T* value, const T* gradient, T* velocity, std::int64_t n, T learning_rate, T momentum,
                   T weight_decay);

}  // namespace chainrule::kernels
