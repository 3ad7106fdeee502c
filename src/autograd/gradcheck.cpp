#include "chainrule/gradcheck.h"

#include <algorithm>
#include <cmath>
#include <sstream>

#include "chainrule/ops.h"
#include "chainrule/random.h"

namespace chainrule {

GradcheckResult gradcheck(FunctionRef<Tensor(const std::vector<Tensor>&)> function,
                          const std::vector<Tensor>& inputs, const GradcheckOptions& options) {
  for (const Tensor& input : inputs)
    if (input.dtype() != DType::float64)
      throw DTypeError("gradcheck: an input is " + std::string(to_string(input.dtype())) +
                       "; differences need float64, cast it first");
  Generator generator(options.seed);
  std::vector<Tensor> leaves;
  leaves.reserve(inputs.size());
  for (const Tensor& input : inputs) leaves.push_back(variable(input));
  const Tensor output = function(leaves);
  const Tensor projection = randn(output.shape(), generator, DType::float64);
  const Tensor projected = sum(output * projection);

  GradcheckResult result;
  if (!projected.requires_grad()) {
    result.passed = false;
    result.message = "gradcheck: the result depends on none of the inputs";
    return result;
  }
  const Gradients analytic = gradients(projected, leaves);
  const auto evaluate = [&](std::size_t which, std::size_t element, double value) {
    std::vector<Tensor> moved = leaves;  // the function may differentiate, so all stay variables
    auto elements = inputs[which].to_vector<double>();
    elements[element] = value;
    moved[which] = variable(tensor(elements, inputs[which].shape()));
    return sum(cast(function(moved), DType::float64) * projection).item();
  };
  for (std::size_t which = 0; which < inputs.size(); ++which) {
    const auto at = inputs[which].to_vector<double>();
    const auto slopes = analytic.at(leaves[which]).to_vector<double>();
    for (std::size_t element = 0; element < at.size(); ++element) {
      const double step = options.step * std::max(1.0, std::abs(at[element]));
      const double above = at[element] + step, below = at[element] - step;
      const double numeric =
          (evaluate(which, element, above) - evaluate(which, element, below)) / (above - below);
      const double error =
          std::abs(slopes[element] - numeric) / std::max({1.0, std::abs(slopes[element]), std::abs(numeric)});
      if (error <= result.worst_error) continue;
      result.worst_error = error;
      if (error <= options.tolerance) continue;
      result.passed = false;
      std::ostringstream message;
      const auto shown = [](double x) { return std::isnan(x) ? NAN : x; };  // a stream writes its sign, too
      message << "gradcheck: input " << which << ", element " << element << ": analytic "
              << shown(slopes[element]) << ", numeric " << shown(numeric) << ", relative error "
              << shown(error);
      result.message = message.str();
    }
  }
  return result;
}

}  // namespace chainrule
