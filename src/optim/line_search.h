// A search along a direction for a place where a function is less and flatter.
// It knows only numbers along the line.

#pragma once

#include "chainrule/detail/function_ref.h"
#include "chainrule/tensor.h"

namespace chainrule::optim {

/// A place along the direction: how far, the loss there, its gradient in the values, and its slope along the
/// direction.
struct Place {
  double length = 0, loss = 0;
  Tensor gradient;
  double slope = 0;
};

struct SearchResult {
  Place place;
  std::int64_t evaluations = 0;
};

/// Looks for a place with the strong Wolfe conditions,
///
///     loss <= loss(0) + 1e-4 length slope(0)   and   |slope| <= 0.9 |slope(0)|,
///
/// beginning at `length`: first outwards until a stretch must contain one, then inwards by cubic
/// interpolation. Ends after 25 evaluations, or when the stretch is shorter than `shortest`, with the best
/// end of the stretch. Source: Nocedal and Wright, "Numerical optimization", 2006, algorithms 3.5 and 3.6,
/// with the safeguards of minFunc, as PyTorch's LBFGS has them.
SearchResult search_line(FunctionRef<Place(double length)> evaluate, const Place& start, double length,
                         double shortest);

}  // namespace chainrule::optim
