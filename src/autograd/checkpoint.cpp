// Checkpoints: how a function is computed again in the backward pass. The call is one node that keeps the
// arguments; its derivative records the function anew and goes back through that.

#include "chainrule/checkpoint.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "autograd/buffers.h"
#include "autograd/captured.h"
#include "autograd/engine.h"
#include "chainrule/detail/hash.h"
#include "graph/apply.h"

namespace chainrule::detail {
namespace {

/// A number that is the same if all bits of the tensors are.
std::uint64_t bits_of(const std::vector<Tensor>& tensors) {
  std::uint64_t hash = 0;
  for (const Tensor& tensor : tensors) {
    const Array& value = value_of(tensor);
    hash = hash_of(value.raw(), value.byte_count(), hash);
  }
  return hash;
}

bool are_same(const std::vector<Tensor>& a, const std::vector<Tensor>& b) {
  return std::ranges::equal(a, b, {}, &Tensor::node, &Tensor::node);
}

/// A function runs as outside of all transforms. What is recorded never depends on them (see is_recording),
/// but rules have other roundings within, and results are to be the same to the bit.
class OutsideOfTransforms {
 public:
  OutsideOfTransforms() = default;
  ~OutsideOfTransforms() { recording_mode.transforms = before_; }
  OutsideOfTransforms(const OutsideOfTransforms&) = delete;
  OutsideOfTransforms& operator=(const OutsideOfTransforms&) = delete;

 private:
  decltype(recording_mode.transforms) before_ = std::exchange(recording_mode.transforms, 0);
};

}  // namespace

// Under vmap and jvp, what a tensor stands for would not be recorded where a checkpoint does not record.
bool is_recording() {
  return !recording_mode.off && !recording_mode.keep_values && recording_mode.transforms == 0;
}

const std::string& Recomputed::name() const {
  static const auto* const name = new std::string("checkpoint");
  return *name;
}

std::vector<Tensor> Recomputed::called_first(std::span<const Tensor> in, Call call) {
  std::vector<Tensor> stand_ins;
  for (const Tensor& each : in)
    stand_ins.push_back(!each.is_empty() && each.requires_grad() ? variable(each) : each);
  std::vector<Tensor> results;
  {
    AssignedBuffers assigned;
    CapturingCall run("checkpoint", stand_ins, call);
    if (!assigned.before.empty()) buffers_ = std::make_shared<const BufferValues>(std::move(assigned.before));
    captured_ = std::move(run.captured);
    for (const Tensor& result : run.results) results.push_back(result.detach());
  }
  bits_ = bits_of(results);
  return results;
}

std::vector<Tensor> Recomputed::pull_back(std::span<const Tensor> in, std::span<const Tensor>,
                                          std::span<const Tensor> g, bool recorded) const {
  std::vector<Tensor> stand_ins, wrt;
  const std::size_t arguments = in.size() - captured_.size();
  for (std::size_t i = 0; i < arguments; ++i) {
    stand_ins.push_back(in[i]);
    if (!in[i].requires_grad()) continue;
    stand_ins.back() = recorded ? stand_in(in[i]) : variable(in[i]);
    wrt.push_back(stand_ins.back());
  }
  wrt.insert(wrt.end(), captured_.begin(), captured_.end());
  const CapturingCall run("checkpoint", stand_ins, [this](std::span<const Tensor> tensors) {
    const OutsideOfTransforms outside;
    std::optional<BuffersAsBefore> as_before;
    if (buffers_ != nullptr) as_before.emplace(*static_cast<const BufferValues*>(buffers_.get()));
    return called_again(tensors);
  });
  if (!are_same(run.captured, captured_))
    throw GradError(
        "checkpoint: computed again, the function uses other variables than before; do not assign to "
        "parameters before "
        "the backward pass");
  if (bits_of(run.results) != bits_)
    throw GradError(
        "checkpoint: computed again, the function gives other numbers than before; let it have its Generator "
        "as an "
        "argument, or captured by value, and leave what it refers to as it was until the backward pass");
  std::vector<Tensor> found = pulled_back("checkpoint", run.results, g, wrt, recorded), sent;
  std::size_t next = 0;
  for (const Tensor& each : in) sent.push_back(each.requires_grad() ? found[next++] : Tensor());
  return sent;
}

std::vector<std::size_t> segment_ends(std::size_t functions, std::size_t segments) {
  if (segments > functions)
    throw std::invalid_argument("checkpoint_sequential: " + std::to_string(segments) + " segments of " +
                                std::to_string(functions) + " functions; ask for at most as many");
  if (segments == 0)
    segments = static_cast<std::size_t>(std::lround(std::sqrt(static_cast<double>(functions))));
  std::vector<std::size_t> ends;
  for (std::size_t i = 1; i <= segments; ++i) ends.push_back(i * functions / segments);
  return ends;
}

}  // namespace chainrule::detail
