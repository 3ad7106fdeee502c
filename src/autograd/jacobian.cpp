// Jacobians by rows or columns, products with second derivatives, diagonals of both, and Taylor coefficients.
// Many directions go through one pass under vmap, in chunks. Relies on detail/trace.h for recorded functions.

#include "chainrule/detail/jacobian.h"

#include <algorithm>
#include <stdexcept>

#include "autograd/engine.h"
#include "autograd/total.h"
#include "chainrule/autograd.h"
#include "chainrule/detail/function_ref.h"
#include "chainrule/detail/levels.h"
#include "chainrule/ops.h"
#include "kernels/cast.h"
#include "kernels/diagonal.h"

namespace chainrule::detail {
namespace {

std::int64_t total_size(const std::vector<Tensor>& tensors) {
  std::int64_t size = 0;
  for (const Tensor& tensor : tensors) size += tensor.size();
  return size;
}

Shape joined(const Shape& a, const Shape& b) {
  std::vector<std::int64_t> sizes(a.begin(), a.end());
  sizes.insert(sizes.end(), b.begin(), b.end());
  return Shape(sizes);
}

/// For each element from `first` to before `last`, a tensor with 1 there and 0 elsewhere, stacked.
Tensor units_like(const Tensor& tensor, std::int64_t first, std::int64_t last) {
  const Shape shape = joined(Shape{last - first}, tensor.shape());
  Array ones = new_array("jacobian", Shape{last - first}, computed_in(tensor.dtype()));
  dispatch_floating(ones.dtype(), [&]<class T>() { std::fill_n(ones.mutable_data<T>(), ones.size(), T(1)); });
  return constant(
      kernels::cast(kernels::diagonal({std::move(ones), first, tensor.size()}, shape), tensor.dtype()));
}

/// Calls use(part, first, units) for the elements of each part, so many of them at once, from number `first`
/// on: with a list that is empty but for a stack of as many tensors, each with a 1 at its element.
template <class Use>
void for_each_units(const std::vector<Tensor>& parts, std::int64_t chunk, const Use& use) {
  std::vector<Tensor> direction(parts.size());
  for (std::size_t part = 0; part < parts.size(); ++part) {
    if (!is_floating(parts[part].dtype())) continue;
    const std::int64_t size = parts[part].size();
    for (std::int64_t first = 0; first < size;) {
      const std::int64_t last = chunk == 0 || chunk > size - first ? size : first + chunk;
      direction[part] = units_like(parts[part], first, last);
      use(part, first, direction);
      first = last;
    }
    direction[part] = Tensor();
  }
}

/// What f gives of one direction, for a stack of them at once.
std::vector<Tensor> for_all(std::string_view called, std::span<const Tensor> directions,
                            FunctionRef<std::vector<Tensor>(std::span<const Tensor>)> f) {
  std::int64_t count = 0;
  for (const Tensor& each : directions)
    if (!each.is_empty()) count = each.shape()[0];
  BatchedRun run(called, 0, count, count, Randomness::same);
  std::vector<Tensor> inside(directions.begin(), directions.end());
  for (Tensor& each : inside)
    if (!each.is_empty()) each = run.input(each, 0);
  std::vector<Tensor> results = f(inside);
  for (Tensor& each : results) each = run.output(each, 0, the_result);
  return results;
}

/// So many rows of a matrix of which only the diagonal is wanted are held at once.
constexpr std::int64_t diagonal_chunk = 64;

/// Of a stack, from each tensor the element with its own number, counted from `first`: their sum.
Tensor sum_of_diagonal(const Tensor& stack, const Tensor& units) { return sum(where(units == 1, stack, 0)); }

/// What has been found for each pair of a result and an input: stacks of its rows, or of its columns.
class JacobianLines {
 public:
  JacobianLines(std::size_t results, std::size_t inputs) : inputs_(inputs), lines_(results * inputs) {}
  void add(std::size_t result, std::size_t input, Tensor line) {
    lines_[result * inputs_ + input].push_back(std::move(line));
  }
  Tensor joined_up(std::size_t result, std::size_t input, bool columns, const Tensor& of, const Tensor& by) {
    const auto lines = std::move(lines_[result * inputs_ + input]);
    const Shape shape = joined(of.shape(), by.shape());
    if (lines.empty()) return zeros(shape, is_floating(of.dtype()) ? of.dtype() : by.dtype());
    const Tensor all = lines.size() == 1 ? lines.front() : concatenate(lines, 0);
    return reshape(columns ? transpose(reshape(all, {by.size(), of.size()})) : all, shape);
  }

 private:
  std::size_t inputs_;
  std::vector<std::vector<Tensor>> lines_;
};

}  // namespace

std::size_t position_of(std::string_view name, const std::vector<std::string>& names) {
  const auto found = std::ranges::find(names, name);
  if (found != names.end()) return static_cast<std::size_t>(found - names.begin());
  std::string list;
  for (const std::string& each : names) list += (list.empty() ? "" : ", ") + each;
  throw std::out_of_range("Blocks: there is no tensor '" + std::string(name) + "'; there are " + list);
}

std::vector<Tensor> jacobians(const std::shared_ptr<const Trace>& trace, JacobianMode mode,
                              std::int64_t chunk) {
  chunk = checked_chunk(trace->called(), chunk);
  const std::vector<Tensor>& results = trace->outputs();
  const std::vector<Tensor>& inputs = trace->inputs();
  const bool forward = mode == JacobianMode::forward ||
                       (mode == JacobianMode::smaller && total_size(inputs) < total_size(results));
  JacobianLines lines(results.size(), inputs.size());
  if (forward) {
    const Linearization linear(trace);
    for_each_units(inputs, chunk, [&](std::size_t input, std::int64_t, std::span<const Tensor> directions) {
      std::vector<Tensor> column =
          for_all(trace->called(), directions,
                  [&](std::span<const Tensor> direction) { return linear.push_forward(direction); });
      for (std::size_t k = 0; k < column.size(); ++k)
        if (is_floating(column[k].dtype())) lines.add(k, input, std::move(column[k]));
    });
  } else {
    for_each_units(results, chunk, [&](std::size_t result, std::int64_t, std::span<const Tensor> directions) {
      std::vector<Tensor> row = for_all(trace->called(), directions, [&](std::span<const Tensor> direction) {
        return trace->pull_back(direction);
      });
      for (std::size_t i = 0; i < row.size(); ++i) lines.add(result, i, std::move(row[i]));
    });
  }
  std::vector<Tensor> all;
  for (std::size_t k = 0; k < results.size(); ++k)
    for (std::size_t i = 0; i < inputs.size(); ++i)
      all.push_back(lines.joined_up(k, i, forward, results[k], inputs[i]));
  return all;
}

std::vector<Tensor> hessian_product(const Trace& trace, std::span<const Tensor> v) {
  const std::vector<Tensor> gradient = trace.recorded_gradient();
  Tensor along;
  {
    const Recorded recorded;
    for (std::size_t i = 0; i < gradient.size(); ++i) {
      if (v[i].is_empty() || !gradient[i].requires_grad()) continue;
      add_to(along, sum(gradient[i] * v[i]));
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
  for_each_units({trace.outputs().front()}, diagonal_chunk,
                 [&](std::size_t, std::int64_t, std::span<const Tensor> directions) {
                   const auto rows =
                       for_all(trace.called(), directions,
                               [&](std::span<const Tensor> direction) { return trace.pull_back(direction); });
                   total = total + sum_of_diagonal(rows.front(), directions.front());
                 });
  return total;
}

Tensor laplacian(const Trace& trace) {
  const std::vector<Tensor> gradient = trace.recorded_gradient();
  Tensor total = zeros({}, trace.outputs().front().dtype());
  for_each_units(
      gradient, diagonal_chunk, [&](std::size_t part, std::int64_t, std::span<const Tensor> directions) {
        const auto rows = for_all(trace.called(), directions, [&](std::span<const Tensor> direction) {
          return gradients_at(trace.called(), gradient[part], direction[part],
                              std::span(&trace.inputs()[part], 1), trace.is_recorded({}));
        });
        total = total + sum_of_diagonal(rows.front(), directions[part]);
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
      add_to(number, sum(c.back() * result));
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
