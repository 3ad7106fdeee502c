#include "ops/registry.h"

#include <algorithm>

namespace chainrule {
namespace {

std::vector<OperationInfo>& registered() {
  static std::vector<OperationInfo> operations;
  return operations;
}

}  // namespace

void ops::register_operation(OperationInfo info) { registered().push_back(info); }

std::vector<OperationInfo> operations() {
  std::vector<OperationInfo> sorted = registered();
  std::sort(sorted.begin(), sorted.end(), [](auto& a, auto& b) { return a.name < b.name; });
  return sorted;
}

}  // namespace chainrule
