// Images read between their pixels: planes of few channels, and rows of many, are read alike.
// support.h reads and compares tensors.

#include <limits>

#include "chainrule/autograd.h"
#include "chainrule/shaping.h"
#include "chainrule/testing.h"
#include "chainrule/vision.h"
#include "support.h"
#include "thread_counts.h"

namespace chainrule::test {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

/// As of these two channels alone, computed with so many copies of them.
Tensor sampled(const Tensor& x, const Tensor& grid, const GridSampleOptions& options, std::int64_t copies) {
  const Tensor all = concatenate(std::vector<Tensor>(static_cast<std::size_t>(copies), x), 1);
  return split(grid_sample(all, grid, options), 2, 1)[0];
}

class GridSample : public ::testing::TestWithParam<std::tuple<Interpolation, GridPadding, bool>> {};

TEST_P(GridSample, reads_planes_of_few_channels_as_rows_of_many) {
  PRINT_SEED_ON_FAILURE();
  Engine engine(seed());
  const auto& [mode, padding, align_corners] = GetParam();
  const GridSampleOptions options = {.mode = mode, .padding = padding, .align_corners = align_corners};
  const std::vector<std::pair<Shape, Shape>> shapes = {{{2, 2, 7}, {2, 150, 1}},
                                                       {{2, 2, 5, 4}, {2, 9, 8, 2}},
                                                       {{1, 2, 1, 6}, {1, 64, 2, 2}},
                                                       {{1, 2, 3, 4, 2}, {1, 3, 5, 5, 3}}};
  for (const auto& [of_x, of_grid] : shapes)
    for (const DType dtype : {DType::float64, DType::float32}) {
      Tensor points = random_tensor(of_grid, engine, -3.2, 3.2);
      std::vector<double> coordinates = values(points);
      if (mode != Interpolation::cubic) {  // whose weights at infinity are NaN
        coordinates[1] = infinity;
        coordinates[2] = -infinity;
      }
      coordinates[4] = NAN;
      coordinates[coordinates.size() - 1] = 1e30;
      points = tensor(coordinates, of_grid);
      const Tensor x = variable(cast(random_tensor(of_x, engine), dtype)),
                   grid = variable(cast(points, dtype));
      const Tensor few = sampled(x, grid, options, 1), many = sampled(x, grid, options, 5);
      const double tolerance = dtype == DType::float64 ? 1e-12 : 2e-4;
      EXPECT_TRUE(close(few, many, tolerance));
      const Tensor g = cast(random_tensor(few.shape(), engine), dtype);
      const Gradients of_few = gradients(few, {x, grid}, {.seed = g}),
                      of_many = gradients(many, {x, grid}, {.seed = g}),
                      recorded = gradients(few, {x, grid}, {.seed = g, .create_graph = true});
      for (const Tensor& input : {x, grid}) {
        EXPECT_TRUE(close(of_few[input], of_many[input], 10 * tolerance));
        EXPECT_TRUE(close(recorded[input], of_many[input], 10 * tolerance));
      }
    }
}

INSTANTIATE_TEST_SUITE_P(
    All, GridSample,
    ::testing::Combine(::testing::Values(Interpolation::nearest, Interpolation::linear, Interpolation::cubic),
                       ::testing::Values(GridPadding::zeros, GridPadding::border, GridPadding::reflection),
                       ::testing::Bool()));

TEST(GridSample, has_the_same_bits_for_any_number_of_threads) {
  PRINT_SEED_ON_FAILURE();
  Engine engine(seed());
  const Tensor x = variable(random_tensor({3, 3, 40, 50}, engine)),
               grid = variable(random_tensor({3, 90, 101, 2}, engine)),
               g = random_tensor({3, 3, 90, 101}, engine);
  expect_same_for_all_thread_counts([&] {
    const Tensor y = grid_sample(x, grid);
    const Gradients found = gradients(y, {x, grid}, {.seed = g});
    std::vector<double> all = values(y);
    for (const Tensor& input : {x, grid}) {
      const std::vector<double> more = values(found[input]);
      all.insert(all.end(), more.begin(), more.end());
    }
    return all;
  });
}

TEST(GridSample, does_not_see_pixels_that_it_does_not_read) {
  const Tensor x = variable(tensor({infinity, 1, 2, NAN}, {1, 1, 1, 4})),
               grid = variable(tensor({0.0, 0.0, 9.0, 0.0, NAN, 0.0}, {1, 1, 3, 2}));
  const Tensor y = grid_sample(x, grid);
  EXPECT_EQ(values(y), (std::vector<double>{1.5, 0, 0}));
  const Gradients g = gradients(sum(y), {x, grid});
  EXPECT_EQ(values(g[x]), (std::vector<double>{0, 0.5, 0.5, 0}));
  EXPECT_EQ(values(g[grid]), (std::vector<double>{2, -0.75, 0, 0, 0, 0}));
}

}  // namespace
}  // namespace chainrule::test
