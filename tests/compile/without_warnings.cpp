// A user's program with all warnings as errors, and names of its own that the library has, too.
// refused_test.cpp compiles it.

#include <chainrule/autograd.h>
#include <chainrule/chainrule.h>
#include <chainrule/data.h>
#include <chainrule/distributed.h>
#include <chainrule/draw.h>
#include <chainrule/gradcheck.h>
#include <chainrule/graph.h>
#include <chainrule/io.h>
#include <chainrule/map.h>
#include <chainrule/memory.h>
#include <chainrule/nn.h>
#include <chainrule/onnx.h>
#include <chainrule/ops.h>
#include <chainrule/optim.h>
#include <chainrule/random.h>
#include <chainrule/report.h>
#include <chainrule/simd.h>
#include <chainrule/tensor.h>
#include <chainrule/walk.h>
#include <array>
using namespace chainrule;
void log(const std::string&) {}  // of users, named as one of ours
Tensor use(std::vector<float> v) {
  const double c[2][2] = {{1, 2}, {3, 4}};
  const Tensor x = variable({1, 2}), y = tensor(c), z = tensor(std::vector<std::vector<int>>{{1}}),
               w = tensor(std::array{true, false});
  const Tensor a = tensor(std::move(v)), b = from_blob(&c[0][0], {4}), d = 1u, e = std::uint8_t{2}, f = 2ull,
               g = 1.5L, h = 2.5f;
  Tensor r = map([](auto p, auto q) { return tanh(p) * q + where(p > 0, exp(q), 1); }, x, y) +
             sum(x, 0) * max(y, {0, 1}) + mean(x, -1, true);
  r += stack({a, 1.0}) + x[0] + y[{Slice{0, 1}, -1}] + x * 2 + x / 3u;
  for (const std::int64_t s : r.shape()) r = r + s;
  return slice_update(r, {0}, z) + w + d + e + f + g + h + b + cross_entropy(r, {1, 2}) +
         static_cast<double>(r.rank()) + r.item<float>();
}
int main() {
  log("done");
  return 0;
}
