// A program that includes everything, and has names of its own that might be in the way of the library's or
// the standard's.

#include <chainrule/chainrule.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <map>
#include <numeric>
#include <random>
#include <sstream>
#include <stack>
#include <string>
#include <vector>

// Everything that chainrule has, beside everything that programs usually have: no name may be ambiguous. Only
// the class templates std::map, std::stack, std::less and std::greater need their namespace then, as
// chainrule has functions of these names.
using namespace std;
using namespace chainrule;

struct Point {
  double x, y;
};
string draw(const Tensor& loss) {
  ostringstream out;
  write_svg(out, loss);
  return out.str();
}
double sigmoid(double x) { return 1 / (1 + exp(-x)); }
double square(double x) { return x * x; }
double norm(const Point& p) { return sqrt(square(p.x) + square(p.y)); }
int render(const string& scene) { return static_cast<int>(scene.size()); }

void train(const Mlp& network, const Dataset& data, Generator& generator, int epochs) {
  Sgd optimizer(network.parameters(), {.learning_rate = 0.1});
  for (int epoch = 0; epoch < epochs; ++epoch)
    for (const Dataset& batch : Batches(data, 16, generator)) {
      cross_entropy(network(batch.x), batch.y).backward();
      optimizer.step();
    }
}

bool standard_names_mean_what_they_did() {
  vector<int> v = {3, 1, 2};
  sort(v.begin(), v.end(), std::greater<int>());
  iota(v.begin(), v.end(), max(1, 2) - min(1, 2));
  std::map<string, std::stack<int>> stacks;
  stacks["a"].push(abs(-3));
  mt19937 engine(1);
  return v == vector{1, 2, 3} && equal(v.begin(), v.end(), v.begin()) && count(v.begin(), v.end(), 2) == 1 &&
         find(v.begin(), v.end(), 9) == v.end() && accumulate(v.begin(), v.end(), 0) == 6 &&
         clamp(7, 0, 5) == 5 && pow(2.0, 3) == 8 && fabs(-1.5) == 1.5 && norm(complex<double>(3, 4)) == 25 &&
         norm(Point{3, 4}) == 5 && to_string(12) == "12" && size(v) == 3 && stacks["a"].top() == 3 &&
         sigmoid(0.0) == 0.5 && tanh(0.0) + log(1.0) + sin(0.0) + cos(0.0) == 1 && rand() >= 0 &&
         engine() != 0 && render("scene") == 5 && floor(1.5) == 1 && exp(0) == 1;
}

bool chainrule_names_work() {
  Generator generator(1);
  const Tensor x = variable({0.5, -1.0}, "x");
  const Tensor y = sum(relu(x) + sigmoid(x) + clamp(x, 0.0, 1.0) + pow(x, 2) + abs(x) + maximum(x, 0.0) +
                       chainrule::map([](auto t) { return tanh(t); }, x));
  const Dataset moons = half_moons(64, 0.1, generator);
  const Mlp network({2, 8, 2}, generator, moons.x.dtype());
  train(network, moons, generator, 2);
  const Evaluation result = evaluate(network, moons);
  const GradcheckResult check = gradcheck([](const vector<Tensor>& in) { return exp(in[0]) * in[1]; },
                                          {tensor({1.0, 2.0}), tensor({3.0, 4.0})});
  const string steps = walk_text(Walk(square(variable(3.0, "t")))),
               curve = plot(vector{PlotCurve{"a", {1, 2}}}, "t");
  return y.size() == 1 && max(x).item() == 0.5 && norm(x).item() > 1 && result.predicted.size() == 64 &&
         check.passed && !steps.empty() && !curve.empty() && draw(y).find("<svg") != string::npos &&
         parse_number("1.5") == 1.5 && !operations().empty();
}

int main() {
  if (!standard_names_mean_what_they_did()) return 1;
  return chainrule_names_work() ? 0 : 2;
}
