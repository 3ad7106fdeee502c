// Samples taken in batches and split, what a network makes of them, and the half-moons.
// Tables are texts of a few lines.

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "chainrule/autograd.h"
#include "chainrule/data.h"
#include "chainrule/data/folds.h"
#include "chainrule/optim.h"
#include "support.h"

namespace chainrule::test {
namespace {

/// n samples whose row i is (i, 10 i) and whose class is i modulo 3.
Dataset numbered(std::int64_t n) {
  std::vector<float> x;
  std::vector<std::int64_t> y;
  for (std::int64_t i = 0; i < n; ++i) {
    x.push_back(static_cast<float>(i));
    x.push_back(static_cast<float>(10 * i));
    y.push_back(i % 3);
  }
  return {tensor(x, {n, 2}), tensor(y), 3};
}

/// Which samples of numbered() these are, after checking that each kept its second column and its class.
std::vector<std::int64_t> samples_of(const Dataset& part) {
  std::vector<std::int64_t> samples;
  for (std::int64_t i = 0; i < part.size(); ++i) {
    samples.push_back(part.x[i][0].item<std::int64_t>());
    EXPECT_EQ(part.x[i][1].item<std::int64_t>(), 10 * samples.back());
    EXPECT_EQ(part.y[i].item<std::int64_t>(), samples.back() % 3);
  }
  return samples;
}

std::vector<std::int64_t> up_to(std::int64_t n) {
  std::vector<std::int64_t> numbers(static_cast<std::size_t>(n));
  std::iota(numbers.begin(), numbers.end(), 0);
  return numbers;
}

TEST(TakeRows, gives_them_in_the_order_asked_for) {
  const std::vector<std::int64_t> positions = {2, 0, 2};
  EXPECT_TRUE(equals(take_rows(tensor({{1, 2}, {3, 4}, {5, 6}}), positions), {3, 2}, {5, 6, 1, 2, 5, 6}));
  EXPECT_TRUE(equals(take_rows(tensor({1.5, 2.5, 3.5}), positions), {3}, {3.5, 1.5, 3.5}));
  EXPECT_TRUE(equals(take_rows(tensor({{1, 2}}), {}), {0, 2}, {}));
  EXPECT_TRUE(equals(take_rows(tensor({true, false}), {1, 0, 0}), {3}, {0, 1, 1}));
}

TEST(TakeRows, of_a_parameter_trains_the_rows_taken_and_adds_up_repeated_ones) {
  const Parameter table(zeros({3, 2}), "table");
  Sgd optimizer({table}, {.learning_rate = 1});
  sum(take_rows(table, tensor({{0, 2}, {2, 2}})) * tensor({1.0F, 10.0F})).backward();
  optimizer.step();
  EXPECT_TRUE(equals(table, {3, 2}, {-1, -10, 0, 0, -3, -30}));
}

TEST(TakeRows, differentiates_twice_through_repeated_positions) {
  const Tensor x = variable({1.0, 2.0});
  const Tensor y = sum(pow(take_rows(x, {1, 1, 0}), 3));  // 2 x1³ + x0³
  const Tensor slope = gradients(y, {x}, {.create_graph = true})[x];
  EXPECT_TRUE(equals(slope, {2}, {3, 24}));
  EXPECT_TRUE(equals(gradients(sum(slope), {x})[x], {2}, {6, 24}));
}

TEST(TakeRows, needs_whole_positions) {
  EXPECT_TRUE(mentions(message_of<DTypeError>([] {
                         take_rows(zeros({2, 3}), tensor({0.0}));
                       }),
                       {"take_rows", "float64", "int64"}));
}

TEST(TakeRows, refuses_rows_that_are_not_there) {
  const std::vector<std::int64_t> beyond = {2}, negative = {-1}, first = {0};
  EXPECT_TRUE(mentions(message_of<ShapeError>([&] { take_rows(zeros({2, 3}), beyond); }), {"2", "(2, 3)"}));
  EXPECT_THROW(take_rows(zeros({2, 3}), negative), ShapeError);
  EXPECT_THROW(take_rows(tensor(1.0), first), ShapeError);
}

TEST(SplitData, deals_every_sample_to_exactly_one_part) {
  PRINT_SEED_ON_FAILURE();
  Generator generator(seed());
  const Split parts = split(numbered(50), 0.2, generator);
  EXPECT_EQ(parts.train.size(), 40);
  EXPECT_EQ(parts.test.size(), 10);
  EXPECT_EQ(parts.test.classes, 3);
  std::vector<std::int64_t> all = samples_of(parts.train), test = samples_of(parts.test);
  all.insert(all.end(), test.begin(), test.end());
  std::sort(all.begin(), all.end());
  EXPECT_EQ(all, up_to(50));
}

TEST(SplitData, leaves_neither_part_empty) {
  Generator generator;
  EXPECT_EQ(split(numbered(2), 0.01, generator).test.size(), 1);
  EXPECT_EQ(split(numbered(2), 0.99, generator).train.size(), 1);
}

TEST(SplitData, refuses_what_cannot_be_split) {
  Generator generator;
  EXPECT_THROW(split(numbered(1), 0.5, generator), std::invalid_argument);
  EXPECT_THROW(split(numbered(9), 0, generator), std::invalid_argument);
  EXPECT_THROW(split(numbered(9), 1, generator), std::invalid_argument);
}

TEST(Batches, see_every_sample_once_in_an_order_of_their_own) {
  PRINT_SEED_ON_FAILURE();
  Generator generator(seed());
  const Dataset data = numbered(103);
  std::vector<std::vector<std::int64_t>> epochs;
  for (int epoch = 0; epoch < 2; ++epoch) {
    std::vector<std::int64_t> seen, sizes;
    for (const Dataset& batch : Batches(data, 25, generator)) {
      sizes.push_back(batch.size());
      EXPECT_EQ(batch.x.shape(), (Shape{batch.size(), 2}));
      EXPECT_EQ(batch.classes, 3);
      for (const std::int64_t sample : samples_of(batch)) seen.push_back(sample);
    }
    EXPECT_EQ(sizes, (std::vector<std::int64_t>{25, 25, 25, 25, 3}));
    epochs.push_back(seen);
    std::sort(seen.begin(), seen.end());
    EXPECT_EQ(seen, up_to(103));
  }
  EXPECT_NE(epochs[0], epochs[1]);
  EXPECT_NE(epochs[0], up_to(103));
}

TEST(Batches, with_the_same_seed_are_the_same) {
  const Dataset data = numbered(10);
  Generator one(4), two(4);
  const Batches first(data, 10, one), second(data, 10, two);
  EXPECT_EQ(samples_of(*first.begin()), samples_of(*second.begin()));
}

TEST(Batches, know_how_many_they_are) {
  Generator generator;
  EXPECT_EQ(Batches(numbered(10), 3, generator).size(), 4);
  EXPECT_EQ(Batches(numbered(10), 100, generator).size(), 1);
  EXPECT_THROW(Batches(numbered(10), 0, generator), std::invalid_argument);
}

TEST(PredictedClasses, are_those_with_the_largest_scores) {
  EXPECT_TRUE(equals(predicted_classes(tensor({{1.0, 3.0, 2.0}, {-1.0, -2.0, -3.0}})), {2}, {1, 0}));
}

TEST(PredictedClasses, are_the_first_of_equal_scores_and_never_nan) {
  const double nan = std::nan("");
  EXPECT_TRUE(equals(predicted_classes(tensor({{2.0, 2.0}, {nan, 1.0}, {1.0, nan}})), {3}, {0, 1, 0}));
}

TEST(PredictedClasses, need_a_matrix_of_floats) {
  EXPECT_THROW(predicted_classes(zeros({3})), ShapeError);
  EXPECT_THROW(predicted_classes(zeros({3, 0})), ShapeError);
  EXPECT_THROW(predicted_classes(tensor({{1, 2}})), DTypeError);
}

TEST(Accuracy, is_the_share_of_samples_classified_correctly) {
  const Tensor scores = tensor({{1.0F, 0.0F}, {0.0F, 1.0F}, {1.0F, 0.0F}, {1.0F, 0.0F}});
  EXPECT_EQ(accuracy(scores, tensor({0, 1, 1, 0})), 0.75);
  EXPECT_EQ(accuracy(zeros({0, 2}), zeros({0}, DType::int64)), 0);
  EXPECT_THROW(accuracy(scores, tensor({0, 1})), ShapeError);
  EXPECT_THROW(accuracy(scores, tensor({0.0, 1.0, 1.0, 0.0})), DTypeError);
}

TEST(Evaluate, gives_loss_answers_and_confidence_in_parts_as_at_once) {
  PRINT_SEED_ON_FAILURE();
  Generator generator(seed());
  const Dataset data{randn({2500, 3}, generator), tensor(std::vector<std::int64_t>(2500, 1)), 3};
  const auto network = [](const Tensor& x) { return x * 2.0; };
  const Evaluation result = evaluate(network, data);
  const Tensor scores = network(data.x);
  EXPECT_TRUE(agree(result.loss, cross_entropy(scores, data.y).item(), 1e-5));
  EXPECT_EQ(result.predicted, predicted_classes(scores).to_vector<std::int64_t>());
  EXPECT_TRUE(close(tensor(result.confidence), max(softmax(scores), -1).to_vector<double>(), 1e-6));
  EXPECT_EQ(result.correct, std::llround(accuracy(scores, data.y) * 2500));
  const Dataset lost{tensor({{std::nan(""), 1.0, 2.0}}), tensor(std::vector{1}), 3};
  EXPECT_EQ(evaluate(network, lost).confidence, std::vector<double>({0}));
  EXPECT_EQ(evaluate(network, {zeros({0, 3}), zeros({0}, DType::int64), 3}).loss, 0);
}

TEST(HalfMoons, without_noise_lie_on_two_half_circles) {
  PRINT_SEED_ON_FAILURE();
  Generator generator(seed());
  const Dataset moons = half_moons(101, 0, generator);
  EXPECT_EQ(moons.x.shape(), (Shape{101, 2}));
  EXPECT_EQ(moons.x.dtype(), DType::float64);
  EXPECT_EQ(moons.classes, 2);
  for (std::int64_t i = 0; i < moons.size(); ++i) {
    const double across = moons.x[i][0].item(), up = moons.x[i][1].item();
    const bool lower = moons.y[i].item<int>() == 1;
    EXPECT_EQ(lower, i % 2 == 1);
    EXPECT_NEAR(lower ? std::hypot(across - 1, up - 0.5) : std::hypot(across, up), 1, 1e-6);
    if (lower)
      EXPECT_LE(up, 0.5);
    else
      EXPECT_GE(up, 0);
  }
}

TEST(HalfMoons, scatter_by_the_noise_asked_for) {
  PRINT_SEED_ON_FAILURE();
  Generator generator(seed());
  const Dataset moons = half_moons(20000, 0.1, generator);
  double squares = 0;
  for (std::int64_t i = 0; i < moons.size(); i += 2) {
    const double off = std::hypot(moons.x[i][0].item(), moons.x[i][1].item()) - 1;
    squares += off * off;
  }
  EXPECT_NEAR(std::sqrt(squares / 10000), 0.1, 0.01);
}

TEST(HalfMoons, refuse_negative_numbers) {
  Generator generator;
  EXPECT_THROW(half_moons(-1, 0.1, generator), std::invalid_argument);
  EXPECT_THROW(half_moons(10, -0.1, generator), std::invalid_argument);
}

// ---- Folds ------------------------------------------------------------------------------------------------

using Positions = std::vector<std::int64_t>;

/// Each position is once in a test part, and each fold has all of them.
void expect_partition(const std::vector<Fold>& folds, std::int64_t count) {
  std::multiset<std::int64_t> tested;
  for (const Fold& fold : folds) {
    tested.insert(fold.test.begin(), fold.test.end());
    std::set<std::int64_t> all(fold.train.begin(), fold.train.end());
    all.insert(fold.test.begin(), fold.test.end());
    EXPECT_EQ(static_cast<std::int64_t>(all.size()), count);
    EXPECT_EQ(static_cast<std::int64_t>(fold.train.size() + fold.test.size()), count);
    EXPECT_FALSE(fold.test.empty());
    EXPECT_FALSE(fold.train.empty());
  }
  if (folds.size() == 1) return;
  EXPECT_EQ(static_cast<std::int64_t>(tested.size()), count);
  EXPECT_EQ(std::set<std::int64_t>(tested.begin(), tested.end()).size(), tested.size());
}

std::int64_t count_of(const Positions& positions, const std::vector<std::int64_t>& labels,
                      std::int64_t label) {
  return std::count_if(positions.begin(), positions.end(),
                       [&](std::int64_t at) { return labels[static_cast<std::size_t>(at)] == label; });
}

TEST(Folds, spread_classes_evenly_and_keep_groups_together) {
  Generator generator(4);
  std::vector<std::int64_t> labels;
  for (int i = 0; i < 53; ++i) labels.push_back(i % 10 == 0 ? 7 : i % 3 == 0 ? -1 : 2);
  const Tensor y = tensor(labels);
  expect_partition(k_fold(53, 5, generator), 53);
  const std::vector<Fold> stratified = stratified_k_fold(y, 4, generator);
  expect_partition(stratified, 53);
  for (const std::int64_t label : {7, -1, 2}) {
    std::set<std::int64_t> counts;
    for (const Fold& fold : stratified) counts.insert(count_of(fold.test, labels, label));
    EXPECT_LE(*counts.rbegin() - *counts.begin(), 1) << label;
  }
  const Fold split = stratified_split(y, 0.25, generator);
  expect_partition({split}, 53);
  EXPECT_EQ(split.test.size(), 13U);
  for (const std::int64_t label : {7, -1, 2})
    EXPECT_NEAR(static_cast<double>(count_of(split.test, labels, label)),
                13.0 / 53 * static_cast<double>(std::count(labels.begin(), labels.end(), label)), 1);

  EXPECT_EQ(stratified_split(y, 0.001, generator).test.size(), 1U);
  EXPECT_EQ(stratified_split(y, 0.999, generator).train.size(), 1U);

  // The largest groups are dealt first: 4 and 2, 3 and 3.
  for (const Fold& fold : grouped_k_fold(tensor({1, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4}), 2, generator))
    EXPECT_EQ(fold.test.size(), 6U);
  std::vector<std::int64_t> people;
  for (int i = 0; i < 40; ++i) people.push_back(i * i % 11);
  std::vector<Fold> grouped = grouped_k_fold(tensor(people), 3, generator);
  expect_partition(grouped, 40);
  grouped.push_back(grouped_split(tensor(people), 0.3, generator));
  for (const Fold& fold : grouped)
    for (const std::int64_t at : fold.test)
      EXPECT_EQ(count_of(fold.train, people, people[static_cast<std::size_t>(at)]), 0);
  EXPECT_GE(grouped.back().test.size(), 12U);
}

TEST(Folds, are_decided_by_the_generator_and_refuse_what_makes_no_sense) {
  Generator first(1), second(1), third(2);
  EXPECT_EQ(k_fold(20, 3, first)[1].test, k_fold(20, 3, second)[1].test);
  EXPECT_NE(k_fold(20, 3, first)[1].test, k_fold(20, 3, third)[1].test);
  const Tensor y = tensor(std::vector<std::int64_t>{0, 0, 0});
  EXPECT_TRUE(
      mentions(message_of<std::invalid_argument>([&] { k_fold(3, 4, first); }), {"4 folds of 3 samples"}));
  EXPECT_TRUE(
      mentions(message_of<std::invalid_argument>([&] { stratified_k_fold(y, 1, first); }), {"1 folds"}));
  EXPECT_TRUE(mentions(message_of<std::invalid_argument>([&] { grouped_k_fold(y, 2, first); }),
                       {"2 folds of 1 groups"}));
  EXPECT_TRUE(
      mentions(message_of<std::invalid_argument>([&] { grouped_split(y, 0.5, first); }), {"1 group"}));
  EXPECT_TRUE(mentions(message_of<std::invalid_argument>([&] { stratified_split(y, 1, first); }),
                       {"between 0 and 1"}));
  EXPECT_TRUE(mentions(message_of<DTypeError>([&] { stratified_split(zeros({3}), 0.5, first); }), {"int64"}));
  EXPECT_TRUE(mentions(message_of<ShapeError>([&] {
                         grouped_split(reshape(y, {3, 1}), 0.5, first);
                       }),
                       {"(n,)"}));
}

}  // namespace
}  // namespace chainrule::test
