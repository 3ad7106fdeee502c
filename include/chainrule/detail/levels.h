/// \file
/// Runs of functions under vmap and jvp, whose arguments stand for what is seen outside: for tensors with one
/// more axis, or for primals with their tangents. src/autograd/levels.cpp; src/graph/traced.h says what
/// happens inside.

#pragma once

#include <memory>
#include <optional>

#include "chainrule/detail/trace.h"
#include "chainrule/graph.h"
#include "chainrule/random.h"

namespace CHAINRULE_API chainrule {

class RunningTransform;

namespace detail {

/// One run of f under jvp, in a scope of that name.
class ForwardRun {
 public:
  /// `called` must outlive it.
  explicit ForwardRun(std::string_view called);
  ~ForwardRun();
  ForwardRun(const ForwardRun&) = delete;
  ForwardRun& operator=(const ForwardRun&) = delete;

  /// What stands for a primal while f runs. An empty tangent is zero.
  Tensor input(const Tensor& primal, const Tensor& tangent, const Place& place);
  /// GradError for an empty handle.
  void require_result(const Tensor& result, const Place& place) const;
  Tensor primal(const Tensor& result) const;
  Tensor tangent(const Tensor& result) const;

 private:
  std::string_view called_;
  Scope scope_;
  std::unique_ptr<RunningTransform> running_;
};

/// An axis of a tensor along which samples are, or none.
using SampleAxis = std::optional<std::int64_t>;

/// How many samples the arguments of a vmap have.
class Samples {
 public:
  explicit Samples(std::string_view called) : called_(called) {}
  /// Takes an argument that has them along this axis. ShapeError where it has not, or another number.
  void add(const Tensor& argument, std::int64_t axis, const Place& place);
  /// ShapeError if no argument has any.
  std::int64_t count() const;
  std::string_view called() const { return called_; }

 private:
  std::string_view called_;
  std::optional<std::int64_t> count_;
  std::string first_;
};

/// One run of f under vmap, in a scope of that name, on the samples from `first` to before `last` of `count`.
class BatchedRun {
 public:
  BatchedRun(std::string_view called, std::int64_t first, std::int64_t last, std::int64_t count,
             Randomness randomness);
  ~BatchedRun();
  BatchedRun(const BatchedRun&) = delete;
  BatchedRun& operator=(const BatchedRun&) = delete;

  Tensor input(const Tensor& argument, std::int64_t axis);
  /// The result of all samples, along axis 0; without an axis that of all alike. GradError for an empty
  /// handle or a result that differs between samples but has no axis.
  Tensor output(const Tensor& result, SampleAxis axis, const Place& place) const;

 private:
  std::string_view called_;
  std::int64_t first_, last_;
  bool is_part_;
  Scope scope_;
  std::unique_ptr<RunningTransform> running_;
};

/// The results of runs one after the other, with the samples at this axis.
Tensor joined(std::string_view called, std::span<const Tensor> parts, SampleAxis axis, const Place& place);

/// The axis of argument `number`, or of a result: the first for all where only one is given.
SampleAxis axis_for(std::string_view called, std::string_view what, const std::vector<SampleAxis>& axes,
                    std::size_t number, std::size_t count);
/// std::invalid_argument for a negative one.
std::int64_t checked_chunk(std::string_view called, std::int64_t chunk_size);

/// The tensors of one argument, or of a tuple of those of f, as many as `at` has.
template <class F, class P, class... S>
std::vector<Tensor> leaves_for(std::string_view called, std::string_view what, const P& given,
                               const std::tuple<S...>& at) {
  std::vector<Tensor> tensors, expected;
  const auto append = [](const auto& structures, std::vector<Tensor>& to) {
    std::apply([&](const auto&... each) { (append_leaves(each, to), ...); }, structures);
  };
  append(arguments_for<F>(given), tensors);
  append(at, expected);
  return checked_count(called, what, std::move(tensors), expected.size());
}

/// f with tangents, as tensors in the order of the arguments: the value and tangents of the results.
template <class F, class... S>
auto pushed_forward(std::string_view called, const F& f, const std::tuple<S...>& at,
                    const std::vector<Tensor>& tangents) {
  ForwardRun run(called);
  const Tensor* next = tangents.data();
  std::size_t number = 0;
  const auto one = [&](const auto& structure) {
    return changed(structure, argument(number++), [&](const Tensor& primal, const Place& place) {
      return run.input(primal, *next++, place);
    });
  };
  const auto inside = std::apply([&](const S&... each) { return std::tuple<S...>{one(each)...}; }, at);
  const auto result = structure_of(std::apply(f, inside));
  auto value = changed(result, the_result, [&](const Tensor& each, const Place& place) {
    run.require_result(each, place);
    return run.primal(each);
  });
  auto tangent = changed(result, {}, [&](const Tensor& each, const Place&) { return run.tangent(each); });
  return std::pair(std::move(value), std::move(tangent));
}

}  // namespace detail
}  // namespace chainrule
