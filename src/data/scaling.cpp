// Ranges, gaps and frequencies, as a training part has them. Written in public operations; numbers are
// learned from a part and then applied to any rows.

#include "chainrule/data/scaling.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "chainrule/autograd.h"
#include "chainrule/ops.h"

namespace chainrule {
namespace {

void require_columns(const std::string& called, const Tensor& x) {
  if (!is_floating(x.dtype()))
    throw DTypeError(called + ": data is " + std::string(to_string(x.dtype())) + "; cast it to a float");
  if (x.rank() != 2 || x.shape()[0] == 0)
    throw ShapeError(called + ": data has shape " + to_string(x.shape()) +
                     "; it must be (samples, columns) with at least one sample");
}

void require_same_columns(const std::string& called, const Tensor& x, std::int64_t columns) {
  if (x.rank() == 0 || x.shape()[x.rank() - 1] != columns)
    throw ShapeError(called + ": data has shape " + to_string(x.shape()) + "; it was made from " +
                     std::to_string(columns) + " columns");
}

}  // namespace

MinMaxScaler::MinMaxScaler(const Tensor& x, double low, double high) : low_(low), high_(high) {
  require_columns("MinMaxScaler", x);
  if (!(low < high))
    throw std::invalid_argument("MinMaxScaler: from " + to_string(tensor(low)) + " to " +
                                to_string(tensor(high)) + "; low must be below high");
  const NoGrad guard;
  smallest_ = min(x, 0).detach();
  const Tensor range = max(x, 0) - smallest_;
  if (!all(abs(range) < std::numeric_limits<double>::infinity()))
    throw std::invalid_argument(
        "MinMaxScaler: a column has nan or an infinity, or a range beyond its dtype; remove or replace the "
        "samples with it");
  range_ = where(range > 0, range, 1.0).detach();
}

Tensor MinMaxScaler::operator()(const Tensor& x) const {
  require_same_columns("MinMaxScaler", x, smallest_.size());
  return (x - smallest_) / range_ * (high_ - low_) + low_;
}

Tensor MinMaxScaler::inverse(const Tensor& scaled) const {
  require_same_columns("MinMaxScaler", scaled, smallest_.size());
  return (scaled - low_) / (high_ - low_) * range_ + smallest_;
}

Imputer::Imputer(const Tensor& x, Fill fill) {
  require_columns("Imputer", x);
  const std::int64_t columns = x.shape()[1];
  const std::vector<double> elements = x.to_vector<double>();
  std::vector<double> values;
  for (std::int64_t column = 0; column < columns; ++column) {
    std::vector<double> known;
    for (auto i = static_cast<std::size_t>(column); i < elements.size();
         i += static_cast<std::size_t>(columns))
      if (!std::isnan(elements[i])) known.push_back(elements[i]);
    if (known.empty())
      throw std::invalid_argument("Imputer: column " + std::to_string(column) +
                                  " has no number to fill its gaps with; leave it out");
    std::sort(known.begin(), known.end());
    const std::size_t half = known.size() / 2;
    values.push_back(fill == Fill::mean      ? mean(tensor(known)).item()
                     : known.size() % 2 == 1 ? known[half]
                                             : known[half - 1] / 2 + known[half] / 2);
  }
  values_ = cast(tensor(values), x.dtype());
}

Tensor Imputer::operator()(const Tensor& x) const {
  require_same_columns("Imputer", x, values_.size());
  return where(x == x, x, values_);
}

Tensor class_weights(const Tensor& y, Integer classes, DType dtype) {
  if (y.dtype() != DType::int64)
    throw DTypeError("class_weights: classes are " + std::string(to_string(y.dtype())) +
                     "; they must be int64");
  if (y.rank() != 1 || classes < 1)
    throw ShapeError("class_weights: y has shape " + to_string(y.shape()) + " and " +
                     std::to_string(classes) + " classes; it must be (n,), with at least one class");
  std::vector<double> counts(static_cast<std::size_t>(classes));
  for (const std::int64_t each : y.to_vector<std::int64_t>()) {
    if (each < 0 || each >= classes)
      throw ShapeError("class_weights: class " + std::to_string(each) + " in y; it must be from 0 to " +
                       std::to_string(classes - 1));
    ++counts[static_cast<std::size_t>(each)];
  }
  for (double& count : counts)
    if (count > 0) count = static_cast<double>(y.size()) / (static_cast<double>(classes) * count);
  return cast(tensor(counts), dtype);
}

}  // namespace chainrule
