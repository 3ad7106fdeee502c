// A rank that fails ends all of them, with a message that names it; ranks that do different things are told
// so.

#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <thread>

#include "chainrule/custom_gradient.h"
#include "chainrule/ops.h"
#include "distributed/launch.h"
#include "distributed/ranks.h"

namespace chainrule::distributed::test {

namespace {

/// Fails on one rank when a bucket has been sent, while the others wait for the next one.
void stop_half_way(const World& world, bool fails) {
  const Parameter w(ones({4000}), "w"), v(ones({4000}), "v");
  DataParallel parallel(world, std::vector<Parameter>{w, v}, {.bucket_bytes = 8});
  const auto refused = custom_gradient(
      "refused", [](const Tensor& x) { return x * 2; },
      [](const Tensor&, const Tensor&, const Tensor&) -> Tensor { throw GradError("no gradient here"); });
  for (int step = 0; step < 5; ++step)
    parallel.backward(sum((step == 4 && fails ? refused(tanh(w)) : tanh(w)) * v));
}

}  // namespace

int end_badly(int argc, char** argv) {
  const std::string how = argv[2];
  return run(argc, argv,
             [&](World& world) {
               const bool fails = world.rank() == world.size() - 1;
               for (int step = 0;; ++step) {
                 world.all_reduce(ones({1000}));
                 if (step < 5 || (!fails && how != "in common" && how != "half way")) continue;
                 if (how == "throw") throw std::runtime_error("the disk is full");
                 if (how == "exit") std::exit(0);
                 if (how == "half way") stop_half_way(world, fails);
                 if (how == "kill") std::raise(SIGKILL);
                 if (how == "crash") std::abort();
                 if (how == "return") return 0;
                 if (how == "in common") world.all_reduce(zeros({world.rank() + 1}));
                 if (how == "sleep") std::this_thread::sleep_for(std::chrono::seconds(600));
               }
             },
             {.timeout = how == "sleep" ? 1.0 : 60.0});
}

namespace {

Ended fault(const std::string& how) {
  return ended(on_ranks(3) + "'" CHAINRULE_THIS_PROGRAM "' --fault '" + how + "'");
}

void expect_end(const std::string& how, const std::string& message) {
  const Ended end = fault(how);
  EXPECT_NE(end.status, 0) << how;
  EXPECT_EQ(count(end.said, message), 1U) << how << ":\n" << end.said;
  EXPECT_LT(end.seconds, sanitized ? 60 : 20) << how;
}

TEST(Faults, of_one_rank_end_all_with_one_message_that_names_it) {
  expect_end("throw", "rank 2 of 3: the disk is full\n");
  expect_end("half way", "rank 2 of 3: no gradient here");
  expect_end("exit", "rank 2 of 3: the process exits");
  expect_end("kill", ended_by_signal(2));
  expect_end("crash", ended_by_signal(2));
}

TEST(Faults, of_ranks_that_part_are_found) {
  expect_end("return", "rank 0 of 3: rank 2 is at the end of the program, rank 0 at all_reduce(sum)");
  expect_end("in common", "rank 0 of 3: all_reduce(sum): rank 1 has shape (2,), rank 0 (1,)");
  const Ended end = fault("sleep");
  EXPECT_GE(count(end.said, "all_reduce(sum): the other ranks have not come within"), 1U) << end.said;
}

}  // namespace
}  // namespace chainrule::distributed::test
