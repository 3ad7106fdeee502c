// Where a result has been rounded to 0 or 1, its derivative still has all its digits, in every mode and
// dtype. Expected numbers come from formulas without cancellation in long double.

#include <cmath>
#include <functional>

#include "chainrule/autograd.h"
#include "chainrule/functions.h"
#include "chainrule/map.h"
#include "support.h"

namespace chainrule::test {
namespace {

using Long = long double;
using Longs = std::vector<Long>;

/// |actual - expected| within so many units of the dtype, relative to expected, or to what is subnormal.
void expect_digits(const Tensor& actual, const Longs& expected, double units) {
  const bool single = actual.dtype() == DType::float32;
  const Long unit = single ? 0x1p-24L : 0x1p-53L, smallest = single ? 0x1p-126L : 0x1p-1022L;
  const auto numbers = values(actual);
  ASSERT_EQ(numbers.size(), expected.size());
  for (std::size_t i = 0; i < numbers.size(); ++i)
    EXPECT_LE(std::abs(numbers[i] - expected[i]), units * unit * std::max(std::abs(expected[i]), smallest))
        << "element " << i << ": " << numbers[i] << " instead of " << static_cast<double>(expected[i]);
}

using Function = std::function<Tensor(const Tensor&)>;

/// What sends g to x: in numbers, recorded, and the same for a function that is symmetric, forward.
std::vector<Tensor> gradients_in_all_modes(const Function& function, const Tensor& at, const Tensor& g) {
  const Tensor x = variable(at);
  return {gradients(function(x), {x}, {.seed = g}).at(x),
          gradients(function(x), {x}, {.seed = g, .create_graph = true}).at(x)};
}

Tensor tensor_of(const Longs& numbers, DType dtype) {
  return cast(tensor(std::vector<double>(numbers.begin(), numbers.end())), dtype);
}

/// From the middle to where the slope underflows.
Longs places(DType dtype) {
  Longs all;
  for (Long x = 0.25L; x < (dtype == DType::float32 ? 80 : 690); x *= 1.37L)
    for (const Long each : {x, -x}) all.push_back(static_cast<float>(each));
  all.push_back(37.4375L);
  return all;
}

Long sigmoid_of(Long x) { return x >= 0 ? 1 / (1 + std::exp(-x)) : std::exp(x) / (1 + std::exp(x)); }
Long sigmoid_slope_of(Long x) { return sigmoid_of(x) * sigmoid_of(-x); }
Long tanh_slope_of(Long x) { return 1 / (std::cosh(x) * std::cosh(x)); }

struct Sloped {
  const char* name;
  Function function, mapped;
  Long (*slope)(Long), (*second)(Long);
  Long widest;  ///< beyond it the slope of tanh underflows
};

const std::vector<Sloped> functions = {
    {"sigmoid", [](const Tensor& x) { return sigmoid(x); },
     [](const Tensor& x) { return map([](auto v) { return sigmoid(v); }, x); }, sigmoid_slope_of,
     [](Long x) { return -sigmoid_slope_of(x) * std::tanh(x / 2); }, 1},
    {"tanh", [](const Tensor& x) { return tanh(x); },
     [](const Tensor& x) { return map([](auto v) { return tanh(v); }, x); }, tanh_slope_of,
     [](Long x) { return -2 * std::tanh(x) * tanh_slope_of(x); }, 0.5},
    {"softplus", [](const Tensor& x) { return softplus(x); },
     [](const Tensor& x) { return map([](auto v) { return softplus(v); }, x); }, sigmoid_of, sigmoid_slope_of,
     1},
    {"logaddexp", [](const Tensor& x) { return logaddexp(x, 0); },
     [](const Tensor& x) { return map([](auto v) { return logaddexp(v, 0); }, x); }, sigmoid_of,
     sigmoid_slope_of, 1}};

TEST(Tails, of_slopes_and_second_derivatives_keep_all_digits) {
  for (const Sloped& each : functions)
    for (const DType dtype : {DType::float32, DType::float64}) {
      SCOPED_TRACE(each.name);
      Longs at = places(dtype), slopes, seconds;
      for (Long& x : at) x *= each.widest;
      for (const Long x : at) {
        slopes.push_back(each.slope(x));
        seconds.push_back(each.second(x));
      }
      for (const Function& function : {each.function, each.mapped}) {
        const Tensor x = variable(tensor_of(at, dtype)), one = ones_like(x);
        for (const Tensor& g : gradients_in_all_modes(function, x.detach(), one))
          expect_digits(g, slopes, 12);
        expect_digits(jvp(function(x), x, one), slopes, 12);
        const Tensor first = gradients(function(x), {x}, {.seed = one, .create_graph = true}).at(x);
        for (const bool create_graph : {false, true})
          expect_digits(gradients(first, {x}, {.seed = one, .create_graph = create_graph}).at(x), seconds,
                        24);
        for (const std::size_t i : {0U, 20U, 21U}) {  // scalars have rules of their own
          const Tensor alone = variable(tensor_of({at[i]}, dtype).reshape({}));
          expect_digits(gradients(function(alone), {alone}).at(alone).reshape({1}), {slopes[i]}, 12);
        }
      }
    }
}

TEST(Tails, of_the_normal_distribution_keep_all_digits) {
  for (const DType dtype : {DType::float32, DType::float64}) {
    Longs at = {0.3L, -0.9L, 2.7L, -5.3L, -8.1L, 11.7L, -12.4L}, densities, seconds, of_gelu;
    if (dtype == DType::float64) at.insert(at.end(), {-21.3L, -28.32L, 35.7L, -36.9L});
    for (Long& x : at) {
      x = static_cast<float>(x);
      const Long density = std::exp(-x * x / 2) / std::sqrt(2 * std::acos(-1.0L));
      densities.push_back(density);
      seconds.push_back(-x * density);
      of_gelu.push_back(std::erfc(-x / std::sqrt(2.0L)) / 2 + x * density);
    }
    const Tensor x = tensor_of(at, dtype), one = ones_like(x);
    for (const Tensor& slope : gradients_in_all_modes([](const Tensor& t) { return ndtr(t); }, x, one))
      expect_digits(slope, densities, 8);
    for (const Tensor& slope : gradients_in_all_modes([](const Tensor& t) { return gelu(t); }, x, one))
      expect_digits(slope, of_gelu, 12);
    const Tensor v = variable(x), first = gradients(ndtr(v), {v}, {.seed = one, .create_graph = true}).at(v);
    expect_digits(gradients(first, {v}, {.seed = one}).at(v), seconds, 12);
  }
}

TEST(Tails, are_the_numbers_of_the_textbook) {
  const Tensor x = variable(37.43), t = variable(20.0), f = variable(tensor(15.0F));
  EXPECT_NEAR(gradients(sigmoid(x), {x}).at(x).item() / 5.5510e-17, 1, 1e-2);
  EXPECT_NEAR(gradients(tanh(t), {t}).at(t).item() / 1.6993417021166355e-17, 1, 1e-14);
  EXPECT_NEAR(gradients(sigmoid(f), {f}).at(f).item() / 3.0590213e-7, 1, 1e-6);
}

// ---- Softmax and its kin -------------------------------------------------------------------------------

Longs softmax_of(const Longs& z) {
  Longs y;
  const Long most = *std::max_element(z.begin(), z.end());
  Long total = 0;
  for (const Long each : z) total += y.emplace_back(std::exp(each - most));
  for (Long& each : y) each /= total;
  return y;
}
/// Σⱼ yᵢ yⱼ (gᵢ - gⱼ)
Longs softmax_gradient_of(const Longs& y, const Longs& g) {
  Longs result;
  for (std::size_t i = 0; i < y.size(); ++i) {
    Long sum = 0;
    for (std::size_t j = 0; j < y.size(); ++j) sum += y[j] * (g[i] - g[j]);
    result.push_back(y[i] * sum);
  }
  return result;
}
/// Σⱼ yⱼ gᵢ - yᵢ gⱼ
Longs log_softmax_gradient_of(const Longs& y, const Longs& g) {
  Longs result;
  for (std::size_t i = 0; i < y.size(); ++i) {
    Long sum = 0;
    for (std::size_t j = 0; j < y.size(); ++j)
      if (j != i) sum += y[j] * g[i] - y[i] * g[j];
    result.push_back(sum);
  }
  return result;
}

struct Logits {
  Longs z, g;
};
/// Few and many classes, one of which has nearly all.
std::vector<Logits> saturated() {
  std::vector<Logits> all = {{{40, 0}, {1, 0}},         {{0, 40}, {1, 0}},
                             {{30, 30, 0}, {1, 1, 5}},  {{0, 25, -3}, {0.5, -1, 2}},
                             {{0, 60, -3}, {3, 3, -1}}, {{-8, 0, -16, -4}, {0, -1, 0, 0}},
                             {{0, 0, 0}, {1, 0, 0}}};
  Logits many;
  for (int i = 0; i < 100; ++i) {
    many.z.push_back(i == 70 ? 20 : -(i % 7));
    many.g.push_back(i == 70 ? 0 : 1 + i % 3);  // none cancels another
  }
  all.push_back(many);
  return all;
}

TEST(Tails, of_softmax_keep_all_digits) {
  for (const DType dtype : {DType::float32, DType::float64})
    for (const auto& [z, g] : saturated()) {
      SCOPED_TRACE(::testing::PrintToString(std::vector<double>(z.begin(), z.end())));
      const Longs y = softmax_of(z), expected = softmax_gradient_of(y, g);
      const Function function = [](const Tensor& x) { return softmax(x); };
      const Tensor at = tensor_of(z, dtype), above = tensor_of(g, dtype);
      for (const Tensor& got : gradients_in_all_modes(function, at, above)) expect_digits(got, expected, 40);
      const Tensor x = variable(at);
      expect_digits(jvp(softmax(x), x, above), expected, 40);  // the Jacobian is symmetric
    }
}

TEST(Tails, of_log_softmax_keep_all_digits) {
  for (const DType dtype : {DType::float32, DType::float64})
    for (const auto& [z, g] : saturated()) {
      if (z.size() == 3 && z[0] == 30) continue;  // what is lost there, g has lost
      SCOPED_TRACE(::testing::PrintToString(std::vector<double>(z.begin(), z.end())));
      const Longs y = softmax_of(z);
      Longs truth(z.size(), 0);  // as the likelihood of one class asks for
      truth[static_cast<std::size_t>(std::max_element(z.begin(), z.end()) - z.begin())] = -1;
      const Function function = [](const Tensor& x) { return log_softmax(x); };
      const Tensor at = tensor_of(z, dtype);
      for (const Tensor& got : gradients_in_all_modes(function, at, tensor_of(truth, dtype)))
        expect_digits(got, log_softmax_gradient_of(y, truth), 40);
    }
}

TEST(Tails, of_cross_entropy_keep_all_digits) {
  for (const DType dtype : {DType::float32, DType::float64})
    for (const auto& [z, unused] : saturated()) {
      SCOPED_TRACE(::testing::PrintToString(std::vector<double>(z.begin(), z.end())));
      const auto target = std::max_element(z.begin(), z.end()) - z.begin();
      const Longs y = softmax_of(z);
      Longs truth(z.size(), 0), expected;
      truth[static_cast<std::size_t>(target)] = -1;
      expected = log_softmax_gradient_of(y, truth);
      Longs of_likelihood = truth;
      for (Long& each : of_likelihood) each = -each;
      const Tensor probabilities = tensor_of(of_likelihood, dtype), at = tensor_of(z, dtype);
      const Function of_class = [=](const Tensor&x) { return cross_entropy(x, target); },
                     of_probabilities = [=](const Tensor&x) { return cross_entropy(x, probabilities); };
      for (const Function& function : {of_class, of_probabilities}) {
        const Tensor one = ones_like(function(at));
        for (const Tensor& got : gradients_in_all_modes(function, at, one)) expect_digits(got, expected, 40);
        // Hessian times e of the target: a column of diag(y) - y yᵀ.
        const Tensor x = variable(at);
        const Tensor first = gradients(function(x), {x}, {.create_graph = true}).at(x);
        Longs direction(z.size(), 0);
        direction[static_cast<std::size_t>(target)] = 1;
        expect_digits(gradients(first, {x}, {.seed = tensor_of(direction, dtype)}).at(x),
                      softmax_gradient_of(y, direction), 60);
        expect_digits(jvp(first, x, tensor_of(direction, dtype)), softmax_gradient_of(y, direction), 60);
      }
    }
}

TEST(Tails, of_cross_entropy_keep_all_digits_in_batches_of_any_width) {
  for (const std::int64_t classes : {2, 3, 10, 63, 64, 65, 200}) {
    constexpr std::int64_t samples = 37;
    std::vector<double> z;
    std::vector<std::int64_t> target;
    Longs expected;
    for (std::int64_t i = 0; i < samples; ++i) {
      target.push_back(i * 5 % classes);
      Longs row;
      for (std::int64_t k = 0; k < classes; ++k)
        row.push_back(k == target.back() && i % 3 != 0 ? 30 : static_cast<Long>((i + k) % 5));
      Longs truth(row.size(), 0);
      truth[static_cast<std::size_t>(target.back())] = -1;
      for (const Long each : log_softmax_gradient_of(softmax_of(row), truth)) expected.push_back(each);
      z.insert(z.end(), row.begin(), row.end());
    }
    for (const DType dtype : {DType::float32, DType::float64}) {
      const Tensor x = variable(cast(tensor(z, {samples, classes}), dtype));
      const Tensor loss = cross_entropy(x, tensor(target), Reduction::sum);
      for (const bool create_graph : {false, true})
        expect_digits(gradients(loss, {x}, {.create_graph = create_graph}).at(x), expected, 60);
    }
  }
}

}  // namespace
}  // namespace chainrule::test
