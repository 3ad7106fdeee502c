// A long short-term memory over a sequence: its gates in one pass for each step, and what is the same for
// all steps in one product.

#pragma once

#include "array/array.h"

namespace chainrule::kernels {

/// Of `samples` sequences of so many steps, with a state of `size` numbers.
struct Lstm {
  std::int64_t steps, samples, size;
};

/// From what the input contributes to the gates i, f, g and o, (steps, samples, 4 · size), h and c at the
/// beginning, (samples, size), and the weight of h, (4 · size, size): h and c of all steps, (2, steps,
/// samples, size). Leaves in `gates` what their functions were taken of.
Array lstm(const Lstm& plan, const Array& in, const Array& h, const Array& c, const Array& weight,
           Array& gates);

/// What comes for the inputs from g above, for a result `out`; those that are null are not wanted.
void lstm_gradient(const Lstm& plan, const Array& gates, const Array& h, const Array& c, const Array& weight,
                   const Array& out, const Array& g, Array& to_in, Array* to_h, Array* to_c,
                   Array* to_weight);

}  // namespace chainrule::kernels
