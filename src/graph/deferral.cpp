// Which values wait until they are read: the one policy, by who reads them and how much memory waiting keeps.
// deferral.h says what it weighs.

#include "graph/deferral.h"

#include <algorithm>

#include "kernels/evaluation.h"
#include "kernels/repeated.h"

namespace chainrule {

bool stays_deferred(const Array& value, Reads reads, std::span<const Tensor* const> inputs, Reads last) {
  if (recording_mode.keep_values) return false;
  using Kept = Deferred::Kept;
  std::vector<Kept> kept;
  const auto keep = [&](const Kept& each) {  // once, however often it is read
    if (std::ranges::find(kept, each.elements, &Kept::elements) == kept.end()) kept.push_back(each);
  };
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const Node& input = *inputs[i]->node();
    const Array& array = value_of(*inputs[i]);
    if (input.is_variable() || input.reads_itself() || (reads & reads_input(i)) != 0) continue;
    const bool waits = array.use_deferred([&](const Deferred& deferred) {
      std::ranges::for_each(deferred.kept, keep);
      return true;
    });
    if (!waits && array.traced() == nullptr)
      keep({array.raw(), array.byte_count(), (last & reads_input(i)) == 0});
  }
  bool is_part = false;
  value.use_deferred([&](Deferred& deferred) {
    const kernels::Elementwise* const pass = deferred.elementwise();
    is_part = pass != nullptr && pass->layout() != nullptr;
    if (pass == nullptr)  // its maker knows what it keeps
      kept = deferred.kept;
    else
      deferred.kept = kept;
    return true;
  });
  if (is_part) return true;  // its kernel has looked to how large the whole is
  std::size_t all = 0, alone = 0;
  for (const Kept& each : kept) {
    all += each.bytes;
    if (!each.is_held) alone += each.bytes;
  }
  // Numbers and rows beside it are not worth a pass.
  const std::size_t most = value.byte_count() + value.byte_count() / 8;
  return alone <= most && all <= 2 * most;
}

bool adds_up_later(const Array& total, const Array& more) {
  if (total.shape() != more.shape()) return false;
  return holds_values(total) || (kernels::repeated_part(total) && kernels::repeated_part(more));
}

}  // namespace chainrule
