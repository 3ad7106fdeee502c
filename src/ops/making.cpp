// How tensors that are made from nothing, or changed in no element, are called by name. (The functions are in
// array, graph and random.)

#include "ops/registry.h"

namespace chainrule::ops {

static Result identity(Arguments& a) {
  const std::int64_t n = a.shape(0).size(), most = a.most_elements();
  if (n > 0 && n > most / n)
    throw ShapeError("eye: " + std::to_string(n) + " rows have more than " + std::to_string(most) +
                     " elements");
  std::vector<double> elements(static_cast<std::size_t>(n * n));
  for (std::size_t i = 0; i < elements.size(); i += static_cast<std::size_t>(n) + 1) elements[i] = 1;
  return cast(tensor(elements, {n, n}), a.default_dtype());
}

static Result counted(Arguments& a) {
  const std::int64_t start = a.given(1) ? a.integer(0) : 0, stop = a.integer(a.given(1) ? 1 : 0);
  const auto length = static_cast<std::uint64_t>(stop) - static_cast<std::uint64_t>(start);
  const std::int64_t most = a.most_elements();
  if (stop > start && length > static_cast<std::uint64_t>(most))
    throw ShapeError("arange: from " + std::to_string(start) + " to " + std::to_string(stop) +
                     " are more than " + std::to_string(most) + " elements");
  return arange(start, stop, a.default_dtype());
}

static Result spaced(Arguments& a) {
  const std::int64_t count = a.shape(2).size();
  return linspace(a.number(0), a.number(1), count, a.default_dtype());
}

Entries making_operations() {
  static constexpr Entry table[] = {
      {.name = "array",
       .parameters = "x|object",
       .call = [](Arguments& a) -> Result { return a.tensor(0); },
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
       .parameters = "x|a|input",
       .call = [](Arguments& a) -> Result { return zeros_like(a.tensor(0)); },
       .formula = "no gradient",
       .example = "zeros_like([1, 2])",
       .differentiable = false},
      {.name = "ones_like",
       .parameters = "x|a|input",
       .call = [](Arguments& a) -> Result { return ones_like(a.tensor(0)); },
       .formula = "no gradient",
       .example = "ones_like([1, 2])",
       .differentiable = false},
      {.name = "zeros",
       .parameters = "*shape|size",
       .call = [](Arguments& a) -> Result { return zeros(a.shape(0), a.default_dtype()); },
       .formula = "no gradient",
       .example = "zeros(2, 3)",
       .differentiable = false,
       .weak = false},
      {.name = "ones",
       .parameters = "*shape|size",
       .call = [](Arguments& a) -> Result { return ones(a.shape(0), a.default_dtype()); },
       .formula = "no gradient",
       .example = "ones(2, 3)",
       .differentiable = false,
       .weak = false},
      {.name = "full",
       .parameters = "shape|size, value|fill_value",
       .call = [](Arguments& a) -> Result { return full(a.shape(0), a.number(1), a.default_dtype()); },
       .formula = "no gradient",
       .example = "full((2, 3), 7)",
       .differentiable = false,
       .weak = false},
      {.name = "eye",
       .parameters = "n",
       .call = identity,
       .formula = "no gradient",
       .aliases = "identity",
       .example = "eye(2)",
       .differentiable = false,
       .weak = false},
      {.name = "arange",
       .parameters = "start, stop|end=None",
       .call = counted,
       .formula = "no gradient",
       .example = "arange(3)",
       .differentiable = false,
       .weak = false},
      {.name = "linspace",
       .parameters = "start, stop|end, count|num|steps=50",
       .call = spaced,
       .formula = "no gradient",
       .example = "linspace(0, 1, 5)",
       .differentiable = false,
       .weak = false},
      {.name = "rand",
       .parameters = "*shape|size",
       .call = [](Arguments& a) -> Result { return rand(a.shape(0), a.random(), a.default_dtype()); },
       .formula = "no gradient",
       .example = "rand(2)",
       .differentiable = false,
       .weak = false},
      {.name = "randn",
       .parameters = "*shape|size",
       .call = [](Arguments& a) -> Result { return randn(a.shape(0), a.random(), a.default_dtype()); },
       .formula = "no gradient",
       .example = "randn(2)",
       .differentiable = false,
       .weak = false},
  };
  return table;
}

}  // namespace chainrule::ops
