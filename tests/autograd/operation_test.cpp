// Operations of the user's own, and the check that applies to them what the library's are tested with, right
// ones and wrong ones.

#include "chainrule/operation.h"

#include <cmath>
#include <sstream>

#include "chainrule/autograd.h"
#include "chainrule/derivatives.h"
#include "chainrule/graph.h"
#include "chainrule/linalg.h"
#include "chainrule/shaping.h"
#include "chainrule/testing.h"
#include "chainrule/vmap.h"
#include "support.h"

namespace chainrule::test {
namespace {

struct Softcap {
  static constexpr std::string_view name = "softcap", formula = "∂softcap(x)/∂x = 1 - (softcap(x) / cap)²";
  double cap;
  template <class T>
  void forward(std::span<const Tensor> in, std::span<T> out) const {
    const std::span<const T> x = in[0].data<T>();
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<T>(cap * std::tanh(x[i] / cap));
  }
  void vjp(std::span<const Tensor>, const Tensor& y, const Tensor& g, InputGradients& to) const {
    if (to.wants(0)) to[0] = g * (1 - square(y / cap));
  }
};

/// (n, d) and (d,) to (n,), with every rule that there may be; `error` in one of them.
struct Project {
  static constexpr std::string_view name = "project", formula = "to x g wᵀ, to w xᵀ g";
  double vjp_error = 0, jvp_error = 0, batch_error = 0;
  static Shape shape(std::span<const Tensor> in) {
    if (in.size() != 2 || in[0].rank() != 2 || in[1].shape() != Shape({in[0].shape()[1]}))
      throw ShapeError("project: takes (n, d) and (d,)");
    return {in[0].shape()[0]};
  }
  template <class T>
  void forward(std::span<const Tensor> in, std::span<T> out) const {
    const std::span<const T> x = in[0].data<T>(), w = in[1].data<T>();
    for (std::size_t i = 0; i < out.size(); ++i) {
      out[i] = 0;
      for (std::size_t k = 0; k < w.size(); ++k) out[i] += x[i * w.size() + k] * w[k];
    }
  }
  void vjp(std::span<const Tensor> in, const Tensor&, const Tensor& g, InputGradients& to) const {
    if (to.wants(0)) to[0] = outer(g, in[1]) * (1 + vjp_error);
    if (to.wants(1)) to[1] = matmul(g, in[0]);
  }
  Tensor jvp(std::span<const Tensor> in, const Tensor&, std::span<const Tensor> t) const {
    return matmul(t[0], in[1]) * (1 + jvp_error) + matmul(in[0], t[1]);
  }
  Tensor batch(const BatchedInputs& samples) const {
    const Tensor& w = samples.in[1];
    const Tensor column = samples.differ[1] ? unsqueeze(w, 2) : unsqueeze(w, 1);
    return squeeze(matmul(samples.in[0], column), {2}) * (1 + batch_error);
  }
};

template <class Op>
auto function_of(Op op) {
  return [op](const std::vector<Tensor>& in) {
    return in.size() == 1 ? apply_operation(op, {in[0]}) : apply_operation(op, {in[0], in[1]});
  };
}

const std::vector<Tensor>& project_inputs() {
  static const std::vector<Tensor> inputs = {tensor({{1.0, -2.0, 0.5}, {0.25, 3.0, -1.0}}),
                                             tensor({0.5, 1.5, -0.75})};
  return inputs;
}

TEST(OwnOperation, has_all_that_the_librarys_have) {
  EXPECT_TRUE(IsRightOperation(function_of(Softcap{2}), {tensor({0.5, -3.0, 1.0})}));
  EXPECT_TRUE(IsRightOperation(function_of(Project{}), project_inputs()));
  const Tensor x = variable(tensor({0.5, -3.0})).named("x"), y = apply_operation(Softcap{2}, {x});
  EXPECT_THAT(y, IsClose({2 * std::tanh(0.25), 2 * std::tanh(-1.5)}, 1e-15));
  EXPECT_EQ(Graph(y).nodes().back().operation, "softcap");
}

TEST(OwnOperation, has_derivatives_of_any_order_and_nested_transforms) {
  const auto f = [](const Tensor& x) { return apply_operation(Softcap{1}, {x}); };
  const double t = std::tanh(0.3), s = 1 - t * t;
  EXPECT_NEAR(grad(grad(f))(0.3).item(), -2 * t * s, 1e-14);
  EXPECT_NEAR(grad(grad(grad(f)))(0.3).item(), -2 * s * s + 4 * t * t * s, 1e-14);
  EXPECT_THAT(vmap(grad(f))(tensor({0.3, 0.0})), IsClose({s, 1.0}, 1e-14));
  EXPECT_NEAR(jvp(grad(f), Tensor(0.3), Tensor(1.0)).tangent.item(), -2 * t * s, 1e-14);
}

TEST(OwnOperation, computes_in_the_dtype_of_its_floats) {
  EXPECT_EQ(apply_operation(Softcap{2}, {tensor({0.5F})}).dtype(), DType::float32);
  EXPECT_EQ(apply_operation(Softcap{2}, {cast(tensor({0.5}), DType::float16)}).dtype(), DType::float16);
  EXPECT_EQ(apply_operation(Softcap{2}, {3}).dtype(), default_dtype());
  EXPECT_EQ(apply_operation(Softcap{2}, {tensor({1, 2})}).dtype(), default_dtype());
}

TEST(OwnOperation, check_finds_each_rule_that_is_wrong) {
  const auto problem = [](const Project& op) {
    return check_operation(function_of(op), project_inputs()).message;
  };
  EXPECT_TRUE(mentions(problem({.vjp_error = 1e-3}), {"floating input 0"}));
  EXPECT_TRUE(mentions(problem({.jvp_error = 1e-3}), {"forward mode gives"}));
  EXPECT_TRUE(mentions(problem({.batch_error = 1e-3}), {"under vmap of input 0"}));
}

/// Σ_j sin(x_ij) w_j (k_i + 1) with whole k, and a fault in one place.
enum class Fault {
  none,
  unwritten,
  changing,
  forward_single,
  only_both,
  other_alone,
  gradient_single,
  rule_cut,
  tangent_cut,
  tangent_of_one,
  tangent_single,
  batch_cut,
  batch_of_two,
  batch_of_tiny
};
struct Faulty {
  static constexpr std::string_view name = "faulty", formula = "to x g (k + 1) cos(x) wᵀ";
  Fault fault = Fault::none;
  bool is(Fault one) const { return fault == one; }
  static Shape shape(std::span<const Tensor> in) { return {in[0].shape()[0]}; }
  template <class T>
  void forward(std::span<const Tensor> in, std::span<T> out) const {
    static int calls = 0;
    const std::span<const T> x = in[0].data<T>(), w = in[1].data<T>();
    const std::span<const std::int64_t> places = in[2].data<std::int64_t>();
    for (std::size_t i = 0; i < out.size() - (is(Fault::unwritten) ? 1 : 0); ++i) {
      out[i] = 0;
      for (std::size_t j = 0; j < w.size(); ++j)
        out[i] += std::sin(x[i * w.size() + j]) * w[j] * static_cast<T>(places[i] + 1);
      if (is(Fault::changing)) out[i] += static_cast<T>(1e-9 * (calls++ % 7));
      if (is(Fault::forward_single) && sizeof(T) == 4) out[i] *= static_cast<T>(1.001);
    }
  }
  void vjp(std::span<const Tensor> in, const Tensor&, const Tensor& g, InputGradients& to) const {
    const Tensor x = is(Fault::rule_cut) ? in[0].detach() : in[0], scaled = g * (in[2] + 1);
    if (to.wants(0)) to[0] = unsqueeze(scaled, 1) * cos(x) * in[1];
    if (to.wants(1) && (to.wants(0) || !is(Fault::only_both)))
      to[1] = matmul(scaled, sin(x)) * (is(Fault::other_alone) && !to.wants(0) ? 2 : 1);
    if (is(Fault::gradient_single) && g.dtype() == DType::float32) to[1] = to[1] * 1.01;
  }
  Tensor jvp(std::span<const Tensor> in, const Tensor&, std::span<const Tensor> t) const {
    const Tensor x = is(Fault::tangent_cut) ? in[0].detach() : in[0];
    Tensor along = matmul(cos(x) * t[0], in[1]);
    if (!is(Fault::tangent_of_one)) along = along + matmul(sin(x), t[1]);
    if (is(Fault::tangent_single) && along.dtype() == DType::float32) along = along * 1.01;
    return along * (in[2] + 1);
  }
  Tensor batch(const BatchedInputs& samples) const {
    const auto with_samples = [&](std::size_t i) {
      return samples.differ[i] ? samples.in[i] : unsqueeze(samples.in[i], 0);
    };
    Tensor x = with_samples(0), w = with_samples(1);
    if (is(Fault::batch_cut)) x = x.detach();
    if (is(Fault::batch_of_two) && samples.differ[0] && samples.differ[1]) w = w[{Slice{0, 1}}];
    const Tensor y = squeeze(matmul(sin(x), unsqueeze(w, 2)), {2}) * (with_samples(2) + 1);
    return broadcast_to(y, {samples.size, y.shape()[1]}) * (is(Fault::batch_of_tiny) ? 1.001 : 1);
  }
};

TEST(OwnOperation, check_finds_faults_in_all_that_an_operation_has) {
  const auto problem = [](Fault fault, double size = 1) {
    return check_operation(
               [&](const std::vector<Tensor>& in) {
                 return apply_operation(Faulty{fault}, {in[0], in[1], in[2]});
               },
               {tensor({{1.0, -2.0, 0.5}, {0.25, 3.0, -1.0}}), size * tensor({0.5, 1.5, -0.75}),
                tensor({1, 2})})
        .message;
  };
  EXPECT_EQ(problem(Fault::none), "");
  EXPECT_EQ(problem(Fault::none, 1e-12), "");
  EXPECT_EQ(problem(Fault::none, 1e12), "");
  EXPECT_TRUE(mentions(problem(Fault::changing), {"another result for the same inputs"}));
  // The address sanitizer fills all memory with the same.
  EXPECT_TRUE(mentions(problem(Fault::unwritten),
                       {address_sanitized ? "gradcheck" : "another result for the same inputs"}));
  for (const Fault fault : {Fault::only_both, Fault::other_alone})
    EXPECT_TRUE(mentions(problem(fault), {"floating input 1", "wants no other"}));
  EXPECT_TRUE(mentions(problem(Fault::rule_cut), {"second derivative", "cut graph"}));
  EXPECT_TRUE(mentions(problem(Fault::tangent_of_one), {"forward mode gives"}));
  EXPECT_TRUE(mentions(problem(Fault::tangent_cut), {"the derivative of forward mode is not"}));
  EXPECT_TRUE(mentions(problem(Fault::batch_of_two), {"its value under vmap of all inputs"}));
  EXPECT_TRUE(mentions(problem(Fault::batch_of_tiny, 1e-12), {"its value under vmap of input 0"}));
  EXPECT_TRUE(mentions(problem(Fault::batch_cut), {"the gradient of its value under vmap"}));
  EXPECT_TRUE(mentions(problem(Fault::forward_single), {"in float32 it is far"}));
  EXPECT_TRUE(mentions(problem(Fault::gradient_single), {"its gradient in float32"}));
  EXPECT_TRUE(mentions(problem(Fault::tangent_single), {"forward mode in float32"}));
}

/// sin(rate x), or exp(x): what is hard to compare, and right.
struct Steep {
  static constexpr std::string_view name = "steep", formula = "g rate cos(rate x)";
  double rate;
  template <class T>
  void forward(std::span<const Tensor> in, std::span<T> out) const {
    const std::span<const T> x = in[0].data<T>();
    for (std::size_t i = 0; i < out.size(); ++i)
      out[i] = rate == 0 ? std::exp(x[i]) : std::sin(static_cast<T>(rate) * x[i]);
  }
  void vjp(std::span<const Tensor> in, const Tensor& y, const Tensor& g, InputGradients& to) const {
    if (to.wants(0)) to[0] = rate == 0 ? g * y : g * rate * cos(rate * in[0]);
  }
};

TEST(OwnOperation, check_raises_no_false_alarm) {
  EXPECT_TRUE(IsRightOperation(function_of(Steep{1000}), {tensor({30.5, 100.0, 0.1})}));
  EXPECT_TRUE(IsRightOperation(function_of(Steep{0}), {tensor({300.0, 200.0})})) << "infinite in float32";
  EXPECT_TRUE(IsRightOperation(function_of(Steep{0}), {tensor({-300.0, -200.0})}));
  EXPECT_TRUE(IsRightOperation(function_of(Softcap{2e200}), {tensor({1e200, -3e200})}));
  EXPECT_TRUE(IsRightOperation(function_of(Softcap{2}), {zeros({0})}));
  EXPECT_TRUE(IsRightOperation(function_of(Softcap{2}), {tensor({1, 2})}));
}

/// Its own transpose, with a wrong rule for batches.
struct Twice {
  static constexpr std::string_view name = "twice", formula = "2 g";
  double batch_error;
  template <class T>
  void forward(std::span<const Tensor> in, std::span<T> out) const {
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = 2 * in[0].data<T>()[i];
  }
  void vjp(std::span<const Tensor>, const Tensor&, const Tensor& g, InputGradients& to) const {
    to[0] = apply_operation(*this, {g});
  }
  Tensor batch(const BatchedInputs& samples) const { return samples.in[0] * (2 + batch_error); }
};

TEST(Gradcheck, compares_forward_mode_and_batches_on_request) {
  const auto result = [](const Project& op, const GradcheckOptions& options) {
    return gradcheck(function_of(op), project_inputs(), options);
  };
  EXPECT_TRUE(result({}, {.forward_mode = true, .batched = true}).passed);
  EXPECT_TRUE(result({.jvp_error = 1e-3, .batch_error = 1e-3}, {}).passed);
  const GradcheckResult forward = result({.jvp_error = 1e-3}, {.forward_mode = true});
  EXPECT_EQ(forward.cause, GradcheckCause::wrong_rule);
  EXPECT_TRUE(
      mentions(forward.message, {"argument 0[0]", "forward mode gives", "a wrong rule for tangents"}));
  EXPECT_FALSE(result({.jvp_error = 1e-3}, {.forward_mode = true}).passed);
  const auto twice = [](const std::vector<Tensor>& in) { return apply_operation(Twice{1e-3}, {in[0]}); };
  const std::vector<Tensor> x = {tensor({0.5, 2.0})};
  EXPECT_TRUE(gradcheck(twice, x, {.forward_mode = true}).passed);
  EXPECT_TRUE(mentions(gradcheck(twice, x, {.batched = true}).message,
                       {"argument 0[0]", "under vmap", "a wrong rule for batches"}));
}

struct Careless : Softcap {
  static constexpr std::string_view name = "careless";
  int wrong = 0;
  void vjp(std::span<const Tensor>, const Tensor& y, const Tensor& g, InputGradients& to) const {
    to[0] = wrong == 0 ? tensor(y.to_vector<double>()) * g : sum(g);
  }
  Tensor batch(const BatchedInputs& samples) const { return sum(samples.in[0]); }
};

TEST(OwnOperation, says_what_is_wrong_with_it) {
  const Tensor x = variable(tensor({0.5, 1.0}));
  const auto first = [&](int wrong) {
    return gradients(sum(apply_operation(Careless{{2}, wrong}, {x})), {x}, {.create_graph = wrong == 0});
  };
  EXPECT_TRUE(mentions(message_of<GradError>([&] { (void)first(0); }),
                       {"careless", "reads elements", "in operations"}));
  EXPECT_TRUE(mentions(message_of<ShapeError>([&] { (void)first(1); }),
                       {"careless: vjp gives ()", "input 0 of shape (2,)"}));
  EXPECT_TRUE(mentions(message_of<ShapeError>([&] {
                         (void)vmap([](const Tensor& each) {
                           return apply_operation(Careless{{2}}, {each});
                         })(tensor({0.5, 1.0}));
                       }),
                       {"careless: batch gives ()", "2 samples"}));
  EXPECT_TRUE(mentions(message_of<ShapeError>([] { (void)apply_operation(Softcap{2}, {}); }),
                       {"softcap: no inputs"}));
  EXPECT_TRUE(mentions(message_of<ShapeError>([&] {
                         (void)apply_operation(Project{}, {x, x});
                       }),
                       {"project: takes (n, d)", "operation_test.cpp"}));
  EXPECT_TRUE(
      mentions(message_of<GradError>([] { (void)apply_operation(Softcap{2}, {Tensor()}); }), {"softcap"}));
}

}  // namespace
}  // namespace chainrule::test
