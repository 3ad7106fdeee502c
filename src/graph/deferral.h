// The one policy of what stays deferred (array/deferred.h says what that is). A value that waits keeps alive
// what it is computed from, so it may wait only where that is hardly more than it takes itself, and never
// where it leaves the graph that it came from.

#pragma once

#include <span>

#include "graph/argument.h"

namespace chainrule {

/// May the value of a new node wait until it is read? Not if that would keep much more alive than it takes
/// itself: variables do not count, as who wants their gradients holds them, nor what the derivative reads. As
/// much again may be kept where somebody else holds it now, as all but temporaries are.
bool stays_deferred(const Array& value, Reads reads, std::span<const Argument* const> inputs);
/// The same where it is not known who else holds the inputs.
bool stays_deferred(const Array& value, Reads reads, std::span<const Tensor* const> inputs);

/// Is it a pass over values of the graph, which it holds?
inline bool holds_values(const Array& value) {
  return value.use_deferred([](const Deferred& deferred) { return deferred.elementwise() != nullptr; });
}

/// A cotangent that leaves the engine waits for nothing of the graph.
inline void evaluate_deferred(const Array& value) {
  if (holds_values(value)) (void)value.raw();
}

/// Is the sum of these better left for later than added up in place: because that is one pass with what the
/// total waits for, or because both repeat a smaller array?
bool adds_up_later(const Array& total, const Array& more);

}  // namespace chainrule
