// Batches by any number of threads: each sample once, the same order, streams, and errors on the way. Tables
// are texts of a few lines.

#include "chainrule/data/loader.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <numeric>
#include <set>

#include "chainrule/data/augment.h"
#include "chainrule/data/scaling.h"
#include "chainrule/functions.h"
#include "chainrule/statistics.h"
#include "support.h"
#include "thread_counts.h"

namespace chainrule::test {
namespace {

/// n samples whose row i is (i, 10 i) and whose class is i modulo 3.
Dataset numbered(std::int64_t n) {
  const Tensor i = arange(0, n);
  return {cast(stack({i, 10 * i}, 1), DType::float32), remainder(i, 3), 3};
}

/// The samples of an epoch in its order, after checking that each kept its second column and its class.
std::vector<std::int64_t> samples_of(DataLoader::Epoch epoch, std::vector<std::int64_t>* sizes = nullptr) {
  std::vector<std::int64_t> samples;
  for (const Dataset& batch : epoch) {
    if (sizes != nullptr) sizes->push_back(batch.size());
    for (std::int64_t i = 0; i < batch.size(); ++i) {
      samples.push_back(batch.x[i][0].item<std::int64_t>());
      EXPECT_EQ(batch.x[i][1].item<std::int64_t>(), 10 * samples.back());
      EXPECT_EQ(batch.y[i].item<std::int64_t>(), samples.back() % 3);
    }
  }
  return samples;
}

std::vector<std::int64_t> up_to(std::int64_t n) {
  std::vector<std::int64_t> numbers(static_cast<std::size_t>(n));
  std::iota(numbers.begin(), numbers.end(), 0);
  return numbers;
}
std::vector<std::int64_t> sorted(std::vector<std::int64_t> numbers) {
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

/// A stream of numbered(n), of which each call gives at most `most_at_once`.
SampleStream stream_of(std::int64_t n, std::int64_t most_at_once) {
  return [=]() -> SampleReader {
    return [=, first = std::int64_t{0}](std::int64_t most) mutable -> Dataset {
      const std::int64_t count = std::min({most, most_at_once, n - first});
      if (count <= 0) return {};
      std::vector<std::int64_t> rows(static_cast<std::size_t>(count));
      std::iota(rows.begin(), rows.end(), first);
      first += count;
      return take_rows(numbered(n), rows);
    };
  };
}

TEST(DataLoader, deals_every_sample_once_in_an_order_that_seed_and_epoch_decide) {
  const Dataset data = numbered(50);
  std::vector<std::int64_t> first, sizes;
  for (const int threads : {0, 1, 3}) {
    const DataLoader loader(data, {.batch_size = 8, .seed = 5, .threads = threads, .ahead = 2});
    sizes.clear();
    const auto order = samples_of(loader.epoch(1), &sizes);
    EXPECT_EQ(sizes, (std::vector<std::int64_t>{8, 8, 8, 8, 8, 8, 2}));
    EXPECT_EQ(sorted(order), up_to(50));
    if (first.empty()) first = order;
    EXPECT_EQ(order, first) << threads << " threads";
    EXPECT_NE(samples_of(loader.epoch(2)), first);
  }
  EXPECT_NE(samples_of(DataLoader(data, {.batch_size = 8, .seed = 6}).epoch(1)), first);
  EXPECT_EQ(samples_of(DataLoader(data, {.batch_size = 8, .shuffle = false}).epoch(1)), up_to(50));
  sizes.clear();
  samples_of(DataLoader(data, {.batch_size = 8, .drop_last = true}).epoch(0), &sizes);
  EXPECT_EQ(sizes, (std::vector<std::int64_t>(6, 8)));
}

TEST(DataLoader, prepares_each_batch_by_a_generator_of_its_own) {
  const Dataset data = numbered(64);
  const auto prepare = [](Dataset batch, Generator& generator) {
    batch.x = batch.x + randn(batch.x.shape(), generator, DType::float32);
    return batch;
  };
  std::vector<float> expected;
  with_each_thread_count([&](int) {
    for (const int threads : {0, 1, 4}) {
      const DataLoader loader(data, {.batch_size = 4, .threads = threads, .prepare = prepare});
      std::vector<float> drawn;
      auto epoch = loader.epoch(3);
      for (const Dataset& batch : epoch)
        for (const float number : batch.x.to_vector<float>()) drawn.push_back(number);
      ASSERT_EQ(drawn.size(), 128U);
      if (expected.empty()) expected = drawn;
      EXPECT_EQ(drawn, expected) << threads << " threads";
    }
  });
}

TEST(DataLoader, keeps_no_more_than_so_many_batches_ahead_and_may_be_left_early) {
  std::atomic<int> prepared = 0;
  const DataLoader loader(
      numbered(400), {.batch_size = 4, .threads = 2, .ahead = 3, .prepare = [&](Dataset batch, Generator&) {
                        ++prepared;
                        return batch;
                      }});
  {
    auto epoch = loader.epoch(0);
    EXPECT_EQ(epoch.next().size(), 4);
    EXPECT_EQ(epoch.next().size(), 4);
  }
  EXPECT_GE(prepared, 2);
  EXPECT_LE(prepared, 5);
}

TEST(DataLoader, passes_on_what_is_thrown_at_its_batch) {
  for (const int threads : {0, 1, 3}) {
    const DataLoader loader(
        numbered(40),
        {.batch_size = 4, .shuffle = false, .threads = threads, .prepare = [](Dataset batch, Generator&) {
           if (batch.x[0][0].item() >= 12) throw std::runtime_error("no such picture");
           return batch;
         }});
    auto epoch = loader.epoch(0);
    for (int i = 0; i < 3; ++i) EXPECT_EQ(epoch.next().size(), 4);
    EXPECT_TRUE(mentions(message_of<std::runtime_error>([&] { epoch.next(); }), {"no such picture"}));
    EXPECT_TRUE(epoch.next().x.is_empty());
  }
}

TEST(DataLoader, shuffles_a_stream_in_a_window) {
  std::vector<std::int64_t> first;
  for (const int threads : {0, 2}) {
    const DataLoader loader(stream_of(300, 7), {.batch_size = 10, .window = 40, .threads = threads});
    const auto order = samples_of(loader.epoch(0));
    EXPECT_EQ(sorted(order), up_to(300));
    if (first.empty()) first = order;
    EXPECT_EQ(order, first);
    EXPECT_NE(samples_of(loader.epoch(1)), first);
  }
  // Nothing comes before it was read.
  bool is_ahead = false, is_mixed = false;
  for (std::size_t i = 0; i < first.size(); ++i) {
    is_ahead |= first[i] >= static_cast<std::int64_t>(i / 10 * 10 + 40);
    is_mixed |= i > 0 && first[i] < first[i - 1];
  }
  EXPECT_FALSE(is_ahead);
  EXPECT_TRUE(is_mixed);
  std::vector<std::int64_t> sizes;
  EXPECT_EQ(samples_of(DataLoader(stream_of(25, 3), {.batch_size = 8, .shuffle = false}).epoch(0), &sizes),
            up_to(25));
  EXPECT_EQ(sizes, (std::vector<std::int64_t>{8, 8, 8, 1}));
  EXPECT_TRUE(samples_of(DataLoader(stream_of(0, 3)).epoch(0)).empty());
}

TEST(DataLoader, refuses_what_makes_no_sense) {
  EXPECT_TRUE(mentions(message_of<std::invalid_argument>([&] { DataLoader(numbered(4), {.batch_size = 0}); }),
                       {"DataLoader: batch_size is 0; it must be positive"}));
  EXPECT_TRUE(mentions(message_of<std::invalid_argument>([&] { DataLoader(numbered(4), {.ahead = 0}); }),
                       {"ahead is 0"}));
  EXPECT_TRUE(mentions(message_of<std::invalid_argument>([&] { DataLoader(numbered(4), {.threads = -1}); }),
                       {"threads is -1"}));
  EXPECT_TRUE(mentions(message_of<ShapeError>([&] {
                         DataLoader({zeros({4, 2}), arange(0, 3), 3});
                       }),
                       {"DataLoader: x has shape (4, 2), y (3,); they must be (n, ...) and (n,)"}));
  int call = 0;
  const DataLoader changing([&]() -> SampleReader {
    return [&](std::int64_t) {
      return Dataset{zeros({1, call++ == 0 ? 2 : 3}), zeros({1}, DType::int64), 2};
    };
  });
  auto epoch = changing.epoch(0);
  EXPECT_TRUE(
      mentions(message_of<ShapeError>([&] { epoch.next(); }),
               {"DataLoader: the stream gave samples of shape (3,) and float64 after those of shape (2,)"}));
}

TEST(Augmentation, moves_turns_and_cuts_each_image_in_its_own_way) {
  Generator generator(3);
  const Tensor images = arange(0, 40 * 2 * 3 * 4).reshape({40, 2, 3, 4}) + 1;
  const Tensor shifted = random_shift(images, 1, generator, -1), turned = random_flip(images, generator),
               cut = random_crop(images, 2, 3, generator), over = random_flip(images, generator, 1, -2);
  EXPECT_EQ(shifted.shape(), images.shape());
  EXPECT_EQ(cut.shape(), Shape({40, 2, 2, 3}));
  std::set<std::int64_t> shifts, cuts;
  int flips = 0;
  for (std::int64_t i = 0; i < 40; ++i) {
    // The pixel in the middle tells where its image went; both channels went there.
    const auto middle = [&](std::int64_t channel) {
      const auto from =
          shifted[i][channel][1][1].item<std::int64_t>() - images[i][channel][0][0].item<std::int64_t>();
      return from;
    };
    EXPECT_EQ(middle(0), middle(1));
    shifts.insert(middle(0));
    cuts.insert(cut[i][0][0][0].item<std::int64_t>() - images[i][0][0][0].item<std::int64_t>());
    EXPECT_EQ((cut[i][1][1][2] - cut[i][1][0][0]).item<std::int64_t>(), 6);  // a row and two pixels
    const bool is_turned = turned[i][1][2][3].item<std::int64_t>() == images[i][1][2][0].item<std::int64_t>();
    flips += is_turned;
    EXPECT_TRUE(all(turned[i][0][1][0] == images[i][0][1][is_turned ? 3 : 0]).item<bool>());
  }
  EXPECT_EQ(shifts, (std::set<std::int64_t>{0, 1, 2, 4, 5, 6, 8, 9, 10}));
  EXPECT_EQ(cuts, (std::set<std::int64_t>{0, 1, 4, 5}));
  EXPECT_GT(flips, 10);
  EXPECT_LT(flips, 30);
  EXPECT_TRUE(
      all(over[{Index::ellipsis(), 0, Slice{}}] == images[{Index::ellipsis(), 2, Slice{}}]).item<bool>());
  EXPECT_EQ(center_crop(images, 1, 2)[0][0].to_vector<std::int64_t>(), (std::vector<std::int64_t>{6, 7}));
  const Tensor around = random_crop(ones({200, 1, 1}), 3, 3, generator, 1);
  EXPECT_TRUE(all(sum(around, Axes({1, 2})) == 1).item<bool>());
  const Tensor noisy = add_noise(zeros({4, 50, 50}), 0.5, generator);
  EXPECT_NEAR(chainrule::std(noisy).item(), 0.5, 0.02);
}

TEST(Augmentation, refuses_what_makes_no_sense) {
  Generator generator(3);
  EXPECT_TRUE(mentions(message_of<ShapeError>([&] {
                         random_shift(zeros({3, 3}), 1, generator);
                       }),
                       {"random_shift: images have shape (3, 3); they must be (n, ..., height, width)"}));
  EXPECT_TRUE(mentions(message_of<ShapeError>([&] {
                         random_flip(zeros({1, 3, 3}), generator, 0.5, 0);
                       }),
                       {"random_flip: axis 0 of images (1, 3, 3); it must be one of the last two"}));
  EXPECT_TRUE(mentions(message_of<std::invalid_argument>([&] {
                         random_flip(zeros({1, 3, 3}), generator, 2);
                       }),
                       {"probability is 2.0"}));
  EXPECT_TRUE(mentions(message_of<std::invalid_argument>([&] {
                         random_crop(zeros({1, 3, 3}), 6, 2, generator, 1);
                       }),
                       {"random_crop: a part of 6x2 from images of 3x3 with padding 1"}));
  EXPECT_TRUE(mentions(message_of<DTypeError>([&] {
                         add_noise(zeros({1, 3, 3}, DType::int64), 1, generator);
                       }),
                       {"add_noise: images are int64; cast them to float32 or float64 first"}));
}

TEST(Scaling, moves_columns_to_a_range_and_back) {
  const Tensor x = tensor({{1.0, 5.0}, {3.0, 5.0}, {2.0, 5.0}});
  const MinMaxScaler scale(x, -1, 1);
  EXPECT_TRUE(equals(scale(x), {3, 2}, {-1, -1, 1, -1, 0, -1}));
  EXPECT_TRUE(equals(scale(tensor({{4.0, 6.0}})), {1, 2}, {2, 1}));
  EXPECT_TRUE(equals(scale.inverse(scale(x)), {3, 2}, {1, 5, 3, 5, 2, 5}));
  EXPECT_TRUE(mentions(message_of<std::invalid_argument>([&] {
                         MinMaxScaler(tensor({{1.0}, {NAN}}));
                       }),
                       {"a column has nan"}));
  EXPECT_TRUE(mentions(message_of<ShapeError>([&] {
                         scale(zeros({2, 3}));
                       }),
                       {"it was made from 2 columns"}));
}

TEST(Scaling, fills_gaps_and_weighs_classes) {
  const Tensor x = tensor({{1.0, NAN}, {NAN, 2.0}, {3.0, 4.0}, {8.0, NAN}});
  EXPECT_TRUE(equals(Imputer(x)(x), {4, 2}, {1, 3, 3, 2, 3, 4, 8, 3}));
  EXPECT_TRUE(equals(Imputer(x, Fill::mean).values(), {2}, {4, 3}));
  EXPECT_TRUE(mentions(message_of<std::invalid_argument>([&] { Imputer(tensor({{NAN}})); }),
                       {"column 0 has no number"}));
  EXPECT_TRUE(equals(class_weights(tensor({0, 1, 1, 1}), 3), {3}, {4.0 / 3, 4.0 / 9, 0}));
  EXPECT_TRUE(mentions(message_of<ShapeError>([&] { class_weights(tensor({3}), 3); }),
                       {"class 3 in y; it must be from 0 to 2"}));
}

}  // namespace
}  // namespace chainrule::test
