// Exponential moving averages of parameters: their formula, their states, and changing places.
// support.h compares the numbers.

#include "chainrule/optim/moving_average.h"
#include "chainrule/optim/sgd.h"
#include "support.h"

namespace chainrule::test {
namespace {

using Numbers = std::vector<double>;

TEST(MovingAverage, follows_the_parameters_by_its_formula) {
  for (const DType dtype : {DType::float32, DType::float64}) {
    const Parameter p(cast(tensor({1.0, -2.0, 4.0}), dtype), "p");
    MovingAverage average({p, p}, 0.75);
    Numbers expected = {1, -2, 4};
    for (int step = 0; step < 20; ++step) {
      p.assign(p + cast(tensor({1.0, 0.5, -0.25}), dtype));
      average.update();
      const Numbers now = values(p);
      for (std::size_t i = 0; i < 3; ++i) expected[i] = 0.75 * expected[i] + 0.25 * now[i];
      EXPECT_TRUE(close(average.averages()[0], expected, dtype == DType::float32 ? 1e-6 : 1e-14));
    }
    EXPECT_EQ(average.averages().size(), 1U);
    EXPECT_EQ(average.updates(), 20);
  }
}

TEST(MovingAverage, leaves_handles_and_parameters_as_they_were) {
  const Parameter p(tensor({1.0, 2.0}), "p");
  MovingAverage average({p}, 0.5);
  const Tensor before = average.averages()[0];
  p.assign(tensor({3.0, 6.0}));
  average.update();
  EXPECT_EQ(values(before), (Numbers{1, 2}));
  EXPECT_EQ(values(average.averages()[0]), (Numbers{2, 4}));
  EXPECT_EQ(values(p), (Numbers{3, 6}));
  const void* memory = average.averages()[0].data<double>().data();
  average.update();
  EXPECT_EQ(average.averages()[0].data<double>().data(), memory) << "an average of one's own stays in place";
}

TEST(MovingAverage, changes_places_with_the_parameters_and_back) {
  const Parameter p(tensor({1.0}), "p");
  MovingAverage average({p}, 0.5);
  p.assign(tensor({3.0}));
  average.update();
  average.swap();
  EXPECT_EQ(values(p), (Numbers{2}));
  EXPECT_EQ(values(average.averages()[0]), (Numbers{3}));
  average.swap();
  EXPECT_EQ(values(p), (Numbers{3}));
  EXPECT_EQ(values(average.averages()[0]), (Numbers{2}));
  average.assign();
  EXPECT_EQ(values(p), (Numbers{2}));
  EXPECT_EQ(p.leaf().name(), "p");
  Sgd optimizer({p}, {.learning_rate = 1});
  sum(p).backward();
  optimizer.step();
  EXPECT_EQ(values(p), (Numbers{1}));
  EXPECT_EQ(values(average.averages()[0]), (Numbers{2}));
}

TEST(MovingAverage, takes_scalars_and_empty_parameters) {
  const Parameter scalar(tensor(1.0), "scalar"), empty(zeros({0, 2}, DType::float32), "empty");
  MovingAverage average({scalar, empty}, 0.5);
  scalar.assign(tensor(3.0));
  average.update();
  EXPECT_EQ(average.averages()[0].item(), 2);
  EXPECT_EQ(average.averages()[1].size(), 0);
}

TEST(MovingAverage, continues_to_the_bit_from_a_saved_state) {
  const Parameter p(tensor({1.0, 2.0}), "p");
  MovingAverage average({p}, 0.9), other({p}, 0.9);
  p.assign(tensor({3.0, 7.0}));
  for (int i = 0; i < 3; ++i) average.update();
  other.load_state(average.state());
  average.update();
  other.update();
  EXPECT_EQ(values(other.averages()[0]), values(average.averages()[0]));
  EXPECT_EQ(other.updates(), 4);
  NamedTensors state = average.state();
  state[0].second = zeros({3}, DType::float64);
  EXPECT_TRUE(mentions(message_of<ShapeError>([&] { other.load_state(state); }),
                       {"MovingAverage::load_state", "'p.average'", "(3,)", "(2,)"}));
  state[0].first = "q.average";
  EXPECT_TRUE(
      mentions(message_of<std::invalid_argument>([&] { other.load_state(state); }), {"no 'p.average'"}));
}

TEST(MovingAverage, refuses_what_makes_no_sense) {
  const Parameter p(tensor({1.0}), "p");
  EXPECT_TRUE(mentions(message_of<std::invalid_argument>([&] { MovingAverage({p}, 1.5); }),
                       {"MovingAverage: decay is 1.5", "<= 1"}));
  EXPECT_TRUE(mentions(message_of<std::invalid_argument>([] { MovingAverage({}); }), {"no parameters"}));
}

}  // namespace
}  // namespace chainrule::test
