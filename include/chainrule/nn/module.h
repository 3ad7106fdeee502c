/// \file
/// What can be done with any module, which is a struct that names its members once: lists of parameters,
/// states, copies, modes, printing. Relies on detail/structure.h for going over members.

#pragma once

#include <optional>

#include "chainrule/detail/function_ref.h"
#include "chainrule/detail/structure.h"
#include "chainrule/nn/parameter.h"

/// What can be done with any module. A module is a struct whose members are named once:
///
///     struct Block {
///       Linear up, down;
///       Tensor operator()(const Tensor& x) const { return x + down(relu(up(x))); }
///       CHAINRULE_MEMBERS(up, down)
///     };
///
/// Members are parameters, buffers, other modules, and vectors, arrays, tuples and optionals of them; a
/// vector of pairs of a string and such a thing is a dictionary. From the names follow all functions here,
/// and transforms: grad of a loss takes a module, and gives one. Numbers and options are not named. Names are
/// PyTorch's: "blocks.0.up.weight".
///
/// Copies of a module share its parameters and buffers, but each has a mode and options of its own: a copy
/// that has been told eval() evaluates what the original learns.
namespace CHAINRULE_API chainrule {

/// Any module, by reference, for functions that use it until they return.
class ModuleRef {
 public:
  /// Keeps a reference to the module.
  template <class M>
  requires(!std::is_same_v<M, ModuleRef>) ModuleRef(const M& module)  // NOLINT(google-explicit-constructor)
      : module_(&module), walk_([](const void* any, const detail::Place& place, detail::ModuleVisitor& to) {
          // Visitors that change more than what slots hold come from functions that take modules to change.
          M& whole = *const_cast<M*>(static_cast<const M*>(any));
          detail::for_each_leaf(whole, place, detail::ModuleVisit{to});
        }) {}
  /// Shows the visitor all that is within.
  void visit(detail::ModuleVisitor& visitor) const { walk_(module_, {}, visitor); }

 private:
  const void* module_;
  void (*walk_)(const void*, const detail::Place&, detail::ModuleVisitor&);
};

/// The parameters in the order of the members, each once, at its first place.
[[nodiscard]] std::vector<Parameter> parameters(const ModuleRef& module);
[[nodiscard]] NamedParameters named_parameters(const ModuleRef& module);
/// The buffers, likewise, also those that are not persistent.
[[nodiscard]] NamedBuffers named_buffers(const ModuleRef& module);
/// How many numbers are learned.
[[nodiscard]] std::int64_t count_parameters(const ModuleRef& module);
/// Gives each parameter its name in the module, after the prefix and a dot if there is one: drawings, errors
/// and states of optimisers call it so, and its layer is a Scope of that name. To be done once, when a
/// network is put together.
void name_parameters(const ModuleRef& module, const std::string& prefix = "");

/// The values of parameters and persistent buffers by name, as they are now: what to save. One that is in
/// several places is there under each name.
[[nodiscard]] NamedTensors state_dict(const ModuleRef& module);
/// Of load_state_dict().
struct LoadOptions {
  bool strict = true;  ///< must the state have all that the module has, and nothing else?
};
/// How a state and a module differ.
struct StateDifferences {
  std::vector<std::string> missing;  ///< names of the module that the state lacks
  std::vector<std::string> unknown;  ///< those that only the state has
};
/// Takes over a state, also one that PyTorch has saved: values are cast to the dtypes that the module has.
/// ShapeError, which lists all names that are missing, unknown, there twice or of another shape, and nothing
/// has changed then. With {.strict = false} what is missing stays as it is, what is unknown is left out, and
/// both are returned: to begin with a network that has learned something else, or a part of one.
StateDifferences load_state_dict(const ModuleRef& module, const NamedTensors& state,
                                 const LoadOptions& options = {});

namespace detail {
/// Gives a module, which is a copy, slots of its own; floating ones of a dtype, if there is one.
void renew(const ModuleRef& module, std::optional<DType> dtype);
void set_training(const ModuleRef& module, bool on);
}  // namespace detail

/// The same module with parameters and buffers of its own. What is shared within it is shared in the clone.
template <detail::Structure M>
[[nodiscard]] M clone(const M& module) {
  M copy = module;
  detail::renew(copy, {});
  return copy;
}
/// A clone whose floating parameters, buffers and tensors have this dtype. DTypeError unless that is
/// floating.
template <detail::Structure M>
[[nodiscard]] M to(const M& module, DType dtype) {
  M copy = module;
  detail::renew(copy, dtype);
  return copy;
}

/// Tells a module and all within that they are trained (`on`), or evaluated, which is where a Dropout and a
/// BatchNorm differ: sets `bool training` of every struct that has it as a public member. New modules are in
/// training.
template <detail::Structure M>
requires(!std::is_const_v<M>) void train(M& module, bool on = true) { detail::set_training(module, on); }
template <detail::Structure M>
requires(!std::is_const_v<M>) void eval(M& module) { detail::set_training(module, false); }

namespace detail {
std::string summary_of_run(const ModuleRef& copy, const Tensor& x, FunctionRef<Tensor(const Tensor&)> run);
}  // namespace detail

/// A table of a module and all within: name, kind and number of parameters. The total counts those in two
/// places once.
[[nodiscard]] std::string summary(const ModuleRef& module);
/// The same with what the module gives for x, evaluated once, and each module in a Sequential on the way: the
/// shape, about how many additions, products and values of functions that took, and the bytes of all values
/// that were made, which is what training keeps of them at most.
template <detail::Structure M>
[[nodiscard]] std::string summary(const M& module, const Tensor& x) {
  M copy = module;
  return detail::summary_of_run(copy, x, [&](const Tensor& in) { return std::as_const(copy)(in); });
}

}  // namespace chainrule
