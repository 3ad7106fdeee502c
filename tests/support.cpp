// Reading, comparing and drawing tensors for tests, and deep work on a small stack.
// Relies on GoogleTest and on public headers.

#include "support.h"

#include <pthread.h>

#include <cmath>
#include <cstdlib>
#include <sstream>
#include <stdexcept>

namespace chainrule::test {

std::vector<double> values(const Tensor& tensor) { return tensor.to_vector<double>(); }

bool agree(double actual, double expected, double tolerance) {
  if (std::isnan(expected)) return std::isnan(actual);
  if (std::isinf(expected)) return actual == expected;
  return std::abs(actual - expected) <= tolerance * std::max(1.0, std::abs(expected));
}

::testing::AssertionResult close(const Tensor& actual, const std::vector<double>& expected,
                                 double tolerance) {
  const auto numbers = values(actual);
  if (numbers.size() != expected.size())
    return ::testing::AssertionFailure() << numbers.size() << " elements instead of " << expected.size();
  std::ostringstream wrong;
  wrong.precision(17);
  int count = 0;
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    if (agree(numbers[i], expected[i], tolerance)) continue;
    if (++count <= 5)
      wrong << "\n  element " << i << " is " << numbers[i] << " instead of " << expected[i] << ", off by "
            << numbers[i] - expected[i];
  }
  if (count == 0) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << count << " of " << numbers.size() << " elements of shape "
                                       << to_string(actual.shape()) << " are wrong" << wrong.str();
}

::testing::AssertionResult close(const Tensor& actual, const Tensor& expected, double tolerance) {
  if (!(actual.shape() == expected.shape()))
    return ::testing::AssertionFailure()
           << "shape " << to_string(actual.shape()) << " instead of " << to_string(expected.shape());
  return close(actual, values(expected), tolerance);
}

::testing::AssertionResult equals(const Tensor& actual, const Shape& shape,
                                  const std::vector<double>& expected) {
  if (!(actual.shape() == shape))
    return ::testing::AssertionFailure()
           << "shape " << to_string(actual.shape()) << " instead of " << to_string(shape);
  return close(actual, expected, 0);
}

::testing::AssertionResult mentions(const std::string& message, const std::vector<std::string>& words) {
  for (const std::string& word : words)
    if (message.find(word) == std::string::npos)
      return ::testing::AssertionFailure() << "no \"" << word << "\" in: " << message;
  return ::testing::AssertionSuccess();
}

std::uint64_t seed() {
  static const std::uint64_t value = [] {
    const char* text = std::getenv("CHAINRULE_TEST_SEED");
    return text == nullptr ? std::uint64_t{20240229} : std::strtoull(text, nullptr, 10);
  }();
  return value;
}

double uniform(Engine& engine, double low, double high) {
  return std::uniform_real_distribution<double>(low, high)(engine);
}

Tensor random_tensor(const Shape& shape, Engine& engine, double low, double high) {
  std::vector<double> numbers(static_cast<std::size_t>(shape.size()));
  for (double& number : numbers) number = uniform(engine, low, high);
  return tensor(numbers, shape);
}

void run_on_stack(std::size_t bytes, const std::function<void()>& function) {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  if (pthread_attr_setstacksize(&attributes, bytes) != 0) throw std::invalid_argument("stack size");
  pthread_t thread{};
  const auto call = [](void* pointer) -> void* {
    (*static_cast<const std::function<void()>*>(pointer))();
    return nullptr;
  };
  std::function<void()> copy = function;
  const int failure = pthread_create(&thread, &attributes, call, &copy);
  pthread_attr_destroy(&attributes);
  if (failure != 0) throw std::runtime_error("pthread_create failed");
  pthread_join(thread, nullptr);
}

}  // namespace chainrule::test

namespace chainrule {
void PrintTo(const Shape& shape, std::ostream* out) { *out << to_string(shape); }
}  // namespace chainrule
