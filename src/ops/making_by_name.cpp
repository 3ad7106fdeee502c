// How tensors made from nothing, or changed in no element, are called by name.
// making.cpp makes them.

#include "chainrule/shaping.h"
#include "ops/registry.h"

namespace chainrule::ops {

/// Refuses what is larger than an expression should make.
static void require_few(Arguments& a, double count) {
  if (count > static_cast<double>(a.most_elements()))
    throw ShapeError(std::string(a.called()) + ": more than " + std::to_string(a.most_elements()) +
                     " elements; ask for fewer");
}

/// The first argument as a tensor, also where it is a number.
static Tensor first_in_dtype(Arguments& a, std::size_t i) {
  return a.given(i) ? cast(a.tensor(0), a.dtype(i)) : a.tensor(0);
}

static Result identity(Arguments& a) {
  const std::int64_t rows = a.shape(0).size(), columns = a.given(1) ? a.shape(1).size() : rows;
  require_few(a, static_cast<double>(rows) * static_cast<double>(columns));
  return eye(rows, columns, a.dtype_of_new(2));
}

static Result stepped(Arguments& a) {
  const double start = a.given(1) ? a.number(0) : 0, stop = a.number(a.given(1) ? 1 : 0), step = a.number(2);
  if (step != 0) require_few(a, (stop - start) / step);
  return arange(start, stop, step, a.dtype_of_new(3));
}

static Result spaced(Arguments& a) {
  const std::int64_t count = a.shape(2).size();
  return linspace(a.number(0), a.number(1), count, a.dtype_of_new(3));
}

Entries making_operations() {
  static constexpr Entry table[] = {
      {.name = "array",
       .parameters = "x|object, dtype=None",
       .call = [](Arguments& a) -> Result { return first_in_dtype(a, 1); },
       .formula = "the same tensor",
       .aliases = "tensor",
       .example = "array([1, 2])",
       .weak = false},
      {.name = "detach",
       .parameters = one_input,
       .call = [](Arguments& a) -> Result { return a.tensor(0).detach(); },
       .formula = "the same value, no gradient",
       .aliases = "stop_gradient",
       .example = "detach([1, 2])"},
      {.name = "zeros_like",
       .parameters = "x|a|input, dtype=None",
       .call = [](Arguments& a) -> Result { return zeros_like(first_in_dtype(a, 1)); },
       .formula = "no gradient",
       .example = "zeros_like([1, 2])",
       .differentiable = false},
      {.name = "ones_like",
       .parameters = "x|a|input, dtype=None",
       .call = [](Arguments& a) -> Result { return ones_like(first_in_dtype(a, 1)); },
       .formula = "no gradient",
       .example = "ones_like([1, 2])",
       .differentiable = false},
      {.name = "zeros",
       .parameters = "*shape|size, dtype=None",
       .call = [](Arguments& a) -> Result { return zeros(a.shape(0), a.dtype_of_new(1)); },
       .formula = "no gradient",
       .example = "zeros(2, 3)",
       .differentiable = false,
       .weak = false},
      {.name = "ones",
       .parameters = "*shape|size, dtype=None",
       .call = [](Arguments& a) -> Result { return ones(a.shape(0), a.dtype_of_new(1)); },
       .formula = "no gradient",
       .example = "ones(2, 3)",
       .differentiable = false,
       .weak = false},
      {.name = "full",
       .parameters = "shape|size, value|fill_value, dtype=None",
       .call = [](Arguments& a) -> Result { return full(a.shape(0), a.number(1), a.dtype_of_new(2)); },
       .formula = "no gradient",
       .example = "full((2, 3), 7)",
       .differentiable = false,
       .weak = false},
      {.name = "eye",
       .parameters = "n|N, columns|m|M=None, dtype=None",
       .call = identity,
       .formula = "no gradient",
       .aliases = "identity",
       .example = "eye(2)",
       .differentiable = false,
       .weak = false},
      {.name = "arange",
       .parameters = "start, stop|end=None, step=1, dtype=None",
       .call = stepped,
       .formula = "no gradient",
       .example = "arange(3)",
       .differentiable = false,
       .weak = false},
      {.name = "linspace",
       .parameters = "start, stop|end, count|num|steps=50, dtype=None",
       .call = spaced,
       .formula = "no gradient",
       .example = "linspace(0, 1, 5)",
       .differentiable = false,
       .weak = false},
      {.name = "full_like",
       .parameters = "x|a|input, value|fill_value, dtype=None",
       .call = [](Arguments& a) -> Result { return full_like(first_in_dtype(a, 2), a.number(1)); },
       .formula = "no gradient",
       .example = "full_like([1, 2], 7)",
       .differentiable = false},
      {.name = "logspace",
       .parameters = "start, stop|end, count|num|steps=50, base=10, dtype=None",
       .call = [](Arguments& a) -> Result {
         return logspace(a.number(0), a.number(1), a.shape(2).size(), a.number(3), a.dtype_of_new(4));
       },
       .formula = "no gradient",
       .example = "logspace(0, 2, 3)",
       .differentiable = false,
       .weak = false},
      {.name = "rand",
       .parameters = "*shape|size, dtype=None",
       .call = [](Arguments& a) -> Result { return rand(a.shape(0), a.random(), a.dtype_of_new(1)); },
       .formula = "no gradient",
       .example = "rand(2)",
       .differentiable = false,
       .weak = false},
      {.name = "randn",
       .parameters = "*shape|size, dtype=None",
       .call = [](Arguments& a) -> Result { return randn(a.shape(0), a.random(), a.dtype_of_new(1)); },
       .formula = "no gradient",
       .example = "randn(2)",
       .differentiable = false,
       .weak = false},
  };
  return table;
}

}  // namespace chainrule::ops
