// Columns brought to mean 0 and deviation 1: constant, huge and empty ones as well.
// Tables are texts of a few lines.

#include "chainrule/data.h"

#include <cmath>
#include <limits>

#include "chainrule/optim.h"
#include "support.h"

namespace chainrule::test {
namespace {

TEST(Standardizer, brings_columns_to_mean_zero_and_deviation_one) {
  PRINT_SEED_ON_FAILURE();
  Engine engine(seed());
  const Tensor x = random_tensor({200, 3}, engine) * tensor({1.0, 50.0, 1e-3}) + tensor({7.0, -1000.0, 0.0});
  const Tensor scaled = Standardizer(x)(x);
  EXPECT_TRUE(close(mean(scaled, 0), {0, 0, 0}, 1e-9));
  EXPECT_TRUE(close(mean(square(scaled), 0), {1, 1, 1}, 1e-9));
}

TEST(Standardizer, moves_other_data_by_the_same_amounts) {
  const Standardizer standardize(tensor({{1.0}, {3.0}}));
  EXPECT_TRUE(equals(standardize.mean(), {1}, {2}));
  EXPECT_TRUE(equals(standardize.deviation(), {1}, {1}));
  EXPECT_TRUE(equals(standardize(tensor({{10.0}})), {1, 1}, {8}));
}

TEST(Standardizer, is_made_again_from_its_mean_and_deviation) {
  const Standardizer first(tensor({{1.0, 5.0}, {3.0, 5.0}})), again(first.mean(), first.deviation());
  EXPECT_TRUE(equals(again(tensor({{10.0, 7.0}})), {1, 2}, {8, 2}));
  EXPECT_THROW(Standardizer(tensor({1.0}), tensor({1.0, 2.0})), ShapeError);
  EXPECT_THROW(Standardizer(tensor({1.0}), tensor({1.0F})), DTypeError);
}

TEST(Standardizer, only_shifts_a_constant_column) {
  // 0.1 is no binary fraction: the computed deviation of three of them need not be exactly zero.
  const Standardizer standardize(tensor({{0.1, 1.0}, {0.1, 3.0}, {0.1, 5.0}}));
  EXPECT_EQ(standardize.deviation()[0].item(), 1);
  EXPECT_TRUE(close(standardize(tensor({{0.6, 3.0}})), {0.5, 0}));
}

TEST(Standardizer, keeps_the_dtype_but_computes_in_float64) {
  const Standardizer standardize(tensor({{16777216.0F}, {16777218.0F}}));
  EXPECT_EQ(standardize.mean().dtype(), DType::float32);
  EXPECT_EQ(standardize.deviation().item(), 1);
}

/// A column of these numbers, standardised.
std::vector<double> standardized(const std::vector<double>& column, DType dtype = DType::float64) {
  const Tensor x = cast(tensor(column, {static_cast<std::int64_t>(column.size()), 1}), dtype);
  return values(Standardizer(x)(x));
}

TEST(Standardizer, scales_columns_at_the_ends_of_the_range) {
  const std::vector<double> minus_and_plus = {-1, 1};
  for (const double large : {1e-162, 1e155, 5e-324, 1e-310, 1.7e308}) {
    SCOPED_TRACE(large);
    EXPECT_EQ(standardized({0, large}), minus_and_plus);
    EXPECT_EQ(standardized({-large, large}), minus_and_plus);
  }
  for (const double large : {1e-45, 1e-40, 1e-25, 1e20, 3e38}) {
    SCOPED_TRACE(large);
    EXPECT_EQ(standardized({0, large}, DType::float32), minus_and_plus);
    EXPECT_EQ(standardized({-large, large}, DType::float32), minus_and_plus);
  }
}

TEST(Standardizer, brings_a_constant_column_to_exactly_zero) {
  for (const double number : {123456789012345678.0, 0.1, 1e-320, 1.7e308, -3.3e-7}) {
    SCOPED_TRACE(number);
    EXPECT_EQ(standardized(std::vector<double>(999, number)), std::vector<double>(999, 0));
  }
  for (const double number : {123456789012345678.0, 0.1, 1e-45, 3e38})
    EXPECT_EQ(standardized(std::vector<double>(999, number), DType::float32), std::vector<double>(999, 0));
}

TEST(Standardizer, tells_neighbours_among_floating_point_numbers_apart) {
  // The mean lies between them, where there is no number.
  EXPECT_EQ(standardized({123456789012345680.0, 123456789012345696.0}), (std::vector<double>{-1, 1}));
  EXPECT_EQ(standardized({16777216, 16777218}, DType::float32), (std::vector<double>{-1, 1}));
  EXPECT_EQ(standardized({1, 1 + 0x1p-52}), (std::vector<double>{-1, 1}));
}

TEST(Standardizer, refuses_columns_that_have_no_mean) {
  const double nan = std::nan(""), infinity = std::numeric_limits<double>::infinity();
  const auto message = [](double bad) {
    return message_of<std::invalid_argument>([&] {
      Standardizer(tensor({{1.0, 2.0}, {1.0, bad}, {1.0, 3.0}}));
    });
  };
  EXPECT_TRUE(mentions(message(nan), {"column 1", "nan"}));
  EXPECT_TRUE(mentions(message(infinity), {"column 1", "infinity"}));
  EXPECT_TRUE(mentions(message(-infinity), {"column 1", "infinity"}));
  EXPECT_EQ(values(Standardizer(tensor({{-1.0}, {1.0}}))(tensor({{infinity}}))),
            std::vector<double>{infinity});
}

TEST(Standardizer, lets_a_network_learn_from_tiny_huge_and_constant_columns) {
  for (const DType dtype : {DType::float32, DType::float64}) {
    const double tiny = dtype == DType::float32 ? 1e-40 : 1e-162,
                 huge = dtype == DType::float32 ? 1e30 : 1e155;
    Generator generator(3);
    const Dataset moons = half_moons(200, 0.05, generator);
    const Tensor factors = tensor({tiny, huge}),
                 constant = full({200, 1}, 123456789012345678.0, DType::float64);
    const Tensor x = cast(concatenate({cast(moons.x, DType::float64) * factors, constant}, 1), dtype);
    const Dataset data = Standardizer(x)({x, moons.y, 2});
    const Mlp network({3, 32, 2}, generator, dtype);
    Sgd optimizer(network.parameters(), {.learning_rate = 0.5, .momentum = 0.9});
    for (int step = 0; step < 200; ++step) {
      cross_entropy(network(data.x), data.y).backward();
      optimizer.step();
    }
    EXPECT_GE(accuracy(network(data.x), data.y), 0.99);
  }
}

TEST(Standardizer, keeps_the_classes_of_a_dataset) {
  const Dataset data{tensor({{1.0}, {3.0}}), tensor({1, 0}), 2};
  const Dataset scaled = Standardizer(data.x)(data);
  EXPECT_EQ(values(scaled.x), (std::vector<double>{-1, 1}));
  EXPECT_EQ(values(scaled.y), (std::vector<double>{1, 0}));
  EXPECT_EQ(scaled.classes, 2);
}

TEST(Standardizer, refuses_what_has_no_columns_or_no_samples) {
  EXPECT_THROW(Standardizer(zeros({3})), ShapeError);
  EXPECT_THROW(Standardizer(zeros({0, 3})), ShapeError);
  EXPECT_THROW(Standardizer(tensor({{1, 2}})), DTypeError);
}

}  // namespace
}  // namespace chainrule::test
