/// \file
/// Trading time for memory: parts of a computation whose inner values are not kept for the backward pass, but
/// computed once more when it comes to them.
///
/// Threads: any number may call one, if they may call the function at once. It is called again by the thread
/// that runs the backward pass.

#pragma once

#include "chainrule/custom_gradient.h"
#include "chainrule/graph.h"

namespace CHAINRULE_API chainrule {

namespace detail {

/// A part of a computation that can be computed again.
class Recomputed : public CustomRule {
 public:
  using Call = FunctionRef<std::vector<Tensor>(std::span<const Tensor> in)>;
  /// Calls the function for the first time, with stand-ins for these tensors. Remembers what else its results
  /// depend on, and gives them without a history.
  std::vector<Tensor> called_first(std::span<const Tensor> in, Call call);
  /// What has been captured: variables, and tensors that are computed from some.
  const std::vector<Tensor>& captured() const { return captured_; }
  const std::string& name() const override;
  bool reads_value() const override { return false; }
  std::vector<Tensor> pull_back(std::span<const Tensor> in, std::span<const Tensor> out,
                                std::span<const Tensor> g, bool recorded) const override;

 protected:
  /// The results for these tensors, once more.
  virtual std::vector<Tensor> called_again(std::span<const Tensor> in) const = 0;

 private:
  std::vector<Tensor> captured_;
  std::shared_ptr<const void> buffers_;  // to which the function has assigned, with what they held before
  std::uint64_t bits_ = 0;               // of the results
};

template <class F, class... A>
class RecomputedCall final : public Recomputed {
 public:
  RecomputedCall(F f, const std::tuple<A...>& arguments)
      : f_(std::move(f)), arguments_(without_tensors(arguments)) {}

 private:
  // With copies, as either may hold a generator, which goes on when numbers are drawn.
  std::vector<Tensor> called_again(std::span<const Tensor> in) const override {
    F f = f_;
    std::tuple<A...> arguments = with_tensors(arguments_, in.data());
    std::vector<Tensor> results;
    append_leaves(structure_of(std::apply([&](A&... each) { return f(each...); }, arguments)), results);
    return results;
  }
  F f_;
  std::tuple<A...> arguments_;
};

/// Calls f with these arguments, but for tensors with those in `replaced`.
template <class F, class Given, class Replaced, std::size_t... I>
auto call_with_tensors(F& f, Given& given, Replaced& replaced, std::index_sequence<I...>) {
  const auto pick = [&]<std::size_t K>(std::integral_constant<std::size_t, K>) -> decltype(auto) {
    if constexpr (Structure<std::tuple_element_t<K, Replaced>>)
      return (std::get<K>(replaced));
    else
      return (std::get<K>(given));
  };
  return f(pick(std::integral_constant<std::size_t, I>())...);
}

/// Is anything recorded here, and only for derivatives?
bool is_recording();

template <class F, class... A>
auto checkpointed(const F& function, A&&... arguments) {
  std::tuple<Kept<A>...> kept(tensor_if_parameter(arguments)...);
  std::vector<Tensor> in;
  for_each_tensor(kept, [&](const auto& leaf, const Place&) { in.push_back(leaf_value(leaf)); });
  const auto rule = std::make_shared<RecomputedCall<F, Kept<A>...>>(function, kept);
  auto given = std::forward_as_tuple(std::forward<A>(arguments)...);
  F f = function;
  using Value = Structured<decltype(call_with_tensors(f, given, kept, std::index_sequence_for<A...>()))>;
  std::optional<Value> value;
  const auto call = [&](std::span<const Tensor> tensors) {
    kept = with_tensors(kept, tensors.data());
    value = structure_of(call_with_tensors(f, given, kept, std::index_sequence_for<A...>()));
    std::vector<Tensor> results;
    append_leaves(*value, results);
    return results;
  };
  if (!is_recording()) {
    const Scope scope("checkpoint");
    (void)call(in);
    return std::move(*value);
  }
  std::vector<Tensor> out = rule->called_first(in, call);
  in.insert(in.end(), rule->captured().begin(), rule->captured().end());
  if (is_to_be_recorded(in)) out = with_rule({}, rule, in, out);
  return like_value(*value, out);
}

/// Where to cut n functions into parts.
std::vector<std::size_t> segment_ends(std::size_t functions, std::size_t segments);

}  // namespace detail

/// The same function, of which only arguments and results are kept for the backward pass: what is between is
/// computed again when that comes to it, in a scope named "checkpoint". f takes and gives tensors and
/// structures of them (see transforms.h), and anything else that can be copied; it may use captured variables
/// and parameters. Gradients are the same to the bit; they can be differentiated in turn, and checkpoints
/// nest in each other and in transforms.
///
/// f must compute the same again, so it is kept as a copy, and so are its arguments: a Generator gives the
/// same random numbers if it is an argument, or captured by value, in which case it starts anew in each call.
/// Buffers of modules are, for the time, what they were: a Dropout drops the same, and running statistics
/// move once. GradError in the backward pass if the results are others, as from a generator captured by
/// reference or a parameter that was assigned to in between. Where nothing is recorded, f is just called.
/// Source: Griewank and Walther, "Revolve", 2000; Chen and others, "Training deep nets with sublinear memory
/// cost", 2016.
template <class F>
auto checkpoint(F f) {
  return [f = std::move(f)]<class... A>(A && ... arguments) requires std::is_invocable_v < F&, detail::Kept<A>
  &... > { return detail::checkpointed(f, std::forward<A>(arguments)...); };
}

/// Functions that follow each other, as the layers of a network: each takes what the one before gives. They
/// are computed in `segments` parts, of which all but the last are checkpoints; 0 stands for √n parts, with
/// which peak memory grows with the square root of their number n. std::invalid_argument for more parts than
/// functions.
template <class F, class X>
auto checkpoint_sequential(const std::vector<F>& functions, const X& x, std::size_t segments = 0) {
  const std::vector<std::size_t> ends = detail::segment_ends(functions.size(), segments);
  detail::Structured<X> value = detail::structure_of(x);
  std::size_t begin = 0;
  for (const std::size_t end : ends) {
    const auto part = [layers = std::vector<F>(functions.begin() + static_cast<std::ptrdiff_t>(begin),
                                               functions.begin() + static_cast<std::ptrdiff_t>(end))](
                          detail::Structured<X> at) {
      for (const F& layer : layers) at = layer(at);
      return at;
    };
    value = end == functions.size() ? part(std::move(value)) : checkpoint(part)(value);
    begin = end;
  }
  return value;
}

}  // namespace chainrule
