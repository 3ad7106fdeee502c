// chainrule eval: the value of an expression, its gradients, and the derivatives that are asked for, as text
// or JSON.

#include <memory>

#include "commands.h"
#include "eval_derivatives.h"
#include "functions.h"
#include "print.h"
#include "session.h"

namespace chainrule::cli {
namespace {

/// `missing` says why there are no gradients; empty when there are.
std::string as_json(const Computed& computed, const std::string& missing) {
  nlohmann::ordered_json json;
  if (!computed.several.empty()) {
    for (const Tensor& each : computed.several) {
      json["values"].push_back(to_json(each));
      json["shapes"].push_back(std::vector<std::int64_t>(each.shape().begin(), each.shape().end()));
    }
    json["gradients"] = nullptr;
    if (!missing.empty()) json["note"] = missing;
    return json.dump() + "\n";
  }
  json["value"] = to_json(computed.output);
  json["shape"] = std::vector<std::int64_t>(computed.output.shape().begin(), computed.output.shape().end());
  json["gradients"] = nlohmann::ordered_json::object();
  if (!missing.empty()) {
    json["gradients"] = nullptr;
    json["note"] = missing;
    return json.dump() + "\n";
  }
  const Gradients found = gradients(computed);
  for (const Tensor& variable : computed.wrt)
    json["gradients"][variable.name()] = to_json(gradient(found, variable));
  return json.dump() + "\n";
}

std::string as_text(const Computed& computed, const std::string& missing) {
  std::string text;
  for (std::size_t i = 0; i < computed.several.size(); ++i)
    text += equation("value[" + std::to_string(i) + "]", computed.several[i]);
  if (!computed.several.empty()) return text;
  text = equation("value", computed.output);
  if (!missing.empty()) return text;
  const Gradients found = gradients(computed);
  for (const Tensor& variable : computed.wrt)
    text += equation("d" + computed.output.name() + "/d" + variable.name(), gradient(found, variable));
  return text;
}

void run(const Request& request, bool json, const Derivatives& derivatives) {
  if (derivatives.any()) return write_output(derivatives.of(request, json));
  const Computed computed = compute(request);
  const std::string missing = computed.wrt.empty() ? "" : not_a_scalar(computed);
  if (!missing.empty() && !request.wrt.empty()) throw GradError(missing);  // they were asked for
  write_output(json ? as_json(computed, missing) : as_text(computed, missing));
  if (!missing.empty() && !json) write_note("eval", "no gradients: " + missing);
}

}  // namespace

void add_eval(CLI::App& app) {
  CLI::App* command = app.add_subcommand("eval", "Compute an expression and its gradients");
  const auto request = std::make_shared<Request>();
  const auto json = std::make_shared<bool>(false);
  const auto derivatives = std::make_shared<Derivatives>();
  request->add_to(*command);
  derivatives->add_to(*command);
  command->add_flag("--json", *json,
                    "Print {\"value\": .., \"shape\": [..], \"gradients\": {..}}, exact to the bit;\n"
                    "gradients are null, and a note says why, when the value is no scalar");
  command->footer(
      "Expressions are written as in Python with NumPy or PyTorch: + - * / // % ** @, comparisons, "
      "& | ^ ~ of bool, x.T, x[0, 1:3], x.at[0, 1:3].set(0), lists, and calls as sum(x, axis=0) or "
      "x.sum(axis=0). Statements "
      "are\n"
      "separated by ; Gradients are those of a scalar; of any other value, only the value is printed.\n\n"
      "  chainrule eval '(x + y) * z' x=-2 y=5 z=-4\n"
      "  chainrule eval 'h = relu(W @ x + b); sum(h ** 2)' 'W=randn(3,2)' x=[1,2] b=[0,0,1] --wrt W,b\n"
      "  chainrule eval 'cross_entropy(z, [0, 2])' 'z=[[1,2,3],[4,5,6]]' --json\n"
      "  chainrule eval 'softmax(W @ x)' 'W=randn(3,2)' x=[1,2] --jacobian --wrt x\n"
      "  chainrule eval '1 / x' x=4 --order 6\n"
      "  chainrule eval 'mean((X @ w - 1) ** 2)' X=@table.csv w=@weights.npy --dtype float32\n\n"
      "Functions:\n" +
      function_list());
  command->callback([request, json, derivatives] { run(*request, *json, *derivatives); });
}

}  // namespace chainrule::cli
