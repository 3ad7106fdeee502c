// Values under vmap and jvp: what stands for them, and the levels of the transforms that run. Relies on
// arrays holding a Deferred in place of elements; the rules of operations are called in apply.h.

#include "graph/traced.h"

#include <algorithm>
#include <atomic>

#include "graph/chunks.h"
#include "graph/known.h"

namespace chainrule {

static constinit thread_local const RunningTransform* newest_transform = nullptr;

RunningTransform::RunningTransform(std::string_view called) : called_(called), before_(newest_transform) {
  static std::atomic<Level> last{0};
  level_ = last.fetch_add(1, std::memory_order_relaxed) + 1;
  newest_transform = this;
  ++recording_mode.transforms;
}
RunningTransform::RunningTransform(std::string_view called, std::int64_t samples, Randomness randomness)
    : RunningTransform(called) {
  samples_ = samples;
  randomness_ = randomness;
}
RunningTransform::~RunningTransform() {
  newest_transform = before_;
  --recording_mode.transforms;
}
const RunningTransform* RunningTransform::newest() { return newest_transform; }

static bool is_running(Level level) {
  const RunningTransform* each = newest_transform;
  while (each != nullptr && each->level() > level) each = each->before();
  return each != nullptr && each->level() == level;
}

const void* Traced::elements_elsewhere() const {
  const bool is_batched = kind == Kind::batched;
  const std::string name = is_batched ? "vmap" : "jvp";
  if (!is_running(level))
    throw GradError(name +
                    ": a tensor was read that was made inside, by a call that has ended or in another "
                    "thread; let the function return it");
  if (is_batched)
    throw GradError(
        "vmap: inside, a tensor has a value for each sample, so its elements cannot be read: not by item(), "
        "if (tensor) or data(), nor by an operation whose result has a shape that depends on them; use "
        "where(condition, a, b) in place of if");
  return value_of(inner).raw();
}

Array batched_value(Level level, const Tensor& physical) {
  return Array::traced_by(Shape(physical.shape().sizes().subspan(1)), physical.dtype(),
                          std::make_unique<Traced>(Traced::Kind::batched, level, physical, Tensor()));
}
Array dual_value(Level level, const Tensor& primal, const Tensor& tangent) {
  return Array::traced_by(primal.shape(), primal.dtype(),
                          std::make_unique<Traced>(Traced::Kind::dual, level, primal, tangent));
}

bool needs_gradient_inside(const Tensor& tensor) {
  if (tensor.is_empty()) return false;
  if (tensor.requires_grad()) return true;
  const Traced* const of = traced(tensor);
  return of != nullptr && (needs_gradient_inside(of->inner) || needs_gradient_inside(of->tangent));
}

Array cut_off(const Array& value) {
  const Traced* const of = traced(value);
  if (of == nullptr) return value;
  const Tensor inner = of->inner.detach();
  return of->kind == Traced::Kind::batched ? batched_value(of->level, inner) : value_of(inner);
}

bool any_traced(std::span<const Array* const> values) {
  return std::ranges::any_of(values, [](const Array* value) { return traced(*value) != nullptr; });
}

bool may_be_in_numbers(std::initializer_list<const Tensor*> tensors) {
  return !recording_mode.keep_values && std::ranges::none_of(tensors, [](const Tensor* each) {
    return each->node() != nullptr &&
           (traced(*each) != nullptr || (!recording_mode.off && each->node()->requires_grad()));
  });
}

bool may_be_in_numbers(std::span<const Tensor> in, const Tensor& out, const Tensor& tangent) {
  return may_be_in_numbers({&out, &tangent}) &&
         std::ranges::all_of(in, [](const Tensor& each) { return may_be_in_numbers({&each}); });
}

Tensor drawn_for_samples(std::string_view operation, const Shape& shape, Generator& generator,
                         FunctionRef<Tensor(const Shape&)> draw) {
  if (recording_mode.transforms == 0) [[likely]]
    return draw(shape);
  begin_draw(generator);
  std::vector<const RunningTransform*> each_its_own;  // the inner ones first
  Shape drawn_shape = shape;
  for (const auto* run = RunningTransform::newest(); run != nullptr; run = run->before()) {
    if (run->samples() < 0) continue;
    if (run->randomness() == Randomness::error)
      throw GradError(std::string(operation) +
                      ": random numbers inside vmap: say by its option randomness whether they are the same "
                      "for all samples or different");
    if (run->randomness() == Randomness::same) continue;
    each_its_own.push_back(run);
    drawn_shape = with_first(run->samples(), drawn_shape);
  }
  Tensor drawn = draw(drawn_shape);
  for (std::size_t i = each_its_own.size(); i-- > 0;)
    drawn = constant(batched_value(each_its_own[i]->level(), drawn));
  return drawn;
}

Unwrapped::Unwrapped(std::span<const Tensor* const> tensors) {
  for (const Tensor* tensor : tensors)
    if (const Traced* of = traced(*tensor); of != nullptr && of->level > level) {
      level = of->level;
      kind = of->kind;
    }
  if (!is_running(level)) {
    for (const Tensor* tensor : tensors)
      if (const Traced* of = traced(*tensor); of != nullptr && of->level == level)
        (void)of->elements_elsewhere();
  }
  in.reserve(tensors.size());
  for (const Tensor* tensor : tensors) {
    const Traced* const of = traced(*tensor);
    const bool ours = of != nullptr && of->level == level;
    has_.push_back(ours);
    if (ours && kind == Traced::Kind::batched) size = of->inner.shape()[0];
    in.push_back(ours ? of->inner : *tensor);
    if (kind == Traced::Kind::dual) tangents.push_back(ours ? of->tangent : Tensor());
  }
}

Unwrapped::~Unwrapped() = default;

Shape Unwrapped::shape(std::size_t input) const {
  const Shape& shape = in[input].shape();
  return has(input) ? Shape(shape.sizes().subspan(1)) : shape;
}

std::size_t Unwrapped::most_rank() const {
  std::size_t most = 0;
  for (std::size_t i = 0; i < in.size(); ++i) most = std::max(most, rank(i));
  return most;
}

Array traced_value(std::span<const Tensor* const> tensors, const TracedRules& rules) {
  const Unwrapped at(tensors);
  if (at.kind == Traced::Kind::batched) return batched_value(at.level, rules.batched(at));
  const Tensor out = rules.again(at.in);
  if (!is_floating(out.node()->dtype()) || std::ranges::all_of(at.tangents, &Tensor::is_empty))
    return dual_value(at.level, out, {});
  const KnownTangents known(out);
  return dual_value(at.level, out, rules.tangent(at, out));
}

}  // namespace chainrule
