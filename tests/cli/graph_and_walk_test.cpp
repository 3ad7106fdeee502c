// chainrule graph and walk: formats by name, golden drawings, and refusals.
// cli/run_tool.h runs the tool.

#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>

#include "cli/run_tool.h"
#include "paths.h"
#include "support.h"

namespace chainrule::test {
namespace {

std::string read_file(const std::string& path) {
  std::ostringstream content;
  content << std::ifstream(path, std::ios::binary).rdbuf();
  return content.str();
}

const std::vector<std::string> walkthrough = {"q = x + y; q * z", "x=-2", "y=5", "z=-4"};

std::vector<std::string> command(const std::string& name, std::vector<std::string> arguments,
                                 const std::vector<std::string>& more = {}) {
  arguments.insert(arguments.begin(), name);
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

TEST(GraphCommand, prints_the_golden_drawing_of_the_walkthrough) {
  const std::filesystem::path golden = tests_path("draw/walkthrough.dot");
  EXPECT_EQ(run_tool(command("graph", walkthrough)).output, read_file(golden));
}

TEST(GraphCommand, writes_the_format_that_the_name_ends_in) {
  const std::pair<const char*, std::string> formats[] = {
      {".dot", "digraph"}, {".svg", "<?xml"}, {".PNG", "\x89PNG"}, {".pdf", "%PDF-"}};
  for (const auto& [ending, start] : formats) {
    const TemporaryFile file("", ending);
    const ToolResult result = run_tool(command("graph", walkthrough, {"-o", file.path()}));
    EXPECT_EQ(result.exit_code, 0) << result.errors;
    EXPECT_EQ(result.output + result.errors, "");
    EXPECT_TRUE(read_file(file.path()).starts_with(start)) << ending;
  }
}

TEST(GraphCommand, shows_values_gradients_and_derivatives) {
  const TemporaryFile file("", ".svg");
  run_tool(command("graph", walkthrough, {"-o", file.path()}));
  const std::string svg = std::regex_replace(read_file(file.path()), std::regex("&#45;"), "-");
  EXPECT_TRUE(mentions(svg, {">q</text>", ">-12</text>", ">dL/dq = -4</text>", ">dL/dz = 3</text>",
                             ">∂L/∂q = z = -4</text>", ">∂q/∂x = 1</text>"}));
}

TEST(GraphCommand, refuses_other_formats_and_says_where_it_cannot_write) {
  const ToolResult gif = run_tool(command("graph", walkthrough, {"-o", "a.gif"}));
  EXPECT_EQ(gif.exit_code, 2);
  EXPECT_EQ(gif.errors,
            "chainrule graph: -o a.gif: the name of the file must end in .dot, .svg, .png, .pdf, .html or "
            ".graph.json\n");
  for (const char* path : {"/nowhere/a.svg", "/nowhere/a.dot"}) {
    const ToolResult result = run_tool(command("graph", walkthrough, {"-o", path}));
    EXPECT_EQ(result.exit_code, 1);
    EXPECT_EQ(result.errors, std::string("chainrule graph: ") + path +
                                 ": it cannot be written: No such file or directory\n");
  }
}

TEST(GraphCommand, shows_what_is_asked_for) {
  const auto drawn = [](const std::string& show) {
    return run_tool(command("graph", walkthrough, {"--show", show})).output;
  };
  EXPECT_FALSE(mentions(drawn("values"), {"dL/dq"}));
  EXPECT_TRUE(mentions(drawn("values,gradients,costs,dtypes,legend"),
                       {"dL/dq = -4", "8 B, 1 flop", "float64", "computed"}));
  EXPECT_FALSE(mentions(drawn("gradients"), {"∂L/∂q"}));
  EXPECT_TRUE(
      mentions(run_tool({"graph", "--show", "values,shapes", "x * y", "x=1", "y=2"}).output, {">2<"}));
  const ToolResult wrong = run_tool(command("graph", walkthrough, {"--show", "everything"}));
  EXPECT_EQ(wrong.exit_code, 2);
  EXPECT_TRUE(mentions(wrong.errors, {"--show", "everything", "gradients"}));
}

TEST(GraphCommand, draws_a_saved_graph_as_it_would_have_at_once) {
  const TemporaryFile saved("", ".graph.json"), page("", ".html");
  const ToolResult result = run_tool(command("graph", walkthrough, {"-o", saved.path()}));
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_EQ(run_tool({"graph", saved.path()}).output, run_tool(command("graph", walkthrough)).output);
  EXPECT_EQ(run_tool({"graph", saved.path(), "-o", page.path()}).exit_code, 0);
  EXPECT_TRUE(mentions(read_file(page.path()), {"<!doctype html>", "grad -4"}));
}

TEST(GraphCommand, says_what_is_wrong_with_a_saved_graph) {
  const TemporaryFile broken("{\"chainrule_graph\": 2}", ".json");
  const ToolResult result = run_tool({"graph", broken.path()});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_EQ(result.errors, "chainrule graph: " + broken.path() +
                               ": it is a graph in format 2; this version reads format 1\n");
  EXPECT_TRUE(mentions(run_tool({"graph", "nowhere.json"}).errors, {"nowhere.json: it cannot be read"}));
  EXPECT_EQ(run_tool({"graph", broken.path(), "x=3"}).exit_code, 2);
}

TEST(GraphCommand, draws_what_is_no_scalar_and_says_why_without_gradients) {
  const ToolResult result = run_tool({"graph", "x * 2", "x=[1,2]"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_TRUE(mentions(result.output, {"digraph", "(2,)"}));
  EXPECT_TRUE(mentions(result.errors, {"the result has shape (2,)", "reduce it"}));
}

TEST(GraphCommand, colours_by_time_what_it_has_measured) {
  const ToolResult result = run_tool({"graph", "sum(tanh(x @ x))", "x=ones(30,30)", "--profile"});
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_TRUE(mentions(result.output, {"s, backward ", "below 1 % of the time", "tooltip="}));
  const TemporaryFile file("", ".graph.json");
  ASSERT_EQ(run_tool({"graph", "x * 2", "x=1", "-o", file.path()}).exit_code, 0);
  EXPECT_EQ(
      run_tool({"graph", file.path(), "--profile"}).errors,
      "chainrule graph: --profile: the saved graph has no times; give a Profile to the GraphRecord that is "
      "saved\n");
}

TEST(Walk, steps_through_the_walkthrough_as_on_the_board) {
  EXPECT_EQ(run_tool(command("walk", walkthrough)).output,
            "Forward\n"
            "  x = -2\n"
            "  y = 5\n"
            "  q = x + y = -2 + 5 = 3\n"
            "  z = -4\n"
            "  L = q · z = 3 · (-4) = -12\n"
            "\n"
            "Backward\n"
            "  dL/dL = 1\n"
            "  dL/dq = dL/dL · ∂L/∂q = 1 · z = -4\n"
            "  dL/dz = dL/dL · ∂L/∂z = 1 · q = 3\n"
            "  dL/dx = dL/dq · ∂q/∂x = -4 · 1 = -4\n"
            "  dL/dy = dL/dq · ∂q/∂y = -4 · 1 = -4\n");
}

TEST(Walk, steps_through_tangents_along_the_name_or_the_direction_that_is_told) {
  EXPECT_EQ(run_tool({"walk", "q = x * y; q * q", "x=2", "y=3", "--mode", "forward", "--wrt", "x"}).output,
            "Forward\n"
            "  x = 2\n"
            "  dx/dx = 1\n"
            "  y = 3\n"
            "  q = x · y = 2 · 3 = 6\n"
            "  dq/dx = ∂q/∂x · dx/dx = y · 1 = 3\n"
            "  L = q · q = 6 · 6 = 36\n"
            "  dL/dx = ∂L/∂q · dq/dx + ∂L/∂q · dq/dx = q · 3 + q · 3 = 36\n");
  EXPECT_TRUE(mentions(
      run_tool({"walk", "W @ x", "W=[[1,2],[3,4]]", "x=[1,1]", "--mode", "forward", "--tangent", "x=[1,0]"})
          .output,
      {"  dL/dt = ∂L/∂x · dx/dt = W @ dx/dt = [1, 3]\n"}));
  EXPECT_TRUE(mentions(run_tool({"walk", "x ** 3", "x=2", "--order", "2"}).output,
                       {"\nSecond backward\n", "  d²L/dx² = ", " = 12\n"}));
}

TEST(Walk, asks_which_way_to_go) {
  const auto complaint = [](const std::vector<std::string>& more) {
    const ToolResult result = run_tool(command("walk", walkthrough, more));
    EXPECT_EQ(result.exit_code, 2);
    return result.errors;
  };
  EXPECT_EQ(
      complaint({"--mode", "forward"}),
      "chainrule walk: --mode forward: along which direction? Give --tangent NAME=VALUE, or --wrt NAME of a "
      "single number\n");
  EXPECT_EQ(complaint({"--tangent", "x=1"}),
            "chainrule walk: --tangent: a direction for --mode forward or --order 2; give one of them\n");
  EXPECT_EQ(complaint({"--mode", "forward", "--order", "2"}),
            "chainrule walk: --order 2 goes backward twice; leave out --mode forward\n");
}

TEST(Walk, lets_the_gradient_of_what_is_used_twice_grow) {
  const std::string text = run_tool({"walk", "a = x * y; b = a + x; b * a", "x=2", "y=-3"}).output;
  EXPECT_TRUE(mentions(text, {"  dL/da = dL/dL · ∂L/∂a = 1 · b = -4\n",
                              "  dL/da += dL/db · ∂b/∂a = -6 · 1 = -6, so dL/da = -10\n",
                              "  dL/dx += dL/da · ∂a/∂x = -10 · y = 30, so dL/dx = 24\n"}));
  EXPECT_TRUE(mentions(
      run_tool({"walk", "x * x", "x=3"}).output,
      {"  dL/dx = dL/dL · ∂L/∂x = 1 · x = 3\n", "  dL/dx += dL/dL · ∂L/∂x = 1 · x = 3, so dL/dx = 6\n"}));
}

TEST(Walk, puts_compound_derivatives_in_parentheses) {
  EXPECT_TRUE(mentions(run_tool({"walk", "t = tanh(x); 3 * t", "x=0"}).output,
                       {"  t = tanh(x) = tanh(0) = 0\n", "  dL/dx = dL/dt · ∂t/∂x = 3 · (1 − t²) = 3\n"}));
}

TEST(Walk, works_out_the_numbers_in_the_derivative_of_a_power) {
  EXPECT_TRUE(mentions(
      run_tool({"walk", "x ** 2 + x ** 3 + x ** -1", "x=2"}).output,
      {"∂v1/∂x = 1 · (2 · x) = 4", "∂v2/∂x = 1 · (3 · x²) = 12,", "∂v4/∂x = 1 · (-1 · x^(-2)) = -0.25"}));
  EXPECT_TRUE(mentions(run_tool({"walk", "x ** y", "x=2", "y=3"}).output, {"1 · (y · x^(y − 1)) = 12"}));
}

TEST(Walk, tells_classes_from_probabilities_in_cross_entropy) {
  EXPECT_TRUE(mentions(run_tool({"walk", "cross_entropy(z, y)", "z=[[1,2]]", "y=[[0.5,0.5]]"}).output,
                       {"(softmax(z) − y) / samples"}));
  EXPECT_TRUE(mentions(run_tool({"walk", "cross_entropy(z, [1])", "z=[[1,2]]"}).output, {"− onehot("}));
}

TEST(Walk, shows_arrays_products_and_sums_over_what_was_stretched) {
  const std::string text =
      run_tool({"walk", "v = W @ x + b; sum(v)", "W=[[1,2],[3,4]]", "x=[1,-1]", "b=0.5"}).output;
  EXPECT_TRUE(mentions(
      text,
      {"  W = [[1, 2], [3, 4]]\n", "  v1 = W @ x = [-1, -1]\n", "  v = v1 + b = [-0.5, -0.5]\n",
       "  dL/dv = dL/dL · ∂L/∂v = 1 · 1 = [1, 1]\n", "  dL/db = sum(dL/dv · ∂v/∂b) = sum([1, 1] · 1) = 2\n",
       "  dL/dW = dL/dv1 @ xᵀ = [[1, -1], [1, -1]]\n", "  dL/dx = Wᵀ @ dL/dv1 = [4, 6]\n"}));
}

TEST(Walk, tells_a_variable_called_g_from_the_upstream_gradient) {
  EXPECT_TRUE(mentions(run_tool({"walk", "sum(g @ x)", "g=[[1,2],[3,4]]", "x=[1,2]"}).output,
                       {"  dL/dg = dL/dv1 @ xᵀ = [[1, 2], [1, 2]]\n", "  dL/dx = gᵀ @ dL/dv1 = [4, 6]\n"}));
}

TEST(Walk, abbreviates_large_arrays) {
  EXPECT_TRUE(mentions(run_tool({"walk", "sum(x * 2)", "x=arange(50)"}).output,
                       {"  x = (50,) from 0 to 49\n", " · 2 = (50,) from 2 to 2\n"}));
}

TEST(Walk, says_when_there_is_nothing_to_walk_back_to) {
  EXPECT_TRUE(mentions(run_tool({"walk", "x < 3", "x=2"}).output, {"= True\n", "all gradients are 0\n"}));
  EXPECT_TRUE(mentions(run_tool({"walk", "1 + 2"}).output, {"  L = 3\n", "all gradients are 0\n"}));
}

TEST(Walk, tells_to_reduce_what_is_no_scalar) {
  const ToolResult result = run_tool({"walk", "x * 2", "x=[1,2]"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_TRUE(mentions(result.errors, {"the result has shape (2,)", "reduce it"}));
}

TEST(Walk, writes_a_page_or_a_document) {
  for (const auto& [ending, start] : {std::pair{".html", "<!doctype html>"}, {".PDF", "%PDF-"}}) {
    const TemporaryFile file("", ending);
    const ToolResult result = run_tool(command("walk", walkthrough, {"-o", file.path()}));
    EXPECT_EQ(result.exit_code, 0) << result.errors;
    EXPECT_EQ(result.output + result.errors, "");
    EXPECT_TRUE(read_file(file.path()).starts_with(start)) << ending;
  }
}

TEST(Walk, writes_a_picture_of_each_step_into_a_directory) {
  const TemporaryFile place("", "");
  std::filesystem::remove(place.path());
  const std::filesystem::path directory = place.path();
  for (const auto& [format, start] : {std::pair{"svg", "<?xml"}, {"png", "\x89PNG"}}) {
    const ToolResult result =
        run_tool(command("walk", walkthrough, {"-o", place.path() + "/", "--format", format}));
    EXPECT_EQ(result.exit_code, 0) << result.errors;
    for (int step = 0; step <= 7; ++step)
      EXPECT_TRUE(read_file(directory / ("step-0" + std::to_string(step) + "." + format)).starts_with(start))
          << step;
    EXPECT_FALSE(std::filesystem::exists(directory / ("step-08." + std::string(format))));
  }
  std::filesystem::remove_all(directory);
}

TEST(Walk, refuses_other_formats_and_says_where_it_cannot_write) {
  const auto complaint = [](const std::vector<std::string>& more, int exit_code) {
    const ToolResult result = run_tool(command("walk", walkthrough, more));
    EXPECT_EQ(result.exit_code, exit_code);
    return result.errors;
  };
  EXPECT_EQ(complaint({"-o", "a.gif"}, 2),
            "chainrule walk: -o a.gif: the name must end in .html, .pdf or .tex, or in / for a directory of "
            "pictures\n");
  EXPECT_EQ(complaint({"-o", "a.html", "--format", "png"}, 2),
            "chainrule walk: --format: that of the pictures in a directory; give one, as -o steps/\n");
  EXPECT_EQ(complaint({"-o", "/nowhere/a.html"}, 1),
            "chainrule walk: /nowhere/a.html: it cannot be written: No such file or directory\n");
  EXPECT_EQ(complaint({"-o", "/nowhere/steps/"}, 1),
            "chainrule walk: /nowhere/steps/: it cannot be made: No such file or directory\n");
}

}  // namespace
}  // namespace chainrule::test
