// Normal numbers from uniform ones, in packs of pairs.

#include "kernels/box_muller.h"

#include <algorithm>
#include <numbers>

#include "chainrule/simd.h"

namespace chainrule::kernels {
namespace {

struct BoxMullerLoop {
  template <int Bytes>
  static void run(std::int64_t pairs, const double* uniform, float* normal) {
    using P = simd::Pack<double, Bytes / 8>;
    constexpr std::int64_t lanes = P::lanes;
    double in[2 * lanes] = {}, out[2 * lanes];
    for (std::int64_t done = 0; done < pairs; done += lanes) {
      const std::int64_t count = 2 * std::min(lanes, pairs - done);
      std::copy_n(uniform + 2 * done, count, in);
      const P both[2] = {P::load(in), P::load(in + lanes)};
      const P first = P::template every<2, 0>(both), second = P::template every<2, 1>(both);
      const P radius = sqrt(P(-2) * log(P(1) - first)), angle = P(2 * std::numbers::pi) * second;
      const P results[2] = {radius * cos(angle), radius * sin(angle)};
      P::template in_turns<2, 0>(results).store(out);
      P::template in_turns<2, 1>(results).store(out + lanes);
      std::copy_n(out, count, normal + 2 * done);
    }
  }
};

}  // namespace

void box_muller(std::int64_t pairs, const double* uniform, float* normal) {
  simd::vectorized<BoxMullerLoop>(pairs, uniform, normal);
}

}  // namespace chainrule::kernels
