// What NumPy does on x86-64: arithmetic wraps around, and floats that fit no integer become the smallest.
// support.h reads and compares tensors.

#include <cmath>
#include <limits>

#include "support.h"

namespace chainrule::test {
namespace {

constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t least = std::numeric_limits<std::int64_t>::min();
constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double nan = std::numeric_limits<double>::quiet_NaN();
using Integers = std::vector<std::int64_t>;

Integers integers(const Tensor& x) { return x.to_vector<std::int64_t>(); }
Tensor of(const Integers& numbers) { return tensor(numbers); }

TEST(IntegerArithmetic, wraps_around) {
  EXPECT_EQ(integers(of({most, least}) + of({1, -1})), (Integers{least, most}));
  EXPECT_EQ(integers(of({most, least}) - of({-1, 1})), (Integers{least, most}));
  EXPECT_EQ(integers(of({most, least, std::int64_t{1} << 62}) * of({2, -1, 4})), (Integers{-2, least, 0}));
  EXPECT_EQ(integers(-of({least, most})), (Integers{least, -most}));
  EXPECT_EQ(integers(abs(of({least, most, -3}))), (Integers{least, most, 3}));
  EXPECT_EQ(integers(square(of({std::int64_t{1} << 32, -3}))), (Integers{0, 9}));
  EXPECT_EQ(integers(sign(of({least, 0, most}))), (Integers{-1, 0, 1}));
  EXPECT_EQ(integers(relu(of({least, 0, most}))), (Integers{0, 0, most}));
  EXPECT_EQ(integers(maximum(of({least, 2}), of({most, 1}))), (Integers{most, 2}));
  EXPECT_EQ(integers(minimum(of({least, 2}), of({most, 1}))), (Integers{least, 1}));
  EXPECT_EQ(integers(clamp(of({least, 2, most}), 0, 3)), (Integers{0, 2, 3}));
}

TEST(IntegerArithmetic, of_scalars_wraps_around_too) {
  EXPECT_EQ((tensor(most) + 1).item<std::int64_t>(), least);
  EXPECT_EQ((tensor(least) - 1).item<std::int64_t>(), most);
  EXPECT_EQ((tensor(least) * -1).item<std::int64_t>(), least);
  EXPECT_EQ((-tensor(least)).item<std::int64_t>(), least);
  EXPECT_EQ(abs(tensor(least)).item<std::int64_t>(), least);
}

TEST(IntegerReductions, wrap_around) {
  EXPECT_EQ(sum(of({most, 1})).item<std::int64_t>(), least);
  EXPECT_EQ(integers(sum(of({most, 1, 2, 3}).reshape({2, 2}), 1)), (Integers{least, 5}));
  EXPECT_EQ(prod(of({most, 2})).item<std::int64_t>(), -2);
  EXPECT_EQ(prod(full({64}, 2, DType::int64)).item<std::int64_t>(), 0);
  EXPECT_EQ(max(of({least, most})).item<std::int64_t>(), most);
  const Tensor both = tensor({true, false});  // as NumPy and PyTorch have it, bool stays
  for (const Tensor& each : {max(both), maximum(both, false)[0]}) EXPECT_TRUE(each.item<bool>());
  for (const Tensor& each : {min(both), minimum(both, false)[0]}) EXPECT_FALSE(each.item<bool>());
  EXPECT_EQ(max(both).dtype(), DType::boolean);
  EXPECT_EQ(maximum(both, both).dtype(), DType::boolean);
  EXPECT_EQ(min(of({least, most})).item<std::int64_t>(), least);
  EXPECT_EQ(matmul(of({most, 1}), of({1, 1})).item<std::int64_t>(), least);
  EXPECT_EQ(matmul(of({most, most}), of({most, most})).item<std::int64_t>(), 2);
}

TEST(Cast, of_floats_that_fit_no_integer_gives_the_smallest) {
  const std::vector<double> numbers = {nan,
                                       infinity,
                                       -infinity,
                                       1e19,
                                       -1e19,
                                       9223372036854775808.0,
                                       -9223372036854775808.0,
                                       9223372036854774784.0,
                                       -2.9,
                                       2.9};
  const Integers expected = {least, least, least, least, least, least, least, 9223372036854774784, -2, 2};
  EXPECT_EQ(integers(cast(tensor(numbers), DType::int64)), expected);
  EXPECT_EQ(integers(tensor(numbers)), expected);
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    EXPECT_EQ(tensor(numbers[i]).item<std::int64_t>(), expected[i]);
    EXPECT_EQ(full({2}, numbers[i], DType::int64).to_vector<std::int64_t>()[1], expected[i]);
  }
  EXPECT_EQ(integers(cast(tensor({std::nanf(""), 1e19F, -1e38F, 3.5F}), DType::int64)),
            (Integers{least, least, least, 3}));
  EXPECT_EQ(integers(linspace(-1e300, 1e300, 3, DType::int64)), (Integers{least, 0, least}));
  EXPECT_EQ(cast(tensor({nan, 0.0, -0.0, 0.5}), DType::boolean).to_vector<bool>(),
            (std::vector<bool>{true, false, false, true}));
}

TEST(Item, of_a_float_that_the_type_cannot_hold_is_its_smallest_value) {
  EXPECT_EQ(tensor(nan).item<int>(), std::numeric_limits<int>::min());
  EXPECT_EQ(tensor(1e10).item<int>(), std::numeric_limits<int>::min());
  EXPECT_EQ(tensor(2147483647.5).item<int>(), 2147483647);
  EXPECT_EQ(tensor(-2147483648.5).item<int>(), std::numeric_limits<int>::min());
  EXPECT_EQ(tensor(-129.0).item<std::int8_t>(), -128);
  EXPECT_EQ(tensor(1e19).item<std::uint64_t>(), 10000000000000000000U);
  EXPECT_EQ(tensor(-1.0).item<unsigned>(), 0U);
  EXPECT_EQ(tensor(-0.5).item<unsigned>(), 0U);
  EXPECT_EQ(tensor(255.9F).item<std::uint8_t>(), 255);
  EXPECT_EQ(tensor(256.0F).item<std::uint8_t>(), 0);
  EXPECT_TRUE(tensor(nan).item<bool>());
}

}  // namespace
}  // namespace chainrule::test
