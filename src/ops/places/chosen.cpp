// Elements at places that are a tensor, so that under vmap each sample may have its own. Places become those
// of all samples in one array; then places.h moves the elements.

#include "ops/batching.h"
#include "ops/data_movement.h"
#include "ops/places/places.h"

namespace chainrule::ops {
namespace {

/// Zeros, a vector, to which is added what comes for each place.
struct AddChosen {
  static constexpr bool integers = true;
  static constexpr std::string_view name = "add_chosen",
                                    formula = "the gradient at the places it was added to";
  std::int64_t size;
  Attributes attributes() const { return {{"size", size}}; }
  Array forward(Values in) const {
    return value_of(
        add_at(reshape(constant(*in[0]), {-1}), {1, size, 1, in[1]->reshaped({in[1]->size()})}, {size}));
  }
  Tensor batch(const Unwrapped& at) const;
  Tensor jvp(Inputs in, const Tensor&, Inputs tangents) const {
    return apply(AddChosen{size}, {}, Argument(tangents[0]), Argument(in[1]));
  }
  static std::int64_t flops(Inputs, const Shape&) { return 0; }
  Reads reads(Wanted) const { return reads_input(1); }
  void vjp(Inputs in, const Tensor&, const Tensor& g, Cotangents& to) const {
    if (to.wants(0)) to[0] = gather_places(g, in[1]);
  }
  LocalFormula local_formula(std::size_t, std::span<const std::string>, const std::string&) const {
    return {"g at its place", false};
  }
};

/// Of a vector.
struct Chosen {
  static constexpr bool any_dtype = true;  // the places have another one than the elements
  static constexpr std::string_view name = "chosen", formula = "the gradient added up at the places";
  Array forward(Values in) const {
    (void)checked_positions("gather", constant(*in[1]), in[0]->size(), "the elements", false);
    const NoGrad guard;
    return value_of(gather_flat(constant(*in[0]), *in[1]));
  }
  Tensor batch(const Unwrapped& at) const;
  static Tensor jvp(Inputs in, const Tensor&, Inputs tangents) { return gather_places(tangents[0], in[1]); }
  static std::int64_t flops(Inputs, const Shape&) { return 0; }
  Reads reads(Wanted) const { return reads_input(1); }
  void vjp(Inputs in, const Tensor&, const Tensor& g, Cotangents& to) const {
    if (to.wants(0)) to[0] = apply(AddChosen{in[0].size()}, {}, Argument(g), Argument(in[1]));
  }
  LocalFormula local_formula(std::size_t, std::span<const std::string>, const std::string&) const {
    return {"1 at its place, else 0", false};
  }
};

/// The places of each sample in a vector of all samples, of which each has `size` elements.
Tensor among_all(const Unwrapped& at, std::int64_t size) {
  const Shape ones = Shape::filled(at.rank(1), 1);
  return at.in[1] + reshape(arange(0, at.size) * size, with_first(at.size, ones));
}

Tensor Chosen::batch(const Unwrapped& at) const {
  if (!at.has(0)) return gather_places(at.in[0], at.in[1]);
  return gather_places(reshape(at.in[0], {at.in[0].size()}), among_all(at, at.shape(0).size()));
}

Tensor AddChosen::batch(const Unwrapped& at) const {
  const Tensor g = at.batched(0), places = among_all(at, size);
  const Tensor all = apply(AddChosen{at.size * size}, {}, Argument(g), Argument(places));
  return reshape(all, {at.size, size});
}

}  // namespace

Tensor numbers_of(const Tensor& x, std::function<Array(const Array&)> of_one,
                  std::function<Tensor(const Tensor&)> of_stack) {
  return apply(Numbers([of_one = std::move(of_one)](Values in) { return of_one(*in[0]); },
                       [of_stack = std::move(of_stack)](const Unwrapped& at) { return of_stack(at.in[0]); }),
               {}, Argument(x));
}

Tensor places_along(const Tensor& x, std::size_t axis, const FindPlaces& find) {
  if (!is_batched(x)) return constant(find(x, axis));
  return numbers_of(
      x, [find, axis](const Array& array) { return find(constant(array), axis); },
      [find, axis](const Tensor& stack) { return places_along(stack, axis + 1, find); });
}

Tensor numbers_of_rows(const Tensor& rows, const std::function<Array(const Array&)>& f) {
  if (!is_batched(rows)) return constant(f(value_of(rows)));
  return numbers_of(rows, f, [f](const Tensor& stack) { return numbers_of_rows(stack, f); });
}

Tensor gather_places(const Tensor& x, const Tensor& places) {
  const Tensor line = x.rank() == 1 ? x : reshape(x, {x.size()});
  return apply(Chosen{}, {}, Argument(line), Argument(places));
}

Tensor add_places(const Tensor& values, const Tensor& places, const Shape& shape) {
  // Small integers have met the places, which are int64.
  const Tensor sums = apply(AddChosen{shape.size()}, {}, Argument(values), Argument(places));
  return reshape(Operand(sums).as(values.dtype()), shape);
}

namespace {

/// Which of the values, by number, is put last at each of `size` places; -1 for none.
Tensor winners(const Tensor& places, std::int64_t size) {
  return numbers_of(
      places,
      [size](const Array& list) {
        Array found({size}, DType::int64);
        auto* const last = found.mutable_data<std::int64_t>();
        std::fill_n(last, size, -1);
        const auto* at = list.data<std::int64_t>();
        for (std::int64_t i = 0, n = list.size(); i < n; ++i) last[at[i]] = i;
        return found;
      },
      [size](const Tensor& stack) {  // as places in a row of all samples, and values in a row of theirs
        const std::int64_t samples = stack.shape()[0], count = samples == 0 ? 0 : stack.size() / samples;
        const Tensor number = reshape(arange(0, samples), {samples, 1});
        const Tensor all = winners(
            reshape(reshape(stack, {samples, count}) + number * size, {samples * count}), samples * size);
        const Tensor each = reshape(all, {samples, size});
        return where(each < 0, each, each - number * count);
      });
}

}  // namespace

Tensor put_places(const Tensor& x, const Tensor& places, const Tensor& values) {
  const Tensor last = reshape(winners(places, x.size()), x.shape());
  if (values.rank() == 0) return where(last < 0, x, values);
  return values.size() == 0 ? x : where(last < 0, x, gather_places(values, maximum(last, 0)));
}

}  // namespace chainrule::ops
