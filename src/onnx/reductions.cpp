// Reductions over axes, which are an attribute in older opsets and an input in newer ones; running sums; and
// where the extreme elements are.

#include <limits>

#include "chainrule/indexing.h"
#include "chainrule/statistics.h"
#include "onnx/call.h"
#include "onnx/operators.h"

namespace chainrule::onnx {
namespace {

/// Over which axes, from 0 on; all where none are named, unless the node says that this means none.
struct Reduction {
  std::vector<std::int64_t> axes;
  bool keepdims = true;
};

Reduction reduction_of(const Call& call) {
  Reduction reduction;
  const std::size_t rank = call[0].rank();
  reduction.keepdims = call.flag("keepdims", true);
  const bool none = call.flag("noop_with_empty_axes");
  if (const auto axes = call.integers("axes")) reduction.axes = *axes;
  if (call.has(1)) reduction.axes = call.list(1);
  for (std::int64_t& axis : reduction.axes) axis = Call::axis(axis, rank);
  if (reduction.axes.empty() && !none)
    for (std::size_t axis = 0; axis < rank; ++axis) reduction.axes.push_back(static_cast<std::int64_t>(axis));
  return reduction;
}

/// f(x, axes, keepdims), or what the reduction of nothing gives, `of_nothing`, in the shape of the result.
using Function = Tensor (*)(const Operand&, const Axes&, Flag);
Tensor reduced(const Tensor& x, const Reduction& reduction, Function f,
               std::optional<double> of_nothing = {}) {
  if (of_nothing && x.size() == 0) {
    const Tensor shape_of_result = sum(x, Axes(reduction.axes), reduction.keepdims);
    return shape_of_result + full(shape_of_result.shape(), *of_nothing, x.dtype());
  }
  return f(x, Axes(reduction.axes), reduction.keepdims);
}

template <Tensor (*f)(const Operand&, const Axes&, Flag)>
Values reduce(const Call& call) {
  return one(reduced(call[0], reduction_of(call), f));
}

constexpr double infinity = std::numeric_limits<double>::infinity();

Values reduce_max(const Call& call) {
  const Reduction reduction = reduction_of(call);
  if (call[0].dtype() == DType::boolean) return one(any(call[0], Axes(reduction.axes), reduction.keepdims));
  return one(reduced(call[0], reduction, max, -infinity));
}

Values reduce_min(const Call& call) {
  const Reduction reduction = reduction_of(call);
  if (call[0].dtype() == DType::boolean) return one(all(call[0], Axes(reduction.axes), reduction.keepdims));
  return one(reduced(call[0], reduction, min, infinity));
}

/// Of whole numbers the mean is one, rounded towards 0.
Values reduce_mean(const Call& call) {
  const Tensor result = reduced(call[0], reduction_of(call), mean, std::numeric_limits<double>::quiet_NaN());
  return one(call[0].dtype() == DType::int64 ? cast(result, DType::int64) : result);
}

Values reduce_l1(const Call& call) { return one(reduced(abs(call[0]), reduction_of(call), sum)); }
Values reduce_l2(const Call& call) {
  const Tensor result = reduced(call[0], reduction_of(call), norm);
  return one(call[0].dtype() == DType::int64 ? cast(result, DType::int64) : result);
}
Values reduce_sum_square(const Call& call) { return one(reduced(square(call[0]), reduction_of(call), sum)); }
Values reduce_log_sum(const Call& call) { return one(log(reduced(call[0], reduction_of(call), sum))); }
Values reduce_log_sum_exp(const Call& call) {
  return one(reduced(call[0], reduction_of(call), logsumexp, -infinity));
}

/// Where the extreme element is; of equal ones the first, or the last.
template <Tensor (*f)(const Operand&, OptionalInteger, Flag)>
Values arg(const Call& call) {
  const Tensor& x = call[0];
  const std::int64_t axis = Call::axis(call.integer("axis", 0), x.rank());
  const bool keepdims = call.flag("keepdims", true);
  if (!call.flag("select_last_index")) return one(f(x, axis, keepdims), ElementType::int64);
  const std::int64_t last = x.shape()[static_cast<std::size_t>(axis)] - 1;
  const std::int64_t size[] = {last + 1};
  call.require_size(size);
  std::vector<std::int64_t> backwards;
  for (std::int64_t i = last; i >= 0; --i) backwards.push_back(i);
  return one(last - f(index_select(x, axis, tensor(std::move(backwards))), axis, keepdims),
             ElementType::int64);
}

/// Sums or products of what stands before, and of each element itself unless `exclusive`.
template <Tensor (*f)(const Operand&, OptionalInteger)>
Values cumulative(const Call& call, double neutral) {
  Tensor x = call[0];
  const std::int64_t axis = Call::axis(call.whole(1), x.rank());
  const bool exclusive = call.flag("exclusive"), reverse = call.flag("reverse");
  const std::int64_t size = x.shape()[static_cast<std::size_t>(axis)];
  const auto part = [&](const Tensor& of, Slice slice) {
    std::vector<Index> where(of.rank(), Slice{});
    where[static_cast<std::size_t>(axis)] = slice;
    return index(of, where);
  };
  if (size == 0) return one(x);
  if (reverse) x = part(x, {.step = -1});
  if (exclusive) {
    Tensor first = part(x, {.start = 0, .stop = 1});
    first = full(first.shape(), neutral, x.dtype());
    const Tensor parts[] = {first, part(x, {.start = 0, .stop = size - 1})};
    x = concatenate(parts, axis);
  }
  Tensor result = f(x, axis);
  if (reverse) result = part(result, {.step = -1});
  return one(result);
}
Values cumulative_sum(const Call& call) { return cumulative<cumsum>(call, 0); }
Values cumulative_product(const Call& call) { return cumulative<cumprod>(call, 1); }

constexpr Operator table[] = {
    {"ArgMax", arg<argmax>},          {"ArgMin", arg<argmin>},
    {"CumProd", cumulative_product},  {"CumSum", cumulative_sum},
    {"ReduceL1", reduce_l1},          {"ReduceL2", reduce_l2},
    {"ReduceLogSum", reduce_log_sum}, {"ReduceLogSumExp", reduce_log_sum_exp},
    {"ReduceMax", reduce_max},        {"ReduceMean", reduce_mean},
    {"ReduceMin", reduce_min},        {"ReduceProd", reduce<prod>},
    {"ReduceSum", reduce<sum>},       {"ReduceSumSquare", reduce_sum_square},
};

}  // namespace

std::span<const Operator> reduction_operators() { return table; }

}  // namespace chainrule::onnx
