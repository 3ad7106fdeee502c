// What the tool says of wrong expressions and values: the place, the remedy and the exit code.
// cli/run_tool.h runs the tool.

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "cli/run_tool.h"
#include "paths.h"
#include "support.h"

namespace chainrule::test {
namespace {

/// `chainrule eval` with x=2, v=[1,2,3] and W=[[1,2],[3,4]] fails, with these lines after "chainrule eval: ".
void expect_failure(const std::string& expression, int exit_code, const std::string& message) {
  const ToolResult result = run_tool({"eval", expression, "x=2", "v=[1,2,3]", "W=[[1,2],[3,4]]"});
  EXPECT_EQ(result.errors, "chainrule eval: " + message + "\n") << expression;
  EXPECT_EQ(result.exit_code, exit_code) << expression;
  EXPECT_EQ(result.output, "") << expression;
}
void expect_value_failure(const std::string& argument, int exit_code, const std::string& message) {
  const ToolResult result = run_tool({"eval", "1", argument});
  EXPECT_EQ(result.errors, "chainrule eval: " + message + "\n");
  EXPECT_EQ(result.exit_code, exit_code) << argument;
}

TEST(ExpressionErrors, point_at_what_does_not_belong) {
  expect_failure("x +* 2", 2, "unexpected '*'; a value should stand here\n  x +* 2\n     ^");
  expect_failure("x 2", 2, "unexpected '2'; an operator should stand here\n  x 2\n    ^");
  expect_failure("2x", 2, "unexpected 'x'; an operator should stand here\n  2x\n   ^");
  expect_failure("x, x", 2, "unexpected ','; an operator should stand here\n  x, x\n   ^");
  expect_failure("sum(x x)", 2, "unexpected 'x'; ',' or ')' should stand here\n  sum(x x)\n        ^");
  expect_failure("[x; x]", 2, "unexpected ';'; ',' or ']' should stand here\n  [x; x]\n    ^");
  expect_failure("x.2", 2, "unexpected '2'; a name should stand here\n  x.2\n    ^");
  expect_failure("v[1:2:3:4]", 2,
                 "unexpected ':'; ',', ':' or ']' should stand here\n  v[1:2:3:4]\n         ^");
  expect_failure("v[]", 2, "unexpected ']'; a value should stand here\n  v[]\n    ^");
  expect_failure("(x]", 2, "unexpected ']'; ',' or ')' should stand here\n  (x]\n    ^");
  expect_failure("x]", 2, "unexpected ']'; no [ is open here\n  x]\n   ^");
  expect_failure("[,]", 2, "unexpected ','; a value should stand here\n  [,]\n   ^");
  expect_failure("[x,,x]", 2, "unexpected ','; a value should stand here\n  [x,,x]\n     ^");
  expect_failure("sin(,)", 2, "unexpected ','; a value should stand here\n  sin(,)\n      ^");
  expect_failure("x)", 2, "unexpected ')'; no ( is open here\n  x)\n   ^");
}

TEST(ExpressionErrors, say_what_to_write_instead) {
  expect_failure("x ^ 2", 2,
                 "^ is for bool, as (x > 0) ^ (x < 1); powers are written with **\n  x ^ 2\n    ^");
  expect_failure("x − 2", 2, "unexpected '−'; the minus sign is -\n  x − 2\n    ^");
  expect_failure(
      "x = = 2", 2,
      "unexpected '='; equal is ==, and an assignment is a statement of its own\n  x = = 2\n      ^");
  expect_failure(
      "x if x else 2", 2,
      "unexpected 'if'; it is not part of what chainrule understands of Python\n  x if x else 2\n    ^");
  expect_failure("not x", 2,
                 "unexpected 'not'; it is not part of what chainrule understands of Python\n  not x\n  ^");
  expect_failure("0 < x < 3", 2,
                 "comparisons cannot be chained; write (a < b) & (b < c)\n  0 < x < 3\n        ^");
  expect_failure("x(3)", 2,
                 "a tensor of shape () cannot be called; a product is written with *\n  x(3)\n  ^");
  expect_failure("max(0, x)", 2,
                 "max reduces one tensor along axes, and x is no axis of shape (); for two values, use "
                 "maximum(0, x)\n  max(0, x)\n  ^");
  expect_failure("v.at[None].set(1)", 2,
                 "None is not supported here, where an index takes whole numbers, slices and ...\n  "
                 "v.at[None].set(1)\n      ^");
  expect_failure("x + sum", 2,
                 "the function sum is not called; write its arguments after it\n  x + sum\n    ^");
}

TEST(ExpressionErrors, find_what_is_missing) {
  expect_failure("", 2, "the expression is empty");
  expect_failure(" ; # nothing", 2, "the expression is empty");
  expect_failure("x +", 2, "the expression ends where a value should follow\n  x +\n     ^");
  expect_failure("x + (2 * [x", 2, "this [ is never closed\n  x + (2 * [x\n           ^");
  expect_failure("sum(x, 'abc", 2,
                 "the expression ends where the closing quote should follow\n  sum(x, 'abc\n             ^");
}

TEST(ExpressionErrors, suggest_names) {
  expect_failure("sofmax(x)", 2, "unknown name 'sofmax'; did you mean 'softmax'?\n  sofmax(x)\n  ^");
  expect_failure("np.sofmax(x)", 2, "no function 'sofmax'; did you mean 'softmax'?\n  np.sofmax(x)\n     ^");
  expect_failure("x + unheard", 2,
                 "unknown name 'unheard'; the known ones are W, v, x\n  x + unheard\n      ^");
  EXPECT_EQ(run_tool({"eval", "alpha"}).errors,
            "chainrule eval: unknown name 'alpha'; give it a value, as alpha=2\n  alpha\n  ^\n");
}

TEST(ExpressionErrors, show_how_a_function_is_called) {
  expect_failure(
      "sum(x, axs=0)", 2,
      "sum has no argument 'axs': sum(x, axis=None, keepdims=False, dtype=None)\n  sum(x, axs=0)\n  ^");
  expect_failure(
      "sum(x, 0, axis=0)", 2,
      "sum gets 'axis' twice: sum(x, axis=None, keepdims=False, dtype=None)\n  sum(x, 0, axis=0)\n  ^");
  expect_failure("sin(x, x)", 2, "sin takes 1 argument, not 2: sin(x)\n  sin(x, x)\n  ^");
  expect_failure("softmax()", 2, "softmax needs 'x': softmax(x, axis=-1, dtype=None)\n  softmax()\n  ^");
  expect_failure("sum(axis=0, x)", 2,
                 "an argument without a name follows one that has a name\n  sum(axis=0, x)\n              ^");
  expect_failure("sum(x, axis=0, axis=0)", 2,
                 "the argument 'axis' is given twice\n  sum(x, axis=0, axis=0)\n                 ^");
  expect_failure("sum(v, axis=0.5)", 2,
                 "sum: axis is 0.5; it should be a whole number or a tuple of them\n  sum(v, axis=0.5)\n  ^");
  expect_failure("sum(v, keepdims=1)", 2,
                 "sum: keepdims is 1; it should be True or False\n  sum(v, keepdims=1)\n  ^");
  expect_failure("mse_loss(v, v, 'avg')", 2,
                 "mse_loss: reduction is the text 'avg'; it should be 'mean', 'sum' or 'none'\n  mse_loss(v, "
                 "v, 'avg')\n  ^");
}

TEST(ExpressionErrors, of_shapes_point_at_the_operator_and_are_failures_of_the_work) {
  expect_failure("one_hot([-1])", 1,
                 "one_hot: index -1 is outside the classes; give 0 or more\n  one_hot([-1])\n  ^");
  expect_failure("cdist([[1, 2]], [[3, 4]], -1)", 1,
                 "cdist: there is no distance of order -1; give 0 or more\n"
                 "  cdist([[1, 2]], [[3, 4]], -1)\n  ^");
  const ToolResult sum = run_tool({"eval", "x + (W + v)", "x=2", "v=[1,2,3]", "W=[[1,2],[3,4]]"});
  EXPECT_EQ(sum.exit_code, 1);
  EXPECT_TRUE(
      mentions(sum.errors, {"(2, 2)", "(3,)", "; called with 'W' and 'v'\n  x + (W + v)\n         ^\n"}));
  EXPECT_EQ(sum.errors.find(".cpp"), std::string::npos) << "that is no source of the user's: " << sum.errors;
  const ToolResult index = run_tool({"eval", "v[7]", "v=[1,2,3]"});
  EXPECT_EQ(index.exit_code, 1);
  EXPECT_TRUE(mentions(index.errors, {"7", "\n  v[7]\n   ^\n"}));
  EXPECT_EQ(run_tool({"eval", "sum(v, axis=1)", "v=[1,2,3]"}).exit_code, 1);
}

TEST(ExpressionErrors, say_the_name_that_was_called) {
  expect_failure("transpose(W, (0, 5))", 1,
                 "transpose: axis 5 does not exist: shape (2, 2); give one from -2 to 1; called with 'W'\n"
                 "  transpose(W, (0, 5))\n  ^");
  for (const char* name : {"moveaxis", "movedim", "swapaxes", "swapdims", "transpose"})
    EXPECT_TRUE(mentions(run_tool({"eval", std::string(name) + "([[1]], 0, 5)"}).errors,
                         {"chainrule eval: " + std::string(name) + ": axis 5 does not exist"}));
  EXPECT_TRUE(mentions(run_tool({"eval", "repeat_interleave([1, 2], 99999999999)"}).errors,
                       {"chainrule eval: repeat_interleave: too large: 1599999999984 bytes"}));
  expect_failure(
      "celu(v, 0)", 1,
      "celu: alpha is 0, and x is divided by it; give another; called with 'v'\n  celu(v, 0)\n  ^");
  expect_failure("meshgrid(v, 'x')", 2,
                 "meshgrid: the text 'x' is among its tensors; give numbers\n"
                 "  meshgrid(v, 'x')\n  ^");
}

TEST(ExpressionErrors, tell_to_reduce_what_is_no_scalar_when_gradients_are_asked_for) {
  const std::string message =
      "the result has shape (3,); only a scalar has gradients, so reduce it, with sum(...) or mean(...)\n";
  for (const char* command : {"eval", "graph", "walk"}) {
    const ToolResult result = run_tool({command, "v * 2", "v=[1,2,3]", "--wrt", "v"});
    EXPECT_EQ(result.errors, "chainrule " + std::string(command) + ": " + message);
    EXPECT_EQ(result.exit_code, 1);
    EXPECT_EQ(result.output, "");
  }
  EXPECT_EQ(run_tool({"walk", "v * 2", "v=[1,2,3]"}).errors, "chainrule walk: " + message);
}

TEST(ExpressionErrors, tell_max_and_min_of_two_values_from_those_along_an_axis) {
  const auto remedy = [](const std::string& expression) {
    const ToolResult result = run_tool({"eval", expression, "x=2", "v=[1,2,3]", "W=[[1,2],[3,4]]"});
    EXPECT_EQ(result.exit_code, 2) << expression;
    const std::size_t use = std::min(result.errors.find("use "), result.errors.size());
    return result.errors.substr(use, result.errors.find('\n') - use);
  };
  EXPECT_EQ(remedy("max(1, 2)"), "use maximum(1, 2)");
  EXPECT_EQ(remedy("min(1, 2)"), "use minimum(1, 2)");
  EXPECT_EQ(remedy("max(1.5, 0.25)"), "use maximum(1.5, 0.25)");
  EXPECT_EQ(remedy("max(1, 2, 3)"), "use maximum(1, 2)");
  EXPECT_EQ(remedy("amax(v, 0.5)"), "use maximum(v, 0.5)");
  EXPECT_EQ(remedy("v.max(1)"), "use maximum(v, 1)");
  EXPECT_EQ(remedy("np.min(v * 2, v)"), "use minimum(a, v)");
  EXPECT_EQ(remedy("max(v, [0.5, 1])"), "use maximum(v, b)");
  EXPECT_EQ(run_tool({"eval", "max(W, -1).sum() + max(W, [0, 1])", "W=[[1,2],[3,4]]"}).output,
            "value = 10\ndL/dW = [[0. 1.]\n         [0. 2.]]\n");
  EXPECT_EQ(remedy("max(x, 0)"), "use maximum(x, 0)");
  for (const std::string axis :
       {"axis=0", "axis=-1", "dim=0", "axis=[0], keepdims=True"})  // as of all reductions
    EXPECT_EQ(run_tool({"eval", "max(x, " + axis + ") + x.amin(" + axis + ")", "x=2"}).output,
              "value = 4\ndL/dx = 2\n")
        << axis;
  EXPECT_EQ(
      run_tool({"eval", "max(x, axis=1)", "x=2"}).errors,
      "chainrule eval: max: axis 1 does not exist: shape (); a scalar has no axes; called with 'x'\n  max(x, "
      "axis=1)\n  ^\n");
}

TEST(ExpressionErrors, name_the_shape_that_a_scalar_has) {
  for (const std::string name : {"softmax", "log_softmax", "cumsum", "sort"})
    EXPECT_TRUE(mentions(run_tool({"eval", name + "(x, 1)", "x=2"}).errors,
                         {": " + name + ": axis 1 does not exist: shape (); a scalar has no axes"}));
  EXPECT_TRUE(
      mentions(run_tool({"eval", "x[0]", "x=2"}).errors, {"index: 1 index for shape (), which has 0 axes"}));
}

TEST(ExpressionErrors, list_the_functions_where_none_has_the_name) {
  for (const char* expression : {"x.tolist()", "unheard(x)", "np.unheard(x)", "x.backward()"}) {
    const ToolResult result = run_tool({"eval", expression, "x=2"});
    EXPECT_EQ(result.exit_code, 2);
    EXPECT_TRUE(
        mentions(result.errors, {"chainrule eval: no function '", "'; the functions are listed below\n  ",
                                 "^\nFunctions:\n  abs absolute acos ", " zeros zeros_like zeta\n"}))
        << result.errors;
    std::istringstream lines(result.errors);
    for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 80U) << line;
  }
  EXPECT_TRUE(mentions(run_tool({"eval", "--help"}).output, {"Functions:\n  abs absolute acos "}));
}

TEST(ExpressionErrors, stop_what_doubles_again_and_again) {
  const auto doubled = [](const std::string& first, const std::string& step, const std::string& last) {
    std::string expression = "a = " + first;
    for (int i = 0; i < 40; ++i) expression += "; a = " + step;
    return run_tool({"eval", expression + "; " + last});
  };
  for (const char* first : {"[1,1]", "[]", "[zeros(2)]"})
    for (const char* step : {"[a,a]", "(a,a)"}) {
      const ToolResult result = doubled(first, step, "1");
      EXPECT_EQ(result.exit_code, 2) << first << step;
      EXPECT_TRUE(mentions(result.errors, {"a list of more than 1000000 elements\n", "^"}));
    }
  const ToolResult tensor = doubled("[1,1]", "concatenate([a,a])", "sum(a)");
  EXPECT_EQ(tensor.exit_code, 1);
  EXPECT_TRUE(mentions(tensor.errors, {"has more than 33554432 elements\n"}));
  EXPECT_EQ(doubled("1.0", "a + a", "a").output, "value = 1099511627776\n");
}

TEST(ExpressionErrors, have_the_caret_below_the_place_in_any_script) {
  expect_failure("日本 + x", 2, "unknown name '日本'; the known ones are W, v, x\n  日本 + x\n  ^");
  expect_failure("[1, '日本', αβγ]", 2,
                 "unknown name 'αβγ'; the known ones are W, v, x\n  [1, '日本', αβγ]\n              ^");
  expect_failure("x\t+\xff", 2, "unexpected '\\xff'; a value should stand here\n  x +\\xff\n     ^");
  expect_failure("a = x\nb = a +* 2", 2,
                 "unexpected '*'; a value should stand here\n  b = a +* 2\n         ^");
}

TEST(ExpressionErrors, show_only_the_surroundings_in_a_long_expression) {
  std::string sum = "x";
  for (int i = 0; i < 1000; ++i) sum += " + x";
  const ToolResult result = run_tool({"eval", sum + " + $ + " + sum, "x=1"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_LT(result.errors.size(), 400U);
  std::istringstream lines(result.errors);
  std::string message, excerpt, caret;
  std::getline(lines, message);
  std::getline(lines, excerpt);
  std::getline(lines, caret);
  EXPECT_TRUE(excerpt.starts_with("  …")) << excerpt;
  const std::size_t ellipsis_bytes = 2;  // beyond its one column
  EXPECT_EQ(excerpt.at(caret.size() - 1 + ellipsis_bytes), '$') << result.errors;
}

TEST(ExpressionErrors, stop_nesting_before_the_stack_ends) {
  for (const char* opening : {"(", "[", "-", "sin(", "x[", "2**", "(x,"}) {
    std::string expression;
    for (int i = 0; i < 10000; ++i) expression += opening;
    const ToolResult result = run_tool({"eval", expression + "x", "x=1"});
    EXPECT_EQ(result.exit_code, 2) << opening;
    EXPECT_TRUE(mentions(result.errors, {"nested more than 200 levels deep; give parts of it names"}))
        << opening;
  }
  std::string lists = "a = [x]";
  for (int i = 0; i < 5000; ++i) lists += "; a = [a]";
  EXPECT_TRUE(
      mentions(run_tool({"eval", lists, "x=1"}).errors, {"lists are nested more than 64 levels deep"}));
  EXPECT_EQ(run_tool({"eval", std::string(190, '(') + "x" + std::string(190, ')'), "x=1"}).exit_code, 0);
}

TEST(ValueErrors, say_what_a_value_looks_like) {
  const std::string form = " is not a value; write NAME=VALUE, as x=2 or W=randn(3,4)";
  expect_value_failure("x", 2, "'x'" + form);
  expect_value_failure("=3", 2, "'=3'" + form);
  expect_value_failure("2x=3", 2, "'2x=3'" + form);
  expect_value_failure("x==3", 2, "'x==3'" + form);
  expect_value_failure("x=", 2, "'x=' gives no value");
  expect_value_failure("if=2", 2, "'if' cannot be given another value\n  if=2\n  ^");
  expect_value_failure("x=1; 2", 2, "one value at a time\n  x=1; 2\n       ^");
  expect_value_failure("x=y", 2, "unknown name 'y'; give it a value, as y=2\n  x=y\n    ^");
  expect_value_failure("x='a'", 2, "the text 'a' is not a value to compute with\n  x='a'\n    ^");
}

TEST(ValueErrors, name_the_row_of_a_ragged_list) {
  expect_value_failure("x=[[1,2],[3]]", 2,
                       "row [1] has 1 element where the ones before it have 2\n  x=[[1,2],[3]]\n    ^");
  expect_value_failure(
      "x=[[[1],[2]],[[3],[4,5]]]", 2,
      "row [1][1] has 2 elements where the ones before it have 1\n  x=[[[1],[2]],[[3],[4,5]]]\n    ^");
  expect_value_failure("x=[1,[2]]", 2,
                       "row [1] is a list where the ones before it are numbers\n  x=[1,[2]]\n    ^");
  expect_value_failure("x=[[1],2]", 2,
                       "row [1] is a number where the ones before it are lists\n  x=[[1],2]\n    ^");
}

TEST(ValueErrors, refuse_shapes_that_nobody_means) {
  expect_value_failure("x=zeros(-1)", 2, "zeros: shape is -1; it should be at least 0\n  x=zeros(-1)\n    ^");
  expect_value_failure(
      "x=zeros(1000000,1000000)", 1,
      "zeros: shape (1000000, 1000000) has more than 33554432 elements\n  x=zeros(1000000,1000000)\n    ^");
  expect_value_failure("x=ones(4611686018427387904,4)", 1,
                       "ones: shape (4611686018427387904, 4) has more than 33554432 elements\n"
                       "  x=ones(4611686018427387904,4)\n    ^");
  EXPECT_EQ(run_tool({"eval", "zeros(100000000, 0)"}).output, "value = []\n") << "however long, it has none";
  expect_value_failure("x=arange(0,10,0)", 1,
                       "arange: a step of 0 goes nowhere; give another\n  x=arange(0,10,0)\n    ^");
  expect_value_failure("x=zeros((2,-1))", 2,
                       "zeros: shape is a tuple; it should be a shape without negative sizes\n"
                       "  x=zeros((2,-1))\n    ^");
  expect_value_failure("x=one_hot([1],99999999999)", 1,
                       "one_hot: too large: 799999999992 bytes for shape (1, 99999999999) in int64; at most "
                       "2147483648 are allowed here\n  x=one_hot([1],99999999999)\n    ^");
  EXPECT_EQ(run_tool({"eval", "1", "x=eye(1000000)"}).exit_code, 1);
  EXPECT_EQ(run_tool({"eval", "1", "x=arange(-9223372036854775807, 9223372036854775807)"}).exit_code, 1);
}

TEST(ValueErrors, name_the_file_and_what_is_wrong_with_it) {
  expect_value_failure("x=@data.txt", 2, "'x=@data.txt': a value can be read from a .npy or a .csv file");
  expect_value_failure("x=@", 2, "'x=@': a value can be read from a .npy or a .csv file");
  expect_value_failure("x=@/nowhere/a.csv", 1,
                       "/nowhere/a.csv: it cannot be read: No such file or directory");
  const TemporaryFile csv("1,2\n3,four\n"), npy("nonsense", ".npy");
  expect_value_failure("x=@" + csv.path(), 1, csv.path() + ":2: column 2 holds 'four', not a number");
  expect_value_failure("x=@" + npy.path(), 1, npy.path() + ": it is not a NumPy .npy file");
}

TEST(ValueErrors, refuse_names_given_twice_or_never) {
  EXPECT_EQ(run_tool({"eval", "x", "x=1", "x=2"}).errors, "chainrule eval: 'x' is given twice\n");
  EXPECT_EQ(run_tool({"eval", "x", "x=1", "--wrt", "y"}).errors,
            "chainrule eval: --wrt: 'y' is not among the values given\n");
  EXPECT_EQ(run_tool({"eval", "x", "x=int(1)", "--wrt", "x"}).errors,
            "chainrule eval: --wrt: 'x' is int64, which has no gradient\n");
  EXPECT_EQ(run_tool({"eval", "x", "x=1", "--wrt", "y"}).exit_code, 2);
}

TEST(ClassErrors, say_that_classes_are_whole_numbers) {
  const ToolResult result = run_tool({"eval", "cross_entropy(z, y)", "z=[[1,2],[3,4]]", "y=[0,0.5]"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_TRUE(mentions(result.errors,
                       {"it should be whole numbers, and 0.5 is none", "\n  cross_entropy(z, y)\n  ^\n"}));
  EXPECT_EQ(run_tool({"eval", "cross_entropy(z, y)", "z=[[1,2],[3,4]]", "y=[0,2]"}).exit_code, 1)
      << "no class 2";
}

}  // namespace
}  // namespace chainrule::test
