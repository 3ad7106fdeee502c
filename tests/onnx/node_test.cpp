// ONNX's backend test of single operators: values against what ONNX computed, gradients against differences.
// Prints what is not for this engine, and why.

#include <algorithm>
#include <iostream>

#include "chainrule/functions.h"
#include "chainrule/gradcheck.h"
#include "onnx/node_cases.h"
#include "support.h"

namespace chainrule::test {
namespace {

/// How many cases passed when this was written.
constexpr std::size_t reached = 1579;
/// And how many were differentiated.
constexpr std::size_t differentiated = 812;

TEST(OnnxNodes, compute_what_onnx_computes) {
  if (!node_cases()) GTEST_SKIP() << "onnx-node.tar.xz is not there";
  std::size_t passed = 0;
  std::map<std::string, std::size_t> refused, missing;
  std::string wrong;
  for (const auto& [name, folder] : *node_cases()) {
    const NodeOutcome outcome = run_case(folder);
    switch (outcome.kind) {
      case NodeOutcome::Kind::passed: ++passed; break;
      case NodeOutcome::Kind::refused: ++refused[outcome.what]; break;
      case NodeOutcome::Kind::missing: ++missing[outcome.what]; break;
      case NodeOutcome::Kind::wrong: wrong += "  " + name + ": " + outcome.what + "\n"; break;
    }
  }
  std::cout << passed << " of " << node_cases()->size() << " cases pass\n";
  for (const auto& [reason, count] : refused)
    std::cout << "  not for this engine: " << count << " " << reason << "\n";
  for (const auto& [op, count] : missing) std::cout << "  missing: " << count << " " << op << "\n";
  EXPECT_EQ(wrong, "");
  EXPECT_GE(passed, reached);
}

/// The elements of all results through which a gradient flows, one after another. Empty where there are none.
Tensor differentiable(const std::vector<Tensor>& results) {
  std::vector<Tensor> parts;
  for (const Tensor& result : results)
    if (result.requires_grad()) parts.push_back(result.reshape({result.size()}));
  return parts.empty() ? Tensor() : concatenate(parts);
}

/// Cases that have no derivative, or one that differences cannot show, and why.
struct Excluded {
  std::string_view prefix, why;
};
constexpr Excluded excluded[] = {
    {"test_acosh_example", "at the end of its domain"},
    {"test_bitcast", "other bits in float64"},
    {"test_melweightmatrix", "a constant, which takes no negative frequency"},
    {"test_pow", "negative numbers have whole powers alone"},
    {"test_training_dropout", "at random unless its ratio is 0"},
    {"test_range", "the size of the result changes"},
};
/// Cases where only one input is differentiated: others are sizes, scales, or places in disguise.
struct OneInput {
  std::string_view prefix;
  std::size_t input;
};
constexpr OneInput one_input[] = {
    {"test_onehot", 2}, {"test_resize", 0}, {"test_roialign", 0}, {"test_upsample", 0}};

/// Is the input of this case to be differentiated? All elements must be finite, as differences are.
bool is_variable(const std::string& name, std::size_t input, const std::string& type, const Tensor& value) {
  if (!is_floating(value.dtype()) || type.ends_with("16") || !all(isfinite(value)).item<bool>()) return false;
  for (const OneInput& only : one_input)
    if (name.starts_with(only.prefix)) return input == only.input;
  return true;
}

TEST(OnnxNodes, have_the_gradients_that_differences_have) {
  if (!node_cases()) GTEST_SKIP() << "onnx-node.tar.xz is not there";
  PRINT_SEED_ON_FAILURE();
  constexpr std::int64_t most_elements = sanitized ? 40 : 400;
  Engine engine(seed());
  std::size_t checked = 0, constant = 0;
  for (const auto& [name, folder] : *node_cases()) {
    const auto starts_here = [&name = name](const Excluded& other) { return name.starts_with(other.prefix); };
    if (std::ranges::any_of(excluded, starts_here) || run_case(folder).kind != NodeOutcome::Kind::passed)
      continue;
    const onnx::Model model = onnx::load(folder + "/model.onnx");
    std::vector<Tensor> inputs = case_tensors(folder, "input"), variables;
    std::vector<std::size_t> places;
    std::int64_t elements = 0;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      if (!is_variable(name, i, model.inputs()[i].type, inputs[i])) continue;
      elements += inputs[i].size();
      // Not at the kinks and ties that round numbers are made for.
      const Tensor aside = random_tensor(inputs[i].shape(), engine, -0.01, 0.01);
      variables.push_back(variable(cast(inputs[i], DType::float64) + aside));
      places.push_back(i);
    }
    if (variables.empty() || elements > most_elements || casts_to_float32(folder)) continue;
    const auto results = [&](const std::vector<Tensor>& at) {
      std::vector<Tensor> all = inputs;
      for (std::size_t i = 0; i < places.size(); ++i) all[places[i]] = at[i];
      return differentiable(model(all));
    };
    if (results(variables).is_empty()) {
      ++constant;
      continue;
    }
    const GradcheckResult result = gradcheck(results, variables, {.tolerance = 1e-5});
    ++checked;
    EXPECT_TRUE(result.passed) << name << ": " << result.message;
  }
  std::cout << checked << " cases have been differentiated; " << constant << " carry no gradient\n";
  EXPECT_GE(checked, sanitized ? std::size_t{100} : differentiated);
}

}  // namespace
}  // namespace chainrule::test
