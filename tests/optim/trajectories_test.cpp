// Optimisers step by step as PyTorch computes them, or as NumPy does by the formulas of the papers: see
// tests/reference/optim/make.py.

#include <cmath>
#include <map>

#include "optim/optimizers.h"
#include "optim/reference_data.h"
#include "support.h"

namespace chainrule::test {
namespace {

void read(const json& from, SgdOptions& o) {
  Reader{from}("learning_rate", o.learning_rate)("momentum", o.momentum)("weight_decay", o.weight_decay)(
      "dampening", o.dampening)("nesterov", o.nesterov);
}
template <class Options>
Reader& read_adam(Reader&& from, Options& o) {
  return from("learning_rate", o.learning_rate)("beta1", o.beta1)("beta2", o.beta2)("epsilon", o.epsilon)(
      "weight_decay", o.weight_decay);
}
void read(const json& from, AdamOptions& o) { read_adam(Reader{from}, o)("amsgrad", o.amsgrad); }
void read(const json& from, AdamWOptions& o) { read_adam(Reader{from}, o)("amsgrad", o.amsgrad); }
void read(const json& from, NAdamOptions& o) {
  read_adam(Reader{from}, o)("momentum_decay", o.momentum_decay);
}
void read(const json& from, RmsPropOptions& o) {
  Reader{from}("learning_rate", o.learning_rate)("alpha", o.alpha)("epsilon", o.epsilon)(
      "weight_decay", o.weight_decay)("momentum", o.momentum)("centered", o.centered);
}
void read(const json& from, AdagradOptions& o) {
  Reader{from}("learning_rate", o.learning_rate)("learning_rate_decay", o.learning_rate_decay)(
      "weight_decay", o.weight_decay)("initial_sum", o.initial_sum)("epsilon", o.epsilon);
}
void read(const json& from, AdadeltaOptions& o) {
  Reader{from}("learning_rate", o.learning_rate)("rho", o.rho)("epsilon", o.epsilon)("weight_decay",
                                                                                     o.weight_decay);
}
void read(const json& from, LionOptions& o) {
  Reader{from}("learning_rate", o.learning_rate)("beta1", o.beta1)("beta2", o.beta2)("weight_decay",
                                                                                     o.weight_decay);
}

Tensor matrix(const json& rows, DType dtype) { return cast(tensor(flat(rows), {3, 2}), dtype); }
Tensor vector(const json& numbers, DType dtype) { return cast(tensor(flat(numbers)), dtype); }

/// make.py's problem, whose minimum moves with the step. The empty parameter goes along.
struct Problem {
  Problem(const json& data, DType dtype)
      : p(matrix(data["p"], dtype), "p"),
        q(vector(data["q"], dtype), "q"),
        s(full({}, data["s"], dtype), "s"),
        empty(zeros({0, 3}, dtype), "empty"),
        a(matrix(data["a"], dtype)),
        b(vector(data["b"], dtype)),
        d(vector(data["d"], dtype)) {}
  Tensor loss(int step) const {
    return sum(sin(p) * a) * std::cos(0.1 * step) + 0.5 * sum(square(q - b) * d) + s * mean(p) +
           0.3 * square(s) + sum(empty);
  }
  Parameter p, q, s, empty;
  Tensor a, b, d;
};

template <class Kind, class Options>
void follow(const json& data, const json& one, DType dtype, double tolerance) {
  SCOPED_TRACE(one["optimizer"].get<std::string>() + " with " + one["options"].dump());
  const Problem problem(data, dtype);
  Options options;
  read(one["options"], options);
  std::vector<Parameter> first = {problem.p, problem.empty}, others = {problem.q, problem.s};
  const bool grouped = one.contains("second_group");
  if (!grouped) first.insert(first.end(), others.begin(), others.end());
  Kind optimizer(first, options);
  if (grouped) {
    read(one["second_group"], options);
    optimizer.add_group(others, options);
  }
  int compared = 0;
  for (int step = 1; step <= 100; ++step) {
    problem.loss(step).backward();
    optimizer.step();
    const std::string key = std::to_string(step);
    if (!one["steps"].contains(key)) continue;
    const json& expected = one["steps"][key];
    EXPECT_TRUE(close(reshape(problem.p, {-1}), expected["p"].get<Numbers>(), tolerance)) << "step " << step;
    EXPECT_TRUE(close(problem.q, expected["q"].get<Numbers>(), tolerance)) << "step " << step;
    EXPECT_NEAR(problem.s.leaf().item(), expected["s"].get<double>(), tolerance) << "step " << step;
    ++compared;
  }
  EXPECT_EQ(compared, 6);
}

using Follow = void (*)(const json&, const json&, DType, double);
const std::map<std::string, Follow>& kinds() {
  static const std::map<std::string, Follow> kinds = {{"Sgd", follow<Sgd, SgdOptions>},
                                                      {"Adam", follow<Adam, AdamOptions>},
                                                      {"AdamW", follow<AdamW, AdamWOptions>},
                                                      {"NAdam", follow<NAdam, NAdamOptions>},
                                                      {"RmsProp", follow<RmsProp, RmsPropOptions>},
                                                      {"Adagrad", follow<Adagrad, AdagradOptions>},
                                                      {"Adadelta", follow<Adadelta, AdadeltaOptions>},
                                                      {"Lion", follow<Lion, LionOptions>}};
  return kinds;
}

std::vector<std::string> names_of_kinds() {
  std::vector<std::string> names;
  for (const auto& [name, follow] : kinds()) names.push_back(name);
  return names;
}

class Trajectory : public ::testing::TestWithParam<std::string> {};

TEST_P(Trajectory, agrees_with_the_reference_over_a_hundred_steps) {
  const json data = reference("optimizers");
  int cases = 0;
  for (const json& one : data["cases"]) {
    if (one["optimizer"] != GetParam()) continue;
    kinds().at(GetParam())(data, one, DType::float64, 1e-10);
    ++cases;
  }
  EXPECT_GE(cases, 2);
}

INSTANTIATE_TEST_SUITE_P(Of, Trajectory, ::testing::ValuesIn(names_of_kinds()));

TEST(Trajectories, in_float32_are_those_of_float64_to_its_precision) {
  const json data = reference("optimizers");
  for (const json& one : data["cases"]) {
    // Where its mean is near 0, the last bit decides between two steps.
    if (one["optimizer"] == "Lion") continue;
    kinds().at(one["optimizer"])(data, one, DType::float32, 2e-4);
  }
}

}  // namespace
}  // namespace chainrule::test
