// Runs of functions under vmap and jvp: what stands for their arguments, and what their results stand for.
// Each run has a level; chunks of a vmap share random numbers through graph/chunks.h.

#include "chainrule/detail/levels.h"

#include "chainrule/indexing.h"
#include "chainrule/ops.h"
#include "chainrule/shaping.h"
#include "graph/chunks.h"
#include "graph/traced.h"

namespace chainrule::detail {
namespace {

[[noreturn]] void report_empty(std::string_view called, const Place& place) {
  throw GradError(std::string(called) + ": " + place.text() +
                  " of the function is an empty handle; return a tensor");
}

/// What a tensor stands for in this run, or null.
const Traced* traced_by(const RunningTransform& run, const Tensor& tensor) {
  const Traced* const of = traced(tensor);
  return of != nullptr && of->level == run.level() ? of : nullptr;
}

}  // namespace

ForwardRun::ForwardRun(std::string_view called)
    : called_(called), scope_(called), running_(std::make_unique<RunningTransform>(called)) {}
ForwardRun::~ForwardRun() = default;

Tensor ForwardRun::input(const Tensor& primal, const Tensor& tangent, const Place& place) {
  Trace::require_differentiable(called_, primal, place);
  if (tangent.is_empty()) return primal;
  if (tangent.shape() != primal.shape())
    throw ShapeError(std::string(called_) + ": the tangent of " + place.text() + " has shape " +
                     to_string(tangent.shape()) + ", the argument " + to_string(primal.shape()) +
                     "; they must be equal");
  Tensor inside = constant(dual_value(running_->level(), primal, cast(tangent, primal.dtype())));
  if (std::string name = primal.name(); !name.empty()) return std::move(inside).named(std::move(name));
  return inside;
}

void ForwardRun::require_result(const Tensor& result, const Place& place) const {
  if (result.is_empty()) report_empty(called_, place);
}

Tensor ForwardRun::primal(const Tensor& result) const {
  const Traced* const of = traced_by(*running_, result);
  return of != nullptr ? of->inner : result;
}

Tensor ForwardRun::tangent(const Tensor& result) const {
  const Traced* const of = traced_by(*running_, result);
  return of != nullptr && !of->tangent.is_empty() ? of->tangent : zeros_like(result);
}

void Samples::add(const Tensor& argument, std::int64_t axis, const Place& place) {
  const std::string name(called_);
  if (argument.is_empty())
    throw GradError(name + ": " + place.text() + " is an empty handle; assign a tensor to it first");
  const Shape& shape = argument.shape();
  const auto rank = static_cast<std::int64_t>(shape.rank());
  if (axis < -rank || axis >= rank)
    throw ShapeError(name + ": " + place.text() + " of shape " + to_string(shape) + " has no axis " +
                     std::to_string(axis) +
                     "; give its axis in in_axes, or no_axis if it is the same for all");
  const std::int64_t size = shape[static_cast<std::size_t>(axis < 0 ? axis + rank : axis)];
  const std::string text = place.text() + " has " + std::to_string(size) + " samples along axis " +
                           std::to_string(axis) + " of shape " + to_string(shape);
  if (!count_) {
    count_ = size;
    first_ = text;
  } else if (*count_ != size) {
    throw ShapeError(name + ": " + first_ + ", but " + text + "; they must have the same number");
  }
}

std::int64_t Samples::count() const {
  if (!count_)
    throw ShapeError(std::string(called_) +
                     ": no argument has samples; give an axis of one of them at least in in_axes");
  return *count_;
}

BatchedRun::BatchedRun(std::string_view called, std::int64_t first, std::int64_t last, std::int64_t count,
                       Randomness randomness)
    : called_(called),
      first_(first),
      last_(last),
      is_part_(last - first != count),
      scope_(called),
      running_(std::make_unique<RunningTransform>(called, last - first, randomness)) {
  if (is_part_) enter_chunk(first == 0, last == count, randomness == Randomness::same);
}
BatchedRun::~BatchedRun() {
  if (is_part_) leave_chunk();
}

Tensor BatchedRun::input(const Tensor& argument, std::int64_t axis) {
  const auto rank = static_cast<std::int64_t>(argument.shape().rank());
  if (axis < 0) axis += rank;
  Tensor physical = argument;
  if (is_part_) {
    std::vector<Index> where(static_cast<std::size_t>(axis) + 1, Slice{});
    where.back() = Slice{first_, last_};
    physical = index(physical, where);
  }
  if (axis != 0) physical = moveaxis(physical, axis, 0);
  Tensor inside = constant(batched_value(running_->level(), physical));
  if (std::string name = argument.name(); !name.empty()) return std::move(inside).named(std::move(name));
  return inside;
}

Tensor BatchedRun::output(const Tensor& result, SampleAxis axis, const Place& place) const {
  if (result.is_empty()) report_empty(called_, place);
  const Traced* const of = traced_by(*running_, result);
  if (!axis) {
    if (of == nullptr) return result;
    throw GradError(std::string(called_) + ": " + place.text() +
                    " of the function is another for each sample, so it needs an axis in out_axes");
  }
  if (of != nullptr) return of->inner;
  const Shape& shape = result.shape();
  return broadcast_to(result, with_first(last_ - first_, shape));
}

Tensor joined(std::string_view called, std::span<const Tensor> parts, SampleAxis axis, const Place& place) {
  if (!axis) return parts.front();
  Tensor all = parts.size() == 1 ? parts.front() : concatenate({parts.begin(), parts.end()}, 0);
  const auto rank = static_cast<std::int64_t>(all.shape().rank());
  if (*axis < -rank || *axis >= rank)
    throw ShapeError(std::string(called) + ": " + place.text() + " has shape " + to_string(all.shape()) +
                     " with its samples, so they cannot be along axis " + std::to_string(*axis) +
                     "; give another in out_axes");
  return *axis == 0 || *axis == -rank ? all : moveaxis(all, 0, *axis);
}

SampleAxis axis_for(std::string_view called, std::string_view what, const std::vector<SampleAxis>& axes,
                    std::size_t number, std::size_t count) {
  if (axes.size() != 1 && axes.size() != count)
    throw ShapeError(std::string(called) + ": " + std::to_string(axes.size()) + " axes for " +
                     std::to_string(count) + " " + std::string(what) + (count == 1 ? "" : "s") +
                     "; give one for each, or one for all");
  return axes.size() == 1 ? axes.front() : axes[number];
}

std::int64_t checked_chunk(std::string_view called, std::int64_t chunk_size) {
  if (chunk_size < 0)
    throw std::invalid_argument(std::string(called) + ": chunk_size is " + std::to_string(chunk_size) +
                                "; give how many samples to take at once, or 0 for all");
  return chunk_size;
}

}  // namespace chainrule::detail
