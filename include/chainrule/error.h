/// \file
/// The errors that the library throws, by what went wrong, and a place in the user's source. They know no
/// tensors: src/graph/call_error.h adds the names of those as errors pass by.

#pragma once

#include <concepts>
#include <cstdint>
#include <cstring>
#include <new>
#include <stdexcept>
#include <string_view>

#include "chainrule/detail/api.h"

namespace CHAINRULE_API chainrule {

/// A place in the user's source. (std::source_location is missing from clang 14.)
struct Here {
  const char* file = "";   ///< as the compiler calls it
  std::uint32_t line = 0;  ///< from 1; 0 where the place is not known

  /// No place.
  constexpr Here() = default;
  /// Nothing else in braces is a place, as the index in x.item({0}) would be.
  template <std::same_as<const char*> File>
  constexpr Here(File in, std::uint32_t at) : file(in), line(at) {}
  /// The place where it is called.
  static constexpr Here now(const char* file = __builtin_FILE(), std::uint32_t line = __builtin_LINE()) {
    return {file, line};
  }
};

// Errors of operations end with the names of the tensors that have one, and with the file and line of the
// call: of the forward call, where they come from a derivative. ("; called with 'W' and 'x' at fit.cpp:12")

/// Shapes that do not fit an operation. The message names the operation, the shapes and a remedy.
class ShapeError : public std::invalid_argument {
 public:
  using std::invalid_argument::invalid_argument;
};

/// An element type that an operation cannot work with.
class DTypeError : public std::invalid_argument {
 public:
  using std::invalid_argument::invalid_argument;
};

/// A gradient that cannot be had: a non-scalar result without a seed, a value already released, ...
class GradError : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

/// A matrix for which there is no result, as the inverse of a singular one; or there is no LAPACK to compute
/// it, which comes with OpenBLAS (libopenblas.so.0).
class LinAlgError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Text that is not what it should be: an expression, a number, a row of a file.
class ParseError : public std::invalid_argument {
 public:
  using std::invalid_argument::invalid_argument;
};

/// A file that cannot be read or written.
class IoError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// No memory for the elements of a tensor: says how many bytes, for which shape. Where less runs out, as for
/// a node, it is a plain std::bad_alloc. Nothing is lost then but the result of the call: graphs can be used
/// as before, and gradients that have been accumulated are kept.
class MemoryError : public std::bad_alloc {
 public:
  /// Keeps the first 255 bytes, in place: there is no memory to ask for.
  explicit MemoryError(std::string_view message) noexcept {
    std::memcpy(message_, message.data(),
                message.size() < sizeof message_ ? message.size() : sizeof message_ - 1);
  }
  /// The message.
  const char* what() const noexcept override { return message_; }

 private:
  char message_[256] = {};
};

/// The message of an error without file and line, for programs whose users do not see their source. Valid as
/// long as the error.
std::string_view without_place(const std::exception& error);

}  // namespace chainrule
