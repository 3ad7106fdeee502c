// Clipping: gradients that have been accumulated, changed before an optimiser sees them. The norm is that of
// all gradients together; shared values are copied first.

#include "chainrule/optim/clip.h"

#include <cmath>
#include <set>
#include <stdexcept>
#include <utility>

#include "chainrule/autograd.h"
#include "chainrule/statistics.h"
#include "graph/cotangent.h"
#include "optim/options.h"

namespace chainrule {
namespace {

/// The leaves that have a gradient, each once: layers may share one.
std::vector<const Variable*> leaves_with_gradients(const std::vector<Parameter>& parameters) {
  std::vector<const Variable*> leaves;
  std::set<const Variable*> seen;
  for (const Parameter& parameter : parameters) {
    const auto* leaf = static_cast<const Variable*>(parameter.leaf().node());
    if (leaf->has_gradient() && seen.insert(leaf).second) leaves.push_back(leaf);
  }
  return leaves;
}

/// Should memory run out, a gradient stays as it was.
template <class Change>
void change_gradients(const std::vector<const Variable*>& leaves, const Change& change) {
  const NoGrad off;
  for (const Variable* leaf : leaves) {
    Tensor changed = change(leaf->gradient());
    leaf->zero_gradient();
    leaf->accumulate(std::move(changed));
  }
}

}  // namespace

double clip_grad_norm(const std::vector<Parameter>& parameters, double max_norm, double order,
                      bool error_if_nonfinite) {
  if (!(max_norm >= 0)) optim::refuse_option("clip_grad_norm", "max_norm", max_norm, "a number >= 0");
  if (!(order > 0)) optim::refuse_option("clip_grad_norm", "order", order, "a number > 0, or infinity");
  const std::vector<const Variable*> leaves = leaves_with_gradients(parameters);
  std::vector<double> norms;
  const double total = no_grad([&] {
    for (const Variable* leaf : leaves)
      norms.push_back(vector_norm(reshape(leaf->gradient(), {-1}), order).item());
    return norms.empty() ? 0.0 : vector_norm(tensor(norms), order).item();
  });
  if (error_if_nonfinite && !std::isfinite(total))
    throw GradError("clip_grad_norm: the norm of the gradients is " +
                    to_string(full({}, total, DType::float64)) +
                    "; save_graph(loss, ...) and chainrule graph show where they stop being finite");
  const double scale = max_norm / (total + 1e-6);
  if (scale < 1 || std::isnan(scale))
    change_gradients(leaves, [&](const Tensor& gradient) { return gradient * scale; });
  return total;
}

void clip_grad_value(const std::vector<Parameter>& parameters, double limit) {
  if (!(limit >= 0)) optim::refuse_option("clip_grad_value", "limit", limit, "a number >= 0");
  change_gradients(leaves_with_gradients(parameters),
                   [&](const Tensor& gradient) { return clamp(gradient, -limit, limit); });
}

}  // namespace chainrule
