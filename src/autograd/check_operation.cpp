// What the tests of the library's own operations ask of each, for those of the user: derivatives of every
// order and mode against differences, batches against loops. Written in public functions only.

#include <cmath>

#include "array/number_text.h"
#include "chainrule/autograd.h"
#include "chainrule/derivatives.h"
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

/// |a - b| <= tolerance · (1 + |b|), NaN equal to NaN.
bool are_close(const Tensor& a, const Tensor& b, double tolerance) {
  return a.shape() == b.shape() && allclose(a, b, tolerance, tolerance, true);
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
    if (!same_bits(f_(inputs_), value_)) return "it gives another result for the same inputs";
    if (!floating_.empty() && is_floating(value_.dtype())) {
      for (const auto part :
           {&Check::passes, &Check::differences, &Check::modes, &Check::gradients_of_samples})
        if (std::string problem = (this->*part)(); !problem.empty()) return problem;
    }
    if (std::string problem = samples(); !problem.empty()) return problem;
    return in_float32();
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
    }
    return {};
  }

  std::string differences() {
    std::vector<std::string> places;
    for (std::size_t i = 0; i < floating_.size(); ++i)
      places.push_back("floating input " + std::to_string(i));
    const auto function = [&](const Tensors& x) { return Tensors{at(x)}; };
    const GradcheckResult first = detail::gradcheck("gradcheck", function, floating_, places, {});
    if (!first.passed) return first.message;
    const GradcheckResult second = detail::gradgradcheck(function, floating_, places, {});
    return second.passed ? "" : "second derivative: " + second.message;
  }

  /// <jvp u, v> = <u, vjp v>.
  std::string modes() {
    Tensors along;
    for (const Tensor& each : floating_) along.push_back(randn(each.shape(), generator_, DType::float64));
    const auto function = [&](const Tensors& x) { return weighted(x); };
    const double forward = jvp(function, floating_, along).tangent.item();
    const Tensors gradient = grad(function)(floating_);
    double reverse = 0, size = 1;
    for (std::size_t i = 0; i < along.size(); ++i) {
      reverse += sum(gradient[i] * along[i]).item();
      size += sum(abs(gradient[i] * along[i])).item();
    }
    if (std::abs(forward - reverse) <= 1e-10 * size) return {};
    return "forward mode gives " + number_text(forward) + " along a direction, and reverse mode " +
           number_text(reverse);
  }

  /// Stacks of three samples of one input, with the others as they are.
  template <class Each>
  std::string sample_by_sample(const std::string& what, const Tensors& of, const Each& each) {
    for (std::size_t i = 0; i < of.size(); ++i) {
      if (!is_floating(of[i].dtype())) continue;
      const Tensor offsets = randn(Shape{3}, generator_, DType::float64) * 1e-3;
      Tensors samples, expected;
      for (std::int64_t k = 0; k < 3; ++k) {
        Tensors one = of;
        one[i] = of[i] * (1 + offsets[k]);
        samples.push_back(one[i]);
        expected.push_back(each(one).detach());
      }
      const auto one = [&](const Tensor& sample) {
        Tensors all = of;
        all[i] = sample;
        return each(all);
      };
      if (!are_close(vmap(one)(stack(samples)), stack(expected), 1e-9))
        return what + " under vmap of input " + std::to_string(i) + " is not that of each sample";
    }
    return {};
  }
  std::string samples() {
    return sample_by_sample("its value", inputs_, [&](const Tensors& all) { return f_(all); });
  }
  std::string gradients_of_samples() {
    return sample_by_sample("its gradient", floating_, [&](const Tensors& all) {
      const Tensors gradient = grad([&](const Tensors& x) { return weighted(x); })(all);
      Tensors flat;
      for (const Tensor& one : gradient) flat.push_back(reshape(one, {-1}));
      return concatenate(flat);
    });
  }

  std::string in_float32() const {
    Tensors single = inputs_;
    for (Tensor& each : single)
      if (is_floating(each.dtype())) each = cast(each.detach(), DType::float32);
    const Tensor result = f_(single);
    if (is_floating(value_.dtype()) && result.dtype() != DType::float32 && !floating_.empty())
      return "of float32 it makes " + std::string(to_string(result.dtype()));
    return are_close(result, value_, 1e-3) ? "" : "in float32 it is far from itself in float64";
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
