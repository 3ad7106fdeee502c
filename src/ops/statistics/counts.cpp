// Random counts: of events, of successes, and of trials up to one. Drawn number after number, in double, and
// so without derivatives.

#include <cmath>

#include "chainrule/distributions.h"
#include "chainrule/shaping.h"
#include "ops/functions/special_numbers.h"
#include "ops/samples.h"
#include "ops/statistics/parameters.h"

namespace chainrule {
namespace ops {
namespace {

/// Where large counts are proposed by a transformed uniform number, and most accepted without a look at their
/// probabilities. Source: Hörmann, The transformed rejection method for generating Poisson random variables,
/// 1993, algorithm PTRS, and The generation of binomial random variates, 1993, algorithm BTRS.
struct Proposal {
  double count, height, v;
  bool is_sure, is_refused;

  Proposal(double a, double b, double centre, double most_sure, double least, Generator& generator) {
    const double u = generator.uniform() - 0.5, left = 0.5 - std::abs(u);
    v = generator.uniform();
    count = std::floor((2 * a / left + b) * u + centre);
    is_sure = left >= 0.07 && v <= most_sure;
    is_refused = count < 0 || (left < least && v > left);
    height = a / (left * left) + b;
  }
};

/// Few by the time between events.
double poisson_draw(const double* parameters, Generator& generator) {
  const double rate = parameters[0];
  if (rate < 10) {
    const double end = std::exp(-rate);
    double count = 0;
    for (double product = generator.uniform(); product > end; product *= generator.uniform()) ++count;
    return count;
  }
  const double b = 0.931 + 2.53 * std::sqrt(rate), a = -0.059 + 0.02483 * b,
               alpha = 1.1239 + 1.1328 / (b - 3.4), most_sure = 0.9277 - 3.6224 / (b - 2);
  const auto probability = [&](double count) {
    // Logarithms of large factorials lose digits; it is also the density of a gamma distribution.
    if (rate > 1e6) return special::gamma_density(count + 1, rate);
    return std::exp(count * std::log(rate) - rate - special::lgamma(count + 1));
  };
  for (;;) {
    const Proposal p(a, b, rate + 0.43, most_sure, 0.013, generator);
    if (p.is_sure) return p.count;
    if (!p.is_refused && p.v * alpha / p.height <= probability(p.count)) return p.count;
  }
}

/// Few by adding up probabilities.
double binomial_draw(const double* parameters, Generator& generator) {
  const double n = parameters[0], p = std::min(parameters[1], 1 - parameters[1]), q = 1 - p;
  const auto successes = [&](double count) { return parameters[1] > 0.5 ? n - count : count; };
  if (n * p < 10) {
    const double none = std::exp(n * std::log1p(-p));
    double count = 0, probability = none;
    for (double left = generator.uniform(); left > probability && count < n;) {
      left -= probability;
      ++count;
      probability *= (n - count + 1) * p / (count * q);
      if (probability == 0) break;  // what is left are rounding errors
    }
    return successes(count);
  }
  const double root = std::sqrt(n * p * q), b = 1.15 + 2.53 * root, a = -0.0873 + 0.0248 * b + 0.01 * p,
               alpha = (2.83 + 5.1 / b) * root, most_sure = 0.92 - 4.2 / b, mode = std::floor((n + 1) * p);
  const auto logarithm = [&](double count) {
    return count * std::log(p / q) - special::lgamma(count + 1) - special::lgamma(n - count + 1);
  };
  for (;;) {
    const Proposal one(a, b, n * p + 0.5, most_sure, 0, generator);
    if (one.is_sure) return successes(one.count);
    if (!one.is_refused && one.count <= n &&
        std::log(one.v * alpha / one.height) <= logarithm(one.count) - logarithm(mode))
      return successes(one.count);
  }
}

double geometric_draw(const double* parameters, Generator& generator) {
  return std::floor(std::log1p(-generator.uniform()) / std::log1p(-parameters[0])) + 1;
}

/// Of parameters along a last axis.
Tensor drawn(std::string_view name, const Tensor& parameters, DType dtype, Generator& generator,
             double (*draw)(const double*, Generator&)) {
  const Tensor all = cast(parameters, DType::float64).detach();
  const std::int64_t count = all.shape().back();
  const Tensor found = drawn_from_samples(name, all, generator, [&](const Tensor& elements) {
    Shape shape = elements.shape();
    shape[shape.rank() - 1] = 1;
    Array result(shape, DType::float64);
    auto* out = result.mutable_data<double>();
    const auto* in = elements.data<double>().data();
    for (std::int64_t i = 0; i < result.size(); ++i, in += count) out[i] = draw(in, generator);
    return constant(std::move(result));
  });
  return cast(squeeze(found, -1), dtype);
}
Tensor drawn(std::string_view name, const Parameters& of, Generator& generator,
             double (*draw)(const double*, Generator&)) {
  return drawn(name, expand_dims(broadcast_to(of.a, of.shape), -1), of.a.dtype(), generator, draw);
}

Tensor poisson(const Operand& rate, const Shape* asked, Generator& generator) try {
  const Parameters of("poisson", rate, rate, asked);
  require(
      "poisson", "the rate", of.a, [](double each) { return each >= 0 && std::isfinite(each); },
      "finite, and 0 or more");
  return drawn("poisson", of, generator, poisson_draw);
} catch (...) {
  rethrow_in_call("poisson", rate);
}

Tensor binomial(const Operand& count, const Operand& probability, const Shape* asked,
                Generator& generator) try {
  const Parameters of("binomial", count, probability, asked);
  constexpr double most = 0x1p40;  // beyond, logarithms of factorials have too few digits
  require(
      "binomial", "the count", of.a,
      [](double each) { return each >= 0 && each <= most && each == std::floor(each); },
      "a whole number from 0 to 2⁴⁰");
  require(
      "binomial", "the probability", of.b, [](double each) { return each >= 0 && each <= 1; }, "from 0 to 1");
  const Tensor n = broadcast_to(of.a, of.shape), p = broadcast_to(of.b, of.shape);
  return drawn("binomial", stack({n, p}, -1), of.a.dtype(), generator, binomial_draw);
} catch (...) {
  rethrow_in_call("binomial", count, probability);
}

Tensor geometric(const Operand& probability, const Shape* asked, Generator& generator) try {
  const Parameters of("geometric", probability, probability, asked);
  require(
      "geometric", "the probability", of.a, [](double each) { return each > 0 && each <= 1; },
      "above 0, and at most 1");
  return drawn("geometric", of, generator, geometric_draw);
} catch (...) {
  rethrow_in_call("geometric", probability);
}

}  // namespace

Entries count_operations() {
  static constexpr Entry table[] = {
      {.name = "poisson",
       .parameters = "rate|lam|input, shape|size=None",
       .call = with_shape<poisson>,
       .formula = "no gradient",
       .example = "poisson([1, 100])",
       .differentiable = false,
       .weak = false},
      {.name = "binomial",
       .parameters = "count|n, probability|p|prob, shape|size=None",
       .call = with_shape<binomial>,
       .formula = "no gradient",
       .example = "binomial(10, 0.5, (3,))",
       .differentiable = false,
       .weak = false},
      {.name = "geometric",
       .parameters = "probability|p, shape|size=None",
       .call = with_shape<geometric>,
       .formula = "no gradient",
       .example = "geometric(0.2, (3,))",
       .note = "counts the success, as NumPy's",
       .differentiable = false,
       .weak = false},
  };
  return table;
}

}  // namespace ops

CHAINRULE_DRAWN_BY_ONE(poisson)
CHAINRULE_DRAWN_BY_TWO(binomial)
CHAINRULE_DRAWN_BY_ONE(geometric)

}  // namespace chainrule
