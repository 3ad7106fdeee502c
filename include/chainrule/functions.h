/// \file
/// More functions that work element by element: elementary and special ones, rounding, and the activations of
/// neural networks. They broadcast, promote and treat 0 times infinity as those of ops.h do. Integers become
/// the default float, except where int64 is said to stay.
///
/// float32 is computed in float64 and rounded, where a function is not made of others.

#pragma once

#include <limits>
#include <optional>

#include "chainrule/ops.h"

namespace CHAINRULE_API chainrule {

// ---- Powers, exponentials and logarithms -----------------------------------------------------------------

Tensor reciprocal(const Operand& x);  ///< 1/x; derivative -1/x²
Tensor rsqrt(const Operand& x);       ///< 1/√x, +inf at 0, NaN below; derivative -1/(2 x √x)
Tensor cbrt(const Operand& x);  ///< ∛x, also of negative x; derivative 1/(3 ∛x²), at 0 +inf, then ∓inf
Tensor exp2(const Operand& x);  ///< 2ˣ; derivative 2ˣ log 2
Tensor log2(const Operand& x);  ///< -inf at 0, NaN below; derivative 1/(x log 2)
Tensor log10(const Operand& x);  ///< -inf at 0, NaN below; derivative 1/(x log 10)
/// x log(y), and 0 where x = 0 unless y is NaN. Derivatives log(y) and x/y; both 0 where x = 0 and y is not
/// positive and finite.
Tensor xlogy(const Operand& x, const Operand& y);
/// x log(1 + y), exact also for small y; otherwise as xlogy(x, 1 + y).
Tensor xlog1py(const Operand& x, const Operand& y);
/// log2(2ᵃ + 2ᵇ) without overflow; derivatives 2ᵃ / (2ᵃ + 2ᵇ) and 2ᵇ / (2ᵃ + 2ᵇ).
Tensor logaddexp2(const Operand& a, const Operand& b);
/// √(a² + b²), also where the squares would overflow or vanish. Derivatives a/y and b/y, as of norm: 0 at
/// (0, 0), and those that are infinite have equal shares.
Tensor hypot(const Operand& a, const Operand& b);
/// log(x / (1 - x)) with all digits, the inverse of sigmoid; ∓inf at 0 and 1, NaN outside. Derivative
/// 1/(x (1 - x)). With eps, x is held between eps and 1 - eps first, as by clamp.
Tensor logit(const Operand& x, std::optional<double> eps = {});

// ---- Trigonometric and hyperbolic functions
// ----------------------------------------------------------------

Tensor tan(const Operand& x);   ///< x in radians; derivative 1 + tan(x)²
Tensor asin(const Operand& x);  ///< in [-π/2, π/2]; NaN beyond ±1; derivative 1/√(1 - x²)
Tensor acos(const Operand& x);  ///< in [0, π]; NaN beyond ±1; derivative -1/√(1 - x²)
Tensor atan(const Operand& x);  ///< in [-π/2, π/2]; derivative 1/(1 + x²)
/// The angle of the point (b, a), which is atan(a/b) where b > 0, in [-π, π]; signs of zeros as std::atan2.
/// Derivatives b/(a² + b²) and -a/(a² + b²); 0 at (0, 0) and where either is infinite.
Tensor atan2(const Operand& a, const Operand& b);
Tensor sinh(const Operand& x);   ///< (eˣ - e⁻ˣ)/2; derivative cosh(x)
Tensor cosh(const Operand& x);   ///< (eˣ + e⁻ˣ)/2; derivative sinh(x)
Tensor asinh(const Operand& x);  ///< derivative 1/√(x² + 1)
Tensor acosh(const Operand& x);  ///< NaN for x < 1; derivative 1/√(x² - 1)
Tensor atanh(const Operand& x);  ///< ±inf at ±1, NaN beyond; derivative 1/(1 - x²)
/// NumPy's sin(πx)/(πx), 1 at 0 and exactly 0 at all other whole numbers. Its derivatives of any order have
/// all digits near 0, too.
Tensor sinc(const Operand& x);
Tensor deg2rad(const Operand& x);  ///< x π/180
Tensor rad2deg(const Operand& x);  ///< x 180/π

// ---- Special functions -----------------------------------------------------------------------------------

Tensor erf(const Operand& x);   ///< 2/√π ∫₀ˣ exp(-t²) dt; derivative 2/√π exp(-x²)
Tensor erfc(const Operand& x);  ///< 1 - erf(x), with all digits where that is small
/// The inverse of erf: ±inf at ±1, NaN beyond. Derivative √π/2 exp(y²).
Tensor erfinv(const Operand& x);
/// Φ(x), the distribution function of the standard normal, with all digits far below 0, too; derivative
/// exp(-x²/2)/√(2π).
Tensor ndtr(const Operand& x);
/// log |Γ(x)|, +inf at 0, -1, -2, ...; derivative digamma(x).
Tensor lgamma(const Operand& x);
/// The derivative of log Γ: NaN at -1, -2, ..., ∓inf at ±0; derivative polygamma(1, x).
Tensor digamma(const Operand& x);
/// log(Γ(a) Γ(b) / Γ(a + b)) of positive numbers, also where these are large: +inf at 0, NaN below.
/// Derivatives digamma(a) - digamma(a + b) and digamma(b) - digamma(a + b).
Tensor betaln(const Operand& a, const Operand& b);
/// P(a, x) = ∫₀ˣ tᵃ⁻¹ e⁻ᵗ dt / Γ(a), the distribution function of the gamma distribution: NaN for negative
/// numbers. Derivative in x: xᵃ⁻¹ e⁻ˣ / Γ(a). There is none in a, as in PyTorch: a GradError.
Tensor gammainc(const Operand& a, const Operand& x);
/// 1 - P(a, x), with all digits where that is small; derivative -xᵃ⁻¹ e⁻ˣ / Γ(a) in x.
Tensor gammaincc(const Operand& a, const Operand& x);
/// The inverse of ndtr: ∓inf at 0 and 1, NaN outside. Derivative √(2π) exp(y²/2).
Tensor ndtri(const Operand& x);
/// log(ndtr(x)), also where ndtr(x) is too small to be a number; derivative exp(-x²/2) / (√(2π) ndtr(x)).
Tensor log_ndtr(const Operand& x);
/// -x log(x), an element of an entropy: 0 at 0, -inf below. Derivative -1 - log(x).
Tensor entr(const Operand& x);
/// I₀(x), the modified Bessel function of the first kind; derivative I₁(x).
Tensor i0(const Operand& x);
/// I₁(x); derivative I₀(x) - I₁(x)/x.
Tensor i1(const Operand& x);
/// exp(-|x|) I₀(x), which does not overflow; derivative exp(-|x|) I₁(x) - sign(x) exp(-|x|) I₀(x), 0 at 0.
Tensor i0e(const Operand& x);
/// exp(-|x|) I₁(x); derivative exp(-|x|) (I₀(x) - I₁(x)/x - |I₁(x)|), and ½ at 0.
Tensor i1e(const Operand& x);
/// The Bessel functions of the first kind, J₀ and J₁, and of the second, Y₀ and Y₁, -inf at 0 and NaN below.
/// Derivatives -J₁(x), J₀(x) - J₁(x)/x, and Y's likewise.
Tensor bessel_j0(const Operand& x);
Tensor bessel_j1(const Operand& x);
Tensor bessel_y0(const Operand& x);
Tensor bessel_y1(const Operand& x);
/// The modified Bessel functions of the second kind, K₀ and K₁: inf at 0 and NaN below. Derivatives -K₁(x)
/// and -K₀(x) - K₁(x)/x.
Tensor modified_bessel_k0(const Operand& x);
Tensor modified_bessel_k1(const Operand& x);
/// exp(x) K₀(x) and exp(x) K₁(x), which do not become 0 for large x.
Tensor scaled_modified_bessel_k0(const Operand& x);
Tensor scaled_modified_bessel_k1(const Operand& x);
/// exp(x²) erfc(x), for large x about 1/(x √π); derivative 2x erfcx(x) - 2/√π.
Tensor erfcx(const Operand& x);
/// Hurwitz's zeta function Σ (b + k)⁻ᵃ from k = 0 on, Riemann's for a b of 1: inf for an a of 1 or a b of 0,
/// -1, ..., NaN for a < 1, and for b < 0 where a is not whole. Derivative -a ζ(a + 1, b) in b; GradError for
/// one in a.
Tensor zeta(const Operand& a, const Operand& b = 1.0);
/// The derivative of digamma of order n; n = 0 is digamma itself. std::invalid_argument for n < 0
/// or n > 1000.
Tensor polygamma(Integer n, const Operand& x);

// ---- Rounding and division
// ---------------------------------------------------------------------------------
//
// The derivatives of what is constant between jumps are 0, at the jumps as well. int64 stays.

Tensor floor(const Operand& x);  ///< the largest whole number <= x
Tensor ceil(const Operand& x);   ///< the smallest whole number >= x
Tensor trunc(const Operand& x);  ///< towards 0
/// To the nearest number with so many decimals, of two equally near ones the even one: round(2.5) is 2.
/// Negative decimals round to tens, hundreds, ...: not for int64, a DTypeError.
Tensor round(const Operand& x, Integer decimals = 0);
/// x - trunc(x), with x's sign; derivative 1. NaN of infinities. Integers become the default float.
Tensor frac(const Operand& x);
/// a - b floor(a/b), with b's sign, as Python's %. Derivatives 1 and -floor(a/b). int64 by 0 gives 0.
Tensor remainder(const Operand& a, const Operand& b);
/// a - b trunc(a/b), with a's sign, as std::fmod. Derivatives 1 and -trunc(a/b). int64 by 0 gives 0.
Tensor fmod(const Operand& a, const Operand& b);
/// floor(a/b), as Python's //. int64 by 0 gives 0, and -2⁶³ by -1 wraps around.
Tensor floor_divide(const Operand& a, const Operand& b);
/// |a| with b's sign, also that of a zero. Derivative ±1 in a, 0 at a = 0; 0 in b.
Tensor copysign(const Operand& a, const Operand& b);
/// 0 for x < 0, `values` at x = 0, 1 for x > 0, NaN for NaN. No gradient to x; to the values, where they are.
Tensor heaviside(const Operand& x, const Operand& values);
/// The larger of each pair, or the one that is not NaN; derivatives as of maximum, 0 to a NaN beside a
/// number.
Tensor fmax(const Operand& a, const Operand& b);
/// The smaller of each pair, or the one that is not NaN.
Tensor fmin(const Operand& a, const Operand& b);
/// a + weight (b - a), exactly b at weight = 1.
Tensor lerp(const Operand& a, const Operand& b, const Operand& weight);
/// a + alpha b, as PyTorch's add has it.
inline Tensor add(const Operand& a, const Operand& b, const Operand& alpha) { return add(a, mul(alpha, b)); }
/// a - alpha b.
inline Tensor sub(const Operand& a, const Operand& b, const Operand& alpha) { return sub(a, mul(alpha, b)); }

// Of whole numbers, uint8, int32 and int64, without a gradient; bool counts as 0 and 1 among them.
// DTypeError for floats.
/// The bits that both have, of bool as logical_and. The operators &, |, ^ and ~ do the same.
Tensor bitwise_and(const Operand& a, const Operand& b);
Tensor bitwise_or(const Operand& a, const Operand& b);   ///< those that one of them has, or both
Tensor bitwise_xor(const Operand& a, const Operand& b);  ///< those that just one of them has
Tensor bitwise_not(const Operand& x);  ///< those that it does not have: -1 - x; of bool as logical_not
/// a 2ᵇ, without the bits that there is no place for; 0 for b < 0.
Tensor left_shift(const Operand& a, const Operand& b);
/// a / 2ᵇ, rounded down, so -1 or 0 for a large b, and for b < 0.
Tensor right_shift(const Operand& a, const Operand& b);
/// The largest number that divides both, 0 of zeros.
Tensor gcd(const Operand& a, const Operand& b);
/// The smallest number that both divide, not negative; 0 where one is 0.
Tensor lcm(const Operand& a, const Operand& b);

// These give bool.
/// Is it NaN? bool, without a gradient.
Tensor isnan(const Operand& x);
Tensor isinf(const Operand& x);     ///< of either sign
Tensor isposinf(const Operand& x);  ///< Is it inf?
Tensor isneginf(const Operand& x);  ///< Is it -inf?
Tensor signbit(const Operand& x);   ///< Is its sign minus, also that of -0?
/// Is it neither NaN nor infinite? bool, without a gradient.
Tensor isfinite(const Operand& x);
/// NaN and infinities replaced, these by the largest and the smallest number of the dtype unless something
/// else is given. The derivative is 0 there, else 1. int64 stays.
Tensor nan_to_num(const Operand& x, double nan = 0, std::optional<double> posinf = {},
                  std::optional<double> neginf = {});

// ---- Activations
// ---------------------------------------------------------------------------------------------
//
// Values at infinities are PyTorch's: x times what vanishes is NaN at -inf.

Tensor logsigmoid(const Operand& x);  ///< log(sigmoid(x)) without overflow; derivative sigmoid(-x)
Tensor silu(const Operand& x);        ///< x sigmoid(x), also called swish
Tensor mish(const Operand& x);        ///< x tanh(softplus(x))
Tensor softsign(const Operand& x);    ///< x / (1 + |x|); derivative 1/(1 + |x|)²

Tensor tanhshrink(const Operand& x);  ///< x - tanh(x); derivative tanh(x)²
/// a sigmoid(b), where a and b are the halves of x along an axis. ShapeError where its size is odd.
Tensor glu(const Operand& x, Integer axis = -1);

/// How gelu is computed.
enum class GeluApproximation : std::uint8_t { none, tanh };
/// x Φ(x), where Φ is the distribution function of the standard normal; or its approximation
/// x/2 (1 + tanh(√(2/π) (x + 0.044715 x³))).
Tensor gelu(const Operand& x, GeluApproximation approximate = GeluApproximation::none);

Tensor elu(const Operand& x, double alpha = 1);   ///< x for x > 0, else alpha (eˣ - 1)
Tensor selu(const Operand& x);                    ///< 1.0507... elu(x, 1.6732...)
Tensor celu(const Operand& x, double alpha = 1);  ///< x for x > 0, else alpha (exp(x/alpha) - 1)
/// x for x > 0, else negative_slope x; that is the derivative at 0, too.
Tensor leaky_relu(const Operand& x, double negative_slope = 0.01);
/// x for x > 0, else weight x. The weight is one number, or one for each channel, which is axis 1 of x.
/// ShapeError for any other.
Tensor prelu(const Operand& x, const Operand& weight);
/// x held between the bounds, as by clamp, but with derivative 0 at them. std::invalid_argument where
/// low > high.
Tensor hardtanh(const Operand& x, double low = -1, double high = 1);
Tensor relu6(const Operand& x);        ///< hardtanh between 0 and 6; int64 stays
Tensor hardsigmoid(const Operand& x);  ///< relu6(x + 3) / 6
Tensor hardswish(const Operand& x);    ///< x hardsigmoid(x)
/// 0 for |x| <= lambda, else x. std::invalid_argument where lambda is negative.
Tensor hardshrink(const Operand& x, double lambda = 0.5);
/// 0 for |x| <= lambda, else x nearer to 0 by lambda. std::invalid_argument where lambda is negative.
Tensor softshrink(const Operand& x, double lambda = 0.5);
/// x where it is above the threshold, else the value; NaN stays. Derivative 1 or 0.
Tensor threshold(const Operand& x, double threshold, double value);
/// log(1 + exp(beta x)) / beta, and x itself where beta x > threshold; derivative sigmoid(beta x) or 1.
Tensor softplus(const Operand& x, double beta, double threshold = 20);

}  // namespace chainrule
