// Delicate points of losses, of distances, and of softmax, which they are made of: far tails, targets of 0,
// ignored classes, equal rows.

#include "chainrule/losses.h"

#include <cmath>
#include <limits>

#include "chainrule/autograd.h"
#include "chainrule/statistics.h"
#include "chainrule/testing.h"
#include "chainrule/transforms.h"
#include "chainrule/vmap.h"
#include "support.h"

namespace chainrule::test {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

template <class F>
Tensor gradient_at(const Operand& at, const F& f) {
  const Tensor x = variable(at.as(DType::float64));
  return gradients(sum(f(x)), {x}).at(x);
}

TEST(Softmax, does_not_overflow) {
  EXPECT_TRUE(close(softmax(tensor({1000.0, 1000.0, -1000.0})), {0.5, 0.5, 0}));
}

TEST(Softmax, of_infinities_shares_among_them_as_the_gradient_of_logsumexp) {
  for (const DType dtype : {DType::float32, DType::float64}) {
    const Tensor x = variable(cast(tensor({{infinity, 1, infinity, -infinity}, {0, infinity, 2, 3}}), dtype)),
                 y = softmax(x), z = log_softmax(x);
    EXPECT_EQ(y.to_vector<double>(), (std::vector<double>{.5, 0, .5, 0, 0, 1, 0, 0}));
    EXPECT_TRUE(allclose(z, log(y)));
    EXPECT_TRUE(array_equal(gradients(sum(logsumexp(x, 1)), {x})[x], y));
    EXPECT_EQ(gradients(sum(y * arange(0, 8).reshape({2, 4})), {x})[x].to_vector<double>(),
              (std::vector<double>{-.5, 0, .5, 0, 0, 0, 0, 0}));
    EXPECT_EQ(cross_entropy(x, tensor({0, 1}), Reduction::none).to_vector<float>(),
              (std::vector<float>{std::log(2.F), 0}));
    EXPECT_EQ(cross_entropy(x[1], 0).item(), infinity);
  }
}

TEST(Softmax, of_a_scalar_is_one_outcome_with_certainty) {
  const Tensor x = variable(3.0);
  EXPECT_TRUE(equals(softmax(x), {}, {1}));
  EXPECT_TRUE(equals(log_softmax(x), {}, {0}));
  EXPECT_EQ(gradients(softmax(x), {x}).at(x).item(), 0);
}

TEST(Softmax, of_minus_infinities_is_zeros_with_gradient_zero) {
  const Tensor x = tensor({{-infinity, -infinity}, {0.0, 0.0}});
  EXPECT_TRUE(equals(softmax(x), {2, 2}, {0, 0, 0.5, 0.5}));
  EXPECT_TRUE(equals(gradient_at(x, [](const Tensor& t) { return softmax(t); }), {2, 2}, {0, 0, 0, 0}));
}

TEST(Softmax, gives_a_masked_class_no_probability_and_no_gradient) {
  const Tensor x = variable({-infinity, 0.0, 0.0});
  const Tensor y = softmax(x);
  EXPECT_TRUE(equals(y, {3}, {0, 0.5, 0.5}));
  const Gradients g = gradients(y, {x}, {.seed = tensor({1.0, 1.0, 0.0})});
  EXPECT_TRUE(equals(g.at(x), {3}, {0, 0.25, -0.25}));
}

TEST(LogSoftmax, keeps_its_precision_where_the_probability_underflows) {
  EXPECT_TRUE(close(log_softmax(tensor({0.0, -2000.0})), {0, -2000}));
}

TEST(LogSoftmax, has_a_gradient_without_division_by_small_probabilities) {
  const Tensor x = variable({0.0, -2000.0});
  const Gradients g = gradients(log_softmax(x), {x}, {.seed = tensor({0.0, 1.0})});
  EXPECT_TRUE(equals(g.at(x), {2}, {-1, 1}));
}

TEST(LogSoftmax, of_minus_infinities_is_minus_infinity_without_nan_in_the_gradient) {
  const Tensor x = tensor({-infinity, -infinity});
  EXPECT_TRUE(equals(log_softmax(x), {2}, {-infinity, -infinity}));
  for (const double number : values(gradient_at(x, [](const Tensor& t) { return log_softmax(t); })))
    EXPECT_FALSE(std::isnan(number));
}

TEST(CrossEntropy, is_finite_for_logits_that_overflow_the_exponential) {
  const Tensor logits = variable({{1000.0, 0.0, -1000.0}});
  const Tensor loss = cross_entropy(logits, tensor({2}));
  EXPECT_TRUE(close(loss, {2000}));
  EXPECT_TRUE(close(gradients(loss, {logits}).at(logits), {1, 0, -1}));
}

TEST(CrossEntropy, with_a_class_that_is_masked_but_not_the_target_has_no_nan) {
  const Tensor logits = variable({0.0, -infinity, 0.0});
  const Tensor of_class = cross_entropy(logits, tensor(std::int64_t{0}));
  EXPECT_TRUE(close(of_class, {std::log(2.0)}));
  EXPECT_TRUE(close(gradients(of_class, {logits}).at(logits), {-0.5, 0, 0.5}));
  const Tensor of_probabilities = cross_entropy(logits, tensor({1.0, 0.0, 0.0}));
  EXPECT_TRUE(close(of_probabilities, {std::log(2.0)}));
  EXPECT_TRUE(close(gradients(of_probabilities, {logits}).at(logits), {-0.5, 0, 0.5}));
}

TEST(CrossEntropy, of_minus_infinities_is_infinite_as_log_softmax_says) {
  const Tensor logits = variable({-infinity, -infinity});
  const Tensor of_class = cross_entropy(logits, tensor(std::int64_t{0})),
               of_probabilities = cross_entropy(logits, tensor({0.5, 0.5}));
  EXPECT_TRUE(equals(of_class, {}, {infinity}));
  EXPECT_TRUE(equals(of_probabilities, {}, {infinity}));
  EXPECT_TRUE(equals(cross_entropy(logits.detach(), tensor(std::int64_t{0})), {}, {infinity}));
  for (const bool create_graph : {false, true}) {
    EXPECT_TRUE(
        equals(gradients(of_class, {logits}, {.create_graph = create_graph}).at(logits), {2}, {-1, 0}));
    EXPECT_TRUE(equals(gradients(of_probabilities, {logits}, {.create_graph = create_graph}).at(logits), {2},
                       {-0.5, -0.5}));
  }
}

TEST(HingeLoss, of_nan_is_nan) {
  EXPECT_TRUE(std::isnan(hinge_loss(tensor({std::nan(""), 5.0}), tensor({1.0, 1.0})).item()));
}

TEST(MseLoss, takes_a_number_for_all_of_a_prediction) {
  const Tensor prediction = variable({1.0, 2.0, 3.0});
  const Tensor loss = mse_loss(prediction, 2);
  EXPECT_NEAR(loss.item(), 2.0 / 3, 1e-15);
  EXPECT_TRUE(close(gradients(loss, {prediction}).at(prediction), {-2.0 / 3, 0, 2.0 / 3}));
}

TEST(HingeLoss, has_gradient_zero_at_the_margin) {
  const Tensor score = variable({1.0, -1.0, 0.5, 2.0}), target = tensor({1.0, -1.0, 1.0, 1.0});
  const Tensor loss = hinge_loss(score, target, Reduction::sum);
  EXPECT_EQ(loss.item(), 0.5);
  EXPECT_TRUE(equals(gradients(loss, {score}).at(score), {4}, {0, 0, -1, 0}));
  const auto f = [&](const Tensor& x) { return hinge_loss(x, target, Reduction::none); };
  EXPECT_TRUE(equals(jvp(f, score.detach(), ones(4)).tangent, {4}, {0, 0, -1, 0}));
}

TEST(BinaryCrossEntropy, of_logits_has_all_digits_in_both_tails) {
  const auto loss = [](const Operand& x) {
    return binary_cross_entropy_with_logits(x, {1, 1, 0, 0}, 1, Reduction::none);
  };
  EXPECT_THAT(loss({50.0, -800.0, -50.0, 800.0}), IsClose({std::exp(-50), 800, std::exp(-50), 800}));
  EXPECT_THAT(gradient_at({50.0, -800.0, -50.0, 800.0}, loss),
              IsClose({-std::exp(-50), -1, std::exp(-50), 1}));
  EXPECT_THAT(loss({infinity, 0.0, -infinity, 0.0}), IsClose({0, std::log(2), 0, std::log(2)}));
  EXPECT_THROW((void)binary_cross_entropy_with_logits(zeros({2}), zeros({2}), zeros({3, 2})), ShapeError);
}

TEST(BinaryCrossEntropy, of_certain_predictions_is_finite) {
  EXPECT_THAT(binary_cross_entropy({0.0, 1.0, 1.0}, {0, 1, 0}, Reduction::none), IsClose({0, 0, 100}));
  EXPECT_THAT(gradient_at({0.0, 1.0},
                          [](auto& p) {
                            return binary_cross_entropy(p, {0, 1}, Reduction::sum);
                          }),
              IsClose({1, -1}));
}

TEST(Losses, are_0_where_the_target_is_and_the_input_infinite) {
  const auto divergence = [](const Operand& x) { return kl_div(x, {0, 1}, false, Reduction::none); };
  EXPECT_THAT(divergence({-infinity, 0.0}), IsClose({0, 0}));
  EXPECT_THAT(gradient_at({-infinity, 0.0}, divergence), IsClose({0, -1}));
  EXPECT_EQ(smooth_l1_loss(3.0, 1.0, 0).item(), 2);
  EXPECT_THROW((void)smooth_l1_loss(3.0, 1.0, -1), ShapeError);
  // Where the difference times beta, or beta itself, is out of the range of float32.
  const Tensor far = variable(full({2}, 1e30, DType::float32)),
               near = variable(full({2}, 3.0, DType::float32));
  EXPECT_EQ(smooth_l1_loss(far, zeros_like(far), 1e10).item(), far.detach()[0].item());
  EXPECT_EQ(smooth_l1_loss(near, ones_like(near), 1e-50).item(), 2);
  smooth_l1_loss(near, ones_like(near), 1e-50, Reduction::sum).backward();
  EXPECT_EQ(values(near.grad()), std::vector<double>({1, 1}));
  EXPECT_THROW((void)huber_loss(3.0, 1.0, 0), ShapeError);
  EXPECT_EQ(l1_loss(tensor({1.0F}), 2.5).dtype(), DType::float32);
  EXPECT_THAT(gradient_at({infinity, 2.0}, [](auto& x) { return huber_loss(x, 0.0, 1, Reduction::sum); }),
              IsClose({1, 1}));
}

/// In loops over packs, with what remains of them.
TEST(Losses, of_logits_have_their_digits_at_both_ends) {
  std::vector<double> xs, ts;
  for (double x = -80; x <= 80; x += 0.625)
    for (const double t : {0.0, 0.25, 1.0}) xs.push_back(x), ts.push_back(t);
  const Tensor x = variable(tensor(xs)), t = tensor(ts);
  for (const DType dtype : {DType::float32, DType::float64}) {
    const Tensor in = variable(cast(x.detach(), dtype));
    const Tensor losses = binary_cross_entropy_with_logits(in, cast(t, dtype), 2, Reduction::none);
    sum(losses).backward();
    const std::vector<double> value = values(losses), slope = values(in.grad());
    const double few = dtype == DType::float32 ? 1e-6 : 1e-14;
    for (std::size_t i = 0; i < xs.size(); ++i) {
      const double e = std::exp(-std::abs(xs[i])), rest = std::log1p(e),
                   below = xs[i] < 0 ? 1 / (1 + e) : e / (1 + e),
                   above = xs[i] < 0 ? e / (1 + e) : 1 / (1 + e),
                   loss = 2 * ts[i] * (std::max(-xs[i], 0.0) + rest) +
                          (1 - ts[i]) * (std::max(xs[i], 0.0) + rest);
      EXPECT_NEAR(value[i], loss, few * loss) << xs[i] << ", " << ts[i];
      const double up = (1 - ts[i]) * above, down = 2 * ts[i] * below;
      EXPECT_NEAR(slope[i], up - down, few * (up + down)) << xs[i] << ", " << ts[i];
    }
  }
  EXPECT_EQ(binary_cross_entropy_with_logits({infinity, -infinity, infinity}, {1, 0, 0}, 1, Reduction::none)
                .to_vector<double>(),
            std::vector<double>({0, 0, infinity}));
  EXPECT_THAT(gradient_at({infinity, -infinity, infinity},
                          [](auto& z) {
                            return binary_cross_entropy_with_logits(z, {1, 0, 0}, 1, Reduction::sum);
                          }),
              IsClose({0, 0, 1}));
}

TEST(Losses, of_huber_know_what_they_read) {
  const Tensor p = variable({1.0, 5.0, -4.0, infinity}), t = variable({1.5, 1.0, 1.0, 0.0});
  huber_loss(p, t, 2, Reduction::sum).backward();
  EXPECT_EQ(values(p.grad()), std::vector<double>({-0.5, 2, -2, 2}));
  EXPECT_EQ(values(t.grad()), std::vector<double>({0.5, -2, 2, -2}));
  const Tensor one = variable(0.5);
  smooth_l1_loss(p, one, 2, Reduction::sum).backward();
  EXPECT_EQ(one.grad().item(), -0.25 - 1 + 1 - 1);
}

TEST(CrossEntropy, with_options_is_the_plain_one_where_they_change_nothing) {
  const Tensor logits = tensor({{1, 2, 4}, {0, -1, 3}}), classes = tensor({2, 0});
  EXPECT_THAT(cross_entropy(logits, classes, {.weight = tensor({1, 1, 1})}),
              IsClose(cross_entropy(logits, classes)));
  const Tensor shares = tensor({{0.1, 0.2, 0.7}, {0.5, 0.5, 0}});
  EXPECT_THAT(cross_entropy(logits, shares, CrossEntropyOptions{}), IsClose(cross_entropy(logits, shares)));
  // smoothing is what it is for probabilities
  const Tensor onehot = tensor({{0, 0, 1}, {1, 0, 0}});
  const CrossEntropyOptions smooth = {
      .weight = tensor({1, 2, 3}), .label_smoothing = 0.1, .reduction = Reduction::sum};
  EXPECT_THAT(cross_entropy(logits, classes, smooth), IsClose(cross_entropy(logits, onehot * 1.0, smooth)));
}

TEST(CrossEntropy, finds_the_classes_in_the_axis_that_their_shape_leaves) {
  const Tensor logits = variable(reshape(sin(arange(0, 24)), {2, 3, 4})),
               classes = tensor({{0, 2, 1, 1}, {2, 0, 0, 1}});
  const Tensor turned = swapaxes(logits, 1, 2), plain = cross_entropy(logits, classes);
  EXPECT_THAT(plain, IsClose(cross_entropy(turned, classes)));
  EXPECT_THAT(plain, IsClose(cross_entropy(logits, classes, {.label_smoothing = 0})));
  EXPECT_THAT(cross_entropy(turned, classes, {.label_smoothing = 0.1}),
              IsClose(cross_entropy(logits, classes, {.label_smoothing = 0.1})));
  EXPECT_THAT(gradients(plain, {logits}).at(logits),
              IsClose(gradients(cross_entropy(turned, classes), {logits}).at(logits)));
  // Where both axes fit, each form has its own.
  const Tensor square = reshape(sin(arange(0, 18)), {2, 3, 3}), fitting = tensor({{0, 2, 1}, {2, 0, 0}});
  EXPECT_THAT(cross_entropy(square, fitting),
              IsClose(cross_entropy(reshape(square, {6, 3}), reshape(fitting, {6}))));
  EXPECT_THAT(cross_entropy(square, fitting, CrossEntropyOptions{}),
              IsClose(cross_entropy(swapaxes(square, 1, 2), fitting)));
}

TEST(CrossEntropy, of_no_samples_has_a_sum_and_no_mean) {
  const Tensor logits = variable(zeros({0, 3})), classes = zeros(0, DType::int64);
  const Tensor total = cross_entropy(logits, classes, Reduction::sum);
  EXPECT_EQ(total.item(), 0);
  EXPECT_EQ(gradients(total, {logits}).at(logits).shape(), Shape({0, 3}));
  EXPECT_EQ(cross_entropy(logits, classes, Reduction::none).shape(), Shape({0}));
  EXPECT_EQ(cross_entropy(logits, logits, Reduction::sum).item(), 0);
  EXPECT_THROW((void)cross_entropy(logits, classes), ShapeError);
  EXPECT_THROW((void)cross_entropy(zeros({3, 0}), zeros(3, DType::int64), Reduction::sum), ShapeError);
}

TEST(CrossEntropy, takes_no_notice_of_ignored_samples) {
  const Tensor logits = tensor({{1, 2}, {-infinity, infinity}});
  EXPECT_THAT(cross_entropy(logits, tensor({0, 9}), {.ignore_index = 9}),
              IsClose(cross_entropy({{1.0, 2.0}}, tensor({0}))));
  EXPECT_THAT(nll_loss(logits, tensor({0, 9}), {.ignore_index = 9, .reduction = Reduction::none}),
              IsClose({-1, 0}));
  EXPECT_TRUE(std::isnan(nll_loss(logits, tensor({9, 9}), {.ignore_index = 9}).item()));
  EXPECT_THROW((void)nll_loss(zeros({0, 3}), zeros(0, DType::int64)), ShapeError);
  EXPECT_THROW((void)cross_entropy(zeros({0, 3}), zeros(0, DType::int64), CrossEntropyOptions{}), ShapeError);
  EXPECT_EQ(nll_loss(zeros({0, 3}), zeros(0, DType::int64), {.reduction = Reduction::sum}).item(), 0);
  // classes of a picture are in the second axis
  const Tensor picture = reshape(arange(0, 12, DType::float64), {1, 3, 2, 2});
  EXPECT_EQ(
      to_string(
          cross_entropy(picture, zeros({1, 2, 2}, DType::int64), {.reduction = Reduction::none}).shape()),
      "(1, 2, 2)");
  EXPECT_THROW((void)cross_entropy(picture, zeros({1, 2}, DType::int64), CrossEntropyOptions{}), ShapeError);
}

TEST(GaussianNllLoss, refuses_what_is_no_variance) {
  EXPECT_THROW((void)gaussian_nll_loss({1, 2}, {1, 2}, {1.0, -0.5}), ShapeError);
  EXPECT_TRUE(std::isfinite(gaussian_nll_loss({1, 2}, {1, 2}, {1.0, 0.0}).item()));
}

TEST(CtcLoss, of_other_targets_in_each_sample_of_a_vmap_is_that_of_each) {
  const Tensor x = sin(arange(0, 2 * 5 * 2 * 4, DType::float64) * 0.7).reshape({2, 5, 2, 4});
  const Tensor targets = tensor({{{1, 2, 2}, {3, 1, 0}}, {{3, 3, 1}, {2, 0, 0}}});
  const auto loss = [](const Tensor& logits, const Tensor& target) {
    return ctc_loss(log_softmax(logits), target, {5, 4}, {3, 1});
  };
  const auto both = vmap(value_and_grad(loss))(x, targets);
  for (const int i : {0, 1}) {
    const auto one = value_and_grad(loss)(x[i], targets[i]);
    EXPECT_NEAR(both.value[i].item(), one.value.item(), 1e-14);
    EXPECT_THAT(both.gradient[i], IsClose(one.gradient, 1e-12, 1e-14));
  }
  EXPECT_EQ(loss(x[0], cast(targets[0], DType::int32)).item(), loss(x[0], targets[0]).item());
  EXPECT_TRUE(mentions(message_of<ShapeError>([&] { (void)vmap(loss)(x, targets + 1); }),
                       {"ctc_loss", "target 4 of sample 1"}));
}

TEST(CtcLoss, of_a_target_that_does_not_fit_is_infinite_or_0) {
  const auto loss = [](const Operand& x, bool zero) {
    return ctc_loss(log_softmax(x), tensor({1, 1}), {2}, {2}, {.zero_infinity = zero});
  };
  const Tensor x = zeros({2, 3});
  EXPECT_EQ(loss(x, false).item(), infinity);
  EXPECT_EQ(loss(x, true).item(), 0);
  EXPECT_THAT(gradient_at(x, [&](auto& v) { return loss(v, true); }), IsClose(zeros({2, 3})));
}

// By PyTorch.
TEST(CtcLoss, counts_an_empty_target_as_one_label) {
  const Tensor log_p = log_softmax(sin(arange(0, 24, DType::float64) * 0.7).reshape({3, 2, 4}));
  EXPECT_NEAR(ctc_loss(log_p, tensor({{1, 2}, {0, 0}}), {3, 3}, {2, 0}).item(), 1.9628753661638738, 1e-13);
  EXPECT_TRUE(mentions(message_of<ShapeError>([&] {
                         (void)ctc_loss(log_p, tensor({{1, 2}, {0, 0}}), {3, 0}, {2, 0});
                       }),
                       {"ctc_loss", "input lengths must be from 1 to T"}));
}

TEST(CrossEntropy, spreads_nothing_of_samples_that_are_ignored) {
  const Tensor z = tensor({{1.0, 2, 3}, {3, 2, 1}, {0, 1, 0}}), target = tensor({0, -100, 2});
  const auto loss = [&](const Tensor& weight, Reduction reduction) {
    return cross_entropy(z, target, {.weight = weight, .label_smoothing = 0.3, .reduction = reduction});
  };
  EXPECT_THAT(loss({}, Reduction::none), IsClose({2.1076059644443803, 0, 1.4514447139320508}, 1e-13));
  EXPECT_NEAR(loss({}, Reduction::mean).item(), 1.7795253391882158, 1e-13);
  const Tensor weight = tensor({1.0, 2, 3});
  EXPECT_THAT(loss(weight, Reduction::none), IsClose({2.3298877537776947, 0, 3.988900727616538}, 1e-13));
  EXPECT_NEAR(loss(weight, Reduction::mean).item(), 1.5796971203485581, 1e-13);
}

TEST(TripletMarginLoss, compares_the_negative_with_the_positive_where_that_is_nearer) {
  const Tensor a = tensor({{0.0, 0, 1}}), p = tensor({{3.0, 1, 0}}), n = tensor({{3, 1.5, 0.25}});
  EXPECT_NEAR(triplet_margin_loss(a, p, n).item(), 0.8796932056940028, 1e-13);
  EXPECT_NEAR(triplet_margin_loss(a, p, n, {.eps = 0.01, .swap = true}).item(), 3.7619018859657922, 1e-13);
}

TEST(Distances, have_the_derivative_0_where_rows_are_equal) {
  const Tensor rows = tensor({{1, 2}, {1, 2}});
  for (const double p : {1.0, 2.0, 3.0, infinity}) {
    EXPECT_THAT(gradient_at(rows * 1.0,
                            [=](auto& x) {
                              return cdist(x, {{1.0, 2.0}}, p);
                            }),
                IsClose(zeros({2, 2})));
    EXPECT_THAT(gradient_at(rows * 1.0, [=](auto& x) { return pdist(x, p); }), IsClose(zeros({2, 2})));
  }
  EXPECT_EQ(to_string(cdist(zeros({4, 1, 2, 3}), zeros({5, 6, 3})).shape()), "(4, 5, 2, 6)");
  EXPECT_THAT(gradient_at({0.0, 0.0},
                          [](auto& x) {
                            return cosine_similarity(x, {1.0, 0.0}, 0);
                          }),
              IsClose({1e8, 0}));
}

}  // namespace
}  // namespace chainrule::test
