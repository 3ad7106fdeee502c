// Linear systems with a Jacobian: factorised where it is small, by products with it where it is not (GMRES).
// Relies on a recorded function.

#include "solvers/linear_system.h"

#include <algorithm>
#include <cmath>

#include "chainrule/autograd.h"
#include "chainrule/detail/jacobian.h"
#include "chainrule/implicit.h"
#include "chainrule/linalg.h"
#include "solvers/numbers.h"

namespace chainrule::solvers {
namespace {

constexpr std::int64_t largest_factorised = 256;
constexpr std::size_t most_steps = 500;

[[noreturn]] void report(const detail::Trace& trace, const std::string& what) {
  throw SolverError(std::string(trace.called()) + ": " + what);
}
[[noreturn]] void report_singular(const detail::Trace& trace) {
  report(trace, trace.called() == "minimize"
                    ? "the Hessian is singular: the function has no curvature there, as a linear one, or is "
                      "flat in a direction; begin elsewhere, or add a regularisation"
                    : "the Jacobian is singular; begin elsewhere, or add a regularisation");
}

/// Saad and Schultz, "GMRES: a generalized minimal residual algorithm", 1986, with Givens rotations.
template <class Product>
Tensor gmres(const detail::Trace& trace, const Product& product, const Tensor& b) {
  const double size = norm(b).item();
  if (size == 0) return b;
  const double enough = size * std::pow(epsilon(b.dtype()), 0.75);
  const std::size_t steps = std::min(most_steps, static_cast<std::size_t>(b.size()));
  std::vector<Tensor> basis = {b / size};
  std::vector<std::vector<double>> columns;            // of the triangular factor
  std::vector<double> cosines, sines, right = {size};  // the last of `right` is what is left
  for (std::size_t k = 0; k < steps && std::abs(right.back()) > enough; ++k) {
    Tensor next = product(basis[k]);
    std::vector<double> column(k + 1, 0.0);
    for (int pass = 0; pass < 2; ++pass)  // once is not orthogonal enough
      for (std::size_t i = 0; i <= k; ++i) {
        const double share = dot(basis[i], next).item();
        column[i] += share;
        next = next - share * basis[i];
      }
    const double rest = norm(next).item();
    for (std::size_t i = 0; i < k; ++i) {
      const double above = column[i];
      column[i] = cosines[i] * above + sines[i] * column[i + 1];
      column[i + 1] = cosines[i] * column[i + 1] - sines[i] * above;
    }
    const double diagonal = std::hypot(column[k], rest);
    if (!std::isfinite(diagonal)) report(trace, "the derivative is not finite; begin elsewhere");
    if (diagonal == 0) report_singular(trace);
    cosines.push_back(column[k] / diagonal);
    sines.push_back(rest / diagonal);
    column[k] = diagonal;
    columns.push_back(std::move(column));
    right.push_back(-sines[k] * right[k]);
    right[k] *= cosines[k];
    if (rest == 0) break;
    basis.push_back(next / rest);
  }
  if (!(std::abs(right.back()) <= enough))
    report(trace, "GMRES has not solved the linear system of the derivative in " + std::to_string(steps) +
                      " steps: what is left is " + text_of(std::abs(right.back()) / size) +
                      " of it; scale the equations, so that all matter alike");
  Tensor solution = zeros_like(b);
  std::vector<double> shares(columns.size());
  for (std::size_t i = columns.size(); i-- > 0;) {
    shares[i] = right[i];
    for (std::size_t j = i + 1; j < columns.size(); ++j) shares[i] -= columns[j][i] * shares[j];
    shares[i] /= columns[i][i];
    solution = solution + shares[i] * basis[i];
  }
  return solution;
}

}  // namespace

Tensor JacobianSystem::solve(const Tensor& b, bool transposed) {
  const NoGrad off;
  if (b.size() > largest_factorised) {
    if (transposed)
      return gmres(
          *trace_, [&](const Tensor& v) { return trace_->pull_back(std::span(&v, 1)).front(); }, b);
    const detail::Linearization linear(trace_);
    return gmres(
        *trace_, [&](const Tensor& v) { return linear.push_forward(std::span(&v, 1)).front(); }, b);
  }
  if (jacobian_.is_empty()) jacobian_ = detail::jacobians(trace_, JacobianMode::reverse, 0).front();
  try {
    return chainrule::solve(transposed ? transpose(jacobian_) : jacobian_, b);
  } catch (const LinAlgError&) {
    report_singular(*trace_);
  }
}

}  // namespace chainrule::solvers
