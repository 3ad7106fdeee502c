// Products of elements that meet in one place, where all of them are in range: one pass forward, and one back
// by quotients. Otherwise by the products of groups, see meeting.cpp, which are exact also with zeros.

#include <algorithm>
#include <cmath>
#include <limits>

#include "autograd/engine.h"
#include "ops/elementwise.h"
#include "ops/places/places.h"
#include "ops/registry.h"

namespace chainrule {
namespace ops {

/// The product of each of x's elements and of the values for its place, in row-major order; without
/// `include_self`, elements that have values do not count.
struct ScatterProduct {
  static constexpr std::string_view name = "scatter_product",
                                    formula = "to each element the product of the others in its place";
  Array list;
  bool include_self = true;

  Attributes attributes() const {
    return {{"places", constant(list)}, {"include_self", std::int64_t{include_self}}};
  }
  Array forward(Values in) const {
    Array out(in[0]->shape(), in[0]->dtype());
    const bool found = dispatch_floating(out.dtype(), [&]<class T>() {
      const Array products = found_in_range<T>(*in[0], *in[1]);
      if (products.size() != out.size()) return false;
      std::copy_n(products.data<double>(), out.size(), out.mutable_data<T>());
      return true;
    });
    if (found) return out;
    const NoGrad guard;
    return value_of(products_of_groups(constant(*in[0]), constant(*in[1]), list, include_self));
  }
  Tensor composed(Inputs in) const { return products_of_groups(in[0], in[1], list, include_self); }
  Reads reads(Wanted) const { return reads_input(0) | reads_input(1); }
  void vjp(Inputs in, const Tensor&, const Tensor& g, Cotangents& to) const {
    if (!to.in_numbers() || !by_quotients(in, value_of(g), to))
      send_through(
          name, [this](Inputs own) { return composed(own); }, in, g, to);
  }
  LocalFormula local_formula(std::size_t, std::span<const std::string>, const std::string&) const {
    return {"Π of the others in its place", false};
  }

 private:
  bool by_quotients(Inputs in, const Array& g, Cotangents& to) const {
    return dispatch_floating(g.dtype(), [&]<class T>() {
      const Array products = found_in_range<T>(value_of(in[0]), value_of(in[1]));
      if (products.size() != g.size()) return false;
      const auto* const all = products.data<double>();
      const T* const from_above = g.data<T>();
      const auto* const places = list.data<std::int64_t>();
      const auto others = [&](std::int64_t place, T own) {
        const T above = from_above[place];
        return above == 0 ? T(0) : above * static_cast<T>(all[place] / static_cast<double>(own));
      };
      if (to.wants(0)) {
        Array found(g.shape(), g.dtype());
        T* const mine = found.mutable_data<T>();
        const T* const x = value_of(in[0]).data<T>();
        for (std::int64_t i = 0; i < g.size(); ++i) mine[i] = others(i, x[i]);
        for (std::int64_t i = 0; !include_self && i < list.size(); ++i) mine[places[i]] = 0;
        to[0] = constant(std::move(found));
      }
      if (to.wants(1)) {
        Array found(list.shape(), g.dtype());
        T* const theirs = found.mutable_data<T>();
        const T* const values = value_of(in[1]).data<T>();
        for (std::int64_t i = 0; i < list.size(); ++i) theirs[i] = others(places[i], values[i]);
        to[1] = constant(std::move(found));
      }
      return true;
    });
  }
  /// The products, if they are normal numbers of double on all their way; otherwise nothing.
  template <class T>
  Array found_in_range(const Array& x, const Array& values) const {
    using Limits = std::numeric_limits<double>;
    Array products({x.size()}, DType::float64);
    auto* const to = products.mutable_data<double>();
    const auto* const places = list.data<std::int64_t>();
    const T* const factors = values.data<T>();
    std::copy_n(x.data<T>(), x.size(), to);
    const std::int64_t count = list.size();
    for (std::int64_t i = 0; !include_self && i < count; ++i) to[places[i]] = 1;
    double least = 1;
    for (std::int64_t i = 0; i < count; ++i)
      least = std::min(least, std::abs(to[places[i]] *= static_cast<double>(factors[i])));
    bool in_range = least >= Limits::min();
    for (std::int64_t i = 0; i < x.size(); ++i)  // what has been infinite, or NaN, still is
      in_range &= std::abs(to[i]) >= Limits::min() && std::abs(to[i]) <= Limits::max();
    return in_range ? products : Array(Shape{0}, DType::float64);
  }
};

Entries product_at_places_operations() {
  static constexpr Entry table[] = {inner<ScatterProduct>()};
  return table;
}

Tensor scatter_product(const Tensor& x, const Array& list, const Tensor& values, bool include_self,
                       Here here) {
  return apply(ScatterProduct{list, include_self}, here, Argument(x), Argument(values));
}

}  // namespace ops
}  // namespace chainrule
