// chainrule graph: draws the graph of an expression, or one that a program has saved.
// The format is that of the file's name.

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <sstream>

#include "chainrule/draw.h"
#include "chainrule/io.h"
#include "chainrule/profile.h"
#include "command.h"
#include "commands.h"
#include "options.h"
#include "print.h"
#include "session.h"
#include "text.h"

namespace chainrule::cli {
namespace {

/// The format that the name of the file asks for.
std::string format_of(const std::string& path) {
  std::string format = std::filesystem::path(path).extension();
  for (char& c : format) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  for (const char* known : {".dot", ".svg", ".png", ".pdf", ".html"})
    if (format == known) return format.substr(1);
  if (path.ends_with(".graph.json")) return "json";
  throw CommandError("-o " + printable(path) +
                     ": the name of the file must end in .dot, .svg, .png, .pdf, .html or .graph.json");
}

struct Shown {
  const char* name;
  bool DrawOptions::*option;
};
constexpr Shown shown[] = {{"values", &DrawOptions::values},
                           {"derivatives", &DrawOptions::local_derivatives},
                           {"shapes", &DrawOptions::shapes},
                           {"dtypes", &DrawOptions::dtypes},
                           {"costs", &DrawOptions::costs},
                           {"source", &DrawOptions::source},
                           {"legend", &DrawOptions::legend},
                           {"times", &DrawOptions::times},
                           {"colours", &DrawOptions::colour_by_gradient}};

struct Requested {
  std::vector<std::string> show = {"values", "gradients", "derivatives", "shapes"};
  std::string path;
  bool profile = false;

  bool shows(const std::string& name) const {
    return std::find(show.begin(), show.end(), name) != show.end();
  }
  DrawOptions options() const {
    DrawOptions options;
    for (const Shown& each : shown) options.*each.option = shows(each.name);
    if (profile) options.times = options.colour_by_time = options.legend = true;
    return options;
  }
};

/// A graph saved by save_graph, or that of an expression.
GraphRecord graph_of(const Request& request, bool profiled) {
  if (request.expression.ends_with(".json")) {
    if (!request.values.empty())
      throw CommandError(printable(request.values.front()) + ": a saved graph has its values already");
    return load_graph(request.expression);
  }
  // What happens once only, as loading a library, is no part of the measurement.
  if (profiled) (void)gradients(compute_one(request), true);
  const std::optional<Profile> profile = profiled ? std::optional<Profile>(std::in_place) : std::nullopt;
  const KeepValues keep;
  const Computed computed = compute_one(request);
  const std::string missing = computed.wrt.empty() ? "" : not_a_scalar(computed);
  if (!missing.empty() && !request.wrt.empty()) throw GradError(missing);  // they were asked for
  if (!missing.empty()) write_note("graph", "no gradients: " + missing);
  const Gradients found = gradients(computed, true);
  GraphRecord graph(computed.output, &found, profile ? &*profile : nullptr);
  for (RecordedNode& node : graph.nodes) node.file.clear();  // places in this tool, not in the user's program
  return graph;
}

void run(const Request& request, const Requested& wanted) {
  const std::string format = wanted.path.empty() ? "" : format_of(wanted.path);  // before any work is done
  if (!format.empty()) require_writable(wanted.path);
  GraphRecord graph = graph_of(request, wanted.profile);
  if (wanted.profile &&
      std::ranges::none_of(graph.nodes, [](const RecordedNode& node) { return node.time.has_value(); }))
    throw CommandError(
        "--profile: the saved graph has no times; give a Profile to the GraphRecord that is saved");
  if (!wanted.shows("gradients"))
    for (RecordedNode& node : graph.nodes) node.gradient.reset();
  if (format == "json") return save_graph(graph, wanted.path);
  std::ostringstream drawn;
  if (format == "html")
    write_html(drawn, graph, wanted.options());
  else
    write_dot(drawn, graph, wanted.options());
  if (format.empty()) return write_output(drawn.str());
  if (format == "dot" || format == "html") return save_file(wanted.path, drawn.str());
  render_dot(drawn.str(), format, wanted.path);
}

}  // namespace

void add_graph(CLI::App& app) {
  CLI::App* command = app.add_subcommand("graph", "Draw a graph with values and gradients");
  const auto request = std::make_shared<Request>();
  const auto wanted = std::make_shared<Requested>();
  request->add_to(*command);
  command->get_option("EXPR")->description(
      "What to compute, in the syntax of Python; or a file from save_graph,\nwhose name ends in .json");
  command
      ->add_option("-o,--output", wanted->path,
                   "A .dot, .svg, .png, .pdf or .html file, or .graph.json to draw it later;\n"
                   "without it, DOT on standard output")
      ->check(file_name())
      ->type_name("FILE");
  std::vector<std::string> names = {"gradients"};
  for (const Shown& each : shown) names.emplace_back(each.name);
  command
      ->add_option("--show", wanted->show,
                   "What to show, separated by commas: values, gradients, derivatives (on\n"
                   "edges), shapes, dtypes, costs (memory and flops), source (the line that\n"
                   "made the node), legend, times (of a profile), colours (by the norm of\n"
                   "the gradient)")
      ->delimiter(',')
      ->allow_extra_args(false)  // what follows is the expression
      ->check(CLI::IsMember(names))
      ->type_name("WHAT,...")
      ->default_str("values,gradients,derivatives,shapes");
  command->add_flag("--profile", wanted->profile,
                    "Measure, and colour the nodes by their share of the time, forward and backward,\n"
                    "with times and a legend; of a saved graph, by the times that were saved with it");
  command->footer(
      "Expressions and values are those of `chainrule eval`. An .html page folds and searches, and shows "
      "all\n"
      "there is to know about a node. C++ programs save their graphs with save_graph(loss, "
      "\"step.graph.json\").\n\n"
      "  chainrule graph 'q = x + y; q * z' x=-2 y=5 z=-4 -o walkthrough.svg\n"
      "  chainrule graph step.graph.json -o step.html\n"
      "  chainrule graph step.graph.json --show gradients,shapes,colours,legend -o step.pdf\n"
      "  chainrule graph 'tanh(A @ B).sum()' 'A=randn(300,300)' 'B=randn(300,300)' --profile -o hot.svg\n"
      "  chainrule graph 'tanh(w * x + b)' w=0.5 x=2 b=-1 | dot -Tx11");
  command->callback([request, wanted] { run(*request, *wanted); });
}

}  // namespace chainrule::cli
