// Elementwise loops apart from what they compute: broadcasting, threads, and passes that wait to be computed.
// The functions are compiled into each operation's file and called for stretches.

#include "kernels/elementwise.h"

#include <algorithm>
#include <optional>

#include "kernels/boxes.h"
#include "kernels/permuted.h"
#include "kernels/repeat.h"
#include "kernels/repeated.h"

namespace chainrule::kernels {

namespace {

/// Rows that are shorter than this take less time when operands are first repeated to be as long as the
/// result, a part at a time.
constexpr std::int64_t short_row = 16;
/// What stands for an operand that is not read.
constexpr double nothing = 0;
/// Passes that may wait for one another.
constexpr std::size_t most_passes = 24;

/// A loop over rows, of packs; or one of pairs, row by row.
struct RowLoop {
  RowLoop(Loop* loop) : packs(loop) {}                 // NOLINT(google-explicit-constructor)
  RowLoop(detail::PairStretch* loop) : pairs(loop) {}  // NOLINT(google-explicit-constructor)

  /// Elements of the result and of the operands have so many bytes.
  void operator()(const Stretch& stretch, std::int64_t out_item, std::span<const std::size_t> items) const {
    if (packs != nullptr) return packs(stretch);
    auto* out = static_cast<std::byte*>(stretch.out);
    const auto* a = static_cast<const std::byte*>(stretch.operands[0]);
    const auto* b = static_cast<const std::byte*>(stretch.operands[1]);
    for (std::int64_t row = 0; row < stretch.rows; ++row) {
      pairs(stretch.count, a, stretch.strides[0], b, stretch.strides[1], out);
      a += stretch.steps[0] * static_cast<std::int64_t>(items[0]);
      b += stretch.steps[1] * static_cast<std::int64_t>(items[1]);
      out += stretch.count * out_item;
    }
  }

  Loop* packs = nullptr;
  detail::PairStretch* pairs = nullptr;
};

template <std::size_t K>
std::array<const Shape*, K> shapes_of(const std::array<const Array*, K>& operands) {
  static const Shape scalar;
  std::array<const Shape*, K> shapes;
  for (std::size_t k = 0; k < K; ++k) shapes[k] = operands[k] == nullptr ? &scalar : &operands[k]->shape();
  return shapes;
}

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
    const BroadcastBlocks<K> blocks(shape, shapes_of(operands), pointers());
    bool is_fit = blocks.row() >= short_row;
    for (std::size_t k = 0; k < K; ++k) is_fit = is_fit && blocks.is_dense(k);
    if (!is_fit) *this = Parts();
  }
  std::array<const std::int64_t*, K> pointers() const {
    std::array<const std::int64_t*, K> pointers;
    for (std::size_t k = 0; k < K; ++k) pointers[k] = places[k] ? places[k]->distances.data() : nullptr;
    return pointers;
  }
  std::array<std::int64_t, K> firsts() const {
    std::array<std::int64_t, K> firsts;
    for (std::size_t k = 0; k < K; ++k) firsts[k] = places[k] ? places[k]->first : 0;
    return firsts;
  }

  std::array<std::optional<Place>, K> places;
};

/// One pass: a loop, what it reads, and in which order.
template <std::size_t K>
class Pass {
 public:
  Pass(RowLoop loop, DType result, const Shape& shape, const std::array<const Array*, K>& operands,
       const Parts<K>& parts = {})
      : loop_(loop),
        out_item_(static_cast<std::int64_t>(item_size(result))),
        firsts_(parts.firsts()),
        blocks_(shape, shapes_of(operands), parts.pointers()) {
    const bool narrow = blocks_.row() < short_row && shape.size() > 4 * short_row;
    for (std::size_t k = 0; k < K; ++k) {
      if (operands[k] == nullptr) continue;
      items_[k] = item_size(operands[k]->dtype());
      sizes_[k] = operands[k]->size();
      if (narrow && sizes_[k] != shape.size()) repeated_[k].emplace(shape, std::array{&operands[k]->shape()});
    }
    narrow_ = narrow;
  }
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
      loop_(stretch, out_item_, items_);
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
      loop_(stretch, out_item_, items_);
    }
  }

  RowLoop loop_;
  std::int64_t out_item_;
  bool narrow_ = false;
  std::array<std::size_t, K> items_{};
  std::array<std::int64_t, K> sizes_{}, firsts_;
  BroadcastBlocks<K> blocks_;
  std::array<std::optional<BroadcastBlocks<1>>, K> repeated_;
};

template <std::size_t K>
class DeferredPass final : public Elementwise {
 public:
  DeferredPass(RowLoop loop, DType result, const Shape& shape, const std::array<const Array*, K>& operands,
               PassKind of_kind)
      : DeferredPass(loop, result, shape, operands, of_kind, Parts<K>(shape, operands)) {}
  void run(std::int64_t begin, std::int64_t end, const std::byte* const* bases, void* out,
           const std::byte* ahead) const override {
    pass_.run(begin, end, bases, out, ahead);
  }
  std::span<const Array> operands() const override { return operands_; }
  std::int64_t size() const override { return size_; }
  DType dtype() const override { return dtype_; }

 private:
  DeferredPass(RowLoop loop, DType result, const Shape& shape, const std::array<const Array*, K>& operands,
               PassKind of_kind, Parts<K> parts)
      : pass_(loop, result, shape, operands, parts), size_(shape.size()), dtype_(result) {
    kind = of_kind;
    passes = 1;
    for (std::size_t k = 0; k < K; ++k) {
      if (operands[k] == nullptr) continue;
      operands_[k] = parts.places[k] ? std::move(parts.places[k]->whole) : *operands[k];
      const std::int64_t size = operands[k]->size();
      is_in_order = is_in_order && !parts.places[k] && (size == size_ || size == 1);
      passes += waits_for(operands_[k]);
    }
  }
  std::size_t waits_for(const Array& operand) const {
    std::size_t others = 0;
    const bool may_wait = operand.use_deferred([&](const Deferred& deferred) {
      const Elementwise* elementwise = deferred.elementwise();
      if (elementwise == nullptr || operand.size() != size_ || passes + elementwise->passes > most_passes)
        return false;
      others = elementwise->passes;
      return true;
    });
    if (!may_wait) (void)operand.raw();
    return others;
  }
  Pass<K> pass_;
  std::array<Array, K> operands_;  // no element where one is not read
  std::int64_t size_;
  DType dtype_;
};

/// The same where operands repeat smaller arrays: only what differs is computed, and repeated in turn.
/// Nothing where none of them does.
template <std::size_t K>
std::optional<Array> on_parts(Loop* loop, DType result, const Shape& shape,
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
  return repeated(detail::elementwise<K>(loop, result, common, operands, kind), shape);
}

/// The same where operands wait to be written out in another order of their axes: in the order that there
/// was, and the result is what then waits. Nothing where none does, or where another one would have to be
/// written out so for that.
template <std::size_t K>
std::optional<Array> on_unpermuted(Loop* loop, DType result, const Shape& shape,
                                   std::array<const Array*, K> operands, PassKind kind) {
  std::array<std::optional<Array>, K> others;
  std::optional<Permutation> common;
  for (std::size_t k = 0; k < K; ++k) {
    if (operands[k] == nullptr || !operands[k]->is_deferred()) continue;
    std::optional<Permutation> own = unpermuted(*operands[k]);
    if (!own) continue;
    if (common ? own->order != common->order : own->order.size() != shape.rank()) return {};
    others[k] = own->x;
    common = std::move(own);
  }
  if (!common) return {};
  for (std::size_t k = 0; k < K; ++k) {
    if (operands[k] == nullptr) continue;
    if (!others[k]) {
      const Shape all = broadcast("elementwise", operands[k]->shape(), Shape::filled(shape.rank(), 1));
      const bool moves = std::ranges::count_if(all, [](std::int64_t size) { return size != 1; }) > 1;
      if (moves && all.size() > shape.size() / 8) return {};
      others[k] = common->undone(operands[k]->reshaped(all));
    }
    operands[k] = &*others[k];
  }
  return permuted(detail::elementwise<K>(loop, result, common->shape_before(shape), operands, kind),
                  common->order);
}

}  // namespace

template <std::size_t K>
Array detail::elementwise(Loop* loop, DType result, const Shape& shape,
                          const std::array<const Array*, K>& operands, PassKind kind) {
  if (std::ranges::any_of(operands,
                          [](const Array* each) { return each != nullptr && each->is_deferred(); })) {
    if (std::optional<Array> found = on_parts<K>(loop, result, shape, operands, kind))
      return *std::move(found);
    if (std::optional<Array> found = on_unpermuted<K>(loop, result, shape, operands, kind))
      return *std::move(found);
  }
  if (shape.size() >= large)
    return Array(shape, result, std::make_unique<DeferredPass<K>>(loop, result, shape, operands, kind));
  Array out(shape, result);
  const std::int64_t size = out.size();
  if (size == 0) return out;
  // Most often one stretch is all: small arrays should not wait for what others need.
  Stretch stretch;
  stretch.count = size;
  stretch.rows = 1;
  std::array<const std::byte*, K> bases;
  bool is_one_stretch = true;
  for (std::size_t k = 0; k < K; ++k) {
    const bool is_read = operands[k] != nullptr;
    bases[k] = is_read ? static_cast<const std::byte*>(operands[k]->raw()) : nullptr;
    stretch.operands[k] = is_read ? static_cast<const void*>(bases[k]) : &nothing;
    stretch.strides[k] = is_read && operands[k]->shape() == shape ? 1 : 0;
    stretch.steps[k] = 0;
    if (is_read && stretch.strides[k] == 0 && operands[k]->size() != 1) is_one_stretch = false;
  }
  stretch.out = out.mutable_raw();
  stretch.ahead = stretch.out;
  if (is_one_stretch)
    loop(stretch);
  else
    Pass<K>(loop, result, shape, operands).run(0, size, bases.data(), stretch.out, nullptr);
  return out;
}
template Array detail::elementwise(Loop*, DType, const Shape&, const std::array<const Array*, 1>&, PassKind);
template Array detail::elementwise(Loop*, DType, const Shape&, const std::array<const Array*, 2>&, PassKind);
template Array detail::elementwise(Loop*, DType, const Shape&, const std::array<const Array*, 3>&, PassKind);
template Array detail::elementwise(Loop*, DType, const Shape&, const std::array<const Array*, 4>&, PassKind);

Array detail::zip(PairStretch* stretch, const Array& a, const Array& b, const Shape& shape, DType result) {
  if (shape.size() >= large && a.dtype() == DType::int64)  // truth values are few bytes to write
    return Array(shape, result,
                 std::make_unique<DeferredPass<2>>(stretch, result, shape, std::array{&a, &b}, PassKind()));
  Array out(shape, result);
  const std::array bases = {static_cast<const std::byte*>(a.raw()), static_cast<const std::byte*>(b.raw())};
  Pass<2>(stretch, result, shape, {&a, &b}).run(0, out.size(), bases.data(), out.mutable_raw(), nullptr);
  return out;
}

namespace {

struct Select {
  auto operator()(auto condition, auto a, auto b) const { return where(condition, a, b); }
};

}  // namespace

Array select(const Array& condition, const Array& a, const Array& b, const Shape& shape) {
  if (a.dtype() == DType::int64)  // as bits, which are only moved
    return detail::elementwise<3>(detail::loop<Select, double, double, bool, double, double>, a.dtype(),
                                  shape, {&condition, &a, &b}, {.is_cheap = true});
  Array out(shape, a.dtype());
  const bool *pc = condition.data<bool>(), *pa = a.data<bool>(), *pb = b.data<bool>();
  bool* po = out.mutable_data<bool>();
  for_each_row<3>(shape, {&condition.shape(), &a.shape(), &b.shape()},
                  [&](auto at, auto& offsets, auto& strides, auto n) {
                    const bool *c = pc + offsets[0], *x = pa + offsets[1], *y = pb + offsets[2];
                    const auto [sc, sx, sy] = strides;
                    for (std::int64_t i = 0; i < n; ++i) po[at + i] = c[i * sc] ? x[i * sx] : y[i * sy];
                  });
  return out;
}

}  // namespace chainrule::kernels
