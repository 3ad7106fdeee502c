// Large elementwise results are computed when somebody reads them; a sum goes over them without making them.
// Values that wait: what makes them be computed, what they keep alive, and that nobody can tell the
// difference.

#include <algorithm>
#include <cmath>
#include <span>
#include <thread>

#include "array/array.h"
#include "array/pool.h"
#include "chainrule/autograd.h"
#include "chainrule/memory.h"
#include "chainrule/optim.h"
#include "graph/node.h"
#include "support.h"

namespace chainrule::test {
namespace {

bool is_deferred(const Tensor& tensor) { return tensor.node()->value().is_deferred(); }

/// Already in memory.
Tensor made(const Tensor& tensor) {
  (void)values(tensor);
  return tensor;
}

TEST(DeferredValue, is_computed_when_somebody_reads_it) {
  const Tensor x = variable(full({200, 100}, 2.0)), v = variable(full({100}, 3.0));
  const Tensor added = x + v;
  EXPECT_TRUE(is_deferred(added));
  EXPECT_EQ(values(added), std::vector<double>(20000, 5.0));
  EXPECT_FALSE(is_deferred(added));
}

TEST(DeferredValue, is_what_it_was_when_it_was_defined) {
  Parameter w(full({200, 100}, 2.0), "w");
  const Tensor doubled = w * 2;
  sum(w * 1).backward();
  Sgd({w}, {.learning_rate = 1}).step();
  EXPECT_TRUE(is_deferred(doubled));
  EXPECT_EQ(values(w).front(), 1);
  EXPECT_EQ(values(doubled), std::vector<double>(20000, 4.0));
}

TEST(DeferredValue, is_not_put_off_where_that_takes_more_memory) {
  const Tensor x = variable(full({200, 100}, 2.0));
  EXPECT_TRUE(is_deferred(exp(x) + exp(x))) << "both are there for their derivatives anyway";
  EXPECT_TRUE(is_deferred(square(exp(x)))) << "the derivative of square reads it anyway";
  EXPECT_FALSE(is_deferred(max(full({200, 100, 2}, 2.0), 2) + max(full({200, 100, 2}, 2.0), 2)))
      << "two arrays would wait for one";
  EXPECT_FALSE(is_deferred(variable(full({100}, 2.0)) + 1)) << "small";
  const KeepValues keep;
  EXPECT_FALSE(is_deferred(x + 1));
}

TEST(DeferredValue, may_hold_as_much_again_that_others_hold_anyway) {
  const Tensor x = made(full({200, 100}, 2.0) + 0), y = made(x + 1), z = made(x + 2), row = full({100}, 1.0);
  EXPECT_TRUE(is_deferred(x * 2 + row)) << "numbers and rows take next to nothing";
  EXPECT_TRUE(is_deferred(x * x * x + x)) << "once, however often it is read";
  EXPECT_TRUE(is_deferred(x * y));
  EXPECT_FALSE(is_deferred(x * y * z)) << "three arrays";
  Tensor power = made(zeros({200, 100}) + 0);
  for (const double c : {1.0, 0.5, 0.25, 2.0}) power = power * x + c;
  EXPECT_TRUE(is_deferred(power));
  EXPECT_EQ(values(power), std::vector<double>(20000, 12.5));
}

TEST(DeferredValue, takes_with_it_what_others_may_want_and_nothing_else) {
  const Tensor x = variable(full({200, 100}, 2.0));
  const Tensor held = x * 3;
  const Tensor result = tanh(square(held) - 1) * 2;
  EXPECT_TRUE(is_deferred(held));
  EXPECT_EQ(values(result), std::vector<double>(20000, std::tanh(35.0) * 2));
  EXPECT_FALSE(is_deferred(held)) << "so that it is not computed twice";
  EXPECT_EQ(values(held), std::vector<double>(20000, 6.0));
}

TEST(DeferredValue, of_comparisons_and_choices_is_what_each_step_alone_would_be) {
  PRINT_SEED_ON_FAILURE();
  Engine engine(seed());
  for (const DType dtype : {DType::float32, DType::float64})
    for (const Shape& shape :
         {Shape{300, 77}, Shape{150, 160, 1}, Shape{90, 70, 3}, Shape{7000, 3}, Shape{3000, 5, 2}})
      for (const bool stretched : {false, true}) {
        Shape other = shape;
        if (stretched) other[engine() % other.rank()] = 1;
        const Tensor x = cast(random_tensor(shape, engine), dtype),
                     a = cast(random_tensor(other, engine), dtype);
        const Tensor together =
            where(x > a, maximum(x, a * 0.5), clamp(x * a, -0.25, a)) * where(a <= 0.1, x, 1);
        const Tensor above = made(x > a), half = made(a * 0.5), most = made(maximum(x, half)),
                     product = made(x * a), within = made(clamp(product, -0.25, a)),
                     chosen = made(where(above, most, within)), low = made(a <= 0.1),
                     factor = made(where(low, x, 1));
        EXPECT_EQ(values(together), values(chosen * factor)) << to_string(shape) << to_string(other);
        const auto expected = [&] {
          std::vector<double> result;
          const auto vx = values(x), va = values(broadcast_to(a, shape));
          for (std::size_t i = 0; i < vx.size(); ++i) result.push_back(vx[i] > va[i] ? 1 : 0);
          return result;
        }();
        EXPECT_EQ(values(x > a), expected);
      }
}

/// So many elements that one more pass over memory would show.
constexpr std::int64_t many = std::int64_t{1} << 19;

TEST(DeferredValue, is_computed_twice_rather_than_written_where_it_is_large_and_cheap) {
  const Tensor x = variable(full({many}, 2.0));
  const Tensor held = x * 3, costly = pow(x, 1.5);
  EXPECT_EQ(sum(square(held) - 1).item(), 35.0 * many);
  EXPECT_EQ(sum(costly * 2 - costly).item(), sum(costly).item());
  EXPECT_TRUE(is_deferred(held));
  EXPECT_FALSE(is_deferred(costly));
  EXPECT_EQ(sum(held - 1).item(), 5.0 * many);
  EXPECT_FALSE(is_deferred(held)) << "so that it is not computed a third time";
  EXPECT_EQ(values(held), std::vector<double>(many, 6.0));
  const Tensor last = x * 3 - 1;
  EXPECT_EQ(sum(square(last)).item(), 25.0 * many);
  EXPECT_FALSE(is_deferred(last)) << "as all that it is computed from would be computed again";
}

TEST(DeferredValue, of_a_temporary_takes_no_memory_where_nothing_is_recorded) {
  const Tensor x = variable(full({many}, 2.0)), y = variable(full({many}, 0.5));
  const NoGrad no_grad;
  release_cached_memory();
  EXPECT_EQ(sum(exp(x * y - 1) * 3 + relu(x)).item(), 5.0 * many);
  EXPECT_LT(pool::statistics().cached_bytes, x.size() * sizeof(float));
}

TEST(DeferredValue, of_several_gradients_is_computed_in_one_go) {
  const Tensor x = variable(full({many}, 2.0)), y = variable(full({many}, 0.5)),
               z = variable(full({2 * many}, 1.0));
  const auto loss = [&] { return sum(exp(x * y - 1) * (x + y)) + sum(square(z)); };
  loss().backward();
  for (const Tensor& leaf : {x, y, z}) EXPECT_FALSE(is_deferred(leaf.grad()));
  EXPECT_EQ(values(x.grad()), std::vector<double>(many, 2.25));
  EXPECT_EQ(values(y.grad()), std::vector<double>(many, 6.0));
  EXPECT_EQ(values(z.grad()), std::vector<double>(2 * many, 2.0));
  loss().backward();  // is added to what is there
  EXPECT_EQ(values(x.grad()), std::vector<double>(many, 4.5));
}

TEST(DeferredValue, of_several_gradients_takes_over_the_memory_of_values_that_nobody_holds) {
  const Tensor x = variable(full({many}, 2.0)), y = variable(full({many}, 0.5));
  const auto loss = [&](Tensor* held) {
    const Tensor t = tanh(x * y - 1);
    if (held != nullptr) *held = t;
    return sum(t * sigmoid(x * y - 1));
  };
  release_cached_memory();
  loss(nullptr).backward();
  EXPECT_LT(pool::statistics().cached_bytes, 3 * x.size() * item_size(x.dtype()))
      << "that of two values of four";
  EXPECT_EQ(values(x.grad()), std::vector<double>(many, 0.25));
  EXPECT_EQ(values(y.grad()), std::vector<double>(many, 1.0));
  Tensor held;
  loss(&held).backward();
  EXPECT_EQ(values(held), std::vector<double>(many, 0.0));
  EXPECT_EQ(values(x.grad()), std::vector<double>(many, 0.5));
  const Tensor kept = loss(nullptr);
  for (const double times : {3, 4}) {
    kept.backward();
    EXPECT_EQ(values(x.grad()), std::vector<double>(many, 0.25 * times)) << "of a graph that stays";
  }
}

TEST(DeferredValue, of_several_gradients_may_be_read_by_threads) {
  const Tensor x = variable(full({many}, 2.0)), y = variable(full({many}, 0.5));
  const Tensor loss = sum(exp(x * y - 1) * (x + y));
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) threads.emplace_back([&] { loss.backward(); });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(values(x.grad()), std::vector<double>(many, 9.0));
  EXPECT_EQ(values(y.grad()), std::vector<double>(many, 24.0));
}

TEST(DeferredValue, may_be_the_end_of_any_chain) {
  Tensor y = full({200, 100}, 1.0);
  const Tensor x = y;
  for (int i = 0; i < 1000; ++i) y = y * 0.5 + x;
  EXPECT_NEAR(values(y).front(), 2, 1e-6);
  Tensor doubled = x * 1;
  for (int i = 0; i < 60; ++i) doubled = doubled + doubled;
  EXPECT_EQ(values(doubled).back(), std::ldexp(1.0, 60));
}

TEST(DeferredValue, stays_with_whoever_holds_it_when_it_is_summed) {
  const Tensor x = variable(full({200, 100}, 2.0));
  const Tensor held = x + 1;
  EXPECT_EQ(sum(held).item(), 60000);
  EXPECT_FALSE(is_deferred(held)) << "so that it is not computed twice";
  EXPECT_EQ(values(held).back(), 3);
}

TEST(DeferredValue, can_be_read_by_many_threads_at_once) {
  const Tensor x = variable(full({512, 128}, 2.0));
  for (int round = 0; round < 20; ++round) {
    const Tensor added = x + 1;
    std::vector<double> totals(4);
    std::vector<std::thread> threads;
    for (double& total : totals) threads.emplace_back([&] { total = values(sum(added)).front(); });
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(totals, std::vector<double>(4, 512 * 128 * 3.0));
  }
}

TEST(DeferredValue, can_be_part_of_what_many_threads_read) {
  const Tensor x = variable(full({512, 128}, 2.0));
  for (int round = 0; round < 20; ++round) {
    const Tensor a = x + 1, b = a * 2, c = a - b;
    std::vector<double> totals(4);
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < totals.size(); ++i)
      threads.emplace_back([&, i] { totals[i] = values(i % 2 == 0 ? sum(b + c) : sum(c + b)).front(); });
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(totals, std::vector<double>(4, 512 * 128 * 3.0));
  }
}

/// Shapes that a value is broadcast from, beside (rows, columns).
std::vector<Shape> partners(std::int64_t rows, std::int64_t columns) {
  return {{rows, columns}, {columns}, {1, columns}, {rows, 1}, {}};
}

TEST(SumOfDeferredValue, is_to_the_bit_that_of_the_value_in_memory) {
  PRINT_SEED_ON_FAILURE();
  Engine engine(seed());
  for (const auto& [rows, columns] : {std::pair{64, 1024},
                                      {1024, 64},
                                      {70, 1000},
                                      {5, 30000},
                                      {30000, 3},
                                      {9000, 10},
                                      {300, 320},
                                      {1, 140000},
                                      {2050, 128}})
    for (const DType dtype : {DType::float32, DType::float64})
      for (const Shape& shape : partners(rows, columns)) {
        SCOPED_TRACE(to_string(Shape{rows, columns}) + " and " + to_string(shape) + ", " +
                     std::string(to_string(dtype)));
        const Tensor x = variable(cast(random_tensor({rows, columns}, engine, -1, 1), dtype));
        const Tensor v = variable(cast(random_tensor(shape, engine, -1, 1), dtype));
        for (const Axes& axes : {Axes(), Axes(0), Axes(1)}) {
          EXPECT_EQ(values(sum(x + v, axes)), values(sum(made(x + v), axes)));
          EXPECT_EQ(values(sum(x * v, axes)), values(sum(made(x * v), axes)));
          EXPECT_EQ(values(mean(v - x, axes)), values(mean(made(v - x), axes)));
          EXPECT_EQ(values(sum(maximum(x, v), axes)), values(sum(made(maximum(x, v)), axes)));
          EXPECT_EQ(values(sum(square(x), axes)), values(sum(made(square(x)), axes)));
        }
      }
}

TEST(SumOfDeferredValue, is_right_when_neighbouring_rows_are_not) {
  PRINT_SEED_ON_FAILURE();
  Engine engine(seed());
  const Tensor x = variable(random_tensor({64, 32, 64}, engine)),
               v = variable(random_tensor({64, 1, 1}, engine)), w = variable(random_tensor({32, 1}, engine));
  for (const Axes& axes : {Axes(), Axes(0), Axes(1), Axes(2), Axes({0, 2})}) {
    EXPECT_EQ(values(sum(x + v, axes)), values(sum(made(x + v), axes)));
    EXPECT_EQ(values(sum(w * x, axes)), values(sum(made(w * x), axes)));
  }
}

/// The mean of everything in a random graph over the leaves: handles are dropped, kept and used again.
Tensor random_loss(const std::vector<Tensor>& leaves, Engine engine) {
  std::vector<Tensor> known = leaves;
  const auto pick = [&](std::size_t n) { return static_cast<std::size_t>(engine() % n); };
  for (int i = 0; i < 12; ++i) {
    const std::size_t at = pick(known.size());
    const Tensor b = known[pick(known.size())];
    Tensor a = pick(3) == 0 && at >= leaves.size() ? std::exchange(known[at], leaves[pick(leaves.size())])
                                                   : known[at];
    switch (pick(11)) {
      case 0: known.push_back(std::move(a) + b); break;
      case 1: known.push_back(b - std::move(a)); break;
      case 2: known.push_back(std::move(a) * b); break;
      case 3: known.push_back(square(tanh(std::move(a)))); break;
      case 4: known.push_back(relu(std::move(a)) + 0.5); break;
      case 5: known.push_back(maximum(a, b) * 0.25); break;
      case 6: known.push_back(mean(std::move(a) * b, -1, true)); break;
      case 7: known.push_back(sum(a - b, 0, true) / 200); break;
      case 8: known.push_back(where(a > b, std::move(a), b * 0.5)); break;
      case 9: known.push_back(clamp(std::move(a), -0.5, 0.5) * exp(-b)); break;
      default: known.push_back(tanh(a) * b - a); break;
    }
  }
  Tensor loss = mean(leaves[0]);
  for (std::size_t i = leaves.size(); i < known.size(); ++i) loss = loss + mean(std::move(known[i]));
  return loss;
}

TEST(DeferredValue, changes_no_bit_of_any_graph) {
  PRINT_SEED_ON_FAILURE();
  Engine engine(seed());
  for (int round = 0; round < 60; ++round) {
    SCOPED_TRACE("round " + std::to_string(round));
    const DType dtype = round % 2 == 0 ? DType::float32 : DType::float64;
    const std::int64_t columns = round % 10 > 1 ? 128 : 1400;  // of which some are computed twice
    std::vector<Tensor> leaves;
    for (const Shape& shape : {Shape{200, columns}, Shape{columns}, Shape{200, 1}})
      leaves.push_back(variable(cast(random_tensor(shape, engine), dtype)));
    const Engine same(engine());
    const Tensor deferred = random_loss(leaves, same);
    const Tensor kept = [&] {
      const KeepValues keep;
      return random_loss(leaves, same);
    }();
    EXPECT_EQ(deferred.item(), kept.item());
    const Gradients a = gradients(deferred, leaves), b = gradients(kept, leaves);
    random_loss(leaves, Engine(same)).backward();  // which consumes the graph
    for (const Tensor& leaf : leaves) {
      EXPECT_EQ(values(a.at(leaf)), values(b.at(leaf)));
      EXPECT_EQ(values(leaf.grad()), values(b.at(leaf)));
    }
  }
}

/// Random numbers among which are those that products and sums treat in ways of their own.
Tensor with_special_values(const Shape& shape, Engine& engine, DType dtype) {
  std::vector<double> numbers = values(random_tensor(shape, engine));
  const double special[] = {0, -0.0, INFINITY, -INFINITY, NAN, 1e38, 1e-38};
  for (std::size_t i = 0; i < numbers.size(); ++i)
    if (engine() % 8 == 0) numbers[i] = special[engine() % std::size(special)];
  return cast(tensor(numbers, shape), dtype);
}

TEST(DeferredValue, of_two_steps_of_arithmetic_is_what_each_alone_would_be) {
  PRINT_SEED_ON_FAILURE();
  Engine engine(seed());
  using Step = Tensor (*)(const Tensor&, const Tensor&);
  const std::pair<const char*, Step> steps[] = {
      {"a + b", [](const Tensor& a, const Tensor& b) { return a + b; }},
      {"a - b", [](const Tensor& a, const Tensor& b) { return a - b; }},
      {"b - a", [](const Tensor& a, const Tensor& b) { return b - a; }},
      {"a * b", [](const Tensor& a, const Tensor& b) { return a * b; }},
  };
  const auto same = [](double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); };
  const std::int64_t part = 1000;  // is not deferred
  for (const DType dtype : {DType::float32, DType::float64})
    for (const std::int64_t size : {16387, 16391, 20001})
      for (const bool by_number : {false, true}) {
        const std::int64_t size_of_b = by_number ? 1 : size;
        const Tensor a = with_special_values({size}, engine, dtype),
                     b = with_special_values({size_of_b}, engine, dtype),
                     c = with_special_values({size}, engine, dtype),
                     seed = with_special_values({size}, engine, dtype);
        for (const auto& [first_name, first] : steps)
          for (const auto& [second_name, second] : steps) {
            const auto results = [&, first = first, second = second](std::int64_t begin, std::int64_t end) {
              const Slice range{begin, end};
              const Tensor x = variable(a[{range}]), y = variable(by_number ? b : b[{range}]),
                           z = variable(c[{range}]);
              const Tensor result = second(first(x, y), z);
              const Gradients found = gradients(result, {x, z}, {.seed = seed[{range}]});
              std::vector<std::vector<double>> all{values(found.at(x) + found.at(x) * z), values(found.at(z)),
                                                   values(result)};
              return all;
            };
            const auto whole = results(0, size);
            for (std::int64_t begin = 0; begin < size; begin += part) {
              const std::int64_t end = std::min(begin + part, size);
              const auto alone = results(begin, end);
              for (std::size_t k = 0; k < whole.size(); ++k)
                EXPECT_TRUE(
                    std::ranges::equal(std::span(whole[k]).subspan(static_cast<std::size_t>(begin),
                                                                   static_cast<std::size_t>(end - begin)),
                                       alone[k], same))
                    << first_name << ", then " << second_name << ", result " << k << " from " << begin << ", "
                    << to_string(dtype) << (by_number ? ", a number" : "");
            }
          }
      }
}

TEST(SumOfDeferredValue, has_the_gradients_of_the_sum) {
  const Tensor x = variable(full({200, 100}, 2.0)), v = variable(full({200, 1}, 3.0));
  const Gradients g = gradients(sum(x * v), {x, v});
  EXPECT_EQ(values(g.at(x)), std::vector<double>(20000, 3.0));
  EXPECT_EQ(values(g.at(v)), std::vector<double>(200, 200.0));
}

TEST(SumOfDeferredValue, has_the_other_factor_as_the_gradient_of_a_product) {
  const Tensor x = variable(full({200, 100}, 2.0));
  Parameter w(full({200, 100}, 3.0), "w");
  sum(x * w).backward();
  EXPECT_EQ(x.grad().node()->value().raw(), Tensor(w).node()->value().raw()) << "nothing is computed";
  Sgd({w}, {.learning_rate = 1}).step();
  EXPECT_EQ(values(w), std::vector<double>(20000, 1.0));
  EXPECT_EQ(values(x.grad()), std::vector<double>(20000, 3.0)) << "a step is no change of it";

  std::vector<float> elements(20000, 5);
  x.zero_grad();
  sum(x * from_blob(elements.data(), {200, 100}, [](void*) {})).backward();
  elements.assign(20000, 7);
  EXPECT_EQ(values(x.grad()), std::vector<double>(20000, 5.0)) << "nor of memory of somebody else";
}

}  // namespace
}  // namespace chainrule::test
