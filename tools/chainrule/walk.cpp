// chainrule walk: a derivative step by step, as text, page, pictures or LaTeX.
// The steps are the library's Walk.

#include "chainrule/walk.h"

#include <filesystem>
#include <memory>

#include "chainrule/io.h"
#include "command.h"
#include "commands.h"
#include "options.h"
#include "print.h"
#include "session.h"
#include "text.h"

namespace chainrule::cli {
namespace {

/// Where the steps go, other than to the terminal.
struct Output {
  std::string path, format;

  bool is_directory() const { return path.ends_with('/') || std::filesystem::is_directory(path); }
  bool is(const char* extension) const {
    return CLI::detail::to_lower(std::filesystem::path(path).extension()) == extension;
  }
  /// Before any work is done.
  void check() const {
    if (path.empty() ? format.empty() : is_directory()) return;
    if (!format.empty())
      throw CommandError("--format: that of the pictures in a directory; give one, as -o steps/");
    if (!is(".html") && !is(".pdf") && !is(".tex"))
      throw CommandError("-o " + printable(path) +
                         ": the name must end in .html, .pdf or .tex, or in / for a directory of pictures");
    require_writable(path);
  }
};

/// One picture for each step: step-01.svg, ...
void write_pictures(const WalkDrawing& drawing, const Output& output) {
  const std::filesystem::path directory = output.path;
  std::error_code error;
  std::filesystem::create_directory(directory, error);
  if (error) throw IoError(output.path + ": it cannot be made: " + error.message());
  const std::string extension = output.format == "png" ? ".png" : ".svg";
  const std::size_t digits = std::max<std::size_t>(std::to_string(drawing.frames() - 1).size(), 2);
  for (std::size_t frame = 0; frame < drawing.frames(); ++frame) {
    std::string name = std::to_string(frame) + extension;
    name.insert(0, digits + extension.size() - name.size(), '0');
    save_file(directory / ("step-" + name), extension == ".png" ? drawing.png(frame) : drawing.svg(frame));
  }
}

/// Which derivative, and how.
struct Way {
  std::string mode = "backward";
  std::int64_t order = 1;
  std::vector<std::string> tangents;  ///< NAME=VALUE

  bool is_forward() const { return mode == "forward"; }
  /// Before any work is done.
  void check() const {
    if (is_forward() && order == 2)
      throw CommandError("--order 2 goes backward twice; leave out --mode forward");
    if (!is_forward() && order == 1 && !tangents.empty())
      throw CommandError("--tangent: a direction for --mode forward or --order 2; give one of them");
  }
};

/// What moves, and along which tangent.
std::vector<Movement> movements(const Request& request, const Way& way, const Computed& computed) {
  const std::vector<Tensor> tangents = ExpressionFunction(request).direction(
      way.is_forward() ? "--mode forward" : "--order 2", "--tangent", way.tangents);
  std::vector<Movement> found;
  for (std::size_t i = 0; i < tangents.size(); ++i)
    if (!tangents[i].is_empty()) found.push_back({computed.wrt[i], tangents[i]});
  return found;
}

Walk walk_of(const Request& request, const Way& way) {
  const Computed computed = compute_one(request);
  if (way.is_forward())
    return Walk::in_forward_mode(computed.output, movements(request, way, computed), request.expression);
  if (const std::string wrong = not_a_scalar(computed); !wrong.empty()) throw GradError(wrong);
  if (way.order == 2)
    return Walk::of_second_order(computed.output, movements(request, way, computed), request.expression);
  return Walk(computed.output, request.expression);
}

void run(const Request& request, const Way& way, const Output& output) {
  output.check();
  way.check();
  const KeepValues keep;
  const Walk walk = walk_of(request, way);
  if (output.path.empty()) return write_output(walk_text(walk, colours_wanted()));
  const WalkDrawing drawing(walk);
  if (output.is_directory()) return write_pictures(drawing, output);
  save_file(output.path, output.is(".pdf")   ? drawing.pdf()
                         : output.is(".tex") ? drawing.latex()
                                             : drawing.html());
}

}  // namespace

void add_walk(CLI::App& app) {
  CLI::App* command =
      app.add_subcommand("walk", "Step through the forward and the backward pass, as on the board");
  const auto request = std::make_shared<Request>();
  request->add_to(*command);
  const auto way = std::make_shared<Way>();
  command
      ->add_option("--mode", way->mode,
                   "backward: values, then gradients; or forward: values and tangents, node by node")
      ->check(CLI::IsMember({"backward", "forward"}))
      ->type_name("MODE")
      ->capture_default_str();
  add_whole_number<std::int64_t>(
      *command, "--order", way->order, 1, 2,
      "Of the derivative: 2 records the backward pass and goes back through it, too");
  command
      ->add_option_function<std::string>(
          "--tangent", [way](const std::string& tangent) { way->tangents.push_back(tangent); },
          "With --mode forward or --order 2: NAME moves along VALUE·t; one for each name\n"
          "that moves. Without it, the one number there is, or that of --wrt, moves along 1")
      ->type_name("NAME=VALUE")
      ->trigger_on_parse()
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  const auto output = std::make_shared<Output>();
  command
      ->add_option("-o,--output", output->path,
                   "A .html page that steps through it, a .pdf with a page for each step, LaTeX\n"
                   "with all equations in a .tex, or a directory for one picture of each step;\n"
                   "without it, text on standard output")
      ->check(file_name())
      ->type_name("FILE|DIR/");
  command
      ->add_option("--format", output->format, "Of the pictures in a directory: svg (as by default) or png")
      ->check(CLI::IsMember({"svg", "png"}))
      ->type_name("FORMAT");
  command->footer(
      "Expressions and values are those of `chainrule eval`.\n\n"
      "  chainrule walk 'q = x + y; q * z' x=-2 y=5 z=-4\n"
      "  chainrule walk 'h = relu(w * x + b); (h - 1) ** 2' w=0.5 x=2 b=1 -o walk.html\n"
      "  chainrule walk 'y = x * x; y + x * y' x=3 -o slides/ --format png\n"
      "  chainrule walk 'y = W @ x; tanh(y)' W=[[1,2],[3,4]] x=[0.1,0] --mode forward --tangent x=[1,0]\n"
      "  chainrule walk 'x ** 3' x=2 --order 2 -o second.html");
  command->callback([request, way, output] { run(*request, *way, *output); });
}

}  // namespace chainrule::cli
