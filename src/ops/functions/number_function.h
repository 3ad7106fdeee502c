// Functions of one number or two that are computed one number after another, or in packs, as those of
// by_number.h, but named by a table: what an operation is beside its value and its slopes is compiled once
// for all of them, as it takes kilobytes.

#pragma once

#include <optional>

#include "ops/functions/by_number.h"

namespace chainrule::ops {

/// What an operation has to know of such a function.
struct NumberFunction {
  using Slope = Tensor(Inputs in, const Tensor& y, int order);

  /// The formula as spelled_out() takes it.
  std::string_view name, formula;
  /// One of these. Of one number it may be a family, whose members have an order.
  double (*of_one)(double x, int order) = nullptr;
  double (*of_two)(double a, double b) = nullptr;
  std::int64_t (*of_integers)(std::int64_t a, std::int64_t b) = nullptr;
  /// The same as of_one of tensors, for order 0, where packs compute it.
  Tensor (*of_tensor)(const Tensor& x) = nullptr;
  /// The same of arrays; nothing where packs do not compute it, or not this order.
  std::optional<Array> (*of_array)(const Array& x, int order) = nullptr;
  std::optional<Array> (*of_arrays)(const Array& a, const Array& b, const Shape& shape) = nullptr;
  /// What is derived by each input, of floats; null where there is nothing.
  std::array<Slope*, 2> slopes = {};
  /// Where packs of pairs.h compute the same of int64.
  std::optional<special::Pair> pair = {};
};

/// y = f(x), or f(a, b), broadcast, element by element.
struct FunctionOfNumbers {
  static constexpr bool integers = true;
  const NumberFunction* function;
  int order = 0;
  std::string_view name = function->name, formula = function->formula;

  Attributes attributes() const;
  Array forward(Values in) const;
  Tensor batch(const Unwrapped& at) const;
  Reads reads(Wanted wanted) const;
  void vjp(Inputs in, const Tensor& y, const Tensor& g, Cotangents& to) const;
  Tensor jvp(Inputs in, const Tensor& y, Inputs tangents) const;
  LocalFormula local_formula(std::size_t input, std::span<const std::string> names, const std::string&) const;

 private:
  Tensor along(std::size_t input, Inputs in, const Tensor& y, const Tensor& g) const;
};

/// f of x, which becomes a real number, and of two real numbers.
Tensor on_numbers(const NumberFunction& f, const Operand& x, int order = 0);
Tensor on_numbers(const NumberFunction& f, const Operand& a, const Operand& b);

}  // namespace chainrule::ops
