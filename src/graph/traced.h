// Values under transforms of functions, vmap and jvp. An array may hold, in place of elements, what they
// stand for: a tensor with one more axis, or a tensor with its tangent. Each running transform has a level
// of its own, and an operation on such values is carried out on what stands for them at the highest level,
// in public operations (graph/apply.h); what these do with lower levels, and what they record, follows. So
// transforms nest, with each other and with gradients, in any order.

#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "chainrule/detail/function_ref.h"
#include "chainrule/random.h"
#include "graph/cotangent.h"

namespace chainrule {

/// The number of a running transform: one that starts later has a higher one.
using Level = std::uint64_t;

class Traced final : public Deferred {
 public:
  enum class Kind : std::uint8_t { batched, dual };

  Traced(Kind what, Level at, Tensor stands_for, Tensor with)
      : kind(what), level(at), inner(std::move(stands_for)), tangent(std::move(with)) {}
  void compute(void*) const override {}
  /// Those of a primal. GradError for batched ones, and where the transform has ended.
  const void* elements_elsewhere() const override;

  const Kind kind;
  const Level level;
  const Tensor inner;    ///< with the batch axis first; or the primal
  const Tensor tangent;  ///< of the primal, empty for zeros
};

inline const Traced* traced(const Array& value) { return static_cast<const Traced*>(value.traced()); }
/// The same of a tensor, null also for an empty handle.
inline const Traced* traced(const Tensor& tensor) {
  return tensor.node() != nullptr ? traced(tensor.node()->value()) : nullptr;
}
/// A value of which there is one for each sample. `physical` has the batch axis first.
Array batched_value(Level level, const Tensor& physical);
Array dual_value(Level level, const Tensor& primal, const Tensor& tangent);

/// Does the tensor need a gradient, or does what it stands for?
bool needs_gradient_inside(const Tensor& tensor);
/// The same value without a history, also of what it stands for, and without tangents.
Array cut_off(const Array& value);

/// A transform that runs in this thread while this exists.
class RunningTransform {
 public:
  /// `called` must outlive it.
  explicit RunningTransform(std::string_view called);
  /// Of so many samples.
  RunningTransform(std::string_view called, std::int64_t samples, Randomness randomness);
  ~RunningTransform();
  RunningTransform(const RunningTransform&) = delete;
  RunningTransform& operator=(const RunningTransform&) = delete;
  Level level() const { return level_; }
  std::string_view called() const { return called_; }
  /// The newest of this thread, or null.
  static const RunningTransform* newest();
  const RunningTransform* before() const { return before_; }
  /// Of a vmap; otherwise -1.
  std::int64_t samples() const { return samples_; }
  Randomness randomness() const { return randomness_; }

 private:
  std::int64_t samples_ = -1;
  Randomness randomness_ = Randomness::same;
  Level level_;
  std::string_view called_;
  const RunningTransform* before_;
};

/// The shape of so many samples of this one.
inline Shape with_first(std::int64_t size, const Shape& shape) {
  std::vector<std::int64_t> sizes(shape.begin(), shape.end());
  sizes.insert(sizes.begin(), size);
  return Shape(sizes);
}

/// The inputs of an operation, seen from the highest level among them.
class Unwrapped {
 public:
  explicit Unwrapped(std::span<const Tensor* const> tensors);
  ~Unwrapped();
  Unwrapped(const Unwrapped&) = delete;
  Unwrapped& operator=(const Unwrapped&) = delete;

  Level level = 0;
  Traced::Kind kind = Traced::Kind::batched;
  /// What stands for them: physical tensors or primals; those of other levels are as they were.
  std::vector<Tensor> in;
  /// Of primals; empty where zero.
  std::vector<Tensor> tangents;
  /// The same with zeros in place of the empty ones.
  std::vector<Tensor> all_tangents() const;
  /// Of the batch.
  std::int64_t size = 0;

  /// Is the input of that level?
  bool has(std::size_t input) const { return has_[input]; }
  /// Of the logical value.
  std::size_t rank(std::size_t input) const {
    return in[input].node()->shape().rank() - (has(input) ? 1 : 0);
  }
  Shape shape(std::size_t input) const;
  std::size_t most_rank() const;
  /// With the batch axis first, repeated along it if need be.
  Tensor batched(std::size_t input) const;
  /// With axes of size 1 after the batch axis, so that the logical rank is this; without a batch as it is.
  Tensor aligned(std::size_t input, std::size_t rank) const;
  std::vector<Tensor> all_aligned() const;
  /// What f gives for one sample after the other, stacked. `operation` is noted for looped_operations().
  Tensor one_by_one(std::string_view operation,
                    FunctionRef<Tensor(const std::vector<Tensor>& sample)> f) const;

 private:
  std::vector<bool> has_;
};

/// The rules of an operation with its parameters.
struct TracedRules {
  FunctionRef<Tensor(const Unwrapped& at)> batched;                     ///< the physical result
  FunctionRef<Tensor(std::span<const Tensor> in)> again;                ///< the operation on other inputs
  FunctionRef<Tensor(const Unwrapped& at, const Tensor& out)> tangent;  ///< of that result
};
/// The value of an operation on tensors some of which stand for others.
Array traced_value(std::span<const Tensor* const> tensors, const TracedRules& rules);

/// Random numbers of this shape, which draw(shape) takes from the generator: those of each sample where vmaps
/// around say so, and the same in each chunk where they say that. GradError where they refuse them.
Tensor drawn_for_samples(std::string_view operation, const Shape& shape, Generator& generator,
                         FunctionRef<Tensor(const Shape&)> draw);

bool any_traced(std::span<const Array* const> values);

/// Has each operation's name inserted that goes through the samples of a vmap in a loop, while it exists in
/// this thread. For tests.
class LoopedOperations {
 public:
  LoopedOperations();
  ~LoopedOperations();
  LoopedOperations(const LoopedOperations&) = delete;
  LoopedOperations& operator=(const LoopedOperations&) = delete;
  std::vector<std::string> names;

 private:
  LoopedOperations* before_;
};

/// J·t of results `out`, whose rule sends cotangents back to `in`: the derivative of what send(v) gives,
/// which is linear in v, with respect to v. v is empty for what is not floating; empty tangents are zeros,
/// those that are given and those that come out.
std::vector<Tensor> pushed_through(std::string_view called, std::span<const Tensor> out,
                                   std::span<const Tensor> in, std::span<const Tensor> tangents,
                                   FunctionRef<std::vector<Tensor>(std::span<const Tensor> v)> send);
/// The same of one operation.
Tensor pushed_through(const Tensor& out, std::span<const Tensor> in, std::span<const Tensor> tangents,
                      FunctionRef<void(const Tensor& v, Cotangents& to)> send);

/// May a derivative of these tensors be computed in numbers, without a graph?
bool may_be_in_numbers(std::initializer_list<const Tensor*> tensors);
/// The same of the inputs and the result of an operation, and a tangent.
bool may_be_in_numbers(std::span<const Tensor> in, const Tensor& out, const Tensor& tangent);

}  // namespace chainrule
