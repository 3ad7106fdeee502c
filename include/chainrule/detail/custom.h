/// \file
/// How a user's own derivative becomes part of a graph: what is needed of it without its types, and the
/// conversion between them and lists of tensors; src/autograd/custom.cpp.

#pragma once

#include <array>
#include <memory>

#include "chainrule/detail/custom_numbers.h"
#include "chainrule/detail/function_ref.h"
#include "chainrule/detail/trace.h"

namespace CHAINRULE_API chainrule {

/// What a forward function gives with its value for the derivative. See custom_gradient.
template <class Value, class Saved>
struct WithSaved {
  Value value;
  Saved saved;
};

namespace detail {

/// A derivative as a function of lists of tensors.
class CustomRule {
 public:
  CustomRule() = default;
  CustomRule(const CustomRule&) = delete;
  CustomRule& operator=(const CustomRule&) = delete;
  virtual ~CustomRule() = default;
  virtual const std::string& name() const = 0;
  /// Does the derivative read the results?
  virtual bool reads_value() const { return true; }
  /// The gradients of the inputs from those of the results; an empty handle is zeros. `recorded` is whether
  /// they are to be differentiated in turn.
  virtual std::vector<Tensor> pull_back(std::span<const Tensor> in, std::span<const Tensor> out,
                                        std::span<const Tensor> g, bool recorded) const = 0;
  /// The tensors among what the function has saved, and the same rule with others in their places.
  virtual std::vector<Tensor> saved() const { return {}; }
  virtual std::shared_ptr<const CustomRule> with_saved(const std::vector<Tensor>& saved) const;
};

/// Is there anything to record of an operation with these inputs?
bool is_to_be_recorded(std::span<const Tensor> in);
/// Results that were computed from the inputs, as nodes of the graph with this rule.
std::vector<Tensor> with_rule(Here here, std::shared_ptr<const CustomRule> rule,
                              const std::vector<Tensor>& in, const std::vector<Tensor>& out);
/// The same of one result, for which lists are a detour.
Tensor with_rule_of_one(Here here, std::shared_ptr<const CustomRule> rule, std::span<const Tensor> in,
                        const Tensor& out);
/// Calls a derivative, of which all is recorded, or nothing. What it gives must have the shapes of the
/// tensors `of`, but may leave some out as empty handles; it is cast to their dtypes.
std::vector<Tensor> called_rule(const std::string& name, bool recorded, std::span<const Tensor> of,
                                FunctionRef<std::vector<std::string>()> places,
                                FunctionRef<std::vector<Tensor>()> rule);
/// The gradients from a rule for tangents, which is linear in them.
std::vector<Tensor> transposed(
    const std::string& name, bool recorded, std::span<const Tensor> in, std::span<const Tensor> out,
    std::span<const Tensor> g, FunctionRef<std::vector<std::string>()> places,
    FunctionRef<std::vector<Tensor>(const std::vector<Tensor>& at, const std::vector<Tensor>& tangents)>
        rule);
/// A saved tensor as a recorded derivative sees it: it may be computed with, but to differentiate it is an
/// error.
Tensor saved_value(const std::string& name, bool recorded, const Tensor& saved, std::span<const Tensor> in);

template <class T>
inline constexpr bool is_with_saved = false;
template <class V, class S>
inline constexpr bool is_with_saved<WithSaved<V, S>> = true;

/// Does the type alone say how many tensors there are, one or none?
template <class T>
inline constexpr bool is_tensor_or_none = std::is_same_v<T, Tensor> || !Structure<T>;

/// visit(leaf, place) for the tensors among arguments of any kind.
template <class... A, class Visit>
void for_each_tensor(const std::tuple<A...>& arguments, const Visit& visit) {
  std::size_t number = 0;
  const auto each = [&]<class S>(const S& one) {
    if constexpr (Structure<S>) for_each_leaf(one, argument(number), visit);
    ++number;
  };
  std::apply([&](const A&... all) { (each(all), ...); }, arguments);
}

/// The same arguments with other tensors.
template <class... A>
std::tuple<A...> with_tensors(const std::tuple<A...>& arguments, const Tensor* next) {
  const auto one = [&]<class S>(const S& each) -> S {
    if constexpr (Structure<S>)
      return like(each, next);
    else
      return each;
  };
  return std::apply([&](const A&... each) { return std::tuple<A...>{one(each)...}; }, arguments);
}

/// The same for a call, without copies of what is there already.
template <class S>
using Seen = std::conditional_t<Structure<S> && !std::is_same_v<S, Tensor>, S, const S&>;
template <class... A>
std::tuple<Seen<A>...> seen_with_tensors(const std::tuple<A...>& arguments, const Tensor* next) {
  const auto one = [&]<class S>(const S& each) -> Seen<S> {
    if constexpr (std::is_same_v<S, Tensor>)
      return *next++;
    else if constexpr (Structure<S>)
      return like(each, next);
    else
      return each;
  };
  return std::apply([&](const A&... each) { return std::tuple<Seen<A>...>{one(each)...}; }, arguments);
}

/// The same with empty handles, for what is kept beside the node that keeps the tensors.
template <class... A>
std::tuple<A...> without_tensors(const std::tuple<A...>& arguments) {
  if constexpr ((is_tensor_or_none<A> && ...)) {
    const std::array<Tensor, sizeof...(A)> none;
    return with_tensors(arguments, none.data());
  } else {
    std::vector<Tensor> none;
    for_each_tensor(arguments, [&](const auto&, const Place&) { none.emplace_back(); });
    return with_tensors(arguments, none.data());
  }
}

/// A parameter is its leaf; all else stays what it is, not copied.
template <class T>
decltype(auto) tensor_if_parameter(T&& argument) {
  if constexpr (std::is_same_v<std::remove_cvref_t<T>, Parameter>)
    return leaf_value(argument);
  else
    return std::forward<T>(argument);
}
template <class T>
using Kept =
    std::conditional_t<std::is_same_v<std::remove_cvref_t<T>, Parameter>, Tensor, std::remove_cvref_t<T>>;

struct NothingSaved {};

/// Can a rule be called with all that it is to have?
template <class Rule, class Value, class... A>
struct RuleFor {
  template <bool OfTangents, class... Saved>
  static constexpr bool fits() {
    if constexpr (OfTangents)
      return std::is_invocable_v<const Rule&, const A&..., const Value&, Saved..., const A&...>;
    else
      return std::is_invocable_v<const Rule&, const A&..., const Value&, Saved..., const Value&>;
  }
  /// Says so where it cannot.
  template <bool OfTangents, class Saved>
  static constexpr bool is_fitting() {
    constexpr bool result = [] {
      if constexpr (std::is_same_v<Saved, NothingSaved>)
        return fits<OfTangents>();
      else
        return fits<OfTangents, Saved>();
    }();
    static_assert(result || OfTangents,
                  "custom_gradient: the rule takes the arguments, the value, what was saved if anything, and "
                  "the gradient of the value");
    static_assert(result || !OfTangents,
                  "custom_jvp: the rule takes the arguments, the value, what was saved if anything, and a "
                  "tangent for each argument");
    return result;
  }
};

/// A function and its rule, as all nodes share them.
template <class F, class Rule>
struct Definition : DefinitionBase {
  Definition(std::string called, F f, Rule of, Here at)
      : DefinitionBase{std::move(called), at}, function(std::move(f)), rule(std::move(of)) {}
  F function;
  Rule rule;
};

/// A user's derivative, with the arguments, the value and what was saved, but for the tensors that the node
/// keeps.
template <bool OfTangents, class Of, class Value, class Saved, class... A>
class RuleOf final : public CustomRule {
 public:
  RuleOf(std::shared_ptr<const Of> definition, const std::tuple<A...>& arguments, const Value& value,
         Saved saved)
      : of_(std::move(definition)),
        arguments_(without_tensors(arguments)),
        value_(without_tensors(std::tuple<Value>(value))),
        saved_(std::move(saved)) {}

  std::vector<Tensor> pull_back(std::span<const Tensor> in, std::span<const Tensor> out,
                                std::span<const Tensor> g, bool recorded) const override {
    const auto places = [&] { return places_of(OfTangents ? std::string("the result") : std::string()); };
    if constexpr (OfTangents)
      return transposed(of_->name, recorded, in, out, g, places,
                        [&](const std::vector<Tensor>& at, const std::vector<Tensor>& tangents) {
                          return call(recorded, at, out,
                                      [&](const auto& f) { return std::apply(f, tangents_like(tangents)); });
                        });
    else
      return called_rule(of_->name, recorded, in, places, [&] {
        return call(recorded, in, out,
                    [&](const auto& f) { return f(std::get<0>(seen_with_tensors(value_, g.data()))); });
      });
  }

  const std::string& name() const override { return of_->name; }

  std::vector<Tensor> saved() const override {
    std::vector<Tensor> tensors;
    if constexpr (Structure<Saved>) append_leaves(saved_, tensors);
    return tensors;
  }
  std::shared_ptr<const CustomRule> with_saved(const std::vector<Tensor>& saved) const override {
    if constexpr (Structure<Saved>) {
      const Tensor* next = saved.data();
      return std::make_shared<RuleOf>(of_, arguments_, std::get<0>(value_), like(saved_, next));
    } else {
      return CustomRule::with_saved(saved);
    }
  }

 private:
  std::vector<std::string> places_of(const std::string& root) const {
    std::vector<std::string> places;
    if (root.empty())
      for_each_tensor(arguments_, [&](const auto&, const Place& place) { places.push_back(place.text()); });
    else
      for_each_leaf(std::get<0>(value_), the_result,
                    [&](const auto&, const Place& place) { places.push_back(place.text()); });
    return places;
  }
  /// One tangent for each argument of tensors, an empty handle for each other.
  std::tuple<A...> tangents_like(const std::vector<Tensor>& tangents) const {
    return with_tensors(arguments_, tangents.data());
  }
  Saved seen(bool recorded, std::span<const Tensor> in) const {
    if constexpr (Structure<Saved>)
      return changed(saved_, {}, [&](const Tensor& each, const Place&) {
        return saved_value(of_->name, recorded, each, in);
      });
    else
      return saved_;
  }
  /// rule(arguments..., value, saved, last...)
  template <class Last>
  std::vector<Tensor> call(bool recorded, std::span<const Tensor> in, std::span<const Tensor> out,
                           const Last& with_last) const {
    const std::tuple<Seen<A>...> x = seen_with_tensors(arguments_, in.data());
    const std::tuple<Seen<Value>> values = seen_with_tensors(value_, out.data());
    const Value& y = std::get<0>(values);
    auto given = with_last([&](const auto&... last) {
      return std::apply(
          [&](const A&... each) {
            if constexpr (std::is_same_v<Saved, NothingSaved>)
              return of_->rule(each..., y, last...);
            else
              return of_->rule(each..., y, seen(recorded, in), last...);
          },
          x);
    });
    static_assert(
        Structure<Structured<decltype(given)>>,
        "a rule gives tensors: one for each tensor among the arguments (of a rule for tangents, among the "
        "results), a std::tuple for several");
    std::vector<Tensor> tensors;
    if constexpr (std::is_same_v<decltype(given), Tensor>)
      tensors.push_back(std::move(given));
    else
      append_leaves(structure_of(given), tensors);
    return tensors;
  }

  std::shared_ptr<const Of> of_;
  std::tuple<A...> arguments_;
  std::tuple<Value> value_;
  Saved saved_;
};

/// A function with a rule of its own.
template <bool OfTangents, class F, class Rule>
class Custom {
 public:
  Custom(std::string name, F f, Rule rule, Here here)
      : of_(std::make_shared<Definition<F, Rule>>(std::move(name), std::move(f), std::move(rule), here)) {}

  template <class... A>
  requires(is_of_numbers<F, A&&...>()) Tensor operator()(A&&... arguments) const {
    const Operand in[] = {Operand(std::forward<A>(arguments), of_->here)...};
    return apply_to_numbers(of_, NumbersOf<OfTangents, Definition<F, Rule>, F, Rule, sizeof...(A)>::calls,
                            in);
  }
  template <class... A>
  requires(!is_of_numbers<F, A&&...>() && std::is_invocable_v<const F&, A&&...>) auto operator()(
      A&&... arguments) const {
    std::tuple<Kept<A>...> kept(tensor_if_parameter(arguments)...);
    auto given =
        unrecorded([&] { return of_->function(tensor_if_parameter(std::forward<A>(arguments))...); });
    if constexpr (is_with_saved<decltype(given)>)
      return finished(std::move(kept), structure_of(given.value), std::move(given.saved));
    else
      return finished(std::move(kept), structure_of(given), NothingSaved());
  }

 private:
  template <class Call>
  static auto unrecorded(const Call& call) {
    const Recorded mode(false);
    return call();
  }
  template <class... A, class Value, class Saved>
  Value finished(std::tuple<A...>&& arguments, const Value& value, Saved saved) const {
    static_assert(Structure<Value>, "the function gives a tensor, or a structure of tensors");
    const auto rule = [&]() -> std::shared_ptr<const CustomRule> {
      if constexpr (RuleFor<Rule, Value, A...>::template is_fitting<OfTangents, Saved>())
        return std::make_shared<RuleOf<OfTangents, Definition<F, Rule>, Value, Saved, A...>>(
            of_, arguments, value, std::move(saved));
      else
        return nullptr;
    };
    if constexpr (std::is_same_v<Value, Tensor> && (is_tensor_or_none<A> && ...)) {
      std::array<Tensor, sizeof...(A)> all;
      std::size_t count = 0;
      const auto take = [&]<class S>(S& each) {
        if constexpr (std::is_same_v<S, Tensor>) all[count++] = std::move(each);
      };
      std::apply([&](A&... each) { (take(each), ...); }, arguments);
      const std::span<const Tensor> in(all.data(), count);
      return is_to_be_recorded(in) ? with_rule_of_one(of_->here, rule(), in, value) : value;
    } else {
      std::vector<Tensor> in, out;
      for_each_tensor(arguments, [&](const auto& leaf, const Place&) { in.push_back(leaf_value(leaf)); });
      if (!is_to_be_recorded(in)) return value;
      append_leaves(value, out);
      const std::vector<Tensor> results = with_rule(of_->here, rule(), in, out);
      const Tensor* next = results.data();
      return like(value, next);
    }
  }

  std::shared_ptr<const Definition<F, Rule>> of_;
};

}  // namespace detail
}  // namespace chainrule
