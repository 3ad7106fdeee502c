// Transposes go by tiles as large as the vectors of the machine, and what is left over element by element.
// Relies on permute of ops.h.

#include <algorithm>
#include <array>
#include <numeric>

#include "chainrule/autograd.h"
#include "chainrule/ops.h"
#include "chainrule/shaping.h"
#include "kernels/permuted.h"
#include "support.h"

namespace chainrule::test {
namespace {

TEST(Transpose, moves_every_element_of_matrices_of_any_size_and_type) {
  for (const std::int64_t rows : {1, 3, 4, 16, 17, 33, 64, 130})
    for (const std::int64_t columns : {1, 2, 8, 15, 16, 31, 48, 65})
      for (const DType dtype : {DType::boolean, DType::int64, DType::float32, DType::float64}) {
        const std::int64_t matrix = rows * columns;
        std::vector<std::int64_t> numbers, expected;
        for (std::int64_t i = 0; i < 2 * matrix; ++i) numbers.push_back(i * 7919 % 10007 * (i % 3));
        for (std::int64_t batch = 0; batch < 2; ++batch)
          for (std::int64_t c = 0; c < columns; ++c)
            for (std::int64_t r = 0; r < rows; ++r)
              expected.push_back(numbers[batch * matrix + r * columns + c]);
        EXPECT_EQ(values(swapaxes(cast(tensor(numbers, {2, rows, columns}), dtype), 1, 2)),
                  values(cast(tensor(expected), dtype)))
            << rows << " x " << columns << ' ' << to_string(dtype);
      }
}

TEST(Transpose, keeps_the_bits_of_integers_that_are_no_numbers_as_floats) {
  std::vector<std::int64_t> numbers;
  for (std::int64_t i = 0; i < 16 * 16; ++i) numbers.push_back(0x7FF0000000000001 + i);  // signalling NaN
  const Tensor twice = transpose(transpose(tensor(numbers, {16, 16})));
  EXPECT_EQ(twice.to_vector<std::int64_t>(), numbers);
}

TEST(Permute, moves_every_element_for_any_order_of_up_to_six_axes) {
  PRINT_SEED_ON_FAILURE();
  Engine engine(seed());
  for (int round = 0; round < 200; ++round) {
    const std::size_t rank = 1 + engine() % 6;
    std::vector<std::int64_t> sizes, order;
    for (std::size_t axis = 0; axis < rank; ++axis) {
      sizes.push_back(static_cast<std::int64_t>(engine() % 40 == 0 ? 0 : 1 + engine() % (rank > 3 ? 5 : 20)));
      order.push_back(static_cast<std::int64_t>(axis));
    }
    if (round % 3 == 0) sizes[engine() % rank] = static_cast<std::int64_t>(60 + engine() % 150);
    std::shuffle(order.begin(), order.end(), engine);
    const DType dtype =
        std::array{DType::boolean, DType::int64, DType::float32, DType::float64}[engine() % 4];
    const Shape shape(sizes);
    std::vector<std::int64_t> numbers(static_cast<std::size_t>(shape.size()));
    for (std::int64_t& number : numbers)
      number = static_cast<std::int64_t>(engine() % (dtype == DType::boolean ? 2 : 1000));
    const Tensor moved = permute(cast(tensor(numbers, shape), dtype), order);
    std::vector<std::int64_t> strides(rank, 1), position(rank, 0);
    for (std::size_t axis = rank - 1; axis > 0; --axis) strides[axis - 1] = strides[axis] * sizes[axis];
    std::vector<double> expected;
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      std::int64_t at = 0;
      for (std::size_t axis = 0; axis < rank; ++axis)
        at += position[axis] * strides[static_cast<std::size_t>(order[axis])];
      expected.push_back(static_cast<double>(numbers[static_cast<std::size_t>(at)]));
      for (std::size_t axis = rank; axis-- > 0;) {
        if (++position[axis] < sizes[static_cast<std::size_t>(order[axis])]) break;
        position[axis] = 0;
      }
    }
    ASSERT_EQ(values(moved), expected) << to_string(shape) << " to " << to_string(moved.shape());
  }
}

/// What matmul makes of a transpose, when that has not been read and when it has.
struct Products {
  Tensor x, w;
  Tensor of_unread() const { return matmul(x, swapaxes(w, -1, -2)); }
  Tensor of_read() const {
    const Tensor turned = swapaxes(w, -1, -2);
    EXPECT_EQ(values(turned).size(), static_cast<std::size_t>(w.size()));
    return matmul(x, turned);
  }
};

TEST(TransposeBesideAProduct, gives_the_same_bits_whether_it_has_been_read_or_not) {
  PRINT_SEED_ON_FAILURE();
  Engine engine(seed());
  for (const auto& [of_x, of_w] : {std::pair<Shape, Shape>{{1, 100}, {70, 100}},
                                   {{2, 100}, {70, 100}},
                                   {{100}, {70, 100}},
                                   {{65, 100}, {70, 100}},
                                   {{3, 2, 40}, {50, 40}},
                                   {{3, 2, 40}, {3, 50, 40}},
                                   {{2, 3, 4, 10}, {3, 40, 10}},
                                   {{500, 4, 4}, {500, 4, 4}}})
    for (const DType dtype : {DType::float32, DType::float64}) {
      const Products products{cast(random_tensor(of_x, engine), dtype),
                              cast(random_tensor(of_w, engine), dtype)};
      const Tensor unread = products.of_unread();
      EXPECT_EQ(values(unread), values(products.of_read())) << of_x << " @ " << of_w << "ᵀ";
      const Tensor expected = sum(unsqueeze(products.x, -2) * unsqueeze(products.w, -3), -1);
      EXPECT_LT(max(abs(cast(unread - expected, DType::float64))).item<double>(), 1e-4);
    }
}

TEST(TransposeBesideAProduct, on_the_left_and_on_both_sides_is_that_of_the_operand) {
  PRINT_SEED_ON_FAILURE();
  Engine engine(seed());
  const Tensor a = random_tensor({40, 30}, engine), b = random_tensor({50, 40}, engine);
  const Tensor plain = matmul(transpose(a) + 0, transpose(b) + 0);
  EXPECT_LT(max(abs(matmul(transpose(a), transpose(b)) - plain)).item<double>(), 1e-13);
  const Tensor stack = random_tensor({5, 40, 30}, engine), matrix = random_tensor({40, 7}, engine);
  EXPECT_LT(max(abs(matmul(swapaxes(stack, 1, 2), matrix) - matmul(swapaxes(stack, 1, 2) + 0, matrix)))
                .item<double>(),
            1e-13);
}

TEST(TransposeBesideAProduct, has_the_gradients_of_the_product_of_a_copy) {
  PRINT_SEED_ON_FAILURE();
  Engine engine(seed());
  for (const auto& [of_x, of_w] : {std::pair<Shape, Shape>{{3, 50}, {40, 50}},
                                   {{1, 50}, {40, 50}},
                                   {{50}, {40, 50}},
                                   {{5, 3, 50}, {40, 50}},
                                   {{5, 3, 50}, {5, 40, 50}},
                                   {{5, 3, 50}, {1, 40, 50}},
                                   {{3, 50}, {5, 40, 50}},
                                   {{3, 50}, {5, 1, 50}},
                                   {{2, 5, 30, 40}, {2, 1, 50, 40}}}) {
    const Tensor x = variable(random_tensor(of_x, engine)), w = variable(random_tensor(of_w, engine));
    const auto turned = [](const Tensor& tensor, bool copied) {
      const Tensor result = swapaxes(tensor, -1, -2);
      return copied ? result + 0 : result;
    };
    const auto loss = [&](bool copied, bool on_the_left) {
      const Tensor left = on_the_left ? turned(swapaxes(x, -1, -2) + 0, copied) : x;
      return sum(sin(matmul(left, turned(w, copied))));
    };
    for (const bool on_the_left : {false, true}) {
      if (on_the_left && x.rank() == 1) continue;
      const Gradients found = gradients(loss(false, on_the_left), {x, w}),
                      expected = gradients(loss(true, on_the_left), {x, w});
      for (const Tensor& each : {x, w})
        EXPECT_LT(max(abs(found.at(each) - expected.at(each))).item<double>(), 1e-12)
            << of_x << " @ " << of_w << "ᵀ, on the left " << on_the_left;
    }
  }
}

TEST(TransposeBesideAProduct, says_the_shapes_that_do_not_fit_as_they_are) {
  const Tensor x = ones({2, 30}), w = ones({40, 50});
  EXPECT_TRUE(mentions(message_of<ShapeError>([&] { (void)matmul(x, transpose(w)); }),
                       {"matmul: inner sizes differ", "(2, 30) @ (50, 40)"}));
}

TEST(TransposeThatWaits, keeps_its_elements_when_either_array_changes_and_when_the_other_is_gone) {
  using kernels::untransposed;
  const auto transposed = [](const Array& of) {
    return kernels::permuted(of, std::array<std::size_t, 2>{1, 0});
  };
  Array x({32, 64}, DType::float32);
  std::iota(x.mutable_data<float>(), x.mutable_data<float>() + x.size(), 0.0F);
  Array turned = transposed(x);
  EXPECT_TRUE(turned.is_deferred());
  EXPECT_TRUE(untransposed(turned));
  EXPECT_FALSE(untransposed(turned.reshaped({32, 64})));  // another matrix
  EXPECT_EQ(untransposed(turned)->raw(), x.raw());
  EXPECT_EQ(transposed(turned).raw(), x.raw());

  x.mutable_data<float>()[1] = -1;  // its own elements from now on
  EXPECT_EQ(turned.data<float>()[32], 1);
  turned.mutable_data<float>()[0] = 7;
  EXPECT_FALSE(untransposed(turned));  // not any more
  EXPECT_EQ(turned.data<float>()[0], 7);
  EXPECT_EQ(x.data<float>()[0], 0);

  Array again = transposed(x);
  EXPECT_EQ(again.data<float>()[32], -1);
  EXPECT_TRUE(untransposed(again));  // as x is still there
  x = Array({1}, DType::float32);
  const Array other = again;
  again.mutable_data<float>()[0] = 5;
  EXPECT_EQ(other.data<float>()[0], 0);
  EXPECT_EQ(again.data<float>()[32], -1);

  EXPECT_EQ(transposed(other).data<float>()[1], -1);

  Array alone = transposed(again);
  again = Array({1}, DType::float32);
  EXPECT_EQ(alone.data<float>()[1], -1);
  EXPECT_FALSE(untransposed(alone));  // nobody else has the memory
}

}  // namespace
}  // namespace chainrule::test
