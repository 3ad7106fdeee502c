/// \file
/// What all optimisers share: groups of parameters, steps, learning rates, and a state to save and restore.
/// An optimiser of your own derives from OptimizerWith, which is declared here, too.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "chainrule/detail/api.h"
#include "chainrule/named_tensors.h"
#include "chainrule/nn.h"

namespace CHAINRULE_API chainrule {

/// Moves parameters along their gradients.
///
/// Threads: one at a time may use an optimiser, and while it steps no other may use its parameters, nor run a
/// backward() that reaches them. Threads that share the work of one step call backward() each, and one of
/// them steps when all are done. A step has the same bits for any number of threads.
class Optimizer {
 public:
  virtual ~Optimizer();
  Optimizer(const Optimizer&) = delete;
  Optimizer& operator=(const Optimizer&) = delete;

  /// Moves every parameter once and leaves it without a gradient. A parameter that nothing has reached since
  /// the last step counts as having gradient zero: momentum and weight decay still move it. GradError, and
  /// nothing moves, when no parameter at all has received a gradient since the last step, unless the options
  /// of a group say allow_no_gradient.
  void step();
  /// Forgets the gradients gathered since the last step. Not needed after step(): new leaves have none.
  void zero_grad() const;

  /// How many groups of parameters there are. The first one, 0, is what the optimiser was made with.
  [[nodiscard]] std::size_t groups() const { return group_count_; }
  /// All parameters in the order in which they were given, each once.
  [[nodiscard]] std::vector<Parameter> parameters() const;

  /// std::out_of_range for a group that is not there, here and below.
  [[nodiscard]] double learning_rate(std::size_t group = 0) const;
  /// Of all groups. std::invalid_argument when negative or infinite.
  void set_learning_rate(double learning_rate);
  void set_learning_rate(double learning_rate, std::size_t group);
  /// The share of the last steps that a step keeps: the options' momentum, or else their beta1. Nothing for
  /// an optimiser that has neither.
  [[nodiscard]] std::optional<double> momentum(std::size_t group = 0) const;
  /// std::invalid_argument outside [0, 1), or where there is none.
  void set_momentum(double momentum, std::size_t group);

  /// All that a further step depends on beside values and gradients, under names as "layer1.weight.velocity",
  /// "layer1.weight.steps" and "group0.learning_rate". Of parameters with the same name the second is
  /// "name#2", and so on. The tensors keep their values when the optimiser steps.
  [[nodiscard]] virtual NamedTensors state() const;
  /// Continues from what state() gave, of an optimiser of this kind for parameters of the same names, to the
  /// bit if the options are the same. std::invalid_argument that says which name is missing or unknown,
  /// ShapeError or DTypeError for a tensor that does not fit; nothing has changed then.
  virtual void load_state(const NamedTensors& state);

 protected:
  /// One parameter and what the optimiser keeps of it.
  class Learned {
   public:
    /// To move it, assign to it. Its leaf has no gradient any more: update() gets it.
    const Parameter& parameter() const { return parameter_; }
    /// Whose options hold for it.
    std::size_t group() const { return group_; }
    /// How many there have been, with the present one.
    std::int64_t steps() const { return steps_; }
    /// The tensor with the name at this place of the constructor's list. Zeros, of the parameter's shape and
    /// dtype, until something else is assigned, which must have both, too.
    Tensor& state(std::size_t place);
    /// The same for a number. 0 until something else is assigned.
    double& number(std::size_t place) { return numbers_.at(place); }
    /// Has state(place) been asked for?
    bool has_state(std::size_t place) const { return !tensors_.at(place).is_empty(); }

   private:
    friend class Optimizer;
    Learned(Parameter parameter, std::size_t group, std::size_t tensors, std::size_t numbers)
        : parameter_(std::move(parameter)), group_(group), tensors_(tensors), numbers_(numbers) {}
    Parameter parameter_;
    std::size_t group_;
    std::int64_t steps_ = 0;
    std::vector<Tensor> tensors_;
    std::vector<double> numbers_;
  };
  /// What schedules and steps ask for of the options.
  enum class Setting : std::uint8_t { learning_rate, momentum, allow_no_gradient };

  /// The optimiser's name for errors, and the names of the tensors and numbers it keeps of each parameter.
  explicit Optimizer(std::string name, std::vector<std::string> tensor_names = {},
                     std::vector<std::string> number_names = {});

  /// Moves one parameter along its gradient, which has the parameter's shape and dtype. Nothing is recorded.
  virtual void update(Learned& learned, const Tensor& gradient) = 0;

  /// As errors call it.
  const std::string& name() const { return name_; }
  /// The parameters of all groups, in their order.
  std::vector<Learned>& learned() { return learned_; }
  const std::vector<Learned>& learned() const { return learned_; }
  /// std::invalid_argument without parameters, or for one that an earlier group has. One that is listed twice
  /// is stepped once.
  void add_parameters(const std::vector<Parameter>& parameters);
  /// std::out_of_range for a group that is not there.
  void require_group(std::size_t group) const {
    if (group >= group_count_) report_group(group);
  }

 private:
  /// An option of a group as a number, if the optimiser has it.
  virtual std::optional<double> setting(Setting which, std::size_t group) const = 0;
  virtual void set_setting(Setting which, std::size_t group, double value) = 0;
  [[noreturn]] void report_group(std::size_t group) const;

  std::string name_;
  std::vector<std::string> tensor_names_, number_names_;
  std::vector<Learned> learned_;
  std::size_t group_count_ = 0;
};

/// An optimiser whose groups each have options of this type. An optimiser of your own is a struct of
/// options, with a `double learning_rate` and whatever else, and the step of one parameter:
///
///     struct SignOptions {
///       double learning_rate = 0.01, momentum = 0.9;
///     };
///     class SignDescent final : public OptimizerWith<SignOptions> {
///      public:
///       explicit SignDescent(const std::vector<Parameter>& parameters, const SignOptions& options = {})
///           : OptimizerWith("SignDescent", {"mean"}) {
///         add_group(parameters, options);
///       }
///
///      private:
///       void update(Learned& it, const Tensor& gradient) override {
///         const auto& [rate, momentum] = options(it.group());
///         it.state(0) = momentum * it.state(0) + (1 - momentum) * gradient;
///         it.parameter().assign(it.parameter() - rate * sign(it.state(0)));
///       }
///     };
///
/// A function `void check() const` of the options throws where they make no sense. Options with
/// `bool allow_no_gradient` can allow steps without any gradient.
template <class Options>
class OptimizerWith : public Optimizer {
 public:
  /// One more group of parameters, with options of its own. std::invalid_argument, and nothing is added, for
  /// options that make no sense, no parameters, or one that an earlier group has.
  void add_group(const std::vector<Parameter>& parameters, const Options& options = {}) {
    if constexpr (requires { options.check(); }) options.check();
    options_.reserve(options_.size() + 1);
    add_parameters(parameters);
    options_.push_back(options);
  }
  /// The present options, with the learning rate that has been set last.
  [[nodiscard]] const Options& options(std::size_t group = 0) const {
    require_group(group);
    return options_[group];
  }
  /// std::invalid_argument, and nothing changes, for options that make no sense.
  void set_options(const Options& options, std::size_t group = 0) {
    require_group(group);
    if constexpr (requires { options.check(); }) options.check();
    options_[group] = options;
  }

 protected:
  using Optimizer::Optimizer;

 private:
  /// The option itself; null where there is none.
  template <class Any>
  static auto* find(Any& options, Setting which) {
    if (which == Setting::learning_rate) return &options.learning_rate;
    if constexpr (requires { options.momentum; })
      return &options.momentum;
    else if constexpr (requires { options.beta1; })
      return &options.beta1;
    else
      return static_cast<decltype(&options.learning_rate)>(nullptr);
  }
  std::optional<double> setting(Setting which, std::size_t group) const final {
    if (which == Setting::allow_no_gradient) {
      if constexpr (requires { options_[group].allow_no_gradient; }) return options_[group].allow_no_gradient;
      return std::nullopt;
    }
    const double* option = find(options_[group], which);
    return option != nullptr ? std::optional<double>(*option) : std::nullopt;
  }
  void set_setting(Setting which, std::size_t group, double value) final {
    Options changed = options_[group];
    if (double* option = find(changed, which)) *option = value;
    set_options(changed, group);
  }
  std::vector<Options> options_;
};

}  // namespace chainrule
