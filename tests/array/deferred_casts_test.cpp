// Casts of many elements, which wait for who reads them: they give what casts of few do, between all dtypes.

#include <string>
#include <vector>

#include "chainrule/autograd.h"
#include "chainrule/functions.h"
#include "chainrule/halves.h"
#include "chainrule/shaping.h"
#include "graph/node.h"
#include "support.h"

namespace chainrule::test {
namespace {

constexpr std::int64_t many = 20000, few = 1000;

bool is_deferred(const Tensor& tensor) { return tensor.node()->value().is_deferred(); }

TEST(DeferredCast, waits_where_that_keeps_no_more_memory) {
  const Tensor half = cast(zeros({many}), DType::float16);
  EXPECT_TRUE(is_deferred(cast(half, DType::float32)));
  EXPECT_FALSE(is_deferred(cast(cast(zeros({few}), DType::float16), DType::float32))) << "few";
}

TEST(DeferredCast, gives_what_casts_of_few_elements_do) {
  std::vector<double> numbers;
  for (std::int64_t i = 0; i < many; ++i) numbers.push_back(static_cast<double>(i % 509) * 0.3);
  const Tensor x = tensor(numbers);
  for (std::size_t i = 0; i < std::size(detail::dtype_names); ++i) {
    const Tensor from = cast(x, static_cast<DType>(i));
    (void)from.to_vector<double>();
    for (std::size_t j = 0; j < std::size(detail::dtype_names); ++j) {
      const auto to = static_cast<DType>(j);
      const Tensor all = cast(from, to);
      std::vector<double> parts;
      for (std::int64_t at = 0; at < many; at += few) {
        const Tensor part = tensor(cast(narrow(from, 0, at, few), DType::float64).to_vector<double>());
        const Tensor converted = cast(cast(part, from.dtype()), to);
        const auto more = converted.to_vector<double>();
        parts.insert(parts.end(), more.begin(), more.end());
      }
      EXPECT_EQ(all.to_vector<double>(), parts) << from.dtype() << ' ' << to;
    }
  }
}

TEST(DeferredCast, of_what_is_the_same_along_axes_is_so_too) {
  const Tensor ones_of = cast(broadcast_to(tensor({1.0, 2.0}), {many, 2}), DType::bfloat16);
  EXPECT_EQ(sum(cast(ones_of, DType::float64)).item(), 3.0 * many);
}

TEST(DeferredCast, leaves_results_of_half_precision_as_they_are) {
  const Tensor a = cast(linspace(-3, 3, many), DType::bfloat16),
               b = cast(linspace(0.5, 2, many), DType::bfloat16);
  const Tensor x = variable(a), y = variable(b);
  const Tensor product = exp(x) * y;
  EXPECT_EQ(product.dtype(), DType::bfloat16);
  const Gradients g = gradients(sum(product), {x, y});
  const auto values_of = [](const Tensor& t) { return t.to_vector<float>(); };
  const auto of_a = values_of(a), of_b = values_of(b), of_product = values_of(product),
             to_y = values_of(g.at(y));
  for (std::size_t i = 0; i < of_a.size(); i += 97) {
    const float power = float{BFloat16(exp(cast(tensor(of_a[i]), DType::float32)).item<float>())};
    EXPECT_NEAR(of_product[i], power * of_b[i], 0.01F * power * of_b[i]);
    EXPECT_NEAR(to_y[i], power, 0.01F * power);
  }
}

}  // namespace
}  // namespace chainrule::test
