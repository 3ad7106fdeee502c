// Steps of the optimisers that keep running means, each in one pass over n elements. In all of them x is the
// value, g the gradient with decay * x added, and the arrays must not overlap. The formulas' sources are
// with the optimisers.

#pragma once

#include <cstdint>

namespace chainrule::kernels {

/// A running mean keeps this share of itself and takes the rest of what is new. Both are rounded from
/// float64: in float32, 1 - 0.999 would be off by 5e-5.
template <class T>
struct Share {
  explicit Share(double share) : kept(static_cast<T>(share)), taken(static_cast<T>(1 - share)) {}
  T kept, taken;
};

/// first = beta1 first + (1 - beta1) g; second = beta2 second + (1 - beta2) g²;
/// x = shrink x - rate first / (scale √second + epsilon).
template <class T>
struct AdamConstants {
  Share<T> beta1, beta2;
  T decay, shrink, rate, scale, epsilon;
};
template <class T>
void adam_step(T* x, const T* gradient, T* first, T* second, std::int64_t n,
               const AdamConstants<T>& constants);
/// The same with the largest second so far in place of second.
template <class T>
void amsgrad_step(T* x, const T* gradient, T* first, T* second, T* largest, std::int64_t n,
                  const AdamConstants<T>& constants);

/// first and second as above; x -= (gradient_rate g + first_rate first) / (scale √second + epsilon).
template <class T>
struct NAdamConstants {
  Share<T> beta1, beta2;
  T decay, gradient_rate, first_rate, scale, epsilon;
};
template <class T>
void nadam_step(T* x, const T* gradient, T* first, T* second, std::int64_t n,
                const NAdamConstants<T>& constants);

/// square = alpha square + (1 - alpha) g²; mean = alpha mean + (1 - alpha) g;
/// velocity = momentum velocity + g / (√(square - mean²) + epsilon); x -= rate velocity.
/// Without a mean (null) it is 0; without a velocity, momentum is 0.
template <class T>
struct RmsPropConstants {
  Share<T> alpha;
  T momentum, decay, rate, epsilon;
};
template <class T>
void rmsprop_step(T* x, const T* gradient, T* square, T* mean, T* velocity, std::int64_t n,
                  const RmsPropConstants<T>& constants);

/// sum += g²; x -= rate g / (√sum + epsilon).
template <class T>
void adagrad_step(T* x, const T* gradient, T* sum, std::int64_t n, T decay, T rate, T epsilon);

/// square = rho square + (1 - rho) g²; step = g √(steps + epsilon) / √(square + epsilon);
/// steps = rho steps + (1 - rho) step²; x -= rate step.
template <class T>
void adadelta_step(T* x, const T* gradient, T* square, T* steps, std::int64_t n, Share<T> rho, T decay,
                   T rate, T epsilon);

/// x = shrink x - rate sign(beta1 mean + (1 - beta1) g); mean = beta2 mean + (1 - beta2) g, of the gradient
/// as it is. sign(0) is 0.
template <class T>
void lion_step(T* x, const T* gradient, T* mean, std::int64_t n, Share<T> beta1, Share<T> beta2, T shrink,
               T rate);

/// average = decay average + (1 - decay) value.
template <class T>
void average_step(T* average, const T* value, std::int64_t n, Share<T> decay);

}  // namespace chainrule::kernels
