// eval --jacobian, --hessian, --jvp and --order, and check, by running the tool and reading what it prints.
// cli/run_tool.h runs the tool.

#include <nlohmann/json.hpp>

#include "cli/run_tool.h"
#include "support.h"

namespace chainrule::test {
namespace {

using nlohmann::json;

ToolResult eval(const std::vector<std::string>& arguments) { return run_command("eval", arguments); }
ToolResult check(const std::vector<std::string>& arguments) { return run_command("check", arguments); }

TEST(EvalDerivatives, prints_jacobians) {
  EXPECT_EQ(eval({"x * y", "x=[1,2]", "y=3", "--jacobian"}).output,
            "value = [3. 6.]\ndL/dx = [[3. 0.]\n         [0. 3.]]\ndL/dy = [1. 2.]\n");
  const auto answer =
      json::parse(eval({"x * y", "x=[1,2]", "y=3", "--jacobian", "--wrt", "y", "--json"}).output);
  EXPECT_EQ(answer["value"], json({3, 6}));
  EXPECT_EQ(answer["jacobian"], (json{{"y", {1, 2}}}));
}

TEST(EvalDerivatives, prints_hessians) {
  EXPECT_EQ(eval({"x * x * y", "x=2", "y=3", "--hessian"}).output,
            "value = 12\nd2L/dx2 = 6\nd2L/dx dy = 4\nd2L/dy dx = 4\nd2L/dy2 = 0\n");
  const auto answer = json::parse(eval({"sum(x ** 3)", "x=[1,2]", "--hessian", "--json"}).output);
  EXPECT_EQ(answer["hessian"]["x"]["x"], json({{6, 0}, {0, 12}}));
}

TEST(EvalDerivatives, prints_derivatives_along_a_direction_and_of_higher_order) {
  EXPECT_EQ(eval({"x * y", "x=[1,2]", "y=3", "--jvp", "x=[1,-1]"}).output,
            "value = [3. 6.]\ndL/dt = [ 3. -3.]\n");
  EXPECT_EQ(eval({"x * y", "x=[1,2]", "y=3", "--jvp", "x=[1,-1]", "--jvp", "y=1"}).output,
            "value = [3. 6.]\ndL/dt = [ 4. -1.]\n");
  EXPECT_EQ(eval({"x ** 3", "x=2", "--order", "3"}).output,
            "value = 8\ndL/dx = 12\nd2L/dx2 = 12\nd3L/dx3 = 6\n");
  const auto answer = json::parse(eval({"1 / x", "x=4", "--order", "6", "--json"}).output);
  EXPECT_NEAR(answer["derivatives"][5].get<double>(), 0.0439453125, 1e-10);
}

TEST(EvalDerivatives, says_what_is_wrong) {
  const auto complains = [](const std::vector<std::string>& arguments,
                            const std::vector<std::string>& words) {
    const ToolResult result = eval(arguments);
    EXPECT_NE(result.exit_code, 0);
    EXPECT_TRUE(mentions(result.errors, words));
  };
  complains({"x * 2", "x=[1,2]", "--hessian"}, {"hessian", "(2,)", "sum"});
  complains({"x * 2", "x=[1,2]", "--order", "2"}, {"--order", "--jvp"});
  complains({"x * 2", "x=[1,2]", "--jvp", "y=1"}, {"--jvp", "'y'"});
  complains({"x * 2", "x=[1,2]", "--jvp", "x=1"}, {"--jvp", "x has shape ()", "(2,)"});
  complains({"2 * 3", "--jacobian"}, {"nothing to differentiate"});
  complains({"sort(x)", "x=[2,1]", "--jacobian"}, {"2 results", "choose one"});
  complains({"x", "x=1", "--order", "0"}, {"--order", "from 1 to 12"});
}

TEST(Check, compares_gradients_with_differences) {
  const ToolResult right = check({"sum(tanh(W @ x))", "W=randn(3,2)", "x=[1,2]"});
  EXPECT_EQ(right.exit_code, 0) << right.errors;
  EXPECT_TRUE(mentions(right.output, {"gradients with respect to W, x agree with differences"}));
  EXPECT_EQ(check({"sum(exp(x) * x)", "x=[1,2]", "--second"}).exit_code, 0);
  EXPECT_EQ(check({"softmax(x)", "x=[1,2]", "--full"}).exit_code, 0);
}

TEST(Check, says_where_they_differ_and_why) {
  const ToolResult kink = check({"sum(relu(x))", "x=[1,0]"});
  EXPECT_EQ(kink.exit_code, 1);
  EXPECT_TRUE(mentions(kink.errors, {"x, element 1", "analytic 0", "numeric 0.5", "kink"}));
  EXPECT_TRUE(
      mentions(check({"sum(detach(x) * y)", "x=[1,2]", "y=[3,4]"}).errors, {"x, element", "cut graph"}));
  EXPECT_NE(check({"2 + 2"}).exit_code, 0);
}

}  // namespace
}  // namespace chainrule::test
