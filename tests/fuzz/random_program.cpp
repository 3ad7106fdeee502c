// Random programs: leaves and steps that bytes choose, run as often as needed with the same result.
// random_operations.cpp has the steps.

#include "random_program.h"

#include <cmath>
#include <sstream>

#include "chainrule/autograd.h"
#include "chainrule/ops.h"

namespace chainrule::fuzz {
namespace {

constexpr std::size_t most_steps = 24;
constexpr std::int64_t most_elements = 64;  // three of them broadcast to a quarter of a million
constexpr std::size_t highest_rank = 5;

const Shape shapes[] = {{},     {1},    {3},       {2, 3},    {3, 1}, {1, 3}, {3, 3}, {2, 1, 3},
                        {4, 2}, {0, 3}, {2, 2, 3}, {3, 2, 2}, {5},    {2, 0}, {2},    {1, 1}};

/// The sum of the elements, each times a number of its own: what keeps the sum, as softmax does, is seen too.
Tensor weighted_sum(Tensor x) {
  std::vector<double> weights(static_cast<std::size_t>(x.size()));
  for (std::size_t i = 0; i < weights.size(); ++i) weights[i] = 0.5 + static_cast<double>(i % 7) / 4;
  const Tensor weight = tensor(weights, x.shape());
  return sum(std::move(x) * weight);
}

}  // namespace

/// The bytes one after the other, and zeros after the last.
class Program::Reader {
 public:
  explicit Reader(Bytes bytes) : rest_(bytes) {}
  bool is_at_end() const { return rest_.empty(); }
  std::uint8_t byte() {
    if (rest_.empty()) return 0;
    const std::uint8_t first = rest_.front();
    rest_ = rest_.subspan(1);
    return first;
  }
  std::size_t below(std::size_t bound) { return byte() % bound; }

 private:
  Bytes rest_;
};

Program::Program(Bytes bytes) {
  const NoGrad constants;
  Reader reader(bytes);
  read_leaves(reader);
  read_steps(reader);
}

void Program::read_leaves(Reader& reader) {
  const std::uint8_t flags = reader.byte();
  has_ties_ = (flags & 1) != 0;
  is_tame_ = !has_ties_;
  double shift = 0;
  for (std::size_t count = 1 + flags / 2 % 4; count > 0; --count) {
    const Shape& shape = shapes[reader.below(std::size(shapes))];
    std::vector<double> elements(static_cast<std::size_t>(shape.size()));
    for (double& element : elements) {
      element = static_cast<std::int8_t>(reader.byte()) / (has_ties_ ? 16.0 : 32.0);
      shift = std::fmod(shift + 0.6180339887498949, 1.0);  // never the same again, nor near it
      if (!has_ties_) element += shift / 32;
    }
    leaves_.push_back(tensor(elements, shape));
  }
}

/// Computes the step from these values; an empty handle when they do not fit.
Tensor Program::result_of(const Step& step, const std::vector<Tensor>& values) {
  const auto input = [&](int place) {
    return place < step.operation->inputs ? values[step.inputs[place]] : Tensor();
  };
  try {
    Tensor result = step.operation->compute({input(0), input(1), input(2), step.number});
    return result.size() <= most_elements && result.rank() <= highest_rank ? result : Tensor();
  } catch (const ShapeError&) {
    return {};
  }
}

void Program::read_steps(Reader& reader) {
  std::vector<Tensor> values = leaves_;
  last_uses_.assign(values.size(), 0);
  std::vector<bool> used(values.size());
  while (!reader.is_at_end() && steps_.size() < most_steps) {
    Step step = {&operations()[reader.below(operations().size())], {}, reader.byte()};
    const int count = step.operation->inputs;
    for (int i = 0; i < count;
         ++i)  // from the end, so that the same bytes later in a program are at home there
      step.inputs[i] = values.size() - 1 - reader.below(values.size());
    Tensor result = result_of(step, values);
    for (int attempt = 1; attempt < 6 && result.is_empty() && count > 1;
         ++attempt) {  // few shapes fit by chance
      for (int i = 1; i < count; ++i)
        step.inputs[i] = (step.inputs[i] + static_cast<std::size_t>(i)) % values.size();
      result = result_of(step, values);
    }
    if (result.is_empty()) continue;
    for (int i = 0; i < count; ++i) {
      used[step.inputs[i]] = true;
      last_uses_[step.inputs[i]] = steps_.size();
    }
    is_tame_ = is_tame_ && step.operation->is_tame;
    values.push_back(result);
    last_uses_.push_back(0);
    used.push_back(false);
    steps_.push_back(step);
  }
  for (std::size_t i = 0; i < values.size(); ++i)
    if (!used[i]) last_uses_[i] = steps_.size();
}

Tensor Program::run(const std::vector<Tensor>& leaves) const {
  std::vector<Tensor> values = leaves;
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    const Step& step = steps_[i];
    const auto input = [&](int place) {
      if (place >= step.operation->inputs) return Tensor();
      const std::size_t at = step.inputs[place];
      for (int later = place + 1; later < step.operation->inputs; ++later)
        if (step.inputs[later] == at) return values[at];
      return last_uses_[at] == i ? std::move(values[at]) : values[at];
    };
    Inputs inputs = {input(0), input(1), input(2), step.number};
    values.push_back(step.operation->compute(std::move(inputs)));
  }
  Tensor total = 0.0;
  for (std::size_t i = 0; i < values.size(); ++i)
    if (last_uses_[i] == steps_.size()) total = std::move(total) + weighted_sum(std::move(values[i]));
  return total;
}

std::string Program::text() const {
  std::ostringstream out;
  for (std::size_t i = 0; i < leaves_.size(); ++i) {
    out << "  v" << i << " = tensor of shape " << leaves_[i].shape() << ":";
    out.precision(17);
    for (const double element : leaves_[i].to_vector<double>()) out << ' ' << element;
    out << '\n';
  }
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    const Step& step = steps_[i];
    out << "  v" << leaves_.size() + i << " = " << step.operation->name << '(';
    for (int place = 0; place < step.operation->inputs; ++place) out << "v" << step.inputs[place] << ", ";
    out << step.number << ")\n";
  }
  out << "  and the sum of";
  for (std::size_t i = 0; i < last_uses_.size(); ++i)
    if (last_uses_[i] == steps_.size()) out << " v" << i;
  out << ", weighted\n";
  return std::move(out).str();
}

}  // namespace chainrule::fuzz
