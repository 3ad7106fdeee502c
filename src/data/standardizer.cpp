// Columns brought to mean 0 and deviation 1, whatever their size. Means and deviations are learned once, in
// double, and applied to any rows; constant columns are only shifted.

#include <cmath>

#include "chainrule/autograd.h"
#include "chainrule/data.h"

namespace chainrule {
namespace {

/// For each column the largest power of two that its largest element reaches, so that dividing by it is
/// exact. 1 for a column that never varies.
Tensor units(const std::vector<double>& low, const std::vector<double>& high) {
  std::vector<double> units;
  for (std::size_t column = 0; column < low.size(); ++column) {
    if (!std::isfinite(low[column]) || !std::isfinite(high[column]))
      throw std::invalid_argument("Standardizer: column " + std::to_string(column) + " has " +
                                  (std::isnan(low[column]) ? "nan" : "an infinity") +
                                  ", so it has no mean; remove or replace the samples with it");
    const double largest = std::max(std::abs(low[column]), std::abs(high[column]));
    units.push_back(low[column] == high[column] ? 1 : std::ldexp(1, std::ilogb(largest)));
  }
  return tensor(units);
}

}  // namespace

Standardizer::Standardizer(const Tensor& x) {
  if (!is_floating(x.dtype()))
    throw DTypeError("Standardizer: data is " + std::string(to_string(x.dtype())) + "; cast it to a float");
  if (x.rank() != 2 || x.shape()[0] == 0)
    throw ShapeError("Standardizer: data has shape " + to_string(x.shape()) +
                     "; it must be (samples, columns) with at least one sample");
  const NoGrad guard;
  const auto narrow = [&](const Tensor& wide) { return cast(wide, x.dtype()); };
  const Tensor wide = cast(x, DType::float64), low = min(wide, 0), high = max(wide, 0);
  const Tensor unit = units(low.to_vector<double>(), high.to_vector<double>());
  // A constant column is recognised by its values: its computed mean and deviation may be off by a rounding
  // error, and dividing by that would blow up any other value that the test data has there.
  const Tensor varies = high > low, scaled = wide / unit;
  unit_ = narrow(unit);
  center_ = narrow(where(varies, chainrule::mean(scaled, 0), low));
  const Tensor around = scaled - center_, rest = where(varies, chainrule::mean(around, 0), 0.0);
  const Tensor spread = where(varies, sqrt(chainrule::mean(square(around - rest), 0)), 1.0);
  rest_ = narrow(rest);
  spread_ = narrow(spread);
  mean_ = narrow((center_ + rest) * unit);
  deviation_ = narrow(spread * unit);
}

Standardizer::Standardizer(const Tensor& mean, const Tensor& deviation)
    : mean_(mean), deviation_(deviation), center_(mean), spread_(deviation) {
  if (!is_floating(mean.dtype()) || mean.dtype() != deviation.dtype())
    throw DTypeError("Standardizer: mean is " + std::string(to_string(mean.dtype())) + ", deviation " +
                     std::string(to_string(deviation.dtype())) + "; both must be one floating dtype");
  if (mean.rank() != 1 || mean.shape() != deviation.shape())
    throw ShapeError("Standardizer: mean has shape " + to_string(mean.shape()) + ", deviation " +
                     to_string(deviation.shape()) + "; both must be (columns,)");
  unit_ = ones(mean.shape(), mean.dtype());
  rest_ = zeros(mean.shape(), mean.dtype());
}

Tensor Standardizer::operator()(const Tensor& x) const {
  if (x.rank() == 0 || x.shape().back() != unit_.size())
    throw ShapeError("Standardizer: data has shape " + to_string(x.shape()) + "; it must be (..., " +
                     std::to_string(unit_.size()) + "), as what it was made from");
  return (x / unit_ - center_ - rest_) / spread_;
}

}  // namespace chainrule
