// What one elementwise pass does: a loop, operands that broadcast, and rows. Shared by passes that are
// computed at once and those that wait; not for others.

#pragma once

#include <algorithm>
#include <array>
#include <optional>

#include "kernels/elementwise.h"
#include "kernels/repeat.h"

namespace chainrule::kernels::detail {

/// Rows that are shorter than this take less time when operands are first repeated to be as long as the
/// result, a part at a time.
inline constexpr std::int64_t short_row = 16;
/// What stands for an operand that is not read.
inline constexpr double nothing = 0;

/// How many passes an operand waits for that may wait for the one which reads it, of so many elements, as
/// does not do so with many others: 0 where it has its elements, which it is given where it may not wait.
std::size_t passes_before(const Array& operand, std::int64_t size, std::size_t others);

template <std::size_t K>
std::array<const Shape*, K> shapes_of(const std::array<const Array*, K>& operands) {
  static const Shape scalar;
  std::array<const Shape*, K> shapes;
  for (std::size_t k = 0; k < K; ++k) shapes[k] = operands[k] == nullptr ? &scalar : &operands[k]->shape();
  return shapes;
}

/// One pass: a loop, what it reads, and in which order. Operands that are parts of others begin at `firsts`,
/// and have distances between their elements along their axes.
template <std::size_t K>
class Pass {
 public:
  Pass(const PackLoop* loop, DType result, const Shape& shape, const std::array<const Array*, K>& operands,
       const std::array<std::int64_t, K>& firsts = {},
       const std::array<const std::int64_t*, K>& distances = {})
      : loop_(loop),
        out_item_(static_cast<std::int64_t>(item_size(result))),
        firsts_(firsts),
        blocks_(shape, shapes_of(operands), distances) {
    const bool narrow = blocks_.row() < short_row && shape.size() > 4 * short_row;
    for (std::size_t k = 0; k < K; ++k) {
      if (operands[k] == nullptr) continue;
      items_[k] = item_size(operands[k]->dtype());
      sizes_[k] = operands[k]->size();
      if (narrow && sizes_[k] != shape.size()) repeated_[k].emplace(shape, std::array{&operands[k]->shape()});
    }
    narrow_ = narrow;
  }
  const PackLoop* loop() const { return loop_; }
  /// Bases of operands that are not read may be null.
  void run(std::int64_t begin, std::int64_t end, const std::byte* const* bases, void* out,
           const std::byte* ahead) const {
    if (narrow_) return run_repeated(begin, end, bases, static_cast<std::byte*>(out));
    blocks_.for_each(begin, end, [&](const Block<K>& block) {
      const std::int64_t at = (block.at - begin) * out_item_;
      std::byte* const to = static_cast<std::byte*>(out) + at;
      Stretch stretch{block.count, block.rows, {}, {}, {}, to, ahead == nullptr ? to : ahead + at};
      for (std::size_t k = 0; k < K; ++k) {
        stretch.strides[k] = block.strides[k];
        stretch.steps[k] = block.steps[k];
        stretch.operands[k] = bases[k] == nullptr ? reinterpret_cast<const std::byte*>(&nothing)
                                                  : bases[k] + (firsts_[k] + block.offsets[k]) *
                                                                   static_cast<std::int64_t>(items_[k]);
      }
      (*loop_)(stretch);
    });
  }

 private:
  void run_repeated(std::int64_t begin, std::int64_t end, const std::byte* const* bases,
                    std::byte* out) const {
    constexpr std::int64_t most = 1024;
    alignas(64) std::byte buffers[K][most * sizeof(double)];
    for (std::int64_t from = begin; from < end; from += most) {
      const std::int64_t to = std::min(from + most, end);
      std::byte* const part = out + (from - begin) * out_item_;
      Stretch stretch{to - from, 1, {}, {}, {}, part, part};
      for (std::size_t k = 0; k < K; ++k) {
        stretch.strides[k] = 1;
        if (sizes_[k] == 0) {  // not read
          stretch.operands[k] = &nothing;
          stretch.strides[k] = 0;
        } else if (!repeated_[k]) {
          stretch.operands[k] = bases[k] + from * static_cast<std::int64_t>(items_[k]);
        } else if (sizes_[k] == 1) {
          stretch.operands[k] = bases[k];
          stretch.strides[k] = 0;
        } else {
          repeat(*repeated_[k], from, to, bases[k], sizes_[k], items_[k], buffers[k]);
          stretch.operands[k] = buffers[k];
        }
      }
      (*loop_)(stretch);
    }
  }

  const PackLoop* loop_;
  std::int64_t out_item_;
  bool narrow_ = false;
  std::array<std::size_t, K> items_{};
  std::array<std::int64_t, K> sizes_{}, firsts_;
  BroadcastBlocks<K> blocks_;
  std::array<std::optional<BroadcastBlocks<1>>, K> repeated_;
};

/// The result of a pass, which waits until somebody reads it.
template <std::size_t K>
Array deferred_pass(const PackLoop* loop, DType result, const Shape& shape,
                    const std::array<const Array*, K>& operands, PassKind kind);
/// The same as elementwise() where operands wait in a form of which less need be computed, or in another
/// order. Nothing where none of them does.
template <std::size_t K>
std::optional<Array> on_deferred(const PackLoop* loop, DType result, const Shape& shape,
                                 const std::array<const Array*, K>& operands, PassKind kind);

}  // namespace chainrule::kernels::detail
