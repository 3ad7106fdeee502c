// Whole numbers: bits, shifts and divisors, of all their dtypes and ends, and the operators of bits.

#include <functional>
#include <limits>
#include <numeric>

#include "chainrule/distributions.h"
#include "chainrule/functions.h"
#include "chainrule/random.h"
#include "chainrule/vmap.h"
#include "support.h"

namespace chainrule::test {
namespace {

constexpr std::int64_t least = std::numeric_limits<std::int64_t>::min(),
                       most = std::numeric_limits<std::int64_t>::max();

TEST(Bits, are_those_of_each_number) {
  Generator generator(3);
  const Tensor a = randint(-1'000'000'000'000'000, 1'000'000'000'000'000, {37, 3}, generator),
               b = randint(-1'000'000, 1'000'000, {3}, generator);
  const auto expect = [&](const Tensor& got, const auto& f) {
    ASSERT_EQ(got.dtype(), DType::int64);
    for (std::size_t i = 0; i < 111; ++i)
      EXPECT_EQ(got.data<std::int64_t>()[i], f(a.data<std::int64_t>()[i], b.data<std::int64_t>()[i % 3]))
          << i;
  };
  using Int = std::int64_t;
  expect(a & b, [](Int x, Int y) { return x & y; });
  expect(a | b, [](Int x, Int y) { return x | y; });
  expect(a ^ b, [](Int x, Int y) { return x ^ y; });
  expect(~a, [](Int x, Int) { return ~x; });
  expect(gcd(a, b), [](Int x, Int y) { return std::gcd(x, y); });
  expect(lcm(remainder(a, 1000), b), [](Int x, Int y) { return std::lcm((x % 1000 + 1000) % 1000, y); });
  EXPECT_EQ((tensor(least) ^ -1).item<Int>(), most);
}

TEST(Bits, of_many_numbers_are_those_of_each) {
  Generator generator(4);
  using Int = std::int64_t;
  for (const DType dtype : {DType::int64, DType::int32}) {  // with zeros among them, and shifts too far
    const std::int64_t end = dtype == DType::int64 ? most : std::numeric_limits<std::int32_t>::max();
    const Tensor a = cast(randint(-end / 2, end / 2, {30'001}, generator), dtype),
                 b = cast(randint(-70, 70, {30'001}, generator), dtype);
    const std::vector<Int> x = a.to_vector<Int>(), y = b.to_vector<Int>();
    const auto expect = [&](const Tensor& got, const auto& f) {
      EXPECT_EQ(got.dtype(), dtype);
      const std::vector<Int> all = got.to_vector<Int>();
      for (std::size_t i = 0; i < all.size(); ++i)
        ASSERT_EQ(all[i], dtype == DType::int64 ? f(x[i], y[i]) : static_cast<std::int32_t>(f(x[i], y[i])))
            << i << ": " << x[i] << ", " << y[i];
    };
    expect(a ^ b, [](Int u, Int v) { return u ^ v; });
    expect(left_shift(a, b), [](Int u, Int v) {
      return v < 0 || v > 63 ? 0 : static_cast<Int>(static_cast<std::uint64_t>(u) << v);
    });
    expect(right_shift(a, b), [](Int u, Int v) { return u >> (v < 0 || v > 63 ? 63 : v); });
    expect(gcd(a, b), [](Int u, Int v) { return std::gcd(u, v); });
    EXPECT_TRUE(equals(~(a == a), {30'001}, std::vector<double>(30'001, 0)));
  }
}

TEST(Bits, keep_the_dtype) {
  const Tensor small = cast(tensor({5, 200}), DType::uint8), medium = cast(tensor({5, -7}), DType::int32);
  EXPECT_EQ((small & 4).dtype(), DType::uint8);
  EXPECT_TRUE(equals(~small, {2}, {250, 55}));
  EXPECT_TRUE(equals(left_shift(small, 1), {2}, {10, 144}));
  EXPECT_TRUE(equals(left_shift(medium, 31), {2}, {-2147483648.0, -2147483648.0}));
  EXPECT_TRUE(equals(right_shift(medium, 1), {2}, {2, -4}));
  EXPECT_EQ((medium | small).dtype(), DType::int32);
  EXPECT_EQ(gcd(medium, 15).dtype(), DType::int32);
  EXPECT_EQ((tensor({true, false}) | true).dtype(), DType::boolean);
  EXPECT_TRUE(equals(bitwise_xor(tensor({true, false}), tensor({3, 3})), {2}, {2, 3}));
  EXPECT_TRUE(equals(bitwise_not(tensor({true, false})), {2}, {0, 1}));
}

/// Is each what f makes of a pair of elements, in the result's dtype?
void expect_each(const Tensor& got, const Tensor& a, const Tensor& b,
                 const std::function<std::int64_t(std::int64_t, std::int64_t)>& f) {
  const std::vector<std::int64_t> x = broadcast_to(a, got.shape()).to_vector<std::int64_t>(),
                                  y = broadcast_to(b, got.shape()).to_vector<std::int64_t>(),
                                  all = got.to_vector<std::int64_t>();
  for (std::size_t i = 0; i < all.size(); ++i) {
    const std::int64_t expected = f(x[i], y[i]);
    ASSERT_EQ(all[i], got.dtype() == DType::int32 ? static_cast<std::int32_t>(expected) : expected)
        << got.shape() << ' ' << got.dtype() << ' ' << i << ": " << x[i] << ", " << y[i];
  }
}

TEST(WholeNumbers, are_computed_with_as_they_are_and_wrap_around_in_every_shape) {
  PRINT_SEED_ON_FAILURE();
  Generator generator(seed());
  using Int = std::int64_t;
  using Bits = std::uint64_t;
  const std::vector<std::pair<Shape, Shape>> shapes = {
      {{}, {}},          {{5}, {5}},           {{0, 3}, {3}},        {{67}, {67}},
      {{40, 17}, {17}},  {{40, 17}, {40, 1}},  {{300, 3}, {300, 1}}, {{300, 3}, {}},
      {{1, 70}, {9, 1}}, {{20'011}, {20'011}}, {{20'011}, {}},       {{211, 100}, {211, 1}}};
  for (const DType dtype : {DType::int32, DType::int64})
    for (const auto& [first, second] : shapes) {
      const Int end = dtype == DType::int64 ? most : std::numeric_limits<std::int32_t>::max();
      const auto some = [&](const Shape& shape) {  // small ones, which meet, large ones, and the ends
        const Tensor small = randint(-2, 3, shape, generator), kind = randint(0, 4, shape, generator);
        return cast(where(kind == 0, randint(-end / 2, end / 2, shape, generator),
                          where(kind == 1, -end - 1, where(kind == 2, end, small))),
                    dtype);
      };
      const Tensor a = some(first), b = some(second);
      ASSERT_EQ((a * b).dtype(), dtype);
      const auto expect = [&](const Tensor& got, const auto& f) { expect_each(got, a, b, f); };
      expect(a + b,
             [](Int x, Int y) { return static_cast<Int>(static_cast<Bits>(x) + static_cast<Bits>(y)); });
      expect(a - b,
             [](Int x, Int y) { return static_cast<Int>(static_cast<Bits>(x) - static_cast<Bits>(y)); });
      expect(a * b,
             [](Int x, Int y) { return static_cast<Int>(static_cast<Bits>(x) * static_cast<Bits>(y)); });
      expect((a + b) * b - a, [](Int x, Int y) {
        return static_cast<Int>((static_cast<Bits>(x) + static_cast<Bits>(y)) * static_cast<Bits>(y) -
                                static_cast<Bits>(x));
      });
      expect(maximum(a, b), [](Int x, Int y) { return std::max(x, y); });
      expect(minimum(a, b), [](Int x, Int y) { return std::min(x, y); });
      expect_each(-a, a, a, [](Int x, Int) { return static_cast<Int>(0 - static_cast<Bits>(x)); });
      expect_each(abs(a), a, a,
                  [](Int x, Int) { return x < 0 ? static_cast<Int>(0 - static_cast<Bits>(x)) : x; });
      expect_each(square(a), a, a,
                  [](Int x, Int) { return static_cast<Int>(static_cast<Bits>(x) * static_cast<Bits>(x)); });
      expect_each(sign(a), a, a, [](Int x, Int) { return (x > 0 ? 1 : 0) - (x < 0 ? 1 : 0); });
      expect_each(relu(a), a, a, [](Int x, Int) { return std::max<Int>(x, 0); });
      expect(a < b, [](Int x, Int y) { return x < y; });
      expect(a <= b, [](Int x, Int y) { return x <= y; });
      expect(a > b, [](Int x, Int y) { return x > y; });
      expect(a == b, [](Int x, Int y) { return x == y; });
      expect(a != b, [](Int x, Int y) { return x != y; });
      const Tensor p = a > 0, q = b > 0;
      const auto expect_of_bools = [&](const Tensor& got, const auto& f) { expect_each(got, p, q, f); };
      expect_of_bools(p & q, [](Int x, Int y) { return x & y; });
      expect_of_bools(p | q, [](Int x, Int y) { return x | y; });
      expect_of_bools(p ^ q, [](Int x, Int y) { return x ^ y; });
      expect_each(~p, p, p, [](Int x, Int) { return 1 - x; });
      expect_of_bools(p < q, [](Int x, Int y) { return x < y; });
      expect_of_bools(p == q, [](Int x, Int y) { return x == y; });
      expect_of_bools(where(p, a, b) == where(p, where(p, a, 0), b), [](Int, Int) { return 1; });
    }
}

TEST(Shifts, are_defined_for_all_numbers) {
  EXPECT_TRUE(equals(left_shift({1, 1, 1}, {63, 64, -1}), {3}, {-0x1p63, 0, 0}));
  EXPECT_TRUE(equals(right_shift({-5, 5, -5}, {64, 64, -1}), {3}, {-1, 0, -1}));
}

TEST(Shifts, move_by_any_number_of_bits_as_one_number_alone_does) {
  for (const std::int64_t number :
       {std::int64_t{0x0123456789abcdef}, -std::int64_t{0x0123456789abcdef}, least}) {
    std::vector<std::int64_t> by;
    for (std::int64_t bits = -2; bits < 67; ++bits) by.push_back(bits);
    by.push_back(std::int64_t{1} << 32);
    by.push_back(least);
    const auto left = left_shift(number, tensor(by)).to_vector<std::int64_t>(),
               right = right_shift(number, tensor(by)).to_vector<std::int64_t>();
    for (std::size_t i = 0; i < by.size(); ++i) {
      EXPECT_EQ(left[i], left_shift(tensor(number), tensor(by[i])).item<std::int64_t>()) << by[i];
      EXPECT_EQ(right[i], right_shift(tensor(number), tensor(by[i])).item<std::int64_t>()) << by[i];
    }
  }
}

TEST(Divisors, are_defined_for_all_numbers) {
  EXPECT_TRUE(equals(gcd({0, 0, -12}, {0, 5, 18}), {3}, {0, 5, 6}));
  EXPECT_TRUE(equals(lcm({0, 0, -4}, {0, 5, 6}), {3}, {0, 0, 12}));
  EXPECT_EQ(gcd(tensor(least), tensor(least)).item<std::int64_t>(), least) << "2⁶³ wraps around";
  EXPECT_TRUE(equals(vmap([](const Tensor& x) {
                       return gcd(x, tensor({4, 6}));
                     })(tensor({2, 3})),
                     {2, 2}, {2, 2, 1, 3}));
}

TEST(Bits, of_floats_are_refused) {
  EXPECT_TRUE(mentions(message_of<DTypeError>([] { (void)bitwise_and({1.5}, 1); }),
                       {"bitwise_and", "float64", "cast to int64"}));
  EXPECT_TRUE(mentions(message_of<DTypeError>([] { (void)gcd(1.0, 2); }), {"gcd", "float64"}));
  EXPECT_TRUE(mentions(message_of<DTypeError>([] { (void)bitwise_not(1.5); }), {"bitwise_not", "float64"}));
  const Tensor x = tensor({1, 2});
  EXPECT_TRUE(mentions(message_of<DTypeError>([&] { (void)(x & (x < 2)); }), {"&", "beside bool"}));
  EXPECT_TRUE(mentions(message_of<DTypeError>([&] { (void)~tensor(1.5); }), {"~", "float64"}));
}

}  // namespace
}  // namespace chainrule::test
