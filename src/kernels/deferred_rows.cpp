// The gradient of an embedding as the rows that were touched: a step of gradient descent adds just these.

#include "kernels/deferred_rows.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <utility>

#include "chainrule/simd.h"

namespace chainrule::kernels {
namespace {

/// to[i] += scale · from[i], as a step of gradient descent does it (kernels/sgd.cpp).
template <class T>
struct AddLoop {
  template <int Bytes>
  static void run(std::int64_t n, const T* __restrict from, T scale, T* __restrict to) {
    using P = simd::Pack<T, Bytes / static_cast<int>(sizeof(T))>;
    std::int64_t i = 0;
    for (; i + P::lanes <= n; i += P::lanes) (P::load(to + i) + P(scale) * P::load(from + i)).store(to + i);
    for (; i < n; ++i) to[i] = to[i] + scale * from[i];
  }
};

class DeferredRows final : public Deferred {
 public:
  DeferredRows(Array rows, Array positions, const Shape& shape)
      : rows_(std::move(rows)),
        positions_(std::move(positions)),
        table_(shape[0]),
        bytes_(static_cast<std::size_t>(shape.size()) * item_size(rows_.dtype())) {}

  void compute(void* elements) const override {
    std::memset(elements, 0, bytes_);
    dispatch_floating(rows_.dtype(), [&]<class T>() {
      const std::int64_t n = width();
      for (std::int64_t k = 0; k < positions_.size(); ++k)
        simd::vectorized<AddLoop<T>>(n, rows_.data<T>() + k * n, T(1),
                                     static_cast<T*>(elements) + place(k) * n);
    });
  }

  /// Rows for the same position are added up first.
  bool add_to(Array& sum, double scale) const override {
    const std::int64_t count = positions_.size(), n = width(), none = -1;
    // For each position that there is the first of its rows, for each row the next one.
    const std::unique_ptr<std::int64_t[]> first(new std::int64_t[static_cast<std::size_t>(table_)]),
        next(new std::int64_t[static_cast<std::size_t>(count)]);
    for (std::int64_t k = 0; k < count; ++k) first[place(k)] = none;
    for (std::int64_t k = count; k-- > 0;) next[k] = std::exchange(first[place(k)], k);
    dispatch_floating(rows_.dtype(), [&]<class T>() {
      const T* const rows = rows_.data<T>();
      T* const to = sum.mutable_data<T>();
      const std::unique_ptr<T[]> total(new T[static_cast<std::size_t>(n)]);
      for (std::int64_t k = 0; k < count; ++k) {
        if (first[place(k)] != k) continue;  // added with the first one
        const T* row = rows + k * n;
        if (next[k] != none) {
          std::copy_n(row, n, total.get());
          for (std::int64_t other = next[k]; other != none; other = next[other])
            simd::vectorized<AddLoop<T>>(n, rows + other * n, T(1), total.get());
          row = total.get();
        }
        simd::vectorized<AddLoop<T>>(n, row, static_cast<T>(scale), to + place(k) * n);
      }
    });
    return true;
  }

 private:
  std::int64_t place(std::int64_t k) const { return positions_.data<std::int64_t>()[k]; }
  std::int64_t width() const { return rows_.size() / positions_.size(); }

  Array rows_, positions_;
  std::int64_t table_;
  std::size_t bytes_;
};

}  // namespace

Array deferred_rows(const Array& rows, const Array& positions, const Shape& shape) {
  return Array(shape, rows.dtype(), std::make_unique<DeferredRows>(rows, positions, shape));
}

}  // namespace chainrule::kernels
