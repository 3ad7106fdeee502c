// A program of operations made from bytes, the same for the same ones.
// random_operations.cpp has what it may call.

#pragma once

#include <array>
#include <string>
#include <vector>

#include "chainrule/tensor.h"
#include "targets.h"

namespace chainrule::fuzz {

/// What one step of a program computes with. It may take the handles over.
struct Inputs {
  Tensor a, b, c;
  std::int64_t number;  ///< from 0 to 255: chooses axes, positions and the like
};

struct Operation {
  std::string_view name;
  int inputs;  ///< how many of a, b and c it reads
  Tensor (*compute)(Inputs x);
  /// Near moderate numbers it is no steeper than they are large, so that differences are to be trusted.
  bool is_tame = true;
};
std::span<const Operation> operations();

/// A program over small tensors of float64 that ends in a scalar. Any bytes are one: what does not fit, as
/// shapes that do not broadcast, is left out.
class Program {
 public:
  explicit Program(Bytes bytes);

  /// The values of its leaves: round numbers, so that there are ties and zeros, or such that there are none
  /// by chance.
  const std::vector<Tensor>& leaves() const { return leaves_; }
  /// Are its numbers without ties, and all operations tame?
  bool is_tame() const { return is_tame_; }
  /// Computes the scalar from these leaves. Holds no handle to what is on the way.
  Tensor run(const std::vector<Tensor>& leaves) const;
  /// For people: a line for each leaf and step.
  std::string text() const;

 private:
  struct Step {
    const Operation* operation;
    std::array<std::size_t, 3> inputs;
    std::int64_t number;
  };
  class Reader;
  void read_leaves(Reader& reader);
  void read_steps(Reader& reader);
  static Tensor result_of(const Step& step, const std::vector<Tensor>& values);

  std::vector<Tensor> leaves_;
  std::vector<Step> steps_;
  std::vector<std::size_t> last_uses_;  // of each value; that of a result is the number of steps
  bool has_ties_ = false, is_tame_ = true;
};

}  // namespace chainrule::fuzz
