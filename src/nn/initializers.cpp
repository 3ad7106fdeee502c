// First weights: normal, uniform, orthogonal and truncated, with the variances that their authors derive.
// Fans are counted as PyTorch counts them; numbers come from random.h.

#include "chainrule/nn/initializers.h"

#include <algorithm>
#include <cmath>

#include "array/number_text.h"
#include "chainrule/autograd.h"
#include "chainrule/functions.h"
#include "chainrule/linalg.h"
#include "chainrule/ops.h"
#include "chainrule/shaping.h"

namespace chainrule {

namespace {

Fans checked_fans(const std::string& called, const Shape& weight) {
  if (weight.rank() < 2)
    throw ShapeError(
        called + ": a weight of shape " + to_string(weight) +
        " has no inputs and outputs to count; give it at least two axes, (outputs, inputs, ...)");
  if (std::ranges::any_of(weight.sizes(), [](std::int64_t size) { return size <= 0; }))
    throw ShapeError(called + ": a weight of shape " + to_string(weight) + "; all sizes must be positive");
  std::int64_t kernel = 1;
  for (std::size_t axis = 2; axis < weight.rank(); ++axis) kernel *= weight[axis];
  return {weight[1] * kernel, weight[0] * kernel};
}

Tensor normal_of_variance(const Shape& shape, Generator& generator, double variance, DType dtype) {
  return no_grad([&] { return randn(shape, generator, dtype) * std::sqrt(variance); });
}

Tensor uniform_of_variance(const Shape& shape, Generator& generator, double variance, DType dtype) {
  const double bound = std::sqrt(3 * variance);
  return no_grad([&] { return rand(shape, generator, dtype) * (2 * bound) - bound; });
}

double kaiming_variance(const char* called, const Shape& shape, const KaimingOptions& options) {
  const Fans fans = checked_fans(called, shape);
  const double gain = gain_of(options.nonlinearity, options.slope);
  return gain * gain / static_cast<double>(options.fan == Fan::in ? fans.in : fans.out);
}

double xavier_variance(const char* called, const Shape& shape, double gain) {
  const Fans fans = checked_fans(called, shape);
  return gain * gain * 2 / (static_cast<double>(fans.in) + static_cast<double>(fans.out));
}

double lecun_variance(const char* called, const Shape& shape) {
  return 1 / static_cast<double>(checked_fans(called, shape).in);
}

/// The probability of less than that, of a standard normal number.
double normal_below(double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); }

}  // namespace

Fans fans_of(const Shape& weight) { return checked_fans("fans_of", weight); }

double gain_of(Nonlinearity nonlinearity, double slope) {
  switch (nonlinearity) {
    case Nonlinearity::linear:
    case Nonlinearity::sigmoid: return 1;
    case Nonlinearity::tanh: return 5.0 / 3;
    case Nonlinearity::relu: return std::sqrt(2.0);
    case Nonlinearity::leaky_relu: return std::sqrt(2 / (1 + slope * slope));
    case Nonlinearity::selu: return 0.75;
  }
  return 1;
}

Tensor kaiming_normal(const Shape& shape, Generator& generator, const KaimingOptions& options, DType dtype) {
  return normal_of_variance(shape, generator, kaiming_variance("kaiming_normal", shape, options), dtype);
}
Tensor kaiming_uniform(const Shape& shape, Generator& generator, const KaimingOptions& options, DType dtype) {
  return uniform_of_variance(shape, generator, kaiming_variance("kaiming_uniform", shape, options), dtype);
}
Tensor he_normal(Integer outputs, Integer inputs, Generator& generator, DType dtype) {
  const double variance = kaiming_variance("he_normal", {outputs, inputs}, {});
  return normal_of_variance({outputs, inputs}, generator, variance, dtype);
}

Tensor xavier_normal(const Shape& shape, Generator& generator, double gain, DType dtype) {
  return normal_of_variance(shape, generator, xavier_variance("xavier_normal", shape, gain), dtype);
}
Tensor xavier_uniform(const Shape& shape, Generator& generator, double gain, DType dtype) {
  return uniform_of_variance(shape, generator, xavier_variance("xavier_uniform", shape, gain), dtype);
}

Tensor lecun_normal(const Shape& shape, Generator& generator, DType dtype) {
  return normal_of_variance(shape, generator, lecun_variance("lecun_normal", shape), dtype);
}
Tensor lecun_uniform(const Shape& shape, Generator& generator, DType dtype) {
  return uniform_of_variance(shape, generator, lecun_variance("lecun_uniform", shape), dtype);
}

Tensor orthogonal(const Shape& shape, Generator& generator, double gain, DType dtype) {
  checked_fans("orthogonal", shape);
  const std::int64_t rows = shape[0], columns = shape.size() / rows;
  return no_grad([&] {
    // In float64, so that float32 is orthogonal to its last bit, too.
    const Tensor given = randn({std::max(rows, columns), std::min(rows, columns)}, generator, DType::float64);
    const auto [q, r] = qr(given);
    // The signs that the decomposition happens to choose would make some matrices likelier than others.
    const Tensor columns_of_q = q * where(diagonal(r) < 0, -1.0, 1.0);
    return cast(gain * (rows < columns ? columns_of_q.T() : columns_of_q).reshape(shape), dtype);
  });
}

Tensor truncated_normal(const Shape& shape, Generator& generator, const TruncatedNormalOptions& options,
                        DType dtype) {
  const double mean = options.mean, deviation = options.deviation, low = options.low, high = options.high;
  if (!(deviation > 0) || !(low < high))
    throw std::invalid_argument("truncated_normal: deviation is " + number_text(deviation) +
                                ", and the bounds are " + number_text(low) + " and " + number_text(high) +
                                "; it takes deviation > 0 and low < high");
  const double from = normal_below((low - mean) / deviation), to = normal_below((high - mean) / deviation);
  return no_grad([&] {
    const Tensor probability = rand(shape, generator, DType::float64) * (to - from) + from;
    const Tensor standard = erfinv(2 * probability - 1) * std::sqrt(2.0);
    return cast(clamp(standard * deviation + mean, low, high), dtype);
  });
}

}  // namespace chainrule
