// Tensors from C++ numbers, lists and arrays, and their dtypes, under each default dtype.
// support.h reads and compares tensors.

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <sstream>

#include "chainrule/autograd.h"
#include "chainrule/data.h"
#include "chainrule/io.h"
#include "chainrule/optim.h"
#include "chainrule/shaping.h"
#include "support.h"

namespace chainrule {
namespace {

using test::equals;
using test::mentions;
using test::message_of;

/// The default dtype while a test runs.
class WithDefault {
 public:
  explicit WithDefault(DType dtype) { set_default_dtype(dtype); }
  ~WithDefault() { set_default_dtype(before_); }
  WithDefault(const WithDefault&) = delete;
  WithDefault& operator=(const WithDefault&) = delete;

 private:
  DType before_ = default_dtype();
};

TEST(Making, from_numbers_of_any_kind) {
  const Tensor x = 1.5;
  EXPECT_TRUE(equals(x, {}, {1.5}));
  EXPECT_EQ(x.dtype(), DType::float64);
  EXPECT_EQ(Tensor(2.5F).dtype(), DType::float32);
  EXPECT_EQ(Tensor(3).dtype(), DType::int64);
  EXPECT_EQ(Tensor(true).dtype(), DType::boolean);
  EXPECT_EQ(tensor(std::uint8_t{200}).item<int>(), 200);
  EXPECT_EQ(tensor(std::int8_t{-3}).item<int>(), -3);
  EXPECT_EQ(tensor(2.5L).dtype(), DType::float64);
}

TEST(Making, from_lists_of_mixed_numbers) {
  EXPECT_TRUE(equals(tensor({1, 2.5}), {2}, {1, 2.5}));
  EXPECT_EQ(tensor({1, 2.5}).dtype(), DType::float64);
  EXPECT_EQ(tensor({1, 2.5F}).dtype(), DType::float32);
  EXPECT_EQ(tensor({true, 2}).dtype(), DType::int64);
  EXPECT_EQ(tensor({true, false}).dtype(), DType::boolean);
  EXPECT_TRUE(equals(tensor({{1, 2}, {3, 4.5}, {true, 6}}), {3, 2}, {1, 2, 3, 4.5, 1, 6}));
  EXPECT_TRUE(equals(tensor({{{1, 2}}, {{3, 4}}}), {2, 1, 2}, {1, 2, 3, 4}));
  EXPECT_TRUE(equals(tensor({{{{5.0}}}}), {1, 1, 1, 1}, {5}));
  EXPECT_TRUE(equals(tensor({1, 2, 3, 4}, {2, 2}), {2, 2}, {1, 2, 3, 4}));
  EXPECT_TRUE(equals(tensor({}), {0}, {}));
  EXPECT_EQ(tensor({}).dtype(), DType::float64);
  EXPECT_TRUE(equals(tensor({{}, {}}), {2, 0}, {}));
}

TEST(Making, from_lists_keeps_large_integers) {
  constexpr std::int64_t large = (std::int64_t{1} << 53) + 1;
  EXPECT_EQ(tensor({large, std::int64_t{-1}}).to_vector<std::int64_t>(),
            (std::vector<std::int64_t>{large, -1}));
}

TEST(Making, from_ragged_lists_is_an_error) {
  EXPECT_TRUE(mentions(message_of<ShapeError>([] { tensor({{1, 2}, {3}}); }), {"tensor", "2", "1"}));
  EXPECT_TRUE(mentions(message_of<ShapeError>([] { tensor({{1, 2}, {3, 4, 5}}); }), {"tensor", "2", "3"}));
  EXPECT_TRUE(mentions(message_of<ShapeError>([] { tensor({{1, 2}, 3}); }), {"tensor", "numbers and lists"}));
  EXPECT_TRUE(mentions(message_of<ShapeError>([] { tensor({1, {2, 3}}); }), {"tensor", "numbers and lists"}));
  EXPECT_TRUE(mentions(message_of<ShapeError>([] { tensor({1, 2, 3}, {2, 2}); }), {"3 elements", "(2, 2)"}));
  EXPECT_TRUE(mentions(message_of<ShapeError>([] {
                         tensor(std::vector<std::vector<int>>{{1, 2}, {3}});
                       }),
                       {"tensor", "2", "1"}));
}

TEST(Making, from_arrays_keeps_their_element_type) {
  const WithDefault float32(DType::float32);
  double flat[] = {1, 2, 3};
  const float nested[2][2] = {{1, 2}, {3, 4}};
  EXPECT_TRUE(equals(tensor(flat), {3}, {1, 2, 3}));
  EXPECT_EQ(tensor(flat).dtype(), DType::float64);
  EXPECT_TRUE(equals(tensor(nested), {2, 2}, {1, 2, 3, 4}));
  EXPECT_EQ(tensor(nested).dtype(), DType::float32);
  EXPECT_TRUE(equals(tensor(std::array{1, 2}), {2}, {1, 2}));
  EXPECT_EQ(tensor(std::array{1, 2}).dtype(), DType::int32);
  EXPECT_EQ(tensor(std::array{1.0, 2.0}).dtype(), DType::float64);
  EXPECT_EQ(tensor(std::array{true, false}).dtype(), DType::boolean);
  EXPECT_TRUE(equals(tensor(std::span<double>(flat)), {3}, {1, 2, 3}));
  EXPECT_EQ(tensor(std::vector<double>{1, 2}).dtype(), DType::float64);
  EXPECT_EQ(tensor(std::vector<std::uint8_t>{1, 255}).dtype(), DType::uint8);
  EXPECT_TRUE(equals(tensor(std::vector<bool>{true, false}), {2}, {1, 0}));
  EXPECT_TRUE(
      equals(tensor(std::vector<std::vector<double>>{{1, 2, 3}, {4, 5, 6}}), {2, 3}, {1, 2, 3, 4, 5, 6}));
  EXPECT_TRUE(equals(tensor(std::vector<std::array<float, 2>>{{1, 2}}), {1, 2}, {1, 2}));
  EXPECT_TRUE(equals(tensor(std::vector<std::vector<double>>{}), {0, 0}, {}));
  EXPECT_TRUE(equals(tensor(std::vector<std::vector<int>>{{1, 2}, {3, 4}}, {4}), {4}, {1, 2, 3, 4}));
  EXPECT_TRUE(equals(tensor(flat, {3, 1}), {3, 1}, {1, 2, 3}));
}

TEST(Making, of_integers_beyond_int64_is_an_error) {
  constexpr std::uint64_t beyond = 18446744073709551615ull;
  const std::vector<std::string> words = {"18446744073709551615", "int64"};
  EXPECT_TRUE(mentions(message_of<DTypeError>([] { tensor(beyond); }), words));
  EXPECT_TRUE(mentions(message_of<DTypeError>([] { tensor({beyond, beyond}); }), words));
  EXPECT_TRUE(mentions(message_of<DTypeError>([] { tensor(std::vector{beyond}); }), words));
  EXPECT_TRUE(mentions(message_of<DTypeError>([] { tensor({1.5}) * beyond; }), words));
  EXPECT_TRUE(mentions(message_of<DTypeError>([] { Tensor x = beyond; }), words));
  EXPECT_EQ(tensor(std::uint64_t{INT64_MAX}).item<std::int64_t>(), INT64_MAX);
}

TEST(Making, variables_from_numbers_lists_and_arrays) {
  EXPECT_EQ(variable({1, 2}).dtype(), DType::float64);
  EXPECT_TRUE(equals(variable({1, 2}, "x"), {2}, {1, 2}));
  EXPECT_EQ(variable({1, 2}, "x").name(), "x");
  EXPECT_TRUE(variable({{1, 2}, {3, 4}}).requires_grad());
  EXPECT_EQ(variable(2).dtype(), DType::float64);
  EXPECT_EQ(variable(2.0F).dtype(), DType::float32);
  EXPECT_EQ(variable({2.0F, 3.0F}).dtype(), DType::float32);
  EXPECT_EQ(variable(std::vector<float>{1, 2}, "v").dtype(), DType::float32);
  EXPECT_EQ(variable(std::vector<int>{1, 2}, "v").dtype(), DType::float64);
  EXPECT_EQ(variable(std::vector<int>{1, 2}, "v").name(), "v");
  const WithDefault float32(DType::float32);
  EXPECT_EQ(variable({1, 2}).dtype(), DType::float32);
  EXPECT_EQ(variable(2.0).dtype(), DType::float32);
  EXPECT_EQ(variable(std::vector<double>{1, 2}).dtype(), DType::float64);
}

TEST(Making, with_a_whole_number_for_a_shape) {
  EXPECT_TRUE(equals(zeros(3), {3}, {0, 0, 0}));
  EXPECT_TRUE(equals(full(2, 1.5), {2}, {1.5, 1.5}));
  EXPECT_EQ(tensor({{1, 2}, {3, 4}}).reshape(4).shape(), Shape({4}));
  EXPECT_EQ(ones(0).size(), 0);
}

TEST(DefaultDtype, is_float64_for_what_is_made_without_data) {
  Generator generator(1);
  EXPECT_EQ(default_dtype(), DType::float64);
  for (const Tensor& made :
       {zeros({2}), ones({2}), full({2}, 3), linspace(0, 1, 3), rand({2}, generator), randn({2}, generator),
        he_normal(2, 3, generator), tensor(1.0), tensor({1.0, 2})})
    EXPECT_EQ(made.dtype(), DType::float64);
}

TEST(DefaultDtype, is_that_of_doubles_and_of_what_is_made_without_data) {
  const WithDefault float32(DType::float32);
  Generator generator(1);
  const Tensor x = 1.5;
  for (const Tensor& made :
       {zeros({2}), ones({2}), full({2}, 3), linspace(0, 1, 3), rand({2}, generator), randn({2}, generator),
        he_normal(2, 3, generator), tensor(1.0), tensor({1.0, 2}), x, variable(1), exp(1.0), exp(tensor(1)),
        tensor(1) / 2, mean(arange(0, 3)), arange(0, 3) * 0.5, half_moons(4, 0, generator).x,
        Linear(2, 3, generator).bias().leaf(), Mlp({2, 3}, generator)(x * ones({2}))})
    EXPECT_EQ(made.dtype(), DType::float32);
  EXPECT_EQ(arange(0, 3).dtype(), DType::int64);
  EXPECT_EQ(arange(3).to_vector<std::int64_t>(), (std::vector<std::int64_t>{0, 1, 2}));
  EXPECT_EQ(arange(3, DType::float32).dtype(), DType::float32);
  EXPECT_EQ(zeros({2}, DType::int64).dtype(), DType::int64);
  EXPECT_EQ(linspace(0, 1, 3, DType::float64).dtype(), DType::float64);
  EXPECT_EQ(half_moons(4, 0, generator, DType::float64).x.dtype(), DType::float64);
  EXPECT_EQ((tensor(std::vector{1.0}) * 2.0).dtype(), DType::float64) << "numbers stay weak";
}

TEST(DefaultDtype, is_a_floating_one) {
  EXPECT_TRUE(
      mentions(message_of<DTypeError>([] { set_default_dtype(DType::int64); }), {"int64", "float32"}));
  EXPECT_TRUE(mentions(message_of<DTypeError>([] { set_default_dtype(DType::boolean); }), {"bool"}));
  EXPECT_EQ(default_dtype(), DType::float64);
}

TEST(Numbers, take_the_dtype_of_the_tensors_they_meet_in_lists) {
  const Tensor a = tensor(2.0F), row = tensor({1.0F, 2.0F});
  EXPECT_TRUE(equals(stack({a, 1.0}), {2}, {2, 1}));
  EXPECT_EQ(stack({a, 1.0}).dtype(), DType::float32);
  EXPECT_EQ(stack({tensor(2), 1.5}).dtype(), DType::float64);
  EXPECT_EQ(stack({1, 2}).dtype(), DType::int64);
  EXPECT_TRUE(equals(stack({row, {3, 4.5}}), {2, 2}, {1, 2, 3, 4.5}));
  EXPECT_TRUE(equals(concatenate({row, {3, 4.5}}), {4}, {1, 2, 3, 4.5}));
  EXPECT_EQ(concatenate({row, {3, 4.5}}).dtype(), DType::float32);
  EXPECT_EQ(add(row, {3.5, 4}).dtype(), DType::float32);
  EXPECT_TRUE(equals(matmul({{1, 2}, {3, 4}}, row), {2}, {5, 11}));
  EXPECT_EQ(slice_update(row, {0}, 5.5).dtype(), DType::float32);
  EXPECT_EQ(slice_update(arange(0, 3), {0}, 5.5).dtype(), DType::float64);
  EXPECT_EQ(slice_update(arange(0, 3), {0}, 5).dtype(), DType::int64);
}

TEST(Numbers, in_lists_are_targets_of_losses) {
  const Tensor h = variable(tensor({{0.0F, 1.0F}, {2.0F, 0.0F}}));
  const Tensor loss = cross_entropy(h, {1, 0});
  EXPECT_EQ(loss.dtype(), DType::float32);
  EXPECT_TRUE(same(loss, loss));
  EXPECT_NEAR(loss.item(), (std::log1p(std::exp(-1.0)) + std::log1p(std::exp(-2.0))) / 2, 1e-6);
  EXPECT_EQ(cross_entropy(h, {{0.5, 0.5}, {0.25, 0.75}}).dtype(), DType::float32);
  EXPECT_NEAR(mse_loss(h, {{0, 1}, {2, 1}}).item(), 0.25, 1e-6);
}

TEST(Numbers, in_a_sum_flow_no_gradient_but_the_tensor_beside_gets_its_own) {
  const Tensor a = variable(2.0F);
  const Gradients g = gradients(sum(square(stack({a, 3.0, a}))), {a});
  EXPECT_EQ(g[a].item(), 8);
}

// ---- Memory of others --------------------------------------------------------------------------------

TEST(FromBlob, shares_memory_and_deletes_it_with_the_last_use) {
  int deleted = 0;
  auto* const memory = new double[3]{1, 2, 3};
  {
    const Tensor x = from_blob(memory, {3}, [&](double* m) {
      ++deleted;
      delete[] m;
    });
    EXPECT_EQ(x.data<double>().data(), memory);
    Tensor flat = x.reshape({3, 1});
    EXPECT_EQ(flat.data<double>().data(), memory);
    EXPECT_TRUE(equals(x * 2, {3}, {2, 4, 6}));
    EXPECT_EQ(deleted, 0);
  }
  EXPECT_EQ(deleted, 1);
}

TEST(FromBlob, never_writes_to_the_memory) {
  std::vector<double> memory = {1, 2, 3};
  const Parameter parameter(from_blob(memory.data(), {3}), "p");
  sum(square(parameter.leaf())).backward();
  Sgd({parameter}, {.learning_rate = 0.5}).step();
  EXPECT_TRUE(equals(parameter.leaf(), {3}, {0, 0, 0}));
  EXPECT_EQ(memory, (std::vector<double>{1, 2, 3}));
}

TEST(FromBlob, takes_constant_memory_and_elements_of_every_type) {
  static constexpr float numbers[] = {1, 2, 3, 4};
  EXPECT_TRUE(equals(from_blob(numbers, {2, 2}), {2, 2}, {1, 2, 3, 4}));
  const std::unique_ptr<bool[]> flags(new bool[10]{true});
  EXPECT_EQ(from_blob(flags.get(), 10).dtype(), DType::boolean);
}

TEST(FromBlob, copies_what_fits_into_a_node_and_deletes_it_at_once) {
  int deleted = 0;
  double number = 2.5;
  const Tensor x = from_blob(&number, {}, [&](double*) { ++deleted; });
  EXPECT_EQ(deleted, 1);
  number = 0;
  EXPECT_EQ(x.item(), 2.5);
}

TEST(FromBlob, deletes_the_memory_also_when_it_fails) {
  int deleted = 0;
  alignas(8) char bytes[64] = {};
  const auto odd = [&] { from_blob(reinterpret_cast<double*>(bytes + 1), {4}, [&](double*) { ++deleted; }); };
  EXPECT_TRUE(mentions(message_of<std::invalid_argument>(odd), {"from_blob", "aligned"}));
  EXPECT_EQ(deleted, 1);
  EXPECT_TRUE(
      mentions(message_of<std::invalid_argument>([] { from_blob(static_cast<double*>(nullptr), {4}); }),
               {"from_blob", "null"}));
  EXPECT_EQ(from_blob(static_cast<double*>(nullptr), {0, 4}).size(), 0);
}

TEST(Making, takes_over_a_vector_that_is_moved) {
  std::vector<double> numbers = {1, 2, 3, 4};
  const double* const memory = numbers.data();
  const Tensor x = tensor(std::move(numbers), {2, 2});
  EXPECT_EQ(x.data<double>().data(), memory);
  EXPECT_TRUE(equals(x, {2, 2}, {1, 2, 3, 4}));
  EXPECT_EQ(tensor(std::vector<std::int64_t>(5, 7)).dtype(), DType::int64);
  std::vector<float> too_few = {1, 2, 3};
  EXPECT_TRUE(mentions(message_of<ShapeError>([&] {
                         tensor(std::move(too_few), {2, 2});
                       }),
                       {"3 elements", "(2, 2)"}));
}

TEST(Printing, of_shapes_and_dtypes) {
  std::ostringstream out;
  out << Shape{2, 3} << ' ' << Shape{} << ' ' << DType::float32 << ' ' << DType::boolean;
  EXPECT_EQ(out.str(), "(2, 3) () float32 bool");
}

}  // namespace
}  // namespace chainrule
