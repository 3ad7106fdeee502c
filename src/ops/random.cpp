// Tensors of random numbers: uniform, normal, and permutations.
// What a generator gives for the samples of a vmap is ops/samples.h's.

#include "chainrule/random.h"

#include <cmath>

#include "chainrule/ops.h"
#include "chainrule/shaping.h"
#include "graph/call_error.h"
#include "graph/traced.h"
#include "ops/generate.h"

namespace chainrule {

namespace {

template <class Function>
Tensor drawn(std::string_view operation, const Shape& shape, Generator& generator, DType dtype, Here here,
             Function draw) try {
  if (!is_floating(dtype))
    throw DTypeError(std::string(operation) + ": makes floats, not " + std::string(to_string(dtype)));
  return drawn_for_samples(operation, shape, generator, [&](const Shape& all) {
    return generate(operation, all, dtype, [&](std::int64_t) { return draw(); });
  });
} catch (...) {
  rethrow_in_call(here);
}

}  // namespace

Tensor rand(const Shape& shape, Generator& generator, DType dtype, Here here) {
  return drawn("rand", shape, generator, dtype, here, [&] {
    // Rounding could reach 1, which the interval excludes.
    const int digits = dtype == DType::float32 ? 24 : dtype == DType::float16 ? 11 : 8;
    const double number = generator.uniform();
    return dtype == DType::float64 ? number : std::ldexp(std::floor(std::ldexp(number, digits)), -digits);
  });
}

Tensor randn(const Shape& shape, Generator& generator, DType dtype, Here here) {
  return drawn("randn", shape, generator, dtype, here, [&] { return generator.normal(); });
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
