// Two passes of arithmetic in one: what the first gives goes into the second without a way through memory.

#pragma once

#include "kernels/evaluation.h"

namespace chainrule::kernels {

/// What such a loop goes over: at least as many elements as the widest pack has. An operand that is one
/// number fills a pack, and does not move.
struct TwoStepStretch {
  std::int64_t count;
  std::array<const void*, 3> operands;
  std::array<std::int64_t, 3> moves;  // all bits set where the operand moves along
  void* out;
  const void* ahead;  // as in Stretch
};

/// The loop of second(first(a, b), c), or of second(c, first(a, b)) where `is_right`. It gives the bits that
/// the two give one after the other. Null where there is none.
TwoStepLoop* two_step_loop(DType dtype, Arithmetic first, Arithmetic second, bool is_right);

/// What such a loop reads of elements `from` to before `to`, which may be few.
class TwoStepOperands {
 public:
  /// Each element has so many bytes.
  TwoStepOperands(std::int64_t item, std::int64_t from, std::int64_t to)
      : item_(item), from_(from), count_(to - from) {}
  /// Base is where element 0 would be, or the number if it does not move.
  void add(const std::byte* base, bool moves);
  void run(TwoStepLoop* loop, std::byte* out, const std::byte* ahead);

 private:
  static constexpr std::int64_t pack_bytes = 64;  // of the widest
  bool is_short() const { return count_ * item_ < pack_bytes; }

  std::int64_t item_, from_, count_;
  std::size_t added_ = 0;
  alignas(pack_bytes) std::byte packs_[3][pack_bytes] = {};  // of numbers, and of elements that are few
  TwoStepStretch stretch_{};
};

}  // namespace chainrule::kernels
