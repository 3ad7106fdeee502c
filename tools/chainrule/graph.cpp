#include "chainrule/graph.h"

#include <array>
#include <filesystem>
#include <memory>
#include <sstream>

#include "command.h"
#include "commands.h"
#include "print.h"
#include "session.h"
#include "text.h"

namespace chainrule::cli {
namespace {

/// The format that the name of the file asks for.
std::string format_of(const std::string& path) {
  std::string format = std::filesystem::path(path).extension();
  for (char& c : format) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  for (const char* known : {".dot", ".svg", ".png", ".pdf"})
    if (format == known) return format.substr(1);
  throw CommandError("-o " + printable(path) + ": the name of the file must end in .dot, .svg, .png or .pdf");
}

void run(const Request& request, const std::string& path) {
  const std::string format = path.empty() ? "" : format_of(path);  // before any work is done
  const KeepValues keep;
  const Computed computed = compute(request);
  const Gradients found = gradients(computed, true);
  std::ostringstream dot;
  draw::write_dot(dot, computed.output, {.gradients = &found});
  if (path.empty()) return write_output(dot.str());
  if (format == "dot") return write_file(path, dot.str());
  draw::render_dot(dot.str(), format, path);
}

}  // namespace

void add_graph(CLI::App& app) {
  CLI::App* command = app.add_subcommand("graph", "Draw an expression's graph with values and gradients");
  const auto request = std::make_shared<Request>();
  const auto path = std::make_shared<std::string>();
  request->add_to(*command);
  command
      ->add_option("-o,--output", *path,
                   "A .dot, .svg, .png or .pdf file; without it, DOT on standard output")
      ->type_name("FILE");
  command->footer(
      "Expressions and values are those of `chainrule eval`.\n\n"
      "  chainrule graph 'q = x + y; q * z' x=-2 y=5 z=-4 -o walkthrough.svg\n"
      "  chainrule graph 'tanh(w * x + b)' w=0.5 x=2 b=-1 | dot -Tx11");
  command->callback([request, path] { run(*request, *path); });
}

}  // namespace chainrule::cli
