// What `chainrule eval` prints for --jacobian, --hessian, --jvp and --order, by the functions of
// derivatives.h.

#include "eval_derivatives.h"

#include "chainrule/derivatives.h"
#include "command.h"
#include "options.h"
#include "print.h"

namespace chainrule::cli {
namespace {

using Json = nlohmann::ordered_json;

/// "d2L/dx dy" of x and y, "d2L/dx2" of x twice.
std::string second(const std::string& a, const std::string& b) {
  return "d2L/d" + a + (a == b ? "2" : " d" + b);
}

/// Text and JSON of what is found, in turn.
struct Answer {
  std::string text;
  Json json;
};

void add_jacobian(Answer& answer, const ExpressionFunction& f) {
  const std::vector<Tensor> all = jacobian(f)(f.values());
  for (std::size_t i = 0; i < all.size(); ++i) {
    answer.text += equation("dL/d" + f.names()[i], all[i]);
    answer.json["jacobian"][f.names()[i]] = to_json(all[i]);
  }
}

void add_hessian(Answer& answer, const ExpressionFunction& f) {
  const std::vector<std::vector<Tensor>> all = hessian(f)(f.values());
  for (std::size_t i = 0; i < all.size(); ++i)
    for (std::size_t j = 0; j < all.size(); ++j) {
      answer.text += equation(second(f.names()[i], f.names()[j]), all[i][j]);
      answer.json["hessian"][f.names()[i]][f.names()[j]] = to_json(all[i][j]);
    }
}

/// Along the tangents, or in the one number that there is.
void add_along(Answer& answer, const ExpressionFunction& f, const std::vector<std::string>& tangents,
               std::int64_t order) {
  const std::vector<Tensor> direction = f.direction("--order", "--jvp", tangents);
  const std::string by = tangents.empty() ? "d" + f.names().front() : "dt";
  const bool is_tangent = order == 0;
  const auto coefficients = jet(f, f.values(), direction, is_tangent ? 1 : order);
  double factorial = 1;
  for (std::size_t k = 1; k < coefficients.size(); ++k) {
    factorial *= static_cast<double>(k);
    const Tensor derivative = coefficients[k] * factorial;
    answer.text += equation(k == 1 ? "dL/" + by : fmt::format("d{}L/{}{}", k, by, k), derivative);
    if (is_tangent)
      answer.json["tangent"] = to_json(derivative);
    else
      answer.json["derivatives"].push_back(to_json(derivative));
  }
}

}  // namespace

void Derivatives::add_to(CLI::App& command) {
  command.add_flag("--jacobian", jacobian,
                   "Print all derivatives of all elements: of the shape of the value and then of the name");
  command.add_flag("--hessian", hessian, "Print all second derivatives of a scalar");
  command
      .add_option_function<std::string>(
          "--jvp", [this](const std::string& tangent) { tangents.push_back(tangent); },
          "Print the derivative dL/dt where NAME moves along VALUE·t: one for each name that moves")
      ->type_name("NAME=VALUE")
      ->trigger_on_parse()
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  add_whole_number<std::int64_t>(command, "--order", order, 1, 12,
                                 "Print the derivatives up to this order, along --jvp or in a single number")
      ->default_str("");
}

std::string Derivatives::of(const Request& request, bool json) const {
  const ExpressionFunction f(request);
  if (f.names().empty())
    throw CommandError("nothing to differentiate with respect to: give a floating value as NAME=VALUE");
  const Tensor value = f(f.values());
  Answer answer;
  answer.text = equation("value", value);
  answer.json["value"] = to_json(value);
  answer.json["shape"] = std::vector<std::int64_t>(value.shape().begin(), value.shape().end());
  if (jacobian) add_jacobian(answer, f);
  if (hessian) add_hessian(answer, f);
  if (!tangents.empty() || order != 0) add_along(answer, f, tangents, order);
  return json ? answer.json.dump() + "\n" : answer.text;
}

}  // namespace chainrule::cli
