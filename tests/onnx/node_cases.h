// The cases of ONNX's own backend test, one operator each: a model, its inputs, and what they give. They are
// in Debian's package of ONNX.

#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "chainrule/onnx.h"

namespace chainrule::test {

/// The folders of all cases by name. They are unpacked once for the process, into a temporary folder. Nothing
/// where the archive is absent.
const std::optional<std::map<std::string, std::string>>& node_cases();

/// What is in the folders of the data set 0 of a case.
std::vector<Tensor> case_tensors(const std::string& folder, const std::string& kind);

/// How a case went.
struct NodeOutcome {
  enum class Kind : std::uint8_t { passed, refused, missing, wrong } kind = Kind::passed;
  std::string what = {};  ///< why it was refused, which operator is missing, or what is wrong
};
NodeOutcome run_case(const std::string& folder);

/// Does the model round to float32 or less on the way, so that small differences are lost?
bool casts_to_float32(const std::string& folder);

}  // namespace chainrule::test
