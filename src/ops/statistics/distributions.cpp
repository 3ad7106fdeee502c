// Random numbers of distributions. Continuous ones are made of operations, so that gradients flow through
// them; logarithms of gamma samples are what the gamma, beta and Dirichlet distributions are made of.

#include "chainrule/distributions.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "chainrule/shaping.h"
#include "graph/traced.h"
#include "ops/elementwise.h"
#include "ops/generate.h"
#include "ops/registry.h"
#include "ops/samples.h"
#include "ops/statistics/gamma_samples.h"

namespace chainrule {
namespace ops {

/// The derivatives of d log(z) / dα by α and by log(z).
struct LogGammaCurve {
  static constexpr std::string_view name = "log_gamma_curve", formula = "not differentiable again";
  bool by_log;
  Attributes attributes() const { return {{"by_log", by_log}}; }
  Tensor batch(const Unwrapped& at) const {
    const Tensor alpha = at.batched(0), log_z = at.batched(1);
    return apply(*this, {}, Argument(alpha), Argument(log_z));
  }
  Array forward(Values in) const {
    return gamma_slopes(by_log ? gamma_slope_by_log : gamma_slope_by_alpha, *in[0], *in[1]);
  }
  Reads reads(Wanted) const { return 0; }
  void vjp(Inputs, const Tensor&, const Tensor&, Cotangents&) const {
    throw GradError(
        "gamma: the implicit derivative of a sample can be differentiated once more, but not twice; detach "
        "it");
  }
  LocalFormula local_formula(std::size_t, std::span<const std::string>, const std::string&) const {
    return {"?", false};
  }
};

/// d log(z) / dα for samples z of the gamma distribution.
struct LogGammaSlope {
  static constexpr std::string_view name = "log_gamma_slope", formula =
                                                                  "∂s/∂α = −∂²F/∂α² / f − s ∂f/∂α / f,  "
                                                                  "∂s/∂log(z) = −(log(z) − ψ(α)) − s (α − z)";
  Tensor batch(const Unwrapped& at) const {
    const Tensor alpha = at.batched(0), log_z = at.batched(1);
    return apply(LogGammaSlope{}, {}, Argument(alpha), Argument(log_z));
  }
  Array forward(Values in) const { return gamma_slopes(gamma_slope, *in[0], *in[1]); }
  Reads reads(Wanted) const { return reads_input(0) | reads_input(1); }
  void vjp(Inputs in, const Tensor&, const Tensor& g, Cotangents& to) const {
    for (const std::size_t i : {0, 1})
      if (to.wants(i))
        to[i] =
            strong_product(g, apply(LogGammaCurve{i == 1}, Here::now(), Argument(in[0]), Argument(in[1])));
  }
  LocalFormula local_formula(std::size_t input, std::span<const std::string>, const std::string&) const {
    return {input == 0 ? "−∂²F/∂α² / f − s ∂f/∂α / f" : "−(log(z) − ψ(α)) − s (α − z)", false};
  }
};

/// log(z) for samples z of the gamma distribution, which were drawn before.
struct LogGammaSample {
  static constexpr std::string_view name = "log_gamma_sample", formula = "∂log(z)/∂α = −∂F/∂α / (z ∂F/∂z)";
  Array sample;
  Attributes attributes() const { return {{"sample", constant(sample)}}; }
  Array forward(Values) const { return sample; }
  Tensor batch(const Unwrapped& at) const {
    const Tensor samples = constant(sample), all = at.batched(0);
    return apply(LogGammaSample{value_of(traced(samples)->inner)}, {}, Argument(all));
  }
  Reads reads(Wanted wanted) const { return wanted(0) ? reads_input(0) | reads_output : 0; }
  void vjp(Inputs in, const Tensor& out, const Tensor& g, Cotangents& to) const {
    if (to.wants(0))
      to[0] = strong_product(g, apply(LogGammaSlope{}, Here::now(), Argument(in[0]), Argument(out)));
  }
  LocalFormula local_formula(std::size_t, std::span<const std::string>, const std::string&) const {
    return {"−∂F/∂α / (z ∂F/∂z)", false};
  }
};

namespace {

template <class F>
bool all_hold(const Tensor& x, const F& holds) {
  const Tensor each_sample = elements_of_all_samples(x);
  return dispatch_stored(x.dtype(), [&]<class T>() {
    const std::span<const T> all = each_sample.data<T>();
    return std::all_of(all.begin(), all.end(), [&](T each) { return holds(convert<double>(each)); });
  });
}
template <class F>
void require(std::string_view name, std::string_view what, const Tensor& x, const F& holds,
             std::string_view rule) {
  if (!all_hold(x, holds))
    throw ShapeError(std::string(name) + ": " + std::string(what) + ", of shape " + to_string(x.shape()) +
                     ", must be " + std::string(rule));
}
void require_rate(std::string_view name, const Tensor& rate) {
  require(
      name, "the rate", rate, [](double each) { return each > 0; }, "positive");
}

Tensor log_gamma_sample(std::string_view name, const Tensor& concentration, Generator& generator) {
  require(
      name, "the concentration", concentration, [](double each) { return each > 0 && std::isfinite(each); },
      "positive and finite");
  const Tensor wide = Operand(concentration).as(computed_in(concentration.dtype()));
  const Tensor samples = drawn_from_samples(name, wide, generator, [&](const Tensor& alpha) {
    return constant(log_gamma_draws(value_of(alpha), generator));
  });
  return apply(LogGammaSample{value_of(samples)}, Here::now(), Argument(wide));
}

/// Two parameters as real numbers, and the shape of what is drawn.
struct Parameters {
  Tensor a, b;
  Shape shape;

  Parameters(std::string_view name, const Operand& first, const Operand& second, const Shape* asked) {
    const DType dtype = real_dtype(common_dtype(first, second));
    a = first.as(dtype);
    b = second.as(dtype);
    shape = broadcast(name, a.shape(), b.shape());
    if (asked == nullptr) return;
    if (broadcast(name, shape, *asked) != *asked)
      throw ShapeError(std::string(name) + ": parameters of shape " + to_string(shape) +
                       " do not broadcast to " + to_string(*asked) + "; ask for a larger shape");
    shape = *asked;
  }
};

Tensor normal(const Operand& mean, const Operand& std, const Shape* asked, Generator& generator) try {
  const Parameters of("normal", mean, std, asked);
  require(
      "normal", "the standard deviation", of.b, [](double each) { return each >= 0; }, "0 or more");
  return of.a + of.b * randn(of.shape, generator, of.a.dtype());
} catch (...) {
  rethrow_in_call("normal", mean, std);
}
Tensor uniform(const Operand& low, const Operand& high, const Shape* asked, Generator& generator) try {
  const Parameters of("uniform", low, high, asked);
  return of.a + (of.b - of.a) * rand(of.shape, generator, of.a.dtype());
} catch (...) {
  rethrow_in_call("uniform", low, high);
}
Tensor exponential(const Operand& rate, const Shape* asked, Generator& generator) try {
  const Parameters of("exponential", rate, rate, asked);
  require_rate("exponential", of.a);
  return -log1p(-rand(of.shape, generator, of.a.dtype())) / of.a;
} catch (...) {
  rethrow_in_call("exponential", rate);
}
Tensor gamma(const Operand& concentration, const Operand& rate, const Shape* asked,
             Generator& generator) try {
  const Parameters of("gamma", concentration, rate, asked);
  require_rate("gamma", of.b);
  const Tensor sample = exp(log_gamma_sample("gamma", broadcast_to(of.a, of.shape), generator));
  return Operand(sample / of.b).as(of.a.dtype());
} catch (...) {
  rethrow_in_call("gamma", concentration, rate);
}
/// x / (x + y) of gamma samples, which may both be too small to be numbers: of their logarithms.
Tensor beta(const Operand& a, const Operand& b, const Shape* asked, Generator& generator) try {
  const Parameters of("beta", a, b, asked);
  const Tensor x = log_gamma_sample("beta", broadcast_to(of.a, of.shape), generator);
  const Tensor y = log_gamma_sample("beta", broadcast_to(of.b, of.shape), generator);
  return Operand(sigmoid(x - y)).as(of.a.dtype());
} catch (...) {
  rethrow_in_call("beta", a, b);
}

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

/// The parameters of a call by name are tensors of the dtype of the command line.
template <Tensor (*f)(const Operand&, const Operand&, const Shape*, Generator&)>
Result of_two(Arguments& a) {
  const Tensor first = a.tensor(0), second = a.tensor(1);
  if (!a.given(2)) return f(first, second, nullptr, a.random());
  const Shape shape = a.shape(2);
  return f(first, second, &shape, a.random());
}

}  // namespace

Entries distribution_operations() {
  static constexpr Entry table[] = {
      {.name = LogGammaSample::name, .formula = LogGammaSample::formula, .differentiable = false},
      {.name = LogGammaSlope::name, .formula = LogGammaSlope::formula, .differentiable = false},
      {.name = LogGammaCurve::name, .formula = LogGammaCurve::formula, .differentiable = false},
      {.name = "normal",
       .parameters = "mean|loc=0, std|scale=1, shape|size=None",
       .call = of_two<normal>,
       .formula = "∂(mean + std z)/∂mean = 1,  ∂/∂std = z",
       .example = "normal([0, 10], 1)",
       .weak = false},
      {.name = "uniform",
       .parameters = "low=0, high=1, shape|size=None",
       .call = of_two<uniform>,
       .formula = "∂(low + (high − low) u)/∂low = 1 − u,  ∂/∂high = u",
       .example = "uniform(-1, 1, (2,))",
       .weak = false},
      {.name = "exponential",
       .parameters = "rate, shape|size=None",
       .call = [](Arguments& a) -> Result {
         const Tensor rate = a.tensor(0);
         if (!a.given(1)) return exponential(rate, nullptr, a.random());
         const Shape shape = a.shape(1);
         return exponential(rate, &shape, a.random());
       },
       .formula = "∂x/∂rate = −x / rate",
       .example = "exponential(2, (3,))",
       .weak = false},
      {.name = "gamma",
       .parameters = "concentration|shape, rate=1, size=None",
       .call = of_two<gamma>,
       .formula = "∂x/∂a = −∂F(x; a)/∂a / ∂F/∂x, F the distribution",
       .example = "gamma(2, 1, (3,))",
       .note = "the implicit derivative, which can be differentiated once more",
       .differentiable = false,
       .weak = false},
      {.name = "beta",
       .parameters = "a|concentration1, b|concentration0, shape|size=None",
       .call = of_two<beta>,
       .formula = "of x / (x + y), for gamma samples x and y",
       .example = "beta(2, 3)",
       .note = "the implicit derivative, which can be differentiated once more",
       .differentiable = false,
       .weak = false},
      {.name = "dirichlet",
       .parameters = "concentration|alpha",
       .call = call<dirichlet>,
       .formula = "of x / Σx, for gamma samples x",
       .example = "dirichlet([1, 2, 3])",
       .note = "the implicit derivative, which can be differentiated once more",
       .differentiable = false,
       .weak = false},
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
       .parameters = "x|input, p=0.5",
       .call = call<dropout>,
       .formula = "∂y/∂x = 1 / (1 − p) if x is kept else 0",
       .example = "dropout([1, 2, 3])",
       .weak = false},
  };
  return table;
}

}  // namespace ops

Tensor normal(const Operand& mean, const Operand& std, Generator& generator) {
  return ops::normal(mean, std, nullptr, generator);
}
Tensor normal(const Operand& mean, const Operand& std, const Shape& shape, Generator& generator) {
  return ops::normal(mean, std, &shape, generator);
}
Tensor uniform(const Operand& low, const Operand& high, Generator& generator) {
  return ops::uniform(low, high, nullptr, generator);
}
Tensor uniform(const Operand& low, const Operand& high, const Shape& shape, Generator& generator) {
  return ops::uniform(low, high, &shape, generator);
}
Tensor exponential(const Operand& rate, Generator& generator) {
  return ops::exponential(rate, nullptr, generator);
}
Tensor exponential(const Operand& rate, const Shape& shape, Generator& generator) {
  return ops::exponential(rate, &shape, generator);
}
Tensor gamma(const Operand& concentration, const Operand& rate, Generator& generator) {
  return ops::gamma(concentration, rate, nullptr, generator);
}
Tensor gamma(const Operand& concentration, const Operand& rate, const Shape& shape, Generator& generator) {
  return ops::gamma(concentration, rate, &shape, generator);
}
Tensor beta(const Operand& a, const Operand& b, Generator& generator) {
  return ops::beta(a, b, nullptr, generator);
}
Tensor beta(const Operand& a, const Operand& b, const Shape& shape, Generator& generator) {
  return ops::beta(a, b, &shape, generator);
}

Tensor dirichlet(const Operand& concentration, Generator& generator) try {
  const Tensor in = concentration.as(ops::real_dtype(concentration.dtype()));
  if (in.rank() == 0)
    throw ShapeError("dirichlet: the concentration is a scalar, of shape (); give one number per part");
  return Operand(softmax(ops::log_gamma_sample("dirichlet", in, generator), -1)).as(in.dtype());
} catch (...) {
  rethrow_in_call("dirichlet", concentration);
}

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
    return generate("randint", all, DType::int64,
                    [&](std::int64_t) { return low + generator.below(static_cast<std::int64_t>(range)); });
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

Tensor dropout(const Operand& x, double p, Generator& generator) try {
  const Tensor in = x.as(ops::real_dtype(x.dtype()));
  if (!(p >= 0 && p <= 1))
    throw ShapeError("dropout: " + std::to_string(p) + " is no probability, for shape " +
                     to_string(in.shape()) + "; give a number from 0 to 1");
  const Tensor kept = rand(in.shape(), generator, DType::float64) >= p;
  return where(kept, in / (1 - p), 0);
} catch (...) {
  rethrow_in_call("dropout", x);
}

}  // namespace chainrule
