// What eval prints instead of gradients: Jacobians, Hessians, derivatives along a direction and of higher
// order.

#pragma once

#include "session.h"

namespace chainrule::cli {

struct Derivatives {
  bool jacobian = false, hessian = false;
  std::vector<std::string> tangents;  ///< NAME=VALUE; empty where --jvp is not given
  std::int64_t order = 0;             ///< 0 where --order is not given

  void add_to(CLI::App& command);
  /// Is one of them asked for?
  [[nodiscard]] bool any() const { return jacobian || hessian || !tangents.empty() || order != 0; }
  /// The value and they, as text or JSON.
  [[nodiscard]] std::string of(const Request& request, bool json) const;
};

}  // namespace chainrule::cli
