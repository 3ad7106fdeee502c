// Unpacks ONNX's cases once, runs them, and compares: the archive's own layout is a folder for each case,
// with a model and a data set of tensors.

#include "onnx/node_cases.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "chainrule/autograd.h"
#include "onnx/graph.h"
#include "paths.h"
#include "support.h"
#include "temporary_files.h"

namespace chainrule::test {
namespace {

namespace fs = std::filesystem;

std::optional<std::map<std::string, std::string>> unpacked() {
  const std::string archive = data_path("onnx-node.tar.xz");
  if (!fs::exists(archive)) return {};
  static const TemporaryFolder folder;
  if (std::system(("tar -xf '" + archive + "' -C '" + folder.path() + "'").c_str()) != 0) return {};
  std::map<std::string, std::string> cases;
  for (const auto& entry : fs::directory_iterator(folder.file("onnx/backend/test/data/node")))
    cases.emplace(entry.path().filename().string(), entry.path().string());
  return cases;
}

/// ONNX compares with 1e-3 |expected| + 1e-7, which these need: it has written down what they give with four
/// digits.
constexpr std::string_view rounded_cases[] = {"test_averagepool_2d_ceil_last_window_starts_on_pad",
                                              "test_gridsample_bicubic", "test_roialign_aligned_false",
                                              "test_roialign_aligned_true"};

/// How far results may be from what is expected, relative to max(1, |expected|). Those of float16 and
/// bfloat16 are computed in float32 here, and rounded once or more often there.
double tolerance(const std::string& folder, const std::string& type) {
  if (type == "float16") return 0x1p-10;
  if (type == "bfloat16") return 0x1p-7;
  return std::ranges::count(rounded_cases, fs::path(folder).filename().string()) != 0 ? 1e-4 : 1e-5;
}

/// What is wrong with a result, or "".
std::string difference(const Tensor& actual, const Tensor& expected, double tolerance) {
  if (actual.shape() != expected.shape())
    return "shape " + to_string(actual.shape()) + ", not " + to_string(expected.shape());
  if (actual.dtype() != expected.dtype())
    return "dtype " + std::string(to_string(actual.dtype())) + ", not " +
           std::string(to_string(expected.dtype()));
  const auto result = is_floating(expected.dtype()) ? close(actual, expected, tolerance)
                                                    : equals(actual, expected.shape(), values(expected));
  return result ? "" : result.message();
}

bool casts_to_float32(const onnx::Description& graph) {
  for (const onnx::DescribedNode& node : graph.nodes)
    for (const onnx::Attribute& attribute : node.attributes) {
      const auto* const to = std::get_if<std::int64_t>(&attribute.value);
      if (node.op == "Cast" && attribute.name == "to" && to != nullptr) {
        const auto type = static_cast<onnx::ElementType>(*to);
        if (onnx::dtype_of(type) == DType::float32) return true;
      }
      if (attribute.description != nullptr && casts_to_float32(*attribute.description)) return true;
    }
  return false;
}

}  // namespace

const std::optional<std::map<std::string, std::string>>& node_cases() {
  static const std::optional<std::map<std::string, std::string>> cases = unpacked();
  return cases;
}

std::vector<Tensor> case_tensors(const std::string& folder, const std::string& kind) {
  std::vector<Tensor> tensors;
  for (std::size_t i = 0;; ++i) {
    const std::string path = folder + "/test_data_set_0/" + kind + "_" + std::to_string(i) + ".pb";
    if (!fs::exists(path)) return tensors;
    tensors.push_back(onnx::load_tensor(path));
  }
}

NodeOutcome run_case(const std::string& folder) {
  try {
    const onnx::Model model = onnx::load(folder + "/model.onnx");
    const std::vector<Tensor> results = no_grad([&] { return model(case_tensors(folder, "input")); });
    const std::vector<Tensor> expected = case_tensors(folder, "output");
    if (results.size() != expected.size())
      return {NodeOutcome::Kind::wrong,
              std::to_string(results.size()) + " results, not " + std::to_string(expected.size())};
    for (std::size_t i = 0; i < results.size(); ++i) {
      const std::string wrong =
          difference(results[i], expected[i], tolerance(folder, model.outputs()[i].type));
      if (!wrong.empty()) return {NodeOutcome::Kind::wrong, "result " + std::to_string(i) + ": " + wrong};
    }
  } catch (const onnx::Unsupported& error) {
    return {NodeOutcome::Kind::refused, error.reason()};
  } catch (const std::exception& error) {
    const std::string message = error.what();
    const std::size_t at = message.find("there is no operator '");
    if (at == std::string::npos) return {NodeOutcome::Kind::wrong, message};
    return {NodeOutcome::Kind::missing, message.substr(at + 22, message.find('\'', at + 22) - at - 22)};
  }
  return {};
}

bool casts_to_float32(const std::string& folder) {
  const std::string path = folder + "/model.onnx";
  return casts_to_float32(onnx::read_model(content_of(path), path, std::int64_t{1} << 20).graph);
}

}  // namespace chainrule::test
