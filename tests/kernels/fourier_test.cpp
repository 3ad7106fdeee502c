// Fourier transforms against the sums in their definition: of lengths with large prime factors, and along
// axes whose lines lie in memory in different ways.

#include <numbers>

#include "chainrule/autograd.h"
#include "chainrule/fft.h"
#include "chainrule/functions.h"
#include "chainrule/indexing.h"
#include "chainrule/linalg.h"
#include "chainrule/random.h"
#include "chainrule/shaping.h"
#include "chainrule/statistics.h"
#include "support.h"

namespace chainrule::test {
namespace {

/// e^(-2πi jk/n) as cosines and sines, (n, n) each.
struct Circle {
  Tensor cosines, sines;
  explicit Circle(std::int64_t n) {
    const Tensor angles = cast(remainder(outer(arange(0, n), arange(0, n)), n), DType::float64) *
                          (2 * std::numbers::pi / static_cast<double>(n));
    cosines = cos(angles);
    sines = -sin(angles);
  }
  /// Of pairs along the first of two axes.
  Tensor transform(const Tensor& pairs) const {
    const Tensor x = cast(pairs, DType::float64), real = select(x, -1, 0), imaginary = select(x, -1, 1);
    return stack(
        {matmul(cosines, real) - matmul(sines, imaginary), matmul(cosines, imaginary) + matmul(sines, real)},
        -1);
  }
};

/// Relative to the largest.
void expect_near(const Tensor& found, const Tensor& expected, const char* what, std::int64_t n) {
  ASSERT_EQ(found.shape(), expected.shape());
  const double error = max(abs(cast(found, DType::float64) - expected)).item(),
               scale = max(abs(expected)).item();
  EXPECT_LE(error, scale * (found.dtype() == DType::float32 ? 2e-6 : 2e-15)) << what << ' ' << n;
}

TEST(FourierTransforms, are_their_sums_for_lengths_with_large_factors_along_any_axis) {
  Generator generator(seed());
  PRINT_SEED_ON_FAILURE();
  for (const DType dtype : {DType::float32, DType::float64})
    for (const std::int64_t n : {1, 2, 5, 15, 29, 31, 37, 62, 97, 99, 262, 331, 961})
      for (const std::int64_t lines : {1, 3, 9}) {
        const Circle circle(n);
        const Tensor x = randn({n, lines, 2}, generator, dtype), real = select(x, -1, 0);
        const Tensor all = circle.transform(x), half = circle.transform(stack({real, zeros_like(real)}, -1));
        const Index some = Slice{0, n / 2 + 1};
        expect_near(fft(x, {}, 0), all, "fft", n);
        expect_near(ifft(fft(x, {}, 0), {}, 0), cast(x, DType::float64), "ifft", n);
        expect_near(rfft(real, {}, 0), half[{some}], "rfft", n);
        expect_near(irfft(rfft(real, {}, 0), n, 0), cast(real, DType::float64), "irfft", n);
        // The same lines, to the bit, where each is in one piece.
        EXPECT_TRUE(array_equal(swapaxes(fft(swapaxes(x, 0, 1)), 0, 1), fft(x, {}, 0))) << n;
        EXPECT_TRUE(array_equal(swapaxes(rfft(transpose(real)), 0, 1), rfft(real, {}, 0))) << n;
        const Tensor y = rfft(real, {}, 0);
        EXPECT_TRUE(array_equal(transpose(irfft(swapaxes(y, 0, 1), n)), irfft(y, n, 0))) << n;
      }
}

TEST(FourierTransforms, do_not_read_the_imaginary_parts_at_the_ends_and_write_into_no_input) {
  for (const std::int64_t n : {6, 7, 62, 31, 1000, 2310, 4096}) {
    const Tensor y = rfft(cos(cast(arange(0, n), DType::float64) * 1.7));
    const Tensor other = put(flatten(y), {1}, 5.0);
    const Tensor others = n % 2 == 0 ? put(other, {-1}, 7.0) : other, pairs = reshape(others, y.shape());
    const std::vector<double> before = values(pairs);
    EXPECT_TRUE(array_equal(irfft(pairs, n), irfft(y, n))) << n;
    EXPECT_EQ(values(pairs), before) << n;
    EXPECT_EQ(before[1], 5);
  }
}

}  // namespace
}  // namespace chainrule::test
