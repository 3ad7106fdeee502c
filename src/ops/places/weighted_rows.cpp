// The three forms of Σ values[p, c] weights[p, k] rows[places[p, k], c]: the derivative of each along one of
// its inputs is another one.

#include "ops/places/weighted_rows.h"

#include "kernels/copy.h"
#include "kernels/weighted_rows.h"
#include "ops/batching.h"
#include "ops/data_movement.h"
#include "ops/registry.h"

namespace chainrule::ops {
namespace {

/// What the three have in common: the last input is the places.
struct OfWeightedRows {
  static constexpr bool any_dtype = true;  // the places have another one than the elements
  Reads reads(Wanted wanted) const {
    return (wanted(0) ? reads_input(1) : 0) | (wanted(1) ? reads_input(0) : 0) | reads_input(2);
  }
  LocalFormula local_formula(std::size_t, std::span<const std::string>, const std::string&) const {
    return {"the other two by places", false};
  }
  static kernels::WeightedRows raw(const Array& places, std::int64_t width) {
    return {places.data<std::int64_t>(), places.shape()[0], places.shape()[1], width};
  }
  /// In a stack of rows of all samples, of `count` each, where one sample's are.
  static Tensor places_in_stack(const Unwrapped& at, std::int64_t count) {
    const Tensor places = at.batched(2);
    const Tensor stacked =
        where(places < 0, places, places + reshape(arange(0, at.size) * count, {-1, 1, 1}));
    return reshape(stacked, {at.size * places.shape()[1], places.shape()[2]});
  }
  /// A stack of matrices as one.
  static Tensor as_one(const Tensor& stack) {
    return reshape(stack, {stack.shape()[0] * stack.shape()[1], stack.shape()[2]});
  }
};

/// (P, C) of rows and weights.
struct SumRows : OfWeightedRows {
  static constexpr std::string_view name = "weighted_rows",
                                    formula =
                                        "to the rows the gradient by the weights; to the weights g · row";
  static Array forward(Values in) {
    Array out({in[1]->shape()[0], in[0]->shape()[1]}, in[0]->dtype());
    if (out.size() != 0)
      dispatch_floating(out.dtype(), [&]<class T>() {
        kernels::sum_rows(raw(*in[2], out.shape()[1]), in[0]->data<T>(), in[1]->data<T>(),
                          out.mutable_data<T>());
      });
    return out;
  }
  static Tensor batch(const Unwrapped& at) {
    const Tensor rows = at.batched(0), weights = at.batched(1);
    const Tensor all = weighted_rows(as_one(rows), as_one(weights), places_in_stack(at, rows.shape()[1]));
    return reshape(all, {at.size, weights.shape()[1], rows.shape()[2]});
  }
  static std::int64_t flops(Inputs in, const Shape& out) { return 2 * out.size() * in[1].shape()[1]; }
  static void vjp(Inputs in, const Tensor&, const Tensor& g, Cotangents& to) {
    if (to.wants(0)) to[0] = add_to_rows(g, in[1], in[2], in[0].shape()[0]);
    if (to.wants(1)) to[1] = dot_rows(in[0], g, in[2]);
  }
};

/// (R, C) of values (P, C) and weights.
struct AddToRows : OfWeightedRows {
  static constexpr std::string_view
      name = "add_to_rows",
      formula = "to the values the rows of g by the weights; to the weights g · value";
  std::int64_t count;
  Attributes attributes() const { return {{"count", count}}; }
  Array forward(Values in) const {
    const std::int64_t width = in[0]->shape()[1];
    Array out = kernels::zeros({count, width}, in[0]->dtype());
    if (out.size() != 0 && in[1]->size() != 0)
      dispatch_floating(out.dtype(), [&]<class T>() {
        kernels::add_to_rows(raw(*in[2], width), in[0]->data<T>(), in[1]->data<T>(), out.mutable_data<T>());
      });
    return out;
  }
  Tensor batch(const Unwrapped& at) const {
    const Tensor values = at.batched(0);
    const Tensor all =
        add_to_rows(as_one(values), as_one(at.batched(1)), places_in_stack(at, count), at.size * count);
    return reshape(all, {at.size, count, values.shape()[2]});
  }
  static std::int64_t flops(Inputs in, const Shape&) { return 2 * in[0].shape().size() * in[1].shape()[1]; }
  static void vjp(Inputs in, const Tensor&, const Tensor& g, Cotangents& to) {
    if (to.wants(0)) to[0] = weighted_rows(g, in[1], in[2]);
    if (to.wants(1)) to[1] = dot_rows(g, in[0], in[2]);
  }
};

/// (P, K) of rows and values (P, C).
struct DotRows : OfWeightedRows {
  static constexpr std::string_view name = "dot_rows",
                                    formula = "to the rows the values by g; to the values the rows by g";
  static Array forward(Values in) {
    Array out = kernels::zeros(in[2]->shape(), in[0]->dtype());
    if (out.size() != 0)
      dispatch_floating(out.dtype(), [&]<class T>() {
        kernels::dot_rows(raw(*in[2], in[0]->shape()[1]), in[0]->data<T>(), in[1]->data<T>(),
                          out.mutable_data<T>());
      });
    return out;
  }
  static Tensor batch(const Unwrapped& at) {
    const Tensor rows = at.batched(0), values = at.batched(1), places = places_in_stack(at, rows.shape()[1]);
    return reshape(dot_rows(as_one(rows), as_one(values), places),
                   {at.size, values.shape()[1], places.shape()[1]});
  }
  static std::int64_t flops(Inputs in, const Shape& out) { return 2 * out.size() * in[0].shape()[1]; }
  static void vjp(Inputs in, const Tensor&, const Tensor& g, Cotangents& to) {
    if (to.wants(0)) to[0] = add_to_rows(in[1], g, in[2], in[0].shape()[0]);
    if (to.wants(1)) to[1] = weighted_rows(in[0], g, in[2]);
  }
};

}  // namespace

Tensor weighted_rows(const Tensor& rows, const Tensor& weights, const Tensor& places, Here here) {
  return apply(SumRows{}, here, Argument(rows), Argument(weights), Argument(places));
}
Tensor add_to_rows(const Tensor& values, const Tensor& weights, const Tensor& places, std::int64_t count) {
  return apply(AddToRows{{}, count}, {}, Argument(values), Argument(weights), Argument(places));
}
Tensor dot_rows(const Tensor& rows, const Tensor& values, const Tensor& places) {
  return apply(DotRows{}, {}, Argument(rows), Argument(values), Argument(places));
}

Entries weighted_row_operations() {
  static constexpr Entry table[] = {inner<SumRows>(), inner<AddToRows>(), inner<DotRows>()};
  return table;
}

}  // namespace chainrule::ops
