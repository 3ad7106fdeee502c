// Data-parallel training: the same as that of one process with the samples of all ranks, to the bit where
// that is promised.

#include <algorithm>
#include <set>

#include "chainrule/autograd.h"
#include "chainrule/losses.h"
#include "chainrule/nn.h"
#include "chainrule/optim.h"
#include "chainrule/random.h"
#include "distributed/ranks.h"

namespace chainrule::distributed::test {
namespace {

/// Weights from a seed, of two layers; and one that not all use.
struct Network {
  explicit Network(std::uint64_t seed, DType dtype = DType::float64)
      : Network(std::make_unique<Generator>(seed).get(), dtype) {}
  Tensor operator()(const Tensor& x) const { return linear(tanh(linear(x, w1, b1)), w2, b2) * scale; }
  Parameter w1, b1, w2, b2, scale, spare;
  CHAINRULE_MEMBERS(w1, b1, w2, b2, scale, spare)

 private:
  Network(Generator* from, DType dtype)
      : w1(randn({16, 5}, *from, dtype), "w1"),
        b1(randn({16}, *from, dtype), "b1"),
        w2(randn({2, 16}, *from, dtype), "w2"),
        b2(randn({2}, *from, dtype), "b2"),
        scale(tensor(from->uniform()), "scale"),
        spare(randn({3}, *from, dtype), "spare") {}
};

constexpr std::int64_t samples = 48;  // that 2 to 4 ranks have whole batches of
Tensor inputs() {
  Generator generator(7);
  return randn({samples, 5}, generator, DType::float64);
}
Tensor targets() { return sin(inputs()[{Slice{}, Slice{0, 2}}] * 2); }

Tensor loss_of(const Network& network, const std::vector<std::int64_t>& of) {
  const Tensor x = take_rows(inputs(), tensor(of)), y = take_rows(targets(), tensor(of));
  return mse_loss(network(x), y);
}

void expect_bits(const Tensor& a, const Tensor& b, const std::string& what) {
  EXPECT_EQ(values(a), values(b)) << what;
}

/// The values after `steps` steps of batches of 4 times as many ranks, on all ranks or on each for itself.
template <class Step>
NamedTensors trained(Network& network, int steps, const Sampler& sampler, const Step& step) {
  for (int i = 0; i < steps; ++i) {
    const auto batches = sampler.batches(i / sampler.size());
    step(loss_of(network, batches[static_cast<std::size_t>(i % sampler.size())]));
  }
  return state_dict(network);
}

NamedTensors trained_in_parallel(int steps, std::int64_t bucket_bytes) {
  const World& world = ranks();
  Network network(1 + static_cast<std::uint64_t>(world.rank()));
  DataParallel parallel(world, network, {.bucket_bytes = bucket_bytes});
  Adam optimizer(parameters(network), {.learning_rate = 0.01});
  const Sampler sampler(world, samples, {.batch_size = 4, .seed = 3});
  NamedTensors state = trained(network, steps, sampler, [&](Tensor loss) {
    parallel.backward(std::move(loss));
    clip_grad_norm(parameters(network), 0.5);
    optimizer.step();
  });
  parallel.check_equal();
  return state;
}

TEST(DataParallel, is_the_training_of_one_process_with_the_samples_of_all) {
  const World& world = ranks();
  Network alone(1);
  Adam optimizer(parameters(alone), {.learning_rate = 0.01});
  const Sampler sampler(0, 1, samples, {.batch_size = 4 * world.size(), .seed = 3});
  const NamedTensors expected = trained(alone, 50, sampler, [&](const Tensor& loss) {
    loss.backward();
    clip_grad_norm(parameters(alone), 0.5);
    optimizer.step();
  });
  const NamedTensors got = trained_in_parallel(50, 200);
  ASSERT_EQ(got.size(), expected.size());
  for (std::size_t i = 0; i < got.size(); ++i)
    EXPECT_TRUE(close(got[i].second, expected[i].second, 1e-12)) << got[i].first;
}

TEST(DataParallel, has_the_same_bits_in_each_run_whatever_the_buckets) {
  const NamedTensors first = trained_in_parallel(10, 200), second = trained_in_parallel(10, 200),
                     third = trained_in_parallel(10, 1 << 20);
  for (std::size_t i = 0; i < first.size(); ++i) {
    expect_bits(first[i].second, second[i].second, first[i].first);
    expect_bits(first[i].second, third[i].second, first[i].first);
  }
}

TEST(DataParallel, begins_with_the_values_of_rank_0_and_finds_where_they_part) {
  const World& world = ranks();
  Network network(10 + static_cast<std::uint64_t>(world.rank()));
  const DataParallel parallel(world, network);
  expect_bits(network.w2, Network(10).w2, "w2");
  if (world.size() == 1) return;
  if (world.rank() == 1) network.b2.assign(network.b2 + 1e-16 * ones({2}));
  if (world.rank() == 1) network.w2.assign(network.w2.leaf() * (1 + 1e-15));
  EXPECT_TRUE(
      mentions(message_of<DistributedError>([&] { parallel.check_equal(); }), {"'w2'", "rank 1", "hash"}));
}

TEST(DataParallel, refuses_other_networks_on_other_ranks) {
  const World& world = ranks();
  if (world.size() == 1) return;
  const std::int64_t n = world.rank() == 0 ? 3 : 4;
  std::vector<Parameter> weights = {Parameter(zeros({n}), "w")};
  EXPECT_TRUE(mentions(message_of<ShapeError>([&] { DataParallel(world, weights); }),
                       {"DataParallel of 'w'", "rank 1 has shape (4,), rank 0 (3,)"}));
  if (world.rank() == 0) weights.emplace_back(zeros({2}), "b");
  EXPECT_TRUE(mentions(message_of<DistributedError>([&] { DataParallel(world, weights); }),
                       {"number of parameters", "rank 1 has 1, rank 0 2"}));
  EXPECT_THROW(DataParallel(world, weights, {.bucket_bytes = 0}), std::invalid_argument);
}

TEST(DataParallel, takes_what_no_rank_or_only_some_have_used) {
  const World& world = ranks();
  const Parameter a(ones({2}, DType::float64), "a"), b(ones({3}, DType::float32), "b"), c(tensor(1.0), "c");
  DataParallel parallel(world, std::vector<Parameter>{a, b, c});
  for (int i = 0; i < 2; ++i) {
    a.zero_grad();
    b.zero_grad();
    // Rank 0 alone uses b, and none c.
    parallel.backward(world.rank() == 0 ? sum(a * 4) + cast(sum(b * 2), DType::float64) : sum(a * 2));
    const double n = world.size();
    EXPECT_TRUE(close(a.grad(), std::vector<double>(2, (4 + 2 * (n - 1)) / n)));
    EXPECT_TRUE(close(b.grad(), std::vector<double>(3, 2 / n), 1e-6));
  }
  Sgd optimizer({c});
  EXPECT_THROW(optimizer.step(), GradError) << "c has no gradient";
}

TEST(DataParallel, adds_up_batches_without_sending_under_no_sync) {
  const World& world = ranks();
  Network network(1), alone(1);
  DataParallel parallel(world, network);
  const Sampler sampler(world, samples, {.batch_size = 4});
  const auto batches = sampler.batches(0);
  const World::Traffic before = world.traffic();
  {
    const auto local = parallel.no_sync();
    parallel.backward(loss_of(network, batches[0]));
    parallel.backward(loss_of(network, batches[1]) + sum(network.spare * (3 + world.rank())));
    EXPECT_EQ(world.traffic().messages, before.messages);
  }
  parallel.backward(loss_of(network, batches[2]));
  const auto all = Sampler(0, 1, samples, {.batch_size = 4 * world.size()}).batches(0);
  for (std::size_t k = 0; k < 3; ++k) loss_of(alone, all[k]).backward();
  EXPECT_TRUE(close(network.w1.grad(), alone.w1.grad(), 1e-12));
  EXPECT_TRUE(close(network.scale.grad(), alone.scale.grad(), 1e-12));
  const double of_spare = 3 + (world.size() - 1) / 2.0;
  EXPECT_TRUE(close(network.spare.grad(), std::vector<double>(3, of_spare)))
      << "used before the last batch only";
}

TEST(DataParallel, counts_what_it_sends) {
  const World& world = ranks();
  if (world.size() == 1) return;
  const Parameter w(zeros({100, 100}, DType::float64), "w"), b(zeros({100}, DType::float64), "b");
  DataParallel parallel(world, std::vector<Parameter>{w, b}, {.bucket_bytes = 1000});
  for (int i = 0; i < 2; ++i) parallel.backward(sum(linear(ones({4, 100}, DType::float64), w, b)));
  const auto& cost = parallel.cost();
  EXPECT_EQ(cost.buckets, 1) << "100 numbers do not fill one";
  // Each of 10102 numbers (with a mark for each parameter) goes out twice but for a rank's own share.
  EXPECT_NEAR(static_cast<double>(cost.sent.bytes), 2 * 10102 * 8.0 * (world.size() - 1) / world.size(), 64);
  EXPECT_EQ(cost.sent.messages, 2 * (world.size() - 1));
  EXPECT_GE(cost.overlap(), 0);
  EXPECT_LE(cost.overlap(), 1);
}

TEST(SyncBatchNorm, is_that_of_one_process_with_the_samples_of_all) {
  const World& world = ranks();
  const Tensor all = inputs() * 3 + 1000;
  // Other numbers of samples on each rank; the last has all the rest.
  const std::int64_t begin = world.rank() * 5, end = world.rank() + 1 == world.size() ? samples : begin + 5;
  SyncBatchNorm sync(world, 5, {.momentum = 0.3}, DType::float64);
  BatchNorm whole(5, {.momentum = 0.3}, DType::float64);
  const Tensor x = variable(all[{Slice{begin, end}}]), x_all = variable(all);
  const Tensor weights = targets()[{Slice{}, Slice{0, 1}}];
  const Tensor y = sync(x), y_all = whole(x_all);
  EXPECT_TRUE(close(y, y_all[{Slice{begin, end}}], 1e-9));
  sum(sin(y) * weights[{Slice{begin, end}}]).backward();
  sum(sin(y_all) * weights).backward();
  EXPECT_TRUE(close(x.grad(), x_all.grad()[{Slice{begin, end}}], 1e-9));
  EXPECT_TRUE(close(world.all_reduce(sync.weight->grad()), whole.weight->grad(), 1e-9));
  EXPECT_TRUE(close(sync.running_mean.value(), whole.running_mean.value(), 1e-12));
  EXPECT_TRUE(close(sync.running_var.value(), whole.running_var.value(), 1e-9));
  EXPECT_EQ(sync.num_batches_tracked.value().item(), 1);
  eval(sync);
  eval(whole);
  EXPECT_TRUE(close(sync(x), whole(x), 1e-9));
  EXPECT_EQ(named_parameters(sync).size(), 2U);
  train(sync);
  EXPECT_TRUE(mentions(message_of<ShapeError>([&] {
                         sync(zeros({2, 4}));
                       }),
                       {"SyncBatchNorm", "5 channels"}));
}

TEST(SyncBatchNorm, trains_beside_buckets_that_are_on_their_way) {
  const World& world = ranks();
  struct Normalized {
    Parameter w;
    SyncBatchNorm norm;
    Parameter v;
    CHAINRULE_MEMBERS(w, norm, v)
  };
  Generator generator(5);
  const Normalized network{Parameter(randn({5, 5}, generator, DType::float64), "w"),
                           SyncBatchNorm(world, 5, {}, DType::float64),
                           Parameter(randn({1, 5}, generator, DType::float64), "v")};
  DataParallel parallel(world, network, {.bucket_bytes = 8});
  const std::int64_t part = samples / world.size();
  const Tensor x = inputs()[{Slice{part * world.rank(), part * (world.rank() + 1)}}];
  for (int i = 0; i < 3; ++i)
    parallel.backward(mean(square(linear(network.norm(linear(x, network.w)), network.v))));
  const BatchNorm whole(5, {}, DType::float64);
  const Parameter w = network.w.clone();
  for (int i = 0; i < 3; ++i)
    mean(square(linear(whole(linear(inputs(), w)), network.v.leaf().detach()))).backward();
  EXPECT_TRUE(close(network.w.grad(), w.grad(), 1e-9));
}

/// Steps of both on the same gradients.
template <class Of, class Options>
void expect_same_steps(const Options& options) {
  const World& world = ranks();
  Network network(1), other(1), resumed(1);
  Sharded<Of> sharded(world, parameters(network), options);
  Of plain(parameters(other), options);
  const auto step = [&](const Network& one, auto& optimizer, std::int64_t k) {
    loss_of(one, {k, k + 3, k + 9}).backward();
    optimizer.step();
  };
  for (int k = 0; k < 4; ++k) {
    step(network, sharded, k);
    step(other, plain, k);
  }
  // Its state is that of the optimiser that has all, and goes into one, and back.
  const NamedTensors state = sharded.state(), expected = plain.state();
  ASSERT_EQ(state.size(), expected.size());
  for (std::size_t i = 0; i < state.size(); ++i) {
    EXPECT_EQ(state[i].first, expected[i].first);
    EXPECT_TRUE(close(state[i].second, expected[i].second, 1e-15)) << state[i].first;
  }
  load_state_dict(resumed, state_dict(network));
  Sharded<Of> again(world, parameters(resumed), options);
  again.load_state(expected);
  for (int k = 4; k < 7; ++k) {
    step(network, sharded, k);
    step(other, plain, k);
    step(resumed, again, k);
  }
  for (std::size_t i = 0; i < parameters(network).size(); ++i) {
    const std::string name = parameters(network)[i].name();
    EXPECT_TRUE(close(parameters(network)[i], parameters(other)[i], 1e-15)) << name;
    expect_bits(parameters(network)[i], parameters(resumed)[i], name);
  }
  const std::int64_t all = count_parameters(network);
  EXPECT_LE(sharded.part(), all / world.size() + 1);
  EXPECT_EQ(world.all_reduce(tensor(sharded.part())).item(), static_cast<double>(all));
}

TEST(Sharded, steps_as_the_optimiser_that_has_all) {
  expect_same_steps<Adam>(AdamOptions{.learning_rate = 0.02, .weight_decay = 0.1, .amsgrad = true});
  expect_same_steps<Sgd>(SgdOptions{.learning_rate = 0.02, .momentum = 0.9});
}

TEST(Sharded, takes_more_ranks_than_numbers_and_several_dtypes) {
  const World& world = ranks();
  const std::vector<Parameter> few = {Parameter(tensor(2.0), "a"), Parameter(ones({3}, DType::float32), "b")};
  Sharded<Adam> optimizer(world, few, {.learning_rate = 0.5});
  optimizer.local().set_learning_rate(0.25);
  (sum(few[0] * few[0]) + cast(sum(few[1] * 3), DType::float64)).backward();
  optimizer.step();
  EXPECT_NEAR(few[0].leaf().item(), 1.75, 1e-6);
  EXPECT_TRUE(close(few[1], std::vector<double>(3, 0.75), 1e-6));
  EXPECT_EQ(values(few[0].grad())[0], 0);
  few[0].assign(tensor(10.0));  // as a state that is loaded
  (few[0] * few[0]).backward();
  optimizer.step();
  EXPECT_NEAR(few[0].leaf().item(), 9.75, 0.1);
  EXPECT_TRUE(
      mentions(message_of<std::invalid_argument>([&] { Sharded<Adam>(world, few, {.lazy_rows = true}); }),
               {"lazy_rows", "turn it off"}));
  EXPECT_THROW(Sharded<Adam>(world, {}), std::invalid_argument);
}

TEST(Sampler, deals_each_sample_once_in_as_many_batches_to_each) {
  for (const bool drop : {false, true})
    for (const std::int64_t n : {12, 13, 15}) {
      std::multiset<std::int64_t> seen;
      for (int r = 0; r < 4; ++r) {
        const Sampler sampler(r, 4, n, {.batch_size = 2, .seed = 5, .drop_last = drop});
        const auto batches = sampler.batches(3);
        EXPECT_EQ(std::ssize(batches), sampler.size());
        EXPECT_EQ(sampler.size(), drop ? 1 : 2);
        for (const auto& batch : batches) seen.insert(batch.begin(), batch.end());
        EXPECT_EQ(batches, sampler.batches(3)) << "the same each time";
        EXPECT_NE(batches, sampler.batches(4)) << "but in each epoch another order";
      }
      EXPECT_EQ(std::ssize(seen), drop ? 8 : (n + 3) / 4 * 4);
      for (std::int64_t i = 0; i < n; ++i) EXPECT_LE(seen.count(i), drop || n == 12 ? 1U : 2U);
    }
}

TEST(Sampler, takes_together_the_batches_of_one_rank) {
  const auto whole = Sampler(0, 1, 24, {.batch_size = 8, .seed = 2}).batches(1);
  for (std::size_t k = 0; k < 3; ++k) {
    std::multiset<std::int64_t> together;
    for (int r = 0; r < 4; ++r) {
      const auto part = Sampler(r, 4, 24, {.batch_size = 2, .seed = 2}).batches(1)[k];
      together.insert(part.begin(), part.end());
    }
    EXPECT_EQ(together, std::multiset<std::int64_t>(whole[k].begin(), whole[k].end()));
  }
  EXPECT_EQ(Sampler(1, 2, 4, {.batch_size = 2, .shuffle = false}).batches(0)[0],
            (std::vector<std::int64_t>{1, 3}));
}

TEST(Sampler, refuses_what_makes_no_batches) {
  EXPECT_TRUE(mentions(
      message_of<std::invalid_argument>([] { Sampler(0, 4, 7, {.batch_size = 2, .drop_last = true}); }),
      {"7 samples", "4 ranks", "drop_last"}));
  EXPECT_THROW(Sampler(0, 1, 0), std::invalid_argument);
  EXPECT_THROW(Sampler(0, 1, 5, {.batch_size = 0}), std::invalid_argument);
  if (ranks().size() == 1) return;
  EXPECT_TRUE(mentions(message_of<DistributedError>([] { Sampler(ranks(), 10 + ranks().rank()); }),
                       {"number of samples", "rank 1 has 11, rank 0 10"}));
}

}  // namespace
}  // namespace chainrule::distributed::test
