// Elementwise passes that wait to be computed, and those over operands that wait: as parts of other arrays,
// repeated, or permuted.

#include <algorithm>
#include <utility>
#include <vector>

#include "kernels/boxes.h"
#include "kernels/elementwise_pass.h"
#include "kernels/permuted.h"
#include "kernels/repeated.h"

namespace chainrule::kernels::detail {
namespace {

/// Passes that may wait for one another.
constexpr std::size_t most_passes = 24;

/// Operands that are read where they lie, as parts of other arrays.
template <std::size_t K>
struct Parts {
  Parts() = default;
  /// None where rows would be too short for that, or their elements apart.
  Parts(const Shape& shape, const std::array<const Array*, K>& operands) {
    bool any = false;
    for (std::size_t k = 0; k < K; ++k) {
      if (operands[k] == nullptr) continue;
      places[k] = place_of(*operands[k]);
      any = any || places[k];
    }
    if (!any) return;
    const BroadcastBlocks<K> blocks(shape, shapes_of(operands), distances());
    bool is_fit = blocks.row() >= short_row;
    for (std::size_t k = 0; k < K; ++k) is_fit = is_fit && blocks.is_dense(k);
    if (!is_fit) *this = Parts();
  }
  std::array<const std::int64_t*, K> distances() const {
    std::array<const std::int64_t*, K> distances;
    for (std::size_t k = 0; k < K; ++k) distances[k] = places[k] ? places[k]->distances.data() : nullptr;
    return distances;
  }
  std::array<std::int64_t, K> firsts() const {
    std::array<std::int64_t, K> firsts;
    for (std::size_t k = 0; k < K; ++k) firsts[k] = places[k] ? places[k]->first : 0;
    return firsts;
  }

  std::array<std::optional<Place>, K> places;
};

template <std::size_t K>
class DeferredPass final : public Elementwise {
 public:
  DeferredPass(const PackLoop* loop, DType result, const Shape& shape,
               const std::array<const Array*, K>& operands, PassKind of_kind)
      : DeferredPass(loop, result, shape, operands, of_kind, Parts<K>(shape, operands)) {}
  void run(std::int64_t begin, std::int64_t end, const std::byte* const* bases, void* out,
           const std::byte* ahead) const override {
    pass_.run(begin, end, bases, out, ahead);
  }
  const PackLoop* pack_loop() const override { return is_in_order ? pass_.loop() : nullptr; }
  std::span<const Array> operands() const override { return operands_; }
  std::int64_t size() const override { return size_; }
  DType dtype() const override { return dtype_; }

 private:
  DeferredPass(const PackLoop* loop, DType result, const Shape& shape,
               const std::array<const Array*, K>& operands, PassKind of_kind, Parts<K> parts)
      : pass_(loop, result, shape, operands, parts.firsts(), parts.distances()),
        size_(shape.size()),
        dtype_(result) {
    kind = of_kind;
    passes = 1;
    for (std::size_t k = 0; k < K; ++k) {
      if (operands[k] == nullptr) continue;
      operands_[k] = parts.places[k] ? std::move(parts.places[k]->whole) : *operands[k];
      const std::int64_t size = operands[k]->size();
      is_in_order = is_in_order && !parts.places[k] && (size == size_ || size == 1);
      passes += passes_before(operands_[k], size_, passes);
    }
  }
  Pass<K> pass_;
  std::array<Array, K> operands_;  // no element where one is not read
  std::int64_t size_;
  DType dtype_;
};

/// The same where operands repeat smaller arrays: only what differs is computed, and repeated in turn.
/// Nothing where none of them does.
template <std::size_t K>
std::optional<Array> on_repeated(const PackLoop* loop, DType result, const Shape& shape,
                                 std::array<const Array*, K> operands, PassKind kind) {
  std::array<std::optional<Array>, K> parts;
  bool any = false;
  Shape common;
  for (std::size_t k = 0; k < K; ++k) {
    if (operands[k] == nullptr) continue;
    parts[k] = repeated_part(*operands[k]);
    if (parts[k]) {
      operands[k] = &*parts[k];
      any = true;
    }
    common = broadcast("elementwise", common, operands[k]->shape());
  }
  if (!any) return {};
  if (common.rank() != 0) common = broadcast("elementwise", common, Shape::filled(shape.rank(), 1));
  return repeated(elementwise<K>(loop, result, common, operands, kind), shape);
}

/// Operands in the order of axes that there was before all that wait have been permuted in the same way.
struct Unpermuted {
  Permutation common;
  std::array<Array, Elementwise::most_operands> operands;
};

/// Nothing where none waits so, or another one would have to be written out for that.
std::optional<Unpermuted> all_unpermuted(const Shape& shape, std::span<const Array* const> operands) {
  std::array<std::optional<Permutation>, Elementwise::most_operands> own;
  const Permutation* common = nullptr;
  for (std::size_t k = 0; k < operands.size(); ++k) {
    if (operands[k] != nullptr && operands[k]->is_deferred()) own[k] = unpermuted(*operands[k]);
    if (!own[k]) continue;
    if (common != nullptr ? own[k]->order != common->order : own[k]->order.size() != shape.rank()) return {};
    common = &*own[k];
  }
  if (common == nullptr) return {};
  Unpermuted found{*common, {}};
  for (std::size_t k = 0; k < operands.size(); ++k) {
    if (operands[k] == nullptr) continue;
    if (own[k]) {
      found.operands[k] = own[k]->x;
      continue;
    }
    const Shape all = broadcast("elementwise", operands[k]->shape(), Shape::filled(shape.rank(), 1));
    const bool moves = std::ranges::count_if(all, [](std::int64_t size) { return size != 1; }) > 1;
    if (moves && all.size() > shape.size() / 8) return {};
    found.operands[k] = common->undone(operands[k]->reshaped(all));
  }
  return found;
}

/// The same where operands wait to be written out in another order of their axes: in the order that there
/// was, and the result is what then waits.
template <std::size_t K>
std::optional<Array> on_unpermuted(const PackLoop* loop, DType result, const Shape& shape,
                                   std::array<const Array*, K> operands, PassKind kind) {
  const std::optional<Unpermuted> before = all_unpermuted(shape, operands);
  if (!before) return {};
  for (std::size_t k = 0; k < K; ++k)
    if (operands[k] != nullptr) operands[k] = &before->operands[k];
  return permuted(elementwise<K>(loop, result, before->common.shape_before(shape), operands, kind),
                  before->common.order);
}

}  // namespace

std::size_t passes_before(const Array& operand, std::int64_t size, std::size_t others) {
  std::size_t passes = 0;
  const bool may_wait = operand.use_deferred([&](const Deferred& deferred) {
    const Elementwise* elementwise = deferred.elementwise();
    if (elementwise == nullptr || operand.size() != size || others + elementwise->passes > most_passes)
      return false;
    passes = elementwise->passes;
    return true;
  });
  if (!may_wait) (void)operand.raw();
  return passes;
}

template <std::size_t K>
Array deferred_pass(const PackLoop* loop, DType result, const Shape& shape,
                    const std::array<const Array*, K>& operands, PassKind kind) {
  return {shape, result, std::make_unique<DeferredPass<K>>(loop, result, shape, operands, kind)};
}

template <std::size_t K>
std::optional<Array> on_deferred(const PackLoop* loop, DType result, const Shape& shape,
                                 const std::array<const Array*, K>& operands, PassKind kind) {
  if (std::optional<Array> found = on_repeated<K>(loop, result, shape, operands, kind)) return found;
  return on_unpermuted<K>(loop, result, shape, operands, kind);
}

template Array deferred_pass(const PackLoop*, DType, const Shape&, const std::array<const Array*, 1>&,
                             PassKind);
template std::optional<Array> on_deferred(const PackLoop*, DType, const Shape&,
                                          const std::array<const Array*, 1>&, PassKind);
template Array deferred_pass(const PackLoop*, DType, const Shape&, const std::array<const Array*, 2>&,
                             PassKind);
template std::optional<Array> on_deferred(const PackLoop*, DType, const Shape&,
                                          const std::array<const Array*, 2>&, PassKind);
template Array deferred_pass(const PackLoop*, DType, const Shape&, const std::array<const Array*, 3>&,
                             PassKind);
template std::optional<Array> on_deferred(const PackLoop*, DType, const Shape&,
                                          const std::array<const Array*, 3>&, PassKind);
template Array deferred_pass(const PackLoop*, DType, const Shape&, const std::array<const Array*, 4>&,
                             PassKind);
template std::optional<Array> on_deferred(const PackLoop*, DType, const Shape&,
                                          const std::array<const Array*, 4>&, PassKind);

}  // namespace chainrule::kernels::detail
