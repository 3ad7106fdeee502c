/// \file
/// Networks that are put together at run time: one function after another. Any module can be put in, as can
/// any function of a tensor; relies on module.h for what a module is.

#pragma once

#include <concepts>
#include <memory>
#include <vector>

#include "chainrule/nn/module.h"
#include "chainrule/tensor.h"

namespace CHAINRULE_API chainrule {

/// What takes one tensor and gives one.
template <class M>
concept TakesOneTensor = requires(const std::decay_t<M>& module, const Tensor& x) {
  { module(x) } -> std::convertible_to<Tensor>;
};
/// What does not.
template <class M>
concept TakesNoOneTensor = !TakesOneTensor<M>;

/// A module or function of one tensor, of any type, as a value: a Conv2d, `relu`, `[](const Tensor& x) {
/// return leaky_relu(x, 0.2); }`. Copies are as copies of what is within: they share parameters.
class AnyModule {
 public:
  /// Holds a copy of the module, which shares its parameters.
  template <TakesOneTensor M>
  requires(!std::is_same_v<std::decay_t<M>, AnyModule>)
      AnyModule(M&& module)  // NOLINT(google-explicit-constructor,bugprone-forwarding-reference-overload)
      : held_(std::make_unique<Of<std::decay_t<M>>>(std::forward<M>(module))) {}
  template <TakesNoOneTensor M>
  AnyModule(const M&) = delete;  // wrap it: [](const Tensor& x) { return softmax(x, -1); }
  /// Operations such as relu.
  AnyModule(Tensor (*function)(const Operand&));  // NOLINT(google-explicit-constructor)
  AnyModule(const AnyModule& other) : held_(other.held_->copy()) {}
  AnyModule(AnyModule&&) noexcept = default;
  AnyModule& operator=(const AnyModule& other) { return *this = AnyModule(other); }
  AnyModule& operator=(AnyModule&&) noexcept = default;
  ~AnyModule() = default;

  /// What the module gives for x.
  Tensor operator()(const Tensor& x) const { return held_->call(x); }
  /// For the functions of module.h, and transforms.
  void walk(const detail::Place& place, detail::ModuleVisitor& visitor) const { held_->walk(place, visitor); }
  void walk(const detail::Place& place, detail::ModuleVisitor& visitor) {
    held_->walk(place, visitor);
    visitor.any(*this, place);
  }

 private:
  struct Held {
    virtual ~Held() = default;
    virtual std::unique_ptr<Held> copy() const = 0;
    virtual Tensor call(const Tensor& x) const = 0;
    virtual void walk(const detail::Place& place, detail::ModuleVisitor& visitor) = 0;
  };
  template <class M>
  struct Of final : Held {
    explicit Of(M given) : module(std::move(given)) {}
    std::unique_ptr<Held> copy() const override { return std::make_unique<Of>(*this); }
    Tensor call(const Tensor& x) const override { return std::as_const(module)(x); }
    void walk(const detail::Place& place, detail::ModuleVisitor& visitor) override {
      if constexpr (detail::Structure<M>) {
        detail::for_each_leaf(module, place, detail::ModuleVisit{visitor});
      } else {
        visitor.enter({detail::type_text<M>(), nullptr}, place);
        visitor.leave();
      }
    }
    M module;
  };
  std::unique_ptr<Held> held_;
};

/// Modules and functions one after another:
///
///     Sequential network(Conv2d(1, 8, 3, generator), relu, MaxPool2d(2), [](const Tensor& x) {
///       return flatten(x, 1);
///     }, Linear(8 * 13 * 13, 10, generator));
///
/// A function that the C library has, too, is written chainrule::tanh; one that takes more than x, in a
/// lambda.
///
/// Its parameters are named "0.weight", ... by their places, or by names of the modules: see add().
class Sequential {
 public:
  Sequential() = default;
  /// These, one after the other, under their places as names.
  template <class First, class... Rest>
  requires(!std::is_same_v<std::decay_t<First>, Sequential> ||
           sizeof...(Rest) > 0) explicit Sequential(First&& first, Rest&&... rest) {
    add(AnyModule(std::forward<First>(first)));
    (add(AnyModule(std::forward<Rest>(rest))), ...);
    name_all();
  }

  /// One more at the end, under a name, or its place as one. std::invalid_argument for a name that is there
  /// already, or has a dot or a comma. Names of parameters stay as they are until name_parameters().
  Sequential& add(AnyModule module, std::string name = "");

  /// x itself when there is none.
  Tensor operator()(const Operand& x) const;

  /// How many modules there are.
  [[nodiscard]] std::size_t size() const { return modules_.size(); }
  /// The module at a place; std::out_of_range where there is none.
  [[nodiscard]] const AnyModule& operator[](std::size_t place) const { return modules_.at(place).second; }

  CHAINRULE_MEMBERS_AS("", modules_)

 private:
  void name_all() const;
  std::vector<std::pair<std::string, AnyModule>> modules_;
};

}  // namespace chainrule
