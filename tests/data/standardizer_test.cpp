#include "chainrule/data.h"

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
