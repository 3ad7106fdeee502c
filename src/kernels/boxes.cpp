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

/// Elements that follow one another.
Place place_of_all(const Array& array, const Shape& shape) { return {array, 0, row_major_strides(shape)}; }

/// The place of a box of what lies there.
Place place_of_box(Place place, const Box& box) {
  for (std::size_t axis = 0; axis < place.distances.size(); ++axis) {
    place.first += box.starts[axis] * place.distances[axis];
    place.distances[axis] *= box.steps[axis];
  }
  return place;
}

/// The distances of a layout along the axes of another shape. Nothing where that differs by more than axes of
/// size 1.
std::optional<std::vector<std::int64_t>> distances_along(const Shape& shape, const Layout& layout) {
  std::vector<std::int64_t> distances;
  std::size_t axis = 0;
  for (const std::int64_t size : shape) {
    if (size == 1) {
      distances.push_back(0);
      continue;
    }
    while (axis < layout.shape.rank() && layout.shape[axis] == 1) ++axis;
    if (axis == layout.shape.rank() || layout.shape[axis] != size) return {};
    distances.push_back(layout.strides[axis++]);
  }
  return distances;
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
    const auto item = static_cast<std::int64_t>(item_size(x_.dtype()));
    const std::byte* const from = bases[0] + layout_.first * item;
    std::byte* const to = static_cast<std::byte*>(out) - begin * item;
    blocks_.for_each(begin, end, [&](const Block<1>& block) {
      move_rows(x_.dtype(), from + block.offsets[0] * item, to + block.at * item,
                {block.count, block.strides[0], 1}, {block.rows, block.steps[0], block.count});
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

/// In bytes.
std::int64_t offset_of(std::int64_t element, DType dtype) {
  return element * static_cast<std::int64_t>(item_size(dtype));
}
const std::byte* first_of(const Place& place) {
  return static_cast<const std::byte*>(place.whole.raw()) + offset_of(place.first, place.whole.dtype());
}

void scatter_into(void* elements, const Array& part, const Box& box, const Shape& shape) {
  if (part.size() == 0) return;
  const Place from = place_of(part).value_or(place_of_all(part, box.shape)),
              to = place_of_box(place_of_all({}, shape), box);
  move_elements(part.dtype(), first_of(from),
                static_cast<std::byte*>(elements) + offset_of(to.first, part.dtype()),
                moved_axes(box.shape, from.distances, to.distances));
}

}  // namespace

std::optional<Place> place_of(const Array& array) {
  std::optional<Place> place;
  array.use_deferred([&](const Deferred& deferred) {
    const Elementwise* const pass = deferred.elementwise();
    const Layout* const layout = pass == nullptr ? nullptr : pass->layout();
    if (layout == nullptr) return false;
    if (auto distances = distances_along(array.shape(), *layout))
      place = {pass->operands()[0], layout->first, *std::move(distances)};
    return false;
  });
  return place;
}

Array gather(const Array& x, const Box& box) {
  // A part of a part is one of the whole.
  const Place place = place_of_box(place_of(x).value_or(place_of_all(x, x.shape())), box);
  const std::int64_t size = box.shape.size();
  const bool keeps_little = place.whole.size() / most_kept <= size;
  if (keeps_little && !place.whole.is_of_others()) {
    if (size >= few && is_run(box.shape, place.distances))
      return Array::part_of(place.whole, place.first, box.shape);
    if (size >= large)
      return {box.shape, x.dtype(),
              std::make_unique<DeferredPart>(place.whole, Layout{box.shape, place.first, place.distances})};
  }
  Array out(box.shape, x.dtype());
  if (size == 0) return out;
  move_elements(x.dtype(), first_of(place), out.mutable_raw(),
                moved_axes(box.shape, place.distances, row_major_strides(box.shape)));
  return out;
}

void scatter(const Array& part, const Box& box, Array& into) {
  scatter_into(into.mutable_raw(), part, box, into.shape());
}

void add(const Array& part, const Box& box, Array& into) {
  if (part.size() == 0) return;
  const Place to = place_of_box(place_of_all({}, into.shape()), box);
  add_elements(part.dtype(), part.raw(),
               static_cast<std::byte*>(into.mutable_raw()) + offset_of(to.first, part.dtype()),
               moved_axes(box.shape, row_major_strides(box.shape), to.distances));
}

Array deferred_box(const Array& part, const Box& box, const Shape& shape) {
  class DeferredBox final : public Deferred {
   public:
    DeferredBox(Array part, Box box, Shape shape)
        : part_(std::move(part)), box_(std::move(box)), shape_(std::move(shape)) {
      kept = {{part_.raw(), part_.byte_count()}};
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
