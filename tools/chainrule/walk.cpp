#include "chainrule/walk.h"

#include <memory>

#include "commands.h"
#include "print.h"
#include "session.h"

namespace chainrule::cli {
namespace {

void run(const Request& request) {
  const KeepValues keep;
  const Computed computed = compute(request);
  if (computed.output.size() != 1) gradients(computed);  // says what to do
  write_output(draw::walk_text(Walk(computed.output, request.expression), colours_wanted()));
}

}  // namespace

void add_walk(CLI::App& app) {
  CLI::App* command =
      app.add_subcommand("walk", "Step through the forward and the backward pass, as on the board");
  const auto request = std::make_shared<Request>();
  request->add_to(*command);
  command->footer(
      "Expressions and values are those of `chainrule eval`.\n\n"
      "  chainrule walk 'q = x + y; q * z' x=-2 y=5 z=-4\n"
      "  chainrule walk 'h = relu(w * x + b); (h - 1) ** 2' w=0.5 x=2 b=1");
  command->callback([request] { run(*request); });
}

}  // namespace chainrule::cli
