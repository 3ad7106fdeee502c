// A vector whose first few elements lie in place, for what is short nearly always, as the inputs of a node.
// Relies on nothing.

#pragma once

#include <cstring>
#include <type_traits>

#include "array/pool.h"

namespace chainrule {

/// A growing list whose first N items need no allocation.
template <class T, std::size_t N>
class InlineVector {
  static_assert(std::is_trivially_copyable_v<T>);
  // NOLINTNEXTLINE(bugprone-sizeof-expression): also of pointers
  static constexpr std::size_t item_bytes = sizeof(T);

 public:
  InlineVector() = default;
  InlineVector(const InlineVector&) = delete;
  InlineVector& operator=(const InlineVector&) = delete;
  ~InlineVector() {
    if (items_ != local_) pool::deallocate(items_, capacity_ * item_bytes);
  }

  void push_back(const T& item) {
    if (size_ == capacity_) grow(2 * capacity_);
    items_[size_++] = item;
  }
  void pop_back() { --size_; }
  /// Further items are not initialised.
  void resize(std::size_t size) {
    if (capacity_ < size) grow(size);
    size_ = size;
  }
  /// Makes it that many items of zeros. Writes whole cache lines: reading back what a masked store of less
  /// has written stalls the processor.
  void assign_zeros(std::size_t size) {
    constexpr std::size_t line = 64;
    static_assert(sizeof local_ % line == 0);
    resize(size);
    const std::size_t bytes = (size * item_bytes + line - 1) / line * line;
    // One line, as small graphs need, without a call.
    std::memset(static_cast<void*>(items_), 0, line);
    if (bytes > line) std::memset(static_cast<void*>(items_), 0, bytes);
  }
  T& back() { return items_[size_ - 1]; }
  T& operator[](std::size_t i) { return items_[i]; }
  const T& operator[](std::size_t i) const { return items_[i]; }
  T* begin() { return items_; }
  T* end() { return items_ + size_; }
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

 private:
  void grow(std::size_t capacity) {
    auto* larger = static_cast<T*>(pool::allocate(capacity * item_bytes));
    std::memcpy(larger, items_, size_ * item_bytes);
    if (items_ != local_) pool::deallocate(items_, capacity_ * item_bytes);
    items_ = larger;
    capacity_ = capacity;
  }

  T local_[N];  // NOLINT(cppcoreguidelines-pro-type-member-init): only what is pushed is read
  T* items_ = local_;
  std::size_t size_ = 0;
  std::size_t capacity_ = N;
};

}  // namespace chainrule
