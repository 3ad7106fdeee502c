// Rows of a table that a batch has not read, left alone by optimisers that are told so, as PyTorch's
// SparseAdam leaves them.

#include "chainrule/optim.h"
#include "optim/reference_data.h"
#include "support.h"

namespace chainrule::test {
namespace {

TEST(LazyRows, of_adam_follow_pytorchs_sparse_adam) {
  const json data = reference("lazy");
  const Tensor target = tensor(flat(data["target"]), {4, 3});
  const Parameter table(tensor(flat(data["table"]), {4, 3}), "table");
  AdamOptions options{.lazy_rows = true};
  Reader{data["options"]}("learning_rate", options.learning_rate)("beta1", options.beta1)(
      "beta2", options.beta2)("epsilon", options.epsilon);
  Adam optimizer({table}, options);
  for (std::size_t step = 0; step < data["steps"].size(); ++step) {
    const Tensor rows = tensor(data["rows"][step % data["rows"].size()].get<std::vector<std::int64_t>>());
    sum(square(take_rows(table, rows) - take_rows(target, rows))).backward();
    optimizer.step();
    EXPECT_TRUE(close(reshape(table, {-1}), data["steps"][step].get<Numbers>(), 1e-10)) << "step " << step;
  }
}

/// Rows 0, 2 and 3 of five are reached: they must move as a table of these rows alone does.
template <class Kind, class Options>
void expect_only_read_rows_to_move(Options options) {
  for (const DType dtype : {DType::float32, DType::float64}) {
    const Tensor start = cast(reshape(linspace(-2, 3, 35, DType::float64), {5, 7}), dtype);
    const Tensor read = tensor({0, 2, 3});
    const Parameter table(start, "table"), small(take_rows(start, read), "small");
    options.lazy_rows = true;
    Kind lazy({table}, options);
    options.lazy_rows = false;
    Kind dense({small}, options);
    for (int step = 0; step < 5; ++step) {
      sum(sin(take_rows(table, read))).backward();
      lazy.step();
      sum(sin(small)).backward();
      dense.step();
    }
    EXPECT_TRUE(close(take_rows(table, read), small, dtype == DType::float32 ? 1e-6 : 1e-14));
    const Tensor others = tensor({1, 4});
    EXPECT_EQ(values(take_rows(table, others)), values(take_rows(start, others)));
    for (const auto& [name, kept] : lazy.state())
      if (kept.rank() == 2) {
        EXPECT_EQ(values(take_rows(kept, others)), Numbers(14, 0)) << name;
      }
  }
}

TEST(LazyRows, are_the_only_ones_that_do_not_move) {
  expect_only_read_rows_to_move<Sgd>(SgdOptions{.learning_rate = 0.1, .weight_decay = 0.1});
  expect_only_read_rows_to_move<Sgd>(SgdOptions{.learning_rate = 0.1, .momentum = 0.9, .weight_decay = 0.1});
  expect_only_read_rows_to_move<Sgd>(SgdOptions{.learning_rate = 0.1, .momentum = 0.9, .dampening = 0.5});
  expect_only_read_rows_to_move<Sgd>(SgdOptions{.learning_rate = 0.1, .momentum = 0.9, .nesterov = true});
  expect_only_read_rows_to_move<Adam>(AdamOptions{.learning_rate = 0.1, .weight_decay = 0.1});
  expect_only_read_rows_to_move<Adam>(AdamOptions{.learning_rate = 0.1, .amsgrad = true});
  expect_only_read_rows_to_move<AdamW>(AdamWOptions{.learning_rate = 0.1, .weight_decay = 0.5});
}

TEST(LazyRows, are_whole_parameters_without_axes_and_none_of_empty_ones) {
  const Parameter scalar(tensor(2.0), "scalar"), empty(zeros({3, 0}, DType::float64), "empty"),
      none(tensor({5.0, 6.0}), "none");
  Adam optimizer({scalar, empty, none}, {.learning_rate = 0.5, .weight_decay = 1, .lazy_rows = true});
  (square(scalar) + sum(empty)).backward();
  optimizer.step();
  EXPECT_NEAR(scalar.leaf().item(), 1.5, 1e-7);
  EXPECT_EQ(values(none), (Numbers{5, 6}));
}

}  // namespace
}  // namespace chainrule::test
