// The formulas of optimisers with running means, on packs: Adam and its kin. What else a step needs is in
// fused_step.h; constants come from src/optim.

#include "kernels/adaptive.h"

#include "kernels/fused_step.h"

namespace chainrule::kernels {
namespace {

template <class P>
void average(P& mean, const Share<typename P::Element>& share, const P& x) {
  mean = P(share.kept) * mean + P(share.taken) * x;
}

/// The means of g and g², for Adam and its kind, where g is the gradient with decay · x added; gives g.
template <class P, class Constants>
P average_moments(const Constants& c, const P& x, const P& gradient, P& first, P& second) {
  const P g = gradient + P(c.decay) * x;
  average(first, c.beta1, g);
  average(second, c.beta2, g * g);
  return g;
}

template <class T>
struct AdamRule {
  AdamConstants<T> c;
  template <class P>
  P operator()(const P& x, const P& gradient, P& first, P& second) const {
    average_moments(c, x, gradient, first, second);
    return moved(x, first, second);
  }
  template <class P>
  P operator()(const P& x, const P& gradient, P& first, P& second, P& largest) const {
    average_moments(c, x, gradient, first, second);
    largest = maximum(largest, second);
    return moved(x, first, largest);
  }
  template <class P>
  P moved(const P& x, const P& first, const P& second) const {
    return P(c.shrink) * x - P(c.rate) * first / (P(c.scale) * sqrt(second) + P(c.epsilon));
  }
};

template <class T>
struct NAdamRule {
  NAdamConstants<T> c;
  template <class P>
  P operator()(const P& x, const P& gradient, P& first, P& second) const {
    const P g = average_moments(c, x, gradient, first, second);
    return x -
           (P(c.gradient_rate) * g + P(c.first_rate) * first) / (P(c.scale) * sqrt(second) + P(c.epsilon));
  }
};

template <class T>
struct RmsPropRule {
  RmsPropConstants<T> c;
  template <class P>
  P operator()(const P& x, const P& gradient, P& square) const {
    return x - P(c.rate) * scaled(with_decay(x, gradient, square), square);
  }
  template <class P>
  P with_decay(const P& x, const P& gradient, P& square) const {
    const P g = gradient + P(c.decay) * x;
    average(square, c.alpha, g * g);
    return g;
  }
  template <class P>
  P scaled(const P& g, const P& square) const {
    return g / (sqrt(square) + P(c.epsilon));
  }
};

template <class T>
struct RmsPropVelocityRule : RmsPropRule<T> {
  template <class P>
  P operator()(const P& x, const P& gradient, P& square, P& velocity) const {
    const P g = this->with_decay(x, gradient, square);
    velocity = P(this->c.momentum) * velocity + this->scaled(g, square);
    return x - P(this->c.rate) * velocity;
  }
};

template <class T>
struct CenteredRmsPropRule : RmsPropRule<T> {
  template <class P>
  P operator()(const P& x, const P& gradient, P& square, P& mean) const {
    return x - P(this->c.rate) * centered(x, gradient, square, mean);
  }
  template <class P>
  P operator()(const P& x, const P& gradient, P& square, P& mean, P& velocity) const {
    velocity = P(this->c.momentum) * velocity + centered(x, gradient, square, mean);
    return x - P(this->c.rate) * velocity;
  }
  template <class P>
  P centered(const P& x, const P& gradient, P& square, P& mean) const {
    const P g = this->with_decay(x, gradient, square);
    average(mean, this->c.alpha, g);
    // The variance of equal gradients is 0, and rounding may leave it below.
    return this->scaled(g, maximum(square - mean * mean, P(0)));
  }
};

template <class T>
struct AdagradRule {
  T decay, rate, epsilon;
  template <class P>
  P operator()(const P& x, const P& gradient, P& sum) const {
    const P g = gradient + P(decay) * x;
    sum = sum + g * g;
    return x - P(rate) * g / (sqrt(sum) + P(epsilon));
  }
};

template <class T>
struct AdadeltaRule {
  Share<T> rho;
  T decay, rate, epsilon;
  template <class P>
  P operator()(const P& x, const P& gradient, P& square, P& steps) const {
    const P g = gradient + P(decay) * x;
    average(square, rho, g * g);
    const P step = sqrt(steps + P(epsilon)) / sqrt(square + P(epsilon)) * g;
    average(steps, rho, step * step);
    return x - P(rate) * step;
  }
};

template <class T>
struct LionRule {
  Share<T> beta1, beta2;
  T shrink, rate;
  template <class P>
  P operator()(const P& x, const P& g, P& mean) const {
    P direction = mean;
    average(direction, beta1, g);
    average(mean, beta2, g);
    const P step = where(direction > P(0), P(rate), where(direction < P(0), P(-rate), P(rate) * direction));
    return P(shrink) * x - step;
  }
};

template <class T>
struct AverageRule {
  Share<T> decay;
  template <class P>
  P operator()(const P& mean, const P& value) const {
    P result = mean;
    average(result, decay, value);
    return result;
  }
};

}  // namespace

template <class T>
void adam_step(T* x, const T* gradient, T* first, T* second, std::int64_t n,
               const AdamConstants<T>& constants) {
  fused_step(AdamRule<T>{constants}, n, x, gradient, first, second);
}

template <class T>
void amsgrad_step(T* x, const T* gradient, T* first, T* second, T* largest, std::int64_t n,
                  const AdamConstants<T>& constants) {
  fused_step(AdamRule<T>{constants}, n, x, gradient, first, second, largest);
}

template <class T>
void nadam_step(T* x, const T* gradient, T* first, T* second, std::int64_t n,
                const NAdamConstants<T>& constants) {
  fused_step(NAdamRule<T>{constants}, n, x, gradient, first, second);
}

template <class T>
void rmsprop_step(T* x, const T* gradient, T* square, T* mean, T* velocity, std::int64_t n,
                  const RmsPropConstants<T>& constants) {
  if (mean == nullptr && velocity == nullptr)
    return fused_step(RmsPropRule<T>{constants}, n, x, gradient, square);
  if (mean == nullptr)
    return fused_step(RmsPropVelocityRule<T>{{constants}}, n, x, gradient, square, velocity);
  if (velocity == nullptr)
    return fused_step(CenteredRmsPropRule<T>{{constants}}, n, x, gradient, square, mean);
  fused_step(CenteredRmsPropRule<T>{{constants}}, n, x, gradient, square, mean, velocity);
}

template <class T>
void adagrad_step(T* x, const T* gradient, T* sum, std::int64_t n, T decay, T rate, T epsilon) {
  fused_step(AdagradRule<T>{decay, rate, epsilon}, n, x, gradient, sum);
}

template <class T>
void adadelta_step(T* x, const T* gradient, T* square, T* steps, std::int64_t n, Share<T> rho, T decay,
                   T rate, T epsilon) {
  fused_step(AdadeltaRule<T>{rho, decay, rate, epsilon}, n, x, gradient, square, steps);
}

template <class T>
void lion_step(T* x, const T* gradient, T* mean, std::int64_t n, Share<T> beta1, Share<T> beta2, T shrink,
               T rate) {
  fused_step(LionRule<T>{beta1, beta2, shrink, rate}, n, x, gradient, mean);
}

template <class T>
void average_step(T* average, const T* value, std::int64_t n, Share<T> decay) {
  fused_step(AverageRule<T>{decay}, n, average, value);
}

// NOLINTBEGIN(bugprone-macro-parentheses): T names a type
#define CHAINRULE_STEPS(T)                                                                        \
  template void adam_step(T*, const T*, T*, T*, std::int64_t, const AdamConstants<T>&);           \
  template void amsgrad_step(T*, const T*, T*, T*, T*, std::int64_t, const AdamConstants<T>&);    \
  template void nadam_step(T*, const T*, T*, T*, std::int64_t, const NAdamConstants<T>&);         \
  template void rmsprop_step(T*, const T*, T*, T*, T*, std::int64_t, const RmsPropConstants<T>&); \
  template void adagrad_step(T*, const T*, T*, std::int64_t, T, T, T);                            \
  template void adadelta_step(T*, const T*, T*, T*, std::int64_t, Share<T>, T, T, T);             \
  template void lion_step(T*, const T*, T*, std::int64_t, Share<T>, Share<T>, T, T);              \
  template void average_step(T*, const T*, std::int64_t, Share<T>);
// NOLINTEND(bugprone-macro-parentheses)
CHAINRULE_STEPS(float)
CHAINRULE_STEPS(double)
#undef CHAINRULE_STEPS

}  // namespace chainrule::kernels
