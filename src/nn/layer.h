// What layers have in common: checks, scopes, and biases that may be missing.
// Relies on parameter.h.

#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "chainrule/graph.h"
#include "chainrule/nn/parameter.h"

namespace chainrule::nn {

/// ShapeError that names the layer and the first of these sizes that is not positive.
void require_positive(std::string_view layer,
                      std::initializer_list<std::pair<std::string_view, std::int64_t>> sizes);

/// The scope of a layer: "layer1" for the parameter "layer1.weight", none for one that is called "W".
std::string_view scope_of(const Parameter& parameter);
inline std::string_view scope_of(const std::optional<Parameter>& parameter) {
  return parameter ? scope_of(*parameter) : std::string_view();
}

/// The leaf, or an empty handle, as options of operations take it.
inline Tensor leaf_or_none(const std::optional<Parameter>& parameter) {
  return parameter ? parameter->leaf() : Tensor();
}

}  // namespace chainrule::nn
