// Which values wait until they are read: the one policy, by who reads them and how much memory waiting keeps.
// deferral.h says what it weighs.

#include "graph/deferral.h"

#include "kernels/evaluation.h"
#include "kernels/repeated.h"

namespace chainrule {

bool stays_deferred(const Array& value, Reads reads, std::span<const Tensor* const> inputs) {
  if (recording_mode.keep_values) return false;
  std::size_t kept = 0;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const Node& input = *inputs[i]->node();
    const Array& array = value_of(*inputs[i]);
    if (array.is_scalar_in_place()) continue;  // its node takes no more than what waits
    std::size_t bytes = array.byte_count();
    array.use_deferred([&](const Deferred& deferred) {
      bytes = deferred.kept_bytes;
      return true;
    });
    if (!input.is_variable() && !input.reads_itself() && (reads & reads_input(i)) == 0) kept += bytes;
  }
  std::size_t most = value.byte_count();
  value.use_deferred([&](Deferred& deferred) {
    const kernels::Elementwise* const pass = deferred.elementwise();
    if (pass == nullptr) {  // its maker knows what it keeps
      kept = deferred.kept_bytes;
      return true;
    }
    deferred.kept_bytes = kept;
    if (pass->layout() != nullptr) most = kept;  // its kernel has looked to how large the whole is
    return true;
  });
  return kept <= most;
}

bool adds_up_later(const Array& total, const Array& more) {
  if (total.shape() != more.shape()) return false;
  return holds_values(total) || (kernels::repeated_part(total) && kernels::repeated_part(more));
}

}  // namespace chainrule
