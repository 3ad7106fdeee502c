// Random numbers of distributions. Continuous ones are made of operations, so that gradients flow through
// them; logarithms of gamma samples are what the gamma, beta and Dirichlet distributions are made of.

#include "chainrule/distributions.h"

#include <cmath>

#include "chainrule/shaping.h"
#include "graph/traced.h"
#include "ops/elementwise.h"
#include "ops/registry.h"
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

}  // namespace chainrule
