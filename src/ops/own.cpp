// Operations of the user's own as operations of the library: one struct that stands for any of them, and
// calls what chainrule/operation.h describes.

#include "chainrule/operation.h"

#include <optional>

#include "graph/apply.h"
#include "graph/reading.h"

namespace chainrule {
namespace {

struct Own {
  std::shared_ptr<const detail::AnyOperation> op;
  DType dtype;
  std::string_view name = op->name(), formula = op->formula();

  Attributes attributes() const { return {{"operation", OpaqueAttribute(op)}, {"dtype", to_string(dtype)}}; }
  Array forward(Values in) const {
    std::vector<Tensor> tensors;
    for (const Array* value : in) tensors.push_back(constant(*value));
    Array out = new_array(name, op->shape(tensors), dtype);
    dispatch_floating(dtype, [&]<class T>() {
      op->forward(tensors, std::span(out.mutable_data<T>(), static_cast<std::size_t>(out.size())));
    });
    return out;
  }
  Reads reads(Wanted) const { return reads_everything; }
  void vjp(Inputs in, const Tensor& y, const Tensor& g, Cotangents& to) const {
    std::vector<bool> wanted;
    for (std::size_t i = 0; i < in.size(); ++i) wanted.push_back(is_floating(in[i].dtype()) && to.wants(i));
    InputGradients given(wanted);
    {
      std::optional<NumbersRefused> refused;
      if (!recording_mode.off)
        refused.emplace(std::string(name) +
                        ": its derivative is to be differentiated, but reads elements as numbers; write vjp "
                        "in operations");
      op->vjp(in, y, g, given);
    }
    for (std::size_t i = 0; i < in.size(); ++i) {
      if (!wanted[i] || given[i].is_empty()) continue;
      if (given[i].shape() != in[i].shape())
        throw ShapeError(std::string(name) + ": vjp gives " + to_string(given[i].shape()) + " for input " +
                         std::to_string(i) + " of shape " + to_string(in[i].shape()) +
                         "; they must be equal");
      to[i] = cast(given[i], in[i].dtype());
    }
  }
  Tensor jvp(Inputs in, const Tensor& y, Inputs tangents) const {
    std::vector<Tensor> all(tangents.begin(), tangents.end());
    for (std::size_t i = 0; i < in.size(); ++i)
      if (all[i].is_empty()) all[i] = zeros_like(in[i]);
    if (Tensor tangent = op->jvp(in, y, all); !tangent.is_empty()) {
      if (tangent.shape() == y.shape()) return tangent;
      throw ShapeError(std::string(name) + ": jvp gives " + to_string(tangent.shape()) +
                       " for a result of shape " + to_string(y.shape()) + "; they must be equal");
    }
    return pushed_through(y, in, tangents, [&](const Tensor& v, Cotangents& to) { vjp(in, y, v, to); });
  }
  Tensor batch(const Unwrapped& at) const {
    BatchedInputs samples{at.in, {}, at.size};
    for (std::size_t i = 0; i < at.in.size(); ++i) samples.differ.push_back(at.has(i));
    if (Tensor all = op->batch(samples); !all.is_empty()) {
      if (all.rank() > 0 && all.shape()[0] == at.size) return all;
      throw ShapeError(std::string(name) + ": batch gives " + to_string(all.shape()) + " for " +
                       std::to_string(at.size) + " samples; they must be along axis 0");
    }
    return at.one_by_one(name,
                         [&](const std::vector<Tensor>& sample) { return apply(Own(*this), {}, sample); });
  }
  LocalFormula local_formula(std::size_t, std::span<const std::string>, const std::string&) const {
    return {std::string(formula), false};
  }
};

bool is_floating_tensor(const Operand& operand) {
  return operand.tensor() != nullptr && is_floating(operand.dtype());
}

/// The dtype in which floating tensors meet, bool where there are none.
DType common(std::span<const Operand> in) {
  DType dtype = DType::boolean;
  for (const Operand& operand : in)
    if (is_floating_tensor(operand)) dtype = promote(dtype, operand.dtype());
  return dtype;
}

}  // namespace

Tensor detail::apply_operation(std::shared_ptr<const AnyOperation> op, std::span<const Operand> in) {
  const std::string name(op->name());
  if (in.empty()) throw ShapeError(name + ": no inputs; an operation has at least one");
  try {
    const DType floats = common(in), dtype = is_floating(floats) ? floats : default_dtype();
    std::vector<Tensor> inputs;
    for (const Operand& each : in) {
      const bool stays = is_floating(floats) && each.tensor() != nullptr && !is_floating_tensor(each);
      inputs.push_back(each.as(stays ? each.dtype() : dtype));
    }
    return apply(Own{std::move(op), computed_in(dtype)}, in.front().here(), inputs);
  } catch (...) {
    std::vector<const Tensor*> named;
    for (const Operand& each : in) named.push_back(each.tensor());
    rethrow_in_call(name, in.front().here(), named);
  }
}

}  // namespace chainrule
