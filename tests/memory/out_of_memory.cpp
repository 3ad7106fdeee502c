#include <cstdlib>
#include <new>
#include <thread>

#include "chainrule/autograd.h"
#include "chainrule/map.h"
#include "chainrule/memory.h"
#include "graph/node.h"
#include "support.h"

// What becomes of graphs and gradients when memory runs out. A program of its own, as it replaces the
// functions that memory comes from: each allocation in turn fails, or all do.

namespace {

thread_local std::int64_t allowed = -1;  // allocations until one fails; negative: all succeed
thread_local bool none_is_left = false;  // then all fail from there on

bool may_allocate() {
  if (allowed < 0) return true;
  if (allowed > 0) return --allowed, true;
  if (!none_is_left) allowed = -1;
  return false;
}

}  // namespace

// NOLINTBEGIN: the functions that are replaced are the C library's
extern "C" void* aligned_alloc(std::size_t alignment, std::size_t bytes) {
  void* block = nullptr;
  return may_allocate() && posix_memalign(&block, alignment, bytes) == 0 ? block : nullptr;
}
void* operator new(std::size_t bytes) {
  void* const block = may_allocate() ? std::malloc(bytes == 0 ? 1 : bytes) : nullptr;
  if (block == nullptr) throw std::bad_alloc();
  return block;
}
void operator delete(void* block) noexcept { std::free(block); }
void operator delete(void* block, std::size_t) noexcept { std::free(block); }
// NOLINTEND

namespace chainrule::test {
namespace {

/// Calls `action` again and again, with another of its allocations failing each time, until it comes through.
/// After each failure calls check(). Returns how often it failed.
template <class Action, class Check>
int fail_everywhere(const Action& action, const Check& check) {
  for (int failures = 0;; ++failures) {
    release_cached_memory();  // else hardly anything is allocated
    bool done = false;
    allowed = failures;
    try {
      action();
      done = true;
    } catch (const std::bad_alloc&) {
    }
    allowed = -1;
    check();
    if (done || ::testing::Test::HasFailure()) return failures;
  }
}

/// While it is there, this thread gets no memory at all.
struct NoMemory {
  NoMemory() {
    none_is_left = true;
    allowed = 0;
  }
  ~NoMemory() {
    allowed = -1;
    none_is_left = false;
  }
};

Tensor long_chain(const Tensor& x, int length) {
  Tensor y = x;
  for (int i = 0; i < length; ++i) y = y * 1.0 + x;
  return y;
}

TEST(OutOfMemory, in_an_operation_leaves_its_operands_as_they_were) {
  using Operation = std::function<Tensor(const Tensor&, const Tensor&)>;
  const std::vector<Operation> operations = {
      [](auto& a, auto& b) { return a + b; },
      [](auto& a, auto& b) { return Tensor(a) * Tensor(b); },
      [](auto& a, auto& b) { return matmul(a, b); },
      [](auto& a, auto& b) { return where(a > b, a, b); },
      [](auto& a, auto& b) {
        return concatenate({a, b});
      },
      [](auto& a, auto&) { return sum(a, 0); },
      [](auto& a, auto&) { return max(exp(a), 1); },
      [](auto& a, auto&) { return softmax(a.T().reshape({-1})); },
      [](auto& a, auto&) {
        return a[{Slice{1}, 0}];
      },
      [](auto& a, auto& b) { return cast(a, DType::float32) + b; },
      [](auto& a, auto& b) { return map([](auto x, auto y) { return x * tanh(y); }, a, b); },
      [](auto& a, auto&) {
        return cross_entropy(a, tensor({0, 1, 2}));
      },
      [](auto& a, auto& b) { return linear(a, b, sum(b, 1)); }};
  for (const Operation& operation : operations) {
    Engine engine(1);
    const Tensor a = variable(random_tensor({3, 3}, engine)), b = variable(random_tensor({3, 3}, engine));
    const auto of_a = values(a), of_b = values(b);
    const Tensor expected = operation(a, b).detach();
    Tensor result;
    const int failures = fail_everywhere([&] { result = operation(a, b); },
                                         [&] {
                                           EXPECT_EQ(values(a), of_a);
                                           EXPECT_EQ(values(b), of_b);
                                           if (result.node() != nullptr) return;
                                           EXPECT_TRUE(a.node()->is_unique())
                                               << "nothing refers to it any more";
                                           EXPECT_TRUE(b.node()->is_unique());
                                         });
    EXPECT_GT(failures, 1);
    EXPECT_TRUE(equals(result, expected.shape(), values(expected)));
    EXPECT_NO_THROW(gradients(sum(result), {a}));
  }
}

TEST(OutOfMemory, in_backward_leaves_the_graph_usable_and_gradients_kept) {
  for (const bool in_another_thread : {false, true}) {
    const Tensor x = variable(ones({20})), w = variable(full({20}, 2.0));
    Tensor loss;
    const auto build = [&] { loss = sum(exp(long_chain(x, 100) * 0.01) * w) + max(long_chain(w, 30)); };
    if (in_another_thread)
      std::thread(build).join();
    else
      build();
    const Gradients right = gradients(loss, {x, w});
    loss.backward();
    std::vector<double> of_x = values(x.grad()), of_w = values(w.grad());
    const int failures = fail_everywhere(
        [&] { loss.backward(); },
        [&] {
          for (auto& [leaf, before] : {std::pair(&x, &of_x), std::pair(&w, &of_w)}) {
            const Tensor gradient = leaf->grad();
            if (values(gradient) == *before) continue;  // did not come so far
            EXPECT_TRUE(close(gradient, values(tensor(*before) + cast(right[*leaf], DType::float64)), 1e-4));
            *before = values(gradient);
          }
          const Gradients again = gradients(loss, {x, w});
          EXPECT_TRUE(equals(again[x], {20}, values(right[x])));
          EXPECT_TRUE(equals(again[w], {20}, values(right[w])));
        });
    EXPECT_GT(failures, 5);
  }
}

TEST(OutOfMemory, while_backward_consumes_a_graph_leaves_what_others_hold) {
  const Tensor x = variable(ones({20}, DType::float64)), number = variable(1.5);
  x.backward(ones({20}, DType::float64));
  number.backward();
  std::vector<double> before = values(x.grad()), before_number = values(number.grad());
  const Tensor held = exp(long_chain(x, 20) * number);
  const std::vector<double> value = values(held), slopes = values(gradients(sum(held), {x})[x]);
  Tensor loss;
  bool ready = false;
  const int failures = fail_everywhere(
      [&] {
        const std::int64_t left = std::exchange(allowed, -1);
        loss = sum(long_chain(held * 0.5, 100)) * number;
        allowed = left;
        ready = true;
        std::move(loss).backward();
      },
      [&] {
        EXPECT_TRUE(ready);
        EXPECT_TRUE(equals(held, {20}, value));
        EXPECT_TRUE(equals(gradients(sum(held), {x})[x], {20}, slopes));
        const std::vector<double> now = values(x.grad()), now_number = values(number.grad());
        EXPECT_TRUE(now[0] == before[0] || now[0] > before[0] + 1) << "neither lost nor half of it";
        EXPECT_TRUE(now_number[0] == before_number[0] || now_number[0] > before_number[0] + 1);
        before = now;
        before_number = now_number;
      });
  EXPECT_GT(failures, 5);
}

TEST(OutOfMemory, for_the_sum_of_gradients_keeps_the_one_that_was_there) {
  const Tensor x = variable(ones({100}));
  const Tensor loss = sum(x * 3.0);
  const Tensor shared = [&] {
    loss.backward();
    return x.grad();  // held, so that the next sum needs memory of its own
  }();
  const int failures = fail_everywhere([&] { loss.backward(); },
                                       [&] {
                                         const double gradient = values(x.grad())[7];
                                         EXPECT_TRUE(gradient == 3 || gradient == 6) << gradient;
                                       });
  EXPECT_GT(failures, 1);
  EXPECT_EQ(values(x.grad())[7], 6);
  EXPECT_EQ(values(shared)[7], 3);
}

TEST(OutOfMemory, does_not_keep_a_graph_from_being_dropped) {
  const auto build = [] {
    Tensor y = variable({1.0, 2.0, 3.0});
    for (int i = 0; i < 1000000; ++i) y = i % 2 == 0 ? y * 0.5 : concatenate({y, y})[{Slice{0, 3}}];
    return y;
  };
  for (const bool in_another_thread : {false, true}) {
    Tensor y = build();
    const auto drop = [&] {
      const NoMemory here;
      y = Tensor();
    };
    if (in_another_thread)
      std::thread(drop).join();
    else
      drop();
    EXPECT_EQ(y.node(), nullptr);
  }
  const NoMemory here;
  release_cached_memory();
}

TEST(OutOfMemory, while_a_long_graph_is_consumed_is_an_error_and_the_rest_is_dropped) {
  const Tensor x = variable({1.0, 2.0, 3.0});
  x.backward(ones({3}, DType::float64));
  Tensor loss = sum(long_chain(x, 300000));
  release_cached_memory();
  EXPECT_THROW(
      {
        const NoMemory here;
        std::move(loss).backward();
      },
      std::bad_alloc);
  EXPECT_TRUE(equals(x.grad(), {3}, {1, 1, 1}));
  loss = Tensor();
  EXPECT_TRUE(x.node()->is_unique());
}

TEST(OutOfMemory, names_the_shape_and_the_bytes_that_there_is_no_room_for) {
  release_cached_memory();
  std::string message;
  try {
    allowed = 0;
    (void)zeros({1000, 500}, DType::float64);
  } catch (const MemoryError& error) {
    allowed = -1;
    message = error.what();
  }
  EXPECT_TRUE(mentions(message, {"4000000 bytes", "(1000, 500)", "float64"}));
}

}  // namespace
}  // namespace chainrule::test
