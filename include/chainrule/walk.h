/// \file
/// A derivative step by step: the chain rule at each node as an equation, in names and in numbers, and
/// drawings of it. Relies on graph.h for the graph that is walked; the pictures are made by
/// chainrule::render.

#pragma once

#include "chainrule/detail/api.h"
#include "chainrule/graph.h"

namespace CHAINRULE_API chainrule {

/// A piece of an equation.
struct Term {
  /// What a piece of a formula is.
  enum class Kind : std::uint8_t {
    text,        ///< signs and words
    name,        ///< what a node is called
    derivative,  ///< "dL/dx": `text` over `under`
    value,       ///< the numbers of a node
    gradient,    ///< the numbers of a gradient
    tangent,     ///< the numbers of a tangent
    second       ///< the numbers of a second derivative
  };
  /// What it is.
  Kind kind = Kind::text;
  /// As it is printed.
  std::string text;
  std::string under{};        ///< what a derivative is with respect to
  Tensor tensor{};            ///< the numbers
  Kind numbers = Kind::text;  ///< derivative: of which kind its numbers are; text for a local one
};
/// A line of them.
using Terms = std::vector<Term>;

/// What stands between two signs of equality.
struct Side {
  /// The pieces in order.
  Terms terms;
  bool in_numbers = false;  ///< repeats the side before it in numbers, where there is room for that
};

/// One step of a walk: a value or a derivative that becomes known.
struct WalkStep {
  /// What is done in a step.
  enum class Kind : std::uint8_t {
    given,      ///< the value of a leaf
    direction,  ///< the tangent of a leaf
    operation,  ///< the value of an operation
    tangent,    ///< the tangent of an operation
    seed,       ///< dL/dL = 1
    chain_rule  ///< a gradient that one use of a node sends to it
  };
  /// What is done.
  Kind kind = Kind::given;
  std::size_t node = 0;        ///< position in the graph of the node whose value or derivative this is about
  std::size_t from = 0;        ///< chain_rule: position of the node that sends the gradient ...
  std::size_t input = 0;       ///< ... and the number of the input that it sends it to
  std::vector<Side> equation;  ///< "dL/dx" = "dL/dq · ∂q/∂x" = "-4 · 1" = "-4"
  /// chain_rule: "∂L/∂q" = "z" = "-4". What becomes of dL/dq, where that is no product with a factor.
  std::vector<Side> local{};
  /// tangent: the same for each input, empty for those that do not move.
  std::vector<std::vector<Side>> locals{};
  /// Of the second gradient that a node gets, and all later ones: "dL/dx" = "-4 + 3" = "-1".
  std::vector<Side> sum{};
  Tensor result{};  ///< the value; the tangent; the gradient sent
  Tensor total{};   ///< the node's gradient after this step, or its tangent
  /// Is it about a leaf as it was given?
  bool is_given() const { return kind <= Kind::direction; }
  /// Is it one of the backward pass?
  bool is_backward() const { return kind >= Kind::seed; }
};

/// A tensor that moves along a tangent of its shape.
struct Movement {
  Tensor of, along;  ///< which one moves, and its tangent
};

/// A derivative, one operation and one application of the chain rule at a time, as on a board. GradError when
/// a value that a step shows has been released (see KeepValues).
///
/// Threads: several may read one, and walk through graphs that they share.
class [[nodiscard]] Walk {
 public:
  /// How the derivative is found, and which one.
  enum class Mode : std::uint8_t {
    backward,  ///< values, then gradients
    forward,   ///< values and tangents, node by node
    second     ///< values, gradients, and the gradients of one of those
  };

  /// The forward and the backward pass of a scalar. `expression` is what to call the whole: what the user has
  /// typed. Without it, the last operation. GradError for an output of more than one element.
  explicit Walk(const Tensor& output, std::string expression = "");
  /// Values and tangents from the inputs to the output, of any shape, as jvp() computes them: what is along
  /// the way of the inputs that move. Of one scalar along 1, the tangents are called dq/dx, otherwise dq/dt.
  /// GradError for an input that is not part of the graph, ShapeError for a tangent of another shape,
  /// std::invalid_argument when nothing moves.
  static Walk in_forward_mode(const Tensor& output, const std::vector<Movement>& movements,
                              std::string expression = "");
  /// The second derivatives of a scalar: its forward and its backward pass, which is recorded, and the
  /// backward pass through both, from the derivative along the movements; of one scalar along 1, from
  /// dL/dx. So the last steps give the Hessian times the direction. The inputs that move are variables that
  /// the output depends on; errors as above.
  static Walk of_second_order(const Tensor& output, const std::vector<Movement>& movements,
                              std::string expression = "");

  /// How the derivative is found.
  [[nodiscard]] Mode mode() const { return mode_; }
  /// All that the walk goes through; in the second order the graph of the output and its gradients.
  [[nodiscard]] const Graph& graph() const& { return graph_; }
  Graph graph() && { return std::move(graph_); }
  /// As it was given.
  [[nodiscard]] const std::string& expression() const& { return expression_; }
  std::string expression() && { return std::move(expression_); }
  /// First all values, in the order of the graph, then the gradients; or each value and its tangent.
  [[nodiscard]] const std::vector<WalkStep>& steps() const& { return steps_; }
  std::vector<WalkStep> steps() && { return std::move(steps_); }
  /// Why there are no gradients, or no tangent of the output: it depends on no variable, or not smoothly, as
  /// a comparison. Empty when there are some.
  [[nodiscard]] std::string no_gradients() const;

  /// What a node is called in equations; a gradient that was recorded by what it is of, as "dL/dq".
  [[nodiscard]] Term name(std::size_t node) const;
  /// How the derivative is written that the steps find for a node: "dL/dq", "dq/dt", "d²L/dx dq".
  [[nodiscard]] Term derivative(std::size_t node) const;
  /// Is the value of this node a part of the backward pass that was recorded?
  [[nodiscard]] bool is_recorded(std::size_t node) const { return mode_ == Mode::second && node > scalar_; }
  /// What numbers a value of a node, and its derivative are: they have a colour of their own.
  [[nodiscard]] Term::Kind value_kind(std::size_t node) const;
  /// The same of its derivative.
  [[nodiscard]] Term::Kind derivative_kind() const {
    return mode_ == Mode::backward  ? Term::Kind::gradient
           : mode_ == Mode::forward ? Term::Kind::tangent
                                    : Term::Kind::second;
  }

 private:
  struct Start;
  explicit Walk(Start start);
  void require_values() const;
  Term derivative_of_output() const;
  void name_expression();
  void forward(std::size_t position);
  void direction(std::size_t position, const Tensor& tangent);
  void tangent(std::size_t position);
  void backward();
  void chain_rule(std::size_t position, std::size_t input, const Tensor& sent);

  Mode mode_ = Mode::backward;
  Graph graph_;
  std::size_t scalar_ = 0;  // the position of what is differentiated
  std::string expression_;
  std::string by_{};              // what tangents and second derivatives are with respect to, as "t"
  std::vector<Term> recorded_{};  // the names of gradients by their place after the scalar, empty for others
  std::vector<WalkStep> steps_;
  std::vector<Tensor> total_;  // the gradient that has reached each node so far, or its tangent
};

/// The steps as text, one a line; with escape sequences that colour values and derivatives on a terminal.
[[nodiscard]] std::string walk_text(const Walk& walk, bool colours = false);

/// The steps as pictures: the graph, laid out once by Graphviz, with values and derivatives as they become
/// known, and the equation of the step. Needs the target chainrule::render, and the walk as long as it is
/// there. IoError when the graph is too large to be laid out.
class WalkDrawing {
 public:
  /// Lays the graph out by Graphviz, once for all frames.
  explicit WalkDrawing(const Walk& walk);
  explicit WalkDrawing(const Walk&& walk) = delete;  // it draws the walk as long as it lives: give it a name
  ~WalkDrawing();
  WalkDrawing(const WalkDrawing&) = delete;
  WalkDrawing& operator=(const WalkDrawing&) = delete;

  /// A page that steps through the walk. It needs nothing but itself, and a browser.
  std::string html() const;
  /// How many pictures there are: first the expression with what is given, then one for each further step.
  std::size_t frames() const;
  /// One picture, as a document of SVG.
  std::string svg(std::size_t frame) const;
  /// The same as the bytes of a PNG.
  std::string png(std::size_t frame) const;
  /// A document with one frame on each page.
  std::string pdf() const;
  /// A document of LaTeX that compiles as it is, by pdflatex and its successors, and of which lecture notes
  /// may take parts: the graph in TikZ, and the steps as equations. Characters that LaTeX has no letters for
  /// become their codes, as U+65E5.
  std::string latex() const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace chainrule
