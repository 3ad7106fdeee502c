// Transposes that wait until somebody reads them. A Deferred over permute; products of matrices ask for what
// it is the transpose of instead.

#include "kernels/transposed.h"

#include <numeric>
#include <vector>

#include "kernels/copy.h"

namespace chainrule::kernels {
namespace {

/// Fewer are moved at once: that takes no longer than noting what there is to move.
constexpr std::int64_t few = 1024;

std::vector<std::size_t> exchanged(std::size_t rank) {
  std::vector<std::size_t> order(rank);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::swap(order[rank - 1], order[rank - 2]);
  return order;
}

class Transposed final : public Deferred {
 public:
  Transposed(Array x, Shape shape) : x_(std::move(x)), shape_(std::move(shape)) {
    kept_bytes = x_.byte_count();
  }
  void compute(void* elements) const override { permute(x_, exchanged(shape_.rank()), elements); }
  const Array* transposes(const Shape& shape) const override { return shape == shape_ ? &x_ : nullptr; }
  bool stays() const override { return !x_.is_sole_owner(); }

 private:
  Array x_;
  Shape shape_;
};

}  // namespace

Array transposed(const Array& x) {
  Shape shape = x.shape();
  std::int64_t &rows = shape[shape.rank() - 2], &columns = shape[shape.rank() - 1];
  const bool moves = rows != 1 && columns != 1;
  std::swap(rows, columns);
  if (x.size() < few || !moves || !is_floating(x.dtype()) || is_only_stored(x.dtype()))
    return permute(x, exchanged(shape.rank()));
  if (std::optional<Array> before = untransposed(x)) return *std::move(before);
  (void)x.raw();  // which may wait for values of the graph
  return {shape, x.dtype(), std::make_unique<Transposed>(x, shape)};
}

}  // namespace chainrule::kernels
