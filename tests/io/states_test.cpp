// States of optimisers and networks in safetensors files: training goes on from one to the bit.
// temporary_files.h has the files.

#include <memory>

#include "chainrule/io.h"
#include "chainrule/optim.h"
#include "optim/optimizers.h"
#include "support.h"
#include "temporary_files.h"

namespace chainrule::test {
namespace {

/// A run whose next steps depend on all that an optimiser, a schedule and an average remember.
struct Training {
  explicit Training(const OptimizerKind& kind)
      : w(tensor({1.0, -2.0, 0.5}), "w"),
        optimizer(kind.make({w})),
        scheduler(*optimizer, Schedule::exponential(0.9)),
        average({w}, 0.9) {}
  void steps(int count) {
    for (int i = 0; i < count; ++i) {
      sum(pow(w - tensor({0.3, 0.1, -0.2}), 4)).backward();
      optimizer->step();
      scheduler.step();
      average.update();
    }
  }
  Parameter w;
  std::unique_ptr<Optimizer> optimizer;
  Scheduler scheduler;
  MovingAverage average;
};

TEST(SavedStates, continue_the_training_of_each_optimiser_to_the_bit) {
  for (const OptimizerKind& kind : optimizer_kinds()) {
    const TemporaryFolder folder;
    Training whole(kind), first(kind), second(kind);
    whole.steps(7);
    first.steps(4);
    save_safetensors(folder.file("w"), {{"w", first.w}});
    save_safetensors(folder.file("optimizer"), first.optimizer->state());
    save_safetensors(folder.file("scheduler"), first.scheduler.state());
    save_safetensors(folder.file("average"), first.average.state());
    second.w.assign(load_safetensors(folder.file("w")).tensors[0].second);
    second.optimizer->load_state(load_safetensors(folder.file("optimizer")).tensors);
    second.scheduler.load_state(load_safetensors(folder.file("scheduler")).tensors);
    second.average.load_state(load_safetensors(folder.file("average")).tensors);
    second.steps(3);
    EXPECT_TRUE(equals(second.w.leaf(), {3}, values(whole.w.leaf()))) << kind.name;
    const NamedTensors continued = second.average.state(), uninterrupted = whole.average.state();
    for (std::size_t i = 0; i < continued.size(); ++i)
      EXPECT_EQ(values(continued[i].second), values(uninterrupted[i].second)) << kind.name;
  }
}

TEST(SavedStates, are_kept_of_what_steps_by_values_of_the_loss) {
  const Parameter w(tensor({1.0, -2.0, 0.5}), "w");
  const auto residuals = [&] { return pow(w - tensor({0.3, 0.1, -0.2}), 2); };
  Lbfgs lbfgs({w}, {.iterations = 2});
  LevenbergMarquardt fit({w});
  ReduceOnPlateau plateau(lbfgs);
  for (int i = 0; i < 2; ++i) {
    plateau.step(lbfgs.step([&] { return sum(pow(residuals(), 2)); }));
    fit.step(residuals);
  }
  const auto expect_kept = [](const auto& stepped, auto& fresh) {
    const TemporaryFile file("", ".safetensors");
    save_safetensors(file.path(), stepped.state());
    fresh.load_state(load_safetensors(file.path()).tensors);
    const NamedTensors kept = fresh.state(), expected = stepped.state();
    ASSERT_EQ(kept.size(), expected.size());
    for (std::size_t i = 0; i < kept.size(); ++i) {
      EXPECT_EQ(kept[i].first, expected[i].first);
      EXPECT_TRUE(equals(kept[i].second, expected[i].second.shape(), values(expected[i].second)))
          << kept[i].first;
    }
  };
  Lbfgs other({w}, {.iterations = 2});
  LevenbergMarquardt other_fit({w});
  ReduceOnPlateau other_plateau(other);
  expect_kept(lbfgs, other);
  expect_kept(fit, other_fit);
  expect_kept(plateau, other_plateau);
}

}  // namespace
}  // namespace chainrule::test
