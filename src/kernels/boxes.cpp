// Boxes of arrays: taken out, put in and added. Those that are large are not taken out before somebody reads
// them, and who goes over them in order reads them where they lie.

#include "kernels/boxes.h"

#include <cstring>
#include <memory>

#include "array/axes.h"
#include "kernels/broadcast.h"
#include "kernels/evaluation.h"
#include "kernels/moved_axes.h"

namespace chainrule::kernels {
namespace {

/// Elements along two axes, added to what is there.
template <class T>
struct AddElementsLoop {
  template <int Bytes>
  static void run(const T* from, T* to, MovedAxis row, MovedAxis rows) {
    using P = simd::Pack<T, Bytes / static_cast<int>(sizeof(T))>;
    for (std::int64_t r = 0; r < rows.size; ++r, from += rows.from, to += rows.to) {
      std::int64_t i = 0;
      if (row.from == 1 && row.to == 1)
        for (; i + P::lanes <= row.size; i += P::lanes) (P::load(to + i) + P::load(from + i)).store(to + i);
      for (; i < row.size; ++i) to[i * row.to] += from[i * row.from];
    }
  }
};

/// The offset of a box's first element, and its strides.
std::pair<std::int64_t, std::vector<std::int64_t>> strided(const Box& box, const Shape& whole) {
  auto strides = row_major_strides(whole);
  std::int64_t first = 0;
  for (std::size_t axis = 0; axis < strides.size(); ++axis) {
    first += box.starts[axis] * strides[axis];
    strides[axis] *= box.steps[axis];
  }
  return {first, std::move(strides)};
}

/// Do elements with these strides follow one another?
bool is_run(const Shape& shape, std::span<const std::int64_t> strides) {
  const auto axes = moved_axes(shape, strides, row_major_strides(shape));
  return axes.empty() || (axes.size() == 1 && axes[0].from == 1);
}

/// A part that waits holds the whole, which should not be many times as large.
constexpr std::int64_t most_kept = 8;
/// Fewer elements that follow one another are copied sooner than another buffer is made for them.
constexpr std::int64_t few = 1024;

/// A part of an array that is read where it lies by those who go over it block by block.
class DeferredPart final : public Elementwise {
 public:
  DeferredPart(Array x, Layout layout)
      : x_(std::move(x)),
        layout_(std::move(layout)),
        size_(layout_.shape.size()),
        blocks_(layout_.shape, {&layout_.shape}, {layout_.strides.data()}) {
    (void)x_.raw();  // which may wait for values of the graph
    kind.is_cheap = true;
    is_in_order = false;
  }
  void run(std::int64_t begin, std::int64_t end, const std::byte* const* bases, void* out,
           const std::byte*) const override {
    dispatch_by_size(x_.dtype(), [&]<class T>() {
      const T* const from = reinterpret_cast<const T*>(bases[0]) + layout_.first;
      T* const to = static_cast<T*>(out) - begin;
      blocks_.for_each(begin, end, [&](const Block<1>& block) {
        move_rows(from + block.offsets[0], to + block.at, {block.count, block.strides[0], 1},
                  {block.rows, block.steps[0], block.count});
      });
    });
  }
  std::span<const Array> operands() const override { return {&x_, 1}; }
  std::int64_t size() const override { return size_; }
  DType dtype() const override { return x_.dtype(); }
  const Layout* layout() const override { return &layout_; }

 private:
  Array x_;
  Layout layout_;
  std::int64_t size_;
  BroadcastBlocks<1> blocks_;
};

void scatter_into(void* elements, const Array& part, const Box& box, const Shape& shape) {
  if (part.size() == 0) return;
  const auto [first, strides] = strided(box, shape);
  const std::int64_t at = first * static_cast<std::int64_t>(item_size(part.dtype()));
  move_elements(part.dtype(), part.raw(), static_cast<std::byte*>(elements) + at,
                moved_axes(box.shape, row_major_strides(box.shape), strides));
}

}  // namespace

Array gather(const Array& x, const Box& box) {
  const auto [first, strides] = strided(box, x.shape());
  const std::int64_t size = box.shape.size();
  if (const bool keeps_little = x.size() / most_kept <= size; keeps_little && !x.is_of_others()) {
    if (size >= few && is_run(box.shape, strides)) return Array::part_of(x, first, box.shape);
    if (size >= large)
      return {box.shape, x.dtype(), std::make_unique<DeferredPart>(x, Layout{box.shape, first, strides})};
  }
  Array out(box.shape, x.dtype());
  if (size == 0) return out;
  const std::int64_t at = first * static_cast<std::int64_t>(item_size(x.dtype()));
  move_elements(x.dtype(), static_cast<const std::byte*>(x.raw()) + at, out.mutable_raw(),
                moved_axes(box.shape, strides, row_major_strides(box.shape)));
  return out;
}

void scatter(const Array& part, const Box& box, Array& into) {
  scatter_into(into.mutable_raw(), part, box, into.shape());
}

void add(const Array& part, const Box& box, Array& into) {
  if (part.size() == 0) return;
  const auto [first, strides] = strided(box, into.shape());
  const std::vector<MovedAxis> axes = moved_axes(box.shape, row_major_strides(box.shape), strides);
  dispatch_floating(part.dtype(), [&, first = first]<class T>() {
    const T* const in = part.data<T>();
    T* const out = into.mutable_data<T>() + first;
    for_rows(axes, [&](std::int64_t from, std::int64_t to, MovedAxis row, MovedAxis rows) {
      simd::vectorized<AddElementsLoop<T>>(in + from, out + to, row, rows);
    });
  });
}

Array deferred_box(const Array& part, const Box& box, const Shape& shape) {
  class DeferredBox final : public Deferred {
   public:
    DeferredBox(Array part, Box box, Shape shape)
        : part_(std::move(part)), box_(std::move(box)), shape_(std::move(shape)) {
      kept_bytes = part_.byte_count();
    }
    void compute(void* elements) const override {
      std::memset(elements, 0, bytes_of(shape_, part_.dtype()));
      scatter_into(elements, part_, box_, shape_);
    }
    bool add_to(Array& sum, double scale) const override {
      if (scale != 1 || sum.shape() != shape_) return false;
      add(part_, box_, sum);
      return true;
    }

   private:
    Array part_;
    Box box_;
    Shape shape_;
  };
  (void)part.raw();  // which may wait for values of the graph
  return {shape, part.dtype(), std::make_unique<DeferredBox>(part, box, shape)};
}

}  // namespace chainrule::kernels
