// Random numbers, number for number as the standard library's generator gives them.
// support.h reads and compares tensors.

#include "chainrule/random.h"

#include <random>

#include "support.h"

namespace chainrule::test {
namespace {

TEST(MersenneTwister, gives_the_numbers_of_the_standard_library) {
  for (const std::uint64_t seed :
       {std::uint64_t{0}, std::uint64_t{5489}, std::uint64_t{1} << 63, ~std::uint64_t{0}}) {
    std::mt19937_64 expected(seed);
    detail::MersenneTwister twister(seed);
    for (int i = 0; i < 10000; ++i) ASSERT_EQ(twister(), expected()) << seed << ", number " << i;
  }
}

TEST(Generator, copied_goes_on_with_the_same_numbers) {
  Generator one(3);
  (void)one.normal();
  Generator two = one;
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(one.normal(), two.normal());
  EXPECT_EQ(one.below(1000), two.below(1000));
}

TEST(Generator, gives_many_numbers_at_once_that_are_the_same) {
  for (const std::size_t count : {0, 1, 7, 312, 1000, 1001}) {
    Generator one(5), two(5);
    std::vector<double> uniform(count);
    one.uniform(uniform);
    for (const double number : uniform) ASSERT_EQ(number, two.uniform());
    for (const std::int64_t bound : {std::int64_t{1}, std::int64_t{10}, (std::int64_t{1} << 62) + 1,
                                     std::numeric_limits<std::int64_t>::max()}) {
      std::vector<std::int64_t> whole(count);
      one.below(bound, whole);
      for (const std::int64_t number : whole) ASSERT_EQ(number, two.below(bound));
    }
    std::vector<float> normal(count);
    one.normal(normal);
    for (const float number : normal) {
      const auto expected = static_cast<float>(two.normal());
      ASSERT_NEAR(number, expected, std::abs(expected) * 1.2e-7);
    }
    ASSERT_NEAR(one.normal(), two.normal(), 1e-15);  // where pairs are broken
    ASSERT_EQ(one.uniform(), two.uniform());
  }
}

}  // namespace
}  // namespace chainrule::test
