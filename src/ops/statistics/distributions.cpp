// Random numbers of distributions. Continuous ones are made of operations, so that gradients flow through
// them; logarithms of gamma samples are what the gamma, beta and Dirichlet distributions are made of.

#include "chainrule/distributions.h"

#include <cmath>

#include "chainrule/indexing.h"
#include "chainrule/linalg.h"
#include "chainrule/shaping.h"
#include "graph/traced.h"
#include "ops/elementwise.h"
#include "ops/samples.h"
#include "ops/statistics/gamma_samples.h"
#include "ops/statistics/parameters.h"

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

Tensor normal(const Operand& mean, const Operand& std, const Shape* asked, Generator& generator) try {
  const Parameters of("normal", mean, std, asked);
  require_not_negative("normal", "the standard deviation", of.b);
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

/// Uniform numbers without 0, in float64.
Tensor positive_uniform(const Shape& shape, Generator& generator) {
  return maximum(rand(shape, generator, DType::float64), 0x1p-54);
}
Tensor laplace(const Operand& mean, const Operand& scale, const Shape* asked, Generator& generator) try {
  const Parameters of("laplace", mean, scale, asked);
  require_not_negative("laplace", "the scale", of.b);
  const Tensor side = rand(of.shape, generator, DType::float64) - 0.5;
  const Tensor size = -log(maximum(1 - 2 * abs(side), 0x1p-54));
  return of.a + of.b * cast(sign(side) * size, of.a.dtype());
} catch (...) {
  rethrow_in_call("laplace", mean, scale);
}
/// In its standard form.
Tensor gumbel_noise(const Shape& shape, Generator& generator, DType dtype) {
  return cast(-log(-log1p(-positive_uniform(shape, generator))), dtype);
}
Tensor gumbel(const Operand& mode, const Operand& scale, const Shape* asked, Generator& generator) try {
  const Parameters of("gumbel", mode, scale, asked);
  require_not_negative("gumbel", "the scale", of.b);
  return of.a + of.b * gumbel_noise(of.shape, generator, of.a.dtype());
} catch (...) {
  rethrow_in_call("gumbel", mode, scale);
}
Tensor log_normal(const Operand& mean, const Operand& std, const Shape* asked, Generator& generator) try {
  return exp(normal(mean, std, asked, generator));
} catch (...) {
  rethrow_in_call("log_normal", mean, std);
}
/// By the logarithm of a gamma sample, which itself may be too small to be a number.
Tensor student_t(const Operand& df, const Shape* asked, Generator& generator) try {
  const Parameters of("student_t", df, df, asked);
  const Tensor half = broadcast_to(of.a, of.shape) / 2;
  const Tensor z = randn(of.shape, generator, of.a.dtype());
  return Operand(z * exp((log(half) - log_gamma_sample("student_t", half, generator)) / 2)).as(of.a.dtype());
} catch (...) {
  rethrow_in_call("student_t", df);
}

Tensor multivariate_normal(const Operand& mean, const Operand& covariance, const Shape* asked,
                           Generator& generator) try {
  const DType dtype = real_dtype(common_dtype(mean, covariance));
  const Tensor centre = mean.as(dtype), spread = covariance.as(dtype);
  const std::size_t rank = spread.rank();
  if (centre.rank() == 0 || rank < 2 || spread.shape()[rank - 2] != spread.shape()[rank - 1] ||
      spread.shape().back() != centre.shape().back())
    throw ShapeError("multivariate_normal: a covariance of shape " + to_string(spread.shape()) +
                     " for a mean of shape " + to_string(centre.shape()) +
                     "; it must be (..., n, n) for (..., n)");
  const auto without_last = [](const Shape& shape) { return Shape(shape.sizes().first(shape.rank() - 1)); };
  Shape shape = broadcast("multivariate_normal", centre.shape(), without_last(spread.shape()));
  if (asked != nullptr) {
    std::vector<std::int64_t> sizes(asked->begin(), asked->end());
    sizes.push_back(shape.back());
    require_fit("multivariate_normal", shape, Shape(sizes));
    shape = Shape(sizes);
  }
  const Tensor z = expand_dims(randn(shape, generator, dtype), -1);
  return centre + squeeze(matmul(cholesky(spread), z), -1);
} catch (...) {
  rethrow_in_call("multivariate_normal", mean, covariance);
}

}  // namespace

Entries distribution_operations() {
  static constexpr Entry table[] = {
      {.name = LogGammaSample::name, .formula = LogGammaSample::formula, .differentiable = false},
      {.name = LogGammaSlope::name, .formula = LogGammaSlope::formula, .differentiable = false},
      {.name = LogGammaCurve::name, .formula = LogGammaCurve::formula, .differentiable = false},
      {.name = "normal",
       .parameters = "mean|loc=0, std|scale=1, shape|size=None",
       .call = with_shape<normal>,
       .formula = "∂(mean + std z)/∂mean = 1,  ∂/∂std = z",
       .example = "normal([0, 10], 1)",
       .weak = false},
      {.name = "uniform",
       .parameters = "low=0, high=1, shape|size=None",
       .call = with_shape<uniform>,
       .formula = "∂(low + (high − low) u)/∂low = 1 − u,  ∂/∂high = u",
       .example = "uniform(-1, 1, (2,))",
       .weak = false},
      {.name = "exponential",
       .parameters = "rate, shape|size=None",
       .call = with_shape<exponential>,
       .formula = "∂x/∂rate = −x / rate",
       .example = "exponential(2, (3,))",
       .weak = false},
      {.name = "laplace",
       .parameters = "mean|loc=0, scale=1, shape|size=None",
       .call = with_shape<laplace>,
       .formula = "∂(mean + scale z)/∂mean = 1,  ∂/∂scale = z",
       .example = "laplace(0, 1, (3,))",
       .weak = false},
      {.name = "gumbel",
       .parameters = "mode|loc=0, scale=1, shape|size=None",
       .call = with_shape<gumbel>,
       .formula = "∂(mode + scale z)/∂mode = 1,  ∂/∂scale = z",
       .example = "gumbel(0, 1, (3,))",
       .weak = false},
      {.name = "log_normal",
       .parameters = "mean|loc=0, std|scale|sigma=1, shape|size=None",
       .call = with_shape<log_normal>,
       .formula = "∂x/∂mean = x,  ∂/∂std = x z",
       .aliases = "lognormal",
       .example = "log_normal(0, 1, (3,))",
       .weak = false},
      {.name = "student_t",
       .parameters = "df, shape|size=None",
       .call = with_shape<student_t>,
       .formula = "of z √(df/2) / √x, for a gamma sample x",
       .aliases = "standard_t",
       .example = "student_t(3, (3,))",
       .note = "the implicit derivative, which can be differentiated once more",
       .differentiable = false,
       .weak = false},
      {.name = "multivariate_normal",
       .parameters = "mean|loc, covariance|cov|covariance_matrix, shape|size=None",
       .call = with_shape<multivariate_normal>,
       .formula = "∂(mean + L z)/∂mean = 1, and to the covariance as cholesky",
       .example = "multivariate_normal([0, 1], [[2, 1], [1, 2]])",
       .weak = false},
      {.name = "gumbel_softmax",
       .parameters = "logits, tau=1, hard=False, axis|dim=-1",
       .call = [](Arguments& a) -> Result {
         return gumbel_softmax(a[0], a.random(), a.number(1), a.flag(2), a.integer(3));
       },
       .formula = "as softmax((logits + z) / tau)",
       .example = "gumbel_softmax([1, 2, 3], tau=0.5)",
       .weak = false},
      {.name = "gamma",
       .parameters = "concentration|shape, rate=1, size=None",
       .call = with_shape<gamma>,
       .formula = "∂x/∂a = −∂F(x; a)/∂a / ∂F/∂x, F the distribution",
       .example = "gamma(2, 1, (3,))",
       .note = "the implicit derivative, which can be differentiated once more",
       .differentiable = false,
       .weak = false},
      {.name = "beta",
       .parameters = "a|concentration1, b|concentration0, shape|size=None",
       .call = with_shape<beta>,
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
  };
  return table;
}

}  // namespace ops

CHAINRULE_DRAWN_BY_TWO(normal)
CHAINRULE_DRAWN_BY_TWO(uniform)
CHAINRULE_DRAWN_BY_ONE(exponential)
CHAINRULE_DRAWN_BY_TWO(laplace)
CHAINRULE_DRAWN_BY_TWO(gumbel)
CHAINRULE_DRAWN_BY_TWO(log_normal)
CHAINRULE_DRAWN_BY_ONE(student_t)
CHAINRULE_DRAWN_BY_TWO(multivariate_normal)
CHAINRULE_DRAWN_BY_TWO(gamma)
CHAINRULE_DRAWN_BY_TWO(beta)

Tensor dirichlet(const Operand& concentration, Generator& generator) try {
  const Tensor in = concentration.as(ops::real_dtype(concentration.dtype()));
  if (in.rank() == 0)
    throw ShapeError("dirichlet: the concentration is a scalar, of shape (); give one number per part");
  return Operand(softmax(ops::log_gamma_sample("dirichlet", in, generator), -1)).as(in.dtype());
} catch (...) {
  rethrow_in_call("dirichlet", concentration);
}

Tensor gumbel_softmax(const Operand& logits, Generator& generator, double tau, Flag hard, Integer axis) try {
  const Tensor in = logits.as(ops::real_dtype(logits.dtype()));
  if (!(tau > 0))
    throw ShapeError("gumbel_softmax: tau must be positive, for logits of shape " + to_string(in.shape()));
  Tensor soft = softmax((in + ops::gumbel_noise(in.shape(), generator, in.dtype())) / tau, axis);
  if (!hard) return soft;
  const Tensor at = argmax(soft, axis, true);
  std::vector<std::int64_t> sizes(in.rank(), 1);
  const std::size_t along = normalize_axis("gumbel_softmax", axis, in.shape());
  sizes[along] = in.shape()[along];
  const Tensor one = cast(reshape(arange(sizes[along]), Shape(sizes)) == at, in.dtype());
  return one + (soft - soft.detach());
} catch (...) {
  rethrow_in_call("gumbel_softmax", logits);
}

}  // namespace chainrule
