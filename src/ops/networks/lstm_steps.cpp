// The steps of an LSTM as one operation, where nothing asks for more than gradients; otherwise they are made
// of operations, step by step. kernels/lstm.h computes it.

#include <array>

#include "autograd/engine.h"
#include "ops/networks/recurrent.h"

namespace chainrule::ops {

using namespace recurrent;

Array LstmSteps::forward(Values in, Saved& saved, Wanted) const {
  return kernels::lstm(plan, *in[0], *in[1], *in[2], *in[3], saved.gates);
}

Tensor LstmSteps::composed(Inputs in) {
  State state = {in[1], in[2]};
  std::vector<Tensor> h, c;
  for (const Tensor& input : unstacked(in[0])) {
    state = step(Kind::lstm, input, state, {.input = {}, .hidden = in[3]});
    h.push_back(state.h);
    c.push_back(state.c);
  }
  return stack({stack(h), stack(c)});
}

void LstmSteps::vjp(Inputs in, const Tensor& y, const Tensor& g, Cotangents& to, const Saved& saved) const {
  if (to.in_numbers()) {
    std::array<Array, 4> found;
    for (std::size_t i = 0; i < 4; ++i)
      if (i == 0 || to.wants(i)) found[i] = Array(in[i].shape(), y.dtype());
    const auto wanted = [&](std::size_t i) { return to.wants(i) ? &found[i] : nullptr; };
    kernels::lstm_gradient(plan, saved.gates, value_of(in[1]), value_of(in[2]), value_of(in[3]), value_of(y),
                           value_of(g), found[0], wanted(1), wanted(2), wanted(3));
    for (std::size_t i = 0; i < 4; ++i)
      if (to.wants(i)) to[i] = constant(std::move(found[i]));
    return;
  }
  send_through(
      name, [](Inputs own) { return composed(own); }, in, g, to);
}

namespace recurrent {

bool goes_in_one(const Tensor& x, const State& begin, const CellWeights& weights) {
  if (recording_mode.keep_values) return false;
  for (const Tensor* each :
       {&x, &begin.h, &begin.c, &weights.input, &weights.hidden, &weights.input_bias, &weights.hidden_bias})
    if (!each->is_empty() && (traced(*each) != nullptr || each->dtype() != x.dtype())) return false;
  return !is_only_stored(x.dtype());
}

Tensor lstm_steps(const Tensor& x, const State& begin, const CellWeights& weights, Here here) {
  const Tensor &first = weights.input_bias, &second = weights.hidden_bias;
  const Tensor gates = transformed(x, weights.input,
                                   first.is_empty()    ? second
                                   : second.is_empty() ? first
                                                       : first + second);
  const LstmSteps op = {{x.shape()[0], x.shape()[1], begin.h.shape().back()}};
  return apply(op, here, Argument(gates), Argument(begin.h), Argument(begin.c), Argument(weights.hidden));
}

}  // namespace recurrent
}  // namespace chainrule::ops
