// map: a user's formula as one node, its derivative as another that evaluates it on dual numbers, and the
// derivative of that. Orders beyond evaluate the formula on tensors.

#include "chainrule/map.h"

#include "chainrule/detail/trace.h"
#include "chainrule/transforms.h"

#include <functional>

#include "autograd/total.h"
#include "graph/call_error.h"
#include "kernels/broadcast.h"
#include "kernels/pack_calls.h"
#include "kernels/repeated.h"
#include "ops/elementwise.h"
#include "ops/registry.h"

namespace chainrule {
namespace ops {
namespace {

using detail::MapFunction;
constexpr std::size_t most = 2 * detail::map_operands + 1;

static_assert(most <= kernels::most_strided);
using Loop = MapFunction::Loop MapFunction::Loops::*;

/// Runs one of a function's loops over operands broadcast to `shape`. Outputs are contiguous, of that shape.
void run(const MapFunction& function, Loop loop, const Shape& shape, std::span<const Array* const> in,
         std::span<void* const> out) {
  static const Shape scalar;
  std::array<const Shape*, most> shapes;
  shapes.fill(&scalar);
  for (std::size_t k = 0; k < in.size(); ++k) shapes[k] = &in[k]->shape();
  dispatch_floating(in[0]->dtype(), [&]<class T>() {
    kernels::for_each_row<most>(shape, shapes, [&](auto at, auto& offsets, auto& strides, auto n) {
      std::array<kernels::Strided, most> operands{};
      for (std::size_t k = 0; k < in.size(); ++k)
        operands[k] = {static_cast<const T*>(in[k]->raw()) + offsets[k], strides[k]};
      std::array<void*, most> outputs{};
      for (std::size_t k = 0; k < out.size(); ++k) outputs[k] = static_cast<T*>(out[k]) + at;
      kernels::run_in_packs<T>(function.loops(in[0]->dtype()).*loop, function.formula(), n,
                               std::span(operands).first(in.size()), std::span(outputs).first(out.size()));
    });
  });
}

Shape common_shape(std::span<const Array* const> values) {
  Shape shape;
  for (const Array* value : values) shape = broadcast("map", shape, value->shape());
  return shape;
}

/// Runs loops of as many outputs as there are inputs, and sends each input its own.
void send(const MapFunction& function, Loop loop, const Shape& shape, Inputs in,
          std::initializer_list<std::span<const Tensor>> more, Cotangents& to) {
  std::vector<const Array*> values;
  for (const Tensor& tensor : in) values.push_back(&value_of(tensor));
  std::vector<Array> parts_of_more;  // what comes from a sum repeats a number, which need not be spelt out
  for (const auto& tensors : more)
    for (const Tensor& tensor : tensors) {
      const Array& value = value_of(tensor);
      parts_of_more.push_back(kernels::repeated_part(value).value_or(value));
    }
  for (const Array& part : parts_of_more) values.push_back(&part);
  std::vector<Array> out;
  for (std::size_t k = 0; k < in.size(); ++k) out.emplace_back(shape, values[0]->dtype());
  std::vector<void*> parts;
  parts.reserve(out.size());
  for (Array& part : out) parts.push_back(part.mutable_raw());
  run(function, loop, shape, values, parts);
  for (std::size_t k = 0; k < in.size(); ++k)
    if (to.wants(k)) to[k] = sum_to(constant(std::move(out[k])), in[k].shape());
}

constexpr const char* text = "the derivatives of the lambda, on dual numbers";

/// A function of variables, as operations on tensors.
using Composed = std::function<Tensor(std::span<const Tensor>)>;

/// The K gradients g ∂f/∂xᵢ as one array (K, ...), of x... and g.
Tensor gradients_on_tensors(const MapFunction& function, std::span<const Tensor> x_g) {
  const Tensor& g = x_g.back();
  std::vector<Tensor> x;
  for (const Tensor& each : x_g.first(x_g.size() - 1)) x.push_back(broadcast_to(each, g.shape()));
  const Tensor y = cast(broadcast_to(function.on_tensors(x), g.shape()), g.dtype());
  const Gradients found = gradients(y, x, {.seed = g, .create_graph = true});
  for (Tensor& each : x) each = found.at(each);
  return stack(x);
}

/// What a function of variables gives of tensors that are traced by a transform.
Tensor on_variables(const Composed& function, std::span<const Tensor> in) {
  const NoGrad recording(false);
  std::vector<Tensor> variables;
  for (const Tensor& each : in)
    variables.push_back(each.requires_grad() ? detail::stand_in(each) : variable(each));
  return function(variables);
}

/// The K gradients g ∂f/∂xᵢ as one array (K, ...), from the inputs x... and g: what map's derivative is
/// made of when it is to be differentiated again.
struct MapGradient {
  static constexpr std::string_view name = "map_gradient", formula = text;
  std::shared_ptr<const MapFunction> function;

  Attributes attributes() const { return {{"function", OpaqueAttribute(function)}}; }
  Array forward(Values in) const {
    const Shape shape = common_shape(in);
    const std::size_t count = in.size() - 1;
    Array out(with_first(static_cast<std::int64_t>(count), shape), in[0]->dtype());
    std::vector<void*> parts;
    auto* bytes = static_cast<std::byte*>(out.mutable_raw());
    for (std::size_t k = 0; k < count; ++k) parts.push_back(bytes + k * out.byte_count() / count);
    run(*function, &MapFunction::Loops::gradient, shape, in, parts);
    return out;
  }
  Tensor composed(Inputs in) const {
    return on_variables([this](auto x_g) { return gradients_on_tensors(*function, x_g); }, in);
  }
  Reads reads(Wanted) const { return reads_everything & ~reads_output; }
  void vjp(Inputs in, const Tensor& out, const Tensor& c, Cotangents& to) const {
    if (!to.in_numbers()) {  // beyond dual numbers, operations on tensors
      const auto on_tensors = [this](const std::vector<Tensor>& x_g) {
        return gradients_on_tensors(*function, x_g);
      };
      const auto found = chainrule::vjp(on_tensors, std::vector<Tensor>(in.begin(), in.end())).pull_back(c);
      for (std::size_t k = 0; k < in.size(); ++k)
        if (to.wants(k)) to[k] = found[k];
      return;
    }
    std::vector<Tensor> directions;
    for (std::size_t k = 0; k + 1 < in.size(); ++k) directions.push_back(c[static_cast<std::int64_t>(k)]);
    send(*function, &MapFunction::Loops::second, Shape(out.shape().sizes().subspan(1)), in, {directions}, to);
  }
  LocalFormula local_formula(std::size_t, std::span<const std::string>, const std::string&) const {
    return {text, false};
  }
};

/// f(x...), one lambda as one node.
struct Map {
  static constexpr std::string_view name = "map", formula = text;
  std::shared_ptr<const MapFunction> function;

  Attributes attributes() const { return {{"function", OpaqueAttribute(function)}}; }
  Array forward(Values in) const {
    const Shape shape = common_shape(in);
    Array out(shape, in[0]->dtype());
    std::array<void*, 1> part = {out.mutable_raw()};
    run(*function, &MapFunction::Loops::value, shape, in, part);
    return out;
  }
  Tensor batch(const Unwrapped& at) const { return apply(Map{function}, {}, at.all_aligned()); }
  Tensor jvp(Inputs in, const Tensor& out, Inputs tangents) const {
    const Tensor ones = ones_like(out);
    std::vector<Tensor> inputs(in.begin(), in.end());
    inputs.push_back(ones);
    const Tensor slopes = apply(MapGradient{function}, {}, inputs);
    Tensor sum;
    for (std::size_t k = 0; k < in.size(); ++k) {
      if (tangents[k].is_empty()) continue;
      add_to(sum, strong_product(tangents[k], slopes[static_cast<std::int64_t>(k)]));
    }
    return sum;
  }
  Reads reads(Wanted) const { return reads_everything & ~reads_output; }
  void vjp(Inputs in, const Tensor& out, const Tensor& g, Cotangents& to) const {
    if (to.in_numbers())
      return send(*function, &MapFunction::Loops::gradient, out.shape(), in, {std::span(&g, 1)}, to);
    std::vector<Tensor> inputs(in.begin(), in.end());
    inputs.push_back(g);
    const Tensor all = apply(MapGradient{function}, Here::now(), inputs);
    for (std::size_t k = 0; k < in.size(); ++k)
      if (to.wants(k)) to[k] = sum_to(all[static_cast<std::int64_t>(k)], in[k].shape());
  }
  LocalFormula local_formula(std::size_t, std::span<const std::string>, const std::string&) const {
    return {text, false};
  }
};

}  // namespace

// People meet the others as map's derivatives only.
Entries map_operations() {
  static constexpr Entry table[] = {
      inner<Map>(),
  };
  return table;
}

}  // namespace ops

Tensor detail::map(std::shared_ptr<const MapFunction> function, std::span<const Operand> x) try {
  DType dtype = DType::boolean;
  bool any_tensor = false;
  for (const auto& operand : x)
    if (operand.tensor() != nullptr) {
      dtype = promote(dtype, operand.tensor()->dtype());
      any_tensor = true;
    }
  if (!any_tensor || !is_floating(dtype)) dtype = default_dtype();
  std::vector<Tensor> inputs;
  for (const auto& operand : x) inputs.push_back(operand.as(dtype));
  return apply(ops::Map{std::move(function)}, x[0].here(), inputs);
} catch (...) {
  std::vector<const Tensor*> tensors;
  for (const auto& operand : x) tensors.push_back(operand.tensor());
  rethrow_in_call("map", x[0].here(), std::span<const Tensor* const>(tensors));
}

}  // namespace chainrule
