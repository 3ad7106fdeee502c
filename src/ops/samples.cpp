// The samples of a batch under vmap: their axes lined up, one after the other, and random numbers for them.
// Relies on graph/traced.h for the levels and on graph/chunks.h for generators.

#include "ops/samples.h"

#include <algorithm>

#include "chainrule/ops.h"
#include "chainrule/shaping.h"

namespace chainrule {

static constinit thread_local LoopedOperations* looped_operations = nullptr;

LoopedOperations::LoopedOperations() : before_(std::exchange(looped_operations, this)) {}
LoopedOperations::~LoopedOperations() { looped_operations = before_; }

Tensor Unwrapped::batched(std::size_t input) const {
  if (has(input)) return in[input];
  return broadcast_to(in[input], with_first(size, in[input].shape()));
}

Tensor Unwrapped::aligned(std::size_t input, std::size_t wanted) const {
  if (!has(input) || rank(input) == wanted) return in[input];
  const Shape& shape = in[input].shape();
  std::vector<std::int64_t> sizes(shape.begin(), shape.end());
  sizes.insert(sizes.begin() + 1, wanted - rank(input), 1);
  return reshape(in[input], Shape(sizes));
}

std::vector<Tensor> Unwrapped::all_aligned() const {
  const std::size_t most = most_rank();
  std::vector<Tensor> all;
  for (std::size_t i = 0; i < in.size(); ++i) all.push_back(aligned(i, most));
  return all;
}

std::vector<Tensor> Unwrapped::all_tangents() const {
  std::vector<Tensor> all = tangents;
  for (std::size_t i = 0; i < all.size(); ++i)
    if (all[i].is_empty()) all[i] = zeros_like(in[i]);
  return all;
}

Tensor Unwrapped::one_by_one(std::string_view operation,
                             FunctionRef<Tensor(const std::vector<Tensor>&)> f) const {
  if (looped_operations != nullptr) looped_operations->names.emplace_back(operation);
  std::vector<Tensor> results, sample = in;
  // Of an empty batch one sample of zeros tells the shape and the dtype.
  for (std::int64_t i = 0; i < std::max<std::int64_t>(size, 1); ++i) {
    for (std::size_t k = 0; k < in.size(); ++k)
      if (has(k)) sample[k] = size == 0 ? zeros(shape(k), in[k].dtype()) : in[k][i];
    results.push_back(f(sample));
  }
  const Tensor all = stack(results, 0);
  return size == 0 ? all[{Slice{0, 0}}] : all;
}

namespace {

bool are_the_same_at(Level level) {
  for (const auto* run = RunningTransform::newest(); run != nullptr; run = run->before())
    if (run->level() == level) return run->randomness() == Randomness::same;
  return false;
}

Tensor drawn_at_each_level(const Tensor& parameters, Generator& generator,
                           FunctionRef<Tensor(const Tensor&)> draw) {
  const Traced* const of = traced(parameters);
  if (of == nullptr) return draw(parameters);
  if (of->kind == Traced::Kind::dual) return drawn_at_each_level(of->inner, generator, draw);
  const std::int64_t size = of->inner.shape()[0];
  if (size == 0 || !are_the_same_at(of->level))
    return constant(batched_value(of->level, drawn_at_each_level(of->inner, generator, draw)));
  const Generator start = generator;
  std::vector<Tensor> samples;
  for (std::int64_t i = 0; i < size; ++i) {
    generator = start;
    samples.push_back(drawn_at_each_level(of->inner[i], generator, draw));
  }
  return constant(batched_value(of->level, stack(samples)));
}

}  // namespace

Tensor drawn_from_samples(std::string_view operation, const Tensor& parameters, Generator& generator,
                          FunctionRef<Tensor(const Tensor&)> draw) {
  const NoGrad numbers_only;
  if (recording_mode.transforms == 0) [[likely]]
    return draw(parameters);
  // Also where vmaps ask for numbers of their own that the parameters know nothing of.
  const Tensor one_for_each =
      drawn_for_samples(operation, parameters.shape(), generator,
                        [&](const Shape& all) { return zeros(all, parameters.dtype()); });
  return drawn_at_each_level(parameters + one_for_each, generator, draw);
}

Tensor elements_of_all_samples(const Tensor& tensor) {
  const Traced* const of = traced(tensor);
  if (of != nullptr) return elements_of_all_samples(of->inner);
  return tensor.requires_grad() ? tensor.detach() : tensor;
}

}  // namespace chainrule
