/// \file
/// Random numbers: a generator whose numbers are the same on every machine, and tensors of them.
/// Distributions with parameters and gradients are in distributions.h.

#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "chainrule/detail/api.h"
#include "chainrule/tensor.h"

namespace CHAINRULE_API chainrule {

namespace detail {

/// The Mersenne twister MT19937-64, number for number as std::mt19937_64 (whose header costs compile time).
/// Source: Matsumoto and Nishimura, 1998 and 2004.
class MersenneTwister {
 public:
  explicit MersenneTwister(std::uint64_t seed);
  /// Uniform on all of 64 bits.
  std::uint64_t operator()() {
    if (next_ == state_.size()) refill();
    return tempered(state_[next_++]);
  }
  /// What is made of a number of the state.
  static std::uint64_t tempered(std::uint64_t number) {
    number ^= number >> 29 & 0x5555555555555555;
    number ^= number << 17 & 0x71d67fffeda60000;
    number ^= number << 37 & 0xfff7eee000000000;
    return number ^ number >> 43;
  }
  /// The next ones, as many at once.
  void fill(std::span<std::uint64_t> numbers);

 private:
  void refill();
  std::array<std::uint64_t, 312> state_;
  std::size_t next_ = state_.size();
};

}  // namespace detail

/// A reproducible source of random numbers: the same seed gives the same numbers on every platform.
/// Threads: one at a time may draw from a generator; several threads want one each, with seeds of their own.
class Generator {
 public:
  /// Numbers that this seed decides.
  explicit Generator(std::uint64_t seed = 0) : engine_(seed) {}
  /// Uniform on [0, 1).
  double uniform() { return static_cast<double>(engine_() >> 11) * 0x1p-53; }
  /// Standard normal, by the Box-Muller transform.
  double normal();
  /// Uniform on 0 .. bound - 1, without bias.
  std::int64_t below(Integer bound);

  /// As many at once, the same as one after the other, in less time.
  void uniform(std::span<double> numbers);
  /// As many at once, rounded to float32. (In one of 10⁸ the rounding may differ from that of normal(), and
  /// on processors without multiply-add.)
  void normal(std::span<float> numbers);
  /// As many at once, the same as one after the other.
  void below(std::int64_t bound, std::span<std::int64_t> numbers);

 private:
  detail::MersenneTwister engine_;
  std::optional<double> spare_;
};

/// What random operations do inside vmap.
enum class Randomness : std::uint8_t {
  error,      ///< they are refused
  same,       ///< every sample sees the same numbers
  different,  ///< each its own
};

/// Uniform on [0, 1).
Tensor rand(const Shape& shape, Generator& generator, DType dtype = default_dtype(), Here here = Here::now());
/// Standard normal.
Tensor randn(const Shape& shape, Generator& generator, DType dtype = default_dtype(),
             Here here = Here::now());
/// 0 .. count - 1 in random order, int64.
Tensor randperm(Integer count, Generator& generator, Here here = Here::now());

}  // namespace chainrule
