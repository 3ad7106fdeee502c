// Casts between dtypes, by cast(x, dtype) and by a function of each dtype's name.
// kernels/cast.h converts; a gradient is cast back.

#include "kernels/cast.h"

#include "graph/apply.h"
#include "ops/registry.h"

namespace chainrule {
namespace ops {

struct Cast {
  static constexpr std::string_view name = "cast", formula = "∂cast(x)/∂x = 1, in x's dtype";
  static constexpr bool any_dtype = true;
  DType dtype;
  Attributes attributes() const { return {{"dtype", to_string(dtype)}}; }
  Array forward(Values in) const { return kernels::cast(*in[0], dtype); }
  Tensor batch(const Unwrapped& at) const { return apply(Cast{dtype}, {}, Argument(at.in[0])); }
  Tensor jvp(Inputs, const Tensor&, Inputs tangents) const {
    return is_floating(dtype) ? cast(tangents[0], dtype) : Tensor();
  }
  Reads reads(Wanted) const { return 0; }
  void vjp(Inputs in, const Tensor&, const Tensor& g, Cotangents& to) const {
    if (to.wants(0)) to[0] = cast(g, in[0].dtype());
  }
  LocalFormula local_formula(std::size_t, std::span<const std::string>, const std::string&) const {
    return {"1"};
  }
};

/// A function that casts to this dtype, of which the names and texts are given.
template <DType to>
static constexpr Entry casting(Entry given) {
  given.parameters = "x";
  given.call = [](Arguments& a) -> Result { return cast(a[0], to); };
  given.differentiable = is_floating(to);
  given.weak = false;
  return given;
}

Entries cast_operations() {
  static constexpr Entry table[] = {
      {.name = Cast::name,
       .parameters = "x|input, dtype",
       .call = [](Arguments& a) -> Result { return cast(a[0], a.dtype(1)); },
       .formula = Cast::formula,
       .aliases = "astype",
       .example = "cast([1.5, 2], int64)",
       .note = "floats become integers by truncation",
       .weak = false},
      casting<DType::boolean>({.name = "bool", .formula = "no gradient", .example = "bool([0, 1, -2.5])"}),
      casting<DType::uint8>(
          {.name = "uint8", .formula = "no gradient", .aliases = "byte", .example = "uint8([1.7, 255])"}),
      casting<DType::int32>({.name = "int32", .formula = "no gradient", .example = "int32([1.7, -1.7])"}),
      casting<DType::int64>({.name = "int64",
                             .formula = "no gradient",
                             .aliases = "int long",
                             .example = "int64([1.7, -1.7])"}),
      casting<DType::float16>(
          {.name = "float16", .formula = "as cast", .aliases = "half", .example = "float16([1 / 3, 2])"}),
      casting<DType::bfloat16>({.name = "bfloat16", .formula = "as cast", .example = "bfloat16([1 / 3, 2])"}),
      casting<DType::float32>({.name = "float32", .formula = "as cast", .example = "float32([1 / 3, 2])"}),
      casting<DType::float64>(
          {.name = "float64", .formula = "as cast", .aliases = "double", .example = "float64([1 / 3, 2])"}),
      {.name = "float",
       .parameters = "x",
       .call = [](Arguments& a) -> Result { return cast(a[0], a.default_dtype()); },
       .formula = "as cast",
       .example = "float([1, 2])",
       .note = "the dtype of lists",
       .weak = false},
  };
  return table;
}

}  // namespace ops

Tensor cast(const Operand& x, DType dtype) {
  if (x.dtype() == dtype) return x.as_tensor();
  return apply(ops::Cast{dtype}, x.here(), Argument(x, x.dtype()));
}

}  // namespace chainrule
