#include "functions.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "command.h"

namespace chainrule::cli {
namespace {

/// Classes may come as floats, as every value given on the command line does: whole numbers, one for each
/// row of logits.
Tensor class_targets(const Tensor& logits, const Tensor& target) {
  if (!is_floating(target.dtype()) || target.rank() + 1 != logits.rank()) return target;
  for (const double number : target.to_vector<double>())
    if (number != std::floor(number) || std::abs(number) > 0x1p53)
      throw CommandError("cross_entropy: targets of shape " + to_string(target.shape()) +
                         " for logits of shape " + to_string(logits.shape()) +
                         " are classes, which are whole numbers, not " + to_string(tensor(number)));
  return cast(target, DType::int64);
}

/// The axis counted from the start, for an axis of `rank`.
std::size_t checked_axis(std::string_view name, std::int64_t axis, std::size_t rank) {
  const auto axes = static_cast<std::int64_t>(rank);
  if (axis < -axes || axis >= axes)
    throw ShapeError(std::string(name) + ": no axis " + std::to_string(axis) + "; there are " +
                     std::to_string(rank));
  return static_cast<std::size_t>(axis < 0 ? axis + axes : axis);
}

Tensor expand_dims(Arguments& a) {
  const Tensor& x = a.tensor(0);
  std::vector<std::int64_t> sizes(x.shape().begin(), x.shape().end());
  const std::size_t axis = checked_axis(a.function_name(), a.integer(1), x.rank() + 1);
  sizes.insert(sizes.begin() + static_cast<std::ptrdiff_t>(axis), 1);
  return reshape(x, Shape(sizes));
}

Tensor squeeze(Arguments& a) {
  const Tensor& x = a.tensor(0);
  std::vector<bool> dropped(x.rank());
  for (std::size_t axis = 0; axis < x.rank() && !a.given(1); ++axis) dropped[axis] = x.shape()[axis] == 1;
  if (a.given(1))
    for (const std::int64_t given : a.integers(1)) {
      const std::size_t axis = checked_axis(a.function_name(), given, x.rank());
      if (x.shape()[axis] != 1)
        throw ShapeError("squeeze: axis " + std::to_string(given) + " of shape " + to_string(x.shape()) +
                         " has size " + std::to_string(x.shape()[axis]) + ", not 1");
      dropped[axis] = true;
    }
  std::vector<std::int64_t> sizes;
  for (std::size_t axis = 0; axis < x.rank(); ++axis)
    if (!dropped[axis]) sizes.push_back(x.shape()[axis]);
  return reshape(x, Shape(sizes));
}

/// transpose(x), NumPy's transpose(x, (2, 0, 1)) or x.transpose(2, 0, 1), and PyTorch's transpose(x, 0, 1),
/// which exchanges two axes.
Tensor transposed(Arguments& a) {
  if (!a.given(1)) return transpose(a[0]);
  if (!a.given(2)) return permute(a[0], a.integers(1));
  std::vector<std::int64_t> order = a.integers(3);
  if (order.empty()) return swapaxes(a[0], a.integer(1), a.integer(2));
  order.insert(order.begin(), {a.integer(1), a.integer(2)});
  return permute(a[0], order);
}

/// max(1, 2) and max(x, 0.5) mean what maximum does: two values, where these reduce one along axes. So does
/// max(x, 2) where x has no such axis.
void refuse_two_values(Arguments& a, const std::string& meant) {
  const std::string first = a.text(0), second = a.text(1);
  const Tensor& x = a.tensor(0);
  if (!a.given(1) || a.are_axes_of(1, x.rank())) return;
  throw CommandError(std::string(a.function_name()) + " reduces one tensor along axes, and " + second +
                     " is no axis of shape " + to_string(x.shape()) + "; for two values, use " + meant + "(" +
                     first + ", " + second + ")");
}
Tensor largest(Arguments& a) {
  refuse_two_values(a, "maximum");
  return max(a[0], a.axes(1), a.flag(2));
}
Tensor smallest(Arguments& a) {
  refuse_two_values(a, "minimum");
  return min(a[0], a.axes(1), a.flag(2));
}

/// A bound that is not given does not bind.
Tensor clamped(Arguments& a) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  return clamp(a[0], a.given(1) ? a[1] : Operand(-infinity), a.given(2) ? a[2] : Operand(infinity));
}

Tensor identity(Arguments& a) {
  const std::int64_t n = a.shape(0).size(), most = a.context().most_elements;
  if (n > 0 && n > most / n)
    throw ShapeError("eye: " + std::to_string(n) + " rows have more than " + std::to_string(most) +
                     " elements");
  std::vector<double> elements(static_cast<std::size_t>(n * n));
  for (std::size_t i = 0; i < elements.size(); i += static_cast<std::size_t>(n) + 1) elements[i] = 1;
  return cast(tensor(elements, {n, n}), a.context().dtype);
}

Tensor counted(Arguments& a) {
  const std::int64_t start = a.given(1) ? a.integer(0) : 0, stop = a.integer(a.given(1) ? 1 : 0);
  const auto length = static_cast<std::uint64_t>(stop) - static_cast<std::uint64_t>(start);
  const std::int64_t most = a.context().most_elements;
  if (stop > start && length > static_cast<std::uint64_t>(most))
    throw ShapeError("arange: from " + std::to_string(start) + " to " + std::to_string(stop) +
                     " are more than " + std::to_string(most) + " elements");
  return arange(start, stop, a.context().dtype);
}

Tensor spaced(Arguments& a) {
  const std::int64_t count = a.shape(2).size();
  return linspace(a.number(0), a.number(1), count, a.context().dtype);
}

using A = Arguments&;

// Each function once; parameters as NumPy and PyTorch call them.
constexpr Function functions[] = {
    {"add", "a|x1|input, b|x2|other", [](A a) { return add(a[0], a[1]); }},
    {"sub", "a|x1|input, b|x2|other", [](A a) { return sub(a[0], a[1]); }},
    {"subtract", "a|x1|input, b|x2|other", [](A a) { return sub(a[0], a[1]); }},
    {"mul", "a|x1|input, b|x2|other", [](A a) { return mul(a[0], a[1]); }},
    {"multiply", "a|x1|input, b|x2|other", [](A a) { return mul(a[0], a[1]); }},
    {"div", "a|x1|input, b|x2|other", [](A a) { return div(a[0], a[1]); }},
    {"divide", "a|x1|input, b|x2|other", [](A a) { return div(a[0], a[1]); }},
    {"neg", "x|input", [](A a) { return neg(a[0]); }},
    {"negative", "x|input", [](A a) { return neg(a[0]); }},
    {"pow", "a|x1|input, b|x2|exponent", [](A a) { return pow(a[0], a[1]); }},
    {"power", "a|x1|input, b|x2|exponent", [](A a) { return pow(a[0], a[1]); }},

    {"square", "x|input", [](A a) { return square(a[0]); }},
    {"sqrt", "x|input", [](A a) { return sqrt(a[0]); }},
    {"exp", "x|input", [](A a) { return exp(a[0]); }},
    {"log", "x|input", [](A a) { return log(a[0]); }},
    {"expm1", "x|input", [](A a) { return expm1(a[0]); }},
    {"log1p", "x|input", [](A a) { return log1p(a[0]); }},
    {"abs", "x|input", [](A a) { return abs(a[0]); }},
    {"absolute", "x|input", [](A a) { return abs(a[0]); }},
    {"sign", "x|input", [](A a) { return sign(a[0]); }},
    {"sin", "x|input", [](A a) { return sin(a[0]); }},
    {"cos", "x|input", [](A a) { return cos(a[0]); }},
    {"tanh", "x|input", [](A a) { return tanh(a[0]); }},
    {"sigmoid", "x|input", [](A a) { return sigmoid(a[0]); }},
    {"relu", "x|input", [](A a) { return relu(a[0]); }},
    {"maximum", "a|x1|input, b|x2|other", [](A a) { return maximum(a[0], a[1]); }},
    {"minimum", "a|x1|input, b|x2|other", [](A a) { return minimum(a[0], a[1]); }},
    {"softplus", "x|input", [](A a) { return softplus(a[0]); }},
    {"logaddexp", "a|x1|input, b|x2|other", [](A a) { return logaddexp(a[0], a[1]); }},
    {"clamp", "x|input, low|min=None, high|max=None", clamped},
    {"clip", "x|a|input, low|a_min|min=None, high|a_max|max=None", clamped},
    {"where", "condition, a|x|input, b|y|other", [](A a) { return where(a[0], a[1], a[2]); }},

    {"less", "a|x1|input, b|x2|other", [](A a) { return less(a[0], a[1]); }},
    {"less_equal", "a|x1|input, b|x2|other", [](A a) { return less_equal(a[0], a[1]); }},
    {"greater", "a|x1|input, b|x2|other", [](A a) { return greater(a[0], a[1]); }},
    {"greater_equal", "a|x1|input, b|x2|other", [](A a) { return greater_equal(a[0], a[1]); }},
    {"equal", "a|x1|input, b|x2|other", [](A a) { return equal(a[0], a[1]); }},
    {"not_equal", "a|x1|input, b|x2|other", [](A a) { return not_equal(a[0], a[1]); }},

    {"logical_and", "a|x1|input, b|x2|other", [](A a) { return logical_and(a[0], a[1]); }},
    {"logical_or", "a|x1|input, b|x2|other", [](A a) { return logical_or(a[0], a[1]); }},
    {"logical_xor", "a|x1|input, b|x2|other", [](A a) { return logical_xor(a[0], a[1]); }},
    {"logical_not", "x|input", [](A a) { return logical_not(a[0]); }},

    {"cast", "x|input, dtype", [](A a) { return cast(a[0], a.dtype(1)); }, false},
    {"astype", "x, dtype", [](A a) { return cast(a[0], a.dtype(1)); }, false},
    {"float32", "x", [](A a) { return cast(a[0], DType::float32); }, false},
    {"float64", "x", [](A a) { return cast(a[0], DType::float64); }, false},
    {"int64", "x", [](A a) { return cast(a[0], DType::int64); }, false},
    {"bool", "x", [](A a) { return cast(a[0], DType::boolean); }, false},
    {"float", "x", [](A a) { return cast(a[0], a.context().dtype); }, false},
    {"int", "x", [](A a) { return cast(a[0], DType::int64); }, false},

    {"sum", "x|a|input, axis|dim=None, keepdims|keepdim=False",
     [](A a) { return sum(a[0], a.axes(1), a.flag(2)); }},
    {"prod", "x|a|input, axis|dim=None, keepdims|keepdim=False",
     [](A a) { return prod(a[0], a.axes(1), a.flag(2)); }},
    {"norm", "x|a|input, axis|dim=None, keepdims|keepdim=False",
     [](A a) { return norm(a[0], a.axes(1), a.flag(2)); }},
    {"mean", "x|a|input, axis|dim=None, keepdims|keepdim=False",
     [](A a) { return mean(a[0], a.axes(1), a.flag(2)); }},
    {"max", "x|a|input, axis|dim=None, keepdims|keepdim=False", largest},
    {"amax", "x|a|input, axis|dim=None, keepdims|keepdim=False", largest},
    {"min", "x|a|input, axis|dim=None, keepdims|keepdim=False", smallest},
    {"amin", "x|a|input, axis|dim=None, keepdims|keepdim=False", smallest},
    {"logsumexp", "x|a|input, axis|dim=None, keepdims|keepdim=False",
     [](A a) { return logsumexp(a[0], a.axes(1), a.flag(2)); }},

    {"all", "x|a|input, axis|dim=None, keepdims|keepdim=False",
     [](A a) { return all(a[0], a.axes(1), a.flag(2)); }},
    {"any", "x|a|input, axis|dim=None, keepdims|keepdim=False",
     [](A a) { return any(a[0], a.axes(1), a.flag(2)); }},

    {"matmul", "a|x1|input, b|x2|other", [](A a) { return matmul(a[0], a[1]); }},
    {"mm", "a|input, b|mat2", [](A a) { return matmul(a[0], a[1]); }},
    {"linear", "x|input, weight, bias=None",
     [](A a) { return a.given(2) ? linear(a[0], a[1], a[2]) : linear(a[0], a[1]); }},

    {"permute", "x|input, *dims|axes", [](A a) { return permute(a[0], a.integers(1)); }},
    {"transpose", "x|a|input, axes|dim0=None, dim1=None, *rest", transposed},
    {"t", "x|input", [](A a) { return transpose(a[0]); }},
    {"swapaxes", "x|a|input, axis1, axis2", [](A a) { return swapaxes(a[0], a.integer(1), a.integer(2)); }},
    {"reshape", "x|a|input, *shape|newshape", [](A a) { return reshape(a[0], Shape(a.integers(1))); }},
    {"view", "x, *shape", [](A a) { return reshape(a[0], Shape(a.integers(1))); }},
    {"flatten", "x|input", [](A a) { return reshape(a[0], {-1}); }, false},
    {"ravel", "x|a|input", [](A a) { return reshape(a[0], {-1}); }, false},
    {"expand_dims", "x|a, axis", expand_dims, false},
    {"unsqueeze", "x|input, dim|axis", expand_dims, false},
    {"squeeze", "x|a|input, axis|dim=None", squeeze, false},
    {"broadcast_to", "x|array|input, *shape|size", [](A a) { return broadcast_to(a[0], a.shape(1)); }},
    {"concatenate", "tensors|arrays, axis|dim=0",
     [](A a) { return concatenate(a.tensors(0), a.integer(1)); }},
    {"concat", "tensors|arrays, axis|dim=0", [](A a) { return concatenate(a.tensors(0), a.integer(1)); }},
    {"cat", "tensors, dim|axis=0", [](A a) { return concatenate(a.tensors(0), a.integer(1)); }},
    {"stack", "tensors|arrays, axis|dim=0", [](A a) { return stack(a.tensors(0), a.integer(1)); }},

    {"slice_update", "part, values",
     [](A a) { return slice_update(a.part(0).whole, a.part(0).where, a[1]); }},
    {"set", "part, values", [](A a) { return slice_update(a.part(0).whole, a.part(0).where, a[1]); }},
    {"take_rows", "x|a|input, positions|indices|index", [](A a) { return take_rows(a[0], a.integers(1)); }},

    {"softmax", "x|input, axis|dim=-1", [](A a) { return softmax(a[0], a.integer(1)); }},
    {"log_softmax", "x|input, axis|dim=-1", [](A a) { return log_softmax(a[0], a.integer(1)); }},
    {"cross_entropy", "logits|input, target, reduction='mean'",
     [](A a) { return cross_entropy(a[0], class_targets(a.tensor(0), a.tensor(1)), a.reduction(2)); }},
    {"mse_loss", "prediction|input, target, reduction='mean'",
     [](A a) { return mse_loss(a[0], a[1], a.reduction(2)); }},
    {"hinge_loss", "score|input, target, reduction='mean'",
     [](A a) { return hinge_loss(a[0], a[1], a.reduction(2)); }},

    {"detach", "x|input", [](A a) { return a.tensor(0).detach(); }},
    {"array", "x|object", [](A a) { return a.tensor(0); }, false},
    {"tensor", "x|data", [](A a) { return a.tensor(0); }, false},
    {"zeros_like", "x|a|input", [](A a) { return zeros_like(a.tensor(0)); }},
    {"ones_like", "x|a|input", [](A a) { return ones_like(a.tensor(0)); }},
    {"zeros", "*shape|size", [](A a) { return zeros(a.shape(0), a.context().dtype); }, false},
    {"ones", "*shape|size", [](A a) { return ones(a.shape(0), a.context().dtype); }, false},
    {"full", "shape|size, value|fill_value",
     [](A a) { return full(a.shape(0), a.number(1), a.context().dtype); }, false},
    {"eye", "n", identity, false},
    {"arange", "start, stop|end=None", counted, false},
    {"linspace", "start, stop|end, count|num|steps=50", spaced, false},
    {"rand", "*shape|size", [](A a) { return rand(a.shape(0), a.context().random, a.context().dtype); },
     false},
    {"randn", "*shape|size", [](A a) { return randn(a.shape(0), a.context().random, a.context().dtype); },
     false},
};

}  // namespace

const Function* find_function(std::string_view name) {
  const auto* found = std::find_if(std::begin(functions), std::end(functions),
                                   [&](const Function& f) { return f.name == name; });
  return found == std::end(functions) ? nullptr : found;
}

std::vector<std::string_view> function_names() {
  std::vector<std::string_view> names;
  for (const Function& function : functions) names.push_back(function.name);
  return names;
}

std::string function_list() {
  std::vector<std::string_view> names = function_names();
  std::sort(names.begin(), names.end());
  constexpr std::size_t width = 78;
  std::string text, line = " ";
  for (const std::string_view name : names) {
    if (line.size() + 1 + name.size() > width) text += std::exchange(line, " ") + "\n";
    (line += ' ') += name;
  }
  return text + line;
}

}  // namespace chainrule::cli
