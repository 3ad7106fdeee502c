// A user's function of numbers, with a derivative of its own, as an operation that works element by element.
// Broadcasting is that of kernels/broadcast.h; the function itself is called through a pointer, element by
// element.

#include "chainrule/detail/custom_numbers.h"

#include <algorithm>

#include "autograd/total.h"
#include "graph/call_error.h"
#include "kernels/broadcast.h"
#include "ops/elementwise.h"

namespace chainrule {
namespace {

constexpr std::size_t most = detail::most_numbers + 2;

/// A user's function and its rule.
struct NumbersRule {
  std::shared_ptr<const detail::DefinitionBase> of;
  const detail::NumbersCalls* calls;

  const std::string& name() const { return of->name; }
  bool has_numbers() const { return calls->gradients != nullptr; }
  bool has_operations() const { return calls->gradients_of != nullptr; }
  double value(const double* x) const { return calls->value(*of, x); }
  /// What comes from above is 0 for many elements where a mask is above: these stay 0, as by the library's
  /// own rules.
  void gradients(const double* x, double y, double g, std::span<double> to) const {
    if (g == 0)
      std::ranges::fill(to, 0);
    else
      calls->gradients(*of, x, y, g, to.data());
  }
  /// The derivatives in operations: the rule is linear in g.
  std::vector<Tensor> slopes_of(Inputs in, const Tensor& y) const {
    return calls->gradients_of(*of, {in.begin(), in.end()}, y, ones_like(y));
  }
};

Shape common_shape(const NumbersRule& rule, Values in) {
  Shape shape;
  for (const Array* value : in) shape = broadcast(rule.name(), shape, value->shape());
  return shape;
}

/// body(numbers, place) for each element of arrays broadcast to `shape`; in order and in this thread, as what
/// the user's functions share is not known.
template <class T, class Body>
void for_each_element(const Shape& shape, Values in, const Body& body) {
  static const Shape scalar;
  std::array<const Shape*, most> shapes;
  shapes.fill(&scalar);
  std::array<const T*, most> from{};
  for (std::size_t k = 0; k < in.size(); ++k) {
    shapes[k] = &in[k]->shape();
    from[k] = static_cast<const T*>(in[k]->raw());
  }
  std::array<double, most> numbers{};
  const auto row = [&](auto at, const auto& offsets, const auto& strides, auto count) {
    for (std::int64_t i = 0; i < count; ++i) {
      for (std::size_t k = 0; k < in.size(); ++k)
        numbers[k] = static_cast<double>(from[k][offsets[k] + i * strides[k]]);
      body(numbers.data(), at + i);
    }
  };
  kernels::for_each_row<most>(shape, shapes, row, std::max<std::int64_t>(shape.size(), 1));
}

/// The gradient g ∂f/∂x_i from x..., y and g, where there is a rule in numbers only.
struct NumbersSlope {
  static constexpr std::string_view formula = "the rule in numbers";
  NumbersRule rule;
  std::size_t input;
  std::string_view name = rule.name();

  Attributes attributes() const {
    return {{"function", OpaqueAttribute(rule.of)}, {"input", as_attribute(input)}};
  }
  Array forward(Values in) const {
    const std::size_t count = in.size() - 2;
    const Shape shape = common_shape(rule, in);
    return dispatch_floating(in[0]->dtype(), [&]<class T>() {
      Array out(shape, in[0]->dtype());
      T* const to = out.mutable_data<T>();
      std::array<double, most> all{};
      for_each_element<T>(shape, in, [&](const double* x, std::int64_t at) {
        rule.gradients(x, x[count], x[count + 1], std::span(all).first(count));
        to[at] = static_cast<T>(all[input]);
      });
      return out;
    });
  }
  Reads reads(Wanted) const { return reads_everything & ~reads_output; }
  /// It is linear in g, the last; more is not known.
  void vjp(Inputs in, const Tensor&, const Tensor& g, Cotangents& to) const {
    for (std::size_t i = 0; i + 1 < in.size(); ++i)
      if (to.wants(i)) refuse();
    if (to.wants(in.size() - 1)) to[in.size() - 1] = ops::sum_to(along(in, g), in.back().shape());
  }
  Tensor jvp(Inputs in, const Tensor&, Inputs tangents) const {
    for (std::size_t i = 0; i + 1 < in.size(); ++i)
      if (!tangents[i].is_empty()) refuse();
    return along(in, tangents.back());
  }
  Tensor batch(const Unwrapped& at) const { return apply(NumbersSlope(*this), {}, at.all_aligned()); }
  LocalFormula local_formula(std::size_t, std::span<const std::string>, const std::string&) const {
    return {std::string(formula), false};
  }

 private:
  Tensor along(Inputs in, const Tensor& g) const {
    std::vector<Tensor> all(in.begin(), in.end());
    all.back() = g;
    return apply(NumbersSlope(*this), {}, all);
  }
  [[noreturn]] void refuse() const {
    throw GradError(rule.name() +
                    ": its rule is of numbers, so the derivative cannot be differentiated again; let it take "
                    "tensors, or numbers and tensors (auto), and be written in operations");
  }
};

/// f(x...), a user's function of numbers.
struct OfNumbers {
  static constexpr std::string_view formula = "a rule of the user's own";
  NumbersRule rule;
  std::string_view name = rule.name();

  Attributes attributes() const { return {{"function", OpaqueAttribute(rule.of)}}; }
  Array forward(Values in) const {
    return dispatch_floating(in[0]->dtype(), [&]<class T>() {
      std::array<double, most> x;
      if (are_scalars(in)) {
        for (std::size_t k = 0; k < in.size(); ++k) x[k] = static_cast<double>(in[k]->item<T>());
        return Array(static_cast<T>(rule.value(x.data())));
      }
      const Shape shape = common_shape(rule, in);
      Array out(shape, in[0]->dtype());
      T* const to = out.mutable_data<T>();
      for_each_element<T>(shape, in, [&](const double* numbers, std::int64_t at) {
        to[at] = static_cast<T>(rule.value(numbers));
      });
      return out;
    });
  }
  Reads reads(Wanted) const { return reads_everything; }
  void scalar_vjp(Inputs in, const Array& y, double g, Cotangents& to) const {
    std::array<double, most> x, all;
    dispatch_floating(y.dtype(), [&]<class T>() {
      for (std::size_t k = 0; k < in.size(); ++k) x[k] = static_cast<double>(ops::element<T>(in[k]));
      if (!rule.has_numbers()) return send_by_operations(in, constant(y), scalar(g, y.dtype()), to);
      rule.gradients(x.data(), static_cast<double>(y.item<T>()), g, std::span(all).first(in.size()));
      for (std::size_t k = 0; k < in.size(); ++k)
        if (to.wants(k)) to[k] = static_cast<double>(static_cast<T>(all[k]));
    });
  }
  void vjp(Inputs in, const Tensor& y, const Tensor& g, Cotangents& to) const {
    if (to.in_numbers() && rule.has_numbers()) return send_by_numbers(in, y, g, to);
    if (rule.has_operations()) return send_by_operations(in, y, g, to);
    for (std::size_t i = 0; i < in.size(); ++i)
      if (to.wants(i)) to[i] = ops::sum_to(slope(i, in, y, g), in[i].shape());
  }
  Tensor jvp(Inputs in, const Tensor& y, Inputs tangents) const {
    Tensor sum;
    for (std::size_t i = 0; i < in.size(); ++i) {
      if (tangents[i].is_empty()) continue;
      const Tensor t = broadcast_to(tangents[i], y.shape());
      const Tensor part = rule.has_operations() ? rule.slopes_of(in, y).at(i) : slope(i, in, y, t);
      if (part.is_empty()) continue;
      add_to(sum, rule.has_operations() ? strong_product(t, checked(part, y)) : part);
    }
    return sum;
  }
  Tensor batch(const Unwrapped& at) const { return apply(OfNumbers{rule}, {}, at.all_aligned()); }
  LocalFormula local_formula(std::size_t, std::span<const std::string>, const std::string&) const {
    return {"the rule of " + rule.name() + " for g", false};
  }

 private:
  static bool are_scalars(Values in) {
    for (const Array* each : in)
      if (each->shape().rank() != 0) return false;
    return true;
  }
  Tensor slope(std::size_t input, Inputs in, const Tensor& y, const Tensor& g) const {
    std::vector<Tensor> all(in.begin(), in.end());
    all.push_back(y);
    all.push_back(g);
    return apply(NumbersSlope{rule, input}, {}, all);
  }
  /// What the rule gives, stretched to the shape of the result where it gives fewer elements.
  Tensor checked(const Tensor& part, const Tensor& y) const {
    Tensor same = cast(part, y.dtype());
    if (same.shape() == y.shape()) return same;
    try {
      return broadcast_to(same, y.shape());
    } catch (const ShapeError&) {
      throw ShapeError(rule.name() + ": the rule gives " + to_string(part.shape()) +
                       " for a result of shape " + to_string(y.shape()) + "; it works element by element");
    }
  }
  void send_by_operations(Inputs in, const Tensor& y, const Tensor& g, Cotangents& to) const {
    const std::vector<Tensor> slopes = rule.slopes_of(in, y);
    for (std::size_t i = 0; i < in.size(); ++i)
      if (to.wants(i) && !slopes[i].is_empty())
        to[i] = ops::sum_to(strong_product(g, checked(slopes[i], y)), in[i].shape());
  }
  void send_by_numbers(Inputs in, const Tensor& y, const Tensor& g, Cotangents& to) const {
    std::vector<const Array*> values;
    for (const Tensor& each : in) values.push_back(&value_of(each));
    values.push_back(&value_of(y));
    values.push_back(&value_of(g));
    const std::size_t count = in.size();
    dispatch_floating(y.dtype(), [&]<class T>() {
      std::vector<Array> out;
      for (std::size_t k = 0; k < count; ++k) out.emplace_back(y.shape(), y.dtype());
      std::array<T*, most> parts{};
      for (std::size_t k = 0; k < count; ++k) parts[k] = out[k].template mutable_data<T>();
      std::array<double, most> all{};
      for_each_element<T>(y.shape(), values, [&](const double* x, std::int64_t at) {
        rule.gradients(x, x[count], x[count + 1], std::span(all).first(count));
        for (std::size_t k = 0; k < count; ++k) parts[k][at] = static_cast<T>(all[k]);
      });
      for (std::size_t k = 0; k < count; ++k)
        if (to.wants(k)) to[k] = ops::sum_to(constant(std::move(out[k])), in[k].shape());
    });
  }
};

/// The dtype in which the numbers meet, float32 or float64 if they are only stored otherwise.
DType dtype_of_all(std::span<const Operand> in) {
  if (in.size() == 1) return ops::real_dtype(ops::dtype_of(in[0]));
  ops::CommonDType common;
  for (const Operand& each : in) common.meet(each);
  return ops::real_dtype(common.result());
}

}  // namespace

Tensor detail::apply_to_numbers(std::shared_ptr<const DefinitionBase> definition, const NumbersCalls& calls,
                                std::span<const Operand> in) {
  for (const Operand& each : in)
    if (each.tensor() != nullptr && each.tensor()->is_empty()) [[unlikely]]
      throw GradError(definition->name +
                      ": an empty handle among the arguments; assign a tensor to it first");
  const DType dtype = dtype_of_all(in);
  const Here here = definition->here;
  OfNumbers op{{std::move(definition), &calls}};
  if (in.size() == 1) return apply(std::move(op), here, Argument(in[0], dtype));
  if (in.size() == 2) return apply(std::move(op), here, Argument(in[0], dtype), Argument(in[1], dtype));
  std::vector<Tensor> all;
  for (const Operand& each : in) all.push_back(each.as(dtype));
  return apply(std::move(op), here, all);
}

}  // namespace chainrule
