// Which values wait until they are read: the one policy, by who reads them and how much memory waiting keeps.
// deferral.h says what it weighs.

#include "graph/deferral.h"

#include <algorithm>

#include "kernels/evaluation.h"
#include "kernels/repeated.h"

namespace chainrule {

namespace {

/// What a value keeps alive as long as it waits.
class KeptArrays {
 public:
  void add(const Tensor& tensor, bool is_held) {
    const Array& array = value_of(tensor);
    const bool waits = array.use_deferred([&](const Deferred& deferred) {
      for (const Deferred::Kept& each : deferred.kept) add(each);
      return true;
    });
    if (!waits && array.traced() == nullptr) add({array.raw(), array.byte_count(), is_held});
  }
  bool may_wait(const Array& value) {
    bool is_part = false;
    value.use_deferred([&](Deferred& deferred) {
      const kernels::Elementwise* const pass = deferred.elementwise();
      is_part = pass != nullptr && pass->layout() != nullptr;
      if (pass == nullptr)  // its maker knows what it keeps
        kept_ = deferred.kept;
      else
        deferred.kept = kept_;
      return true;
    });
    if (is_part) return true;  // its kernel has looked to how large the whole is
    std::size_t all = 0, alone = 0;
    for (const Deferred::Kept& each : kept_) {
      all += each.bytes;
      if (!each.is_held) alone += each.bytes;
    }
    // Numbers and rows beside it are not worth a pass.
    const std::size_t most = value.byte_count() + value.byte_count() / 8;
    return alone <= most && all <= 2 * most;
  }

 private:
  void add(const Deferred::Kept& more) {  // once, however often it is read
    if (std::ranges::find(kept_, more.elements, &Deferred::Kept::elements) == kept_.end())
      kept_.push_back(more);
  }
  std::vector<Deferred::Kept> kept_;
};

/// Does a value that waits keep the input alive alone?
bool counts(const Tensor& input, std::size_t i, Reads reads) {
  const Node& node = *input.node();
  return !node.is_variable() && !node.reads_itself() && (reads & reads_input(i)) == 0;
}

}  // namespace

bool stays_deferred(const Array& value, Reads reads, std::span<const Argument* const> inputs) {
  if (recording_mode.keep_values) return false;
  KeptArrays kept;
  for (std::size_t i = 0; i < inputs.size(); ++i)
    if (const Tensor& input = **inputs[i]; counts(input, i, reads)) kept.add(input, !inputs[i]->is_last());
  return kept.may_wait(value);
}

bool stays_deferred(const Array& value, Reads reads, std::span<const Tensor* const> inputs) {
  if (recording_mode.keep_values) return false;
  KeptArrays kept;
  for (std::size_t i = 0; i < inputs.size(); ++i)
    if (counts(*inputs[i], i, reads)) kept.add(*inputs[i], false);
  return kept.may_wait(value);
}

bool adds_up_later(const Array& total, const Array& more) {
  if (total.shape() != more.shape()) return false;
  return holds_values(total) || (kernels::repeated_part(total) && kernels::repeated_part(more));
}

}  // namespace chainrule
