// What recurrent networks are made of: states, steps of any kind, and the LSTM whose steps are one operation.
// Relies on networks.h for shapes.

#pragma once

#include <vector>

#include "chainrule/networks.h"
#include "graph/apply.h"
#include "kernels/lstm.h"

namespace chainrule::ops {
namespace recurrent {

enum class Kind : std::uint8_t { tanh, relu, lstm, gru };

/// The state of a cell: h (N, H), and c of an LSTM.
struct State {
  Tensor h, c;
};

/// x Wᵀ + b, or without b where it is empty.
Tensor transformed(const Tensor& x, const Tensor& weight, const Tensor& bias);
/// One step, from what the input contributes to the gates, (N, gates · H).
State step(Kind kind, const Tensor& input, const State& state, const CellWeights& weights);
/// The parts of x along its first axis, by halves: the gradient of each part has the size of the part it is
/// taken from, so that that of all is no more than log2(n) times x.
std::vector<Tensor> unstacked(const Tensor& x);

/// Has one operation for all steps of an LSTM? Not where it is looked at, or stands for others, which then
/// follow it.
bool goes_in_one(const Tensor& x, const State& begin, const CellWeights& weights);
/// h and c of all steps, (2, L, N, H), from x (L, N, I).
Tensor lstm_steps(const Tensor& x, const State& begin, const CellWeights& weights, Here here);

}  // namespace recurrent

/// The same from what the input contributes to the gates, h and c at the beginning and the weight of h.
struct LstmSteps {
  static constexpr std::string_view name = "lstm_steps",
                                    formula =
                                        "c′ = σ(f) · c + σ(i) · tanh(g), h′ = σ(o) · tanh(c′); its "
                                        "derivative goes from the last step to the first";
  kernels::Lstm plan;
  /// What the functions of the gates were taken of.
  struct Saved {
    Array gates;
  };

  Attributes attributes() const {
    return {{"steps", plan.steps}, {"samples", plan.samples}, {"size", plan.size}};
  }
  Array forward(Values in, Saved& saved, Wanted) const;
  static Tensor composed(Inputs in);
  std::int64_t flops(Inputs in, const Shape&) const { return 2 * plan.size * in[0].size(); }
  Reads reads(Wanted) const { return reads_everything; }
  void vjp(Inputs in, const Tensor& y, const Tensor& g, Cotangents& to, const Saved& saved) const;
  LocalFormula local_formula(std::size_t, std::span<const std::string>, const std::string&) const {
    return {"step by step, from the last one", false};
  }
};

}  // namespace chainrule::ops
