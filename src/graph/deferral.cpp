// Which values wait until they are read: the one policy, by who reads them and how much memory waiting keeps.
// deferral.h says what it weighs.

#include "graph/deferral.h"

#include "kernels/repeated.h"

namespace chainrule {

bool stays_deferred(const Array& value, Reads reads, std::span<const Tensor* const> inputs) {
  if (recording_mode.keep_values) return false;
  std::size_t kept = 0;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const Node& input = *inputs[i]->node();
    const Array& array = value_of(*inputs[i]);
    std::size_t bytes = array.byte_count();
    array.use_deferred([&](const Deferred& deferred) {
      bytes = deferred.kept_bytes;
      return true;
    });
    if (!input.is_variable() && !input.reads_itself() && (reads & reads_input(i)) == 0) kept += bytes;
  }
  value.use_deferred([&](Deferred& deferred) {
    deferred.kept_bytes = kept;
    return true;
  });
  return kept <= value.byte_count();
}

bool adds_up_later(const Array& total, const Array& more) {
  if (total.shape() != more.shape()) return false;
  return holds_values(total) || (kernels::repeated_part(total) && kernels::repeated_part(more));
}

}  // namespace chainrule
