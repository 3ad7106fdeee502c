// Operations on scalars take a way of their own (src/ops/scalars.h): it gives what the way of all others
// gives, which they take while values are kept.
#include <bit>
#include <limits>

#include "chainrule/graph.h"
#include "support.h"

namespace chainrule::test {
namespace {

constexpr double inf = std::numeric_limits<double>::infinity(),
                 nan = std::numeric_limits<double>::quiet_NaN();

/// A value and its two gradients, as bits.
using Bits = std::array<std::uint64_t, 3>;

template <class Function>
Bits bits_of(const Function& f, double a, double b, DType dtype) {
  const Tensor x = variable(cast(tensor(a), dtype)), y = variable(cast(tensor(b), dtype));
  const Tensor result = f(x, y);
  EXPECT_EQ(result.dtype(), dtype);
  EXPECT_EQ(result.rank(), 0U);
  result.backward();
  const auto bits = [](const Tensor& scalar) {
    const double number = scalar.item();
    return std::isnan(number) ? ~std::uint64_t{0} : std::bit_cast<std::uint64_t>(number);
  };
  return {bits(result), bits(x.grad()), bits(y.grad())};
}

TEST(Scalars, have_the_values_and_gradients_of_the_long_way) {
  using Function = Tensor (*)(const Tensor&, const Tensor&);
  const std::initializer_list<std::pair<const char*, Function>> functions = {
      {"add", [](const Tensor& a, const Tensor& b) { return a + b; }},
      {"sub", [](const Tensor& a, const Tensor& b) { return a - b; }},
      {"mul", [](const Tensor& a, const Tensor& b) { return a * b; }},
      {"div", [](const Tensor& a, const Tensor& b) { return a / b; }},
      {"neg", [](const Tensor& a, const Tensor& b) { return -a * -b; }},
      {"relu", [](const Tensor& a, const Tensor& b) { return relu(a) + relu(b); }},
      {"same", [](const Tensor& a, const Tensor& b) { return (a * a - b) * (a / a); }},
      {"temporaries", [](const Tensor& a, const Tensor& b) {
         Tensor c = a + b;
         return std::move(c) * c - (a * b) / (b + 3.0);
       }}};
  const std::initializer_list<double> numbers = {0.0,  -0.0,  1.5, -2.25, 1e-320, 1e-42,
                                                 3e38, 1e300, inf, -inf,  nan};
  for (const auto& [name, function] : functions)
    for (const DType dtype : {DType::float32, DType::float64})
      for (const double a : numbers)
        for (const double b : numbers) {
          SCOPED_TRACE(std::string(name) + " of " + std::to_string(a) + " and " + std::to_string(b));
          const Bits short_way = bits_of(function, a, b, dtype);
          const KeepValues keep;
          EXPECT_EQ(short_way, bits_of(function, a, b, dtype));
        }
}

TEST(Scalars, make_the_node_of_the_long_way) {
  const auto node = [](const Tensor& x, const Tensor& y) {
    const Scope scope("part");
    return x * y;
  };
  const Tensor x = variable(2.0, "x"), y = variable(3.0, "y");
  const Graph brief(node(x, y));
  const KeepValues keep;
  const Graph other(node(x, y));
  ASSERT_EQ(brief.nodes().size(), other.nodes().size());
  EXPECT_EQ(brief.output().operation, other.output().operation);
  EXPECT_EQ(brief.output().inputs, other.output().inputs);
  EXPECT_EQ(brief.output().scope, other.output().scope);
}

TEST(Scalars, of_other_kinds_take_the_long_way) {
  const Tensor x = variable(3.0F), n = tensor(2);
  EXPECT_EQ((x * n).dtype(), DType::float32);
  EXPECT_EQ((x * cast(tensor(2.0), DType::float64)).dtype(), DType::float64);
  EXPECT_EQ((x * cast(tensor(2.0), DType::float16)).dtype(), DType::float32);
  EXPECT_FALSE((n * n).requires_grad());
  EXPECT_FALSE((x.detach() * x.detach()).requires_grad());
  EXPECT_FALSE(no_grad([&] { return x * x; }).requires_grad());
  EXPECT_TRUE(mentions(message_of<GradError>([&] { (void)(x * Tensor()); }), {"empty handle"}));
}

}  // namespace
}  // namespace chainrule::test
