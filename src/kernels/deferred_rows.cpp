// The gradient of an embedding as the rows that were touched: a step of gradient descent adds just these. A
// Deferred whose other readers get all rows written out.

#include "kernels/deferred_rows.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <utility>

#include "chainrule/simd.h"

namespace chainrule::kernels {
namespace {

/// Rows of a table, and those to add to them: rows for the same position come in lists, from the first of
/// them on.
template <class T>
struct RowSums {
  std::int64_t count, width;
  const T* rows;
  const std::int64_t *places, *first, *next;
  T scale, *total, *to;
};
constexpr std::int64_t end_of_list = -1;

/// Adds scale times each row, or times the sum of those for its position, as a step of gradient descent does
/// it (kernels/sgd.cpp). The table is read here and there, so that its lines are asked for some rows ahead.
template <class T>
struct AddRowsLoop {
  template <int Bytes>
  static void run(const RowSums<T>* sums) {
    const auto [count, n, rows, places, first, next, scale, total, to] = *sums;
    constexpr std::int64_t ahead = 8, line = 64 / sizeof(T), most = 16 * line;
    for (std::int64_t k = 0; k < count; ++k) {
      if (k + ahead < count)
        for (std::int64_t i = 0; i < std::min(n, most); i += line)
          __builtin_prefetch(to + places[k + ahead] * n + i, 1);
      if (first[places[k]] != k) continue;  // added with the first one
      const T* row = rows + k * n;
      if (next[k] != end_of_list) {
        std::copy_n(row, n, total);
        for (std::int64_t other = next[k]; other != end_of_list; other = next[other])
          add<Bytes>(n, rows + other * n, T(1), total);
        row = total;
      }
      add<Bytes>(n, row, scale, to + places[k] * n);
    }
  }
  /// to[i] += scale · from[i]
  template <int Bytes>
  static void add(std::int64_t n, const T* __restrict from, T scale, T* __restrict to) {
    using P = simd::Pack<T, Bytes / static_cast<int>(sizeof(T))>;
    std::int64_t i = 0;
    for (; i + P::lanes <= n; i += P::lanes) (P::load(to + i) + P(scale) * P::load(from + i)).store(to + i);
    for (; i < n; ++i) to[i] = to[i] + scale * from[i];
  }
};
/// The same for every row in its turn.
template <class T>
struct AddLoop {
  template <int Bytes>
  static void run(std::int64_t count, std::int64_t n, const T* rows, const std::int64_t* places, T* to) {
    if (n == 1)
      for (std::int64_t k = 0; k < count; ++k) to[places[k]] += rows[k];
    else
      for (std::int64_t k = 0; k < count; ++k)
        AddRowsLoop<T>::template add<Bytes>(n, rows + k * n, T(1), to + places[k] * n);
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
      simd::vectorized<AddLoop<T>>(positions_.size(), width(), rows_.data<T>(),
                                   positions_.data<std::int64_t>(), static_cast<T*>(elements));
    });
  }

  /// Rows for the same position are added up first.
  bool add_to(Array& sum, double scale) const override {
    const std::int64_t count = positions_.size(), n = width();
    const auto* const places = positions_.data<std::int64_t>();
    // For each position that there is the first of its rows, for each row the next one.
    const std::unique_ptr<std::int64_t[]> first(new std::int64_t[static_cast<std::size_t>(table_)]),
        next(new std::int64_t[static_cast<std::size_t>(count)]);
    for (std::int64_t k = 0; k < count; ++k) first[place(k)] = end_of_list;
    for (std::int64_t k = count; k-- > 0;) next[k] = std::exchange(first[place(k)], k);
    dispatch_floating(rows_.dtype(), [&]<class T>() {
      const std::unique_ptr<T[]> total(new T[static_cast<std::size_t>(n)]);
      const RowSums<T> sums = {count,
                               n,
                               rows_.data<T>(),
                               places,
                               first.get(),
                               next.get(),
                               static_cast<T>(scale),
                               total.get(),
                               sum.mutable_data<T>()};
      simd::vectorized<AddRowsLoop<T>>(&sums);
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
  return {shape, rows.dtype(), std::make_unique<DeferredRows>(rows, positions, shape)};
}

}  // namespace chainrule::kernels
