// The table that every operation is tested from: one row per operation. The tests that follow from a row
// are in tests/ops. To test a new operation, add its row to op_cases.cpp.

#pragma once

#include <functional>
#include <string>
#include <vector>

#include "reference.h"
#include "support.h"

namespace chainrule::test {

using Inputs = std::vector<Tensor>;
using Shapes = std::vector<Shape>;

/// What a row calls its operation with: tensors that the caller keeps, or temporaries, whose last handle
/// the operation may take over.
class Arguments {
 public:
  Arguments(const Inputs& kept) : inputs_(kept) {}                                        // NOLINT
  Arguments(Inputs&& temporaries) : inputs_(std::move(temporaries)), temporary_(true) {}  // NOLINT
  Operand operator[](std::size_t i) const {
    return temporary_ ? Operand(std::move(inputs_[i])) : Operand(inputs_[i]);
  }
  const Inputs& tensors() const { return inputs_; }

 private:
  mutable Inputs inputs_;
  bool temporary_ = false;
};

/// How to draw one input of an operation: where it is defined, away from the kinks of its derivative.
struct Input {
  std::function<Tensor(const Shape&, Engine&)> draw;
  bool differentiable = true;
};

/// One way to call an operation: over these axes, to that shape, ...
struct Variant {
  std::string name;  ///< "" when there is only one
  std::function<Tensor(const Arguments&)> call;
  std::function<reference::Array(const reference::Arrays&)> expected;
  std::vector<Shapes> shapes;      ///< of the inputs, one entry per call
  std::vector<Input> inputs = {};  ///< instead of the row's, if any
};

/// A call that must be refused with a ShapeError that names the operation and these words.
struct Misuse {
  std::string name;
  std::function<void()> call;
  std::vector<std::string> words;
};

/// A row of the table.
struct OpCase {
  std::string operation;  ///< its name in chainrule::operations()
  std::vector<Input> inputs = {};
  std::vector<Variant> variants;
  std::vector<Misuse> misuses = {};

  bool optional_inputs = false;      ///< all but the first may be empty handles, for what is not given
  bool own_inputs = false;           ///< well conditioned only on inputs as the row draws them
  bool composed = false;             ///< of other operations, so not one by itself
  std::string derivative = "";       ///< the operation that only its derivative is made of, if there is one
  bool differentiable = true;        ///< false when the result is not floating
  double tolerance = 2e-15;          ///< of a float64 result, relative to max(1, |result|)
  double float32_tolerance = 2e-6;   ///< of a float32 result and its gradients
  double gradient_tolerance = 1e-9;  ///< of the comparison with central differences

  // Only for operations that work element by element:
  reference::Scalar scalar = nullptr;   ///< what they do to one element of each input, as NumPy does
  bool sign_of_zero = true;             ///< NumPy defines the sign of a result of zero
  double lowest = -1e3, highest = 1e3;  ///< unary: where it must be accurate to a few units in the last place
};

const std::vector<OpCase>& op_cases();

/// The row of an operation.
const OpCase& op_case(const std::string& operation);

/// One row with one of its variants: what most tests are repeated over.
struct Case {
  const OpCase* row = nullptr;
  const Variant* variant = nullptr;

  std::string name() const;
  const std::vector<Input>& inputs() const { return variant->inputs.empty() ? row->inputs : variant->inputs; }
  /// Fresh random constants of these shapes.
  Inputs draw(const Shapes& shapes, Engine& engine) const;
};

std::vector<Case> all_cases();
std::vector<Case> differentiable_cases();
/// Those that work element by element, so broadcast and have special values.
std::vector<Case> elementwise_cases();

/// Shapes of `inputs` inputs in every combination: scalars, axes of size 1 and 0, up to five axes.
std::vector<Shapes> combinations_of_shapes(std::size_t inputs);

/// For INSTANTIATE_TEST_SUITE_P: the parameter's name, with spaces as underscores; of what is made of other
/// operations after "composed_".
std::string case_name(const ::testing::TestParamInfo<Case>& info);
std::string identifier(std::string text);

/// Copies with `variable` in place of the differentiable inputs.
Inputs as_variables(const Case& one, const Inputs& constants);
/// Does a gradient flow to this input?
bool is_differentiable(const Case& one, std::size_t input);
/// The differentiable ones of these inputs.
Inputs differentiable_inputs(const Case& one, const Inputs& inputs);
/// Another dtype for floating inputs, by a conversion of its own.
Inputs converted(const Inputs& inputs, DType dtype);

std::ostream& operator<<(std::ostream& out, const Case& one);

}  // namespace chainrule::test
