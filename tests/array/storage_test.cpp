// Where values live: in the node, in a shared buffer, in a recycled one. What these buy is in
// src/graph/node.h.

#include "array/array.h"
#include "array/pool.h"
#include "chainrule/graph.h"
#include "chainrule/memory.h"
#include "graph/apply.h"
#include "support.h"

namespace chainrule::test {
namespace {

bool lies_inside_its_node(const Tensor& scalar) {
  const auto* begin = reinterpret_cast<const char*>(scalar.node());
  const auto* element = reinterpret_cast<const char*>(scalar.data<double>().data());
  return begin < element && element < begin + 192;
}

TEST(Scalar, lies_inside_its_node_without_an_allocation_of_its_own) {
  const Tensor x = variable(2.0);
  EXPECT_TRUE(lies_inside_its_node(x));
  EXPECT_TRUE(lies_inside_its_node(x * x));
  EXPECT_TRUE(lies_inside_its_node(tensor(3.0)));
  EXPECT_TRUE(lies_inside_its_node(tanh(x)));
  EXPECT_TRUE(lies_inside_its_node(sum(tensor({1.0, 2.0}))));
  EXPECT_TRUE(lies_inside_its_node(tensor({{{7.0}}})));
}

/// Takes the size of the node of any operation with this many inputs.
struct AnyOperation {
  static constexpr std::string_view name = "any", formula = "none";
  Array forward(Values in) const { return *in[0]; }
  Reads reads(Wanted) const { return 0; }
  void vjp(::chainrule::Inputs, const Tensor&, const Tensor&, Cotangents&) const {}
  LocalFormula local_formula(std::size_t, std::span<const std::string>, const std::string&) const {
    return {};
  }
};

TEST(Node, is_at_most_192_bytes) {
  EXPECT_LE(sizeof(OperationNode<AnyOperation, 1>), 192U);
  EXPECT_LE(sizeof(OperationNode<AnyOperation, 2>), 192U);
  EXPECT_LE(sizeof(OperationNode<AnyOperation, 3>), 192U);
  EXPECT_LE(sizeof(Variable), 192U);
  EXPECT_LE(sizeof(Constant), 192U);
}

TEST(Node, of_two_inputs_is_two_cache_lines) { EXPECT_EQ(sizeof(OperationNode<AnyOperation, 2>), 128U); }

TEST(Node, of_a_scalar_is_recycled_without_asking_the_system_for_memory) {
  SKIP_WITHOUT_POOL();
  const Tensor x = variable(2.0);
  const auto step = [&] { return gradients((x + 1.0) * x, {x}).at(x).item(); };
  step();
  const std::size_t before = pool::statistics().system_allocations;
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(step(), 5);
  EXPECT_EQ(pool::statistics().system_allocations, before);
}

TEST(Block, is_handed_out_in_the_order_that_a_large_graph_had_when_it_was_taken_apart) {
  SKIP_WITHOUT_POOL();
  std::vector<void*> blocks(10'000);
  for (void*& block : blocks) block = pool::allocate(128);
  for (auto block = blocks.rbegin(); block != blocks.rend(); ++block) pool::deallocate(*block, 128);
  std::vector<void*> again(blocks.size());
  for (void*& block : again) block = pool::allocate(128);
  EXPECT_EQ(again, blocks);
  for (void* block : again) pool::deallocate(block, 128);
}

TEST(Buffer, of_a_large_value_is_recycled) {
  SKIP_WITHOUT_POOL();
  const Tensor x = variable(full({1000, 100}, 0.5, DType::float64));
  const auto step = [&] { return gradients(sum(tanh(x * 2.0)), {x}).at(x); };
  step();
  const std::size_t before = pool::statistics().system_allocations;
  for (int i = 0; i < 100; ++i) step();
  EXPECT_EQ(pool::statistics().system_allocations, before);
}

TEST(Buffer, that_waits_to_be_used_again_can_be_given_back) {
  SKIP_WITHOUT_POOL();
  { const Tensor large = zeros({1 << 20}); }
  EXPECT_GT(pool::statistics().cached_bytes, 0U);
  release_cached_memory();
  EXPECT_EQ(pool::statistics().cached_bytes, 0U);
}

TEST(Buffer, is_not_kept_beyond_the_limit) {
  SKIP_WITHOUT_POOL();
  release_cached_memory();
  set_memory_cache_limit(1 << 20);
  { const Tensor large = zeros({1 << 20}); }
  EXPECT_LE(pool::statistics().cached_bytes, std::size_t{1} << 20);
  set_memory_cache_limit(std::size_t{1} << 30);
}

TEST(Buffer, of_a_few_kilobytes_counts_towards_the_limit_beyond_what_a_thread_keeps_at_hand) {
  SKIP_WITHOUT_POOL();
  release_cached_memory();
  {
    std::vector<Tensor> many;
    for (int i = 0; i < 1000; ++i) many.push_back(zeros({1250}, DType::float64));
  }
  EXPECT_GT(pool::statistics().cached_bytes, std::size_t{8} << 20);
  set_memory_cache_limit(1 << 20);
  EXPECT_LE(pool::statistics().cached_bytes, std::size_t{1} << 20);
  set_memory_cache_limit(std::size_t{1} << 30);
}

TEST(Reshape, makes_no_copy) {
  const Tensor x = variable({{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}});
  const Tensor turned = x.reshape({3, 2}), flat = x.reshape({-1});
  EXPECT_EQ(turned.data<double>().data(), x.data<double>().data());
  EXPECT_EQ(flat.data<double>().data(), x.data<double>().data());
}

TEST(Reshape, outlives_the_tensor_it_shares_with) {
  Tensor reshaped;
  {
    const Tensor x = tensor({1.0, 2.0, 3.0, 4.0});
    reshaped = x.reshape({2, 2});
  }
  release_cached_memory();
  EXPECT_TRUE(equals(reshaped, {2, 2}, {1, 2, 3, 4}));
}

TEST(CopyOnWrite, leaves_the_other_array_as_it_was) {
  Array a({3}, DType::float64);
  for (int i = 0; i < 3; ++i) a.mutable_data<double>()[i] = i;
  Array b = a;
  EXPECT_EQ(a.data<double>(), b.data<double>());
  EXPECT_FALSE(a.is_sole_owner());
  b.mutable_data<double>()[1] = 99;
  EXPECT_NE(a.data<double>(), b.data<double>());
  EXPECT_EQ(a.data<double>()[1], 1);
  EXPECT_EQ(b.data<double>()[2], 2);
  EXPECT_TRUE(a.is_sole_owner());
}

TEST(CopyOnWrite, copies_nothing_for_a_sole_owner) {
  Array a({3}, DType::float64);
  const void* before = a.raw();
  EXPECT_EQ(a.mutable_raw(), before);
  const Array moved = std::move(a);
  EXPECT_EQ(moved.raw(), before);
}

TEST(CopyOnWrite, keeps_scalars_apart) {
  Array a(1.0);
  Array b = a;
  b.mutable_data<double>()[0] = 2;
  EXPECT_EQ(a.data<double>()[0], 1);
}

TEST(CopyOnWrite, survives_assignment_to_itself) {
  Array a({2}, DType::float64);
  a.mutable_data<double>()[0] = 5;
  const Array& same_one = a;
  a = same_one;
  EXPECT_EQ(a.data<double>()[0], 5);
}

TEST(TensorLimit, refuses_what_is_larger_before_memory_is_asked_for) {
  const Tensor x = zeros({10});
  {
    const TensorLimit limit(1000);
    EXPECT_EQ(zeros({125}, DType::float64).size(), 125);
    EXPECT_THROW((void)zeros({126}, DType::float64), MemoryError);
    EXPECT_THROW((void)broadcast_to(x, {1LL << 40, 10}), MemoryError);
    const TensorLimit more(2000);
    EXPECT_THROW((void)zeros({126}, DType::float64), MemoryError);
    {
      const TensorLimit less(100);
      EXPECT_THROW((void)zeros({13}, DType::float64), MemoryError);
    }
    EXPECT_EQ(zeros({125}, DType::float64).size(), 125);
  }
  EXPECT_EQ(zeros({1000}).size(), 1000);
}

}  // namespace
}  // namespace chainrule::test
