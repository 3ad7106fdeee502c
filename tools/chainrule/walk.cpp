#include <algorithm>
#include <memory>

#include "chainrule/graph.h"
#include "chainrule/ops.h"
#include "commands.h"
#include "print.h"
#include "session.h"
#include "text.h"

namespace chainrule::cli {
namespace {

/// Colours for a terminal, or nothing: blue for values, orange for gradients, as in drawings.
struct Palette {
  const char *value = "", *gradient = "", *heading = "", *plain = "";
};
Palette palette() {
  if (!colours_wanted()) return {};
  return {.value = "\x1b[34m", .gradient = "\x1b[33m", .heading = "\x1b[1m", .plain = "\x1b[0m"};
}

/// A negative number in parentheses, where an operator stands before it.
std::string after_operator(const std::string& text) {
  return text.starts_with('-') ? "(" + text + ")" : text;
}

std::string_view infix(std::string_view operation) {
  struct Sign {
    std::string_view operation, text;
  };
  static constexpr Sign signs[] = {{"add", " + "},     {"sub", " - "},
                                   {"mul", " · "},     {"div", " / "},
                                   {"pow", " ** "},    {"matmul", " @ "},
                                   {"less", " < "},    {"less_equal", " <= "},
                                   {"greater", " > "}, {"greater_equal", " >= "},
                                   {"equal", " == "},  {"not_equal", " != "}};
  for (const Sign& sign : signs)
    if (sign.operation == operation) return sign.text;
  return {};
}

/// "x + y", "tanh(x)", "-x".
std::string written(std::string_view operation, const std::vector<std::string>& arguments) {
  if (const std::string_view sign = infix(operation); !sign.empty() && arguments.size() == 2)
    return arguments[0] + std::string(sign) + after_operator(arguments[1]);
  if (operation == "neg" && arguments.size() == 1) return "-" + after_operator(arguments[0]);
  std::string list;
  for (const std::string& argument : arguments) list += (list.empty() ? "" : ", ") + argument;
  return std::string(operation) + "(" + list + ")";
}

class Walk {
 public:
  explicit Walk(const Tensor& output) : graph_(output), colour_(palette()) {}

  std::string text() {
    heading("Forward");
    for (const GraphNode& node : graph_.nodes()) forward(node);
    text_ += "\n";
    heading("Backward");
    backward();
    return std::move(text_);
  }

 private:
  void heading(const char* title) { text_ += colour_.heading + std::string(title) + colour_.plain + "\n"; }
  std::string value(const std::string& text) const { return colour_.value + text + colour_.plain; }
  std::string gradient(const std::string& text) const { return colour_.gradient + text + colour_.plain; }
  std::string derivative(const std::string& label) const {
    return "d" + graph_.output().label + "/d" + label;
  }

  void forward(const GraphNode& node) {
    const bool is_literal =
        node.kind == NodeKind::constant && node.tensor.name().empty() && node.tensor.rank() == 0;
    if (is_literal) return;
    if (node.kind != NodeKind::operation) {
      text_ += "  " + node.label + " = " + value(brief(node.tensor)) + "\n";
      return;
    }
    std::vector<std::string> names, numbers;
    bool scalars = true;
    for (const std::size_t input : node.inputs) {
      names.push_back(graph_.nodes()[input].label);
      numbers.push_back(brief(graph_.nodes()[input].tensor));
      scalars = scalars && graph_.nodes()[input].tensor.rank() == 0;
    }
    text_ += "  " + node.label + " = " + written(node.operation, names) + " = ";
    if (scalars && numbers != names) text_ += written(node.operation, numbers) + " = ";
    text_ += value(brief(node.tensor)) + "\n";
  }

  void backward() {
    const std::vector<GraphNode>& nodes = graph_.nodes();
    if (!graph_.output().tensor.requires_grad()) {
      text_ +=
          "  " + graph_.output().label + " depends on no variable, or not smoothly: all gradients are 0\n";
      return;
    }
    total_.assign(nodes.size(), {});
    total_.back() = ones_like(graph_.output().tensor);
    text_ += "  " + derivative(graph_.output().label) + " = " + gradient(brief(total_.back())) + "\n";
    // Every node comes after its inputs, so from the end, each has its whole gradient when its turn comes.
    for (std::size_t position = nodes.size(); position-- > 0;)
      if (nodes[position].kind == NodeKind::operation && total_[position]) step(position);
  }

  void step(std::size_t position) {
    const GraphNode& node = graph_.nodes()[position];
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      if (!graph_.nodes()[node.inputs[i]].tensor.requires_grad()) continue;
      const Tensor sent = local_gradient(node.tensor, i, total_[position]);
      if (sent) receive(position, i, sent);
    }
  }

  /// One step of the chain rule: what `position` sends to its input number `i`.
  void receive(std::size_t position, std::size_t i, const Tensor& sent) {
    const GraphNode& node = graph_.nodes()[position];
    const GraphNode& input = graph_.nodes()[node.inputs[i]];
    std::vector<std::string> names;
    for (const std::size_t each : node.inputs) names.push_back(in_formula(each));
    const LocalFormula formula = local_formula(node.tensor, i, names, in_formula(position));

    Tensor& total = total_[node.inputs[i]];
    const bool first = !total;
    total = first ? sent : total + sent;

    const std::string upstream = derivative(node.label),
                      symbols = upstream + " · ∂" + node.label + "/∂" + input.label;
    text_ += "  " + derivative(input.label) + (first ? " = " : " += ");
    if (formula.is_factor) {
      const std::string known = is_brief(total_[position]) ? brief(total_[position]) : upstream;
      const std::string product = known + " · " + factor(with_upstream(formula.text, upstream));
      // What was stretched to the shape of the node collects from all the places that it went to.
      const bool stretched = input.tensor.size() < node.tensor.size();
      text_ += stretched ? "sum(" + symbols + ") = sum(" + product + ")" : symbols + " = " + product;
    } else {
      text_ += with_upstream(formula.text, upstream);
    }
    text_ += " = " + gradient(brief(sent));
    if (!first) text_ += ", so " + derivative(input.label) + " = " + gradient(brief(total));
    text_ += "\n";
  }

  std::string in_formula(std::size_t position) const {
    const std::string& label = graph_.nodes()[position].label;
    return label == "g" ? stands_for_g : label;
  }

  static std::string factor(const std::string& text) {
    const bool composed =
        text.find(' ') != std::string::npos || text.starts_with("−") || text.starts_with('-');
    return composed ? "(" + text + ")" : text;
  }

  /// A formula in g, the upstream gradient, with that gradient's own name for g.
  static std::string with_upstream(const std::string& formula, const std::string& upstream) {
    std::string text;
    for (std::size_t i = 0; i < formula.size();) {
      const std::size_t word =
          std::max<std::size_t>(identifier_length(std::string_view(formula).substr(i)), 1);
      const std::string part = formula.substr(i, word);
      text += part == "g"            ? upstream
              : part == "gᵀ"         ? "(" + upstream + ")ᵀ"
              : part == stands_for_g ? "g"
                                     : part;
      i += word;
    }
    return text;
  }

  static constexpr const char* stands_for_g = "\1";  // for a tensor of that name, in formulas that contain g

  Graph graph_;
  Palette colour_;
  std::vector<Tensor> total_;  // the gradient that has reached each node so far
  std::string text_;
};

void run(const Request& request) {
  const KeepValues keep;
  const Computed computed = compute(request);
  if (computed.output.size() != 1) gradients(computed);  // says what to do
  write_output(Walk(computed.output).text());
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
