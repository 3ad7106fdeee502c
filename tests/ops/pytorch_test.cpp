// Values, gradients and gradients of gradients as PyTorch computes them: see tests/reference/make.py. Each
// case is an expression, which goes through the command line's parser and the list of all operations.

#include <filesystem>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>

#include "chainrule/autograd.h"
#include "evaluate.h"
#include "paths.h"
#include "support.h"

namespace chainrule::test {
namespace {

using nlohmann::json;

double number(const json& element) {
  if (element.is_number()) return element.get<double>();
  const auto text = element.get<std::string>();
  constexpr double infinity = std::numeric_limits<double>::infinity();
  return text == "inf" ? infinity : text == "-inf" ? -infinity : std::numeric_limits<double>::quiet_NaN();
}

Tensor read(const json& numbers, DType dtype = DType::float64) {
  std::vector<double> elements;
  for (const json& element : numbers["data"]) elements.push_back(number(element));
  return cast(tensor(elements, Shape(numbers["shape"].get<std::vector<std::int64_t>>())), dtype);
}

/// As PyTorch has it, to the case's relative tolerance of the largest element.
void expect_close(const char* what, const Tensor& actual, const json& expected, double tolerance) {
  const Tensor right = read(expected);
  ASSERT_EQ(to_string(actual.shape()), to_string(right.shape())) << what;
  double largest = 1;
  for (const double element : values(right))
    if (std::isfinite(element)) largest = std::max(largest, std::abs(element));
  const auto a = values(actual), b = values(right);
  for (std::size_t i = 0; i < a.size(); ++i)
    EXPECT_TRUE(std::isfinite(b[i]) ? std::abs(a[i] - b[i]) <= tolerance * largest : agree(a[i], b[i], 0))
        << what << ", element " << i << ": " << a[i] << ", in PyTorch " << b[i];
}

void check(const json& one) {
  const bool single = one.value("dtype", "float64") == "float32";
  const DType dtype = single ? DType::float32 : DType::float64;
  const double tolerance = one["rtol"];
  cli::Context context{.dtype = dtype};
  cli::Variables variables;
  std::vector<Tensor> inputs;
  for (const auto& [name, numbers] : one["inputs"].items()) {
    inputs.push_back(variable(read(numbers, dtype), name));
    variables[name] = inputs.back();
  }
  const cli::Program program(one["expression"].get<std::string>());
  const Tensor result = cli::to_tensor(cli::evaluate(program, variables, context), {.floats = dtype});
  expect_close("value", result, one["value"], tolerance);
  if (!one.contains("gradients")) return;
  ASSERT_TRUE(result.requires_grad());
  const bool twice = one.contains("second");
  const Gradients g = gradients(result, inputs, {.seed = read(one["seed"], dtype), .create_graph = twice});
  Tensor total = full({}, 0.0, dtype);
  for (const Tensor& input : inputs) {
    const std::string name = input.name();
    const Tensor gradient = g.contains(input) ? g.at(input) : zeros_like(input);
    expect_close(("gradient of " + name).c_str(), gradient, one["gradients"][name], tolerance * 10);
    if (twice) total = total + sum(gradient * read(one["weights"][name], dtype));
  }
  if (!twice) return;
  Gradients second;
  if (total.requires_grad()) second = gradients(total, inputs);
  for (const Tensor& input : inputs)
    expect_close(("second derivative in " + input.name()).c_str(),
                 second.contains(input) ? second.at(input) : zeros_like(input), one["second"][input.name()],
                 tolerance * 100);
}

class PyTorch : public ::testing::TestWithParam<std::string> {};

TEST_P(PyTorch, agrees_with_every_case_of) {
  std::ifstream in(tests_path("reference/" + GetParam() + ".json"));
  const json cases = json::parse(in);
  EXPECT_GE(cases.size(), 10U);
  for (const json& one : cases) {
    SCOPED_TRACE(one["expression"].get<std::string>() + " of " + one["inputs"].dump());
    try {
      check(one);
    } catch (const std::exception& error) {
      ADD_FAILURE() << error.what();
    }
  }
}

std::vector<std::string> families() {
  std::vector<std::string> names;
  for (const auto& file : std::filesystem::directory_iterator(tests_path("reference")))
    if (file.path().extension() == ".json") names.push_back(file.path().stem().string());
  std::sort(names.begin(), names.end());
  return names;
}

INSTANTIATE_TEST_SUITE_P(Reference, PyTorch, ::testing::ValuesIn(families()),
                         [](const auto& family) { return family.param; });

}  // namespace
}  // namespace chainrule::test
