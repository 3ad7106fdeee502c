/// \file
/// The sizes of a tensor along its axes.
/// Everything that has elements relies on it; it knows neither dtypes nor memory.

#pragma once

#include <cstdint>
#include <initializer_list>
#include <iosfwd>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "chainrule/arguments.h"
#include "chainrule/detail/api.h"

/// 1 in the library itself, which asks for axes that are there: to check that takes time in small operations.
#ifndef CHAINRULE_TRUSTS_AXES
#define CHAINRULE_TRUSTS_AXES 0
#endif

namespace CHAINRULE_API chainrule {

/// The sizes of a tensor along its axes, outermost first; {} is a scalar. ShapeError for more than 64 axes,
/// as in NumPy 2. Up to four are stored in place, so that the shapes of almost every node need no memory of
/// their own.
class Shape {
 public:
  /// More axes no shape has.
  static constexpr std::size_t max_rank = 64;

  Shape() = default;
  /// Sizes in order.
  Shape(std::initializer_list<std::int64_t> sizes) : Shape(std::span(sizes.begin(), sizes.size())) {}
  /// One axis of this size, as in zeros(3).
  template <WholeNumber Size>
  Shape(Size size)
      : axes_{{static_cast<std::int64_t>(size)}}, rank_(1) {}  // NOLINT(google-explicit-constructor)
  template <NoWholeNumber Size>
  Shape(Size) = delete;  // sizes are whole numbers
  explicit Shape(std::span<const std::int64_t> sizes);
  explicit Shape(const std::vector<std::int64_t>& sizes) : Shape(std::span(sizes)) {}
  /// `rank` axes of size `size` each.
  static Shape filled(std::size_t rank, std::int64_t size);

  Shape(const Shape& other) : axes_(other.axes_), rank_(other.rank_) {
    if (rank_ > in_place) copy_heap(other);
  }
  Shape(Shape&& other) noexcept : axes_(other.axes_), rank_(std::exchange(other.rank_, 0)) {}
  Shape& operator=(const Shape& other) { return *this = Shape(other); }
  Shape& operator=(Shape&& other) noexcept {
    std::swap(axes_, other.axes_);
    std::swap(rank_, other.rank_);
    return *this;
  }
  ~Shape() {
    if (rank_ > in_place) delete[] axes_.heap;
  }

  /// How many axes there are.
  [[nodiscard]] std::size_t rank() const { return rank_; }
  /// Number of elements: the product of the sizes, 1 for a scalar. ShapeError for sizes that no tensor can
  /// have: a negative one, or too many elements to count. As in NumPy sizes of 0 do not make up for that, so
  /// that strides can be counted, too. Every tensor's shape has passed this.
  [[nodiscard]] std::int64_t size() const {
    std::int64_t product = 1;
    bool empty = false;
    for (const std::int64_t axis : sizes()) {
      empty |= axis == 0;
      if (axis < 0 || __builtin_mul_overflow(product, axis + static_cast<std::int64_t>(axis == 0), &product))
          [[unlikely]]
        report_impossible();
    }
    return empty ? 0 : product;
  }
  /// Outermost first.
  std::span<const std::int64_t> sizes() const& { return {data(), rank_}; }
  std::span<const std::int64_t> sizes() const&& = delete;  // they would be gone: keep the shape in a variable
  /// The size of an axis; negative ones count from the end. ShapeError for one that does not exist, unless
  /// the type of the number is unsigned, as in loops from 0 to rank(): then it must be there.
  template <WholeNumber Axis, bool checked = !CHAINRULE_TRUSTS_AXES>
  std::int64_t operator[](Axis axis) const& {
    if constexpr (!std::is_unsigned_v<Axis> && checked)
      return at(axis);
    else
      return data()[axis];
  }
  template <WholeNumber Axis, bool checked = !CHAINRULE_TRUSTS_AXES>
  std::int64_t& operator[](Axis axis) & {
    if constexpr (!std::is_unsigned_v<Axis> && checked)
      return const_cast<std::int64_t&>(at(axis));
    else
      return data()[axis];
  }
  /// The size of the last axis. ShapeError for a scalar.
  template <bool checked = !CHAINRULE_TRUSTS_AXES>
  std::int64_t back() const {
    return checked ? at(-1) : data()[rank_ - 1];
  }
  const std::int64_t* begin() const { return data(); }
  const std::int64_t* end() const { return data() + rank_; }

  friend bool operator==(const Shape& a, const Shape& b) {
    if (a.rank_ != b.rank_) return false;
    for (std::size_t axis = 0; axis < a.rank_; ++axis)
      if (a[axis] != b[axis]) return false;
    return true;
  }
  template <WholeNumber Size>
  friend bool operator==(const Shape& a, const std::vector<Size>& b) {
    if (a.rank_ != b.size()) return false;
    for (std::size_t axis = 0; axis < a.rank_; ++axis)
      if (a[axis] != static_cast<std::int64_t>(b[axis])) return false;
    return true;
  }

 private:
  static constexpr std::size_t in_place = 4;
  [[noreturn]] void report_impossible() const;
  const std::int64_t& at(std::int64_t axis) const;
  static std::uint32_t checked_rank(std::size_t rank);
  void copy_heap(const Shape& other);
  std::int64_t* data() { return rank_ > in_place ? axes_.heap : axes_.local; }
  const std::int64_t* data() const { return rank_ > in_place ? axes_.heap : axes_.local; }

  union {
    std::int64_t local[in_place];
    std::int64_t* heap;
  } axes_ = {};
  std::uint32_t rank_ = 0;
};

/// As Python prints a tuple: "()", "(3,)", "(2, 3)".
[[nodiscard]] std::string to_string(const Shape& shape);
std::ostream& operator<<(std::ostream& out, const Shape& shape);

}  // namespace chainrule
