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

}  // namespace
}  // namespace chainrule::test
