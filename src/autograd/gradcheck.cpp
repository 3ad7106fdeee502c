// Comparison of gradients with central differences (differences.h), along random directions or for each
// element, and the search for the reason where they differ. The engine gives the gradients.

#include "chainrule/gradcheck.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "array/number_text.h"
#include "autograd/differences.h"
#include "autograd/engine.h"
#include "chainrule/autograd.h"
#include "chainrule/ops.h"
#include "chainrule/random.h"
#include "chainrule/shaping.h"
#include "chainrule/transforms.h"
#include "chainrule/vmap.h"

namespace chainrule {
namespace {

using detail::Checked;
using Elements = Differences::Elements;

class Check {
 public:
  Check(std::string_view called, Checked function, const std::vector<Tensor>& inputs,
        const std::vector<std::string>& places, const GradcheckOptions& options)
      : called_(called),
        function_(function),
        inputs_(inputs),
        places_(places),
        options_(options),
        differences_(function, suitable_inputs(), options) {}

  GradcheckResult run() {
    const std::vector<Tensor> leaves = differences_.variables();
    const std::vector<Tensor> results = differences_.called_with(leaves);
    if (!is_deterministic(results)) {
      fail(
          std::numeric_limits<double>::infinity(), GradcheckCause::not_deterministic,
          "the function gives other results for the same inputs; let random numbers start anew in each call");
      return result_;
    }
    if (options_.full_jacobian) {
      for (std::size_t k = 0; k < results.size(); ++k)
        for (std::int64_t i = 0; is_floating(results[k].dtype()) && i < results[k].size(); ++i)
          compare_one(leaves, results, k, i);
    } else {
      Generator generator(options_.seed);
      differences_.weights.clear();
      const bool is_number = results.size() == 1 && results.front().size() == 1;  // shown as it is
      for (const Tensor& result : results)
        differences_.weights.push_back(is_number ? ones(result.shape(), DType::float64)
                                                 : randn(result.shape(), generator, DType::float64));
      compare(leaves, results, "", &generator);
    }
    Generator generator(options_.seed + 2);
    if (options_.forward_mode && result_.passed) compare_forward(results, generator);
    if (options_.batched && result_.passed) compare_batched(results, generator);
    return result_;
  }

  /// Empty handles for what is not floating.
  static std::vector<Tensor> random_like(const std::vector<Tensor>& results, Generator& generator) {
    std::vector<Tensor> random;
    random.reserve(results.size());
    for (const Tensor& each : results)
      random.push_back(is_floating(each.dtype()) ? randn(each.shape(), generator, each.dtype()) : Tensor());
    return random;
  }

 private:
  /// Of floats in which differences can be taken. DTypeError.
  const std::vector<Tensor>& suitable_inputs() const {
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      detail::Trace::require_differentiable(called_, inputs_[i], {.root = places_[i], .numbered = false});
      if (inputs_[i].dtype() != DType::float64)
        throw DTypeError(called_ + ": " + places_[i] + " is " + std::string(to_string(inputs_[i].dtype())) +
                         "; differences need float64, cast it first");
    }
    return inputs_;
  }
  bool is_deterministic(const std::vector<Tensor>& results) const {
    const std::vector<Tensor> again = differences_.called_with(differences_.variables());
    return std::ranges::equal(results, again, [](const Tensor& a, const Tensor& b) {
      const Elements x = a.to_vector<double>(), y = b.to_vector<double>();
      return a.shape() == b.shape() && std::ranges::equal(x, y, [](double p, double q) {
               return p == q || (std::isnan(p) && std::isnan(q));
             });
    });
  }
  void compare_one(const std::vector<Tensor>& leaves, const std::vector<Tensor>& results, std::size_t k,
                   std::int64_t element) {
    differences_.weights.assign(results.size(), Tensor());
    Elements one(static_cast<std::size_t>(results[k].size()), 0);
    one[static_cast<std::size_t>(element)] = 1;
    differences_.weights[k] = tensor(one, results[k].shape());
    compare(leaves, results,
            "result " + (results.size() > 1 ? std::to_string(k) + ", " : std::string()) + "element " +
                std::to_string(element) + ", with respect to ",
            nullptr);
  }

  /// All inputs for one projection: along one random direction, or without a generator element by element.
  void compare(const std::vector<Tensor>& leaves, const std::vector<Tensor>& results, const std::string& of,
               Generator* generator) {
    std::vector<Tensor> seeds;
    for (std::size_t k = 0; k < results.size(); ++k)
      seeds.push_back(differences_.weights[k].is_empty() || !is_floating(results[k].dtype())
                          ? Tensor()
                          : cast(differences_.weights[k], results[k].dtype()));
    const std::vector<Tensor> found =
        no_grad([&] { return pulled_back(called_, results, seeds, leaves, false); });
    for (std::size_t which = 0; which < inputs_.size(); ++which) {
      Elements slopes = found[which].to_vector<double>();
      for (std::size_t i = 0; i < slopes.size(); ++i)
        slopes[i] = slopes[i] == 0 ? 0 : slopes[i] * differences_.steps(which)[i];
      if (generator == nullptr || !agrees_along_a_direction(which, slopes, *generator))
        compare_elements(which, slopes, of);
    }
  }
  /// Along one random direction in each input.
  void compare_forward(const std::vector<Tensor>& results, Generator& generator) {
    const NoGrad recording(false);  // as Differences::called_with()
    differences_.weights = random_like(results, generator);
    for (std::size_t which = 0; which < inputs_.size(); ++which) {
      Elements direction, moves;
      for (const double step : differences_.steps(which)) {
        direction.push_back(generator.normal());
        moves.push_back(direction.back() * step);
      }
      std::vector<Tensor> tangents;
      for (const Tensor& each : inputs_) tangents.push_back(zeros_like(each));
      tangents[which] = tensor(moves, inputs_[which].shape());
      const Projected forward = differences_.projected(jvp(function_, inputs_, tangents).tangent),
                      numeric = differences_.difference(which, direction);
      const double error =
          relative_error(forward.value, numeric, std::max(forward.size, std::abs(numeric.value)));
      if (error <= options_.tolerance) continue;
      fail(error, GradcheckCause::wrong_rule,
           places_[which] + ": along a random direction forward mode gives " +
               short_number_text(forward.value / options_.step) + ", numeric " +
               short_number_text(numeric.value / options_.step) + ", relative error " +
               short_number_text(error) + "; likely a wrong rule for tangents, as the gradient is right");
      return;
    }
  }
  /// Of three random projections at once, and one after the other.
  void compare_batched(const std::vector<Tensor>& results, Generator& generator) {
    const NoGrad recording(false);
    const auto pull_back = vjp(function_, inputs_).pull_back;
    constexpr int count = 3;
    std::vector<std::vector<Tensor>> seeds(results.size()), expected(inputs_.size());
    for (int sample = 0; sample < count; ++sample) {
      const std::vector<Tensor> one = random_like(results, generator), found = pull_back(one);
      for (std::size_t k = 0; k < one.size(); ++k) seeds[k].push_back(one[k]);
      for (std::size_t i = 0; i < found.size(); ++i) expected[i].push_back(found[i]);
    }
    std::vector<Tensor> stacked;
    for (const std::vector<Tensor>& each : seeds)
      if (!each[0].is_empty()) stacked.push_back(stack(each));
    const auto of_floating = [&](const std::vector<Tensor>& given) {
      std::vector<Tensor> all;
      for (std::size_t k = 0, next = 0; k < results.size(); ++k)
        all.push_back(seeds[k][0].is_empty() ? Tensor() : given[next++]);
      return pull_back(all);
    };
    const std::vector<Tensor> found = vmap(of_floating)(stacked);
    for (std::size_t i = 0; i < found.size(); ++i) {
      const Tensor alone = stack(expected[i]);
      const double size = alone.size() == 0 ? 0 : max(abs(alone)).item(),
                   apart = alone.size() == 0 ? 0 : max(abs(found[i] - alone)).item();
      if (apart <= options_.tolerance * size) continue;
      fail(apart / size, GradcheckCause::wrong_rule,
           places_[i] + ": of several gradients at once, under vmap, one is off by " +
               short_number_text(apart) +
               " from that by itself; likely a wrong rule for batches, as the gradient is right");
      return;
    }
  }
  bool agrees_along_a_direction(std::size_t which, const Elements& slopes, Generator& generator) {
    Elements direction;
    double expected = 0, size = 0;
    for (const double slope : slopes) {
      direction.push_back(generator.normal());
      expected += slope == 0 ? 0 : slope * direction.back();
      size = std::hypot(size, slope);  // the square of a huge one is infinite, relative to which all is right
    }
    const Projected numeric = differences_.difference_from(expected, which, direction, size);
    const double error = relative_error(expected, numeric, std::max(size, std::abs(numeric.value)));
    if (error <= options_.tolerance) result_.worst_error = std::max(result_.worst_error, error);
    return error <= options_.tolerance;
  }
  void compare_elements(std::size_t which, const Elements& slopes, const std::string& of) {
    std::vector<Projected> numeric;
    Elements direction(slopes.size(), 0);
    double size = 0;
    for (std::size_t i = 0; i < slopes.size(); ++i)
      size = std::max(size, std::abs(slopes[i]) / differences_.steps(which)[i]);
    const double of_slopes = size;
    for (std::size_t i = 0; i < slopes.size(); ++i) {
      direction[i] = 1;
      numeric.push_back(differences_.difference_from(slopes[i], which, direction,
                                                     of_slopes * differences_.steps(which)[i]));
      direction[i] = 0;
      // As elements may differ in size, each is compared in its own units: per step, and relative to the
      // whole.
      size = std::max(size, std::abs(numeric[i].value) / differences_.steps(which)[i]);
    }
    for (std::size_t i = 0; i < slopes.size(); ++i) {
      const double error = relative_error(slopes[i], numeric[i], size * differences_.steps(which)[i]);
      if (error <= result_.worst_error && !(error > options_.tolerance && result_.passed)) continue;
      result_.worst_error = std::max(result_.worst_error, error);
      if (error > options_.tolerance) report(which, i, slopes, numeric[i], error, size, of);
    }
  }
  static double relative_error(double analytic, const Projected& numeric, double size) {
    const double apart = std::abs(analytic - numeric.value);
    if (!std::isfinite(apart)) return std::numeric_limits<double>::infinity();
    return apart <= numeric.size ? 0 : (apart - numeric.size) / size;
  }

  void report(std::size_t which, std::size_t element, const Elements& slopes, const Projected& numeric,
              double error, double size, const std::string& of) {
    const double step = differences_.steps(which)[element];
    const std::string text = of + places_[which] + ", element " + std::to_string(element) + ": analytic " +
                             short_number_text(slopes[element] / step) + ", numeric " +
                             short_number_text(numeric.value / step) + ", relative error " +
                             short_number_text(error);
    const auto [cause, reason] = cause_of(which, element, slopes, numeric, size * step);
    fail(error, cause, text + "; likely " + reason);
  }
  std::pair<GradcheckCause, std::string> cause_of(std::size_t which, std::size_t element,
                                                  const Elements& slopes, const Projected& numeric,
                                                  double size) const {
    using enum GradcheckCause;
    if (!std::isfinite(slopes[element]) || !std::isfinite(numeric.value))
      return {not_finite, "a value or a derivative that is not finite: see DetectAnomaly"};
    Elements direction(slopes.size(), 0);
    direction[element] = 1;
    const auto sides_apart = [&](double times) {
      const double here = differences_.moved(which, direction, 0).value;
      const double above = (differences_.moved(which, direction, times).value - here) / times;
      const double below = (here - differences_.moved(which, direction, -times).value) / times;
      return std::abs(above - below) / std::max(std::abs(above), std::abs(below));
    };
    const std::pair at_kink = {kink, std::string("a kink: the differences to both sides disagree; move the "
                                                 "inputs, or choose the gradient there")};
    const auto error_with = [&](double times) {
      const Projected found = differences_.difference(which, direction, times);
      return relative_error(slopes[element], {found.value, 0}, size);
    };
    const double error = relative_error(slopes[element], numeric, size);
    // At a jump, differences grow as the step gets small.
    const auto grows = [&](double times) { return std::abs(error_with(times) * times / error - 1) < 0.05; };
    if (grows(0.1) && grows(10)) return at_kink;
    const bool nothing_comes = std::ranges::all_of(slopes, [](double slope) { return slope == 0; });
    for (const double times : {1000.0, 30.0, 0.03, 0.001}) {
      if (nothing_comes) break;
      const double other = error_with(times);
      // What rounding has left, of numbers in float32 say, is less with another step; a wrong rule stays.
      if (other <= std::max(options_.tolerance, 0.1 * error))
        return {precision, "too little precision: with a step of " +
                               short_number_text(options_.step * times) + " the error is " +
                               (other <= options_.tolerance ? "gone" : "only " + short_number_text(other)) +
                               "; compute in float64 throughout, or take another step or tolerance"};
    }
    // Those of a smooth function come together as the step gets small.
    if (sides_apart(1) > 0.01 && sides_apart(0.1) > 0.5 * sides_apart(1)) return at_kink;
    if (nothing_comes && is_cut_off(which))
      return {cut_graph,
              "a cut graph: no gradient comes back; look for detach(), NoGrad and item() on the way"};
    return {wrong_rule,
            "a wrong derivative, or one of several ways is cut, as by detach(): differences with several "
            "steps agree with each other"};
  }
  /// Does nothing come back from any result?
  bool is_cut_off(std::size_t which) const {
    Generator generator(options_.seed);
    const std::vector<Tensor> leaves = differences_.variables(), results = differences_.called_with(leaves),
                              seeds = random_like(results, generator);
    const auto found = no_grad([&] { return pulled_back(called_, results, seeds, leaves, false); });
    return std::ranges::all_of(found[which].to_vector<double>(), [](double each) { return each == 0; });
  }
  void fail(double error, GradcheckCause cause, const std::string& what) {
    result_.passed = false;
    result_.worst_error = std::max(result_.worst_error, error);
    result_.cause = cause;
    result_.message = called_ + ": " + what;
  }

  std::string called_;
  Checked function_;
  const std::vector<Tensor>& inputs_;
  const std::vector<std::string>& places_;
  const GradcheckOptions& options_;
  Differences differences_;
  GradcheckResult result_;
};

std::vector<std::string> input_places(std::size_t count) {
  std::vector<std::string> places;
  for (std::size_t i = 0; i < count; ++i) places.push_back("input " + std::to_string(i));
  return places;
}

}  // namespace

namespace detail {

GradcheckResult gradcheck(std::string_view called, Checked function, const std::vector<Tensor>& inputs,
                          const std::vector<std::string>& places, const GradcheckOptions& options) {
  if (!(options.step > 0) || !(options.tolerance >= 0))
    throw std::invalid_argument(std::string(called) + ": the step is " + number_text(options.step) +
                                ", the tolerance " + number_text(options.tolerance) +
                                "; give a step above 0, and a tolerance of at least 0");
  return Check(called, function, inputs, places, options).run();
}

GradcheckResult gradgradcheck(Checked function, const std::vector<Tensor>& inputs,
                              const std::vector<std::string>& places, const GradcheckOptions& options) {
  const auto gradients_of = [&](const std::vector<Tensor>& at) {
    const auto run = vjp(function, at);
    Generator generator(options.seed + 1);
    return run.pull_back(Check::random_like(run.value, generator));
  };
  return gradcheck("gradgradcheck", gradients_of, inputs, places, options);
}

}  // namespace detail

GradcheckResult gradcheck(FunctionRef<Tensor(const std::vector<Tensor>&)> f,
                          const std::vector<Tensor>& inputs, const GradcheckOptions& options) {
  const auto function = [&](const std::vector<Tensor>& at) { return std::vector{f(at)}; };
  return detail::gradcheck("gradcheck", function, inputs, input_places(inputs.size()), options);
}

GradcheckResult gradgradcheck(FunctionRef<Tensor(const std::vector<Tensor>&)> f,
                              const std::vector<Tensor>& inputs, const GradcheckOptions& options) {
  const auto function = [&](const std::vector<Tensor>& at) { return std::vector{f(at)}; };
  return detail::gradgradcheck(function, inputs, input_places(inputs.size()), options);
}

}  // namespace chainrule
