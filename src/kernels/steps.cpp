// Loops that write memory and read none. Compiled for each instruction set: half of a cache line at a time
// takes half as long again.

#include "kernels/steps.h"

#include <algorithm>
#include <cstring>

#include "chainrule/simd.h"

namespace chainrule::kernels {
namespace {

constexpr std::int64_t line_bytes = 64;

struct FillLoop {
  /// Whole lines. What the elements are does not matter.
  template <int Bytes>
  static void run(const float* line, float* out, std::int64_t lines) {
    using P = simd::Pack<float, Bytes / 4>;
    constexpr std::int64_t floats = line_bytes / 4;
    const P pack = P::load(line);
    for (std::int64_t i = 0; i < lines * floats; i += P::lanes) pack.store(out + i);
  }
};

template <class T>
struct StepsLoop {
  /// In parts, within which an int counts.
  template <int>
  static void run(T* __restrict out, std::int64_t count, double start, double first, double step) {
    constexpr std::int64_t most = 1 << 20;
    for (std::int64_t done = 0; done < count; done += most, out += most, first += most) {
      const int part = static_cast<int>(std::min(most, count - done));
      for (int i = 0; i < part; ++i) out[i] = static_cast<T>(start + (first + i) * step);
    }
  }
};

}  // namespace

void fill(void* out, std::int64_t count, const void* element, std::size_t item) {
  alignas(line_bytes) std::byte line[line_bytes];
  for (std::size_t at = 0; at < sizeof line; at += item) std::memcpy(line + at, element, item);
  const std::int64_t bytes = count * static_cast<std::int64_t>(item), lines = bytes / line_bytes;
  simd::vectorized<FillLoop, const float*, float*, std::int64_t>(reinterpret_cast<const float*>(line),
                                                                 static_cast<float*>(out), lines);
  std::memcpy(static_cast<std::byte*>(out) + lines * line_bytes, line,
              static_cast<std::size_t>(bytes - lines * line_bytes));
}

void fill_steps(float* out, std::int64_t count, double start, double first, double step) {
  simd::vectorized<StepsLoop<float>>(out, count, start, first, step);
}
void fill_steps(double* out, std::int64_t count, double start, double first, double step) {
  simd::vectorized<StepsLoop<double>>(out, count, start, first, step);
}

}  // namespace chainrule::kernels
