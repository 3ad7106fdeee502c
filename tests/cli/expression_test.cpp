// Expressions as the command line takes them: depth, names, several results, and the examples of the help.
// cli/run_tool.h runs the tool.

#include "expression.h"

#include "chainrule/statistics.h"
#include "command.h"
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

Tensor tensor_of(const std::string& source, const Variables& variables) {
  Context context;
  return *evaluate(Program(source), variables, context).as<Tensor>();
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

TEST(Expression, counts_by_names_whose_values_are_whole) {
  const Variables variables = {{"x", variable({1.0, 3.0, 7.0, 5.0}, "x")},
                               {"k", variable(2.0, "k")},
                               {"half", variable(0.5, "half")},
                               {"times", variable({0.0, 2.0, 1.0, 0.0}, "times")}};
  EXPECT_EQ(evaluated("sum(topk(x, k)[0])", variables), 12);
  EXPECT_EQ(evaluated("sum(reshape(x, [k, 2])[1])", variables), 12);
  EXPECT_EQ(evaluated("sum(repeat_interleave(x, times))", variables), 13);
  EXPECT_TRUE(mentions(message_of<CommandError>([&] { (void)evaluated("topk(x, half)[0]", variables); }),
                       {"topk: k is 0.5; it should be a whole number"}));
  // Of two tensors the second one is no axis.
  EXPECT_THROW((void)evaluated("sum(x, k)", variables), CommandError);
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

TEST(Expression, takes_quotients_and_remainders_with_the_signs_of_python) {
  const Variables variables = {{"x", tensor({7.0, -7.0})}};
  const auto are = [&](const std::string& text, const Tensor& expected) {
    EXPECT_TRUE(array_equal(tensor_of(text, variables), expected)) << text;
  };
  are("x // 2", tensor({3.0, -4.0}));
  are("x % 3", tensor({1.0, 2.0}));
  are("2 * x // 4 % 3 + x * 0", tensor({0.0, 2.0}));
  for (const auto& [text, expected] : {std::pair{"7 // 2", 3.0},
                                       {"-7 // 2", -4.0},
                                       {"7 // -2", -4.0},
                                       {"-7 % 3", 2.0},
                                       {"7 % -3", -2.0},
                                       {"7.5 // 2", 3.0},
                                       {"-7.5 % 2", 0.5},
                                       {"2 ** 3 % 5", 3.0}})
    EXPECT_EQ(evaluated(text, variables), expected) << text;
}

/// What is written for these, and what means the same here.
TEST(Expression, understands_arguments_of_pytorch_and_numpy) {
  for (const auto& [given, meant] :
       {std::pair{"var(x, dim=-1, unbiased=False)", "var(x, -1, correction=0)"},
        {"std(x, unbiased=True)", "std(x)"},
        {"norm(x, p=1, dim=-1)", "vector_norm(x, 1, -1)"},
        {"norm(x, p=inf)", "max(abs(x))"},
        {"dropout(x, p=0.5, training=False)", "x"},
        {"average(x, 0)", "mean(x, 0)"},
        {"average(x, axis=0, weights=[1, 3])", "(x[0] + 3 * x[1]) / 4"},
        {"kl_div(x, abs(x), reduction='batchmean')", "kl_div(x, abs(x), reduction='sum') / 2"},
        {"cholesky(x @ x.mT + eye(2), upper=True)", "cholesky(x @ x.T + eye(2)).T"},
        {"embedding(tensor([1, 0]), x)", "x[[1, 0]]"},
        {"embedding(tensor([1, 0]), x, padding_idx=0)", "x[[1, 0]]"},
        {"ctc_loss(log_softmax(stack([x, x]), dim=-1), tensor([[1], [2]]), tensor([2, 2]), tensor([1, 1]))",
         "ctc_loss(log_softmax(stack([x, x]), dim=-1), tensor([[1], [2]]), [2, 2], [1, 1])"},
        // A scalar has the axis 0, and -1.
        {"sum(x[0, 0], -1) + prod(x[0, 0], 0) + logsumexp(x[0, 0], 0)", "3 * x[0, 0]"},
        {"cumsum(x[0, 0], 0) + cummax(x[0, 0], -1)[0] + logcumsumexp(x[0, 0], dim=0)", "3 * x[0, 0]"},
        {"sort(x[0, 0], 0)[0] + topk(x[0, 0], 1)[0] + median(x[0, 0], dim=0)[0]", "3 * x[0, 0]"},
        {"argmax(x[0, 0], dim=0) + argsort(x[0, 0], 0) + x[0, 0]", "x[0, 0]"}}) {
    const Variables variables = {{"x", tensor({{0.5, -1.0, 2.0}, {1.5, 0.25, -0.75}})}};
    const Tensor result = tensor_of(given, variables), expected = tensor_of(meant, variables);
    EXPECT_EQ(result.shape(), expected.shape()) << given;
    EXPECT_TRUE(allclose(result, expected)) << given << ": " << result << " is not " << expected;
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
  EXPECT_EQ(nearest("smu", words), "sum");
  EXPECT_EQ(nearest("slo", words), "");
  EXPECT_EQ(nearest("some", words), "");
  EXPECT_EQ(nearest("y", words), "");
  EXPECT_EQ(nearest("entropy", words), "");
}

TEST(Printable, leaves_no_control_characters_and_cuts_between_characters) {
  EXPECT_EQ(printable("a\x1b[31m\nb\xff"), "a\\x1b[31m b\\xff");
  EXPECT_EQ(printable("θθθθ", 2), "θθ…");
}

}  // namespace
}  // namespace chainrule::test
