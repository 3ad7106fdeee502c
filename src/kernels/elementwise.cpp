#include "kernels/elementwise.h"

namespace chainrule::kernels {

template <class T, std::size_t K>
Array detail::elementwise(BlockLoop<T, K>* loop, const Shape& shape,
                          const std::array<const Array*, K>& operands) {
  static constexpr T zero = 0;
  static const Shape scalar;
  Array out(shape, dtype_of<T>);
  T* to = out.mutable_data<T>();
  std::array<const T*, K> all;
  std::array<const Shape*, K> shapes;
  std::array<std::int64_t, K> strides;
  bool rows = false;
  for (std::size_t k = 0; k < K; ++k) {
    const Array* operand = operands[k];
    shapes[k] = operand == nullptr ? &scalar : &operand->shape();
    all[k] = operand == nullptr ? &zero : operand->data<T>();
    strides[k] = *shapes[k] == shape ? 1 : 0;
    rows = rows || (strides[k] == 0 && shapes[k]->size() != 1);
  }
  if (rows) {
    for_each_block<K>(shape, shapes, [&](const Block<K>& block) { loop(block, all, to); });
    return out;
  }
  parallel_for(out.size(), parallel_grain, [&](std::int64_t begin, std::int64_t end) {
    Block<K> block{begin, end - begin, 1, {}, strides, {}};
    for (std::size_t k = 0; k < K; ++k) block.offsets[k] = begin * strides[k];
    loop(block, all, to);
  });
  return out;
}

#define CHAINRULE_ELEMENTWISE(K)                                          \
  template Array detail::elementwise(BlockLoop<float, K>*, const Shape&,  \
                                     const std::array<const Array*, K>&); \
  template Array detail::elementwise(BlockLoop<double, K>*, const Shape&, const std::array<const Array*, K>&);
CHAINRULE_ELEMENTWISE(1)
CHAINRULE_ELEMENTWISE(2)
CHAINRULE_ELEMENTWISE(3)
CHAINRULE_ELEMENTWISE(4)
#undef CHAINRULE_ELEMENTWISE

Array detail::zip(PairStretch* stretch, const Array& a, const Array& b, const Shape& shape, DType result) {
  Array out(shape, result);
  const auto size = static_cast<std::int64_t>(item_size(a.dtype()));
  const auto out_size = static_cast<std::int64_t>(item_size(result));
  const auto *pa = static_cast<const std::byte*>(a.raw()), *pb = static_cast<const std::byte*>(b.raw());
  auto* po = static_cast<std::byte*>(out.mutable_raw());
  for_each_row<2>(shape, {&a.shape(), &b.shape()}, [&](auto at, auto& offsets, auto& strides, auto n) {
    stretch(n, pa + offsets[0] * size, strides[0], pb + offsets[1] * size, strides[1], po + at * out_size);
  });
  return out;
}

Array select(const Array& condition, const Array& a, const Array& b, const Shape& shape) {
  Array out(shape, a.dtype());
  const bool* pc = condition.data<bool>();
  dispatch(a.dtype(), [&]<class T>() {
    const T *pa = a.data<T>(), *pb = b.data<T>();
    T* po = out.mutable_data<T>();
    for_each_row<3>(shape, {&condition.shape(), &a.shape(), &b.shape()},
                    [&](auto at, auto& offsets, auto& strides, auto n) {
                      const bool* c = pc + offsets[0];
                      const T *x = pa + offsets[1], *y = pb + offsets[2];
                      const auto [sc, sx, sy] = strides;
                      for (std::int64_t i = 0; i < n; ++i) po[at + i] = c[i * sc] ? x[i * sx] : y[i * sy];
                    });
  });
  return out;
}

}  // namespace chainrule::kernels
