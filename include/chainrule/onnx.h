#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "chainrule/detail/api.h"
#include "chainrule/nn.h"
#include "chainrule/tensor.h"

/// Models in the format of ONNX (https://onnx.ai) as differentiable functions of tensors. This is a library
/// of its own, chainrule::onnx, which needs protobuf and ONNX's schema; chainrule/chainrule.h does not
/// include it.
///
/// Opsets 7 to 28 of the operators that chainrule's operations can express. Their element types are carried
/// thus:
///
/// | in the file                         | here                                                             |
/// | ----------------------------------- | ---------------------------------------------------------------- |
/// | float, double, int64, bool          | float32, float64, int64, bool                                    |
/// | float16, bfloat16                   | float32; results are rounded only where the model casts          |
/// | int2 to int32, uint2 to uint32      | int64, wrapped around as the type does after each operator       |
/// | uint64                              | int64; an error for an element of 2⁶³ or more                    |
/// | string, complex, float8, float4,    | not for this engine: Unsupported, which names the node           |
/// | sequence, optional, sparse tensors  |                                                                  |
///
/// Quantised and random operators are refused in the same way, and so is data outside of the file.
namespace CHAINRULE_API chainrule {
namespace onnx {

/// A file that is no model, or a damaged one; or a model that cannot be run: the message names the file, the
/// node, its operator, and what is wrong.
class ModelError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A model that may be right, but asks for what this engine does not have.
class Unsupported : public ModelError {
 public:
  Unsupported(const std::string& message, std::string what_for)
      : ModelError(message), reason_(std::move(what_for)) {}
  /// In a word or two: "strings", "sequences", "quantised numbers", ...
  [[nodiscard]] const std::string& reason() const& { return reason_; }

 private:
  std::string reason_;
};

/// What goes into a model, or comes out.
struct Port {
  std::string name;
  std::string type;  ///< ONNX's name of the element type: "float", "float16", "int32", ...
  /// Nothing where the file does not say; of one axis nothing where it may have any size.
  std::optional<std::vector<std::optional<std::int64_t>>> sizes;
};

struct LoadOptions {
  /// A model whose tensors would have more elements than this is refused, when it is read and when it runs: a
  /// damaged file must not take all memory.
  std::int64_t most_elements = std::int64_t{1} << 28;
};

/// A function of tensors. It is made of chainrule's operations, so gradients flow to the inputs and to the
/// floating initializers, which are parameters. Copies share their parameters.
///
/// Dropout and normalisations are those of inference, unless the model itself says otherwise.
///
/// Threads: any number may compute with the same model, while nobody assigns to its parameters.
class Model {
 public:
  struct Plan;  // not for users: what the file was turned into
  explicit Model(std::shared_ptr<const Plan> plan);

  /// What the model takes, in order: without what has an initializer.
  [[nodiscard]] const std::vector<Port>& inputs() const&;
  [[nodiscard]] const std::vector<Port>& outputs() const&;
  /// The floating initializers, named as in the file, in its order.
  [[nodiscard]] const std::vector<Parameter>& parameters() const& { return parameters_; }
  [[nodiscard]] std::vector<Parameter> parameters() && { return parameters_; }
  /// One of them. std::invalid_argument, with the names that there are, for another name.
  [[nodiscard]] const Parameter& parameter(std::string_view name) const&;
  [[nodiscard]] Parameter parameter(std::string_view name) && { return std::as_const(*this).parameter(name); }
  /// The same model with parameters of its own.
  [[nodiscard]] Model clone() const;

  /// The results for inputs in order. An input of a floating type may be float32 or float64: with float64 all
  /// that depends on it is computed in float64. ModelError for inputs that do not fit, and where a node
  /// fails.
  std::vector<Tensor> operator()(std::span<const Tensor> inputs) const;
  std::vector<Tensor> operator()(std::initializer_list<Tensor> inputs) const {
    return (*this)(std::span(inputs.begin(), inputs.size()));
  }
  /// The same by name.
  std::map<std::string, Tensor> operator()(const std::map<std::string, Tensor>& inputs) const;

 private:
  std::shared_ptr<const Plan> plan_;
  std::vector<Parameter> parameters_;
};

/// Reads a model. Everything that can be checked without running it is: structure, sizes, names, operators.
/// IoError when the file cannot be read, ModelError or Unsupported for what is in it.
Model load(const std::string& path, const LoadOptions& options = {});
/// From the bytes of a file; `name` stands for it in messages.
Model parse(std::string_view bytes, const std::string& name = "model", const LoadOptions& options = {});

/// A single tensor, as onnx.save_tensor writes it (a TensorProto).
Tensor load_tensor(const std::string& path, const LoadOptions& options = {});

/// The operators that a model may consist of, by name.
[[nodiscard]] std::vector<std::string> operators();

}  // namespace onnx
}  // namespace chainrule
