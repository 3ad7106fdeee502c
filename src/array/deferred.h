#pragma once

#include <cstdint>

namespace chainrule {

class Array;

/// How the elements of an array are computed that nobody has read yet. The array asks for them when somebody
/// does, once, and then drops this. Who knows a way to do without them asks first: see Array::use_deferred.
class Deferred {
 public:
  Deferred() = default;
  Deferred(const Deferred&) = delete;
  Deferred& operator=(const Deferred&) = delete;
  virtual ~Deferred() = default;

  virtual void compute(void* elements) const = 0;
  /// Elements begin to end alone, where is_divisible().
  virtual void compute_part(std::int64_t /*begin*/, std::int64_t /*end*/, void* /*elements*/) const {}
  virtual bool is_divisible() const { return false; }
  /// Their sum, in the order of kernels::folded_line. False, and nothing done, where there is no loop for
  /// that.
  virtual bool sum_part(std::int64_t /*begin*/, std::int64_t /*end*/, void* /*sum*/) const { return false; }
  /// sum += scale · the elements, in one pass. False, and nothing done, where there is no such pass.
  virtual bool add_to(Array& /*sum*/, double /*scale*/) const { return false; }
};

}  // namespace chainrule
