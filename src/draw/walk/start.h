// How walks of each kind begin: backward, tangents, second order.
// Each kind has a file of its own.

#pragma once

#include <string>
#include <vector>

#include "chainrule/walk.h"

namespace chainrule {

/// What a walk of another kind than backward begins with.
struct Walk::Start {
  Mode mode;
  Graph graph;
  std::size_t scalar;
  std::string expression, by;
  std::vector<Term> recorded = {};
};

/// GradError for what has more than one element.
void require_scalar(const Tensor& output);

bool is_part_of(const Graph& graph, const Tensor& tensor);

/// Is it one scalar x along 1, so that derivatives along it are those by x?
bool is_one_scalar(const std::vector<Movement>& movements);

/// What derivatives along the movements are with respect to: "x" of one scalar x along 1, otherwise "t", or
/// the next letter that is no name in the graph. Errors are those of Walk::in_forward_mode.
std::string moving_name(const Graph& graph, const std::vector<Movement>& movements);

}  // namespace chainrule
