// An expression with the values of its names: what eval, check, graph and walk have in common.
// Relies on evaluate.h to compute it.

#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <vector>

#include "chainrule/autograd.h"
#include "functions.h"

namespace chainrule::cli {

/// What eval, graph and walk are told: an expression, the values of its names, and how to compute.
struct Request {
  std::string expression;
  std::vector<std::string> values;
  std::string wrt;  ///< names separated by commas; all of them when empty
  std::string dtype = "float64";
  std::uint64_t seed = 0;
  std::int64_t most_elements = cli::most_elements;  ///< as the Context's; no option, programs have less time

  void add_to(CLI::App& command);
};

/// The expression computed, and the variables to differentiate it with respect to, in the order asked for.
struct Computed {
  Tensor output;  ///< has a name: that of its assignment, or one that nothing else has, L if possible
  std::vector<Tensor> wrt;
  std::vector<Tensor> several = {};  ///< all of them where the result is a tuple; output is the first
};
Computed compute(const Request& request);

/// The expression as a function of the values that it is differentiated with respect to. Random numbers start
/// anew in each call.
class ExpressionFunction {
 public:
  explicit ExpressionFunction(const Request& request);
  /// CommandError where there are several results.
  Tensor operator()(const std::vector<Tensor>& values) const;
  /// Their names, and what was given for them.
  [[nodiscard]] const std::vector<std::string>& names() const;
  [[nodiscard]] const std::vector<Tensor>& values() const;
  /// What is given as NAME=VALUE for some of them, in their order: empty handles for the others. `option` is
  /// for errors. CommandError for other names and shapes.
  [[nodiscard]] std::vector<Tensor> read(const std::string& option,
                                         const std::vector<std::string>& given) const;
  /// The direction that `option` gives; without it, along the one number that there is. CommandError where
  /// there are several, for `asked_by`.
  [[nodiscard]] std::vector<Tensor> direction(const std::string& asked_by, const std::string& option,
                                              const std::vector<std::string>& given) const;

 private:
  struct Parts;
  std::shared_ptr<const Parts> parts_;
};

/// The same for what takes one result. CommandError where there are several.
Computed compute_one(const Request& request);

/// That the output is no scalar and so has no gradients, and what to do; empty when it is one.
std::string not_a_scalar(const Computed& computed);

/// The gradients with respect to `wrt`, or of every node. None when the output is no scalar, depends on no
/// variable, or not smoothly, as a comparison.
Gradients gradients(const Computed& computed, bool all_nodes = false);

/// Of one variable: zeros where the output does not depend on it.
Tensor gradient(const Gradients& gradients, const Tensor& variable);

}  // namespace chainrule::cli
