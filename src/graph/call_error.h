// The place of a call, and the names of its tensors, added to errors that pass by. Every operation that a
// user calls catches here, so that kernels need to know nothing of either.

#pragma once

#include <array>
#include <concepts>
#include <initializer_list>
#include <span>

#include "array/argument_error.h"
#include "graph/node.h"

namespace chainrule {

// For handlers of errors, which they throw on: a ShapeError, DTypeError, GradError, LinAlgError,
// ArgumentError or MemoryError with the place in the user's source at its end. An error from a call inside a
// call gets the place of the outer one, which the user has written. All other errors stay as they are.

/// With the names of the tensors of the call; and as the error of `called`, unless that is empty.
[[noreturn]] void rethrow_in_call(std::string_view called, Here here, std::span<const Tensor* const> tensors);
[[noreturn]] inline void rethrow_in_call(Here here, std::span<const Tensor* const> tensors = {}) {
  rethrow_in_call({}, here, tensors);
}
[[noreturn]] inline void rethrow_in_call(std::string_view called, Here here,
                                         std::initializer_list<const Tensor*> tensors) {
  rethrow_in_call(called, here, std::span(tensors.begin(), tensors.size()));
}
[[noreturn]] inline void rethrow_in_call(Here here, std::initializer_list<const Tensor*> tensors) {
  rethrow_in_call({}, here, tensors);
}
[[noreturn]] void rethrow_in_call(Here here, std::span<const Tensor> tensors);
/// As rethrow_in_call(here, tensors), and errors of arrays, which know no operation, as those of this one.
[[noreturn]] void rethrow_in_operation(std::string_view operation, Here here,
                                       std::span<const Tensor* const> tensors);
/// As from a call with these operands, as `Tensor f(const Operand& x) try { ... } catch (...) {
/// rethrow_in_call(x); }`
template <std::same_as<Operand> First, std::same_as<Operand>... Operands>
[[noreturn]] void rethrow_in_call(const First& first, const Operands&... others) {
  const std::array tensors = {first.tensor(), others.tensor()...};
  rethrow_in_call(first.here(), tensors);
}
/// For functions that call others of the library, which a user should not read of.
template <std::same_as<Operand>... Operands>
[[noreturn]] void rethrow_in_call(std::string_view called, const Operand& first, const Operands&... others) {
  const std::array tensors = {first.tensor(), others.tensor()...};
  rethrow_in_call(called, first.here(), tensors);
}
/// For passes through a graph: an error that names the place of a forward call keeps it.
[[noreturn]] void rethrow_in_pass(Here here, std::initializer_list<const Tensor*> tensors);
/// With the operation whose derivative it comes from, and the place of the forward call.
[[noreturn]] void rethrow_in_backward(const Node& node);

}  // namespace chainrule
