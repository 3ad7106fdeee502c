// The numbers of 16 bits, float16 and bfloat16: each is what it stands for, and each float is rounded to the
// nearest of them.

#include <cmath>
#include <limits>
#include <vector>

#include "array/array.h"
#include "chainrule/ops.h"
#include "chainrule/tensor.h"
#include "support.h"

namespace chainrule::test {
namespace {

/// The nearest, of two as near the one whose last bit is 0, among all that there are.
template <class Half>
std::uint16_t nearest_of_all(double x) {
  std::uint16_t best = 0;
  double least = std::numeric_limits<double>::infinity();
  for (std::uint32_t bits = 0; bits < 0x8000; ++bits) {
    const auto half = Half::from_bits(static_cast<std::uint16_t>(bits));
    if (!std::isfinite(float(half))) break;
    const double distance = std::abs(float(half) - std::abs(x));
    if (distance < least || (distance == least && bits % 2 == 0)) {
      least = distance;
      best = static_cast<std::uint16_t>(bits);
    }
  }
  return std::signbit(x) ? best | 0x8000 : best;
}

template <class Half>
class Halves : public ::testing::Test {};
using BothHalves = ::testing::Types<Float16, BFloat16>;
TYPED_TEST_SUITE(Halves, BothHalves);

TYPED_TEST(Halves, come_back_as_they_are_from_float) {
  for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
    const auto half = TypeParam::from_bits(static_cast<std::uint16_t>(bits));
    if (std::isnan(float(half)))
      EXPECT_TRUE(std::isnan(float(TypeParam(float(half)))));
    else
      EXPECT_EQ(TypeParam(float(half)).bits(), half.bits());
  }
}

TYPED_TEST(Halves, are_the_nearest_to_any_number) {
  PRINT_SEED_ON_FAILURE();
  Engine engine(seed());
  for (int i = 0; i < 60; ++i) {
    const double x =
        std::ldexp(static_cast<double>(engine()) / 0x1p63 - 1, static_cast<int>(engine() % 40) - 26);
    EXPECT_EQ(TypeParam(x).bits(), nearest_of_all<TypeParam>(x)) << x;
  }
  // Half way between two of them, and next to that.
  for (const int number : {0x0000, 0x0001, 0x03ff, 0x0400, 0x3c00, 0x3c01, 0x7bfe}) {
    const auto bits = static_cast<std::uint16_t>(number);
    const double low = float(TypeParam::from_bits(bits)),
                 high = float(TypeParam::from_bits(static_cast<std::uint16_t>(bits + 1))),
                 middle = low + (high - low) / 2;
    EXPECT_EQ(TypeParam(middle).bits(), bits + bits % 2);
    EXPECT_EQ(TypeParam(std::nextafter(middle, high)).bits(), bits + 1);
    EXPECT_EQ(TypeParam(-std::nextafter(middle, low)).bits(), bits | 0x8000);
  }
}

/// Each of them, what is half way to the next, and what is next to that: all edges that there are.
template <class Half, class Float>
void expect_rounded_in_tensors_as_alone(std::vector<Float> numbers) {
  constexpr auto infinity = std::numeric_limits<Float>::infinity();
  for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
    const auto half = Half::from_bits(static_cast<std::uint16_t>(bits)),
               next = Half::from_bits(static_cast<std::uint16_t>(bits + 1));
    const Float low = float(half), middle = low + (Float(float(next)) - low) / 2;
    for (const Float x : {low, std::nextafter(middle, -infinity), middle, std::nextafter(middle, infinity)})
      numbers.push_back(x);
  }
  const Tensor all = cast(tensor(numbers), dtype_of<Half>), back = cast(all, dtype_of<Float>);
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const Half alone(numbers[i]), together = all.template data<Half>()[i];
    if (std::isnan(numbers[i])) {
      EXPECT_TRUE(std::isnan(float(together)) && std::isnan(back.template data<Float>()[i]));
    } else {
      ASSERT_EQ(together.bits(), alone.bits()) << numbers[i];
      ASSERT_EQ(back.template data<Float>()[i], float(alone)) << numbers[i];
    }
  }
}

TYPED_TEST(Halves, are_rounded_in_tensors_as_they_are_alone_and_come_back_from_there) {
  expect_rounded_in_tensors_as_alone<TypeParam, float>(
      {3e38F, -3.4e38F, 1e-45F, 0x1p-126F, 0x1.fffffep-127F});
  expect_rounded_in_tensors_as_alone<TypeParam, double>(
      {3e38, -3.4e38, 3.5e38, 1e300, -INFINITY, 1e-45, 0x1p-126, 0x1.fffffep-127, 0x1p-1022, 5e-324, -0.0});
}

TYPED_TEST(Halves, are_cast_to_and_from_all_others_as_convert_says) {
  using Half = TypeParam;
  std::vector<Half> numbers;
  for (int i = 0; i < 3000; ++i) numbers.emplace_back((i % 7 - 3) * std::ldexp(1.3, i % 40 - 8));
  const Tensor halves = tensor(numbers);
  for (const DType dtype : {DType::boolean, DType::uint8, DType::int32, DType::int64, DType::float16,
                            DType::bfloat16, DType::float32, DType::float64})
    dispatch_stored(dtype, [&]<class Other>() {
      const Tensor others = cast(halves, dtype), back = cast(others, dtype_of<Half>);
      for (std::size_t i = 0; i < numbers.size(); ++i) {
        const auto other = convert<Other>(numbers[i]);
        ASSERT_EQ(others.data<Other>()[i], other) << float(numbers[i]) << " as " << to_string(dtype);
        ASSERT_EQ(back.template data<Half>()[i].bits(), convert<Half>(other).bits())
            << double(other) << " of " << to_string(dtype);
      }
    });
}

TEST(Float16Numbers, beyond_the_largest_are_infinite) {
  EXPECT_EQ(float(Float16(65519.99)), 65504);
  EXPECT_EQ(float(Float16(65520)), INFINITY);
  EXPECT_EQ(float(BFloat16(-1e39)), -INFINITY);
  EXPECT_EQ(float(BFloat16(0x1.fep127)), 0x1.fep127F);
  EXPECT_EQ(Float16(-0.0).bits(), 0x8000);
}

TYPED_TEST(Halves, have_the_limits_of_their_bits) {
  using Limits = std::numeric_limits<TypeParam>;
  const auto next = [](TypeParam x) {
    return double(TypeParam::from_bits(static_cast<std::uint16_t>(x.bits() + 1)));
  };
  EXPECT_TRUE(std::isinf(next(Limits::max())) && std::isfinite(double(Limits::max())));
  EXPECT_EQ(double(Limits::lowest()), -double(Limits::max()));
  EXPECT_EQ(next(TypeParam(0.0)), double(Limits::denorm_min()));
  EXPECT_EQ(next(TypeParam(1.0)) - 1, double(Limits::epsilon()));
  EXPECT_EQ(next(Limits::min()) - double(Limits::min()), double(Limits::denorm_min()));
  EXPECT_TRUE(std::isinf(double(Limits::infinity())) && std::isnan(double(Limits::quiet_NaN())));
  EXPECT_EQ(Limits::max_exponent10, std::floor(std::log10(double(Limits::max()))));
  EXPECT_EQ(Limits::min_exponent10, std::ceil(std::log10(double(Limits::min()))));
}

}  // namespace
}  // namespace chainrule::test
