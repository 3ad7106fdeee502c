// What treats the elements of a vector as a series: convolutions and polynomials.
// Compositions: conv1d of one sample and one channel, and Horner's scheme.

#include <utility>

#include "chainrule/networks.h"
#include "chainrule/shaping.h"
#include "chainrule/statistics.h"
#include "ops/elementwise.h"
#include "ops/registry.h"

namespace chainrule {
namespace ops {
namespace {

/// conv1d has the order of correlate, where the second vector is not turned round. The longer one is gone
/// over by the shorter one, which gives correlations from the other end where these are a and v.
Tensor correlated(std::string_view name, const Operand& a, const Operand& v, ConvolveMode mode, bool turned) {
  const DType dtype = real_dtype(common_dtype(a, v));
  Tensor longer = a.as(dtype), shorter = v.as(dtype);
  if (longer.rank() != 1 || shorter.rank() != 1 || longer.size() == 0 || shorter.size() == 0)
    throw ShapeError(std::string(name) + ": shapes " + to_string(longer.shape()) + " and " +
                     to_string(shorter.shape()) + "; give two vectors of one element or more");
  const bool swapped = longer.size() < shorter.size();
  if (swapped) std::swap(longer, shorter);
  if (turned) shorter = flip(shorter, 0);
  const std::int64_t before = shorter.size() - 1;
  const auto in_place = [&](const Tensor& x) { return reshape(x, {1, 1, x.size()}); };
  const Tensor wide = mode == ConvolveMode::full   ? pad(longer, {before, before})
                      : mode == ConvolveMode::same ? pad(longer, {before - before / 2, before / 2})
                                                   : longer;
  const Tensor result = reshape(conv1d(in_place(wide), in_place(shorter)), {-1});
  return swapped && !turned ? flip(result, 0) : result;
}

ConvolveMode convolve_mode(Arguments& a, std::size_t i) {
  return static_cast<ConvolveMode>(a.choice(i, {"full", "same", "valid"}));
}

}  // namespace

Entries series_operations() {
  static constexpr Entry table[] = {
      {.name = "convolve",
       .parameters = "a, v, mode='full'",
       .call = [](Arguments& a) -> Result { return convolve(a[0], a[1], convolve_mode(a, 2)); },
       .formula = "to each of the two the correlation of the gradient with the other",
       .example = "convolve([1, 2, 3], [0, 1, 0.5])"},
      {.name = "correlate",
       .parameters = "a, v, mode='valid'",
       .call = [](Arguments& a) -> Result { return correlate(a[0], a[1], convolve_mode(a, 2)); },
       .formula = "to a the convolution of the gradient with v, to v its correlation with a",
       .example = "correlate([1, 2, 3], [0, 1, 0.5])"},
      {.name = "polyval",
       .parameters = "p, x",
       .call = call<polyval>,
       .formula = "∂(Σ pₖ xᵏ)/∂pₖ = xᵏ,  ∂/∂x = Σ k pₖ xᵏ⁻¹",
       .example = "polyval([3, 0, 1], 5)",
       .note = "the highest power first"},
  };
  return table;
}

}  // namespace ops

Tensor convolve(const Operand& a, const Operand& v, ConvolveMode mode) try {
  return ops::correlated("convolve", a, v, mode, true);
} catch (...) {
  rethrow_in_call("convolve", a, v);
}
Tensor correlate(const Operand& a, const Operand& v, ConvolveMode mode) try {
  return ops::correlated("correlate", a, v, mode, false);
} catch (...) {
  rethrow_in_call("correlate", a, v);
}

Tensor polyval(const Operand& p, const Operand& x) try {
  const DType dtype = ops::number_dtype(ops::common_dtype(p, x));
  const Tensor all = p.as(dtype), at = x.as(dtype);
  if (all.rank() != 1)
    throw ShapeError("polyval: coefficients of shape " + to_string(all.shape()) + "; give a vector");
  // Begun without 0 times x, which is NaN at infinity, unless x would then have no part in it.
  const std::int64_t begun = all.size() > 1 ? 1 : 0;
  Tensor result = begun == 0 ? zeros(at.shape(), dtype) : broadcast_to(all[0], at.shape());
  for (std::int64_t i = begun; i < all.size(); ++i) result = result * at + all[i];
  return result;
} catch (...) {
  rethrow_in_call("polyval", p, x);
}

}  // namespace chainrule
