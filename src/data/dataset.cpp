// Samples with their classes: split, taken in batches, and what a network makes of them. Relies on take_rows
// for batches; the half-moons are drawn by the formula of scikit-learn.

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "array/array.h"
#include "chainrule/autograd.h"
#include "chainrule/data.h"
#include "data/pairs.h"
#include "graph/call_error.h"

namespace chainrule {

Dataset take_rows(const Dataset& data, std::span<const std::int64_t> positions) {
  // Not a call of the user's, so without its place.
  return {take_rows(Operand(data.x, {}), positions), take_rows(Operand(data.y, {}), positions), data.classes};
}

void require_pairs(const std::string& called, const Dataset& data, bool classes) {
  const bool fits = classes ? data.y.rank() == 1 : data.y.rank() > 0;
  if (data.x.rank() == 0 || !fits || data.x.shape()[0] != data.size())
    throw ShapeError(called + ": x has shape " + to_string(data.x.shape()) + ", y " +
                     to_string(data.y.shape()) + "; they must be (n, ...) and " +
                     (classes ? "(n,)" : "(n,) or (n, ...)"));
}

Split split(const Dataset& data, double test_fraction, Generator& generator) {
  require_pairs("split", data, false);
  const std::int64_t n = data.size();
  if (!(test_fraction > 0 && test_fraction < 1))
    throw std::invalid_argument("split: test_fraction is " + to_string(tensor(test_fraction)) +
                                "; it must be between 0 and 1");
  if (n < 2)
    throw std::invalid_argument("split: " + std::to_string(n) + " samples; two parts need at least 2");
  const auto wanted = static_cast<std::int64_t>(std::llround(test_fraction * static_cast<double>(n)));
  const auto test_size = static_cast<std::size_t>(std::clamp<std::int64_t>(wanted, 1, n - 1));
  const Tensor order = randperm(n, generator);
  const auto positions = order.data<std::int64_t>();
  return {.train = take_rows(data, positions.subspan(test_size)),
          .test = take_rows(data, positions.first(test_size))};
}

Batches::Batches(Dataset data, Integer batch_size, Generator& generator)
    : data_(std::move(data)), batch_size_(batch_size), order_(randperm(data_.size(), generator)) {
  require_pairs("Batches", data_, false);
  if (batch_size <= 0)
    throw std::invalid_argument("Batches: batch_size is " + std::to_string(batch_size) +
                                "; it must be positive");
}

Dataset Batches::Iterator::operator*() const {
  const std::int64_t count = std::min(batches_->batch_size_, batches_->data_.size() - first_);
  return take_rows(batches_->data_, batches_->order_.data<std::int64_t>().subspan(
                                        static_cast<std::size_t>(first_), static_cast<std::size_t>(count)));
}

Batches::Iterator& Batches::Iterator::operator++() {
  first_ += batches_->batch_size_;
  return *this;
}

namespace {

Tensor best_classes(const std::string& called, const Tensor& given) {
  const Tensor scores = cast(given.detach(), computed_in(given.dtype()));
  if (scores.rank() != 2 || scores.shape()[1] == 0)
    throw ShapeError(called + ": scores have shape " + to_string(scores.shape()) +
                     "; they must be (samples, classes)");
  const std::int64_t samples = scores.shape()[0], classes = scores.shape()[1];
  Array best({samples}, DType::int64);
  auto* winner = best.mutable_data<std::int64_t>();
  if (!is_floating(scores.dtype()))
    throw DTypeError(called + ": scores are " + std::string(to_string(scores.dtype())) +
                     "; they must be floating");
  dispatch_floating(scores.dtype(), [&]<class T> {
    const T* row = scores.data<T>().data();
    for (std::int64_t sample = 0; sample < samples; ++sample, row += classes) {
      T largest = -std::numeric_limits<T>::infinity();
      winner[sample] = 0;
      for (std::int64_t c = 0; c < classes; ++c)
        if (row[c] > largest) largest = row[winner[sample] = c];
    }
  });
  return constant(std::move(best));
}

}  // namespace

Tensor predicted_classes(const Tensor& scores) { return best_classes("predicted_classes", scores); }

double accuracy(const Tensor& scores, const Tensor& y) {
  const Tensor predicted = best_classes("accuracy", scores);
  if (!is_integer(y.dtype()))
    throw DTypeError("accuracy: classes are " + std::string(to_string(y.dtype())) + "; they must be int64");
  if (y.shape() != predicted.shape())
    throw ShapeError("accuracy: classes have shape " + to_string(y.shape()) + " for scores " +
                     to_string(scores.shape()) + "; give one class per sample");
  const Tensor classes = cast(y, DType::int64);
  const auto guesses = predicted.data<std::int64_t>(), truth = classes.data<std::int64_t>();
  std::int64_t correct = 0;
  for (std::size_t i = 0; i < truth.size(); ++i) correct += guesses[i] == truth[i];
  return truth.empty() ? 0 : static_cast<double>(correct) / static_cast<double>(truth.size());
}

namespace {

/// Adds what these samples come to.
void add(Evaluation& result, const Tensor& scores, const Tensor& y) try {
  const Tensor predicted = best_classes("evaluate", scores), likeliest = max(softmax(scores), -1);
  const std::vector<double> confidence = where(likeliest == likeliest, likeliest, 0.0).to_vector<double>();
  const auto classes = predicted.data<std::int64_t>();
  result.loss += cross_entropy(scores, y, Reduction::sum).item();
  result.correct += sum(predicted == y).item<std::int64_t>();
  result.predicted.insert(result.predicted.end(), classes.begin(), classes.end());
  result.confidence.insert(result.confidence.end(), confidence.begin(), confidence.end());
} catch (...) {
  rethrow_in_call("evaluate", Operand(scores, {}), Operand(y, {}));
}

}  // namespace

Evaluation evaluate(FunctionRef<Tensor(const Tensor&)> network, const Dataset& data) {
  require_pairs("evaluate", data, true);
  const NoGrad guard;
  constexpr std::int64_t part = 1024;
  Evaluation result;
  for (std::int64_t first = 0; first < data.size(); first += part) {
    const Slice rows{first, std::min(first + part, data.size())};
    add(result, network(data.x[{rows}]), data.y[{rows}]);
  }
  if (data.size() > 0) result.loss /= static_cast<double>(data.size());
  return result;
}

Dataset half_moons(Integer samples, double noise, Generator& generator, DType dtype) {
  if (samples < 0 || !(noise >= 0))
    throw std::invalid_argument("half_moons: " + std::to_string(samples) + " samples with noise " +
                                to_string(tensor(noise)) + "; neither may be negative");
  if (!is_floating(dtype))
    throw DTypeError("half_moons: makes float32 or float64, not " + std::string(to_string(dtype)));
  Array x({samples, 2}, dtype), y({samples}, DType::int64);
  auto* label = y.mutable_data<std::int64_t>();
  dispatch_floating(dtype, [&]<class T>() {
    T* point = x.mutable_data<T>();
    for (std::int64_t i = 0; i < samples; ++i, point += 2) {
      const bool lower = i % 2 == 1;
      const double angle = std::numbers::pi * generator.uniform();
      const double across = lower ? 1 - std::cos(angle) : std::cos(angle);
      const double up = lower ? 0.5 - std::sin(angle) : std::sin(angle);
      point[0] = static_cast<T>(across + noise * generator.normal());
      point[1] = static_cast<T>(up + noise * generator.normal());
      label[i] = lower;
    }
  });
  return {constant(std::move(x)), constant(std::move(y)), 2};
}

}  // namespace chainrule
