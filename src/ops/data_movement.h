// What operations have in common that only move elements: nothing is read to differentiate them, and they
// take any dtype where they say so.

#pragma once

#include "graph/apply.h"

namespace chainrule::ops {

/// What operations have in common that only move elements: nothing is read to differentiate them.
struct DataMovement {
  static constexpr bool linear = true;
  static std::int64_t flops(Inputs, const Shape&) { return 0; }
  Reads reads(Wanted) const { return 0; }
  /// Of one input. Its elements are not where those of the result are, so there is no factor.
  LocalFormula local_formula(std::size_t, std::span<const std::string>, const std::string&) const {
    return {"g in its place", false, true};
  }
};

/// Those that leave elements in their order, or repeat them, as broadcasting does.
struct MovementInOrder : DataMovement {
  LocalFormula local_formula(std::size_t, std::span<const std::string>, const std::string&) const {
    return {"1"};
  }
};

}  // namespace chainrule::ops
