// Names for parameters that have the same one, so that states can be told apart.
// Relies on their order.

#pragma once

#include <map>
#include <string>
#include <vector>

#include "chainrule/nn/parameter.h"

namespace chainrule::optim {

/// The parameters' names; of several that are the same, the second is "name#2", and so on. (Inline, as
/// chainrule::distributed uses it, too, which sees only what the library exports.)
inline std::vector<std::string> unique_names(const std::vector<Parameter>& parameters) {
  std::vector<std::string> names;
  std::map<std::string, int> seen;
  for (const Parameter& parameter : parameters) {
    const int count = ++seen[parameter.name()];
    names.push_back(parameter.name() + (count > 1 ? "#" + std::to_string(count) : ""));
  }
  return names;
}

}  // namespace chainrule::optim
