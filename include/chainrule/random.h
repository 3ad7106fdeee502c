#pragma once

#include <random>

#include "chainrule/detail/api.h"
#include "chainrule/tensor.h"

namespace CHAINRULE_API chainrule {

/// A reproducible source of random numbers: the same seed gives the same numbers on every platform.
class Generator {
 public:
  explicit Generator(std::uint64_t seed = 0) : engine_(seed) {}
  /// Uniform on [0, 1).
  double uniform() { return static_cast<double>(engine_() >> 11) * 0x1p-53; }
  /// Standard normal, by the Box-Muller transform.
  double normal();
  /// Uniform on 0 .. bound - 1, without bias.
  std::int64_t below(std::int64_t bound);

 private:
  std::mt19937_64 engine_;
  std::optional<double> spare_;
};

Tensor rand(const Shape& shape, Generator& generator, DType dtype = default_dtype());   ///< uniform on [0, 1)
Tensor randn(const Shape& shape, Generator& generator, DType dtype = default_dtype());  ///< standard normal
/// 0 .. count - 1 in random order, int64.
Tensor randperm(std::int64_t count, Generator& generator);

}  // namespace chainrule
