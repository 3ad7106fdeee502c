// What must not compile, and what the compilers say about it: small programs, each with one mistake. Relies
// on the compilers that are installed.

#include <gtest/gtest.h>

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <sstream>

#include "paths.h"
#include "support.h"

namespace chainrule::test {
namespace {

struct Mistake {
  std::string name;
  std::string code;                     ///< statements, with tensors a and b
  std::vector<std::string> words = {};  ///< that the compiler's message contains
  std::size_t lines = 14;               ///< at most, of the message
  std::size_t of_clang = lines;         ///< clang goes on with all other functions of the name
};

const std::vector<Mistake> mistakes = {
    {"assignment_to_an_element", "a[0] = b;", {"slice_update"}},
    {"assignment_of_a_number_to_an_element", "a[{Slice{}, 0}] = 1.0;", {"slice_update"}},
    {"addition_to_an_element", "a[0] += b;", {"slice_update"}},
    {"and_of_tensors", "(void)where(a > 0 && b > 0, a, b);", {"a & b"}},
    {"or_of_tensors", "if (a > 0 || b > 0) return;", {"a | b"}},
    {"bool_as_axes", "(void)sum(a, true);", {"keepdims"}},
    {"bool_among_axes", "(void)sum(a, {0, true});", {"keepdims"}},
    {"bool_as_axis_of_argmax", "(void)argmax(a, true);", {"keepdims"}},
    {"bool_as_axis_of_median", "(void)median(a, true);", {"whole number"}},
    {"bool_as_axis_of_softmax", "(void)softmax(a, true);", {"whole number"}},
    {"fraction_as_axis_of_softmax", "(void)softmax(a, 1.5);", {"whole number"}},
    {"bool_as_axis_of_cumsum", "(void)cumsum(a, true);", {"whole number"}},
    {"letter_as_axes", "(void)sum(a, 'a');", {"whole numbers"}},
    {"text_as_axis", "(void)log_softmax(a, \"x\");", {"whole number"}},
    {"number_as_keepdims", "(void)sum(a, 0, 1);", {"{0, 1}"}},
    {"number_as_descending", "(void)sort(a, -1, 1);", {"true or false"}},
    {"bool_as_size", "(void)split(a, true);", {"whole number"}},
    {"fraction_as_count", "(void)topk(a, 2.5);", {"whole number"}},
    {"bool_as_length", "(void)bincount(a, true);", {"whole number"}},
    {"bool_as_position", "(void)a[true];", {"masked_select"}},
    {"bool_among_positions", "(void)a[{0, true}];", {"masked_select"}},
    {"fraction_as_shape", "(void)zeros(1.5);", {"whole numbers"}},
    {"fraction_as_count_of_linspace", "(void)linspace(0, 1, 2.5);", {"whole number"}},
    {"fraction_as_size_of_a_layer", "(void)Linear(2.5, 3, generator);", {"whole number"}},
    {"bool_as_channels", "(void)Conv2d(3, true, 3, generator);", {"whole number"}},
    {"fraction_as_steps", "(void)Schedule::cosine(2.5);", {"whole number"}},
    {"fraction_as_folds", "(void)k_fold(10, 2.5, generator);", {"whole number"}},
    {"fraction_as_axes", "(void)mean(a, 0.5);", {"whole numbers"}},
    {"text_as_axes", "(void)mean(a, \"x\");", {"whole numbers"}},
    {"max_of_two_numbers", "(void)max(3, 1);", {"std::max"}},
    {"min_of_two_numbers", "(void)min(2.5, 1);", {"std::min"}},
    {"sum_of_two_numbers", "(void)sum(3, 1);", {"a + b"}},
    {"amax_of_numbers", "(void)amax(3, 1);", {"std::max"}},
    {"var_of_numbers", "(void)var(3, 1);", {"{a, b}"}},
    {"all_of_numbers", "(void)all(3, 1);", {"a && b"}},
    {"max_of_two_tensors", "(void)max(a, b);", {"maximum"}},
    {"data_of_a_temporary", "for (double v : exp(a).data<double>()) (void)v;", {"to_vector"}},
    {"sizes_of_a_temporary", "(void)exp(a).shape().sizes();", {"variable"}},
    {"batches_of_a_temporary", "(void)Batches({}, 2, generator).begin();", {"name"}},
    {"drawing_of_a_temporary_walk", "const WalkDrawing drawing(Walk(a, \"\"));", {"name"}},
    {"function_of_text", "(void)exp(\"x\");", {"char"}, 40},
    {"item_with_an_index", "(void)a.item({0});", {"item"}, 14, 20},
    {"tensor_of_text", "(void)tensor(\"x\");", {"text"}},
    {"tensor_of_a_letter", "(void)tensor('a');", {"letters"}},
    {"tensor_of_texts", "(void)tensor(std::vector<std::string>{\"a\"});", {"array of numbers"}},
    {"sum_with_text", "(void)(a + \"x\");", {"operator+"}},
    {"text_before_a_product", "(void)(\"x\" * a);", {"operator*"}},
    {"sum_with_a_string", "(void)(a + std::string(\"x\"));", {"operator+"}, 14, 60},
    {"product_with_a_vector", "(void)(std::vector<double>{1, 2} * a);", {"tensor(array)"}},
    {"sum_into_of_an_array", "a += std::array{1.0, 2.0};", {"tensor(array)"}},
    {"comparison_with_null", "if (a == nullptr) return;", {"operator=="}},
    {"comparison_with_an_address", "if (a < &b) return;", {"operator<"}},
    {"loop_over_a_tensor", "for (auto row : a) (void)row;", {"unbind"}, 17},
    {"slice_without_braces", "(void)a[Slice{0, 2}];", {"x[{Slice{0, 2}}]"}, 14, 30},
    {"mask_as_position", "(void)a[a > 0];", {"masked_select"}, 14, 30},
    {"numbers_without_braces", "(void)tensor(1, 2, 3);", {"tensor({1, 2, 3})"}, 14, 35},
    {"variables_without_braces", "(void)variable(1.0, 2.0);", {"variable({1, 2, 3})"}, 14, 35},
    {"name_before_the_value", "(void)variable(\"x\", 1.0);", {"the value comes first"}, 14, 35},
    {"stack_without_braces", "(void)stack(a, b);", {"stack({a, b})"}},
    {"concatenate_without_braces", "(void)concatenate(a, b, 1);", {"concatenate({a, b})"}},
    {"gradients_without_braces", "(void)gradients(a, b);", {"gradients(L, {x})"}},
    {"module_of_a_function_with_an_axis",
     "(void)Sequential(Linear(1, 1, generator), softmax);",
     {"[](const Tensor& x)"},
     14,
     22},
    {"module_of_a_number", "(void)Sequential(Linear(1, 1, generator), 3);", {"[](const Tensor& x)"}, 14, 22},
    {"rule_without_a_cotangent",
     "(void)custom_gradient(\"f\", [](const Tensor& x) { return x; }, [](const Tensor& x) { return x; })(a);",
     {"the gradient of the value"}},
    {"rule_without_a_tangent",
     "(void)custom_jvp(\"f\", [](const Tensor& x) { return x; }, [](const Tensor& x) { return x; })(a);",
     {"a tangent for each argument"}},
    {"root_of_a_function_of_too_much",
     "(void)root([](const Tensor& x, const Tensor& p) { return x - p; }, a);",
     {"root", "f(x, a)"},
     16,
     16},
    {"differential_equation_without_time",
     "(void)odeint([](const Tensor& y) { return y; }, a, b);",
     {"f(y, t, a)"},
     14,
     16},
    {"tensor_as_bool", "const bool x = a; (void)x;"},
    {"shape_of_bool", "(void)zeros(true);"},
    {"map_with_too_few_parameters",
     "(void)map([](auto x) { return x; }, a, b);",
     {"one auto for each operand"}},
    {"map_with_too_many_parameters", "(void)map([](auto x, auto y) { return x * y; }, a);", {"one auto"}},
    {"map_of_doubles", "(void)map([](double x) { return x * 2; }, a);", {"one auto"}},
    {"map_of_one_double", "(void)map([](auto x, double y) { return x * y; }, a, b);", {"one auto"}},
    {"map_of_a_function", "(void)map(static_cast<double (*)(double)>(std::tanh), a);", {"one auto"}},
    {"map_of_nothing", "(void)map([](auto x) { return x; });", {"1 to 8"}},
    {"map_of_text", "(void)map([](auto x) { return x; }, \"x\");", {"1 to 8"}},
    {"map_of_too_much",
     "(void)map([](auto... x) { return (x + ...); }, a, a, a, a, a, a, a, a, a);",
     {"1 to 8"}},
    {"map_to_nothing", "(void)map([](auto x) { (void)x; }, a);", {"returns a number"}},
    {"map_to_a_condition", "(void)map([](auto x) { return x > 0; }, a);", {"returns a number"}},
    {"dropped_function", "relu(a);", {"nodiscard"}},
    {"dropped_comparison", "a == b;", {"unused"}},
    {"dropped_method", "a.detach();", {"nodiscard"}},
    {"dropped_name", "exp(a).named(\"y\");", {"nodiscard"}},
    {"dropped_gradients", "gradients(a, {a});", {"nodiscard"}},
    {"dropped_tensor", "tensor({1, 2});", {"nodiscard"}},
    {"dropped_zeros", "zeros(3);", {"nodiscard"}},
    {"dropped_pieces", "split(a, 1);", {"nodiscard"}},
    {"dropped_order", "sort(a);", {"nodiscard"}},
    {"dropped_decomposition", "svd(a);", {"nodiscard"}},
    {"dropped_question", "a.is_empty();", {"nodiscard"}},
    {"guard_without_a_name", "NoGrad();", {"nodiscard"}},
    {"keeper_without_a_name", "KeepValues();", {"nodiscard"}},
    {"scope_without_a_name", "Scope(\"part\");", {"nodiscard"}},
};

/// In a program each, as compilers come to these at different times, and clang to one of them.
const std::vector<Mistake> mistakes_in_transforms = {
    {"gradient_at_once", "(void)grad([](const Tensor& x) { return sum(x); }, a);", {"grad(f)(x)"}},
    {"gradient_by_a_number", "(void)grad([](const Tensor& x) { return sum(x); }, 0);", {"argnums<1>"}},
    {"jacobian_at_once", "(void)jacobian([](const Tensor& x) { return x * x; }, a);", {"jacobian(f)(x)"}},
    {"hessian_at_once", "(void)hessian([](const Tensor& x) { return sum(x); }, a);", {"hessian(f)(x)"}},
    {"laplacian_at_once", "(void)laplacian([](const Tensor& x) { return sum(x); }, a);", {"laplacian(f)(x)"}},
    {"batch_at_once", "(void)vmap([](const Tensor& x) { return sum(x); }, a, b);", {"vmap(f)(x)"}},
    {"gradient_of_an_argument_that_is_not_there",
     "(void)grad([](const Tensor& x) { return sum(x); }, argnums<1>)(a);",
     {"argnums_are_arguments"},
     22,
     20},
    {"vjp_of_nothing", "(void)vjp([](const Tensor& x) { return x; });", {"vjp"}, 20, 16},
    {"gradient_of_a_struct_without_names",
     "struct Line { Tensor slope; }; "
     "(void)grad([](const Line& line) { return sum(line.slope); })(Line{a});",
     {"CHAINRULE_MEMBERS"},
     18,
     22},
    {"parameters_of_a_member_without_names",
     "struct Line { Tensor slope; double offset; CHAINRULE_MEMBERS(slope, offset) }; "
     "(void)parameters(Line{a, 1});",
     {"CHAINRULE_MEMBERS"},
     24,
     25},
    {"gradient_of_several_results",
     "(void)grad([](const Tensor& x) { return std::vector{x}; })(a);",
     {"jacobian()"},
     16,
     20},
    {"batch_of_structs_without_names",
     "struct Line { Tensor slope; }; (void)vmap([](const Tensor& x) { return Line{x}; })(a);",
     {"CHAINRULE_MEMBERS"},
     18,
     22},
};

/// Mistakes inside the lambda. Clang shows more of the way to them, and may go on after them.
const std::vector<Mistake> mistakes_in_formulas = {
    {"map_with_a_branch",
     "(void)map([](auto x) { if (x > 0) return x; return -x; }, a);",
     {"where(condition, a, b)"}},
    {"map_with_a_choice", "(void)map([](auto x) { return x > 0 ? x : -x; }, a);", {"where(condition, a, b)"}},
    {"map_with_and", "(void)map([](auto x) { return where(x > 0 && x < 1, x, 0); }, a);", {"a & b"}},
    {"map_with_an_unknown_function", "(void)map([](auto x) { return tanhh(x); }, a);", {"tanhh"}},
    {"map_with_a_function_of_numbers",
     "(void)map([](auto x) { return std::tanh(x); }, a);",
     {"tanh(x), not"}},
    {"map_with_a_function_of_tensors", "(void)map([](auto x) { return mean(x); }, a);", {"map.h"}},
    {"map_with_text", "(void)map([](auto x) { return x + \"a\"; }, a);", {"only elements and numbers"}},
    {"map_that_captures_a_tensor", "(void)map([&](auto x) { return b * x; }, a);", {"pass tensors to map"}},
};

std::string program_of(const std::vector<Mistake>& all) {
  std::ostringstream program;
  for (const char* header :
       {"autograd", "custom_gradient", "data", "data/folds", "derivatives", "implicit", "indexing", "linalg",
        "map", "nn", "odeint", "ops", "optim", "shaping", "statistics", "transforms", "vmap", "walk"})
    program << "#include \"chainrule/" << header << ".h\"\n";
  program << "using namespace chainrule;\n";
  for (const Mistake& mistake : all)
    program
        << "#line 1 \"" << mistake.name << ".cpp\"\nvoid " << mistake.name
        << "([[maybe_unused]] Tensor a, [[maybe_unused]] Tensor b, [[maybe_unused]] Generator& generator) { "
        << mistake.code << " }\n";
  return program.str();
}

/// What a compiler says about a program.
std::string compile(const std::string& compiler, const std::string& program, const std::string& flags) {
  const std::string source = ::testing::TempDir() + "chainrule_" + std::to_string(getpid()) + ".cpp";
  std::ofstream(source) << program;
  const std::string command = compiler + " -fsyntax-only -fdiagnostics-color=never -I " +
                              tests_path("../include") + " " + flags + " " + source + " 2>&1";
  std::string messages;
  std::FILE* const output = popen(command.c_str(), "r");
  for (int c = std::fgetc(output); c != EOF; c = std::fgetc(output)) messages += static_cast<char>(c);
  EXPECT_NE(pclose(output), -1);
  std::remove(source.c_str());
  return messages;
}

/// The lines about each mistake. A message goes from where a compiler says in what it found something to
/// where it says so again.
std::string about(const Mistake& mistake, const std::string& messages) {
  std::string found, block, includes, line;
  bool complete = false;
  const auto finish = [&] {
    if (block.find(mistake.name + ".cpp") != std::string::npos) found += block;
    block.clear();
    complete = false;
  };
  std::istringstream lines(messages);
  while (std::getline(lines, line)) {
    if (line.starts_with("In file included") || line.starts_with("                 from")) {
      includes += line + "\n";  // which belongs to what follows
      continue;
    }
    const bool reports = line.find(": error: ") != std::string::npos;
    const bool begins = reports || line.find(": In ") != std::string::npos;
    if (begins && complete) finish();
    block += std::exchange(includes, "") + line + "\n";
    complete = complete || reports;
  }
  finish();
  return found;
}

class Compilers : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    if (sanitized) GTEST_SKIP() << "the sanitizers see the same headers";
  }
  static bool is_clang() { return GetParam().find("clang") != std::string::npos; }
  static std::string no_limit() { return is_clang() ? " -ferror-limit=0" : ""; }
  static void expect_refused(const std::vector<Mistake>& all) {
    const std::string messages =
        compile(GetParam(), program_of(all), "-std=c++20 -Wall -Werror" + no_limit());
    for (const Mistake& mistake : all) {
      const std::string message = about(mistake, messages);
      EXPECT_TRUE(mentions(message, {"error"})) << mistake.name << " compiles";
      EXPECT_TRUE(mentions(message, mistake.words)) << mistake.name;
      EXPECT_LE(std::count(message.begin(), message.end(), '\n'),
                is_clang() ? mistake.of_clang : mistake.lines)
          << mistake.name << ":\n"
          << message;
    }
  }
};

TEST_P(Compilers, refuse_what_would_not_mean_what_it_says) { expect_refused(mistakes); }

TEST_P(Compilers, refuse_what_a_transform_cannot_take) {
  for (const Mistake& mistake : mistakes_in_transforms) expect_refused({mistake});
}

TEST_P(Compilers, report_mistakes_in_formulas_once) {
  std::vector<Mistake> all = mistakes_in_formulas;
  if (is_clang())
    for (Mistake& mistake : all) mistake.of_clang = 1000;
  expect_refused(all);
}

TEST_P(Compilers, are_told_to_use_a_newer_standard) {
  const std::string message = compile(GetParam(), "#include \"chainrule/chainrule.h\"\n", "-std=c++17");
  EXPECT_TRUE(mentions(message, {"C++20", "-std=c++20"}));
  EXPECT_LE(std::count(message.begin(), message.end(), '\n'), 20) << message;
}

TEST_P(Compilers, find_nothing_to_warn_of_in_the_headers) {
  std::ifstream file(tests_path("compile/without_warnings.cpp"));
  const std::string program((std::istreambuf_iterator<char>(file)), {});
  ASSERT_FALSE(program.empty());
  EXPECT_EQ(compile(GetParam(), program,
                    "-std=c++20 -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Werror"),
            "");
}

INSTANTIATE_TEST_SUITE_P(Both, Compilers, ::testing::Values(CHAINRULE_COMPILERS), [](const auto& one) {
  return std::string(one.param.find("clang") != std::string::npos ? "clang" : "gcc");
});

}  // namespace
}  // namespace chainrule::test
