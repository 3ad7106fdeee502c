// The largest elements of windows, and what their derivatives are made of: taking and adding at places, each
// the other's derivative. Relies on kernels/pooling.h.

#pragma once

#include "kernels/pooling.h"
#include "ops/batching.h"
#include "ops/networks/spatial.h"

namespace chainrule::ops {

/// Where each value of a result (..., out...) is in the plane of an array (..., whole...).
struct PlacesInPlanes {
  Array places;
  Shape whole;  ///< of the array
  std::int64_t plane = 1;
  kernels::SquarePlane squares = {};  ///< if each is the place of a value within its square

  Attributes attributes() const {
    return {{"places", constant(places)},
            {"whole", as_attribute(whole)},
            {"plane", plane},
            {"squares", std::vector<std::int64_t>{squares.depth, squares.high, squares.wide}}};
  }
  Array run(const Shape& shape, DType dtype, const auto& f) const {
    Array out(shape, dtype);
    const std::int64_t planes = plane == 0 ? 0 : whole.size() / plane;
    if (planes == 0) return out;
    dispatch_floating(dtype, [&]<class T>() {
      f(planes, plane, places.size() / planes, places.data<std::int64_t>(), out.mutable_data<T>());
    });
    return out;
  }
  static std::int64_t flops(Inputs, const Shape&) { return 0; }
  Reads reads(Wanted) const { return 0; }
  LocalFormula local_formula(std::size_t, std::span<const std::string>, const std::string&) const {
    return {"1 at its place, else 0", false};
  }
};

/// The same of each in a stack of so many.
inline PlacesInPlanes of_all(const PlacesInPlanes& of, std::int64_t size) {
  Array all(with_first(size, of.places.shape()), DType::int64);
  auto* to = all.mutable_data<std::int64_t>();
  for (std::int64_t i = 0; i < size; ++i)
    to = std::copy_n(of.places.data<std::int64_t>(), of.places.size(), to);
  return {std::move(all), with_first(size, of.whole), of.plane, of.squares};
}

/// Elements by their places.
struct TakePlaces : PlacesInPlanes {
  static constexpr std::string_view name = "take_places", formula = "the gradient added up at the places";
  Array forward(Values in) const {
    return run(places.shape(), in[0]->dtype(), [&]<class T>(auto planes, auto n, auto out, auto at, T* to) {
      kernels::take_places(planes, n, out, at, in[0]->data<T>(), to);
    });
  }
  static constexpr bool linear = true;
  Tensor batch(const Unwrapped& at) const {
    return apply(TakePlaces{of_all(*this, at.size)}, {}, Argument(at.in[0]));
  }
  void vjp(Inputs in, const Tensor&, const Tensor& g, Cotangents& to) const;
};

/// The reverse: zeros, to which the values are added at their places.
struct AddAtPlaces : PlacesInPlanes {
  static constexpr std::string_view name = "add_at_places", formula = "the gradient at the places";
  Array forward(Values values) const {
    return run(whole, values[0]->dtype(), [&]<class T>(auto planes, auto n, auto out, auto at, T* to) {
      kernels::add_at_places(planes, n, out, squares, at, values[0]->data<T>(), to);
    });
  }
  static constexpr bool linear = true;
  Tensor batch(const Unwrapped& at) const {
    return apply(AddAtPlaces{of_all(*this, at.size)}, {}, Argument(at.in[0]));
  }
  void vjp(Inputs, const Tensor&, const Tensor& g, Cotangents& to) const {
    if (to.wants(0)) to[0] = apply(TakePlaces{*this}, Here::now(), Argument(g));
  }
};

inline void TakePlaces::vjp(Inputs, const Tensor&, const Tensor& g, Cotangents& to) const {
  if (to.wants(0)) to[0] = apply(AddAtPlaces{*this}, Here::now(), Argument(g));
}

/// The largest element of each window.
struct MaxPool {
  static constexpr std::string_view name = "max_pool",
                                    formula = "∂max(window)/∂xᵢ = 1 at the first of the largest, else 0";
  kernels::PoolWindows windows;
  Shape result;
  /// Where the elements are in their planes.
  struct Saved {
    Array places;
    bool always = true;  ///< or only where a gradient may be asked for
  };
  Array forward(Values in, Saved& saved, Wanted wanted) const {
    const Array& x = *in[0];
    const bool with_places = saved.always || wanted(0);
    Array out(result, x.dtype()), places(with_places ? result : Shape{0}, DType::int64);
    const std::int64_t planes = windows.in_size() == 0 ? 0 : x.size() / windows.in_size();
    if (planes != 0)
      dispatch_floating(x.dtype(), [&]<class T>() {
        kernels::max_pool(windows, planes, x.data<T>(), out.mutable_data<T>(),
                          with_places ? places.mutable_data<std::int64_t>() : nullptr);
      });
    saved.places = std::move(places);
    return out;
  }
  Reads reads(Wanted) const { return 0; }
  LocalFormula local_formula(std::size_t, std::span<const std::string>, const std::string&) const {
    return {"1 at its place, else 0", false};
  }
  /// Of all three axes one after another: how many windows there are, then where each begins, how many
  /// elements it has, and how far these are apart.
  Attributes attributes() const {
    std::vector<std::int64_t> numbers, begins, counts, steps;
    for (const auto& axis : windows.axes) {
      numbers.push_back(static_cast<std::int64_t>(axis.size()));
      for (const kernels::PoolWindow& each : axis) {
        begins.push_back(each.begin);
        counts.push_back(each.count);
        steps.push_back(each.step);
      }
    }
    return {{"windows", numbers},
            {"begins", begins},
            {"counts", counts},
            {"steps", steps},
            {"in", std::vector<std::int64_t>(windows.in.begin(), windows.in.end())},
            {"result", as_attribute(result)}};
  }
  std::int64_t flops(Inputs, const Shape& shape) const {
    std::int64_t count = 1;
    for (const auto& axis : windows.axes)
      for (std::int64_t most = 0; const kernels::PoolWindow& each : axis)
        if (each.count > most)
          count = count / std::max<std::int64_t>(most, 1) * each.count, most = each.count;
    return count * shape.size();
  }
  void vjp(Inputs in, const Tensor&, const Tensor& g, Cotangents& to, const Saved& saved) const {
    if (to.wants(0))
      to[0] = apply(AddAtPlaces{{saved.places, in[0].shape(), windows.in_size(), windows.squares()}},
                    Here::now(), Argument(g));
  }
};

}  // namespace chainrule::ops
