#pragma once

namespace chainrule {

/// Calls a C library's function to release something.
template <auto release>
struct Releases {
  void operator()(auto* resource) const { release(resource); }
};

}  // namespace chainrule
