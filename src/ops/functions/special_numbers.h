// Special functions of one number that the C library does not have, to a few units in the last place. For
// operations, and for tests of them.

#pragma once

namespace chainrule::special {

/// exp(-x²), with all digits where x² has lost some.
double gaussian(double x);
/// exp(-x²/2), likewise.
double half_gaussian(double x);
/// Φ(x), the distribution function of the standard normal.
double normal_cdf(double x);
/// x Φ(x).
double gelu(double x);
/// The derivative of exp(-share x²) of order n, for a share of 1 or ½.
double hermite_gaussian(double share, int order, double x);
/// The inverse of erf, and its derivative.
double erfinv(double x);
double erfinv_slope(double x);
/// The inverse of normal_cdf, and its derivative.
double normal_quantile(double x);
double normal_quantile_slope(double x);
/// log(normal_cdf(x)), and its first and second derivative.
double log_normal_cdf(double x);
double log_normal_cdf_slope(double x);
double log_normal_cdf_curve(double x);
/// log |Γ(x)|. std::lgamma writes to a global variable as well.
double lgamma(double x);
double digamma(double x);
/// The derivative of digamma of order n >= 1.
double polygamma(int n, double x);
/// The incomplete gamma functions P(a, x) and 1 - P(a, x), and the density xᵃ⁻¹ e⁻ˣ / Γ(a).
double gammainc(double a, double x);
double gammaincc(double a, double x);
double gamma_density(double a, double x);
/// log(Γ(a) Γ(b) / Γ(a + b)) for positive numbers.
double betaln(double a, double b);
/// The derivative of Iₙ(x), or of exp(-|x|) Iₙ(x), for an n of 0 or 1, of order >= 0.
double bessel_i(int n, int order, bool scaled, double x);
/// The derivative of Kₙ(x), or of exp(x) Kₙ(x), likewise, for x >= 0.
double bessel_k(int n, int order, bool scaled, double x);
/// The derivative of Jₙ(x), or of Yₙ(x), for an n of 0 or 1, of order >= 0.
double bessel_jy(bool second_kind, int n, int order, double x);
/// The derivative of exp(x²) erfc(x) of order n >= 0.
double erfcx(int n, double x);
/// Σ (q + k)⁻ˢ over k = 0, 1, 2, ...
double zeta(double s, double q);
/// The derivative of sin(πx)/(πx) of order n >= 0.
double sinc(int n, double x);

}  // namespace chainrule::special
