// Graphs in several threads at once: shared leaves, shared graphs, and values that wait.
// The thread sanitizer runs this, too.

#include <atomic>
#include <sstream>
#include <thread>

#include "chainrule/chainrule.h"
#include "support.h"
#include "temporary_files.h"

// Run under the thread sanitizer: preset tsan.
namespace chainrule::test {
namespace {

constexpr int threads = 8;
constexpr int rounds = sanitized ? 50 : 500;

/// Runs work(number) in several threads at once, from the same moment.
template <class Work>
void at_once(Work work) {
  std::atomic<int> waiting = threads;
  std::vector<std::thread> running;
  for (int number = 0; number < threads; ++number)
    running.emplace_back([&, number] {
      --waiting;
      while (waiting > 0) std::this_thread::yield();
      work(number);
    });
  for (std::thread& thread : running) thread.join();
}

TEST(Threads, differentiate_one_shared_graph_at_once) {
  const Tensor x = variable({1.0, 2.0, 3.0});
  const Tensor w = variable({{0.5, -1.0, 2.0}, {1.5, 0.0, -0.5}});
  const Tensor hidden = tanh(matmul(w, x));
  const Tensor loss = sum(square(hidden) * hidden + exp(hidden));
  const Gradients expected = gradients(loss, {x, w, hidden});
  std::atomic<int> wrong = 0;
  at_once([&](int) {
    for (int i = 0; i < rounds; ++i) {
      const Gradients g = gradients(loss, {x, w, hidden});
      for (const Tensor& each : {x, w, hidden})
        if (values(g.at(each)) != values(expected.at(each))) ++wrong;
    }
  });
  EXPECT_EQ(wrong, 0);
}

TEST(Threads, build_and_differentiate_graphs_on_shared_leaves_and_nodes) {
  const Tensor x = variable(3.0);
  const Tensor shared = square(x);
  std::atomic<int> wrong = 0;
  at_once([&](int number) {
    for (int i = 0; i < rounds; ++i) {
      Tensor y = shared;
      for (int depth = 0; depth < 20; ++depth) y = y + shared * x;
      y = y * static_cast<double>(number);
      // d/dx number · (x² + 20 x³)
      if (gradients(y, {x}).at(x).item() != number * (6 + 20 * 27.0)) ++wrong;
    }
  });
  EXPECT_EQ(wrong, 0);
}

TEST(Threads, add_up_in_shared_leaves_through_backward) {
  const Tensor x = variable({1.0, 2.0});
  const Tensor shared = square(x);
  at_once([&](int) {
    for (int i = 0; i < rounds; ++i) sum(shared * 3.0).backward();
  });
  const double times = 6.0 * threads * rounds;
  EXPECT_TRUE(equals(x.grad(), {2}, {times, 2 * times}));
}

TEST(Threads, read_a_gradient_that_is_a_product_at_once) {
  const Tensor weight = variable(ones({16, 32})), x = ones({1, 32});
  std::atomic<int> wrong = 0;
  for (int i = 0; i < rounds / 10; ++i) {
    weight.zero_grad();
    sum(linear(x, weight)).backward();
    const Tensor gradient = weight.grad();
    at_once([&](int) {
      if (values(gradient) != std::vector<double>(512, 1.0)) ++wrong;
    });
  }
  EXPECT_EQ(wrong, 0);
}

TEST(Threads, consume_graphs_that_share_nodes) {
  const Tensor x = variable(2.0);
  const Tensor shared = square(x) * 1.0;
  at_once([&](int) {
    for (int i = 0; i < rounds; ++i) {
      Tensor loss = shared * shared;
      std::move(loss).backward();
    }
  });
  EXPECT_EQ(x.grad().item(), 32.0 * threads * rounds);
}

TEST(Threads, differentiate_twice_at_once) {
  const Tensor x = variable(2.0);
  const Tensor y = pow(x, 3);
  std::atomic<int> wrong = 0;
  at_once([&](int) {
    for (int i = 0; i < rounds; ++i) {
      const Tensor first = gradients(y, {x}, {.create_graph = true}).at(x);
      if (gradients(first, {x}).at(x).item() != 12) ++wrong;
    }
  });
  EXPECT_EQ(wrong, 0);
}

TEST(Threads, have_modes_of_their_own) {
  const Tensor x = variable(2.0);
  std::atomic<int> wrong = 0;
  at_once([&](int number) {
    for (int i = 0; i < rounds; ++i) {
      const NoGrad guard(number % 2 == 0);
      if ((x * 2.0).requires_grad() != (number % 2 != 0)) ++wrong;
    }
  });
  EXPECT_EQ(wrong, 0);
}

TEST(Threads, drop_the_last_handles_of_values_made_elsewhere) {
  std::vector<Tensor> made(threads);
  at_once([&](int number) {
    Tensor y = variable(random_tensor({1000}, *std::make_unique<Engine>(number)));
    for (int i = 0; i < 100; ++i) y = y + 1.0;
    made[static_cast<std::size_t>(number)] = y;
  });
  at_once([&](int number) { made[static_cast<std::size_t>((number + 1) % threads)] = Tensor(); });
  for (const Tensor& tensor : made) EXPECT_TRUE(tensor.is_empty());
}

TEST(Threads, name_and_read_a_shared_node) {
  const Tensor x = variable(2.0);
  at_once([&](int number) {
    for (int i = 0; i < rounds; ++i) {
      const Tensor named = x.named("thread " + std::to_string(number));
      EXPECT_EQ(named.name().rfind("thread ", 0), 0U);
    }
  });
}

TEST(Threads, share_the_work_of_one_step) {
  Generator generator(1);
  const Mlp network({6, 32, 3}, generator, DType::float64), alone = network.clone();
  const Tensor x = randn({8 * threads, 6}, generator, DType::float64),
               target = randn({8 * threads, 3}, generator);
  const auto loss = [&](const Mlp& mlp, std::int64_t first, std::int64_t count) {
    const Slice rows{first, first + count};
    return mse_loss(mlp(x[{rows}]), cast(target[{rows}], DType::float64), Reduction::sum);
  };
  Sgd optimizer(network.parameters(), {.learning_rate = 1e-3}),
      reference(alone.parameters(), {.learning_rate = 1e-3});
  for (int step = 0; step < 3; ++step) {
    at_once([&](int number) { loss(network, 8 * number, 8).backward(); });
    optimizer.step();
    loss(alone, 0, 8 * threads).backward();
    reference.step();
  }
  for (std::size_t i = 0; i < 4; ++i)
    EXPECT_TRUE(close(network.parameters()[i], alone.parameters()[i], 1e-12));
}

TEST(Threads, use_one_network_and_its_data_at_once) {
  Generator generator(1);
  const Dataset data = half_moons(200, 0.1, generator);
  const Standardizer scale(data.x);
  const Mlp network({2, 8, 2}, generator, data.x.dtype());
  const Evaluation expected = evaluate(network, scale(data));
  std::atomic<int> wrong = 0;
  at_once([&](int number) {
    Generator own(static_cast<std::uint64_t>(number));
    for (int i = 0; i < rounds / 10; ++i) {
      if (evaluate(network, scale(data)).predicted != expected.predicted) ++wrong;
      std::int64_t seen = 0;
      for (const Dataset& batch : Batches(data, 30, own)) seen += batch.size();
      if (seen != data.size()) ++wrong;
    }
  });
  EXPECT_EQ(wrong, 0);
}

TEST(Threads, look_at_and_draw_one_graph_at_once) {
  const Tensor x = variable(2.0, "x");
  const Tensor y = (square(x) * x).named("y");
  const auto drawn = [&] {
    const Scope part("part");
    std::ostringstream out;
    write_dot(out, y + 1.0);
    return out.str() + std::to_string(Graph(y).nodes().size()) + walk_text(Walk(square(x)));
  };
  const std::string expected = drawn();
  std::atomic<int> wrong = 0;
  at_once([&](int) {
    for (int i = 0; i < rounds / 10; ++i)
      if (drawn() != expected) ++wrong;
  });
  EXPECT_EQ(wrong, 0);
}

TEST(Threads, read_and_write_files_of_their_own_at_once) {
  const TemporaryFolder folder;  // the suite itself may run several times at once
  std::atomic<int> wrong = 0;
  at_once([&](int number) {
    const std::string path = folder.file(std::to_string(number) + ".npy");
    for (int i = 0; i < 10; ++i) {
      const Tensor written = full({100}, number + i, DType::float64);
      save_npy(path, written);
      if (values(load_npy(path)) != values(written)) ++wrong;
    }
  });
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace chainrule::test
