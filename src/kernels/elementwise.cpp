// Elementwise loops apart from what they compute: broadcasting and threads. The functions are compiled into
// each operation's file and called for stretches.

#include "kernels/elementwise.h"

#include <algorithm>
#include <optional>

#include "kernels/elementwise_pass.h"

namespace chainrule::kernels {

template <std::size_t K>
Array detail::elementwise(const PackLoop* loop, DType result, const Shape& shape,
                          const std::array<const Array*, K>& operands, PassKind kind) {
  if (std::ranges::any_of(operands, [](const Array* each) { return each != nullptr && each->is_deferred(); }))
    if (std::optional<Array> found = on_deferred<K>(loop, result, shape, operands, kind))
      return *std::move(found);
  if (shape.size() >= large) return deferred_pass<K>(loop, result, shape, operands, kind);
  Array out(shape, result);
  const std::int64_t size = out.size();
  if (size == 0) return out;
  // Most often one stretch is all: small arrays should not wait for what others need.
  Stretch stretch;
  stretch.count = size;
  stretch.rows = 1;
  std::array<const std::byte*, K> bases;
  bool is_one_stretch = true;
  for (std::size_t k = 0; k < K; ++k) {
    const bool is_read = operands[k] != nullptr;
    bases[k] = is_read ? static_cast<const std::byte*>(operands[k]->raw()) : nullptr;
    stretch.operands[k] = is_read ? static_cast<const void*>(bases[k]) : &nothing;
    stretch.strides[k] = is_read && operands[k]->shape() == shape ? 1 : 0;
    stretch.steps[k] = 0;
    if (is_read && stretch.strides[k] == 0 && operands[k]->size() != 1) is_one_stretch = false;
  }
  stretch.out = out.mutable_raw();
  stretch.ahead = stretch.out;
  if (is_one_stretch)
    (*loop)(stretch);
  else
    Pass<K>(loop, result, shape, operands).run(0, size, bases.data(), stretch.out, nullptr);
  return out;
}
template Array detail::elementwise(const PackLoop*, DType, const Shape&, const std::array<const Array*, 1>&,
                                   PassKind);
template Array detail::elementwise(const PackLoop*, DType, const Shape&, const std::array<const Array*, 2>&,
                                   PassKind);
template Array detail::elementwise(const PackLoop*, DType, const Shape&, const std::array<const Array*, 3>&,
                                   PassKind);
template Array detail::elementwise(const PackLoop*, DType, const Shape&, const std::array<const Array*, 4>&,
                                   PassKind);

namespace {

struct Select {
  auto operator()(auto condition, auto a, auto b) const { return where(condition, a, b); }
};

}  // namespace

Array select(const Array& condition, const Array& a, const Array& b, const Shape& shape) {
  if (a.dtype() == DType::int64)  // as bits, which are only moved
    return detail::elementwise<3>(detail::loop<Select, double, double, bool, double, double>, a.dtype(),
                                  shape, {&condition, &a, &b}, {.is_cheap = true});
  Array out(shape, a.dtype());
  const bool *pc = condition.data<bool>(), *pa = a.data<bool>(), *pb = b.data<bool>();
  bool* po = out.mutable_data<bool>();
  for_each_row<3>(shape, {&condition.shape(), &a.shape(), &b.shape()},
                  [&](auto at, auto& offsets, auto& strides, auto n) {
                    const bool *c = pc + offsets[0], *x = pa + offsets[1], *y = pb + offsets[2];
                    const auto [sc, sx, sy] = strides;
                    for (std::int64_t i = 0; i < n; ++i) po[at + i] = c[i * sc] ? x[i * sx] : y[i * sy];
                  });
  return out;
}

}  // namespace chainrule::kernels
