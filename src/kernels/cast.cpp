// Elements of one type as another. Types that operations compute in, and what is only stored and one of them,
// have loops for each instruction set; the rest takes two of these. What is large waits for who reads it.
// Relies on chainrule::convert for what each number becomes.

#include "kernels/cast.h"

#include <bit>
#include <limits>
#include <memory>
#include <span>

#include "chainrule/halves.h"
#include "chainrule/simd.h"
#include "kernels/elementwise_pass.h"
#include "kernels/repeated.h"

namespace chainrule::kernels {
namespace {

/// The Half nearest to x, as Half(x) finds it, without a branch.
template <class Half, class Float>
constexpr Half nearest_half(Float x) {
  using Limits = std::numeric_limits<Half>;
  using Bits = std::conditional_t<sizeof(Float) == 4, std::uint32_t, std::uint64_t>;
  constexpr int fraction = std::numeric_limits<Float>::digits - 1, dropped = fraction + 1 - Limits::digits,
                width = 8 * sizeof(Float);
  constexpr auto bits_of = [](Float number) { return std::bit_cast<Bits>(number); };
  constexpr Bits infinity = Limits::infinity().bits(), quiet_nan = Limits::quiet_NaN().bits(),
                 least_normal = bits_of(Limits::min()),
                 all_exponents = bits_of(std::numeric_limits<Float>::infinity());
  const Bits bits = bits_of(x), size = bits & (~Bits{0} >> 1);
  // Half of the last place that stays, less one where that is even, carries over into it.
  const Bits rounded = (size + ((Bits{1} << (dropped - 1)) - 1) + (size >> dropped & 1)) >> dropped;
  Bits half = rounded;
  if constexpr (Limits::min_exponent != std::numeric_limits<Float>::min_exponent) {
    // Where a sum is of the size of `unit`, its last place is that of the smallest Half, and the sum rounds.
    constexpr auto unit = std::bit_cast<Float>(bits_of(Limits::denorm_min()) + (Bits{fraction} << fraction));
    const Bits subnormal = bits_of(std::bit_cast<Float>(size) + unit) - bits_of(unit);
    half -= (least_normal >> dropped) - (Bits{1} << (Limits::digits - 1));
    half = size < least_normal ? subnormal : half;
  }
  half = half > infinity ? infinity : half;
  half = size > all_exponents ? quiet_nan : half;
  return Half::from_bits(static_cast<std::uint16_t>(half | (bits >> (width - 16) & 0x8000U)));
}

/// Left to the compiler.
template <class From, class To>
struct CastLoop {
  template <int>
  static void run(const void* all_from, std::int64_t n, void* all_to) {
    // Of truth values the bytes, which g++ 12 can convert in packs.
    using Read = std::conditional_t<std::is_same_v<From, bool>, std::uint8_t, From>;
    const Read* __restrict const from = static_cast<const Read*>(all_from);
    To* __restrict const to = static_cast<To*>(all_to);
    for (std::int64_t i = 0; i < n; ++i)
      if constexpr (std::is_floating_point_v<From> && !Number<To>)
        to[i] = nearest_half<To>(from[i]);
      else if constexpr (std::is_same_v<From, BFloat16> && std::is_same_v<To, float>)
        to[i] = std::bit_cast<float>(static_cast<std::uint32_t>(from[i].bits()) << 16);
      else
        to[i] = convert<To>(from[i]);
  }
};
using Cast = void(const void* from, std::int64_t n, void* to);

/// Null where there is none: of one type, of two that are only stored, of bool and one of these, and of
/// halves and what they are not stored as. But a double is to be rounded to a half once, and not to a float
/// before.
template <class From, class To>
constexpr Cast* loop_between() {
  constexpr DType from = dtype_of<From>, to = dtype_of<To>;
  constexpr bool from_stored = is_only_stored(from), to_stored = is_only_stored(to);
  if constexpr (from == to || (from_stored && to_stored) || (from_stored && to == DType::boolean) ||
                (!Number<From> && to != DType::float32) || (!Number<To> && !is_floating(from)) ||
                (to_stored && from == DType::boolean))
    return nullptr;
  else
    return simd::vectorized<CastLoop<From, To>, const void*, std::int64_t, void*>;
}
Cast* loop_between(DType from, DType to) {
  return dispatch_stored(from, [=]<class From>() {
    return dispatch_stored(to, []<class To>() -> Cast* { return loop_between<From, To>(); });
  });
}

/// What loses nothing between two types without a loop.
DType between(DType from, DType to) {
  if (from == DType::boolean || to == DType::boolean) return computed_in(from == DType::boolean ? to : from);
  return is_floating(from) ? DType::float32 : is_floating(to) ? DType::float64 : DType::int64;
}

/// Where there are many elements, others may compute with them before all are in memory.
class CastPass final : public Elementwise {
 public:
  CastPass(const Array& x, DType dtype, Cast* loop)
      : x_(x), dtype_(dtype), item_(static_cast<std::int64_t>(item_size(x.dtype()))), loop_(loop) {
    kind.is_cheap = true;
    passes = 1 + detail::passes_before(x_, x_.size(), 1);
  }
  void run(std::int64_t begin, std::int64_t end, const std::byte* const* bases, void* out,
           const std::byte*) const override {
    loop_(bases[0] + begin * item_, end - begin, out);
  }
  std::span<const Array> operands() const override { return {&x_, 1}; }
  std::int64_t size() const override { return x_.size(); }
  DType dtype() const override { return dtype_; }

 private:
  Array x_;
  DType dtype_;
  std::int64_t item_;
  Cast* loop_;
};

}  // namespace

void cast(DType from, const void* elements, std::int64_t count, DType to, void* out) {
  loop_between(from, to)(elements, count, out);
}

Array cast(const Array& x, DType dtype) {
  if (x.dtype() == dtype) return x;
  if (const auto part = repeated_part(x)) return repeated(cast(*part, dtype), x.shape());
  Cast* const loop = loop_between(x.dtype(), dtype);
  if (loop == nullptr) return cast(cast(x, between(x.dtype(), dtype)), dtype);
  if (x.size() >= large) {
    // A chain through halves takes two to three times as long in one pass as in one for each operation.
    if (is_only_stored(x.dtype()) && is_floating(x.dtype())) (void)x.raw();
    return {x.shape(), dtype, std::make_unique<CastPass>(x, dtype, loop)};
  }
  Array out(x.shape(), dtype);
  loop(x.raw(), x.size(), out.mutable_raw());
  return out;
}

}  // namespace chainrule::kernels
