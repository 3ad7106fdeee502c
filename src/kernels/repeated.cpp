// Arrays that repeat a smaller one along axes, and write it out only for those who must see every element. A
// Deferred; readers that broadcast ask for the smaller one.

#include "kernels/repeated.h"

#include <algorithm>

#include "array/axes.h"
#include "kernels/accumulate.h"
#include "kernels/repeat.h"

namespace chainrule::kernels {

namespace {

/// Fewer bytes are written at once: that takes no longer than noting what there is to write.
constexpr std::size_t few_bytes = 512;

void spell_out(const Array& part, const Shape& shape, void* to) {
  if (shape.size() == 0) return;
  const std::size_t item = item_size(part.dtype());
  const BroadcastBlocks<1> blocks(shape, {&part.shape()});
  const void* in = part.raw();
  parallel_for(shape.size(), parallel_grain, [&](std::int64_t begin, std::int64_t end) {
    repeat(blocks, begin, end, in, part.size(), item,
           static_cast<std::byte*>(to) + begin * static_cast<std::int64_t>(item));
  });
}

class Repeated final : public Deferred {
 public:
  Repeated(Array part, Shape shape) : part_(std::move(part)), shape_(std::move(shape)) {
    kept = {{part_.raw(), part_.byte_count()}};
  }
  void compute(void* elements) const override { spell_out(part_, shape_, elements); }
  const Array* repeats(const Shape& shape) const override { return shape == shape_ ? &part_ : nullptr; }
  bool add_to(Array& sum, double scale) const override {
    if (scale != 1 || sum.shape() != shape_) return false;
    accumulate(sum, part_);
    return true;
  }

 private:
  Array part_;
  Shape shape_;
};

}  // namespace

Array repeated(const Array& part, const Shape& shape) {
  if (part.shape() == shape) return part;
  if (bytes_of(shape, part.dtype()) <= few_bytes) {
    Array out(shape, part.dtype());
    if (part.size() != 1)
      spell_out(part, shape, out.mutable_raw());
    else
      dispatch_by_size(part.dtype(), [&]<class T>() {
        std::fill_n(static_cast<T*>(out.mutable_raw()), shape.size(), *static_cast<const T*>(part.raw()));
      });
    return out;
  }
  if (const auto smaller = repeated_part(part)) return repeated(*smaller, shape);
  (void)part.raw();
  Array small = part;
  if (const std::size_t rank = part.shape().rank(); rank != 0 && rank != shape.rank())
    small = part.reshaped(broadcast("broadcast_to", part.shape(), Shape::filled(shape.rank(), 1)));
  return {shape, part.dtype(), std::make_unique<Repeated>(std::move(small), shape)};
}

bool is_product_with(const Array& array, const Array& g) {
  if (!g.is_deferred() || array.dtype() != g.dtype() || array.is_of_others()) return false;
  const std::optional<Array> part = repeated_part(g);
  return part && part->size() == 1 &&
         dispatch_floating(part->dtype(), [&]<class T>() { return *part->data<T>() == T(1); });
}

}  // namespace chainrule::kernels
