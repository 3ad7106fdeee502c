// Discrete Fourier transforms.
// Inside, none divides by the length: what `norm` asks for is multiplied at the end.

#include "ops/fourier.h"

#include <cmath>

#include "array/axes.h"
#include "kernels/fourier.h"
#include "ops/data_movement.h"
#include "ops/elementwise.h"

namespace chainrule {
namespace ops {

/// A sum of the input in every element.
struct FourierSum : DataMovement {
  LocalFormula local_formula(std::size_t, std::span<const std::string>, const std::string&) const {
    return {"the transform of g back", false, true};
  }
};

/// yₖ = Σⱼ xⱼ e^(± 2πi jk/n). The matrix is symmetric, so its adjoint has the other sign.
struct Fft : FourierSum {
  static constexpr std::string_view name = "fft", formula = "yₖ = Σⱼ xⱼ e^(−2πi jk/n); Σₖ gₖ e^(2πi jk/n)";
  std::size_t axis = 0;
  int sign = -1;
  Attributes attributes() const { return {{"axis", as_attribute(axis)}, {"sign", std::int64_t{sign}}}; }
  Tensor batch(const Unwrapped& at) const { return apply(Fft{{}, axis + 1, sign}, {}, Argument(at.in[0])); }
  Array forward(Values in) const { return kernels::complex_transform(*in[0], axis, sign); }
  void vjp(Inputs, const Tensor&, const Tensor& g, Cotangents& to) const {
    if (to.wants(0)) to[0] = apply(Fft{{}, axis, -sign}, Here::now(), Argument(g));
  }
};

/// Pairs of the first half times how often each stands for one of the whole, to the power of 1 or -1: once at
/// both ends, twice between.
static Tensor times_multiplicities(const Tensor& pairs, std::size_t axis, std::int64_t n, int power) {
  // For each number of a pair where pairs are along the last axis: long rows are gone through in packs.
  const std::int64_t each = axis + 2 == pairs.rank() ? 2 : 1;
  std::vector<double> counts(static_cast<std::size_t>(pairs.shape()[axis] * each), power > 0 ? 2 : 0.5);
  std::fill_n(counts.begin(), each, 1.0);
  if (n % 2 == 0) std::fill_n(counts.rbegin(), each, 1.0);
  std::vector<std::int64_t> sizes(pairs.rank(), 1);
  sizes[axis] = pairs.shape()[axis];
  sizes.back() = each;
  return pairs * cast(tensor(counts, Shape(sizes)), pairs.dtype());
}

struct Irfft;

/// The first n / 2 + 1 of Fft, of real numbers.
struct Rfft : FourierSum {
  static constexpr std::string_view name = "rfft",
                                    formula = "yₖ = Σⱼ xⱼ e^(−2πi jk/n); Re Σₖ gₖ e^(2πi jk/n)";
  std::size_t axis = 0;
  Attributes attributes() const { return {{"axis", as_attribute(axis)}}; }
  Tensor batch(const Unwrapped& at) const { return apply(Rfft{{}, axis + 1}, {}, Argument(at.in[0])); }
  Array forward(Values in) const { return kernels::real_transform(*in[0], axis); }
  void vjp(Inputs in, const Tensor&, const Tensor& g, Cotangents& to) const;
};

/// Real numbers from that half.
struct Irfft : FourierSum {
  static constexpr std::string_view name = "irfft",
                                    formula = "the inverse of rfft; its adjoint is rfft(g) / n";
  std::size_t axis = 0;
  std::int64_t n = 0;
  Attributes attributes() const { return {{"axis", as_attribute(axis)}, {"n", n}}; }
  Tensor batch(const Unwrapped& at) const { return apply(Irfft{{}, axis + 1, n}, {}, Argument(at.in[0])); }
  Array forward(Values in) const { return kernels::real_transform_back(*in[0], axis, n); }
  void vjp(Inputs, const Tensor&, const Tensor& g, Cotangents& to) const {
    if (!to.wants(0)) return;
    const Tensor pairs = apply(Rfft{{}, axis}, Here::now(), Argument(g));
    to[0] = times_multiplicities(pairs, axis, n, 1);
  }
};

void Rfft::vjp(Inputs in, const Tensor&, const Tensor& g, Cotangents& to) const {
  if (!to.wants(0)) return;
  const std::int64_t n = in[0].shape()[axis];
  to[0] = apply(Irfft{{}, axis, n}, Here::now(), Argument(times_multiplicities(g, axis, n, -1)));
}

Shape shape_to_transform(const std::string& name, const Shape& shape, bool of_pairs) {
  if (of_pairs && (shape.rank() < 2 || shape.back() != 2))
    throw ShapeError(name + ": shape " + to_string(shape) +
                     " holds no complex numbers, which are pairs along a last axis of size 2; make them with "
                     "stack({real, imaginary}, -1)");
  return Shape(shape.sizes().first(shape.rank() - (of_pairs ? 1 : 0)));
}

FftNorm norm_of(const Arguments& a, std::size_t i) {
  constexpr FftNorm all[] = {FftNorm::backward, FftNorm::ortho, FftNorm::forward};
  return all[a.choice(i, {"backward", "ortho", "forward"})];
}

namespace {

struct Transform {
  const char* name;
  Tensor x;
  std::size_t axis;
  std::int64_t n;
};

/// The pairs or numbers to transform, and along which axis; `n` is not checked yet.
Transform checked(const char* name, const Operand& x, std::int64_t axis, bool of_pairs) {
  Tensor in = x.as(real_dtype(x.dtype()));
  const Shape without = shape_to_transform(name, in.shape(), of_pairs);
  const std::size_t along = normalize_axis(name, axis, without);
  return {name, std::move(in), along, without[along]};
}

/// Cut off or filled up with zeros along the axis.
Tensor of_length(const Transform& what, std::int64_t length) {
  if (length < 1)
    throw ShapeError(std::string(what.name) + ": a length of " + std::to_string(length) + " for shape " +
                     to_string(what.x.shape()) + "; it must be at least 1");
  const std::int64_t there = what.x.shape()[what.axis];
  if (length == there) return what.x;
  if (length < there) {
    std::vector<chainrule::Index> part(what.axis + 1, Slice{});
    part.back() = Slice{0, length};
    return index(what.x, part);
  }
  Shape rest = what.x.shape();
  rest[what.axis] = length - there;
  return concatenate({what.x, zeros(rest, what.x.dtype())}, static_cast<std::int64_t>(what.axis));
}

/// `is_inverse` is whether 1 / n belongs to the transform where the norm is backward.
Tensor scaled(const Tensor& result, std::int64_t n, FftNorm norm, bool is_inverse) {
  const auto length = static_cast<double>(n);
  if (norm == FftNorm::ortho) return result * (1 / std::sqrt(length));
  return (norm == FftNorm::backward) == is_inverse ? result * (1 / length) : result;
}

Tensor transform(const char* name, const Operand& x, std::optional<std::int64_t> n, std::int64_t axis,
                 FftNorm norm, int sign) try {
  const Transform what = checked(name, x, axis, true);
  const std::int64_t length = n.value_or(what.n);
  const Tensor y = apply(Fft{{}, what.axis, sign}, x.here(), Argument(of_length(what, length)));
  return scaled(y, length, norm, sign > 0);
} catch (...) {
  rethrow_in_call(x);
}

template <auto f>
Result called(Arguments& a) {
  const auto n = a.given(1) ? std::optional(a.integer(1)) : std::nullopt;
  if (n.value_or(0) > a.most_elements()) a.fail(1, "a length that fits into memory");
  return f(a[0], n, a.integer(2), norm_of(a, 3));
}

}  // namespace

Entries fourier_operations() {
  constexpr std::string_view
      parameters = "x|a|input, n=None, axis|dim=-1, norm='backward'",
      pairs = "complex numbers are pairs along a last axis of size 2, which axis does not count";
  static constexpr Entry table[] = {
      {.name = Fft::name,
       .parameters = parameters,
       .call = called<fft>,
       .formula = Fft::formula,
       .example = "fft([[1, 0], [2, 0], [3, 0]])",
       .note = pairs},
      {.name = "ifft",
       .parameters = parameters,
       .call = called<ifft>,
       .formula = "the inverse of fft; its adjoint is fft(g) / n",
       .example = "ifft([[6, 0], [0, 0], [0, 0]])",
       .note = pairs},
      {.name = Rfft::name,
       .parameters = parameters,
       .call = called<rfft>,
       .formula = Rfft::formula,
       .example = "rfft([1, 2, 3, 4])",
       .note = pairs},
      {.name = Irfft::name,
       .parameters = parameters,
       .call = called<irfft>,
       .formula = Irfft::formula,
       .example = "irfft([[10, 0], [-2, 2], [-2, 0]])",
       .note = pairs},
  };
  return table;
}

}  // namespace ops

Tensor fft(const Operand& x, OptionalInteger n, Integer axis, FftNorm norm) {
  return ops::transform("fft", x, n, axis, norm, -1);
}
Tensor ifft(const Operand& y, OptionalInteger n, Integer axis, FftNorm norm) {
  return ops::transform("ifft", y, n, axis, norm, 1);
}

Tensor rfft(const Operand& x, OptionalInteger n, Integer axis, FftNorm norm) try {
  const ops::Transform what = ops::checked("rfft", x, axis, false);
  const std::int64_t length = n.value_or(what.n);
  const Tensor y = apply(ops::Rfft{{}, what.axis}, x.here(), Argument(ops::of_length(what, length)));
  return ops::scaled(y, length, norm, false);
} catch (...) {
  rethrow_in_call(x);
}

Tensor irfft(const Operand& y, OptionalInteger n, Integer axis, FftNorm norm) try {
  const ops::Transform what = ops::checked("irfft", y, axis, true);
  const std::int64_t length = n.value_or(2 * (what.n - 1));
  if (length < 1)
    throw ShapeError("irfft: shape " + to_string(what.x.shape()) + " has " + std::to_string(what.n) +
                     " pairs, which make " + std::to_string(length) +
                     " numbers; give a length n of at least 1");
  const Tensor x =
      apply(ops::Irfft{{}, what.axis, length}, y.here(), Argument(ops::of_length(what, length / 2 + 1)));
  return ops::scaled(x, length, norm, true);
} catch (...) {
  rethrow_in_call(y);
}

}  // namespace chainrule
