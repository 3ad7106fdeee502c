// Reading a state that somebody saved: every name must be there, and none may be left over. For optimisers,
// schedules and averages alike.

#pragma once

#include <set>
#include <string>

#include "chainrule/optim/optimizer.h"

namespace chainrule::optim {

class NamedState {
 public:
  /// `owner` is for errors. Keeps a reference to `state`. std::invalid_argument for a name that is there
  /// twice.
  NamedState(std::string owner, const NamedTensors& state);

  bool has(const std::string& name) const;
  /// A tensor of its own with this value, of this shape and dtype: else ShapeError or DTypeError. Empty where
  /// the name is not there.
  Tensor find(const std::string& name, const Shape& shape, DType dtype);
  /// The same, but std::invalid_argument where the name is not there.
  Tensor at(const std::string& name, const Shape& shape, DType dtype);
  /// A float64 scalar, and an int64 one that is not negative.
  double number(const std::string& name);
  std::int64_t count(const std::string& name);
  /// std::invalid_argument that names the first one that nobody has asked for.
  void require_all_used() const;

 private:
  std::string owner_;
  const NamedTensors& state_;
  std::set<std::string> used_;
};

}  // namespace chainrule::optim
