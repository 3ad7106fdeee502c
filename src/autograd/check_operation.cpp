// What the tests of the library's own operations ask of each, for those of the user: derivatives of every
// order and mode against differences, batches against loops. Written in public functions only.

#include <cmath>

#include "array/number_text.h"
#include "chainrule/autograd.h"
#include "chainrule/derivatives.h"
#include "chainrule/functions.h"
#include "chainrule/operation.h"
#include "chainrule/random.h"
#include "chainrule/shaping.h"
#include "chainrule/statistics.h"
#include "chainrule/vmap.h"

namespace chainrule {
namespace {

using Tensors = std::vector<Tensor>;
using Function = detail::CheckedOperation;

bool same_bits(const Tensor& a, const Tensor& b) {
  return a.dtype() == b.dtype() && a.shape() == b.shape() && bool(all((a == b) | ((a != a) & (b != b))));
}

/// The size of the largest finite element.
double largest(const Tensor& x) { return x.size() == 0 ? 0 : max(where(isfinite(x), abs(x), 0)).item(); }

// Of any function, so that there is one instance of each transform.
Tensors gradient_of(Function f, const Tensors& at) { return grad(f)(at); }
Tensor slope_of(Function f, const Tensors& at, const Tensors& along) { return jvp(f, at, along).tangent; }
Tensor mapped(Function f, const Tensors& stacks) { return vmap(f)(stacks); }

Tensor flat(Tensors all) {
  for (Tensor& each : all) each = reshape(each, {-1});
  return concatenate(all);
}

class Check {
 public:
  Check(Function f, const Tensors& inputs) : f_(f), inputs_(inputs) {
    for (const Tensor& each : inputs) {
      if (!is_floating(each.dtype())) continue;
      if (each.dtype() != DType::float64)
        throw DTypeError("check_operation: an input is " + std::string(to_string(each.dtype())) +
                         "; give float64, as differences are taken");
      floating_.push_back(each.detach());
    }
    value_ = f_(inputs_).detach();
    weight_ = randn(value_.shape(), generator_, DType::float64);
  }

  std::string first_problem() {
    // What forward would leave unwritten holds other numbers now.
    (void)randn(value_.shape(), generator_, DType::float64);
    if (!same_bits(f_(inputs_), value_)) return "it gives another result for the same inputs";
    if (floating_.empty() || !is_floating(value_.dtype())) return samples();
    for (const auto part : {&Check::passes, &Check::differences, &Check::modes, &Check::second_derivatives,
                            &Check::samples, &Check::gradients_of_samples, &Check::in_float32})
      if (std::string problem = (this->*part)(); !problem.empty()) return problem;
    return {};
  }

 private:
  /// The function of the floating inputs.
  Tensor at(const Tensors& floating) const {
    Tensors all = inputs_;
    for (std::size_t i = 0, next = 0; i < all.size(); ++i)
      if (is_floating(all[i].dtype())) all[i] = floating[next++];
    return f_(all);
  }
  Tensor weighted(const Tensors& floating) const { return sum(at(floating) * weight_); }
  Tensors gradient(const Tensors& floating) const {
    return gradient_of([&](const Tensors& x) { return weighted(x); }, floating);
  }
  /// But for a share of the largest element, or of what rounding leaves where all of them cancel; NaN equal
  /// to NaN.
  bool are_close(const Tensor& a, const Tensor& b, double tolerance) const {
    const double share = tolerance * (largest(b) + 1e-6 * largest(value_));
    return a.shape() == b.shape() && allclose(a, b, tolerance, share, true);
  }

  std::string passes() {
    const auto variables = [&] {
      Tensors leaves;
      for (const Tensor& each : floating_) leaves.push_back(variable(each));
      return leaves;
    };
    const Tensors plain = variables(), consumed = variables(), recorded = variables();
    const Tensor kept = weighted(plain);
    kept.backward();
    weighted(consumed).backward();  // of a temporary
    const auto graph = gradients(weighted(recorded), recorded, {.create_graph = true});
    for (std::size_t i = 0; i < plain.size(); ++i) {
      const std::string which = " for floating input " + std::to_string(i) + " in ";
      if (!same_bits(consumed[i].grad(), plain[i].grad()))
        return "its gradient is another" + which + "a pass that consumes the graph";
      if (!are_close(graph[recorded[i]].detach(), plain[i].grad(), 1e-12))
        return "its gradient is another" + which + "a pass that is recorded";
      const auto alone = [&](const Tensors& x) {
        Tensors all = floating_;
        all[i] = x[0];
        return weighted(all);
      };
      if (!are_close(gradient_of(alone, {floating_[i]})[0], plain[i].grad(), 1e-12))
        return "its gradient is another" + which + "a pass that wants no other";
    }
    return {};
  }

  std::string differences() {
    std::vector<std::string> places;
    for (std::size_t i = 0; i < floating_.size(); ++i)
      places.push_back("floating input " + std::to_string(i));
    const auto function = [&](const Tensors& x) { return Tensors{at(x)}; };
    for (const bool second : {false, true}) {
      const auto compared = [&](double step) {
        return second ? detail::gradgradcheck(function, floating_, places, {.step = step})
                      : detail::gradcheck("gradcheck", function, floating_, places, {.step = step});
      };
      const GradcheckResult found = compared(1e-6);
      if (found.passed) continue;
      // What changes fast asks for shorter steps.
      if (found.cause == GradcheckCause::precision && compared(3e-8).passed) continue;
      return (second ? "second derivative: " : "") + found.message;
    }
    return {};
  }

  Tensors random_direction() {
    Tensors along;
    for (const Tensor& each : floating_) along.push_back(randn(each.shape(), generator_, DType::float64));
    return along;
  }
  /// <jvp u, v> = <u, vjp v>.
  std::string modes() {
    const Tensors along = random_direction();
    const double forward = slope_of([&](const Tensors& x) { return weighted(x); }, floating_, along).item();
    const Tensor products = flat(gradient(floating_)) * flat(along);
    const double reverse = sum(products).item(), size = 1e-6 * largest(value_) + sum(abs(products)).item();
    if (std::abs(forward - reverse) <= 1e-10 * size) return {};
    return "forward mode gives " + number_text(forward) + " along a direction, and reverse mode " +
           number_text(reverse);
  }
  /// Of the rule for tangents, which differences are not taken of.
  std::string second_derivatives() {
    const Tensors along = random_direction();
    const auto slope = [&](const Tensors& x) {
      return slope_of([&](const Tensors& y) { return weighted(y); }, x, along);
    };
    const auto by_reverse = [&](const Tensors& x) { return flat(gradient(x)); };
    return are_close(flat(gradient_of(slope, floating_)), slope_of(by_reverse, floating_, along), 1e-9)
               ? ""
               : "the derivative of forward mode is not that of reverse mode";
  }

  /// Stacks of three samples of one input, with the others as they are, and of all; whole numbers are the
  /// same in all samples.
  std::string sample_by_sample(const std::string& what, const Tensors& of, Function each) {
    for (std::size_t i = 0; i <= of.size(); ++i) {
      const auto differs = [&](std::size_t input) { return i == of.size() || i == input; };
      std::vector<Tensors> samples(3, of);
      Tensors expected, stacks;
      for (Tensors& one : samples) {
        const double factor = 1 + 1e-3 * generator_.normal();
        for (std::size_t k = 0; k < of.size(); ++k)
          if (differs(k) && is_floating(of[k].dtype())) one[k] = of[k] * factor;
        expected.push_back(each(one).detach());
      }
      for (std::size_t k = 0; k < of.size(); ++k)
        if (differs(k)) stacks.push_back(stack({samples[0][k], samples[1][k], samples[2][k]}));
      const auto one = [&](const Tensors& sample) {
        Tensors all = of;
        for (std::size_t k = 0, next = 0; k < of.size(); ++k)
          if (differs(k)) all[k] = sample[next++];
        return each(all);
      };
      if (!are_close(mapped(one, stacks), stack(expected), 1e-9))
        return what + " under vmap of " + (i == of.size() ? "all inputs" : "input " + std::to_string(i)) +
               " is not that of each sample";
    }
    return {};
  }
  std::string samples() {
    return sample_by_sample("its value", inputs_, [&](const Tensors& all) { return f_(all); });
  }
  std::string gradients_of_samples() {
    const auto of_one = [&](const Tensors& all) { return flat(gradient(all)); };
    if (std::string problem = sample_by_sample("its gradient", floating_, of_one); !problem.empty())
      return problem;
    Tensors stacks, expected = gradient(floating_);
    for (const Tensor& each : floating_) stacks.push_back(stack({each, each}));
    for (Tensor& each : expected) each = stack({each, each});
    const auto total = [&](const Tensors& all) {
      return sum(mapped([&](const Tensors& one) { return weighted(one); }, all));
    };
    return are_close(flat(gradient_of(total, stacks)), flat(expected), 1e-9)
               ? ""
               : "the gradient of its value under vmap is not that of each sample";
  }

  /// Compared with itself in float64 at the same numbers, but for what rounding these may do.
  std::string in_float32() {
    Tensors single, same, moved;
    for (const Tensor& each : floating_) {
      single.push_back(cast(each, DType::float32));
      same.push_back(cast(single.back(), DType::float64));
      moved.push_back(same.back() * (1 + 0x1p-24));
      if (!bool(all(isfinite(same.back()) == isfinite(each)))) return {};
    }
    const Tensors along = random_direction();
    const auto value = [&](const Tensors& x) { return at(x); };
    const auto backward = [&](const Tensors& x) { return flat(gradient(x)); };
    const auto forward = [&](const Tensors& x) {
      Tensors tangents;
      for (std::size_t i = 0; i < x.size(); ++i) tangents.push_back(cast(along[i], x[i].dtype()));
      return slope_of(value, x, tangents);
    };
    const auto differs = [&](Function f) {
      const Tensor exact = cast(cast(f(same), DType::float32), DType::float64);
      const double rounding = 1e-4 * largest(exact) + 8 * largest(f(moved) - exact);
      return !allclose(f(single), exact, 0, rounding, true);
    };
    if (const DType dtype = at(single).dtype(); dtype != DType::float32)
      return "of float32 it makes " + std::string(to_string(dtype));
    if (differs(value)) return "in float32 it is far from itself in float64";
    if (differs(backward)) return "its gradient in float32 is far from that in float64";
    return differs(forward) ? "forward mode in float32 is far from that in float64" : "";
  }

  Function f_;
  const Tensors& inputs_;
  Tensors floating_;
  Tensor value_, weight_;
  Generator generator_{0};
};

}  // namespace

detail::OperationCheck detail::check_operation(CheckedOperation f, const Tensors& inputs) {
  const std::string problem = Check(f, inputs).first_problem();
  return {problem.empty(), problem};
}

}  // namespace chainrule
