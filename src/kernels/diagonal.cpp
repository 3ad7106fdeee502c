// Rows of diagonal matrices, and their products, which need one pass where others need a sum. A diagonal is
// kept as its numbers, and spelled out only for those who read the matrix.

#include "kernels/diagonal.h"

#include <algorithm>
#include <array>
#include <memory>

#include "chainrule/simd.h"
#include "kernels/copy.h"

namespace chainrule::kernels {
namespace {

/// Fewer bytes are written at once: that takes no longer than noting what there is to write.
constexpr std::size_t few_bytes = 512;

template <class T>
void spell_out(const Diagonal& rows, T* to) {
  const std::int64_t count = rows.numbers.size();
  const T* numbers = rows.numbers.data<T>();
  std::fill_n(to, count * rows.columns, T(0));
  for (std::int64_t i = 0; i < count; ++i) to[i * rows.columns + rows.first + i] = numbers[i];
}

class DeferredDiagonal final : public Deferred {
 public:
  explicit DeferredDiagonal(Diagonal rows) : rows_(std::move(rows)) {
    kept = {{rows_.numbers.raw(), rows_.numbers.byte_count()}};
  }
  void compute(void* elements) const override {
    dispatch_floating(rows_.numbers.dtype(), [&]<class T>() { spell_out(rows_, static_cast<T*>(elements)); });
  }
  const Diagonal& rows() const { return rows_; }

 private:
  Diagonal rows_;
};

/// Is a tensor of shape `by`, broadcast to `shape`, the same at each position of the first axis, and
/// otherwise not broadcast?
bool is_the_same_for_rows(const Shape& by, const Shape& shape) {
  const std::size_t missing = shape.rank() - std::min(by.rank(), shape.rank());
  if (by.rank() > shape.rank() || (missing == 0 && by[0] != 1)) return false;
  for (std::size_t axis = 1; axis < shape.rank(); ++axis)
    if (shape[axis] != (axis < missing ? 1 : by[axis - missing])) return false;
  return true;
}

/// to[i] = numbers[i] · from[i], row by row.
template <class T>
struct ScaleRowsLoop {
  template <int Bytes>
  static void run(std::int64_t rows, std::int64_t n, const T* numbers, const T* from, T* to) {
    using P = simd::Pack<T, Bytes / static_cast<int>(sizeof(T))>;
    for (; rows > 0; --rows, from += n, to += n) {
      const T number = *numbers++;
      std::int64_t j = 0;
      for (; j + P::lanes <= n; j += P::lanes) (P(number) * P::load(from + j)).store(to + j);
      for (; j < n; ++j) to[j] = number * from[j];
    }
  }
};

}  // namespace

Array diagonal(Diagonal rows, const Shape& shape) {
  const DType dtype = rows.numbers.dtype();
  if (bytes_of(shape, dtype) > few_bytes)
    return {shape, dtype, std::make_unique<DeferredDiagonal>(std::move(rows))};
  Array all(shape, dtype);
  dispatch_floating(dtype, [&]<class T>() { spell_out(rows, all.mutable_data<T>()); });
  return all;
}

std::optional<Diagonal> diagonal_part(const Array& array) {
  std::optional<Diagonal> found;
  array.use_deferred([&](const Deferred& deferred) {
    const auto* const diagonal = dynamic_cast<const DeferredDiagonal*>(&deferred);
    // It may have been reshaped since.
    if (diagonal != nullptr && array.shape().rank() > 0 &&
        array.shape()[0] == diagonal->rows().numbers.size())
      found = diagonal->rows();
    return false;
  });
  return found;
}

std::optional<Array> diagonal_times(const Array& array, const Array& by) {
  if (!array.is_deferred() || !is_the_same_for_rows(by.shape(), array.shape())) return {};
  std::optional<Diagonal> rows = diagonal_part(array);
  if (!rows) return {};
  dispatch_floating(rows->numbers.dtype(), [&]<class T>() {
    const T* factors = by.data<T>() + rows->first;
    T* numbers = rows->numbers.mutable_data<T>();
    for (std::int64_t i = 0; i < rows->numbers.size(); ++i)
      numbers[i] = numbers[i] == 0 || factors[i] == 0 ? T(0) : numbers[i] * factors[i];
  });
  return diagonal(std::move(*rows), array.shape());
}

Array times_matrix(const Diagonal& rows, const Array& b, bool transpose_b) {
  const std::int64_t count = rows.numbers.size(), n = b.shape()[transpose_b ? 0 : 1];
  Array out({count, n}, b.dtype());
  const auto scale = [&](const Array& from, std::int64_t first) {
    dispatch_floating(b.dtype(), [&]<class T>() {
      simd::vectorized<ScaleRowsLoop<T>>(count, n, rows.numbers.data<T>(), from.data<T>() + first * n,
                                         out.mutable_data<T>());
    });
  };
  if (transpose_b)
    scale(permute(b, std::array<std::size_t, 2>{1, 0}), rows.first);
  else
    scale(b, rows.first);
  return out;
}

}  // namespace chainrule::kernels
