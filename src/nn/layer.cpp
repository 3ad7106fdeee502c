// What layers share: the check of sizes, and scopes named as the layer.
// See layer.h.

#include "nn/layer.h"

namespace chainrule::nn {

void require_positive(std::string_view layer,
                      std::initializer_list<std::pair<std::string_view, std::int64_t>> sizes) {
  for (const auto& [name, size] : sizes)
    if (size <= 0)
      throw ShapeError(std::string(layer) + ": " + std::string(name) + " is " + std::to_string(size) +
                       "; it must be positive");
}

std::string_view scope_of(const Parameter& parameter) {
  const std::string_view name = parameter.name();
  const std::size_t point = name.rfind('.');
  return point == std::string_view::npos ? std::string_view() : name.substr(0, point);
}

}  // namespace chainrule::nn
