// Jacobians by rows or columns, products with second derivatives, diagonals of both, and Taylor coefficients.

#include "chainrule/detail/jacobian.h"

#include <algorithm>

#include "autograd/engine.h"
#include "chainrule/autograd.h"
#include "chainrule/ops.h"

namespace chainrule::detail {
namespace {

std::int64_t total_size(const std::vector<Tensor>& tensors) {
  std::int64_t size = 0;
  for (const Tensor& tensor : tensors) size += tensor.size();
  return size;
}

/// 1 at one element, 0 elsewhere.
Tensor unit_like(const Tensor& tensor, std::int64_t position) {
  Array value = new_array("jacobian", tensor.shape(), tensor.dtype());
  dispatch_floating(tensor.dtype(), [&]<class T>() {
    T* const elements = value.mutable_data<T>();
    std::fill_n(elements, value.size(), T(0));
    elements[position] = T(1);
  });
  return constant(std::move(value));
}

Shape joined(const Shape& a, const Shape& b) {
  std::vector<std::int64_t> sizes(a.begin(), a.end());
  sizes.insert(sizes.end(), b.begin(), b.end());
  return Shape(sizes);
}

/// Calls use(part, i, unit) for each element i of each part, with a list that is empty but for a 1 there.
template <class Use>
void for_each_unit(const std::vector<Tensor>& parts, const Use& use) {
  std::vector<Tensor> direction(parts.size());
  for (std::size_t part = 0; part < parts.size(); ++part) {
    if (!is_floating(parts[part].dtype())) continue;
    for (std::int64_t i = 0; i < parts[part].size(); ++i) {
      direction[part] = unit_like(parts[part], i);
      use(part, i, direction);
    }
    direction[part] = Tensor();
  }
}

/// Element i, in row-major order.
Tensor element(const Tensor& tensor, std::int64_t i) { return reshape(tensor, {-1})[i]; }

/// What has been found for each pair of a result and an input: its lines, which follow each other along
/// `axis`.
class Lines {
 public:
  Lines(std::size_t results, std::size_t inputs) : inputs_(inputs), lines_(results * inputs) {}
  void add(std::size_t result, std::size_t input, Tensor line) {
    lines_[result * inputs_ + input].push_back(std::move(line));
  }
  Tensor joined_along(std::size_t result, std::size_t input, std::int64_t axis, const Tensor& of,
                      const Tensor& by) {
    const auto lines = std::move(lines_[result * inputs_ + input]);
    const Shape shape = joined(of.shape(), by.shape());
    if (lines.empty()) return zeros(shape, is_floating(of.dtype()) ? of.dtype() : by.dtype());
    return reshape(stack(lines, axis), shape);
  }

 private:
  std::size_t inputs_;
  std::vector<std::vector<Tensor>> lines_;
};

}  // namespace

std::vector<Tensor> jacobians(const std::shared_ptr<const Trace>& trace, JacobianMode mode) {
  const std::vector<Tensor>& results = trace->outputs();
  const std::vector<Tensor>& inputs = trace->inputs();
  const bool forward = mode == JacobianMode::forward ||
                       (mode == JacobianMode::smaller && total_size(inputs) < total_size(results));
  Lines lines(results.size(), inputs.size());
  if (forward) {
    const Linearization linear(trace);
    for_each_unit(inputs, [&](std::size_t input, std::int64_t, std::span<const Tensor> direction) {
      std::vector<Tensor> column = linear.push_forward(direction);
      for (std::size_t k = 0; k < column.size(); ++k)
        if (is_floating(column[k].dtype())) lines.add(k, input, std::move(column[k]));
    });
  } else {
    for_each_unit(results, [&](std::size_t result, std::int64_t, std::span<const Tensor> direction) {
      std::vector<Tensor> row = trace->pull_back(direction);
      for (std::size_t i = 0; i < row.size(); ++i) lines.add(result, i, std::move(row[i]));
    });
  }
  std::vector<Tensor> all;
  for (std::size_t k = 0; k < results.size(); ++k)
    for (std::size_t i = 0; i < inputs.size(); ++i)
      all.push_back(lines.joined_along(k, i, forward ? -1 : 0, results[k], inputs[i]));
  return all;
}

std::vector<Tensor> hessian_product(const Trace& trace, std::span<const Tensor> v) {
  const std::vector<Tensor> gradient = trace.recorded_gradient();
  Tensor along;
  {
    const Recorded recorded;
    for (std::size_t i = 0; i < gradient.size(); ++i) {
      if (v[i].is_empty() || !gradient[i].requires_grad()) continue;
      const Tensor part = sum(gradient[i] * v[i]);
      along = along.is_empty() ? part : along + part;
    }
  }
  return gradients_at(trace.called(), along, {}, trace.inputs(), trace.is_recorded(v));
}

Tensor divergence(const Trace& trace) {
  const Tensor& x = trace.inputs().front();
  if (trace.inputs().size() != 1 || trace.outputs().size() != 1 ||
      trace.outputs().front().shape() != x.shape())
    throw ShapeError(
        "divergence: the field takes one tensor and gives one of the same shape; this one takes " +
        to_string(x.shape()) + " and gives " + to_string(trace.outputs().front().shape()));
  Tensor total = zeros({}, x.dtype());
  for_each_unit({trace.outputs().front()},
                [&](std::size_t, std::int64_t i, std::span<const Tensor> direction) {
                  total = total + element(trace.pull_back(direction).front(), i);
                });
  return total;
}

Tensor laplacian(const Trace& trace) {
  const std::vector<Tensor> gradient = trace.recorded_gradient();
  Tensor total = zeros({}, trace.outputs().front().dtype());
  for_each_unit(gradient, [&](std::size_t part, std::int64_t i, std::span<const Tensor> direction) {
    const Tensor row = gradients_at(trace.called(), gradient[part], direction[part],
                                    std::span(&trace.inputs()[part], 1), trace.is_recorded({}))
                           .front();
    total = total + element(row, i);
  });
  return total;
}

// ⟨c, y(t)⟩ is one number, which one reverse pass differentiates in t, again and again; only the derivatives
// in c, in which it is linear, are as many as there are orders.
std::vector<std::vector<Tensor>> taylor_coefficients(const Trace& trace, std::int64_t order) {
  const std::vector<Tensor>& results = trace.outputs();
  const bool record = trace.is_recorded({});
  std::vector<std::vector<Tensor>> coefficients;
  coefficients.emplace_back();
  for (const Tensor& result : results) coefficients.back().push_back(trace.outside(result));
  std::vector<Tensor> c, wrt;
  Tensor number;
  {
    const Recorded recorded;
    for (const Tensor& result : results) {
      c.push_back(result.requires_grad() ? variable(ones_like(result)) : Tensor());
      if (c.back().is_empty()) continue;
      wrt.push_back(c.back());
      const Tensor part = sum(c.back() * result);
      number = number.is_empty() ? part : number + part;
    }
  }
  double factorial = 1;
  for (std::int64_t k = 1; k <= order; ++k) {
    factorial *= static_cast<double>(k);
    if (!number.is_empty()) {
      const Recorded recorded;
      number = gradients_at(trace.called(), number, {}, trace.inputs(), true).front();
    }
    const std::vector<Tensor> derivatives = gradients_at(trace.called(), number, {}, wrt, record);
    coefficients.emplace_back();
    for (std::size_t i = 0, next = 0; i < results.size(); ++i)
      coefficients.back().push_back(c[i].is_empty() ? zeros_like(results[i])
                                                    : derivatives[next++] / factorial);
  }
  return coefficients;
}

Tensor moved(std::string_view called, const Tensor& x, const Tensor& t, const Tensor& v, const Place& place) {
  Trace::require_differentiable(called, x, place);
  if (v.is_empty()) return x;
  if (v.shape() != x.shape())
    throw ShapeError(std::string(called) + ": the direction of " + place.text() + " has shape " +
                     to_string(v.shape()) + ", the argument " + to_string(x.shape()) +
                     "; they must be equal");
  return x + cast(t, x.dtype()) * cast(v, x.dtype());
}

Tensor start_of(std::span<const Tensor> tensors) {
  const bool narrow = std::ranges::any_of(tensors, [](const Tensor& x) { return !x.is_empty(); }) &&
                      std::ranges::all_of(tensors, [](const Tensor& x) {
                        return x.is_empty() || x.dtype() == DType::float32;
                      });
  return zeros({}, narrow ? DType::float32 : DType::float64);
}

void check_order(std::int64_t order) {
  if (order < 0)
    throw std::invalid_argument("jet: the order is " + std::to_string(order) +
                                "; ask for 0, the value alone, or more");
}

Tensor fisher_times(Likelihood likelihood, const Tensor& numbers, const Tensor& vector) {
  if (likelihood == Likelihood::normal) return vector;
  if (likelihood == Likelihood::poisson) return exp(numbers) * vector;
  if (likelihood == Likelihood::bernoulli) return sigmoid(numbers) * sigmoid(-numbers) * vector;
  if (numbers.rank() == 0)
    throw ShapeError("fvp: one number is not the logits of classes; give them along the last axis");
  const Tensor p = softmax(numbers);
  return p * (vector - sum(p * vector, -1, true));
}

Tensor mean_of_samples(const Tensor& values, const Tensor& along) {
  if (values.rank() != 1)
    throw ShapeError("empirical_fvp: the result has shape " + to_string(values.shape()) +
                     ", not (N,); give the log-likelihood of each sample");
  return along / static_cast<double>(std::max<std::int64_t>(values.size(), 1));
}

}  // namespace chainrule::detail
