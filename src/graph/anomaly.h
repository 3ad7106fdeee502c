#pragma once

// The search for the first number that is not finite: see chainrule/anomaly.h.

#include "graph/cotangent.h"

namespace chainrule {

/// Is one looked for in this thread? Only where recording_mode.keep_values is set, or in a backward pass.
bool detects_anomaly();
/// AnomalyError if the value of this new node has a NaN or an infinity which its inputs have not.
void check_made(const Tensor& made);
/// AnomalyError if a node sends one to its inputs without having got one.
void check_sent(const Node& node, const Cotangent& got, std::span<const Cotangent> sent);
/// Does it hold one?
bool is_all_finite(const Cotangent& cotangent);

}  // namespace chainrule
