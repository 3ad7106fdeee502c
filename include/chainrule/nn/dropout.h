/// \file
/// Dropout as a layer, which is random in training and does nothing when evaluated.
/// The function is dropout of distributions.h.

#pragma once

#include "chainrule/detail/structure.h"
#include "chainrule/nn/parameter.h"
#include "chainrule/random.h"

namespace CHAINRULE_API chainrule {

/// In training dropout(x, p); evaluated, x itself. Each call draws numbers of its own, which the generator
/// that it was made with decides; copies draw from the same numbers, so that no two calls get equal ones.
/// Threads: in training one at a time.
/// Source: Srivastava, Hinton, Krizhevsky, Sutskever and Salakhutdinov, "Dropout", 2014.
class Dropout {
 public:
  /// std::invalid_argument unless p is from 0 to 1.
  Dropout(double p, Generator& generator);

  /// x, some of which is dropped in training.
  Tensor operator()(const Operand& x) const;
  /// Does it drop anything at present?
  bool is_on() const { return training && p > 0; }
  /// What the next call would draw from, for those who drop something themselves; it counts as a call.
  Generator next_generator() const;

  double p;              ///< with what probability an element is dropped
  Buffer seed;           ///< of the next call; not in state_dict()
  bool training = true;  ///< else x stays as it is
  CHAINRULE_MEMBERS(seed)
};

}  // namespace chainrule
