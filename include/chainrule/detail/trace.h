/// \file
/// One run of a function under a transform: its inputs are stand-ins of the user's tensors, so that a
/// derivative counts only what reaches the result through the arguments, and transforms may be nested. What
/// needs no template is in src/autograd/trace.cpp.

#pragma once

#include <memory>

#include "chainrule/detail/structure.h"

namespace CHAINRULE_API chainrule {
namespace detail {

/// Which arguments are differentiated.
template <std::size_t... I>
struct Argnums {};

class Trace {
 public:
  /// `called` is the transform, for errors.
  explicit Trace(std::string_view called);

  /// DTypeError unless the tensor is floating, GradError if it is empty.
  static void require_differentiable(std::string_view called, const Tensor& given, const Place& place);
  /// What stands for such a tensor while the function runs.
  Tensor input(const Tensor& given, const Place& place);
  /// Takes a result.
  void output(const Tensor& result, const Place& place);
  /// When all results are there: finds out whether somebody outside may differentiate them once more.
  void finish();
  /// A result as whoever called the transform gets it: cut off from the run, unless it is differentiated
  /// there.
  Tensor outside(const Tensor& result) const;

  std::string_view called() const { return called_; }
  const std::vector<Tensor>& inputs() const { return inputs_; }
  const std::vector<Tensor>& outputs() const { return outputs_; }

  /// The one result that grad differentiates. ShapeError or DTypeError unless it is one floating number.
  void require_scalar() const;
  /// The gradients of that result; recorded as pull_back() or, if told, whoever asks.
  std::vector<Tensor> gradient() const;
  std::vector<Tensor> recorded_gradient() const;
  /// Vᵀ·J: the cotangents of the inputs from those of the results, where an empty handle stands for zeros.
  std::vector<Tensor> pull_back(std::span<const Tensor> cotangents) const;
  /// The same with all of it recorded, whoever asks.
  std::vector<Tensor> recorded_pull_back(std::span<const Tensor> cotangents) const;
  /// The tensors of these shapes: where `given` does not fit the inputs or results, an error that says where.
  void check_tangent(const Tensor& given, std::size_t input, const Place& place) const;
  void check_cotangent(const Tensor& given, std::size_t output, const Place& place) const;
  /// Will somebody outside differentiate what is computed from the run and these tensors?
  bool is_recorded(std::span<const Tensor> further) const;

 private:
  std::vector<Tensor> pull_back(std::span<const Tensor> cotangents, bool record) const;
  std::string_view called_;
  std::vector<Tensor> inputs_, outputs_;
  bool recording_;               // was what the function is called in recorded?
  bool differentiated_ = false;  // outside
};

/// J·t for any number of tangents, after one run: the derivative of Vᵀ·J, which is linear in V, along V.
class Linearization {
 public:
  explicit Linearization(std::shared_ptr<const Trace> trace);
  /// The tangents of the results.
  std::vector<Tensor> push_forward(std::span<const Tensor> tangents) const;
  const Trace& trace() const { return *trace_; }

 private:
  std::shared_ptr<const Trace> trace_;
  std::vector<Tensor> cotangents_, pulled_back_;
};

/// While it exists, this thread records, or does not, whatever it did before.
class Recorded {
 public:
  explicit Recorded(bool on = true);
  ~Recorded();
  Recorded(const Recorded&) = delete;
  Recorded& operator=(const Recorded&) = delete;

 private:
  bool before_;
};

/// A further node of the same value, through which the gradient passes as it is.
Tensor stand_in(const Tensor& given);

constexpr Place argument(std::size_t i) { return {.root = "argument", .index = i}; }
inline constexpr Place the_result = {.root = "the result", .numbered = false};

/// The position of argument J among those that are differentiated, or their number.
template <std::size_t J, std::size_t... I>
constexpr std::size_t position_among() {
  std::size_t position = 0;
  bool found = false;
  ((found = found || I == J, position += found ? 0 : 1), ...);
  return position;
}

/// Calls f with the arguments, some of which are replaced.
template <class F, class Given, class Replaced, std::size_t... I, std::size_t... J>
decltype(auto) call_with(const F& f, Given& given, const Replaced& replaced, Argnums<I...>,
                         std::index_sequence<J...>) {
  const auto pick = [&]<std::size_t K>(std::integral_constant<std::size_t, K>) -> decltype(auto) {
    constexpr std::size_t position = position_among<K, I...>();
    if constexpr (position < sizeof...(I))
      return (std::get<position>(replaced));
    else
      return std::forward<std::tuple_element_t<K, Given>>(std::get<K>(given));
  };
  return f(pick(std::integral_constant<std::size_t, J>())...);
}

/// Is the function called with the arguments that argnums names?
template <std::size_t arguments, std::size_t... I>
concept argnums_are_arguments = ((I < arguments) && ...);

/// The arguments I, as the structures that they are to a transform.
template <std::size_t... I, class... A>
auto selected(Argnums<I...>, std::tuple<A...>& arguments) {
  (require_structure<Structured<std::tuple_element_t<I, std::tuple<A...>>>>(), ...);
  return std::tuple<Structured<std::tuple_element_t<I, std::tuple<A...>>>...>(
      structure_of(std::get<I>(arguments))...);
}

/// Stand-ins for the arguments I.
template <std::size_t... I, class... S>
std::tuple<S...> traced(Trace& trace, Argnums<I...>, const std::tuple<S...>& structures) {
  const auto one = [&](const auto& structure, std::size_t number) {
    return changed(structure, argument(number),
                   [&](const Tensor& given, const Place& place) { return trace.input(given, place); });
  };
  return [&]<std::size_t... K>(std::index_sequence<K...>) {
    return std::tuple<S...>{one(std::get<K>(structures), I)...};
  }
  (std::index_sequence_for<S...>());
}

/// Calls a function where everything is recorded. (By value: what it returns may refer to what is gone.)
template <class Call>
auto recorded(const Call& call) {
  const Recorded mode;
  return call();
}

/// The result of a run, taken into the trace.
template <class R>
auto taken(Trace& trace, R of_call) {
  require_structure<Structured<R>>();
  Structured<R> value(std::move(of_call));
  for_each_leaf(std::as_const(value), the_result,
                [&](const auto& leaf, const Place& place) { trace.output(leaf_value(leaf), place); });
  return value;
}

/// As whoever called the transform gets it. What is no structure stays as it is.
template <class S>
S outside(const Trace& trace, S given) {
  if constexpr (Structure<S>)
    return changed(given, {}, [&](const Tensor& each, const Place&) { return trace.outside(each); });
  else
    return given;
}

template <class T>
inline constexpr bool is_pair = false;
template <class A, class B>
inline constexpr bool is_pair<std::pair<A, B>> = true;

/// The same of what is to be one number.
template <class R>
auto taken_number(Trace& trace, R of_call) {
  if constexpr (std::is_same_v<Structured<R>, Tensor>) {
    Tensor number = taken(trace, std::move(of_call));
    trace.require_scalar();
    return number;
  } else {
    static_assert(
        sizeof(R) == 0,
        "a gradient is that of one number: let the function give one tensor, or a std::pair of it and "
        "of what else there is; see vjp() and jacobian() for functions that give several");
    return Tensor();
  }
}

/// The value of a run that gives one number, or a pair of it and something else; finishes the run.
template <class R>
auto take_scalar(Trace& trace, R of_call) {
  if constexpr (is_pair<R>) {
    const Tensor number = taken_number(trace, std::move(of_call.first));
    auto& more = of_call.second;
    if constexpr (Structure<std::remove_cvref_t<decltype(more)>>)
      for_each_leaf(more, {}, [&](const auto& leaf, const Place& place) {
        if (!leaf_value(leaf).is_empty()) trace.output(leaf_value(leaf), place);
      });
    trace.finish();
    return std::pair(trace.outside(number), outside(trace, std::move(more)));
  } else {
    const Tensor number = taken_number(trace, std::move(of_call));
    trace.finish();
    return trace.outside(number);
  }
}

/// Vectors could have got another length since, so they are counted.
std::vector<Tensor> checked_count(std::string_view called, std::string_view what, std::vector<Tensor> tensors,
                                  std::size_t expected);

/// A run on these arguments: they, the value as it is outside, and what is inside.
template <class Value, class... S>
struct Finished {
  std::shared_ptr<const Trace> trace;
  std::tuple<S...> structures;
  Value value;
};
template <class F, class... S>
auto run(std::string_view called, const F& f, const std::tuple<S...>& arguments) {
  const auto trace = std::make_shared<Trace>(called);
  const auto stand_ins = [&]<std::size_t... I>(std::index_sequence<I...>) {
    return traced(*trace, Argnums<I...>(), arguments);
  }
  (std::index_sequence_for<S...>());
  auto value = taken(*trace, recorded([&]() -> decltype(auto) { return std::apply(f, stand_ins); }));
  trace->finish();
  return Finished<decltype(value), S...>{trace, arguments, outside(*trace, std::move(value))};
}

/// The arguments of f: one, or those in a tuple where f does not take that itself.
template <class F, class P>
auto arguments_for(const P& primals) {
  if constexpr (is_tuple<P> && !std::is_invocable_v<const F&, const P&>)
    return std::apply(
        [](const auto&... each) { return std::tuple<Structured<decltype(each)>...>(structure_of(each)...); },
        primals);
  else
    return std::tuple<Structured<P>>(structure_of(primals));
}

/// Tangents in the order of a run's inputs, checked.
template <class... S>
std::vector<Tensor> tangents_of(const Trace& trace, const S&... structures) {
  std::vector<Tensor> tangents;
  std::size_t number = 0;
  const auto add = [&](const auto& structure) {
    for_each_leaf(structure, argument(number++), [&](const auto& leaf, const Place& place) {
      if (tangents.size() < trace.inputs().size())
        trace.check_tangent(leaf_value(leaf), tangents.size(), place);
      tangents.push_back(leaf_value(leaf));
    });
  };
  (add(structures), ...);
  return checked_count(trace.called(), "tangents", std::move(tangents), trace.inputs().size());
}

/// The same of one argument, or a tuple of those of f.
template <class F, class P>
std::vector<Tensor> tangents_for(const Trace& trace, const P& tangents) {
  return std::apply([&](const auto&... each) { return tangents_of(trace, each...); },
                    arguments_for<F>(tangents));
}

/// Cotangents in the order of a run's results, checked.
template <class V>
std::vector<Tensor> cotangents_of(const Trace& trace, const V&, const V& structure) {
  std::vector<Tensor> cotangents;
  for_each_leaf(structure, the_result, [&](const auto& leaf, const Place& place) {
    if (cotangents.size() < trace.outputs().size())
      trace.check_cotangent(leaf_value(leaf), cotangents.size(), place);
    cotangents.push_back(leaf_value(leaf));
  });
  return checked_count(trace.called(), "cotangents", std::move(cotangents), trace.outputs().size());
}

/// Tensors as the structure of a value.
template <class V>
V like_value(const V& value, const std::vector<Tensor>& tensors) {
  const Tensor* next = tensors.data();
  return like(value, next);
}

/// Tensors as the structures of one argument, or as a tuple of those of several.
template <class... S>
auto like_arguments(const std::tuple<S...>& structures, const std::vector<Tensor>& tensors) {
  const Tensor* next = tensors.data();
  if constexpr (sizeof...(S) == 1)
    return like(std::get<0>(structures), next);
  else
    return std::apply([&](const S&... each) { return std::tuple<S...>{like(each, next)...}; }, structures);
}

}  // namespace detail
}  // namespace chainrule
