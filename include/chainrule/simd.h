// One small SIMD type, for the library's own loops and for `map`: formulas are written once and compiled for
// every width. Relies on the compiler's vector extensions; functions are in detail/simd_functions.h.

#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>
#include <utility>

#include "chainrule/detail/api.h"
#include "chainrule/dtype.h"

/// One small SIMD type, for the library's own loops and for `map`. It is made of the compiler's vector
/// extensions, so that one generic formula becomes code for every instruction set: see vectorized(). Packs
/// are only ever passed to functions that are inlined, so g++'s notes on how they are passed (-Wpsabi) do not
/// apply.

namespace chainrule::simd {

/// The whole number as large as T.
template <class T>
using IntegerFor = std::conditional_t<sizeof(T) == 4, std::int32_t, std::int64_t>;

#define CHAINRULE_TARGET_AVX2 "avx2,fma"
#define CHAINRULE_TARGET_AVX512 "avx512f,avx512dq,avx512bw,avx512vl,avx2,fma"

namespace detail {

// The compilers disagree about the type of a mask.
#ifdef __clang__
inline constexpr std::uint16_t all_lanes = 0xFFFF;
#else
inline constexpr std::int16_t all_lanes = -1;
#endif

/// The operations on vectors of a number of bytes.
template <class T, int Bytes>
struct Vectors;

#define CHAINRULE_SIMD_BYTES 16
#define CHAINRULE_SIMD_TARGET
#include "chainrule/detail/simd_vectors.h"
#if defined(__x86_64__)
#define CHAINRULE_SIMD_BYTES 32
#define CHAINRULE_SIMD_TARGET [[gnu::target(CHAINRULE_TARGET_AVX2)]]
#include "chainrule/detail/simd_vectors.h"
#define CHAINRULE_SIMD_BYTES 64
#define CHAINRULE_SIMD_TARGET [[gnu::target(CHAINRULE_TARGET_AVX512)]]
#include "chainrule/detail/simd_vectors.h"
#endif

}  // namespace detail

template <class T, int N>
struct Pack;

/// One integer per lane, as wide as T: the bits of its numbers, and truth values (all bits set or none).
template <class T, int N>
struct Integers {
  /// How vectors of this width are computed with.
  using V = detail::Vectors<T, N* static_cast<int>(sizeof(T))>;
  /// The whole number of a lane.
  using Bits = IntegerFor<T>;
  /// The lanes.
  typename V::BitVector v;

  Integers() = default;
  /// The same in each lane.
  Integers(Bits number) { V::spread(v, number); }  // NOLINT
  /// Truth values, from and to memory.
  static Integers load(const bool* from) {
    Integers result;
    V::load(result.v, from);
    return result;
  }
  /// Truth values to memory.
  void store(bool* to) const { V::store(v, to); }

  friend Integers operator+(const Integers& a, const Integers& b) { return of(V::add, a, b); }
  friend Integers operator-(const Integers& a, const Integers& b) { return of(V::sub, a, b); }
  friend Integers operator&(const Integers& a, const Integers& b) { return of(V::both, a, b); }
  friend Integers operator|(const Integers& a, const Integers& b) { return of(V::either, a, b); }
  friend Integers operator==(const Integers& a, const Integers& b) { return of(V::equal, a, b); }
  friend Integers operator!(const Integers& a) {
    Integers result;
    V::invert(result.v, a.v);
    return result;
  }
  /// Each lane's bits moved left.
  template <int Count>
  Integers left() const {
    Integers result;
    V::template left<Count>(result.v, v);
    return result;
  }
  /// Each lane's bits moved right.
  template <int Count>
  Integers right() const {
    Integers result;
    V::template right<Count>(result.v, v);
    return result;
  }
  /// The lanes as whole numbers, converted.
  Pack<T, N> as_numbers() const {
    Pack<T, N> result;
    V::number_of(result.v, v);
    return result;
  }
  friend bool any(const Integers& a) { return V::any(a.v); }
  /// Lane by lane, a where the mask holds, else b.
  friend Pack<T, N> where(const Integers& mask, const Pack<T, N>& a, const Pack<T, N>& b) {
    Pack<T, N> result;
    V::select(result.v, mask.v, a.v, b.v);
    return result;
  }

 private:
  using Operation = void(typename V::BitVector&, const typename V::BitVector&, const typename V::BitVector&);
  static Integers of(Operation operation, const Integers& a, const Integers& b) {
    Integers result;
    operation(result.v, a.v, b.v);
    return result;
  }
};

/// Calls f with that number of halves which the exponent is, as a constant; false where it is none of them.
template <int... Halves, class F>
bool with_halves(double exponent, const F& f) {
  const double twice = exponent + exponent;
  return ((twice == Halves && (f(std::integral_constant<int, Halves>()), true)) || ...);
}

/// N numbers of type float or double.
template <class T, int N>
struct Pack {
  /// float or double.
  using Element = T;
  /// How vectors of this width are computed with.
  using V = detail::Vectors<T, N* static_cast<int>(sizeof(T))>;
  /// A truth value for each lane.
  using Mask = Integers<T, N>;
  /// How many numbers there are.
  static constexpr int lanes = N;
  /// The lanes.
  typename V::Vector v;

  Pack() = default;
  /// The same in each lane.
  template <Number S>
  Pack(S number) {  // NOLINT: as C++ numbers mix with floats
    V::spread(v, static_cast<T>(number));
  }

  /// From memory, aligned or not.
  static Pack load(const T* from) {
    Pack pack;
    V::load(pack.v, from);
    return pack;
  }
  /// To memory, aligned or not.
  void store(T* to) const { V::store(v, to); }
  /// As it would come back from memory: a product is rounded, not made part of a multiply-add.
  Pack rounded() const {
    Pack pack = *this;
    V::make_opaque(pack.v);
    return pack;
  }
  /// The first `count` lanes; the others repeat the first element, on which any function is defined.
  static Pack load_part(const T* from, std::int64_t count) {
    T elements[std::size_t{N}];
    for (int i = 0; i < N; ++i) elements[i] = from[i < count ? i : 0];
    return load(elements);
  }
  /// The first `count` lanes.
  void store_part(T* to, std::int64_t count) const {
    if (count == N) return store(to);
    T elements[std::size_t{N}];
    store(elements);
    for (std::int64_t i = 0; i < count; ++i) to[i] = elements[i];
  }

  /// Is there look_up?
  static constexpr bool has_look_up = V::has_look_up;
  /// In each lane the number of the table at the last five bits of its index.
  static Pack look_up(const T (&table)[32], const Mask& index) {
    Pack result;
    V::look_up(result.v, table, index.v);
    return result;
  }

  /// Is there whole()?
  static constexpr bool has_whole = V::has_whole;
  /// In each lane the nearest whole number, the even one of two (0), or the one below (1), above (2) or
  /// towards 0 (3), with the sign of the lane.
  template <int Direction>
  Pack whole() const {
    Pack result;
    V::template whole<Direction>(result.v, v);
    return result;
  }

  /// Each lane changes places with the one at its index with the bit Distance flipped.
  template <int Distance>
  Pack exchanged() const {
    Pack result;
    V::template exchange<Distance>(result.v, v, std::make_integer_sequence<int, N>());
    return result;
  }

  /// In two packs, the lanes of the first with the bit Distance set and those of the second without it change
  /// places: a step of transposing a matrix.
  template <int Distance>
  static void swap_lanes(Pack& a, Pack& b) {
    const Pack before = a;
    V::template swap_lanes<Distance, false>(a.v, before.v, b.v, std::make_integer_sequence<int, N>());
    V::template swap_lanes<Distance, true>(b.v, before.v, b.v, std::make_integer_sequence<int, N>());
  }

  /// Every Count-th lane of as many packs side by side, from lane K on,
  template <int Count, int K>
  static Pack every(const Pack (&packs)[std::size_t{Count}]) {
    Pack result = packs[0];
    [&]<int... Q>(std::integer_sequence<int, Q...>) {
      (V::template every<Count, K, Q>(result.v, packs[Q].v, std::make_integer_sequence<int, Pack::lanes>()),
       ...);
    }
    (std::make_integer_sequence<int, Count>());
    return result;
  }
  /// and the reverse: pack Q of those whose lanes are taken from as many in turns.
  template <int Count, int Q>
  static Pack in_turns(const Pack (&packs)[std::size_t{Count}]) {
    Pack result = packs[0];
    [&]<int... K>(std::integer_sequence<int, K...>) {
      (V::template in_turns<Count, Q, K>(result.v, packs[K].v,
                                         std::make_integer_sequence<int, Pack::lanes>()),
       ...);
    }
    (std::make_integer_sequence<int, Count>());
    return result;
  }

  /// The bits of the numbers.
  Mask bits() const {
    Mask result;
    V::bits_of(result.v, v);
    return result;
  }
  /// Numbers of these bits.
  static Pack from_bits(const Mask& bits) {
    Pack result;
    V::from_bits(result.v, bits.v);
    return result;
  }

  friend Pack operator+(const Pack& a, const Pack& b) { return of(V::add, a, b); }
  friend Pack operator-(const Pack& a, const Pack& b) { return of(V::sub, a, b); }
  friend Pack operator*(const Pack& a, const Pack& b) { return of(V::mul, a, b); }
  friend Pack operator/(const Pack& a, const Pack& b) { return of(V::div, a, b); }
  friend Pack operator-(const Pack& a) {
    Pack result;
    V::neg(result.v, a.v);
    return result;
  }
  friend Pack operator+(const Pack& a) { return a; }
  /// Lane by lane.
  Pack& operator+=(const Pack& b) { return *this = *this + b; }
  /// Lane by lane.
  Pack& operator-=(const Pack& b) { return *this = *this - b; }
  /// Lane by lane.
  Pack& operator*=(const Pack& b) { return *this = *this * b; }
  /// Lane by lane.
  Pack& operator/=(const Pack& b) { return *this = *this / b; }

  friend Mask operator<(const Pack& a, const Pack& b) { return of(V::less, a, b); }
  friend Mask operator<=(const Pack& a, const Pack& b) { return of(V::less_equal, a, b); }
  friend Mask operator>(const Pack& a, const Pack& b) { return b < a; }
  friend Mask operator>=(const Pack& a, const Pack& b) { return b <= a; }
  friend Mask operator==(const Pack& a, const Pack& b) { return of(V::equal, a, b); }
  friend Mask operator!=(const Pack& a, const Pack& b) { return !(a == b); }

  // Friends, so that a literal may be one of the two. NaN if either is.
  friend Pack maximum(const Pack& a, const Pack& b) { return where(a != a, a, larger(a, b)); }
  friend Pack minimum(const Pack& a, const Pack& b) { return where(a != a, a, smaller(a, b)); }
  /// a where it is greater (less), else b, also where either is NaN: one instruction on x86.
  friend Pack larger(const Pack& a, const Pack& b) { return of(V::larger, a, b); }
  friend Pack smaller(const Pack& a, const Pack& b) { return of(V::smaller, a, b); }
  /// a to the power b. The exponents that people write most, and those of their derivatives, cost
  /// multiplications, a quotient or a root, where all lanes have the same.
  friend Pack pow(const Pack& a, const Pack& b) {
    Pack power;
    const bool has_form =
        b.is_one_number() && with_halves<4, 6, 1, -1, 2, -2, 3, -3, -4, -6, 8>(
                                 b.v[0], [&](auto halves) { power = power_of_halves<halves>(a); });
    return has_form ? power : any_power(a, b);
  }
  /// Is it the same number in all lanes? The compiler finds it out of a constant.
  bool is_one_number() const {
    const bool is_one = [&]<int... I>(std::integer_sequence<int, I...>) { return ((v[I] == v[0]) && ...); }
    (std::make_integer_sequence<int, N>());
    return __builtin_constant_p(is_one) ? is_one : !any(*this != Pack(v[0]));
  }
  /// For what has no formula of its own.
  template <class F, class... P>
  static Pack lane_by_lane(F f, const P&... packs) {
    T elements[std::size_t{N}];
    for (int i = 0; i < N; ++i) elements[i] = f(packs.v[i]...);
    return load(elements);
  }

 private:
  using Vector = typename V::Vector;
  static Pack of(void operation(Vector&, const Vector&, const Vector&), const Pack& a, const Pack& b) {
    Pack result;
    operation(result.v, a.v, b.v);
    return result;
  }
  static Mask of(void operation(typename V::BitVector&, const Vector&, const Vector&), const Pack& a,
                 const Pack& b) {
    Mask result;
    operation(result.v, a.v, b.v);
    return result;
  }
};

// ---- Choosing the instruction set ----------------------------------------------------------------------

/// What loops are compiled for.
enum class InstructionSet : std::uint8_t { baseline, avx2, avx512 };
/// The best one of this machine, unless the environment variable CHAINRULE_ISA says baseline, avx2 or
/// avx512. Read once.
CHAINRULE_API InstructionSet instruction_set();

namespace detail {

// Everything that Loop calls is inlined into these ("flatten"), and so compiled for their target.
#if defined(__x86_64__)
template <class Loop, class... Arguments>
[[gnu::target(CHAINRULE_TARGET_AVX512), gnu::flatten]] void with_avx512(Arguments... arguments) {
  Loop::template run<64>(arguments...);
}
template <class Loop, class... Arguments>
[[gnu::target(CHAINRULE_TARGET_AVX2), gnu::flatten]] void with_avx2(Arguments... arguments) {
  Loop::template run<32>(arguments...);
}
#endif
template <class Loop, class... Arguments>
[[gnu::flatten]] void with_baseline(Arguments... arguments) {
  Loop::template run<16>(arguments...);
}

}  // namespace detail

/// A loop that is compiled for each instruction set, for another one to call, which is so as well.
template <class... Arguments>
struct CompiledLoop {
  /// It, with packs of so many bytes.
  using Run = void (*)(Arguments...);
  Run with_16, with_32, with_64;  ///< bytes in a pack

  /// Of this one.
  template <class Loop>
  static constexpr CompiledLoop of() {
    constexpr Run baseline = detail::with_baseline<Loop, Arguments...>;
#if !defined(__x86_64__)
    return {baseline, baseline, baseline};
#elif defined(CHAINRULE_WITHOUT_AVX512)
    constexpr Run avx2 = detail::with_avx2<Loop, Arguments...>;
    return {baseline, avx2, avx2};
#else
    return {baseline, detail::with_avx2<Loop, Arguments...>, detail::with_avx512<Loop, Arguments...>};
#endif
  }
  /// The one for such packs.
  template <int Bytes>
  Run with() const {
    return Bytes == 64 ? with_64 : Bytes == 32 ? with_32 : with_16;
  }
  /// The one that vectorized() would call here.
  Run chosen() const {
    switch (instruction_set()) {
      case InstructionSet::avx512: return with_64;
      case InstructionSet::avx2: return with_32;
      default: return with_16;
    }
  }
};

/// Loop::run<Bytes>(arguments...), compiled for packs of 64, 32 and 16 bytes with the instructions for
/// them, whatever the flags of the program; the machine decides which one runs.
template <class Loop, class... Arguments>
void vectorized(Arguments... arguments) {
#if defined(__x86_64__)
  switch (instruction_set()) {
    case InstructionSet::avx512:
#ifdef CHAINRULE_WITHOUT_AVX512  // to compile sooner, with sanitizers
      [[fallthrough]];
#else
      return detail::with_avx512<Loop>(arguments...);
#endif
    case InstructionSet::avx2: return detail::with_avx2<Loop>(arguments...);
    case InstructionSet::baseline: break;
  }
#endif
  detail::with_baseline<Loop>(arguments...);
}

}  // namespace chainrule::simd

#include "chainrule/detail/simd_functions.h"
