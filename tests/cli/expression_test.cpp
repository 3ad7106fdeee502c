// Expressions as the command line takes them: depth, names, several results, and the examples of the help.
// cli/run_tool.h runs the tool.

#include "expression.h"

#include "evaluate.h"
#include "support.h"
#include "text.h"

namespace chainrule::test {
namespace {

using namespace chainrule::cli;

std::string repeated(const std::string& text, int times) {
  std::string result;
  for (int i = 0; i < times; ++i) result += text;
  return result;
}

double evaluated(const std::string& source, const Variables& variables) {
  Context context;
  const Value value = evaluate(Program(source), variables, context);
  return value.is_number() ? number_operand(value).as(DType::float64).item() : value.as<Tensor>()->item();
}

TEST(Expression, of_a_hundred_thousand_terms_needs_no_deep_stack) {
  const Variables variables = {{"x", variable(1.0, "x")}};
  run_on_stack(1 << 20, [&] {
    EXPECT_EQ(evaluated("x" + repeated(" + x", 100000), variables), 100001);
    EXPECT_EQ(evaluated("x" + repeated(" * x", 100000), variables), 1);
    EXPECT_EQ(evaluated(repeated("x = x + 1; ", 20000) + "x", variables), 20001);
    EXPECT_EQ(evaluated("sum([" + repeated("1,", 100000) + "])", variables), 100000);
    EXPECT_EQ(evaluated("x" + repeated(".T", 100000), variables), 1);
  });
}

TEST(Expression, nested_as_deeply_as_allowed_fits_a_small_stack) {
  if (sanitized) GTEST_SKIP() << "sanitizers need more stack";
  run_on_stack(1 << 20,
               [] { EXPECT_EQ(evaluated(repeated("sin(", 199) + "0" + repeated(")", 199), {}), 0); });
}

TEST(Expression, numbers_the_values_that_a_name_is_given) {
  Context context;
  const Variables variables = {{"x", variable(1.0, "x")}};
  const Value value = evaluate(Program("h = x + 1; h = h * 2; h = h * 3"), variables, context);
  EXPECT_EQ(value.as<Tensor>()->name(), "h₃");
}

TEST(Expression, gives_several_results_a_name_each) {
  const Variables variables = {{"A", variable({{3.0, 1.0}, {1.0, 3.0}}, "A")}};
  EXPECT_DOUBLE_EQ(evaluated("q, r = qr(A); sum(q @ r)", variables), 8);
  EXPECT_DOUBLE_EQ(evaluated("x = 1; L, V = torch.linalg.eigh(A); y, z = [x, 2]; L[1] + z", variables), 6);
}

TEST(Expression, runs_as_the_example_of_each_operation) {
  for (const registry::Entry& entry : registry::entries()) {
    if (entry.example.empty()) continue;
    Context context;
    EXPECT_NO_THROW((void)evaluate(Program(entry.example), {}, context)) << entry.example;
  }
}

TEST(Identifier, may_be_of_any_script_but_holds_no_symbols) {
  for (const char* name : {"x", "_", "x1", "θ", "日本", "x₁", "Ünicode", "W_out"})
    EXPECT_TRUE(is_identifier(name)) << name;
  for (const char* text : {"", "1x", "x-y", "x−y", "∂x", "x y", "x·y", "a×b", "₁x", "\xff", "x\xe2\x82"})
    EXPECT_FALSE(is_identifier(text)) << text;
}

TEST(Nearest, finds_slips_but_not_other_words) {
  const std::string_view words[] = {"softmax", "sum", "sigmoid"};
  EXPECT_EQ(nearest("sofmax", words), "softmax");
  EXPECT_EQ(nearest("sigmiod", words), "sigmoid");
  EXPECT_EQ(nearest("smu", words), "");
  EXPECT_EQ(nearest("y", words), "");
  EXPECT_EQ(nearest("entropy", words), "");
}

TEST(Printable, leaves_no_control_characters_and_cuts_between_characters) {
  EXPECT_EQ(printable("a\x1b[31m\nb\xff"), "a\\x1b[31m b\\xff");
  EXPECT_EQ(printable("θθθθ", 2), "θθ…");
}

}  // namespace
}  // namespace chainrule::test
