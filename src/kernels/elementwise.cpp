#include "kernels/elementwise.h"

namespace chainrule::kernels {

namespace {

/// Elements that are worth deferring: less stays in the cache anyway.
constexpr std::int64_t large = 1 << 14;

/// One pass: a loop, what it reads, and in which order.
template <class T, std::size_t K>
class Pass {
 public:
  Pass(const detail::Loops<T, K>& loops, const Shape& shape, const std::array<const Array*, K>& operands)
      : loops_(loops), blocks_(shape, shapes(operands)) {
    static constexpr T zero = 0;
    for (std::size_t k = 0; k < K; ++k)
      elements_[k] = operands[k] == nullptr ? &zero : operands[k]->template data<T>();
  }
  void run(T* out) const {
    blocks_.for_each([&](const Block<K>& block) { loops_.write(block, elements_, out); });
  }
  void run(std::int64_t begin, std::int64_t end, T* out) const {
    blocks_.for_each(begin, end, [&](Block<K> block) {
      block.at -= begin;
      loops_.write(block, elements_, out);
    });
  }
  bool sum(std::int64_t begin, std::int64_t end, T* sum) const {
    constexpr std::int64_t groups = 4 * 64 / sizeof(T);  // of the widest packs, and of any other
    if (loops_.sum == nullptr) return false;
    bool done = false;
    blocks_.for_each(begin, end, [&](const Block<K>& block) {
      done = block.at == begin && block.count * block.rows == end - begin && block.count % groups == 0;
      if (done) loops_.sum(block, elements_, sum);
    });
    return done;
  }

 private:
  static std::array<const Shape*, K> shapes(const std::array<const Array*, K>& operands) {
    static const Shape scalar;
    std::array<const Shape*, K> shapes;
    for (std::size_t k = 0; k < K; ++k) shapes[k] = operands[k] == nullptr ? &scalar : &operands[k]->shape();
    return shapes;
  }
  detail::Loops<T, K> loops_;
  std::array<const T*, K> elements_;
  Blocks<K> blocks_;
};

template <class T, std::size_t K>
class DeferredPass final : public Deferred {
 public:
  DeferredPass(const detail::Loops<T, K>& loops, const Shape& shape,
               const std::array<const Array*, K>& operands)
      : operands_(copies(operands)), pass_(loops, shape, pointers(operands)) {}
  void compute(void* elements) const override { pass_.run(static_cast<T*>(elements)); }
  void compute_part(std::int64_t begin, std::int64_t end, void* elements) const override {
    pass_.run(begin, end, static_cast<T*>(elements));
  }
  bool is_divisible() const override { return true; }
  bool sum_part(std::int64_t begin, std::int64_t end, void* sum) const override {
    return pass_.sum(begin, end, static_cast<T*>(sum));
  }

 private:
  static std::array<Array, K> copies(const std::array<const Array*, K>& operands) {
    std::array<Array, K> copies;
    for (std::size_t k = 0; k < K; ++k)
      if (operands[k] != nullptr) copies[k] = *operands[k];
    return copies;
  }
  /// To our copies of the operands.
  std::array<const Array*, K> pointers(const std::array<const Array*, K>& operands) const {
    std::array<const Array*, K> pointers;
    for (std::size_t k = 0; k < K; ++k) pointers[k] = operands[k] == nullptr ? nullptr : &operands_[k];
    return pointers;
  }

  std::array<Array, K> operands_;
  Pass<T, K> pass_;  // reads them
};

}  // namespace

template <class T, std::size_t K>
Array detail::elementwise(const Loops<T, K>& loops, const Shape& shape,
                          const std::array<const Array*, K>& operands, bool may_defer) {
  if (may_defer && shape.size() >= large)
    return Array(shape, dtype_of<T>, std::make_unique<DeferredPass<T, K>>(loops, shape, operands));
  Array out(shape, dtype_of<T>);
  Pass<T, K>(loops, shape, operands).run(out.mutable_data<T>());
  return out;
}

#define CHAINRULE_ELEMENTWISE(K)                                                \
  template Array detail::elementwise(const Loops<float, K>&, const Shape&,      \
                                     const std::array<const Array*, K>&, bool); \
  template Array detail::elementwise(const Loops<double, K>&, const Shape&,     \
                                     const std::array<const Array*, K>&, bool);
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
