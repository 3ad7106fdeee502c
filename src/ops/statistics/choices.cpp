// Random choices: bools and classes by their probabilities, whole numbers, orders, and what dropout leaves.
// Places that are drawn have no gradient; what is chosen by them has.

#include <algorithm>
#include <cmath>
#include <limits>

#include "array/number_text.h"
#include "chainrule/distributions.h"
#include "chainrule/shaping.h"
#include "graph/node.h"
#include "graph/traced.h"
#include "ops/elementwise.h"
#include "ops/registry.h"
#include "ops/samples.h"
#include "ops/statistics/parameters.h"

namespace chainrule {
namespace ops {
namespace {

/// Draws `count` classes of each row of weights: (..., count).
Tensor draw_classes(std::string_view name, const Tensor& weights, std::int64_t count, bool replacement,
                    Generator& generator) {
  if (weights.rank() == 0 || weights.shape().back() == 0)
    throw ShapeError(std::string(name) + ": probabilities must be (..., C) and not empty, not " +
                     to_string(weights.shape()));
  const std::int64_t classes = weights.shape().back(), rows = weights.size() / classes;
  Array result({rows, count}, DType::int64);
  auto* out = result.mutable_data<std::int64_t>();
  std::vector<double> left = weights.to_vector<double>();
  for (std::int64_t row = 0; row < rows; ++row) {
    double* const p = left.data() + row * classes;
    for (std::int64_t k = 0; k < count; ++k) {
      double total = 0;
      std::int64_t chosen = -1;
      for (std::int64_t c = 0; c < classes; ++c) {
        if (!(p[c] >= 0) || std::isinf(p[c])) total = -std::numeric_limits<double>::infinity();
        total += p[c];
      }
      if (!(total > 0))
        throw ShapeError(std::string(name) + ": cannot draw " + std::to_string(count) + " from row " +
                         std::to_string(row) + " of shape " + to_string(weights.shape()) +
                         "; probabilities must not be negative, and enough of them positive");
      double place = generator.uniform() * total;
      for (std::int64_t c = 0; c < classes && (chosen < 0 || place >= 0); ++c) {
        if (p[c] == 0) continue;
        chosen = c;  // also where rounding leaves a little beyond the last one
        place -= p[c];
      }
      *out++ = chosen;
      if (!replacement) p[chosen] = 0;
    }
  }
  Shape shape = weights.shape();
  shape[shape.rank() - 1] = count;
  return reshape(constant(std::move(result)), shape);
}

}  // namespace

/// In training; otherwise all is kept.
template <Tensor (*function)(const Operand&, double, Generator&)>
static Result dropped(Arguments& a) {
  return a.flag(2) ? function(a[0], a.number(1), a.random()) : a.tensor(0);
}

Entries choice_operations() {
  static constexpr Entry table[] = {
      {.name = "bernoulli",
       .parameters = "probability|p|input",
       .call = call<bernoulli>,
       .formula = "no gradient",
       .example = "bernoulli([0.1, 0.9])",
       .differentiable = false,
       .weak = false},
      {.name = "categorical",
       .parameters = "probabilities|probs",
       .call = call<categorical>,
       .formula = "of int64: no gradient",
       .example = "categorical([0.1, 0.9])",
       .differentiable = false,
       .weak = false},
      {.name = "multinomial",
       .parameters = "probabilities|input, count|num_samples, replacement=False",
       .call = [](Arguments& a) -> Result {
         if (a.integer(1) > a.most_elements()) a.fail(1, "fewer");
         return multinomial(a[0], a.integer(1), a.flag(2), a.random());
       },
       .formula = "of int64: no gradient",
       .example = "multinomial([0.1, 0.9], 2)",
       .differentiable = false,
       .weak = false},
      {.name = "randint",
       .parameters = "low, high, shape|size=None",
       .call = [](Arguments& a) -> Result {
         const Shape shape = a.given(2) ? a.shape(2) : Shape();
         return randint(a.integer(0), a.integer(1), shape, a.random());
       },
       .formula = "of int64: no gradient",
       .example = "randint(0, 10, (3,))",
       .differentiable = false,
       .weak = false},
      {.name = "permutation",
       .parameters = "x",
       .call = [](Arguments& a) -> Result {
         if (a.tensor(0).rank() == 0) return randperm(a.shape(0).size(), a.random());
         return permutation(a[0], a.random());
       },
       .formula = "the gradient's rows put back in order",
       .example = "permutation([1, 2, 3])",
       .note = "of a number n it is 0 .. n - 1 in random order",
       .weak = false},
      {.name = "dropout",
       .parameters = "x|input, p=0.5, training=True",
       .call = dropped<dropout>,
       .formula = "∂y/∂x = 1 / (1 − p) if x is kept else 0",
       .example = "dropout([1, 2, 3])",
       .weak = false},
      {.name = "feature_dropout",
       .parameters = "x|input, p=0.5, training=True",
       .call = dropped<feature_dropout>,
       .formula = "∂y/∂x = 1 / (1 − p) if the channel is kept else 0",
       .aliases = "dropout1d dropout2d dropout3d",
       .example = "feature_dropout([[[1, 2], [3, 4]]])",
       .note = "of (N, C, ...), also where PyTorch's dropout2d would take (C, H, W)"},
      {.name = "alpha_dropout",
       .parameters = "x|input, p=0.5, training=True",
       .call = dropped<alpha_dropout>,
       .formula = "∂y/∂x = a if x is kept else 0, a = 1 / √((1 − p) (1 + p α²))",
       .example = "alpha_dropout([1, 2, 3])",
       .weak = false},
  };
  return table;
}

}  // namespace ops

Tensor bernoulli(const Operand& probability, Generator& generator) try {
  const Tensor p = probability.as(ops::real_dtype(probability.dtype())).detach();
  ops::require(
      "bernoulli", "probabilities", p, [](double each) { return each >= 0 && each <= 1; }, "from 0 to 1");
  return cast(rand(p.shape(), generator, p.dtype()) < p, p.dtype());
} catch (...) {
  rethrow_in_call("bernoulli", probability);
}

Tensor categorical(const Operand& probabilities, Generator& generator) try {
  const Tensor p = probabilities.as(ops::real_dtype(probabilities.dtype()));
  const Tensor drawn = drawn_from_samples("categorical", p, generator, [&](const Tensor& weights) {
    return ops::draw_classes("categorical", weights, 1, true, generator);
  });
  return squeeze(drawn, -1);
} catch (...) {
  rethrow_in_call("categorical", probabilities);
}

Tensor multinomial(const Operand& probabilities, Integer count, Flag replacement, Generator& generator) try {
  const Tensor p = probabilities.as(ops::real_dtype(probabilities.dtype()));
  return drawn_from_samples("multinomial", p, generator, [&](const Tensor& weights) {
    return ops::draw_classes("multinomial", weights, count, replacement, generator);
  });
} catch (...) {
  rethrow_in_call("multinomial", probabilities);
}

Tensor randint(Integer from, Integer to, const Shape& shape, Generator& generator, Here here) try {
  const std::int64_t low = from, high = to;
  if (high <= low)
    throw ShapeError("randint: there is no whole number from " + std::to_string(low) + " to below " +
                     std::to_string(high) + ", for shape " + to_string(shape));
  // Differences of int64 may be as large as uint64.
  const auto range = static_cast<std::uint64_t>(high) - static_cast<std::uint64_t>(low);
  if (range > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
    throw ShapeError("randint: from " + std::to_string(low) + " to " + std::to_string(high) +
                     " are more than 2⁶³ numbers, for shape " + to_string(shape));
  return drawn_for_samples("randint", shape, generator, [&](const Shape& all) {
    Array value = new_array("randint", all, DType::int64);
    auto* out = value.mutable_data<std::int64_t>();
    generator.below(static_cast<std::int64_t>(range), {out, static_cast<std::size_t>(value.size())});
    std::for_each_n(out, value.size(), [low](std::int64_t& each) { each += low; });
    return constant(std::move(value));
  });
} catch (...) {
  rethrow_in_call(here);
}

Tensor permutation(const Operand& x, Generator& generator) try {
  const Tensor in = x.as_tensor();
  if (in.rank() == 0) throw ShapeError("permutation: a scalar, of shape (), has no rows; see randperm");
  return take_rows({in, x.here()}, randperm(in.shape()[0], generator));
} catch (...) {
  rethrow_in_call("permutation", x);
}

namespace ops {

/// Which elements of such a shape are kept.
static Tensor kept(std::string_view name, const Tensor& x, const Shape& shape, double p,
                   Generator& generator) {
  if (!(p >= 0 && p <= 1))
    throw ShapeError(std::string(name) + ": " + number_text(p) + " is no probability, for shape " +
                     to_string(x.shape()) + "; give a number from 0 to 1");
  return rand(shape, generator, DType::float64) >= p;
}

}  // namespace ops

Tensor dropout(const Operand& x, double p, Generator& generator) try {
  const Tensor in = x.as(ops::real_dtype(x.dtype()));
  return where(ops::kept("dropout", in, in.shape(), p, generator), in / (1 - p), 0);
} catch (...) {
  rethrow_in_call("dropout", x);
}

Tensor feature_dropout(const Operand& x, double p, Generator& generator) try {
  const Tensor in = x.as(ops::real_dtype(x.dtype()));
  if (in.rank() < 2)
    throw ShapeError("feature_dropout: x has shape " + to_string(in.shape()) + "; it must be (N, C, ...)");
  Shape channels = Shape::filled(in.rank(), 1);
  for (const std::size_t axis : {0, 1}) channels[axis] = in.shape()[axis];
  return where(ops::kept("feature_dropout", in, channels, p, generator), in / (1 - p), 0);
} catch (...) {
  rethrow_in_call("feature_dropout", x);
}

Tensor alpha_dropout(const Operand& x, double p, Generator& generator) try {
  // selu(-inf); of the normal distribution, a x + b has mean 0 and variance 1 again (Klambauer et al., 2017).
  constexpr double least = -1.7580993408473768569;
  const Tensor in = x.as(ops::real_dtype(x.dtype()));
  const Tensor kept = ops::kept("alpha_dropout", in, in.shape(), p, generator);
  if (p == 1) return where(kept, in, 0);
  const double a = 1 / std::sqrt((1 - p) * (1 + p * least * least)), b = -a * p * least;
  return where(kept, in * a, a * least) + b;
} catch (...) {
  rethrow_in_call("alpha_dropout", x);
}

}  // namespace chainrule
