#include "ops/registry.h"

#include <algorithm>

namespace chainrule {

std::vector<OperationInfo> operations() {
  std::vector<OperationInfo> all;
  for (const auto family : {ops::arithmetic_operations, ops::transcendental_operations, ops::logic_operations,
                            ops::reduction_operations, ops::norm_and_product_operations,
                            ops::linear_algebra_operations, ops::shape_operations, ops::row_operations,
                            ops::probability_operations, ops::loss_operations, ops::map_operations}) {
    const ops::Entries entries = family();
    all.insert(all.end(), entries.begin(), entries.end());
  }
  std::sort(all.begin(), all.end(), [](auto& a, auto& b) { return a.name < b.name; });
  return all;
}

}  // namespace chainrule
