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

void run(const Request& request, const Output& output) {
  output.check();
  const KeepValues keep;
  const Computed computed = compute_one(request);
  if (const std::string wrong = not_a_scalar(computed); !wrong.empty()) throw GradError(wrong);
  const Walk walk(computed.output, request.expression);
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
      "  chainrule walk 'y = x * x; y + x * y' x=3 -o slides/ --format png");
  command->callback([request, output] { run(*request, *output); });
}

}  // namespace chainrule::cli
