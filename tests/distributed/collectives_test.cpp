// Tensors that go between ranks: against what one rank would compute, and their gradients against finite
// differences.

#include <cmath>
#include <limits>
#include <thread>

#include "chainrule/autograd.h"
#include "chainrule/ops.h"
#include "chainrule/random.h"
#include "chainrule/threads.h"
#include "distributed/ranks.h"

namespace chainrule::distributed::test {
namespace {

/// What a rank has: different on each, and known to all.
Tensor of_rank(int rank, const Shape& shape, DType dtype = DType::float64) {
  Generator generator(static_cast<std::uint64_t>(100 + rank));
  const Tensor x = rand(shape, generator, DType::float64) * 8 - 4;
  return dtype == DType::boolean ? x > 0 : cast(x, dtype);
}
Tensor mine(const Shape& shape, DType dtype = DType::float64) {
  return of_rank(ranks().rank(), shape, dtype);
}
std::vector<Tensor> of_all(const Shape& shape, DType dtype = DType::float64) {
  std::vector<Tensor> all;
  for (int r = 0; r < ranks().size(); ++r) all.push_back(of_rank(r, shape, dtype));
  return all;
}

/// In the order of the ranks.
Tensor sum_of(const std::vector<Tensor>& all) {
  Tensor sum = all[0].dtype() == DType::boolean ? cast(all[0], DType::int64) : all[0];
  for (std::size_t r = 1; r < all.size(); ++r) sum = sum + all[r];
  return sum;
}

constexpr DType all_dtypes[] = {DType::boolean, DType::int64, DType::float32, DType::float64};
// One of them too large to be sent in one step.
const Shape all_shapes[] = {{}, {3}, {2, 0, 3}, {3, 2}, {5, 1013}};

void expect_same(const Tensor& actual, const Tensor& expected) {
  EXPECT_EQ(actual.dtype(), expected.dtype());
  EXPECT_TRUE(equals(actual, expected.shape(), values(expected)));
}

TEST(Collectives, give_what_one_rank_computes_of_any_dtype_and_shape) {
  const World& world = ranks();
  const int last = world.size() - 1;
  for (const DType dtype : all_dtypes)
    for (const Shape& shape : all_shapes) {
      SCOPED_TRACE(std::string(to_string(dtype)) + to_string(shape));
      const std::vector<Tensor> all = of_all(shape, dtype);
      Tensor sum = dtype == DType::boolean ? cast(all[0], DType::int64) : all[0], most = all[0],
             least = all[0];
      for (std::size_t r = 1; r < all.size(); ++r) {
        sum = sum + all[r];
        most = maximum(most, all[r]);
        least = minimum(least, all[r]);
      }
      expect_same(world.all_reduce(mine(shape, dtype)), sum);
      const Tensor summed = is_floating(dtype) ? sum : cast(sum, DType::float64);
      EXPECT_TRUE(close(world.all_reduce(mine(shape, dtype), Reduce::mean), summed / world.size(), 1e-6));
      expect_same(world.all_reduce(mine(shape, dtype), Reduce::max), cast(most, dtype));
      expect_same(world.all_reduce(mine(shape, dtype), Reduce::min), cast(least, dtype));
      expect_same(world.broadcast(mine(shape, dtype), last), all.back());
      expect_same(world.reduce(mine(shape, dtype), last), world.rank() == last ? sum : zeros_like(sum));
      std::vector<Tensor> parts;
      for (const Tensor& each : all) parts.push_back(shape.rank() == 0 ? reshape(each, {1}) : each);
      expect_same(world.all_gather(mine(shape, dtype)), concatenate(parts));
    }
}

TEST(Collectives, give_each_rank_its_part_of_a_sum) {
  const World& world = ranks();
  const std::int64_t n = world.size();
  for (const Shape& shape : {Shape{3 * n}, Shape{n, 4}, Shape{2 * n, 0}}) {
    const Tensor sum = sum_of(of_all(shape));
    const std::int64_t part = shape[0] / n;
    const Tensor expected = sum[{Slice{part * world.rank(), part * (world.rank() + 1)}}];
    expect_same(world.reduce_scatter(mine(shape)), expected);
    EXPECT_TRUE(close(world.reduce_scatter(mine(shape), Reduce::mean), expected / n, 1e-12));
  }
}

TEST(Collectives, take_views_and_what_is_not_computed_yet) {
  const Tensor x = mine({4, 6});
  EXPECT_TRUE(equals(ranks().broadcast(x.T()[{Slice{1, 5, 2}}], 0), {2, 4},
                     values(of_rank(0, {4, 6}).T()[{Slice{1, 5, 2}}])));
  EXPECT_TRUE(close(ranks().broadcast(exp(mine({3000})), 0), exp(of_rank(0, {3000})), 1e-15));
}

TEST(Collectives, add_up_in_the_order_of_the_ranks_to_the_bit) {
  const Shape shape = {20011};
  const Tensor sum = sum_of(of_all(shape, DType::float32));
  for (int i = 0; i < 3; ++i) expect_same(ranks().all_reduce(mine(shape, DType::float32)), sum);
}

TEST(Collectives, let_a_nan_be_the_largest_and_the_smallest) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const Tensor x = tensor(ranks().rank() == 0 ? nan : 1.0);
  EXPECT_TRUE(std::isnan(ranks().all_reduce(x, Reduce::max).item()));
  EXPECT_TRUE(std::isnan(ranks().all_reduce(x, Reduce::min).item()));
}

using Function = std::function<Tensor(const Tensor&)>;

/// The sum over all ranks of weights of their own times what `f` gives.
double total(const Function& f, const Tensor& x) {
  const Tensor y = f(x);
  return ranks().all_reduce(sum(y * mine(y.shape()))).item();
}

/// The gradient of `total`, and its derivative in a direction, against differences of each rank's elements.
void expect_gradients(const Function& f, const Shape& shape) {
  const Tensor x = variable(mine(shape));
  const Tensor y = f(x);
  sum(y * mine(y.shape())).backward();
  const double h = 1e-6;
  const std::vector<double> got = values(x.grad());
  for (int r = 0; r < ranks().size(); ++r)
    for (std::size_t i = 0; i < got.size(); ++i) {
      std::vector<double> step(got.size(), 0.0);
      if (r == ranks().rank()) step[i] = h;
      const Tensor moved = tensor(step, shape);
      const double slope = (total(f, x.detach() + moved) - total(f, x.detach() - moved)) / (2 * h);
      EXPECT_NEAR(r == ranks().rank() ? got[i] : slope, slope, 1e-7) << "element " << i;
    }
}

TEST(CollectiveGradients, agree_with_finite_differences_on_all_ranks) {
  const World& world = ranks();
  const std::int64_t n = world.size();
  for (const Reduce how : {Reduce::sum, Reduce::mean, Reduce::max, Reduce::min})
    expect_gradients([&](const Tensor& x) { return world.all_reduce(sin(x), how); }, {2, 2});
  expect_gradients([&](const Tensor& x) { return world.broadcast(sin(x), world.size() - 1); }, {3});
  expect_gradients([&](const Tensor& x) { return world.reduce(sin(x), 0); }, {3});
  expect_gradients([&](const Tensor& x) { return world.all_gather(sin(x)); }, {2, 1});
  expect_gradients([&](const Tensor& x) { return world.all_gather(sin(x)); }, {});
  for (const Reduce how : {Reduce::sum, Reduce::mean})
    expect_gradients([&](const Tensor& x) { return world.reduce_scatter(sin(x), how); }, {n, 2});
}

TEST(CollectiveGradients, can_be_differentiated_again) {
  const World& world = ranks();
  // f = Σ over ranks of s³ for s = Σ x², so that df/dx = 6 n s² x, and Σ over ranks of its sum has the
  // gradient 6 n (4 s x Σ x + s²).
  const Tensor x = variable(tensor(1.0 + world.rank()), "x");
  const Tensor s = world.all_reduce(square(x));
  const Tensor first = gradients(s * s * s, {x}, {.create_graph = true}).at(x);
  const double n = world.size(), at = x.item(), squares = s.item();
  EXPECT_NEAR(first.item(), 6 * n * squares * squares * at, 1e-9);
  const double all = world.all_reduce(x.detach()).item();
  EXPECT_NEAR(gradients(first, {x}).at(x).item(), 6 * n * (4 * squares * at * all + squares * squares), 1e-6);
}

TEST(CollectiveGradients, of_a_largest_that_several_ranks_have_go_to_them_in_equal_parts) {
  const Tensor x = variable(tensor(2.0));
  ranks().all_reduce(x, Reduce::max).backward();
  EXPECT_DOUBLE_EQ(x.grad().item(), 1);
}

TEST(CollectiveGradients, reach_a_rank_through_others_that_need_none) {
  const bool learns = ranks().rank() == 0;
  const Tensor x = learns ? variable(tensor({1.0, 2.0})) : tensor({3.0, 4.0});
  const Tensor y = ranks().all_reduce(x);
  EXPECT_TRUE(y.requires_grad());
  sum(y).backward();
  if (!learns) return;
  EXPECT_TRUE(equals(x.grad(), {2}, std::vector<double>(2, ranks().size())));
}

/// The error on each rank, where the last one does something else.
template <class Error>
std::string mismatch(const std::function<void(bool is_last)>& call) {
  const std::string message = message_of<Error>([&] { call(ranks().rank() == ranks().size() - 1); });
  EXPECT_TRUE(mentions(message, {"rank " + std::to_string(ranks().size() - 1)}));
  EXPECT_EQ(ranks().all_reduce(tensor(1)).item(), ranks().size()) << "ranks go on together";
  return message;
}

TEST(Mismatches, are_found_before_anything_is_sent) {
  const World& world = ranks();
  if (world.size() == 1) GTEST_SKIP() << "takes two ranks";
  EXPECT_TRUE(mentions(mismatch<ShapeError>([&](bool last) {
                         world.all_reduce(zeros(last ? Shape{3, 2} : Shape{2, 3}));
                       }),
                       {"all_reduce(sum)", "shape (3, 2), rank 0 (2, 3)", "all ranks must give one shape"}));
  EXPECT_TRUE(mentions(mismatch<DTypeError>([&](bool last) {
                         world.all_gather(zeros({2}, last ? DType::float32 : DType::float64));
                       }),
                       {"all_gather", "dtype float32, rank 0 float64", "cast"}));
  EXPECT_TRUE(mentions(mismatch<DistributedError>([&](bool last) {
                         if (last)
                           world.barrier();
                         else
                           world.broadcast(zeros({2}), 0);
                       }),
                       {"is at barrier, rank 0 at broadcast from rank 0", "in the same order"}));
  EXPECT_TRUE(mentions(mismatch<DistributedError>([&](bool last) {
                         world.all_reduce(zeros({2}), last ? Reduce::max : Reduce::sum);
                       }),
                       {"all_reduce(max)", "all_reduce(sum)"}));
  EXPECT_TRUE(mentions(message_of<DistributedError>([&] {
                         const NoGrad off(world.rank() == 0);
                         world.all_reduce(variable(tensor(1.0)));
                       }),
                       {"all_reduce(sum)", "NoGrad"}));
}

TEST(Mismatches, of_what_must_be_equal_are_named) {
  const World& world = ranks();
  world.check_equal("dataset", "digits");
  world.check_equal("samples", 1797);
  world.check_equal("x", of_rank(0, {30, 4}));
  if (world.size() == 1) return;
  EXPECT_TRUE(mentions(
      mismatch<DistributedError>([&](bool last) { world.check_equal("dataset", last ? "iris" : "digits"); }),
      {"check_equal 'dataset'", "has 'iris', rank 0 'digits'; they must be equal"}));
  EXPECT_TRUE(mentions(mismatch<DistributedError>([&](bool last) { world.check_equal("n", last ? 3 : 2); }),
                       {"check_equal 'n'", "has 3, rank 0 2"}));
  EXPECT_TRUE(mentions(mismatch<DistributedError>([&](bool last) {
                         world.check_equal("x", of_rank(last ? 1 : 0, {30, 4}));
                       }),
                       {"float64 (30, 4) with hash"}));
  EXPECT_TRUE(mentions(mismatch<DistributedError>([&](bool last) {
                         world.check_equal("text", std::string(600, 'x') + (last ? "y" : "z"));
                       }),
                       {"with hash"}));
}

TEST(World, refuses_what_makes_no_sense) {
  const World& world = ranks();
  EXPECT_TRUE(mentions(message_of<std::invalid_argument>([&] { world.broadcast(zeros({2}), world.size()); }),
                       {"broadcast: root is", "not a rank"}));
  EXPECT_TRUE(mentions(message_of<ShapeError>([&] { world.reduce_scatter(tensor(1.0)); }),
                       {"reduce_scatter(sum)", "equal parts", "pad it"}));
  EXPECT_THROW(world.reduce_scatter(zeros({4}), Reduce::max), std::invalid_argument);
  EXPECT_THROW(World(), std::logic_error);
}

TEST(World, hands_a_state_of_any_shapes_from_one_to_all) {
  const World& world = ranks();
  const NamedTensors state = {
      {"w", of_rank(0, {2, 3})}, {"steps", tensor(7)}, {"none", zeros({0, 2}, DType::float32)}};
  const NamedTensors got = world.broadcast_state(world.rank() == 0 ? state : NamedTensors());
  ASSERT_EQ(got.size(), 3U);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(got[i].first, state[i].first);
    expect_same(got[i].second, state[i].second);
  }
  EXPECT_TRUE(world.broadcast_state({}).empty());
}

TEST(World, gives_each_rank_its_share_of_the_processors) {
  const int all = ranks().all_reduce(tensor(num_threads())).item<int>();
  EXPECT_GE(num_threads(), 1);
  EXPECT_LE(all, std::max(ranks().size(), static_cast<int>(std::thread::hardware_concurrency())));
}

}  // namespace
}  // namespace chainrule::distributed::test
