// Inputs of rows: random ones that keep away from kinks, whole numbers, classes, labels and probabilities.
// op_inputs.h says what each is for.

#include "op_inputs.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace chainrule::test {
namespace {

Tensor drawn(const Shape& shape, const std::function<double()>& number) {
  std::vector<double> numbers(static_cast<std::size_t>(shape.size()));
  std::generate(numbers.begin(), numbers.end(), number);
  return tensor(numbers, shape);
}

}  // namespace

Input between(double low, double high, const std::vector<double>& kinks) {
  return {[=](const Shape& shape, Engine& engine) {
    return drawn(shape, [&] {
      const auto at_kink = [&](double x) {
        return std::any_of(kinks.begin(), kinks.end(),
                           [x](double kink) { return std::abs(x - kink) < 0.05; });
      };
      double number = uniform(engine, low, high);
      while (at_kink(number)) number = uniform(engine, low, high);
      return number;
    });
  }};
}

Input distinct(double shift) {
  return {[=](const Shape& shape, Engine& engine) {
    std::vector<double> numbers(static_cast<std::size_t>(shape.size()));
    std::iota(numbers.begin(), numbers.end(), -std::floor(static_cast<double>(shape.size()) / 2));
    std::shuffle(numbers.begin(), numbers.end(), engine);
    for (double& number : numbers) number = number * 0.1 + shift;
    return tensor(numbers, shape);
  }};
}

Input whole(int low, int high) {
  return constant({[=](const Shape& shape, Engine& engine) {
    return drawn(shape, [&] { return std::uniform_int_distribution<int>(low, high)(engine); });
  }});
}

Input classes(int count) {
  return constant({[=](const Shape& shape, Engine& engine) {
    std::vector<std::int64_t> numbers(static_cast<std::size_t>(shape.size()));
    for (auto& number : numbers) number = std::uniform_int_distribution<int>(0, count - 1)(engine);
    return tensor(numbers, shape);
  }});
}

Input booleans() {
  return constant({[](const Shape& shape, Engine& engine) {
    std::vector<bool> bits(static_cast<std::size_t>(shape.size()));
    for (auto&& bit : bits) bit = uniform(engine, 0, 1) < 0.5;
    return tensor(bits, shape);
  }});
}

Input labels() {
  return constant({[](const Shape& shape, Engine& engine) {
    return drawn(shape, [&] { return uniform(engine, 0, 1) < 0.5 ? -1.0 : 1.0; });
  }});
}

Input probabilities() {
  return {[](const Shape& shape, Engine& engine) {
    std::vector<double> numbers(static_cast<std::size_t>(shape.size()));
    const auto columns = static_cast<std::size_t>(shape.back());
    for (std::size_t row = 0; row < numbers.size(); row += columns) {
      double total = 0;
      for (std::size_t i = row; i < row + columns; ++i) total += numbers[i] = uniform(engine, 0.1, 1);
      for (std::size_t i = row; i < row + columns; ++i) numbers[i] /= total;
    }
    return tensor(numbers, shape);
  }};
}

Input constant(Input input) {
  input.differentiable = false;
  return input;
}

Tensor blank(const Shape& shape) { return zeros(shape, DType::float64); }

}  // namespace chainrule::test
