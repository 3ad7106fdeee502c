// Included by simd.h once per instruction set, with CHAINRULE_SIMD_BYTES and CHAINRULE_SIMD_TARGET set.
//
// The compiler takes operations on wide vectors apart as soon as it has parsed a function, for the
// target of that function. So each operation is a function of its own, compiled for the right target,
// and generic code in between, as a user's formula, only passes packs on.

template <class T>
struct Vectors<T, CHAINRULE_SIMD_BYTES> {
  using Bits = IntegerFor<T>;
  static constexpr int lanes = CHAINRULE_SIMD_BYTES / static_cast<int>(sizeof(T));
  // NOLINTBEGIN(modernize-use-using): attributes of vectors that depend on T
#if !defined(__OPTIMIZE__) && !defined(__clang__)
  // Where nothing is inlined, g++ 12 aligns temporaries only to what the target of the function has.
  typedef T Vector __attribute__((vector_size(CHAINRULE_SIMD_BYTES), aligned(16)));
  typedef Bits BitVector __attribute__((vector_size(CHAINRULE_SIMD_BYTES), aligned(16)));
#else
  typedef T Vector __attribute__((vector_size(CHAINRULE_SIMD_BYTES)));
  typedef Bits BitVector __attribute__((vector_size(CHAINRULE_SIMD_BYTES)));
#endif
  typedef std::make_unsigned_t<Bits> Unsigned __attribute__((vector_size(CHAINRULE_SIMD_BYTES)));
  typedef T Unaligned __attribute__((vector_size(CHAINRULE_SIMD_BYTES), aligned(alignof(T)), may_alias));
  typedef long long Quads __attribute__((vector_size(CHAINRULE_SIMD_BYTES)));
  // NOLINTEND(modernize-use-using)

  CHAINRULE_SIMD_TARGET static void load(Vector& to, const T* from) {
    to = *reinterpret_cast<const Unaligned*>(from);
  }
  CHAINRULE_SIMD_TARGET static void store(const Vector& v, T* to) { *reinterpret_cast<Unaligned*>(to) = v; }
  // As many of other types. (g++ knows vectors as such only if their elements depend on T, too.)
  template <class Other>
  using Same = std::conditional_t<sizeof(T) != 0, Other, T>;
  // NOLINTBEGIN(modernize-use-using)
  typedef Same<signed char> Truths __attribute__((vector_size(lanes)));
  typedef Same<std::int16_t> Shorts __attribute__((vector_size(2 * lanes)));
  typedef Same<std::int32_t> Ints __attribute__((vector_size(4 * lanes)));
  // NOLINTEND(modernize-use-using)
  // One width after another: g++ 12 converts to more than twice the width element by element.
  CHAINRULE_SIMD_TARGET static void load(BitVector& to, const bool* from) {
    Truths truths;
    __builtin_memcpy(&truths, from, sizeof truths);
    const Shorts shorts = __builtin_convertvector(truths, Shorts);
    const Ints ints = __builtin_convertvector(shorts, Ints);
    to = -__builtin_convertvector(ints, BitVector);
  }
  CHAINRULE_SIMD_TARGET static void store(const BitVector& v, bool* to) {
    const Ints ints = __builtin_convertvector(v, Ints);
    const Shorts shorts = __builtin_convertvector(ints, Shorts);
    const Truths truths = -__builtin_convertvector(shorts, Truths);
    __builtin_memcpy(to, &truths, sizeof truths);
  }
  // Minus 0, as plus 0 would lose the sign of -0.
  CHAINRULE_SIMD_TARGET static void spread(Vector& to, T number) { to = number - Vector{}; }

  // Hides from the compiler what v comes from, at no cost.
  CHAINRULE_SIMD_TARGET static void make_opaque(Vector& v) {
#if defined(__x86_64__)
    asm("" : "+x"(v));
#elif defined(__aarch64__)
    asm("" : "+w"(v));
#else
    asm("" : "+m"(v));
#endif
  }

  CHAINRULE_SIMD_TARGET static void add(Vector& to, const Vector& a, const Vector& b) { to = a + b; }
  CHAINRULE_SIMD_TARGET static void sub(Vector& to, const Vector& a, const Vector& b) { to = a - b; }
  CHAINRULE_SIMD_TARGET static void mul(Vector& to, const Vector& a, const Vector& b) { to = a * b; }
  CHAINRULE_SIMD_TARGET static void div(Vector& to, const Vector& a, const Vector& b) { to = a / b; }
  CHAINRULE_SIMD_TARGET static void neg(Vector& to, const Vector& a) { to = -a; }
  CHAINRULE_SIMD_TARGET static void less(BitVector& to, const Vector& a, const Vector& b) { to = a < b; }
  CHAINRULE_SIMD_TARGET static void less_equal(BitVector& to, const Vector& a, const Vector& b) {
    to = a <= b;
  }
  CHAINRULE_SIMD_TARGET static void equal(BitVector& to, const Vector& a, const Vector& b) { to = a == b; }
  CHAINRULE_SIMD_TARGET static void select(Vector& to, const BitVector& mask, const Vector& a,
                                           const Vector& b) {
    to = mask ? a : b;
  }
  // (These built-in functions are what <immintrin.h> is made of, without the time that it takes to compile.)
#if CHAINRULE_SIMD_BYTES == 64
  static constexpr int current_rounding = 4;
#endif
#if CHAINRULE_SIMD_BYTES == 64 && !defined(__clang__)
  // g++ 12 makes two instructions of what is below where one of the operands is constant.
  CHAINRULE_SIMD_TARGET static void larger(Vector& to, const Vector& a, const Vector& b) {
    if constexpr (sizeof(T) == 4)
      to = __builtin_ia32_maxps512_mask(a, b, a, all_lanes, current_rounding);
    else
      to = __builtin_ia32_maxpd512_mask(a, b, a, static_cast<std::uint8_t>(-1), current_rounding);
  }
  CHAINRULE_SIMD_TARGET static void smaller(Vector& to, const Vector& a, const Vector& b) {
    if constexpr (sizeof(T) == 4)
      to = __builtin_ia32_minps512_mask(a, b, a, all_lanes, current_rounding);
    else
      to = __builtin_ia32_minpd512_mask(a, b, a, static_cast<std::uint8_t>(-1), current_rounding);
  }
#else
  CHAINRULE_SIMD_TARGET static void larger(Vector& to, const Vector& a, const Vector& b) {
    to = a > b ? a : b;
  }
  CHAINRULE_SIMD_TARGET static void smaller(Vector& to, const Vector& a, const Vector& b) {
    to = a < b ? a : b;
  }
#endif
  template <int Distance, int... I>
  CHAINRULE_SIMD_TARGET static void exchange(Vector& to, const Vector& a, std::integer_sequence<int, I...>) {
    to = __builtin_shufflevector(a, a, (I ^ Distance)...);
  }
  /// Lanes with the bit Distance set change places with those of the other vector without it: what the first
  /// of the two becomes, or the second.
  template <int Distance, bool Second, int... I>
  CHAINRULE_SIMD_TARGET static void swap_lanes(Vector& to, const Vector& a, const Vector& b,
                                               std::integer_sequence<int, I...>) {
    to = __builtin_shufflevector(
        a, b, ((I & Distance) != 0 ? lanes + (Second ? I : I - Distance) : (Second ? I + Distance : I))...);
  }
  /// Where lane I is to be the one at Count * I + K of packs side by side, and that is in pack Q: takes it
  /// from there.
  template <int Count, int K, int Q, int... I>
  CHAINRULE_SIMD_TARGET static void every(Vector& to, const Vector& pack, std::integer_sequence<int, I...>) {
    to = __builtin_shufflevector(to, pack,
                                 ((Count * I + K) / lanes == Q ? lanes + (Count * I + K) % lanes : I)...);
  }
  /// Where lane I of pack Q is to be one of pack K, as they take turns: takes it from there.
  template <int Count, int Q, int K, int... I>
  CHAINRULE_SIMD_TARGET static void in_turns(Vector& to, const Vector& pack,
                                             std::integer_sequence<int, I...>) {
    to = __builtin_shufflevector(to, pack,
                                 ((Q * lanes + I) % Count == K ? lanes + (Q * lanes + I) / Count : I)...);
  }
  // a · 2ⁿ, where one instruction does it.
#if CHAINRULE_SIMD_BYTES == 64
  static constexpr bool has_scale = true;
  CHAINRULE_SIMD_TARGET static void scale(Vector& to, const Vector& a, const Vector& n) {
    if constexpr (sizeof(T) == 4)
      to = __builtin_ia32_scalefps512_mask(a, n, a, all_lanes, current_rounding);
    else
      to = __builtin_ia32_scalefpd512_mask(a, n, a, static_cast<std::uint8_t>(-1), current_rounding);
  }
  // Of 32 floats, lane i that at the last five bits of index i.
  static constexpr bool has_look_up = sizeof(T) == 4;
  CHAINRULE_SIMD_TARGET static void look_up(Vector& to, const T* table, const BitVector& index) {
    Vector low, high;
    load(low, table);
    load(high, table + lanes);
#ifdef __clang__
    to = __builtin_ia32_vpermi2varps512(low, index, high);
#else
    to = __builtin_ia32_vpermt2varps512_mask(index, low, high, all_lanes);
#endif
  }
#else
  static constexpr bool has_scale = false, has_look_up = false;
#endif
  // The whole number in a direction, as x86 counts them.
#if CHAINRULE_SIMD_BYTES == 64
  static constexpr bool has_whole = true;
  template <int Direction>
  CHAINRULE_SIMD_TARGET static void whole(Vector& to, const Vector& a) {
    if constexpr (sizeof(T) == 4)
      to = __builtin_ia32_rndscaleps_mask(a, Direction, a, all_lanes, current_rounding);
    else
      to = __builtin_ia32_rndscalepd_mask(a, Direction, a, static_cast<std::uint8_t>(-1), current_rounding);
  }
#elif CHAINRULE_SIMD_BYTES == 32
  static constexpr bool has_whole = true;
  template <int Direction>
  CHAINRULE_SIMD_TARGET static void whole(Vector& to, const Vector& a) {
    if constexpr (sizeof(T) == 4)
      to = __builtin_ia32_roundps256(a, Direction);
    else
      to = __builtin_ia32_roundpd256(a, Direction);
  }
#else
  static constexpr bool has_whole = false;
#endif
  // std::sqrt looks for errors, one lane after another, unless the program is compiled to know of none.
  CHAINRULE_SIMD_TARGET static void sqrt(Vector& to, const Vector& a) {
#if !defined(__x86_64__)
    for (int i = 0; i < lanes; ++i) to[i] = std::sqrt(a[i]);
#elif CHAINRULE_SIMD_BYTES == 64 && defined(__clang__)
    if constexpr (sizeof(T) == 4)
      to = __builtin_ia32_sqrtps512(a, current_rounding);
    else
      to = __builtin_ia32_sqrtpd512(a, current_rounding);
#elif CHAINRULE_SIMD_BYTES == 64
    if constexpr (sizeof(T) == 4)
      to = __builtin_ia32_sqrtps512_mask(a, a, all_lanes, current_rounding);
    else
      to = __builtin_ia32_sqrtpd512_mask(a, a, static_cast<std::uint8_t>(-1), current_rounding);
#elif CHAINRULE_SIMD_BYTES == 32
    if constexpr (sizeof(T) == 4)
      to = __builtin_ia32_sqrtps256(a);
    else
      to = __builtin_ia32_sqrtpd256(a);
#else
    if constexpr (sizeof(T) == 4)
      to = __builtin_ia32_sqrtps(a);
    else
      to = __builtin_ia32_sqrtpd(a);
#endif
  }

  CHAINRULE_SIMD_TARGET static void bits_of(BitVector& to, const Vector& a) {
    __builtin_memcpy(&to, &a, sizeof to);
  }
  CHAINRULE_SIMD_TARGET static void from_bits(Vector& to, const BitVector& a) {
    __builtin_memcpy(&to, &a, sizeof to);
  }
  CHAINRULE_SIMD_TARGET static void number_of(Vector& to, const BitVector& a) {
    to = __builtin_convertvector(a, Vector);
  }
  // Unsigned, as bits wrap around.
  CHAINRULE_SIMD_TARGET static void add(BitVector& to, const BitVector& a, const BitVector& b) {
    to = reinterpret_cast<BitVector>(reinterpret_cast<Unsigned>(a) + reinterpret_cast<Unsigned>(b));
  }
  CHAINRULE_SIMD_TARGET static void sub(BitVector& to, const BitVector& a, const BitVector& b) {
    to = reinterpret_cast<BitVector>(reinterpret_cast<Unsigned>(a) - reinterpret_cast<Unsigned>(b));
  }
  CHAINRULE_SIMD_TARGET static void both(BitVector& to, const BitVector& a, const BitVector& b) {
    to = a & b;
  }
  CHAINRULE_SIMD_TARGET static void either(BitVector& to, const BitVector& a, const BitVector& b) {
    to = a | b;
  }
  CHAINRULE_SIMD_TARGET static void invert(BitVector& to, const BitVector& a) { to = ~a; }
  CHAINRULE_SIMD_TARGET static void equal(BitVector& to, const BitVector& a, const BitVector& b) {
    to = a == b;
  }
  CHAINRULE_SIMD_TARGET static void spread(BitVector& to, Bits number) { to = BitVector{} + number; }
  template <int Count>
  CHAINRULE_SIMD_TARGET static void left(BitVector& to, const BitVector& a) {
    to = a << Count;
  }
  template <int Count>
  CHAINRULE_SIMD_TARGET static void right(BitVector& to, const BitVector& a) {
    to = a >> Count;
  }
  // Of truth values: is one of them true?
  CHAINRULE_SIMD_TARGET static bool any(const BitVector& a) {
#if CHAINRULE_SIMD_BYTES == 64
    if constexpr (sizeof(T) == 4)
      return __builtin_ia32_cvtd2mask512(a) != 0;
    else
      return __builtin_ia32_cvtq2mask512(reinterpret_cast<Quads>(a)) != 0;
#elif CHAINRULE_SIMD_BYTES == 32
    if constexpr (sizeof(T) == 4)
      return __builtin_ia32_movmskps256(reinterpret_cast<Vector>(a)) != 0;
    else
      return __builtin_ia32_movmskpd256(reinterpret_cast<Vector>(a)) != 0;
#elif defined(__x86_64__)
    if constexpr (sizeof(T) == 4)
      return __builtin_ia32_movmskps(reinterpret_cast<Vector>(a)) != 0;
    else
      return __builtin_ia32_movmskpd(reinterpret_cast<Vector>(a)) != 0;
#else
    Bits all = 0;
    for (int i = 0; i < lanes; ++i) all |= a[i];
    return all != 0;
#endif
  }
};

#undef CHAINRULE_SIMD_BYTES
#undef CHAINRULE_SIMD_TARGET
