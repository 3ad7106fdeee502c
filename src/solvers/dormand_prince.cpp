// Steps of Dormand and Prince, and how long they are: orders 5 and 4, with errors controlled by their
// difference. Written in public operations.

#include "solvers/dormand_prince.h"

#include <algorithm>
#include <cmath>

#include "autograd/total.h"
#include "chainrule/ops.h"
#include "chainrule/shaping.h"
#include "solvers/numbers.h"

namespace chainrule::solvers {
namespace {

constexpr std::array<double, 7> nodes = {0, 1. / 5, 3. / 10, 4. / 5, 8. / 9, 1, 1};
constexpr std::array<std::array<double, 6>, 7> weights = {{
    {},
    {1. / 5},
    {3. / 40, 9. / 40},
    {44. / 45, -56. / 15, 32. / 9},
    {19372. / 6561, -25360. / 2187, 64448. / 6561, -212. / 729},
    {9017. / 3168, -355. / 33, 46732. / 5247, 49. / 176, -5103. / 18656},
    {35. / 384, 0, 500. / 1113, 125. / 192, -2187. / 6784, 11. / 84},  // at the end of the step
}};
/// Order 5 less order 4.
constexpr std::array<double, 7> errors = {71. / 57600,      0,         -71. / 16695, 71. / 1920,
                                          -17253. / 339200, 22. / 525, -1. / 40};
/// Of the share of the step, to the powers 1 to 4.
constexpr std::array<std::array<double, 4>, 7> between = {{
    {1, -8048581381. / 2820520608, 8663915743. / 2820520608, -12715105075. / 11282082432},
    {},
    {0, 131558114200. / 32700410799, -68118460800. / 10900136933, 87487479700. / 32700410799},
    {0, -1754552775. / 470086768, 14199869525. / 1410260304, -10690763975. / 1880347072},
    {0, 127303824393. / 49829197408, -318862633887. / 49829197408, 701980252875. / 199316789632},
    {0, -282668133. / 205662961, 2019193451. / 616988883, -1453857185. / 822651844},
    {0, 40617522. / 29380423, -110615467. / 29380423, 69997945. / 29380423},
}};

/// Σ factor·slope of those that are not 0.
template <std::size_t N>
Tensor combined(const std::array<double, N>& factors, double length, const std::array<Tensor, 7>& slopes) {
  Tensor sum;
  for (std::size_t i = 0; i < N; ++i) {
    if (factors[i] == 0) continue;
    add_to(sum, slopes[i] * (length * factors[i]));
  }
  return sum;
}

/// Of the state without its tangent.
Tensor solution_in(const Field& field, const Tensor& state) {
  return field.has_tangent() ? state[{Slice{0, state.size() / 2}}] : state;
}

/// The root mean square of x in units of what is allowed; under vmap the largest of all samples. That of a
/// tangent if it is larger.
double size_of(const Field& field, const Tensor& x, const Tensor& scale) {
  if (x.size() == 0) return 0;
  const Tensor squares = square(x / scale);
  const double size = std::sqrt(largest(mean(solution_in(field, squares))));
  if (!field.has_tangent()) return size;
  const double of_tangent = std::sqrt(largest(mean(squares[{Slice{x.size() / 2, x.size()}}])));
  return std::isfinite(of_tangent) ? std::max(size, of_tangent) : size;
}

Tensor scale_at(const Tensor& magnitude, const OdeOptions& options) {
  const double least = magnitude.dtype() == DType::float32 ? 1e-6 : 0;
  return options.atol + std::max(options.rtol, least) * magnitude;
}

/// Hairer, Nørsett and Wanner, section II.4.
double first_length(const Field& field, const Tensor& y, double t, double direction, const Tensor& slope,
                    std::span<const Tensor> in, const OdeOptions& options) {
  const Tensor scale = scale_at(abs(y), options);
  const double d0 = size_of(field, y, scale), d1 = size_of(field, slope, scale);
  const double h0 = d0 < 1e-5 || d1 < 1e-5 ? 1e-6 : 0.01 * d0 / d1;
  const Tensor next = field.slope(y + slope * (direction * h0), full({}, t + direction * h0, y.dtype()), in);
  const double d2 = size_of(field, next - slope, scale) / h0;
  if (!std::isfinite(d2)) return h0 / 100;
  const double most = std::max(d1, d2);
  return std::min(100 * h0, most <= 1e-15 ? std::max(1e-6, h0 * 1e-3) : std::pow(0.01 / most, 0.2));
}

[[noreturn]] void report(double t, const std::string& what) {
  throw SolverError("odeint: at t = " + text_of(t) + " " + what);
}

}  // namespace

Step::Step(const Field& field, const Tensor& y, const Tensor& t, const Tensor& first, double step_length,
           std::span<const Tensor> in)
    : start(y), length(step_length) {
  slopes[0] = first;
  for (std::size_t i = 1; i < slopes.size(); ++i) {
    end = y + combined(weights[i], length, slopes);
    slopes[i] = field.slope(end, t + nodes[i] * length, in);
  }
}

Tensor Step::at(const Tensor& share) const {
  Tensor y = start;
  for (std::size_t i = 0; i < slopes.size(); ++i) {
    const auto& [a, b, c, d] = between[i];
    if (d != 0) y = std::move(y) + slopes[i] * (share * (a + share * (b + share * (c + share * d))) * length);
  }
  return y;
}

double Step::error(const Field& field, const OdeOptions& options) const {
  const Tensor scale = scale_at(maximum(abs(start), abs(end)), options);
  return size_of(field, combined(errors, length, slopes), scale);
}

Tensor integrated(const Field& field, const Tensor& y0, std::span<const double> times,
                  std::span<const Tensor> in, const OdeOptions& options, std::vector<Stretch>* taken) {
  std::vector<Tensor> rows = {y0};
  if (times.size() == 1) return stack(rows);
  const double first = times.front(), last = times.back(), direction = last > first ? 1 : -1;
  const auto number = [&](double t) { return full({}, t, y0.dtype()); };
  Tensor y = y0, slope = field.slope(y, number(first), in);
  if (!std::isfinite(largest(solution_in(field, slope))))
    report(first, "the function has NaN or infinite elements; begin where it is defined");
  double t = first, length = first_length(field, y, t, direction, slope, in, options);
  for (std::int64_t count = 0; rows.size() < times.size(); ++count) {
    if (count == options.steps)
      report(t, "after " + std::to_string(count) + " steps it is not at " + text_of(last) +
                    " yet; the equation may be stiff: allow more steps, or a larger rtol and atol");
    const double left = std::abs(last - t);
    const bool reaches = length * 1.01 >= left;
    if (reaches) length = left;
    const Step step(field, y, number(t), slope, direction * length, in);
    const double error = step.error(field, options);
    const double factor = std::isfinite(error) ? std::clamp(0.9 * std::pow(error, -0.2), 0.2, 10.0) : 0.1;
    if (!(error <= 1)) {
      length *= std::min(factor, 1.0);
      if (length < 16 * std::numeric_limits<double>::epsilon() * std::max(std::abs(t), 1e-300))
        report(t, "the step has become " + text_of(length) +
                      (std::isfinite(error) ? "" : ", and beyond it numbers are not finite") +
                      ": the solution may run to infinity there, or jump, or the function not be defined; "
                      "end before, or allow a larger rtol and atol");
      continue;
    }
    const double next = reaches ? last : t + direction * length;
    if (taken != nullptr) taken->push_back({t - first, next - t});
    while (rows.size() < times.size() && (times[rows.size()] - next) * direction <= 0) {
      const double asked = times[rows.size()];
      rows.push_back(asked == next ? step.end : step.at(number((asked - t) / step.length)));
    }
    t = next;
    y = step.end;
    slope = step.slopes.back();
    length *= factor;
  }
  return stack(rows);
}

}  // namespace chainrule::solvers
