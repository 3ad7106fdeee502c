#include <iostream>

#include "chainrule/autograd.h"
#include "onnx/node_cases.h"
#include "support.h"

namespace chainrule::test {
namespace {

/// How many cases passed when this was written.
constexpr std::size_t reached = 1533;

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

}  // namespace
}  // namespace chainrule::test
