// The step of Adam as a hand-written loop. On its own, as it is compiled with square roots that set no errno,
// without which the compiler cannot make vectors of them.

#include <cmath>
#include <cstdint>

#include "inputs.h"

namespace bench::floor {

void adam_step(std::int64_t n, float* __restrict x, const float* __restrict gradient, float* __restrict first,
               float* __restrict second, float rate, float scale) {
  constexpr auto beta1 = static_cast<float>(AdamInputs::beta1), beta2 = static_cast<float>(AdamInputs::beta2),
                 epsilon = static_cast<float>(AdamInputs::epsilon);
  for (std::int64_t i = 0; i < n; ++i) {
    first[i] = beta1 * first[i] + (1 - beta1) * gradient[i];
    second[i] = beta2 * second[i] + (1 - beta2) * gradient[i] * gradient[i];
    x[i] -= rate * first[i] / (scale * std::sqrt(second[i]) + epsilon);
  }
}

}  // namespace bench::floor
