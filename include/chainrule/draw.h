/// \file
/// Pictures of graphs: as DOT, as what Graphviz makes of it, and as a page to explore in a browser.
///
/// Threads: several may draw at once, also the same graph, each to a stream or file of its own. Graphviz
/// itself works for one at a time; the others wait.

#pragma once

#include <optional>

#include "chainrule/detail/api.h"
#include "chainrule/graph.h"
#include "chainrule/profile.h"

namespace CHAINRULE_API chainrule {

/// A tensor in numbers: all of them, or what they are like.
struct NumbersSummary {
  std::vector<double> elements;  ///< in row-major order; empty when there are more than 12
  /// Of the elements that are finite.
  double min = 0, mean = 0, max = 0;
  double norm = 0;  ///< √Σx²; as the three above, of the finite elements
  /// How many elements are not.
  std::int64_t nans = 0, infinities = 0;
  /// Are all elements finite?
  bool is_finite() const { return nans + infinities == 0; }
};
/// GradError when the value has been released.
[[nodiscard]] NumbersSummary summary(const Tensor& tensor);

/// What drawings show of a node.
struct RecordedNode {
  /// What the operation sends to one of its inputs.
  struct Derivative {
    std::string text;             ///< see LocalFormula; empty when no gradient flows there
    bool is_factor = true;        ///< see LocalFormula
    std::optional<double> value;  ///< of a factor between scalars
  };
  /// A leaf, a constant, or a result.
  NodeKind kind = NodeKind::constant;
  std::string label;                    ///< as GraphNode's
  bool is_named = false;                ///< the user gave it that name
  std::string operation;                ///< "mul"; empty for leaves
  std::string symbol;                   ///< that stands for it: "×"
  std::vector<std::size_t> inputs;      ///< positions in GraphRecord::nodes, each before this one
  std::vector<Derivative> derivatives;  ///< with respect to each input
  /// Of its value.
  Shape shape;
  /// Of its value.
  DType dtype = DType::float32;
  std::optional<NumbersSummary> value;     ///< none when it has been released
  std::optional<NumbersSummary> gradient;  ///< of the output with respect to this, where known
  std::int64_t flops = 0;                  ///< as GraphNode's
  std::optional<NodeTime> time;            ///< that a Profile has measured
  std::string file;                        ///< where it was made; empty when unknown
  /// In the file that called the operation.
  std::uint32_t line = 0;
  std::size_t scope = 0;  ///< position in GraphRecord::scopes

  std::int64_t bytes() const;  ///< that the value takes
};

/// What there is to draw of a graph, without its tensors: of a living one, or read from a file.
struct GraphRecord {
  GraphRecord() = default;
  /// Parameters and nameless constants move to the innermost scope that holds all their uses.
  /// With a profile that has measured the graph, also the time of each operation.
  explicit GraphRecord(const Tensor& output, const Gradients* gradients = nullptr,
                       const Profile* profile = nullptr);

  /// As Graph's: the first is outside all, the others after their parents.
  std::vector<GraphScope> scopes = std::vector<GraphScope>(1);
  std::vector<RecordedNode> nodes;  ///< inputs before what uses them, the output last
};

/// Writes a graph as JSON, to be drawn later, by load_graph or `chainrule graph FILE`. Without `gradients`
/// computes those of every node, when `output` is a scalar that needs one. IoError when it cannot be written.
void save_graph(const Tensor& output, const std::string& path, const Gradients* gradients = nullptr);
void save_graph(const GraphRecord& graph, const std::string& path);
/// IoError when the file cannot be read; ParseError, which names the file and the place in it, when it is no
/// graph, or written by a version that this one does not understand.
[[nodiscard]] GraphRecord load_graph(const std::string& path);

/// What a drawing shows.
struct DrawOptions {
  const Gradients* gradients = nullptr;  ///< shown on the nodes that it contains
  /// Of small tensors.
  bool values = true;
  bool local_derivatives = true;  ///< on the edges
  /// Of larger ones.
  bool shapes = true;
  /// Beside the shapes.
  bool dtypes = false;
  bool costs = false;               ///< memory and flops
  bool source = false;              ///< the line of the program that made the node
  bool legend = false;              ///< what the colours of the nodes mean
  bool times = false;               ///< in milliseconds, where a profile has measured them
  bool colour_by_gradient = false;  ///< colours tell the norm of the gradient, not the kind of node
  bool colour_by_time = false;      ///< colours tell the share of the time, where it is known
};

/// The graph in Graphviz's DOT language: names, shapes, values, gradients. Scopes are clusters.
/// Deterministic. Of a record, shows the gradients in it, whatever `options.gradients` is.
void write_dot(std::ostream& out, const Tensor& output, const DrawOptions& options = {});
void write_dot(std::ostream& out, const GraphRecord& graph, const DrawOptions& options = {});

// What follows needs the target chainrule::render.

/// The same, drawn. IoError when Graphviz cannot, and when the graph is too large or entangled to lay out in
/// some seconds; write_html draws those, too, in parts.
void write_svg(std::ostream& out, const Tensor& output, const DrawOptions& options = {});
void write_svg(std::ostream& out, const GraphRecord& graph, const DrawOptions& options = {});

/// A page that opens in any browser, from disk and without network: scopes fold and unfold, nodes are
/// searched by name and operation, a click shows a node's details, paths to the loss are highlighted, and
/// colours tell the norms of the gradients. Opens folded when there are more than 300 nodes; where more than
/// that are in one scope, runs of nodes fold as scopes do.
void write_html(std::ostream& out, const Tensor& output, const DrawOptions& options = {});
void write_html(std::ostream& out, const GraphRecord& graph, const DrawOptions& options = {});

/// A drawing by Graphviz's library in memory, in any of its formats, as "svg", "png", "pdf" or "json". Needs
/// the target chainrule::render. IoError when Graphviz cannot draw it.
[[nodiscard]] std::string render_dot(const std::string& dot, const std::string& format);

/// The same into a file, format "svg", "png" or "pdf". IoError, too, when the file cannot be written.
void render_dot(const std::string& dot, const std::string& format, const std::string& path);

}  // namespace chainrule
