/// \file
/// Models in the format of ONNX (https://onnx.ai) as differentiable functions of tensors, read and written.
/// This is a library of its own, chainrule::onnx, which needs protobuf and ONNX's schema.

#pragma once

#include <functional>
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
#include "chainrule/io.h"
#include "chainrule/model.h"
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
  /// The message, and what was asked for in a word or two.
  Unsupported(const std::string& message, std::string what_for)
      : ModelError(message), reason_(std::move(what_for)) {}
  /// In a word or two: "strings", "sequences", "quantised numbers", ...
  [[nodiscard]] const std::string& reason() const& { return reason_; }

 private:
  std::string reason_;
};

/// What goes into a model, or comes out.
struct Port {
  /// As the file calls it.
  std::string name;
  std::string type;  ///< ONNX's name of the element type: "float", "float16", "int32", ...
  /// Nothing where the file does not say; of one axis nothing where it may have any size.
  std::optional<std::vector<std::optional<std::int64_t>>> sizes;
};

/// What is refused when a model is read.
struct LoadOptions {
  /// A model whose tensors would have more elements than this is refused, when it is read and when it runs: a
  /// damaged file must not take all memory.
  std::int64_t most_elements = std::int64_t{1} << 28;
};

/// A function of tensors. It is made of chainrule's operations, so gradients flow to the inputs and to the
/// floating initializers, which are parameters. Copies share their parameters. It is a module, which can be
/// trained further:
///
///     const onnx::Model model = onnx::load("model.onnx");
///     Adam adam(model.parameters(), {.learning_rate = 1e-4});
///     cross_entropy(model({x})[0], y).backward();
///     adam.step();
///     save_safetensors("tuned.safetensors", state_dict(model));
///
/// Dropout and normalisations are those of inference, unless the model itself says otherwise.
///
/// Threads: any number may compute with the same model, while nobody assigns to its parameters.
class Model {
 public:
  struct Plan;  // not for users: what the file was turned into
  /// Made by load() and parse().
  explicit Model(std::shared_ptr<const Plan> plan);

  /// What the model takes, in order: without what has an initializer.
  [[nodiscard]] const std::vector<Port>& inputs() const&;
  /// What the model gives, in order.
  [[nodiscard]] const std::vector<Port>& outputs() const&;
  /// What the file says about itself: its metadata, and who made it, as "producer".
  [[nodiscard]] const std::map<std::string, std::string>& metadata() const&;
  /// The operators that it uses, by name, and how often each.
  [[nodiscard]] std::map<std::string, std::size_t> operator_counts() const;
  /// Where it was read from, as errors say.
  [[nodiscard]] const std::string& file() const&;
  /// The version of ONNX's operators that it is written for.
  [[nodiscard]] std::int64_t opset() const;
  /// The floating initializers, named as in the file, in its order.
  [[nodiscard]] std::vector<Parameter> parameters() const;
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

  // A module whose members are the parameters, so that state_dict(), load_state_dict(), to() and transforms
  // take it.
  CHAINRULE_MEMBERS_AS("", parameters_)

 private:
  std::shared_ptr<const Plan> plan_;
  NamedParameters parameters_;
};

/// Reads a model. Everything that can be checked without running it is: structure, sizes, names, operators.
/// IoError when the file cannot be read, ModelError or Unsupported for what is in it.
Model load(const std::string& path, const LoadOptions& options = {});
/// From the bytes of a file; `name` stands for it in messages.
Model parse(std::string_view bytes, const std::string& name = "model", const LoadOptions& options = {});

/// A single tensor, as onnx.save_tensor writes it (a TensorProto).
Tensor load_tensor(const std::string& path, const LoadOptions& options = {});

/// How a model is written.
struct SaveOptions {
  std::int64_t opset = 17;      ///< 13 to 17
  std::int64_t batch_axis = 0;  ///< the axis of every input that has any number of samples
  /// What inputs and outputs are called; where not given, "x" or "x0", "x1", ..., and "y" or "y0", ...
  std::vector<std::string> inputs = {}, outputs = {};
  std::map<std::string, std::string> metadata = {};  ///< texts beside the model, see Model::metadata()
};

namespace detail {
/// The bytes of a model. `state` are the names of what the function holds.
std::string bytes_of(const NamedTensors& state,
                     const std::function<std::vector<Tensor>(const std::vector<Tensor>&)>& function,
                     const std::vector<Tensor>& examples, const SaveOptions& options);
inline std::vector<Tensor> as_list(Tensor result) { return {std::move(result)}; }
inline std::vector<Tensor> as_list(std::vector<Tensor> results) { return results; }
}  // namespace detail

/// A module, or a function of tensors, as the bytes of an ONNX file: what it computes from the examples,
/// operation by operation, with its parameters under the names that state_dict() gives them. A module is
/// evaluated (see eval()). `f` takes the tensor, if there is one example, or a std::vector of them, and gives
/// a tensor or a std::vector of them.
///
///     onnx::save("digits.onnx", network, zeros({1, 1, 28, 28}));
///
/// Runtimes are made for float32, and ONNX Runtime fails on some models of float64: write to(network,
/// DType::float32). The model takes any number of samples, along SaveOptions::batch_axis of each input; all
/// other sizes are the examples'. To find out what depends on the number, f is called with 5, 7 and 11
/// samples, the examples' over and over, scaled where they are floating; so it must have no effects that
/// matter.
///
/// Unsupported, which names the operation, its scope and its line, for what ONNX has no operator for, what is
/// random, and what f computes outside of tensors. std::invalid_argument where f does other things for other
/// numbers of samples, and for options or examples that do not fit.
template <class F>
[[nodiscard]] std::string serialize(const F& f, const std::vector<Tensor>& examples,
                                    const SaveOptions& options = {}) {
  std::decay_t<const F&> evaluated = f;
  NamedTensors state;
  if constexpr (chainrule::detail::Structure<F>) {
    eval(evaluated);
    for (const auto& [name, parameter] : named_parameters(evaluated)) state.emplace_back(name, parameter);
    for (const auto& [name, buffer] : named_buffers(evaluated)) state.emplace_back(name, buffer.value());
  }
  return detail::bytes_of(
      state,
      [&](const std::vector<Tensor>& x) {
        if constexpr (std::is_invocable_v<const F&, const Tensor&>)
          return detail::as_list(std::as_const(evaluated)(x.at(0)));
        else
          return detail::as_list(std::as_const(evaluated)(x));
      },
      examples, options);
}
/// Writes such a file, as save_file does.
template <class F>
void save(const std::string& path, const F& f, const std::vector<Tensor>& examples,
          const SaveOptions& options = {}) {
  save_file(path, serialize(f, examples, options));
}
template <class F>
void save(const std::string& path, const F& f, const Tensor& example, const SaveOptions& options = {}) {
  save(path, f, std::vector<Tensor>{example}, options);
}

/// A network that predicts from tables, with what prepares its inputs. It takes "x" (samples, columns),
/// float, the columns in the order of the metadata "chainrule.columns", numbers as the table has them and NaN
/// for what is missing; of a column of categories the place of the category in the metadata's list, from 0,
/// and any other number for one that is not there. It gives "y": the probabilities of the classes, in the
/// order of the metadata "chainrule.classes", (samples, classes), or the number that is predicted, (samples,
/// 1). Of the options the opset counts, and what is in the metadata beside that.
[[nodiscard]] std::string serialize(const chainrule::Model& model, const SaveOptions& options = {});
void save(const std::string& path, const chainrule::Model& model, const SaveOptions& options = {});
/// What has been saved so, as it was; nothing for any other model. ModelError where it is damaged.
[[nodiscard]] std::optional<chainrule::Model> table_model(const Model& model);

/// The operators that a model may consist of, by name.
[[nodiscard]] std::vector<std::string> operators();

}  // namespace onnx
}  // namespace chainrule
