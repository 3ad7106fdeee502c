// Recurrent layers: weights for each layer and direction, and dropout between them.
// The functions are in networks.h.

#include "chainrule/nn/recurrent.h"

#include <cmath>

#include "chainrule/autograd.h"
#include "nn/layer.h"

namespace chainrule {

RecurrentLayers::RecurrentLayers(const std::string& called, std::int64_t gates, std::int64_t inputs,
                                 std::int64_t hidden, Generator& generator,
                                 const RecurrentLayerOptions& given, DType dtype)
    : options(given) {
  nn::require_positive(called, {{"inputs", inputs}, {"hidden", hidden}, {"layers", options.layers}});
  const double bound = 1 / std::sqrt(static_cast<double>(hidden));
  const auto add = [&](const std::string& name, const Shape& shape) {
    weights.emplace_back(
        name, Parameter(no_grad([&] { return rand(shape, generator, dtype) * (2 * bound) - bound; }), name));
  };
  const std::int64_t directions = options.bidirectional ? 2 : 1;
  for (std::int64_t layer = 0; layer < options.layers; ++layer)
    for (std::int64_t direction = 0; direction < directions; ++direction) {
      const std::string which = "_l" + std::to_string(layer) + (direction == 1 ? "_reverse" : "");
      add("weight_ih" + which, {gates * hidden, layer == 0 ? inputs : directions * hidden});
      add("weight_hh" + which, {gates * hidden, hidden});
      if (options.bias == Bias::none) continue;
      add("bias_ih" + which, {gates * hidden});
      add("bias_hh" + which, {gates * hidden});
    }
  if (options.dropout != 0) dropout.emplace(options.dropout, generator);
}

std::vector<CellWeights> RecurrentLayers::cells() const {
  const std::size_t of_each = options.bias == Bias::none ? 2 : 4;
  std::vector<CellWeights> all;
  for (std::size_t i = 0; i + of_each <= weights.size(); i += of_each) {
    CellWeights cell{.input = weights[i].second, .hidden = weights[i + 1].second};
    if (of_each == 4) {
      cell.input_bias = weights[i + 2].second;
      cell.hidden_bias = weights[i + 3].second;
    }
    all.push_back(std::move(cell));
  }
  return all;
}

RecurrentOptions RecurrentLayers::call_options(std::optional<Generator>& drawn) const {
  RecurrentOptions result = {.bidirectional = options.bidirectional, .batch_first = options.batch_first};
  if (!dropout || !dropout->is_on()) return result;
  result.dropout = dropout->p;
  result.generator = &drawn.emplace(dropout->next_generator());
  return result;
}

Rnn::Rnn(Integer inputs, Integer hidden, Generator& generator, const RecurrentLayerOptions& given,
         bool with_relu, DType dtype)
    : RecurrentLayers("Rnn", 1, inputs, hidden, generator, given, dtype), relu(with_relu) {}

Recurrent Rnn::operator()(const Operand& x, const Tensor& h) const {
  const Scope scope(nn::scope_of(weights.front().second));
  std::optional<Generator> drawn;
  return rnn(x, h, cells(), call_options(drawn), relu);
}

Lstm::Lstm(Integer inputs, Integer hidden, Generator& generator, const RecurrentLayerOptions& given,
           DType dtype)
    : RecurrentLayers("Lstm", 4, inputs, hidden, generator, given, dtype) {}

Recurrent Lstm::operator()(const Operand& x, const LstmState& state) const {
  const Scope scope(nn::scope_of(weights.front().second));
  std::optional<Generator> drawn;
  return lstm(x, state, cells(), call_options(drawn));
}

Gru::Gru(Integer inputs, Integer hidden, Generator& generator, const RecurrentLayerOptions& given,
         DType dtype)
    : RecurrentLayers("Gru", 3, inputs, hidden, generator, given, dtype) {}

Recurrent Gru::operator()(const Operand& x, const Tensor& h) const {
  const Scope scope(nn::scope_of(weights.front().second));
  std::optional<Generator> drawn;
  return gru(x, h, cells(), call_options(drawn));
}

}  // namespace chainrule
