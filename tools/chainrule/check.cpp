// `chainrule check`: gradients of an expression compared with differences.
// The shortest subcommand, and so an example of one.

#include <memory>

#include "chainrule/gradcheck.h"
#include "commands.h"
#include "options.h"
#include "print.h"
#include "session.h"

namespace chainrule::cli {
namespace {

struct CheckRequest : Request {
  GradcheckOptions options;
  bool second = false;
};

void check(const CheckRequest& request) {
  const ExpressionFunction f(request);
  if (f.names().empty())
    throw CommandError("nothing to differentiate with respect to: give a floating value as NAME=VALUE");
  const auto function = [&](const std::vector<Tensor>& at) { return std::vector{f(at)}; };
  GradcheckOptions options = request.options;
  options.seed = request.seed;
  const GradcheckResult result =
      request.second ? detail::gradgradcheck(function, f.values(), f.names(), options)
                     : detail::gradcheck("gradcheck", function, f.values(), f.names(), options);
  if (!result.passed) throw GradError(result.message);
  std::string names;
  for (const std::string& name : f.names()) names += (names.empty() ? "" : ", ") + name;
  write_output(fmt::format("{} with respect to {} agree with differences{}\n",
                           request.second ? "second derivatives" : "gradients", names,
                           result.worst_error == 0
                               ? " but for rounding"
                               : fmt::format("; largest relative error {:.1e}", result.worst_error)));
}

}  // namespace

void add_check(CLI::App& app) {
  CLI::App* command = app.add_subcommand("check", "Compare the gradients of an expression with differences");
  const auto request = std::make_shared<CheckRequest>();
  request->add_to(*command);
  command->add_flag("--second", request->second, "Compare second derivatives");
  command->add_flag("--full", request->options.full_jacobian,
                    "Compare every element of the result, not a random projection");
  add_number(
      *command, "--tolerance", request->options.tolerance, [](double x) { return x > 0 && x < 1; },
      "a number between 0 and 1", "Largest error accepted, relative to the size of the gradient");
  command->footer(
      "Says where they differ, both numbers, and the likely reason, and ends with 1.\n\n"
      "  chainrule check 'sum(tanh(W @ x))' 'W=randn(3,2)' x=[1,2]\n"
      "  chainrule check 'sum(relu(x))' x=[0,1] --second");
  command->callback([request] { check(*request); });
}

}  // namespace chainrule::cli
