// Where errors come from: the file and line of the call and the names of its tensors, added as they pass by.
// The first to catch an error knows the call; those further out leave it as it is.

#include "graph/call_error.h"

#include <algorithm>
#include <vector>

#include "chainrule/error.h"
#include "graph/place.h"

namespace chainrule {
namespace {

/// What stands where in the message of an error.
class Placed {
 public:
  Placed(std::size_t bare, std::size_t named) : bare_(bare), named_(named) {}
  Placed(const Placed&) = default;
  Placed& operator=(const Placed&) = default;
  virtual ~Placed() = default;
  std::string_view bare(std::string_view message) const { return message.substr(0, bare_); }
  std::string_view without_place(std::string_view message) const { return message.substr(0, named_); }

 private:
  std::size_t bare_, named_;  // how long it is without names and place, and without the place
};

template <class Error>
struct PlacedError final : Error, Placed {
  PlacedError(const std::string& message, const Placed& placed) : Error(message), Placed(placed) {}
};

std::string_view bare_message(const std::exception& error) {
  const auto* placed = dynamic_cast<const Placed*>(&error);
  return placed != nullptr ? placed->bare(error.what()) : error.what();
}

}  // namespace

/// The folder of the library's sources, as the compiler was told.
static constexpr std::string_view sources = [] {
  const std::string_view file = __FILE__, within = "graph/call_error.cpp";
  return file.substr(0, file.size() - within.size());
}();

bool is_of_user(Here here) {
  const std::string_view file = here.file;
  if (file.empty() || file.find("include/chainrule/") != std::string_view::npos) return false;
  if (!file.starts_with(sources)) return true;
  // Names may be short, as "../src/", so that a user's file begins in the same way.
  const std::string_view folder = file.substr(sources.size(), file.substr(sources.size()).find('/'));
  constexpr std::string_view folders[] = {"array", "autograd", "data", "distributed", "draw",  "graph",
                                          "io",    "nn",       "onnx", "ops",         "optim", "solvers"};
  return std::find(std::begin(folders), std::end(folders), folder) == std::end(folders);
}

namespace {

/// What an error may be called by.
struct Caller {
  std::string_view called = {};     // what the user has called: all errors are of that
  std::string_view operation = {};  // what was computed, for errors that say no name
};

/// Those of arrays, which know no operation, begin so.
bool is_nameless(std::string_view message) {
  return message.starts_with("shape (") || message.starts_with("too large: ") ||
         message.starts_with("out of memory: ");
}

template <class Error>
[[noreturn]] void throw_placed(const Error& error, const Caller& caller, const std::string& names,
                               Here here) {
  std::string message(bare_message(error));
  const std::string_view name = caller.called.empty() ? caller.operation : caller.called;
  if (is_nameless(message) && !name.empty())
    message.insert(0, std::string(name) + ": ");
  else if (!caller.called.empty())
    message.replace(0, std::min(message.find(": "), message.size()), caller.called);
  const std::size_t bare = message.size();
  message += names;
  const Placed placed(bare, message.size());
  if (is_of_user(here)) {
    message += (names.empty() ? "; called at " : " at ") + std::string(here.file) + ":";
    message += std::to_string(here.line);
  }
  throw PlacedError<Error>(message, placed);
}

[[noreturn]] void rethrow(const Caller& caller, const std::string& names, Here here) {
  try {
    throw;
  } catch (const ShapeError& error) {
    throw_placed(error, caller, names, here);
  } catch (const DTypeError& error) {
    throw_placed(error, caller, names, here);
  } catch (const GradError& error) {
    throw_placed(error, caller, names, here);
  } catch (const LinAlgError& error) {
    throw_placed(error, caller, names, here);
  } catch (const ArgumentError& error) {
    throw_placed(error, caller, names, here);
  } catch (const MemoryError& error) {
    throw_placed(error, caller, names, here);
  }
}

/// "; called with 'W' and 'x'" of those that have names; nothing where none has.
std::string called_with(std::span<const Tensor* const> tensors) {
  constexpr std::size_t most = 6;
  std::vector<std::string> names;
  for (const Tensor* tensor : tensors)
    if (tensor != nullptr && tensor->node() != nullptr)
      if (std::string name = tensor->node()->label(); !name.empty()) names.push_back("'" + name + "'");
  std::string text;
  for (std::size_t i = 0; i < names.size() && i < most; ++i)
    text += (i == 0 ? "; called with " : i + 1 == names.size() ? " and " : ", ") + names[i];
  return text + (names.size() > most ? ", ..." : "");
}

}  // namespace

void rethrow_in_call(std::string_view called, Here here, std::span<const Tensor* const> tensors) {
  rethrow({.called = called}, called_with(tensors), here);
}
void rethrow_in_operation(std::string_view operation, Here here, std::span<const Tensor* const> tensors) {
  rethrow({.operation = operation}, called_with(tensors), here);
}
void rethrow_in_call(Here here, std::span<const Tensor> tensors) {
  std::vector<const Tensor*> pointers;
  for (const Tensor& tensor : tensors) pointers.push_back(&tensor);
  rethrow_in_call(here, pointers);
}

void rethrow_in_pass(Here here, std::initializer_list<const Tensor*> tensors) {
  try {
    throw;
  } catch (const Placed&) {
    throw;
  } catch (...) {
    rethrow_in_call(here, tensors);
  }
}

void rethrow_in_backward(const Node& node) {
  const std::string label = node.label();
  rethrow({},
          "; in the backward pass of " + std::string(node.operation()) +
              (label.empty() ? "" : " '" + label + "'"),
          node.here());
}

std::string_view without_place(const std::exception& error) {
  const auto* placed = dynamic_cast<const Placed*>(&error);
  return placed != nullptr ? placed->without_place(error.what()) : error.what();
}

}  // namespace chainrule
