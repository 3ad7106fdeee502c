// Shapes: their rank is checked when they are made, and the number of elements, which must fit, when it is
// asked for.

#include "chainrule/shape.h"

#include <algorithm>
#include <atomic>
#include <ostream>

#include "array/axes.h"
#include "chainrule/dtype.h"
#include "chainrule/error.h"

namespace chainrule {

Shape::Shape(std::span<const std::int64_t> sizes) : rank_(checked_rank(sizes.size())) {
  if (rank_ > in_place) axes_.heap = new std::int64_t[rank_];
  std::copy(sizes.begin(), sizes.end(), data());
}

void Shape::copy_heap(const Shape& other) {
  axes_.heap = new std::int64_t[rank_];
  std::copy(other.begin(), other.end(), axes_.heap);
}

Shape Shape::filled(std::size_t rank, std::int64_t size) {
  Shape shape;
  const std::uint32_t checked = checked_rank(rank);
  if (rank > in_place) shape.axes_.heap = new std::int64_t[rank];
  shape.rank_ = checked;
  std::fill_n(shape.data(), rank, size);
  return shape;
}

std::uint32_t Shape::checked_rank(std::size_t rank) {
  if (rank > max_rank)
    throw ShapeError("shape: " + std::to_string(rank) + " axes; a tensor has at most " +
                     std::to_string(max_rank));
  return static_cast<std::uint32_t>(rank);
}

const std::int64_t& Shape::at(std::int64_t axis) const {
  const auto rank = static_cast<std::int64_t>(rank_), place = axis < 0 ? axis + rank : axis;
  if (place < 0 || place >= rank) [[unlikely]]
    (void)normalize_axis("shape", axis, *this);  // throws
  return data()[place];
}

void Shape::report_impossible() const {
  const bool negative = std::any_of(begin(), end(), [](std::int64_t size) { return size < 0; });
  throw ShapeError("shape " + to_string(*this) + ": " +
                   (negative ? "a size is negative; sizes count elements, from 0 on"
                             : "too many elements; their number must be below 2⁶³"));
}

std::string to_string(const Shape& shape) {
  std::string text = "(";
  for (std::size_t axis = 0; axis < shape.rank(); ++axis)
    text += (axis == 0 ? "" : ", ") + std::to_string(shape[axis]);
  return text + (shape.rank() == 1 ? ",)" : ")");
}

std::ostream& operator<<(std::ostream& out, const Shape& shape) { return out << to_string(shape); }

std::string_view to_string(DType dtype) { return detail::dtype_names[static_cast<std::size_t>(dtype)]; }

std::ostream& operator<<(std::ostream& out, DType dtype) { return out << to_string(dtype); }

namespace {
std::atomic<DType> dtype_by_default = DType::float64;
}  // namespace

DType default_dtype() { return dtype_by_default.load(std::memory_order_relaxed); }

void set_default_dtype(DType dtype) {
  if (!is_floating(dtype) || is_only_stored(dtype))
    throw DTypeError("set_default_dtype: " + std::string(to_string(dtype)) +
                     " cannot be the default, in which operations compute; give float32 or float64");
  dtype_by_default.store(dtype, std::memory_order_relaxed);
}

}  // namespace chainrule
