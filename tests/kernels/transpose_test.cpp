// Transposes go by tiles as large as the vectors of the machine, and what is left over element by element.
// Relies on permute of ops.h.

#include <algorithm>
#include <array>

#include "chainrule/ops.h"
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

}  // namespace
}  // namespace chainrule::test
