// Central differences along directions, with steps and tolerances by the dtype and the size of the numbers.
// No autograd is involved.

#include "differences.h"

#include <algorithm>
#include <cmath>

namespace chainrule::test {

double dot(const Tensor& a, const Tensor& b) {
  const auto left = values(a);
  const auto right = values(b);
  if (left.size() != right.size()) {
    ADD_FAILURE() << "dot of " << to_string(a.shape()) << " and " << to_string(b.shape());
    return 0;
  }
  long double total = 0;
  for (std::size_t i = 0; i < left.size(); ++i) total += static_cast<long double>(left[i]) * right[i];
  return static_cast<double>(total);
}

double slope(const std::function<double(const Tensor&)>& function, const Tensor& start,
             const Tensor& direction) {
  const double step = 1e-3;
  const auto origin = values(start);
  const auto along = values(direction);
  const auto at = [&](double t) {
    std::vector<double> moved(origin.size());
    for (std::size_t i = 0; i < moved.size(); ++i) moved[i] = origin[i] + t * along[i];
    return function(tensor(moved, start.shape()));
  };
  return (8 * (at(step) - at(-step)) - (at(2 * step) - at(-2 * step))) / (12 * step);
}

std::vector<Tensor> replaced(std::vector<Tensor> inputs, std::size_t place, const Tensor& other) {
  inputs.at(place) = other;
  return inputs;
}

std::vector<Tensor> random_like(const std::vector<Tensor>& tensors, Engine& engine) {
  std::vector<Tensor> result;
  for (const Tensor& one : tensors) {
    const Tensor direction = random_tensor(one.shape(), engine);
    result.push_back(one.dtype() == DType::float32 ? tensor(direction.to_vector<float>(), one.shape())
                                                   : direction);
  }
  return result;
}

double allowance(double tolerance, double expected, std::int64_t terms) {
  return tolerance * std::max({1.0, std::abs(expected), std::sqrt(static_cast<double>(terms))});
}

}  // namespace chainrule::test
