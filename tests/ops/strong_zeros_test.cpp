// Nothing comes of nothing: where a gradient or tangent is 0, it stays 0 through every derivative, whatever
// the inputs are. For each row of the table; op_cases.h draws the inputs.

#include <limits>
#include <set>

#include "chainrule/chainrule.h"
#include "op_cases.h"

namespace chainrule::test {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity(), nan = NAN;

/// Products of matrices, and what is made of some.
const std::set<std::string> matrices = {"matmul",
                                        "linear",
                                        "dot",
                                        "vdot",
                                        "inner",
                                        "multi_dot",
                                        "matrix_norm",
                                        "cholesky_solve",
                                        "lu",
                                        "multivariate_normal",
                                        "matrix_power",
                                        "tensordot",
                                        "einsum",
                                        "solve",
                                        "solve_triangular",
                                        "inverse",
                                        "lstsq",
                                        "pinv",
                                        "cholesky",
                                        "qr",
                                        "eigh",
                                        "eigvalsh",
                                        "svd",
                                        "svdvals",
                                        "det",
                                        "slogdet",
                                        "logdet",
                                        "matrix_exp",
                                        "cond",
                                        "cov",
                                        "corrcoef",
                                        "convolve",
                                        "correlate",
                                        "bilinear",
                                        "conv1d",
                                        "conv2d",
                                        "conv3d",
                                        "conv_transpose1d",
                                        "conv_transpose2d",
                                        "conv_transpose3d",
                                        "convolution",
                                        "transposed_convolution",
                                        "convolution_weight",
                                        "weighted_rows",
                                        "add_to_rows",
                                        "dot_rows",
                                        "grid_sample",
                                        "sample_planes",
                                        "scaled_dot_product_attention",
                                        "multi_head_attention",
                                        "attention",
                                        "rnn_cell",
                                        "lstm_cell",
                                        "gru_cell",
                                        "rnn",
                                        "lstm",
                                        "lstm_steps",
                                        "gru"};

class StrongZeros : public ::testing::TestWithParam<Case> {
 protected:
  /// Some elements where operations have their poles and ends.
  static Tensor spoiled(const Tensor& x, Engine& engine) {
    constexpr double ends[] = {0, -0.0,  1,      -1,     infinity, -infinity, nan, 0.5, -0.5,
                               2, 1e308, -1e308, 5e-324, 1e-300,   3,         -3,  88,  710};
    std::vector<double> elements = values(x);
    for (double& each : elements)
      if (engine() % 3 != 0) each = ends[engine() % std::size(ends)];
    return tensor(elements, x.shape());
  }
};

std::vector<Case> without_matrices() {
  std::vector<Case> some;
  for (const Case& one : differentiable_cases())
    if (!matrices.contains(one.row->operation)) some.push_back(one);
  return some;
}

void expect_zeros(const Tensor& x, const std::string& way) {
  for (const double each : values(x)) ASSERT_EQ(each, 0) << way << ": " << x;
}
void expect_zeros(const std::vector<Tensor>& all, const std::string& way) {
  for (const Tensor& each : all) expect_zeros(each, way);
}

TEST_P(StrongZeros, stay_zero_in_both_modes_and_up_to_the_third_order) {
  PRINT_SEED_ON_FAILURE();
  Engine engine(seed());
  const Case& one = GetParam();
  for (const Shapes& shapes : one.variant->shapes)
    for (const DType dtype : {DType::float64, DType::float32, DType::float64}) {
      Inputs inputs = one.draw(shapes, engine);
      std::vector<std::size_t> places;
      for (std::size_t i = 0; i < inputs.size(); ++i) {
        if (inputs[i].is_empty() || !is_differentiable(one, i) || inputs[i].size() > 500) continue;
        places.push_back(i);
        inputs[i] = spoiled(inputs[i], engine);
      }
      inputs = converted(inputs, dtype);
      std::vector<Tensor> x, ones, nothing;
      std::string trace;
      for (const std::size_t i : places) {
        x.push_back(inputs[i]);
        ones.push_back(ones_like(inputs[i]));
        nothing.push_back(zeros_like(inputs[i]));
        trace += ::testing::PrintToString(values(inputs[i])) + "\n";
      }
      if (places.empty()) continue;
      SCOPED_TRACE(trace);
      const auto f = [&](const std::vector<Tensor>& at) {
        Inputs all = inputs;
        for (std::size_t k = 0; k < places.size(); ++k) all[places[k]] = at[k];
        return one.variant->call(Arguments(all));
      };
      try {
        (void)f(x);
      } catch (const std::invalid_argument&) {
        continue;  // some operations refuse what is out of their range
      }
      const auto masked = [&](const std::vector<Tensor>& at) {
        const Tensor y = f(at);
        return sum(where(zeros_like(y) > 1, y, 0));
      };
      const auto total_gradient = [](const auto& of) {
        return [of](const std::vector<Tensor>& at) {
          Tensor total = 0.0;
          for (const Tensor& each : grad(of)(at)) total = total + sum(each);
          return total;
        };
      };
      const auto run = vjp(f, x);
      expect_zeros(run.pull_back(zeros_like(run.value)), "vjp");
      expect_zeros(jvp(f, x, nothing).tangent, "jvp");
      expect_zeros(grad(masked)(x), "grad");
      expect_zeros(hvp(masked, x, ones), "hvp");
      expect_zeros(grad(total_gradient(masked))(x), "grad of grad");
      expect_zeros(grad(total_gradient(total_gradient(masked)))(x), "grad of grad of grad");
      const auto pushed = [&](const std::vector<Tensor>& at) { return jvp(masked, at, ones).tangent; };
      expect_zeros(grad(pushed)(x), "grad of jvp");
      expect_zeros(jvp(pushed, x, ones).tangent, "jvp of jvp");
      expect_zeros(grad([&](const std::vector<Tensor>& at) {
                     const auto inner = vjp(f, at);
                     Tensor total = 0.0;
                     for (const Tensor& each : inner.pull_back(zeros_like(inner.value)))
                       total = total + sum(each);
                     return total;
                   })(x),
                   "grad of vjp");
      expect_zeros(grad([&](const std::vector<Tensor>& at) { return sum(jvp(f, at, nothing).tangent); })(x),
                   "grad of jvp along nothing");
    }
}

INSTANTIATE_TEST_SUITE_P(Table, StrongZeros, ::testing::ValuesIn(without_matrices()), case_name);

/// One sample of a batch that is NaN, and is masked out of the loss: the others have the gradients that they
/// have without it, and so have the weights.
TEST(StrongZeros, leave_other_samples_and_weights_alone) {
  const std::vector<double> rows = {1, 2, 4, nan, 3, infinity, -1, 0, 5};
  const Tensor mask = tensor({true, false, true}), x = tensor(rows, {3, 3}),
               others = tensor({1.0, 2.0, 4.0, -1.0, 0.0, 5.0}, {2, 3}), seed = tensor({1.0, -2.0, 0.5});
  const auto check = [&](const char* name, const auto& of_rows) {
    SCOPED_TRACE(name);
    const Tensor w = tensor({0.5, 2.0, -1.0});
    const auto masked = [&](const Tensor& at, const Tensor& weight) {
      return sum(where(reshape(mask, {3, 1}), of_rows(at, weight) * seed, 0));
    };
    const auto kept = [&](const Tensor& at, const Tensor& weight) { return sum(of_rows(at, weight) * seed); };
    const auto [dx, dw] = grad(masked, argnums<0, 1>)(x, w);
    const auto [ox, ow] = grad(kept, argnums<0, 1>)(others, w);
    EXPECT_TRUE(close(concatenate({dx[0], dx[2]}), reshape(ox, {6}), 1e-14));
    EXPECT_TRUE(equals(dx[1], {3}, {0, 0, 0}));
    EXPECT_TRUE(close(dw, ow, 1e-14));
    EXPECT_TRUE(std::isnan(sum(grad(kept)(x, w)[1]).item())) << "NaN shows where something flows";
  };
  check("softmax", [](const Tensor& at, const Tensor& w) { return softmax(at) * w; });
  check("log_softmax", [](const Tensor& at, const Tensor& w) { return log_softmax(at) * w; });
  check("logsumexp", [](const Tensor& at, const Tensor& w) { return logsumexp(at, 1, true) * w; });
  check("layer_norm", [](const Tensor& at, const Tensor& w) { return layer_norm(at, {3}, {.weight = w}); });
  check("rms_norm", [](const Tensor& at, const Tensor& w) { return rms_norm(at, {3}, w); });
  check("prod", [](const Tensor& at, const Tensor& w) { return prod(at, 1, true) * w; });
  check("cumprod", [](const Tensor& at, const Tensor& w) { return cumprod(at, 1) * w; });
}

TEST(StrongZeros, mask_samples_of_a_loss) {
  const Tensor x = variable({{1.0, 2.0}, {nan, 3.0}, {infinity, infinity}, {0.0, 0.0}}),
               classes = tensor({std::int64_t{0}, std::int64_t{1}, std::int64_t{1}, std::int64_t{1}}),
               losses = cross_entropy(x, classes, Reduction::none),
               loss = sum(where(tensor({true, false, false, true}), losses, 0));
  const double p = 1 / (1 + std::exp(-1.0));
  EXPECT_TRUE(close(gradients(loss, {x})[x], tensor({{-p, p}, {0.0, 0.0}, {0.0, 0.0}, {0.5, -0.5}}), 1e-15));
}

}  // namespace
}  // namespace chainrule::test
