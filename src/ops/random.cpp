// Tensors of random numbers: uniform, normal, and permutations.
// What a generator gives for the samples of a vmap is ops/samples.h's.

#include "chainrule/random.h"

#include <algorithm>
#include <cmath>

#include "chainrule/ops.h"
#include "chainrule/shaping.h"
#include "graph/call_error.h"
#include "graph/node.h"
#include "graph/traced.h"

namespace chainrule {

namespace {

/// Calls fill(elements) of a new constant, whose elements are T.
template <class T, class Fill>
Tensor filled(std::string_view operation, const Shape& shape, const Fill& fill) {
  Array value = new_array(operation, shape, dtype_of<T>);
  fill(std::span(value.mutable_data<T>(), static_cast<std::size_t>(value.size())));
  return constant(std::move(value));
}

/// What draw(shape) gives, for the samples of a vmap.
Tensor drawn(std::string_view operation, const Shape& shape, Generator& generator, DType dtype, Here here,
             FunctionRef<Tensor(const Shape&)> draw) try {
  if (!is_floating(dtype))
    throw DTypeError(std::string(operation) + ": makes floats, not " + std::string(to_string(dtype)));
  return drawn_for_samples(operation, shape, generator, draw);
} catch (...) {
  rethrow_in_call(here);
}

/// Uniform numbers with so many binary digits: rounding could reach 1, which the interval excludes.
Tensor with_digits(const Shape& shape, Generator& generator, DType dtype, int digits) {
  const double scale = std::ldexp(1, digits), step = 1 / scale;
  Array value = new_array("rand", shape, dtype);
  dispatch_stored(dtype, [&]<class T>() {
    T* out = value.mutable_data<T>();
    constexpr std::int64_t few = 512;
    double numbers[few];
    for (std::int64_t done = 0, n = value.size(); done < n; done += few) {
      const std::int64_t count = std::min(few, n - done);
      generator.uniform({numbers, static_cast<std::size_t>(count)});
      for (std::int64_t i = 0; i < count; ++i)
        out[done + i] = convert<T>(static_cast<double>(static_cast<std::int64_t>(numbers[i] * scale)) * step);
    }
  });
  return constant(std::move(value));
}

}  // namespace

Tensor rand(const Shape& shape, Generator& generator, DType dtype, Here here) {
  return drawn("rand", shape, generator, dtype, here, [&](const Shape& all) {
    if (dtype == DType::float64)
      return filled<double>("rand", all, [&](std::span<double> numbers) { generator.uniform(numbers); });
    return with_digits(all, generator, dtype,
                       dtype == DType::float32   ? 24
                       : dtype == DType::float16 ? 11
                                                 : 8);
  });
}

Tensor randn(const Shape& shape, Generator& generator, DType dtype, Here here) {
  return drawn("randn", shape, generator, dtype, here, [&](const Shape& all) {
    if (dtype == DType::float32)
      return filled<float>("randn", all, [&](std::span<float> numbers) { generator.normal(numbers); });
    Array value = new_array("randn", all, dtype);
    dispatch_stored(dtype, [&]<class T>() {
      std::generate_n(value.mutable_data<T>(), value.size(), [&] { return convert<T>(generator.normal()); });
    });
    return constant(std::move(value));
  });
}

namespace {

Tensor permuted(std::int64_t count, Generator& generator) {
  Array value = new_array("randperm", {count}, DType::int64);
  auto* out = value.mutable_data<std::int64_t>();
  for (std::int64_t i = 0; i < count; ++i) {  // Fisher and Yates, inside out
    const std::int64_t j = generator.below(i + 1);
    out[i] = out[j];
    out[j] = i;
  }
  return constant(std::move(value));
}

}  // namespace

Tensor randperm(Integer count, Generator& generator, Here here) try {
  return drawn_for_samples("randperm", {count}, generator, [&](const Shape& all) {
    if (all.rank() == 1) return permuted(count, generator);
    std::int64_t rows = 1;
    for (std::size_t axis = 0; axis + 1 < all.rank(); ++axis) rows *= all[axis];
    std::vector<Tensor> each;
    for (std::int64_t i = 0; i < rows; ++i) each.push_back(permuted(count, generator));
    return rows == 0 ? zeros(all, DType::int64) : reshape(stack(each, 0), all);
  });
} catch (...) {
  rethrow_in_call(here);
}

}  // namespace chainrule
