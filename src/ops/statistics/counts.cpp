// Random counts: of events, of successes, and of trials up to one. Drawn in double, most number after number,
// and without derivatives.

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <optional>

#include "chainrule/distributions.h"
#include "chainrule/functions.h"
#include "chainrule/random.h"
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

/// log n!
double log_factorial(double n) {
  static const auto known = [] {
    std::array<double, 1024> all{};
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = special::lgamma(static_cast<double>(i + 1));
    return all;
  }();
  return n < static_cast<double>(known.size()) ? known[static_cast<std::size_t>(n)] : special::lgamma(n + 1);
}

/// 1/n for n from 1 on: a division takes as long as all else of a step.
double reciprocal(double n) {
  static constexpr auto known = [] {
    std::array<double, 64> all{};
    for (std::size_t i = 1; i < all.size(); ++i) all[i] = 1 / static_cast<double>(i);
    return all;
  }();
  return n < static_cast<double>(known.size()) ? known[static_cast<std::size_t>(n)] : 1 / n;
}

/// Few by adding up probabilities: from that of 0 on, the next one by next(count, probability).
double count_of_few(double none, double most, Generator& generator, auto next) {
  double count = 0, probability = none;
  for (double left = generator.uniform(); left > probability && count < most;) {
    left -= probability;
    ++count;
    probability = next(count, probability);
    if (probability == 0) break;  // what is left are rounding errors
  }
  return count;
}

/// A distribution, for as many draws as have the same parameters.
class Poisson {
 public:
  explicit Poisson(const double* parameters) : rate_(parameters[0]) {
    if (rate_ < 10) {
      none_ = std::exp(-rate_);
      return;
    }
    b_ = 0.931 + 2.53 * std::sqrt(rate_);
    a_ = -0.059 + 0.02483 * b_;
    alpha_ = 1.1239 + 1.1328 / (b_ - 3.4);
    most_sure_ = 0.9277 - 3.6224 / (b_ - 2);
    logarithm_ = std::log(rate_);
  }
  double operator()(Generator& generator) const {
    if (rate_ < 10)
      return count_of_few(
          none_, std::numeric_limits<double>::infinity(), generator,
          [&](double count, double probability) { return probability * (rate_ * reciprocal(count)); });
    for (;;) {
      const Proposal p(a_, b_, rate_ + 0.43, most_sure_, 0.013, generator);
      if (p.is_sure || (!p.is_refused && is_below_probability(p.v * alpha_ / p.height, p.count)))
        return p.count;
    }
  }

 private:
  bool is_below_probability(double height, double count) const {
    // Logarithms of large factorials lose digits; it is also the density of a gamma distribution.
    if (rate_ > 1e6) return height <= special::gamma_density(count + 1, rate_);
    return std::log(height) <= count * logarithm_ - rate_ - log_factorial(count);
  }

  double rate_, none_, b_, a_, alpha_, most_sure_, logarithm_;
};

/// With the less likely outcome counted.
class Binomial {
 public:
  explicit Binomial(const double* parameters)
      : n_(parameters[0]),
        p_(std::min(parameters[1], 1 - parameters[1])),
        odds_(p_ / (1 - p_)),
        is_turned_(parameters[1] > 0.5) {
    if (n_ * p_ < 10) {
      none_ = std::exp(n_ * std::log1p(-p_));
      return;
    }
    const double root = std::sqrt(n_ * p_ * (1 - p_));
    b_ = 1.15 + 2.53 * root;
    a_ = -0.0873 + 0.0248 * b_ + 0.01 * p_;
    alpha_ = (2.83 + 5.1 / b_) * root;
    most_sure_ = 0.92 - 4.2 / b_;
    logarithm_ = std::log(odds_);
    of_mode_ = logarithm(std::floor((n_ + 1) * p_));
  }
  double operator()(Generator& generator) const {
    const double count = n_ * p_ < 10 ? few(generator) : many(generator);
    return is_turned_ ? n_ - count : count;
  }

 private:
  double few(Generator& generator) const {
    return count_of_few(none_, n_, generator, [&](double count, double probability) {
      return probability * ((n_ - count + 1) * odds_ * reciprocal(count));
    });
  }
  double many(Generator& generator) const {
    for (;;) {
      const Proposal one(a_, b_, n_ * p_ + 0.5, most_sure_, 0, generator);
      if (one.is_sure || (!one.is_refused && one.count <= n_ &&
                          std::log(one.v * alpha_ / one.height) <= logarithm(one.count) - of_mode_))
        return one.count;
    }
  }
  /// Of a probability, but for what all have in common.
  double logarithm(double count) const {
    return count * logarithm_ - log_factorial(count) - log_factorial(n_ - count);
  }

  double n_, p_, odds_, none_, b_, a_, alpha_, most_sure_, logarithm_, of_mode_;
  bool is_turned_;
};

/// Of parameters along a last axis.
template <class Distribution>
Tensor drawn(std::string_view name, const Tensor& parameters, DType dtype, Generator& generator) {
  const Tensor all = cast(parameters, DType::float64).detach();
  const std::int64_t count = all.shape().back();
  const Tensor found = drawn_from_samples(name, all, generator, [&](const Tensor& elements) {
    Shape shape = elements.shape();
    shape[shape.rank() - 1] = 1;
    Array result(shape, DType::float64);
    auto* out = result.mutable_data<double>();
    const auto *in = elements.data<double>().data(), *before = in;
    std::optional<Distribution> distribution;
    for (std::int64_t i = 0; i < result.size(); ++i, before = in, in += count) {
      if (i == 0 || !std::equal(in, in + count, before)) distribution.emplace(in);
      out[i] = (*distribution)(generator);
    }
    return constant(std::move(result));
  });
  return cast(squeeze(found, -1), dtype);
}

Tensor poisson(const Operand& rate, const Shape* asked, Generator& generator) try {
  const Parameters of("poisson", rate, rate, asked);
  require(
      "poisson", "the rate", of.a, [](double each) { return each >= 0 && std::isfinite(each); },
      "finite, and 0 or more");
  return drawn<Poisson>("poisson", expand_dims(broadcast_to(of.a, of.shape), -1), of.a.dtype(), generator);
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
  return drawn<Binomial>("binomial", stack({n, p}, -1), of.a.dtype(), generator);
} catch (...) {
  rethrow_in_call("binomial", count, probability);
}

Tensor geometric(const Operand& probability, const Shape* asked, Generator& generator) try {
  const Parameters of("geometric", probability, probability, asked);
  require(
      "geometric", "the probability", of.a, [](double each) { return each > 0 && each <= 1; },
      "above 0, and at most 1");
  const Tensor p = cast(of.a, DType::float64).detach();
  return cast(floor(log1p(-rand(of.shape, generator, DType::float64)) / log1p(-p)) + 1, of.a.dtype());
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
