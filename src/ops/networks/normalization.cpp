// Normalisation of groups of elements, and what layers make of it. One operation over kernels/normalize.h;
// its derivatives of higher order are made of operations.

#include <array>
#include <cmath>
#include <limits>
#include <memory>

#include "chainrule/functions.h"
#include "chainrule/statistics.h"
#include "kernels/normalize.h"
#include "ops/networks/channel_scaling.h"
#include "ops/networks/resampling.h"
#include "ops/networks/spatial.h"
#include "ops/registry.h"
#include "ops/scaling.h"

namespace chainrule {
namespace ops {

/// y = (x - mean) / √(variance + eps) · weight + bias for each group in x (outer, groups, inner), see
/// kernels::Groups; without the mean where not `centred`. There may be no bias, or neither.
struct Normalize {
  static constexpr std::string_view name = "normalize_groups",
                                    formula =
                                        "∂(ŷ · w + b), ŷ = (x − mean) / √(variance + eps), h = g · w: to x: "
                                        "(h − mean(h) − ŷ · mean(h · ŷ)) / "
                                        "√(variance + eps),  to w: Σ g · ŷ,  to b: Σ g";
  kernels::Groups groups;
  double eps;
  bool centred;
  using Saved = kernels::GroupStatistics;

  Array forward(Values in, Saved& statistics, Wanted) const {
    return kernels::normalize(*in[0], in.size() > 1 ? in[1] : nullptr, in.size() > 2 ? in[2] : nullptr,
                              groups, eps, centred, statistics);
  }
  Tensor composed(Inputs in) const {
    const Tensor& x = in[0];
    Tensor y = distance_of(x) * inverse_of(distance_of(x));
    if (in.size() == 1) return y;
    const Shape one = {groups.period, groups.weights_of_group(), 1};
    y = reshape(y, split()) * reshape(in[1], one);
    if (in.size() > 2) y = y + reshape(in[2], one);
    return reshape(y, x.shape());
  }
  Tensor distance_of(const Tensor& x) const { return centred ? x - mean(x, {0, 2}, true) : x; }
  /// 1 / √(mean of distance² + eps), also where the squares overflow, or vanish with no eps beside them: by a
  /// factor for the group, a constant, which cancels in every derivative.
  Tensor inverse_of(const Tensor& distance) const {
    const Axes group = {0, 2};
    const Tensor largest = max(abs(distance.detach()), group, true);
    const Tensor factor = scale_for_squares(largest, eps == 0);
    return factor / sqrt(mean(square(distance * factor), group, true) + (eps * factor) * factor);
  }
  Attributes attributes() const {
    return {{"eps", eps},
            {"centred", centred},
            {"outer", groups.outer},
            {"count", groups.count},
            {"period", groups.period},
            {"weights_of_group", groups.weights_of_group()},
            {"plane", groups.plane}};
  }
  static std::int64_t flops(Inputs in, const Shape&) { return 10 * in[0].size(); }
  Reads reads(Wanted wanted) const {
    return (wanted(0) ? reads_input(0) | reads_input(1) : 0) | (wanted(1) ? reads_input(0) : 0);
  }
  void vjp(Inputs in, const Tensor&, const Tensor& g, Cotangents& to, const Saved& statistics) const {
    const Tensor& x = in[0];
    const bool weighted = in.size() > 1, to_weight = weighted && to.wants(1),
               to_bias = in.size() > 2 && to.wants(2);
    const Axes others = {0, 1, 4};
    const auto to_weights = [&](const Tensor& tensor, const Tensor& of) {
      return reshape(sum(reshape(tensor, split()), others), of.shape());
    };
    std::array<Tensor, 2> numbers;
    if (to.in_numbers() && (to.wants(0) || to_weight)) {
      const auto array = [&](bool wanted, std::size_t i) {
        return wanted ? Array(in[i].shape(), x.dtype()) : Array();
      };
      Array weight = array(to_weight, 1), bias = array(to_bias, 2);
      // Only to the weight, that of x is of no use, and the weight, which is not read, may be gone: as if it
      // were 1.
      const Tensor ones_instead = weighted && !to.wants(0) ? ones(in[1].shape(), x.dtype()) : Tensor();
      const Array* scale = !weighted ? nullptr : &value_of(to.wants(0) ? in[1] : ones_instead);
      Array result = kernels::normalize_gradient(value_of(x), scale, value_of(g), groups, centred, statistics,
                                                 to_weight ? &weight : nullptr, to_bias ? &bias : nullptr);
      const bool mend = has_spoiled_groups(result);
      if (to.wants(0)) numbers[0] = constant(std::move(result));
      if (to_weight) numbers[1] = constant(std::move(weight));
      if (to_bias) to[2] = constant(std::move(bias));
      if (!mend) {
        if (to.wants(0)) to[0] = std::move(numbers[0]);
        if (to_weight) to[1] = std::move(numbers[1]);
        return;
      }
    } else if (to_bias) {
      to[2] = to_weights(g, in[2]);
    }
    if (!to.wants(0) && !to_weight) return;
    const Axes group = {0, 2};
    const Tensor distance = distance_of(x), inverse = inverse_of(distance), y = distance * inverse;
    const auto mended = [&](std::size_t i, const Tensor& gradient) {
      return numbers[i].is_empty() ? gradient : where(isnan(numbers[i]), gradient, numbers[i]);
    };
    if (to_weight) to[1] = mended(1, to_weights(strong_product(g, y), in[1]));
    if (!to.wants(0)) return;
    const Tensor h =
        weighted ? reshape(strong_product(reshape(g, split()),
                                          reshape(in[1], {groups.period, groups.weights_of_group(), 1})),
                           x.shape())
                 : g;
    const Tensor rest = centred ? h - mean(h, group, true) : h;
    const Tensor along = mean(strong_product(h, y), group, true);
    to[0] = mended(0, strong_product(rest - strong_product(y, along), inverse));
  }
  LocalFormula local_formula(std::size_t input, std::span<const std::string>, const std::string&) const {
    return {input == 0   ? "(h - mean(h) - ŷ mean(h ŷ)) / sqrt(variance + eps)"
            : input == 1 ? "Σ g ŷ"
                         : "Σ g",
            false};
  }

 private:
  /// (outer, rounds, period, weights of a group, plane), where a weight is (period, weights of a group, 1).
  Shape split() const {
    return {groups.outer, groups.period == 0 ? 0 : groups.count / groups.period, groups.period,
            groups.weights_of_group(), groups.plane};
  }
  /// Is a gradient NaN? Where one is, all of its group are. A group to which 0 comes from above has 0,
  /// though, whatever is in it.
  bool has_spoiled_groups(const Array& gradient) const {
    return dispatch_floating(gradient.dtype(), [&]<class T>() {
      const T* const elements = gradient.data<T>();
      for (std::int64_t i = 0; i < groups.count && gradient.size() != 0; ++i)
        if (std::isnan(elements[i * groups.inner])) return true;
      return false;
    });
  }
};

namespace {

[[noreturn]] void fail(const char* operation, const std::string& what) {
  throw ShapeError(std::string(operation) + ": " + what);
}

/// With weight and bias, if any, of shape `own`.
Tensor normalized(const char* operation, const Tensor& x, const kernels::Groups& groups,
                  const NormOptions& options, bool centred, const Shape& own, Here here,
                  kernels::GroupStatistics* statistics = nullptr) {
  for (const auto& [tensor, what] : {std::pair(&options.weight, "weight"), std::pair(&options.bias, "bias")})
    if (!tensor->is_empty() && tensor->shape() != own)
      fail(operation,
           std::string(what) + " has shape " + to_string(tensor->shape()) + "; it must be " + to_string(own));
  const Normalize op{groups, options.eps, centred};
  kernels::GroupStatistics unused, &found = statistics != nullptr ? *statistics : unused;
  const Tensor grouped = reshape(x, {groups.outer, groups.count, groups.inner});
  const auto flat = [&](const Tensor& tensor) { return reshape(tensor, {own.size()}); };
  const Argument in(grouped);
  const bool biased = !options.bias.is_empty();
  const Tensor weight = !options.weight.is_empty() ? flat(options.weight)
                        : biased                   ? ones({own.size()}, x.dtype())
                                                   : Tensor();
  if (weight.is_empty()) return reshape(apply(Normalize(op), here, found, in), x.shape());
  const Argument scale(weight, x.dtype());
  if (!biased) return reshape(apply(Normalize(op), here, found, in, scale), x.shape());
  return reshape(apply(Normalize(op), here, found, in, scale, Argument(flat(options.bias), x.dtype())),
                 x.shape());
}

DType dtype_of_all(const Operand& x, const NormOptions& options) {
  CommonDType common;
  common.meet(x);
  for (const Tensor* each : {&options.weight, &options.bias})
    if (!each->is_empty()) common.meet(*each);
  return real_dtype(common.result());
}

/// The groups of the last axes, which must be of this shape.
kernels::Groups last_axes(const char* operation, const Shape& x, const Shape& normalized) {
  const std::size_t n = normalized.rank();
  if (n == 0) fail(operation, "no axes to normalise; give the sizes of the last ones");
  if (x.rank() < n || Shape(x.sizes().last(n)) != normalized)
    fail(operation, "x " + to_string(x) + " does not end in the shape " + to_string(normalized) +
                        " to normalise; give the sizes of its last axes");
  return {1, Shape(x.sizes().first(x.rank() - n)).size(), normalized.size(), 1, 1};
}

void require_channels(const char* operation, const Shape& x) {
  if (x.rank() < 2) fail(operation, "x has shape " + to_string(x) + "; it must be (N, C, ...)");
}
std::int64_t plane(const Shape& x) { return Shape(x.sizes().subspan(2)).size(); }

/// Normalised by groups within the samples.
Tensor within_samples(const char* operation, const Tensor& x, std::int64_t groups, const NormOptions& options,
                      Here here) {
  const Shape& shape = x.shape();
  const std::int64_t size = plane(shape),
                     parts = std::max<std::int64_t>(groups, 1);  // there may be no channels
  return normalized(operation, x, {1, shape[0] * parts, shape[1] / parts * size, parts, size}, options, true,
                    {shape[1]}, here);
}

}  // namespace
}  // namespace ops

Tensor layer_norm(const Operand& x, const Shape& normalized, const NormOptions& options) try {
  const Tensor in = x.as(ops::dtype_of_all(x, options));
  const kernels::Groups groups = ops::last_axes("layer_norm", in.shape(), normalized);
  return ops::normalized("layer_norm", in, groups, options, true, normalized, x.here());
} catch (...) {
  rethrow_in_call("layer_norm", x);
}

Tensor rms_norm(const Operand& x, const Shape& normalized, const Tensor& weight,
                std::optional<double> eps) try {
  NormOptions options = {.weight = weight};
  const Tensor in = x.as(ops::dtype_of_all(x, options));
  const kernels::Groups groups = ops::last_axes("rms_norm", in.shape(), normalized);
  const double least = in.dtype() == DType::float32
                           ? static_cast<double>(std::numeric_limits<float>::epsilon())
                           : std::numeric_limits<double>::epsilon();
  options.eps = eps.value_or(least);
  return ops::normalized("rms_norm", in, groups, options, false, normalized, x.here());
} catch (...) {
  rethrow_in_call("rms_norm", x);
}

Tensor group_norm(const Operand& x, Integer groups, const NormOptions& options) try {
  const Tensor in = x.as(ops::dtype_of_all(x, options));
  ops::require_channels("group_norm", in.shape());
  if (groups < 1 || in.shape()[1] % groups != 0)
    ops::fail("group_norm", std::to_string(groups) + " groups do not divide the " +
                                std::to_string(in.shape()[1]) + " channels of x " + to_string(in.shape()) +
                                "; choose a divisor");
  return ops::within_samples("group_norm", in, groups, options, x.here());
} catch (...) {
  rethrow_in_call("group_norm", x);
}

Tensor instance_norm(const Operand& x, const NormOptions& options) try {
  const Tensor in = x.as(ops::dtype_of_all(x, options));
  const Shape& shape = in.shape();
  ops::require_channels("instance_norm", shape);
  if (in.size() != 0 && (shape.rank() == 2 ? shape[1] : ops::plane(shape)) == 1)
    ops::fail("instance_norm",
              "x " + to_string(shape) +
                  " has one element in each channel of each sample, and so no variance; give "
                  "(N, C, ...) with more of them, or take layer_norm or batch_norm");
  if (shape.rank() == 2) {  // one sample (C, L)
    const Tensor batch = reshape(in, {1, shape[0], shape[1]});
    return reshape(ops::within_samples("instance_norm", batch, shape[0], options, x.here()), shape);
  }
  return ops::within_samples("instance_norm", in, shape[1], options, x.here());
} catch (...) {
  rethrow_in_call("instance_norm", x);
}

Tensor batch_norm(const Operand& x, const Operand& mean, const Operand& variance,
                  const NormOptions& options) try {
  const Tensor in = x.as(ops::dtype_of_all(x, options));
  ops::require_channels("batch_norm", in.shape());
  const Shape own = {in.shape()[1]};
  const auto fitted = [&](const Operand& of, const char* what) {
    Tensor tensor = of.as(in.dtype());
    if (tensor.shape() != own)
      ops::fail("batch_norm", std::string(what) + " has shape " + to_string(tensor.shape()) + ", x " +
                                  to_string(in.shape()) + "; it must be (C,)");
    return tensor;
  };
  const Tensor centre = fitted(mean, "mean");
  Tensor scale = 1 / sqrt(fitted(variance, "variance") + options.eps);
  if (!options.weight.is_empty()) scale = fitted(options.weight, "weight") * scale;
  const Tensor shift = options.bias.is_empty() ? zeros(own, in.dtype()) : fitted(options.bias, "bias");
  const Tensor grouped = reshape(in, {in.shape()[0], in.shape()[1], ops::plane(in.shape())});
  return reshape(ops::scale_channels(grouped, centre, scale, shift, x.here()), in.shape());
} catch (...) {
  rethrow_in_call("batch_norm", x, mean, variance);
}

BatchNormed batch_norm_training(const Operand& x, const NormOptions& options) try {
  const Tensor in = x.as(ops::dtype_of_all(x, options));
  const Shape& shape = in.shape();
  ops::require_channels("batch_norm_training", shape);
  const kernels::Groups groups = {shape[0], shape[1], ops::plane(shape), shape[1], ops::plane(shape)};
  if (groups.elements() < 2)
    ops::fail("batch_norm_training", "x " + to_string(shape) + " has " + std::to_string(groups.elements()) +
                                         " elements in a channel; a variance takes two at least");
  kernels::GroupStatistics statistics;
  const Tensor y =
      ops::normalized("batch_norm_training", in, groups, options, true, {shape[1]}, x.here(), &statistics);
  const auto n = static_cast<double>(groups.elements());
  if (statistics.numbers.shape().rank() == 0) {  // nothing has been found on the way: something is traced
    const Tensor grouped = reshape(in.detach(), {groups.outer, groups.count, groups.inner});
    const Tensor middle = mean(grouped, {0, 2}, true);
    return {y, reshape(middle, {shape[1]}), sum(square(grouped - middle), {0, 2}) / (n - 1)};
  }
  const Tensor numbers = constant(statistics.numbers);
  return {y, numbers[0] + numbers[1], numbers[3] * (n / (n - 1))};
} catch (...) {
  rethrow_in_call("batch_norm_training", x);
}

Tensor normalize(const Operand& x, double p, Integer axis, double eps) try {
  const DType dtype = ops::real_dtype(ops::dtype_of(x));
  const Tensor in = x.as(computed_in(dtype));  // eps may be 0 in a half
  return Operand(div({in, x.here()}, maximum(vector_norm(in, p, std::int64_t{axis}, true), eps))).as(dtype);
} catch (...) {
  rethrow_in_call("normalize", x);
}

Tensor local_response_norm(const Operand& x, Integer size, double alpha, double beta, double k) try {
  const Tensor in = x.as(ops::real_dtype(ops::dtype_of(x)));
  ops::require_channels("local_response_norm", in.shape());
  if (size < 1)
    ops::fail("local_response_norm", "size is " + std::to_string(size) + "; it must be at least 1");
  const std::int64_t channels = in.shape()[1];
  kernels::SparseMatrix neighbours;
  neighbours.column_count = channels;
  for (std::int64_t i = 0; i < channels; ++i) {
    const std::int64_t before = std::min(i, size / 2), behind = std::min(channels - 1 - i, (size - 1) / 2);
    for (std::int64_t j = i - before; j <= i + behind; ++j) neighbours.add(j, 1);
    neighbours.end_row();
  }
  const auto powers = [&](const Tensor& of, const auto& least) {
    const Tensor sums = ops::sums_along(square(of), 1, kernels::SparseMatrix(neighbours), x.here());
    return pow(sums * (alpha / static_cast<double>(size)) + least, beta);
  };
  if (in.size() == 0) return in / powers(in, k);
  // For all channels at a place.
  const Tensor factor = ops::scale_for_squares(max(abs(in.detach()), 1, true), k == 0);
  if (!traced(in) && all(factor == 1)) return in / powers(in, k);
  const Tensor scaled = in * factor;
  return scaled / powers(scaled, factor * k * factor) * pow(factor, 2 * beta - 1);
} catch (...) {
  rethrow_in_call("local_response_norm", x);
}

namespace ops {
namespace {

/// weight, bias and eps from the arguments from number `first` on.
NormOptions norm_options(Arguments& a, std::size_t first) {
  NormOptions options;
  if (a.given(first)) options.weight = a.tensor(first);
  if (a.given(first + 1)) options.bias = a.tensor(first + 1);
  options.eps = a.number(first + 2);
  return options;
}

}  // namespace

Entries normalization_operations() {
  static constexpr Entry table[] = {
      {.name = "layer_norm",
       .parameters = "x|input, normalized|normalized_shape, weight=None, bias=None, eps=0.00001",
       .call = [](Arguments& a) -> Result {
         return layer_norm(a[0], Shape(a.integers(1)), norm_options(a, 2));
       },
       .formula = Normalize::formula,
       .example = "layer_norm([[1, 2, 3]], 3)"},
      {.name = "rms_norm",
       .parameters = "x|input, normalized|normalized_shape, weight=None, eps=None",
       .call = [](Arguments& a) -> Result {
         return rms_norm(a[0], Shape(a.integers(1)), a.given(2) ? a.tensor(2) : Tensor(),
                         a.given(3) ? std::optional(a.number(3)) : std::nullopt);
       },
       .formula = "(g − y · mean(g · y)) / √(mean(x²) + eps)",
       .example = "rms_norm([[1, 2, 3]], 3)"},
      {.name = "group_norm",
       .parameters = "x|input, groups|num_groups, weight=None, bias=None, eps=0.00001",
       .call = [](Arguments& a) -> Result { return group_norm(a[0], a.integer(1), norm_options(a, 2)); },
       .formula = Normalize::formula,
       .example = "group_norm([[1, 2, 3, 5]], 2)"},
      {.name = "instance_norm",
       .parameters = "x|input, weight=None, bias=None, eps=0.00001",
       .call = [](Arguments& a) -> Result { return instance_norm(a[0], norm_options(a, 1)); },
       .formula = Normalize::formula,
       .example = "instance_norm([[1, 2, 3]])"},
      {.name = "batch_norm",
       .parameters =
           "x|input, mean|running_mean, variance|running_var, weight=None, bias=None, training=False, "
           "eps=0.00001",
       .call = [](Arguments& a) -> Result {
         NormOptions options;
         if (a.given(3)) options.weight = a.tensor(3);
         if (a.given(4)) options.bias = a.tensor(4);
         options.eps = a.number(6);
         if (a.flag(5) || !a.given(1)) return batch_norm_training(a[0], options).y;
         return batch_norm(a[0], a[1], a[2], options);
       },
       .formula = Normalize::formula,
       .example = "batch_norm([[1, 2], [3, 5]], [2, 3], [1, 4])",
       .note = "training=True, or a mean of None, takes mean and variance of the batch"},
      {.name = "batch_norm_training",
       .parameters = "x|input, weight=None, bias=None, eps=0.00001",
       .call = [](Arguments& a) -> Result {
         BatchNormed all = batch_norm_training(a[0], norm_options(a, 1));
         return std::vector<Tensor>{all.y, all.mean, all.variance};
       },
       .formula = Normalize::formula,
       .example = "batch_norm_training([[1, 2], [3, 5]])"},
      {.name = "normalize",
       .parameters = "x|input, p=2, axis|dim=1, eps=1e-12",
       .call = call<chainrule::normalize>,
       .formula = "∂(x/‖x‖)/∂x: to x: (g − y Σ g y) / ‖x‖ where p = 2",
       .example = "normalize([[3, 4]])"},
      {.name = "local_response_norm",
       .parameters = "x|input, size, alpha=0.0001, beta=0.75, k=1",
       .call = call<local_response_norm>,
       .formula = "x / (k + alpha · mean(x² of neighbouring channels))^beta",
       .example = "local_response_norm([[1, 2, 3]], 2)"},
      inner<Normalize>(),
  };
  return table;
}

}  // namespace ops
}  // namespace chainrule
