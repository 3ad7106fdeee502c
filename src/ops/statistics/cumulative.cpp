// Running sums, products and extrema along an axis. The reverse of sums is the sum from the other end, and
// that of linear recurrences, as products are, one from the other end.

#include <algorithm>
#include <cmath>
#include <limits>

#include "chainrule/statistics.h"
#include "kernels/cast.h"
#include "kernels/copy.h"
#include "kernels/running_extrema.h"
#include "kernels/running_sums.h"
#include "ops/along_axis.h"
#include "ops/batching.h"
#include "ops/elementwise.h"
#include "ops/places/places.h"
#include "ops/registry.h"

namespace chainrule {
namespace ops {

/// yᵢ = xᵢ + yᵢ₋₁, or from the end yᵢ = xᵢ + yᵢ₊₁.
struct Cumsum {
  static constexpr std::string_view name = "cumsum", formula = "the gradient summed up from the end";
  std::size_t axis = 0;
  bool from_end = false;
  static constexpr bool linear = true;

  Tensor batch(const Unwrapped& at) const {
    return apply(Cumsum{axis + 1, from_end}, {}, Argument(at.in[0]));
  }
  Attributes attributes() const {
    return {{"axis", static_cast<std::int64_t>(axis)}, {"from_end", from_end}};
  }
  Array forward(Values in) const {
    const Array& x = *in[0];
    Array out(x.shape(), x.dtype());
    if (x.dtype() == DType::int64)
      run<std::uint64_t>(x.data<std::int64_t>(), out.mutable_data<std::int64_t>(), x.shape());
    else  // sums of float32 keep more digits on their way
      dispatch_floating(x.dtype(),
                        [&]<class T>() { run<double>(x.data<T>(), out.mutable_data<T>(), x.shape()); });
    return out;
  }
  Reads reads(Wanted) const { return 0; }
  void vjp(Inputs, const Tensor&, const Tensor& g, Cotangents& to) const {
    if (to.wants(0)) to[0] = apply(Cumsum{axis, !from_end}, Here::now(), Argument(g));
  }
  LocalFormula local_formula(std::size_t, std::span<const std::string>, const std::string&) const {
    return {from_end ? "the running sum of g" : "the running sum of g from the end", false, true};
  }

 private:
  template <class Running, class T>
  void run(const T* x, T* out, const Shape& shape) const {
    const AlongAxis along(shape, axis);
    if (along.inner == 1) return kernels::running_sums<Running>(x, along.outer, along.n, from_end, out);
    kernels::running_sums_across<Running>(x, along.outer, along.n, along.inner, from_end, out);
  }
};

/// yᵢ = aᵢ yᵢ₋₁ + bᵢ, or its transpose yᵢ = aᵢ₊₁ yᵢ₊₁ + bᵢ.
struct LinearRecurrence {
  static constexpr std::string_view name = "linear_recurrence",
                                    formula =
                                        "yᵢ = aᵢ yᵢ₋₁ + bᵢ: to b: h with hᵢ = aᵢ₊₁ hᵢ₊₁ + gᵢ, to a: hᵢ yᵢ₋₁";
  std::size_t axis = 0;
  bool transposed = false;
  bool strong = false;  ///< of gradients and tangents, where 0 times infinity is 0

  Attributes attributes() const {
    return {{"axis", as_attribute(axis)}, {"transposed", transposed}, {"strong", strong}};
  }
  Tensor batch(const Unwrapped& at) const {
    const Tensor a = at.batched(0), b = at.batched(1);
    return apply(LinearRecurrence{axis + 1, transposed, strong}, {}, Argument(a), Argument(b));
  }
  Array forward(Values in) const {
    const Array &a = *in[0], &b = *in[1];
    Array out(b.shape(), b.dtype());
    const AlongAxis along(b.shape(), axis);
    dispatch_among(TypeList<std::int64_t, float, double>{}, b.dtype(), [&]<class T>() {
      kernels::linear_recurrence(a.data<T>(), b.data<T>(), along.outer, along.n, along.inner, transposed,
                                 strong, out.mutable_data<T>());
    });
    return out;
  }
  Reads reads(Wanted wanted) const {
    return (wanted(0) || wanted(1) ? reads_input(0) : 0) | (wanted(0) ? reads_output : 0);
  }
  void vjp(Inputs in, const Tensor& out, const Tensor& g, Cotangents& to) const {
    if (!to.wants(0) && !to.wants(1)) return;
    const Tensor h =
        apply(LinearRecurrence{axis, !transposed, true}, Here::now(), Argument(in[0]), Argument(g));
    if (to.wants(0)) {
      const Tensor &y = transposed ? h : out, &from_end = transposed ? out : h;
      to[0] = strong_product(from_end, before(y, 0, axis));
    }
    if (to.wants(1)) to[1] = h;
  }
  LocalFormula local_formula(std::size_t input, std::span<const std::string>, const std::string&) const {
    return {input == 0 ? "hᵢ yᵢ₋₁" : "h, the recurrence from the end", false};
  }
  /// x moved on by one place along the axis, with `first` at the first one.
  static Tensor before(const Tensor& x, double first, std::size_t axis) {
    if (x.size() == 0) return x;
    std::vector<Index> all(axis, Slice{}), shorter = all;
    shorter.emplace_back(Slice{.stop = -1});
    Shape one = x.shape();
    one[axis] = 1;
    return concatenate({full(one, first, x.dtype()), index(x, shorter)}, static_cast<std::int64_t>(axis));
  }
};

/// yᵢ = xᵢ yᵢ₋₁.
struct Cumprod {
  static constexpr std::string_view name = "cumprod",
                                    formula = "∂yᵢ/∂xⱼ = the product of the others up to i, for j ≤ i";
  std::size_t axis = 0;
  Attributes attributes() const { return {{"axis", as_attribute(axis)}}; }
  Tensor batch(const Unwrapped& at) const { return apply(Cumprod{axis + 1}, {}, Argument(at.in[0])); }
  Array forward(Values in) const {
    const Array& x = *in[0];
    Array out(x.shape(), x.dtype());
    const AlongAxis along(x.shape(), axis);
    dispatch_among(TypeList<std::int64_t, float, double>{}, x.dtype(), [&]<class T>() {
      kernels::running_products(x.data<T>(), along.outer, along.n, along.inner, out.mutable_data<T>());
    });
    return out;
  }
  Reads reads(Wanted wanted) const { return wanted(0) ? reads_input(0) | reads_output : 0; }
  /// As of a recurrence without anything to add, so that no element is divided by.
  void vjp(Inputs in, const Tensor& out, const Tensor& g, Cotangents& to) const {
    if (!to.wants(0)) return;
    const Tensor h = apply(LinearRecurrence{axis, true, true}, Here::now(), Argument(in[0]), Argument(g));
    to[0] = strong_product(h, LinearRecurrence::before(out, 1, axis));
  }
  LocalFormula local_formula(std::size_t, std::span<const std::string>, const std::string&) const {
    return {"hᵢ yᵢ₋₁ with hᵢ = xᵢ₊₁ hᵢ₊₁ + gᵢ", false};
  }
};

/// f(x, axis), which goes along lines side by side. Those that follow one another are moved for that: to wait
/// for one element of one line after the other takes longer.
template <class F>
Array side_by_side(const Array& x, std::size_t axis, const F& f) {
  const AlongAxis along(x.shape(), axis);
  if (along.inner != 1 || along.outer == 1) return f(x, axis);
  constexpr std::size_t swapped[] = {1, 0};
  const Array columns = kernels::permute(x.reshaped({along.outer, along.n}), swapped);
  return kernels::permute(f(columns, 0), swapped).reshaped(x.shape());
}

/// What xᵢ - yᵢ₋₁ lacks for y = logcumsumexp(x), as y has lost the digits of what is beside a large x: with
/// y = m + s for the largest x so far, m, it is (xᵢ - m) - s.
Array lost_digits(const Array& x, std::size_t axis) {
  Array out(x.shape(), x.dtype());
  dispatch_floating(x.dtype(), [&]<class T>() {
    struct Sum {
      T y, largest;
      double beside;
    };
    const T* from = x.data<T>();
    T* to = out.mutable_data<T>();
    const AlongAxis along(x.shape(), axis);
    along.for_each_block([&](std::int64_t first, std::int64_t lines) {
      std::vector<Sum> sums;
      for (std::int64_t at = first; at < first + lines; ++at) {
        to[at] = 0;
        sums.push_back({from[at], from[at], 0});
      }
      for (std::int64_t i = 1; i < along.n; ++i)
        for (std::int64_t line = 0; line < lines; ++line) {
          const std::int64_t at = first + i * along.inner + line;
          auto& [y, largest, beside] = sums[static_cast<std::size_t>(line)];
          const T next = from[at], distance = next - y;
          const double apart = static_cast<double>(next - largest), lost = apart - beside - distance;
          to[at] = std::isfinite(lost) ? static_cast<T>(lost) : T(0);
          y = rules::logaddexp(y, next);
          if (!(apart > 0)) {
            if (std::isfinite(apart)) beside = rules::logaddexp(beside, apart);
            continue;
          }
          beside = rules::logaddexp(beside - apart, 0.0);
          largest = next;
        }
    });
  });
  return out;
}
Tensor lost_digits(const Tensor& x, std::size_t axis) {
  return numbers_of(
      x,
      [axis](const Array& elements) {
        return side_by_side(elements, axis,
                            [](auto& lines, std::size_t at) { return lost_digits(lines, at); });
      },
      [axis](const Tensor& stack) { return lost_digits(stack, axis + 1); });
}

Array running_logsumexp(const Array& x, std::size_t axis) {
  Array out(x.shape(), x.dtype());
  dispatch_floating(x.dtype(), [&]<class T>() {
    const T* from = x.data<T>();
    T* to = out.mutable_data<T>();
    const AlongAxis along(x.shape(), axis);
    along.for_each_block([&](std::int64_t first, std::int64_t lines) {
      std::copy_n(from + first, lines, to + first);
      for (std::int64_t i = 1; i < along.n; ++i)
        for (std::int64_t at = first + i * along.inner, end = at + lines; at < end; ++at)
          to[at] = rules::logaddexp(to[at - along.inner], from[at]);
    });
  });
  return out;
}

struct Logcumsumexp {
  static constexpr std::string_view name = "logcumsumexp", formula = "∂yᵢ/∂xⱼ = exp(xⱼ − yᵢ) for j ≤ i";
  std::size_t axis = 0;
  Attributes attributes() const { return {{"axis", as_attribute(axis)}}; }
  Tensor batch(const Unwrapped& at) const { return apply(Logcumsumexp{axis + 1}, {}, Argument(at.in[0])); }
  Array forward(Values in) const { return side_by_side(*in[0], axis, running_logsumexp); }
  Reads reads(Wanted wanted) const { return wanted(0) ? reads_input(0) | reads_output : 0; }
  void vjp(Inputs in, const Tensor& out, const Tensor& g, Cotangents& to) const {
    if (!to.wants(0)) return;
    // A recurrence: yᵢ = logaddexp(yᵢ₋₁, xᵢ), where each of the two has its share. Equal infinities have no
    // distance: at +inf they share evenly, and -inf passes nothing on.
    constexpr double infinity = std::numeric_limits<double>::infinity();
    const Tensor before = LinearRecurrence::before(out, -infinity, axis),
                 distance = in[0] - before + lost_digits(in[0], axis), equal = distance != distance,
                 safe = where(equal, 0, distance),
                 at_equal = where(in[0] == before, cast(in[0] == infinity, out.dtype()) * 0.5, distance),
                 mine = where(equal, at_equal, sigmoid(safe)), rest = where(equal, at_equal, sigmoid(-safe));
    to[0] = strong_product(
        apply(LinearRecurrence{axis, true, true}, Here::now(), Argument(rest), Argument(g)), mine);
  }
  LocalFormula local_formula(std::size_t, std::span<const std::string> names,
                             const std::string& result) const {
    return {"Σ g · exp(" + names[0] + " − " + result + ") from the end", false};
  }
};

namespace {

/// The extrema so far and where along the axis they are, both without a gradient.
Cumulative found_so_far(const Tensor& x, std::size_t axis, bool largest) {
  const Array given = kernels::as_computed(value_of(x));
  const Array in = given.dtype() == DType::boolean ? kernels::cast(given, DType::int64) : given;
  Array values(x.shape(), in.dtype()), places(x.shape(), DType::int64);
  const AlongAxis along(x.shape(), axis);
  kernels::running_extrema(in, {along.outer, along.n, along.inner}, largest, values, places);
  return {constant(kernels::cast(values, x.dtype())), constant(places)};
}

Cumulative extremum_so_far(std::string_view name, const Operand& x, std::optional<std::int64_t> axis,
                           bool largest) {
  const OfAxis of(name, x.as_tensor(), axis);
  if (may_be_in_numbers({&of.x})) {
    const auto [values, places] = found_so_far(of.x, of.axis, largest);
    return {of.result(values), of.result(places)};
  }
  const Tensor places = places_along(of.x, of.axis, [largest](const Tensor& all, std::size_t along) {
    return value_of(found_so_far(all, along, largest).places);
  });
  if (is_batched(places)) return {of.result(gather_along(name, of.x, of.axis, places)), of.result(places)};
  return {of.result(gather_each(of.x, of.axis, value_of(places))), of.result(places)};
}

template <Tensor (*f)(const Operand&, OptionalInteger)>
Result along(Arguments& a) {
  return f(a.in_dtype(2), a.given(1) ? OptionalInteger(a.integer(1)) : OptionalInteger());
}

/// cumsum and cumprod of bool are those of int64.
Tensor counted(const Operand& x) { return x.as(promote(x.dtype(), DType::int64)); }

}  // namespace

Entries cumulative_operations() {
  constexpr std::string_view along_one_axis = "x|a|input, axis|dim=None",
                             along_one_axis_in_dtype = "x|a|input, axis|dim=None, dtype=None";
  static constexpr Entry table[] = {
      {.name = Cumsum::name,
       .parameters = along_one_axis_in_dtype,
       .call = along<cumsum>,
       .formula = Cumsum::formula,
       .example = "cumsum([1, 2, 3])"},
      {.name = Cumprod::name,
       .parameters = along_one_axis_in_dtype,
       .call = along<cumprod>,
       .formula = Cumprod::formula,
       .example = "cumprod([1, 2, 3])",
       .note = "exact where elements are 0"},
      {.name = Logcumsumexp::name,
       .parameters = along_one_axis,
       .call = call<logcumsumexp>,
       .formula = Logcumsumexp::formula,
       .example = "logcumsumexp([0, 1000])"},
      {.name = "cummax",
       .parameters = along_one_axis,
       .call = call<cummax>,
       .formula = "∂yᵢ/∂xⱼ = 1 if j is the place of the largest up to i else 0",
       .example = "cummax([1, 3, 2])",
       .note = "of equal elements the last has the gradient, as in PyTorch"},
      {.name = "cummin",
       .parameters = along_one_axis,
       .call = call<cummin>,
       .formula = "∂yᵢ/∂xⱼ = 1 if j is the place of the smallest up to i else 0",
       .example = "cummin([3, 1, 2])",
       .note = "of equal elements the last has the gradient, as in PyTorch"},
  };
  return table;
}

}  // namespace ops

Tensor cumsum(const Operand& x, OptionalInteger axis) try {
  const ops::OfAxis of("cumsum", ops::counted(x), axis);
  return of.result(apply(ops::Cumsum{of.axis}, x.here(), Argument(of.x)));
} catch (...) {
  rethrow_in_call("cumsum", x);
}

Tensor cumprod(const Operand& x, OptionalInteger axis) try {
  const ops::OfAxis of("cumprod", ops::counted(x), axis);
  return of.result(apply(ops::Cumprod{of.axis}, x.here(), Argument(of.x)));
} catch (...) {
  rethrow_in_call("cumprod", x);
}

Tensor logcumsumexp(const Operand& x, OptionalInteger axis) try {
  const ops::OfAxis of("logcumsumexp", x.as(ops::real_dtype(x.dtype())), axis);
  return of.result(apply(ops::Logcumsumexp{of.axis}, x.here(), Argument(of.x)));
} catch (...) {
  rethrow_in_call("logcumsumexp", x);
}

Cumulative cummax(const Operand& x, OptionalInteger axis) try {
  return ops::extremum_so_far("cummax", x, axis, true);
} catch (...) {
  rethrow_in_call("cummax", x);
}

Cumulative cummin(const Operand& x, OptionalInteger axis) try {
  return ops::extremum_so_far("cummin", x, axis, false);
} catch (...) {
  rethrow_in_call("cummin", x);
}

}  // namespace chainrule
