// Recurrent cells, and networks of them over sequences, composed of other operations; the steps of an LSTM
// are one.

#include "ops/networks/recurrent.h"

#include <algorithm>

#include "chainrule/shaping.h"
#include "ops/elementwise.h"
#include "ops/networks/dropping.h"
#include "ops/registry.h"

namespace chainrule {
namespace ops {
namespace recurrent {

Tensor transformed(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  return bias.is_empty() ? linear(x, weight) : linear(x, weight, bias);
}

/// One step, from what the input contributes to the gates, (N, gates · H).
State step(Kind kind, const Tensor& input, const State& state, const CellWeights& weights) {
  const Tensor hidden = transformed(state.h, weights.hidden, weights.hidden_bias);
  const std::int64_t size = state.h.shape().back();
  const auto gate = [size](const Tensor& all, std::int64_t i) {
    return index(all, {Index::ellipsis(), Slice{i * size, (i + 1) * size}});
  };
  switch (kind) {
    case Kind::tanh: return {tanh(input + hidden), {}};
    case Kind::relu: return {relu(input + hidden), {}};
    case Kind::lstm: {
      const Tensor all = input + hidden;
      const Tensor c = sigmoid(gate(all, 1)) * state.c + sigmoid(gate(all, 0)) * tanh(gate(all, 2));
      return {sigmoid(gate(all, 3)) * tanh(c), c};
    }
    case Kind::gru: break;
  }
  const Tensor r = sigmoid(gate(input, 0) + gate(hidden, 0)), z = sigmoid(gate(input, 1) + gate(hidden, 1)),
               n = tanh(gate(input, 2) + r * gate(hidden, 2));
  return {n + z * (state.h - n), {}};
}

/// The parts of x along its first axis, by halves: the gradient of each part has the size of the part it is
/// taken from, so that of all is no more than log2(n) times x.
std::vector<Tensor> unstacked(const Tensor& x) {
  std::vector<Tensor> parts = {x};
  for (bool again = true; again;) {
    again = false;
    std::vector<Tensor> halves;
    for (const Tensor& part : parts) {
      const std::int64_t n = part.shape()[0];
      if (n == 1) {
        halves.push_back(part);
        continue;
      }
      again = again || n > 2;
      halves.push_back(index(part, {Slice{.stop = n / 2}}));
      halves.push_back(index(part, {Slice{.start = n / 2}}));
    }
    parts = std::move(halves);
  }
  for (Tensor& part : parts) {
    const Shape& shape = part.shape();
    part = reshape(part, Shape(shape.sizes().subspan(1)));
  }
  return parts;
}

}  // namespace recurrent

namespace {

using namespace recurrent;

std::int64_t gates_of(Kind kind) { return kind == Kind::lstm ? 4 : kind == Kind::gru ? 3 : 1; }

[[noreturn]] void fail(const char* operation, const std::string& what) {
  throw ShapeError(std::string(operation) + ": " + what);
}

/// ShapeError unless the weights fit a cell of this kind with inputs of this size; gives the size of its
/// state.
std::int64_t check(const char* operation, Kind kind, const CellWeights& weights, std::int64_t inputs,
                   const std::string& which) {
  if (weights.input.is_empty() || weights.hidden.is_empty())
    fail(operation, "the weights" + which + " lack input or hidden; give both");
  const std::int64_t size = weights.hidden.rank() == 2 ? weights.hidden.shape()[1] : 0,
                     rows = gates_of(kind) * size;
  const auto require = [&](const Tensor& tensor, const char* what, const Shape& shape, const char* layout) {
    if (!tensor.is_empty() && tensor.shape() != shape)
      fail(operation, "weights" + which + ": " + what + " has shape " + to_string(tensor.shape()) +
                          "; it must be " + layout + " = " + to_string(shape));
  };
  require(weights.hidden, "hidden", {rows, size}, "(gates · H, H)");
  require(weights.input, "input", {rows, inputs}, "(gates · H, last axis of what comes in)");
  require(weights.input_bias, "input_bias", {rows}, "(gates · H,)");
  require(weights.hidden_bias, "hidden_bias", {rows}, "(gates · H,)");
  return size;
}

State cell(const char* operation, Kind kind, const Operand& x, const State& state,
           const CellWeights& weights) {
  const DType states =
      promote(state.h.dtype(), weights.input.is_empty() ? DType::boolean : weights.input.dtype());
  const Tensor in = x.as(real_dtype(promote(dtype_of(x), states)));
  if (in.rank() < 1 || in.rank() > 2)
    fail(operation, "x has shape " + to_string(in.shape()) + "; it must be (N, I) or (I,)");
  const std::int64_t size = check(operation, kind, weights, in.shape().back(), "");
  Shape shape = in.shape();
  shape[shape.rank() - 1] = size;
  for (const Tensor* each : {&state.h, &state.c})
    if (!each->is_empty() && each->shape() != shape)
      fail(operation, "the state has shape " + to_string(each->shape()) + ", x " + to_string(in.shape()) +
                          "; the state must be " + to_string(shape));
  if (kind == Kind::lstm && state.c.is_empty()) fail(operation, "the state lacks c; give both h and c");
  return step(kind, transformed(in, weights.input, weights.input_bias), state, weights);
}

/// In the other direction along the steps.
Tensor reversed(const Tensor& x, bool really) { return really ? flip(x, {0}) : x; }

Recurrent network(const char* operation, Kind kind, const Operand& x, const State& begin,
                  const std::vector<CellWeights>& weights, const RecurrentOptions& options) {
  if (weights.empty() || weights[0].input.is_empty())
    fail(operation, "no weights; give those of one layer at least");
  Tensor in = x.as(real_dtype(promote(dtype_of(x), weights[0].input.dtype())));
  const bool single = in.rank() == 2;
  if (in.rank() != 3 && !single)
    fail(operation, "x has shape " + to_string(in.shape()) +
                        "; it must be (L, N, I), (N, L, I) with batch_first, or " + "(L, I)");
  if (single)
    in = reshape(in, {in.shape()[0], 1, in.shape()[1]});
  else if (options.batch_first)
    in = swapaxes(in, 0, 1);
  const std::int64_t length = in.shape()[0], samples = in.shape()[1];
  if (length == 0)
    fail(operation, "x " + to_string(x.as_tensor().shape()) + " has no steps; give at least one");
  const std::size_t directions = options.bidirectional ? 2 : 1;
  const bool some_drop = drops(operation, "dropout", options.dropout, options.generator);
  if (weights.size() % directions != 0)
    fail(operation, std::to_string(weights.size()) + " weights for two directions; give two for each layer");

  // The states of all cells at the beginning.
  const std::int64_t size =
      weights[0].hidden.is_empty() || weights[0].hidden.rank() != 2 ? 0 : weights[0].hidden.shape()[1];
  const auto cells = static_cast<std::int64_t>(weights.size());
  const auto states = [&](const Tensor& given) {
    if (given.is_empty()) return zeros({cells, samples, size}, in.dtype());
    const Shape wanted = single ? Shape{cells, size} : Shape{cells, samples, size};
    if (given.shape() != wanted)
      fail(operation, "the states at the beginning have shape " + to_string(given.shape()) +
                          "; they must be (layers · directions, N, H) = " + to_string(wanted));
    return reshape(given, {cells, samples, size});
  };
  const Tensor h = states(begin.h), c = kind == Kind::lstm ? states(begin.c) : Tensor();

  std::vector<Tensor> last_h, last_c;
  for (std::size_t layer = 0; layer < weights.size(); layer += directions) {
    std::vector<Tensor> outputs;
    for (std::size_t direction = 0; direction < directions; ++direction) {
      const std::size_t at = layer + direction;
      if (check(operation, kind, weights[at], in.shape()[2], " number " + std::to_string(at)) != size)
        fail(operation, "weights number " + std::to_string(at) +
                            " have another size of state than the first ones; " + "all must have the same");
      const auto cell = static_cast<std::int64_t>(at);
      State state = {h[cell], kind == Kind::lstm ? c[cell] : Tensor()};
      if (kind == Kind::lstm && goes_in_one(in, state, weights[at])) {
        const Tensor all = lstm_steps(reversed(in, direction == 1), state, weights[at], x.here());
        outputs.push_back(reversed(all[0], direction == 1));
        last_h.push_back(all[{0, -1}]);
        last_c.push_back(all[{1, -1}]);
        continue;
      }
      std::vector<Tensor> inputs = unstacked(transformed(in, weights[at].input, weights[at].input_bias)),
                          results;
      if (direction == 1) std::reverse(inputs.begin(), inputs.end());
      for (const Tensor& input : inputs) {
        state = step(kind, input, state, weights[at]);
        results.push_back(state.h);
      }
      if (direction == 1) std::reverse(results.begin(), results.end());
      outputs.push_back(stack(results));
      last_h.push_back(state.h);
      last_c.push_back(state.c);
    }
    in = directions == 1 ? outputs[0] : concatenate(outputs, 2);
    if (some_drop && layer + directions < weights.size())
      in = dropout(in, options.dropout, *options.generator);
  }
  const auto finished = [&](const std::vector<Tensor>& all) {
    const Tensor stacked = stack(all);
    return single ? reshape(stacked, {cells, size}) : stacked;
  };
  Recurrent result;
  result.output = single                ? reshape(in, {length, in.shape()[2]})
                  : options.batch_first ? swapaxes(in, 0, 1)
                                        : in;
  result.h = finished(last_h);
  if (kind == Kind::lstm) result.c = finished(last_c);
  return result;
}

}  // namespace
}  // namespace ops

Tensor rnn_cell(const Operand& x, const Operand& h, const CellWeights& weights, Flag relu) try {
  return ops::cell("rnn_cell", relu ? ops::Kind::relu : ops::Kind::tanh, x, {h.as_tensor(), {}}, weights).h;
} catch (...) {
  rethrow_in_call("rnn_cell", x, h);
}

LstmState lstm_cell(const Operand& x, const LstmState& state, const CellWeights& weights) try {
  const ops::State next = ops::cell("lstm_cell", ops::Kind::lstm, x, {state.h, state.c}, weights);
  return {next.h, next.c};
} catch (...) {
  rethrow_in_call("lstm_cell", x);
}

Tensor gru_cell(const Operand& x, const Operand& h, const CellWeights& weights) try {
  return ops::cell("gru_cell", ops::Kind::gru, x, {h.as_tensor(), {}}, weights).h;
} catch (...) {
  rethrow_in_call("gru_cell", x, h);
}

Recurrent rnn(const Operand& x, const Tensor& h, const std::vector<CellWeights>& weights,
              const RecurrentOptions& options, Flag relu) try {
  return ops::network("rnn", relu ? ops::Kind::relu : ops::Kind::tanh, x, {h, {}}, weights, options);
} catch (...) {
  rethrow_in_call("rnn", x);
}

Recurrent lstm(const Operand& x, const LstmState& state, const std::vector<CellWeights>& weights,
               const RecurrentOptions& options) try {
  return ops::network("lstm", ops::Kind::lstm, x, {state.h, state.c}, weights, options);
} catch (...) {
  rethrow_in_call("lstm", x);
}

Recurrent gru(const Operand& x, const Tensor& h, const std::vector<CellWeights>& weights,
              const RecurrentOptions& options) try {
  return ops::network("gru", ops::Kind::gru, x, {h, {}}, weights, options);
} catch (...) {
  rethrow_in_call("gru", x);
}

namespace ops {
namespace {

Tensor optional(Arguments& a, std::size_t i) { return a.given(i) ? a.tensor(i) : Tensor(); }
/// Of one cell, from the arguments from number i on.
CellWeights cell_weights(Arguments& a, std::size_t i) {
  return {a.tensor(i), a.tensor(i + 1), optional(a, i + 2), optional(a, i + 3)};
}
/// Of all cells, from one list as PyTorch has it: input, hidden and, unless told, the two biases of each.
std::vector<CellWeights> all_weights(Arguments& a, std::size_t i, bool biased) {
  const std::vector<Tensor> list = a.tensors(i);
  const std::size_t each = biased ? 4 : 2;
  if (list.empty() || list.size() % each != 0)
    a.fail(i, std::string("a list of ") +
                  (biased ? "input, hidden, input_bias and hidden_bias" : "input and hidden") +
                  " for each cell");
  std::vector<CellWeights> result;
  for (std::size_t k = 0; k < list.size(); k += each)
    result.push_back(biased ? CellWeights{list[k], list[k + 1], list[k + 2], list[k + 3]}
                            : CellWeights{list[k], list[k + 1]});
  return result;
}
Result results(const Recurrent& all) {
  std::vector<Tensor> list = {all.output, all.h};
  if (!all.c.is_empty()) list.push_back(all.c);
  return list;
}
/// The two flags from number i on, and the number that says how much is dropped.
RecurrentOptions recurrent_options(Arguments& a, std::size_t i, std::size_t dropout) {
  RecurrentOptions options = {.bidirectional = a.flag(i), .batch_first = a.flag(i + 1)};
  if (a.given(dropout)) {
    options.dropout = a.number(dropout);
    options.generator = &a.random();
  }
  return options;
}

}  // namespace

Entries recurrent_operations() {
  constexpr std::string_view
      rnn_formula = "h′ = tanh(x Wᵢᵀ + bᵢ + h Wₕᵀ + bₕ)",
      lstm_formula = "c′ = σ(f) · c + σ(i) · tanh(g), h′ = σ(o) · tanh(c′)",
      gru_formula = "n = tanh(nᵢ + σ(r) · nₕ), h′ = (1 − σ(z)) · n + σ(z) · h",
      note = "weights is one list of input, hidden, input_bias and hidden_bias of each cell";
  static constexpr Entry table[] = {
      {.name = "rnn_cell",
       .parameters = "x|input, h|hx, w_input|w_ih, w_hidden|w_hh, b_input|b_ih=None, b_hidden|b_hh=None, "
                     "nonlinearity='tanh'",
       .call = [](Arguments& a) -> Result {
         return rnn_cell(a[0], a[1], cell_weights(a, 2), a.choice(6, {"tanh", "relu"}) == 1);
       },
       .formula = rnn_formula,
       .aliases = "rnn_tanh_cell",
       .example = "rnn_cell([1, 2], [0], [[1, 1]], [[1]])"},
      {.name = "lstm_cell",
       .parameters = "x|input, h, c, w_input|w_ih, w_hidden|w_hh, b_input|b_ih=None, b_hidden|b_hh=None",
       .call = [](Arguments& a) -> Result {
         const LstmState next = lstm_cell(a[0], {a.tensor(1), a.tensor(2)}, cell_weights(a, 3));
         return std::vector<Tensor>{next.h, next.c};
       },
       .formula = lstm_formula,
       .example = "lstm_cell([1, 2], [0], [0], ones(4, 2), ones(4, 1))"},
      {.name = "gru_cell",
       .parameters = "x|input, h|hx, w_input|w_ih, w_hidden|w_hh, b_input|b_ih=None, b_hidden|b_hh=None",
       .call = [](Arguments& a) -> Result { return gru_cell(a[0], a[1], cell_weights(a, 2)); },
       .formula = gru_formula,
       .example = "gru_cell([1, 2], [0], ones(3, 2), ones(3, 1))"},
      {.name = "rnn",
       .parameters = "x|input, h|hx, weights|params, biased|has_biases=True, bidirectional=False, "
                     "batch_first=False, nonlinearity='tanh', dropout=0",
       .call = [](Arguments& a) -> Result {
         return results(rnn(a[0], optional(a, 1), all_weights(a, 2, a.flag(3)), recurrent_options(a, 4, 7),
                            a.choice(6, {"tanh", "relu"}) == 1));
       },
       .formula = rnn_formula,
       .example = "rnn([[1], [2]], [[0]], [[[1]], [[1]]], biased=False)",
       .note = note},
      {.name = "lstm",
       .parameters = "x|input, h, c, weights|params, biased|has_biases=True, bidirectional=False, "
                     "batch_first=False, dropout=0",
       .call = [](Arguments& a) -> Result {
         return results(lstm(a[0], {optional(a, 1), optional(a, 2)}, all_weights(a, 3, a.flag(4)),
                             recurrent_options(a, 5, 7)));
       },
       .formula = lstm_formula,
       .example = "lstm([[1], [2]], None, None, [ones(4, 1), ones(4, 1)], biased=False)",
       .note = note},
      {.name = "gru",
       .parameters = "x|input, h|hx, weights|params, biased|has_biases=True, bidirectional=False, "
                     "batch_first=False, dropout=0",
       .call = [](Arguments& a) -> Result {
         return results(gru(a[0], optional(a, 1), all_weights(a, 2, a.flag(3)), recurrent_options(a, 4, 6)));
       },
       .formula = gru_formula,
       .example = "gru([[1], [2]], None, [ones(3, 1), ones(3, 1)], biased=False)",
       .note = note},
      inner<LstmSteps>(),
  };
  return table;
}

}  // namespace ops
}  // namespace chainrule
