/// \file
/// Operations of the user's own, written as the library's are: one struct with its forward on raw memory, its
/// derivative and its formula. testing.h has the one call that tests one; for less, see custom_gradient.h.

#pragma once

#include <concepts>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "chainrule/detail/function_ref.h"
#include "chainrule/gradcheck.h"
#include "chainrule/ops.h"

/// Operations of the user's own, written as the library's are: one struct, whose members are the parameters.
/// For a function with a derivative, custom_gradient.h is shorter; an operation has its elements computed on
/// raw memory, only the gradients that are wanted, and rules of its own for vmap and jvp. For instance
/// y = cap · tanh(x / cap):
///
///     struct Softcap {
///       static constexpr std::string_view name = "softcap", formula = "dy/dx = 1 - (y / cap)^2";
///       double cap;
///       template <class T>
///       void forward(std::span<const Tensor> in, std::span<T> out) const {
///         const std::span<const T> x = in[0].data<T>();
///         for (std::size_t i = 0; i < out.size(); ++i) out[i] = T(cap * std::tanh(x[i] / cap));
///       }
///       void vjp(std::span<const Tensor> in, const Tensor& y, const Tensor& g, InputGradients& to) const {
///         if (to.wants(0)) to[0] = g * (1 - square(y / cap));
///       }
///     };
///     const Tensor y = apply_operation(Softcap{30}, {x});
///
/// It must have
///   name, formula                 what people read, in drawings, walks and errors
///   forward<T>(in, out)           writes the elements, in row-major order; T is float or double, which the
///                                 floating inputs are. What else is among the inputs is int64 or bool.
///   vjp(in, y, g, to)             the vector-Jacobian product, in operations: for each input that is wanted
///                                 the gradient, of its shape; nothing means zeros
/// and may have
///   Shape shape(in) const         of the result; without it, that of the first input. Throws a ShapeError
///                                 for inputs that do not fit.
///   Tensor jvp(in, y, t) const    the derivative along tangents t of all inputs, in operations; without it,
///                                 it follows from vjp
///   Tensor batch(samples) const   of many samples at once, the result with the samples along axis 0; without
///                                 it, vmap goes from sample to sample
/// Derivatives of any order follow where vjp is written in operations; GradError where it reads elements as
/// numbers and a derivative of it is asked for.
///
/// Threads: any number may apply an operation at once, if they may call its members at once.
namespace CHAINRULE_API chainrule {

/// The gradients that one node sends to its inputs.
class InputGradients {
 public:
  /// Which inputs want one.
  explicit InputGradients(std::vector<bool> wanted)
      : wanted_(std::move(wanted)), gradients_(wanted_.size()) {}
  /// Does this input want its gradient? Without one, it gets zeros.
  [[nodiscard]] bool wants(std::size_t input) const { return wanted_.at(input); }
  /// Where the gradient of this input is put, of its shape.
  Tensor& operator[](std::size_t input) { return gradients_.at(input); }

 private:
  std::vector<bool> wanted_;
  std::vector<Tensor> gradients_;
};

/// The inputs of many samples under vmap. Those that differ between samples have them along a first axis of
/// their own; the others are the same for all.
struct BatchedInputs {
  std::span<const Tensor> in;  ///< the inputs
  std::vector<bool> differ;    ///< has each one of its own for every sample?
  std::int64_t size = 0;       ///< how many samples there are
};

template <class Op>
concept OperationOfUser = std::copy_constructible<Op> &&
    requires(const Op& op, std::span<const Tensor> in, std::span<double> out, const Tensor& y,
             InputGradients& to) {
  { Op::name } -> std::convertible_to<std::string_view>;
  { Op::formula } -> std::convertible_to<std::string_view>;
  op.forward(in, out);
  op.vjp(in, y, y, to);
};

namespace detail {

/// An operation without its type.
class AnyOperation {
 public:
  AnyOperation() = default;
  AnyOperation(const AnyOperation&) = delete;
  AnyOperation& operator=(const AnyOperation&) = delete;
  virtual ~AnyOperation() = default;
  virtual std::string_view name() const = 0;
  virtual std::string_view formula() const = 0;
  virtual Shape shape(std::span<const Tensor> in) const = 0;
  virtual void forward(std::span<const Tensor> in, std::span<float> out) const = 0;
  virtual void forward(std::span<const Tensor> in, std::span<double> out) const = 0;
  virtual void vjp(std::span<const Tensor> in, const Tensor& y, const Tensor& g,
                   InputGradients& to) const = 0;
  /// Empty handles where the operation has no such rule.
  virtual Tensor jvp(std::span<const Tensor> in, const Tensor& y, std::span<const Tensor> t) const = 0;
  virtual Tensor batch(const BatchedInputs& samples) const = 0;
};

template <OperationOfUser Op>
class AnyOperationOf final : public AnyOperation {
 public:
  explicit AnyOperationOf(Op op) : op_(std::move(op)) {}
  std::string_view name() const override { return Op::name; }
  std::string_view formula() const override { return Op::formula; }
  Shape shape(std::span<const Tensor> in) const override {
    if constexpr (requires { op_.shape(in); })
      return op_.shape(in);
    else
      return in[0].shape();
  }
  void forward(std::span<const Tensor> in, std::span<float> out) const override { op_.forward(in, out); }
  void forward(std::span<const Tensor> in, std::span<double> out) const override { op_.forward(in, out); }
  void vjp(std::span<const Tensor> in, const Tensor& y, const Tensor& g, InputGradients& to) const override {
    op_.vjp(in, y, g, to);
  }
  Tensor jvp([[maybe_unused]] std::span<const Tensor> in, [[maybe_unused]] const Tensor& y,
             [[maybe_unused]] std::span<const Tensor> t) const override {
    if constexpr (requires { op_.jvp(in, y, t); })
      return op_.jvp(in, y, t);
    else
      return {};
  }
  Tensor batch([[maybe_unused]] const BatchedInputs& samples) const override {
    if constexpr (requires { op_.batch(samples); })
      return op_.batch(samples);
    else
      return {};
  }

 private:
  Op op_;
};

Tensor apply_operation(std::shared_ptr<const AnyOperation> op, std::span<const Operand> in);

struct [[nodiscard]] OperationCheck {
  bool passed = true;
  std::string message;
};
using CheckedOperation = FunctionRef<Tensor(const std::vector<Tensor>& inputs)>;
OperationCheck check_operation(CheckedOperation f, const std::vector<Tensor>& inputs);

}  // namespace detail

/// The value of an operation of the user's own, recorded as any other: a node of the graph with its name.
/// Numbers and floating tensors among the inputs get one dtype, float32 or float64. (float16 and bfloat16 are
/// computed in float32.) Whole numbers and bool stay as they are, int64 and bool, unless nothing is floating.
template <OperationOfUser Op>
Tensor apply_operation(Op op, std::initializer_list<Operand> in) {
  return detail::apply_operation(std::make_shared<const detail::AnyOperationOf<Op>>(std::move(op)), in);
}

/// Whether an operation holds what the library's own are tested for, on these inputs, which are float64 where
/// they have a gradient; of a function from a list of tensors to one. It gives the same twice, to the bit,
/// and the same gradient in plain, consuming and recorded passes, of all inputs and of each alone. The first
/// and the second derivative agree with central differences, and forward with reverse mode, as does the
/// derivative of either. Under vmap of each input and of all, it gives for each sample what it gives for that
/// alone, and so does its gradient (whole numbers are the same in all samples). In float32, value and
/// derivatives in both modes are close to those in float64. The message says what does not hold;
/// chainrule/testing.h makes an assertion of it.
template <std::invocable<const std::vector<Tensor>&> F>
detail::OperationCheck check_operation(const F& f, const std::vector<Tensor>& inputs) {
  return detail::check_operation([&](const std::vector<Tensor>& in) { return Tensor(f(in)); }, inputs);
}

}  // namespace chainrule
