// Recurrent networks of one layer in one or two directions, step by step. Source of the formulas: ONNX's RNN,
// GRU and LSTM, in whose layout the weights of the gates stand one below the other.

#include <functional>

#include "chainrule/functions.h"
#include "chainrule/shaping.h"
#include "onnx/call.h"
#include "onnx/operators.h"

namespace chainrule::onnx {
namespace {

using Activation = std::function<Tensor(const Tensor&)>;

/// By name, where letters may be large or small; alpha and beta are its own unless given.
Activation activation(std::string name, std::optional<double> alpha, std::optional<double> beta) {
  for (char& letter : name)
    if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
  const auto a = [&](double otherwise) { return alpha.value_or(otherwise); };
  const auto b = [&](double otherwise) { return beta.value_or(otherwise); };
  if (name == "sigmoid") return [](const Tensor& x) { return sigmoid(x); };
  if (name == "tanh") return [](const Tensor& x) { return tanh(x); };
  if (name == "relu") return [](const Tensor& x) { return relu(x); };
  if (name == "softsign") return [](const Tensor& x) { return softsign(x); };
  if (name == "softplus") return [](const Tensor& x) { return softplus(x); };
  if (name == "affine") return [a = a(1), b = b(0)](const Tensor& x) { return x * a + b; };
  if (name == "elu") return [a = a(1)](const Tensor& x) { return elu(x, a); };
  if (name == "leakyrelu") return [a = a(0.01)](const Tensor& x) { return leaky_relu(x, a); };
  if (name == "thresholdedrelu")
    return [a = a(1)](const Tensor& x) { return where(x > a, x, zeros_like(x)); };
  if (name == "scaledtanh") return [a = a(1), b = b(1)](const Tensor& x) { return tanh(x * b) * a; };
  if (name == "hardsigmoid")
    return [a = a(0.2), b = b(0.5)](const Tensor& x) { return hardtanh(x * a + b, 0, 1); };
  Call::fail("there is no activation '" + name + "'");
}

/// What one direction computes with: weights (gates · H, I) and (gates · H, H), biases (gates · H,) or empty.
struct Cell {
  Tensor input, hidden, input_bias = {}, hidden_bias = {}, peepholes = {};
  std::vector<Activation> activations = {};
  double clip = 0;
  std::int64_t size = 0;

  /// What goes into an activation is held within ±clip, if there is one.
  Tensor activated(std::size_t which, const Tensor& x) const {
    return activations[which](clip > 0 ? clamp(x, -clip, clip) : x);
  }
  Tensor gate(const Tensor& of_all, std::int64_t number) const {
    return narrow(of_all, -1, number * size, size);
  }
};
struct State {
  Tensor h, c;
};
Tensor affine(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  return bias.is_empty() ? linear(x, weight) : linear(x, weight, bias);
}

/// From x W and the state before to the state after. x W comes for all steps at once.
using Step = State (*)(const Cell& cell, const Tensor& input, const State& before, const Call& call);

State rnn_step(const Cell& cell, const Tensor& input, const State& before, const Call&) {
  return {cell.activated(0, input + affine(before.h, cell.hidden, cell.hidden_bias)), {}};
}

/// Gates z, r, h.
State gru_step(const Cell& cell, const Tensor& input, const State& before, const Call& call) {
  const std::int64_t h = cell.size;
  const auto part = [&](const Tensor& of, std::int64_t start, std::int64_t length) {
    return of.is_empty() ? of : narrow(of, 0, start, length);
  };
  const bool late = call.flag("linear_before_reset");
  const Tensor both = narrow(input, -1, 0, 2 * h) +
                      affine(before.h, part(cell.hidden, 0, 2 * h), part(cell.hidden_bias, 0, 2 * h));
  const Tensor gates = cell.activated(0, both), z = cell.gate(gates, 0), r = cell.gate(gates, 1);
  const Tensor weight = part(cell.hidden, 2 * h, h), bias = part(cell.hidden_bias, 2 * h, h);
  const Tensor memory = late ? r * affine(before.h, weight, bias) : affine(r * before.h, weight, bias);
  const Tensor candidate = cell.activated(1, cell.gate(input, 2) + memory);
  return {(1 - z) * candidate + z * before.h, {}};
}

/// Gates i, o, f, c; peepholes i, o, f.
State lstm_step(const Cell& cell, const Tensor& input, const State& before, const Call& call) {
  const bool coupled = call.flag("input_forget");
  const Tensor all = input + affine(before.h, cell.hidden, cell.hidden_bias);
  const auto with_peephole = [&](std::int64_t gate, const Tensor& c) {
    const Tensor own = cell.gate(all, gate);
    return cell.peepholes.is_empty() ? own : own + cell.gate(cell.peepholes, gate) * c;
  };
  const Tensor i = cell.activated(0, with_peephole(0, before.c));
  const Tensor f = coupled ? 1 - i : cell.activated(0, with_peephole(2, before.c));
  const Tensor c = f * before.c + i * cell.activated(1, cell.gate(all, 3));
  const Tensor o = cell.activated(0, with_peephole(1, c));
  return {o * cell.activations[2](c), c};
}

struct Family {
  std::int64_t gates;
  std::vector<std::string> activations;
  Step step;
  bool has_cell_state;
};

std::vector<Cell> cells_of(const Call& call, const Family& family, std::int64_t directions,
                           std::int64_t size) {
  const auto names = call.texts("activations").value_or(std::vector<std::string>());
  const auto alphas = call.numbers("activation_alpha").value_or(std::vector<double>());
  const auto betas = call.numbers("activation_beta").value_or(std::vector<double>());
  const double clip = call.number("clip", 0);
  const std::size_t each = family.activations.size();
  if (!names.empty() && names.size() != each * static_cast<std::size_t>(directions))
    Call::fail("it needs " + std::to_string(each) + " activations for each direction");
  const auto at = [](const std::vector<double>& numbers, std::size_t i) {
    return i < numbers.size() ? std::optional(numbers[i]) : std::nullopt;
  };
  std::vector<Cell> cells;
  for (std::int64_t d = 0; d < directions; ++d) {
    Cell cell{.input = select(call[1], 0, d), .hidden = select(call[2], 0, d), .clip = clip, .size = size};
    if (call.has(3)) {
      const Tensor bias = select(call[3], 0, d);
      cell.input_bias = narrow(bias, 0, 0, family.gates * size);
      cell.hidden_bias = narrow(bias, 0, family.gates * size, family.gates * size);
    }
    if (family.has_cell_state && call.has(7)) cell.peepholes = select(call[7], 0, d);
    for (std::size_t i = 0; i < each; ++i) {
      const std::size_t number = static_cast<std::size_t>(d) * each + i;
      cell.activations.push_back(activation(names.empty() ? family.activations[i] : names[number],
                                            at(alphas, number), at(betas, number)));
    }
    cells.push_back(std::move(cell));
  }
  return cells;
}

/// Y (L, directions, N, H), Y_h and Y_c (directions, N, H); with layout 1 N is the first axis of all. Behind
/// the end of a shorter sequence the state stays, and Y is 0.
Values recurrent(const Call& call, const Family& family) {
  const bool batch_first = call.flag("layout");
  const std::size_t direction = call.choice("direction", {"forward", "reverse", "bidirectional"});
  const std::int64_t directions = direction == 2 ? 2 : 1;
  const Tensor x = batch_first ? swapaxes(call[0], 0, 1) : call[0];
  if (x.rank() != 3 || call[1].rank() != 3 || call[2].rank() != 3 || call[2].shape()[0] != directions)
    Call::fail("its input and weights do not fit: " + to_string(x.shape()) + ", " +
               to_string(call[1].shape()) + " and " + to_string(call[2].shape()));
  const std::int64_t steps = x.shape()[0], batch = x.shape()[1], size = call[2].shape()[2];
  if (call.integer("hidden_size", size) != size) Call::fail("its hidden_size is not that of its weights");
  const std::vector<Cell> cells = cells_of(call, family, directions, size);
  const auto initial = [&](std::size_t input, std::int64_t d) {
    if (!call.has(input)) return zeros({batch, size}, x.dtype());
    return select(call[input], batch_first ? 1 : 0, d);
  };
  const Tensor lengths = call.has(4) ? call[4].reshape({batch, 1}) : Tensor();

  std::vector<Tensor> outputs, last_h, last_c;
  for (std::int64_t d = 0; d < directions; ++d) {
    const Cell& cell = cells[static_cast<std::size_t>(d)];
    const bool backwards = direction == 1 || d == 1;
    State state{initial(5, d), family.has_cell_state ? initial(6, d) : Tensor()};
    const Tensor inputs = affine(x, cell.input, cell.input_bias);
    std::vector<Tensor> output(static_cast<std::size_t>(steps));
    for (std::int64_t i = 0; i < steps; ++i) {
      const std::int64_t t = backwards ? steps - 1 - i : i;
      State next = family.step(cell, select(inputs, 0, t), state, call);
      Tensor y = next.h;
      if (!lengths.is_empty()) {
        const Tensor running = lengths > t;
        y = where(running, next.h, zeros_like(next.h));
        next.h = where(running, next.h, state.h);
        if (family.has_cell_state) next.c = where(running, next.c, state.c);
      }
      output[static_cast<std::size_t>(t)] = y;
      state = std::move(next);
    }
    outputs.push_back(steps == 0 ? zeros({0, batch, size}, x.dtype()) : stack(output, 0));
    last_h.push_back(state.h);
    if (family.has_cell_state) last_c.push_back(state.c);
  }
  Tensor y = stack(outputs, 1), y_h = stack(last_h, 0),
         y_c = family.has_cell_state ? stack(last_c, 0) : Tensor();
  if (batch_first) {
    y = permute(y, {2, 0, 1, 3});
    y_h = swapaxes(y_h, 0, 1);
    if (!y_c.is_empty()) y_c = swapaxes(y_c, 0, 1);
  }
  return {y, y_h, y_c};
}

Values rnn_of(const Call& call) { return recurrent(call, {1, {"tanh"}, rnn_step, false}); }
Values gru_of(const Call& call) {
  call.ignore({"linear_before_reset"});
  return recurrent(call, {3, {"sigmoid", "tanh"}, gru_step, false});
}
Values lstm_of(const Call& call) {
  call.ignore({"input_forget"});
  return recurrent(call, {4, {"sigmoid", "tanh", "tanh"}, lstm_step, true});
}

constexpr Operator table[] = {{"GRU", gru_of}, {"LSTM", lstm_of}, {"RNN", rnn_of}};

}  // namespace

std::span<const Operator> recurrent_operators() { return table; }

}  // namespace chainrule::onnx
