// What the operations that work element by element, or along axes, become in ONNX. Each takes an operation's
// parameters by name from its attributes; exporter.h has the steps.

#include <algorithm>
#include <cmath>
#include <numbers>

#include "onnx/export_operators.h"

namespace chainrule::onnx {
namespace {

/// The same operator under ONNX's name.
struct Renamed {
  std::string_view operation;
  const char* op;
};
constexpr Renamed renamed[] = {
    {"abs", "Abs"},
    {"acos", "Acos"},
    {"acosh", "Acosh"},
    {"add", "Add"},
    {"asin", "Asin"},
    {"asinh", "Asinh"},
    {"atan", "Atan"},
    {"atanh", "Atanh"},
    {"ceil", "Ceil"},
    {"cos", "Cos"},
    {"cosh", "Cosh"},
    {"det", "Det"},
    {"div", "Div"},
    {"equal", "Equal"},
    {"erf", "Erf"},
    {"exp", "Exp"},
    {"floor", "Floor"},
    {"greater", "Greater"},
    {"input", "Identity"},
    {"log", "Log"},
    {"less", "Less"},
    {"logical_and", "And"},
    {"logical_not", "Not"},
    {"logical_or", "Or"},
    {"maximum", "Max"},
    {"minimum", "Min"},
    {"mul", "Mul"},
    {"logical_xor", "Xor"},
    {"neg", "Neg"},
    {"pow", "Pow"},
    {"relu", "Relu"},
    {"round", "Round"},
    {"sigmoid", "Sigmoid"},
    {"sign", "Sign"},
    {"sin", "Sin"},
    {"sinh", "Sinh"},
    {"softplus", "Softplus"},
    {"softsign", "Softsign"},
    {"sqrt", "Sqrt"},
    {"sub", "Sub"},
    {"tan", "Tan"},
    {"tanh", "Tanh"},
    {"where", "Where"},
    {"greater_equal", "GreaterOrEqual"},
    {"less_equal", "LessOrEqual"},
    {"strong_product", "Mul"},
    {"strong_quotient", "Div"},
};

std::string rename(Step& step) {
  const auto* found = std::ranges::find(renamed, std::string_view(step.operation()), &Renamed::operation);
  return step.make(found->op, step.all_in());
}

std::string not_equal(Step& step) { return step.make("Not", {step.make("Equal", step.all_in())}); }
std::string square(Step& step) { return step.make("Mul", {step.in(0), step.in(0)}); }
std::string expm1(Step& step) { return step.make("Sub", {step.make("Exp", step.all_in()), step.number(1)}); }
std::string log1p(Step& step) { return step.make("Log", {step.make("Add", {step.in(0), step.number(1)})}); }
std::string silu(Step& step) { return step.make("Mul", {step.in(0), step.make("Sigmoid", {step.in(0)})}); }
std::string exp2(Step& step) {
  return step.make("Exp", {step.make("Mul", {step.in(0), step.number(std::numbers::ln2)})});
}
std::string log2(Step& step) {
  return step.make("Mul", {step.make("Log", {step.in(0)}), step.number(std::numbers::log2e)});
}
std::string log10(Step& step) {
  return step.make("Mul", {step.make("Log", {step.in(0)}), step.number(std::numbers::log10e)});
}
std::string erfc(Step& step) { return step.make("Sub", {step.number(1), step.make("Erf", {step.in(0)})}); }
std::string trunc(Step& step) {
  return step.make("Mul",
                   {step.make("Sign", {step.in(0)}), step.make("Floor", {step.make("Abs", {step.in(0)})})});
}
std::string gaussian(Step& step) {
  return step.make("Exp", {step.make("Neg", {step.make("Mul", {step.in(0), step.in(0)})})});
}
/// (1 + erf(x / √2)) / 2
std::string ndtr(Step& step) {
  const std::string scaled = step.make("Mul", {step.in(0), step.number(1 / std::numbers::sqrt2)});
  const std::string sum = step.make("Add", {step.make("Erf", {scaled}), step.number(1)});
  return step.make("Mul", {sum, step.number(0.5)});
}
std::string gelu(Step& step) { return step.make("Mul", {step.in(0), ndtr(step)}); }
/// x tanh(log(1 + eˣ))
std::string mish(Step& step) {
  return step.make("Mul", {step.in(0), step.make("Tanh", {step.make("Softplus", {step.in(0)})})});
}
/// x σ(2 √(2/π) (x + 0.044715 x³))
std::string gelu_tanh(Step& step) {
  const std::string square = step.make("Mul", {step.in(0), step.in(0)});
  const std::string sum =
      step.make("Add", {step.make("Mul", {square, step.number(0.044715)}), step.number(1)});
  const std::string scaled = step.make("Mul", {step.in(0), step.number(1.5957691216057308)});
  return step.make("Mul", {step.in(0), step.make("Sigmoid", {step.make("Mul", {scaled, sum})})});
}
/// max(a, b) + log(1 + exp(−|a − b|))
std::string logaddexp(Step& step) {
  const std::string apart = step.make("Abs", {step.make("Sub", step.all_in())});
  return step.make("Add",
                   {step.make("Max", step.all_in()), step.make("Softplus", {step.make("Neg", {apart})})});
}
std::string clamp(Step& step) {
  return step.make("Min", {step.make("Max", {step.in(0), step.in(1)}), step.in(2)});
}
/// x between two numbers.
std::string between(Step& step, const std::string& x, double low, double high) {
  return step.make("Min", {step.make("Max", {x, step.number(low)}), step.number(high)});
}
std::string hardtanh(Step& step) {
  return between(step, step.in(0), step.attribute<double>("low"), step.attribute<double>("high"));
}
std::string relu6(Step& step) { return between(step, step.in(0), 0, 6); }
std::string hardsigmoid(Step& step) {
  const std::string moved = step.make("Add", {step.in(0), step.number(3)});
  return step.make("Div", {between(step, moved, 0, 6), step.number(6)});
}
std::string hardswish(Step& step) { return step.make("Mul", {step.in(0), hardsigmoid(step)}); }
/// x for x > 0, else what is below.
std::string positive_or(Step& step, const std::string& below) {
  return step.make("Where", {step.make("Greater", {step.in(0), step.number(0)}), step.in(0), below});
}
std::string leaky_relu(Step& step) {
  return positive_or(step,
                     step.make("Mul", {step.in(0), step.number(step.attribute<double>("negative_slope"))}));
}
/// x for x > 0, else a (eˢ - 1) for some s.
std::string exponential_or(Step& step, const std::string& s) {
  const std::string less = step.make("Sub", {step.make("Exp", {s}), step.number(1)});
  return positive_or(step, step.make("Mul", {less, step.number(step.attribute<double>("alpha"))}));
}
std::string elu(Step& step) { return exponential_or(step, step.in(0)); }
std::string celu(Step& step) {
  return exponential_or(step, step.make("Div", {step.in(0), step.number(step.attribute<double>("alpha"))}));
}
/// x where it is not within ±lambda, else 0.
std::string hardshrink(Step& step) {
  const std::string size = step.make("Abs", {step.in(0)}),
                    is_small =
                        step.make("LessOrEqual", {size, step.number(step.attribute<double>("lambda"))});
  return step.make("Where", {is_small, step.number(0), step.in(0)});
}
std::string softshrink(Step& step) {
  const auto lambda = step.attribute<double>("lambda");
  return step.make("Sub", {step.in(0), between(step, step.in(0), -lambda, lambda)});
}
std::string tanhshrink(Step& step) { return step.make("Sub", {step.in(0), step.make("Tanh", {step.in(0)})}); }
std::string threshold(Step& step) {
  const std::string is_low =
      step.make("LessOrEqual", {step.in(0), step.number(step.attribute<double>("threshold"))});
  return step.make("Where", {is_low, step.number(step.attribute<double>("value")), step.in(0)});
}
std::string rsqrt(Step& step) { return step.make("Reciprocal", {step.make("Sqrt", {step.in(0)})}); }
std::string prelu(Step& step) { return positive_or(step, step.make("Mul", step.all_in())); }
std::string nan_to_num(Step& step) {
  const double most =
      step.dtype() == DType::float64 ? std::numeric_limits<double>::max() : std::numeric_limits<float>::max();
  const std::string x = step.in(0), is_number = step.make("Equal", {x, x});
  return step.make("Where",
                   {is_number, between(step, x, -most, most), step.number(step.attribute<double>("nan"))});
}
std::string round_to_decimals(Step& step) {
  const std::string power = step.number(step.attribute<double>("power")),
                    scaled = step.make("Mul", {step.in(0), power}),
                    is_finite = step.make("Less", {step.make("Abs", {scaled}),
                                                   step.number(std::numeric_limits<double>::infinity())});
  return step.make("Where", {is_finite, step.make("Div", {step.make("Round", {scaled}), power}), step.in(0)});
}
std::string heaviside(Step& step) {
  const std::string x = step.in(0), zero = step.number(0);
  const std::string above = step.make("Where", {step.make("Greater", {x, zero}), step.number(1), x});
  const std::string other = step.make("Where", {step.make("Less", {x, zero}), zero, above});
  return step.make("Where", {step.make("Equal", {x, zero}), step.in(1), other});
}
std::string cast(Step& step) {
  return step.make("Cast", {step.in(0)},
                   {attribute("to", static_cast<std::int64_t>(natural_type(step.dtype())))});
}

std::string reduce(Step& step, const char* op) {
  const auto axes = step.attribute<std::vector<std::int64_t>>("axes");
  if (axes.empty()) return step.make("Identity", {step.in(0)});
  const Attribute keep = attribute("keepdims", std::int64_t{step.attribute<bool>("keepdims")});
  if (std::string_view(op) == "ReduceSum")  // the only one that takes its axes as an input up to opset 17
    return step.make(op, {step.in(0), step.fixed_integers(axes)}, {keep});
  return step.make(op, {step.in(0)}, {attribute("axes", axes), keep});
}
std::string sum(Step& step) { return reduce(step, "ReduceSum"); }
std::string mean(Step& step) { return reduce(step, "ReduceMean"); }
std::string max(Step& step) { return reduce(step, "ReduceMax"); }
std::string min(Step& step) { return reduce(step, "ReduceMin"); }
std::string prod(Step& step) { return reduce(step, "ReduceProd"); }
std::string norm(Step& step) { return reduce(step, "ReduceL2"); }
std::string logsumexp(Step& step) { return reduce(step, "ReduceLogSumExp"); }

std::string along_axis(Step& step, const char* op) {
  return step.make(op, step.all_in(), {attribute("axis", step.attribute<std::int64_t>("axis"))});
}
/// a + w (b - a).
std::string lerp(Step& step) {
  const std::string way = step.make("Sub", {step.in(1), step.in(0)});
  return step.make("Add", {step.in(0), step.make("Mul", {step.in(2), way})});
}
/// c / scale · (d − c / 2) for the part c within ±delta of the difference d of two.
std::string huber_of_pair(Step& step) {
  const auto delta = step.attribute<double>("delta"), scale = step.attribute<double>("scale");
  const std::string apart = step.make("Sub", {step.in(0), step.in(1)}),
                    within = between(step, apart, -delta, delta);
  const std::string rest = step.make("Sub", {apart, step.make("Mul", {within, step.number(0.5)})});
  return step.make("Mul", {step.make("Mul", {within, step.number(1 / scale)}), rest});
}
/// t w log(1 + e⁻ˣ) + (1 − t) log(1 + eˣ).
std::string cross_entropy_of_logit(Step& step) {
  const std::string weight = step.make("Mul", {step.in(1), step.in(2)}),
                    rest = step.make("Sub", {step.number(1), step.in(1)});
  return step.make("Add",
                   {step.make("Mul", {weight, step.make("Softplus", {step.make("Neg", {step.in(0)})})}),
                    step.make("Mul", {rest, step.make("Softplus", {step.in(0)})})});
}
std::string softmax(Step& step) { return along_axis(step, "Softmax"); }
std::string log_softmax(Step& step) { return along_axis(step, "LogSoftmax"); }
std::string concatenate(Step& step) { return along_axis(step, "Concat"); }

std::string cumsum(Step& step) {
  const std::string axis = step.constant(tensor(step.attribute<std::int64_t>("axis")));
  return step.make("CumSum", {step.in(0), axis},
                   {attribute("reverse", std::int64_t{step.attribute<bool>("from_end")})});
}

std::string permute(Step& step) {
  return step.permuted(step.in(0), step.attribute<std::vector<std::int64_t>>("order"));
}
std::string reshape(Step& step) { return step.reshaped(step.in(0), step.shape()); }
std::string broadcast_to(Step& step) {
  return step.make("Expand", {step.in(0), step.integers(step.shape())});
}

/// A box: where it begins, with which steps, and how many elements of each axis it has.
struct Box {
  BatchSizes starts, sizes;
  std::vector<std::int64_t> steps;
  explicit Box(const Step& step)
      : starts(step.sizes("starts")),
        sizes(step.sizes("sizes")),
        steps(step.attribute<std::vector<std::int64_t>>("steps")) {}
};

std::string take_box(Step& step) {
  const Box box(step);
  const BatchSizes whole = step.in_shape(0);
  BatchSizes starts, ends;
  std::vector<std::int64_t> axes, steps;
  for (std::size_t axis = 0; axis < whole.size(); ++axis) {
    const std::int64_t by = box.steps[axis];
    if (box.starts[axis] == BatchSize{} && by == 1 && box.sizes[axis] == whole[axis]) continue;
    BatchSize end{box.starts[axis].per_sample + by * box.sizes[axis].per_sample,
                  box.starts[axis].fixed + by * box.sizes[axis].fixed};
    // From the end a slice goes beyond the first element, where a negative number would mean another one.
    if (by < 0 && end.per_sample == 0 && end.fixed < 0) end.fixed = std::numeric_limits<std::int64_t>::min();
    axes.push_back(static_cast<std::int64_t>(axis));
    steps.push_back(by);
    starts.push_back(box.starts[axis]);
    ends.push_back(end);
  }
  const std::string taken = axes.empty()
                                ? step.in(0)
                                : step.make("Slice", {step.in(0), step.integers(starts), step.integers(ends),
                                                      step.fixed_integers(axes), step.fixed_integers(steps)});
  return step.rank() == whole.size() ? taken : step.reshaped(taken, step.shape());
}

/// What is in the box, with zeros around it.
std::string put(Step& step, const std::string& inside) {
  const Box box(step);
  const BatchSizes whole = step.shape();
  for (const std::int64_t by : box.steps)
    if (by != 1) step.fail("it puts elements apart, for which ONNX has no operator");
  BatchSizes pads = box.starts;
  for (std::size_t axis = 0; axis < whole.size(); ++axis)
    pads.push_back({whole[axis].per_sample - box.starts[axis].per_sample - box.sizes[axis].per_sample,
                    whole[axis].fixed - box.starts[axis].fixed - box.sizes[axis].fixed});
  return step.make("Pad", {inside, step.integers(pads)});
}
std::string put_box(Step& step) { return put(step, step.reshaped(step.in(0), step.sizes("sizes"))); }

/// x outside of the box, the values inside.
std::string slice_update(Step& step) {
  const BatchSizes sizes = step.sizes("sizes");
  const std::string values = step.make("Expand", {step.in(1), step.integers(step.sizes("part"))});
  const std::string is_inside =
      put(step, step.make("Expand", {step.constant(tensor(1.F)), step.integers(sizes)}));
  const auto boolean = static_cast<std::int64_t>(ElementType::boolean);
  return step.make("Where", {step.make("Cast", {is_inside}, {attribute("to", boolean)}),
                             put(step, step.reshaped(values, sizes)), step.in(0)});
}

/// The last two axes exchanged.
std::string turned(Step& step, std::size_t input) {
  const std::size_t rank = step.in_rank(input);
  if (rank < 2) return step.in(input);
  std::vector<std::int64_t> order;
  for (std::size_t axis = 0; axis < rank; ++axis) order.push_back(static_cast<std::int64_t>(axis));
  std::swap(order[rank - 1], order[rank - 2]);
  return step.permuted(step.in(input), order);
}
std::string matmul(Step& step) {
  return step.make("MatMul", {step.attribute<bool>("transpose_a") ? turned(step, 0) : step.in(0),
                              step.attribute<bool>("transpose_b") ? turned(step, 1) : step.in(1)});
}
std::string linear(Step& step) {
  if (step.in_rank(0) == 2) return step.make("Gemm", step.all_in(), {attribute("transB", std::int64_t{1})});
  const std::string product = step.make("MatMul", {step.in(0), turned(step, 1)});
  return step.inputs() == 3 ? step.make("Add", {product, step.in(2)}) : product;
}

constexpr Written composed[] = {
    {"broadcast_to", broadcast_to},
    {"cast", cast},
    {"celu", celu},
    {"clamp", clamp},
    {"concatenate", concatenate},
    {"cross_entropy_of_logit", cross_entropy_of_logit},
    {"cumsum", cumsum},
    {"elu", elu},
    {"erfc", erfc},
    {"exp2", exp2},
    {"expm1", expm1},
    {"gaussian", gaussian},
    {"gelu", gelu},
    {"gelu_tanh", gelu_tanh},
    {"hardshrink", hardshrink},
    {"hardsigmoid", hardsigmoid},
    {"hardswish", hardswish},
    {"hardtanh", hardtanh},
    {"heaviside", heaviside},
    {"huber_of_pair", huber_of_pair},
    {"leaky_relu", leaky_relu},
    {"mish", mish},
    {"index", take_box},
    {"index_gradient", put_box},
    {"lerp", lerp},
    {"linear", linear},
    {"log10", log10},
    {"log1p", log1p},
    {"log2", log2},
    {"log_softmax", log_softmax},
    {"logaddexp", logaddexp},
    {"logsumexp", logsumexp},
    {"matmul", matmul},
    {"max", max},
    {"mean", mean},
    {"min", min},
    {"ndtr", ndtr},
    {"norm", norm},
    {"nan_to_num", nan_to_num},
    {"not_equal", not_equal},
    {"permute", permute},
    {"prelu", prelu},
    {"prod", prod},
    {"relu6", relu6},
    {"reshape", reshape},
    {"round_to_decimals", round_to_decimals},
    {"rsqrt", rsqrt},
    {"silu", silu},
    {"slice_update", slice_update},
    {"softmax", softmax},
    {"softshrink", softshrink},
    {"square", square},
    {"sum", sum},
    {"tanhshrink", tanhshrink},
    {"threshold", threshold},
    {"trunc", trunc},
};

}  // namespace

StepWriter find_writer(std::string_view operation) {
  if (std::ranges::find(renamed, operation, &Renamed::operation) != std::end(renamed)) return rename;
  for (const std::span<const Written> list : {std::span<const Written>(composed), written_networks()})
    for (const Written& each : list)
      if (each.operation == operation) return each.write;
  return nullptr;
}

}  // namespace chainrule::onnx
