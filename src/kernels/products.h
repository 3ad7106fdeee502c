// The product of all other elements, which the derivative of a product along axes is made of, and products a
// part of which may be out of range. Relies on arrays alone.

#pragma once

#include "kernels/lines.h"

namespace chainrule::kernels {

/// For each element of lines of x, floats, the product of the other elements of its line. Of products only,
/// so that zeros do no harm: those of pairs, the first half with the second, then of pairs of these and so
/// on, and back. `are_normal` becomes whether each is a finite and normal number.
Array products_of_others(const Array& x, const Lines& lines, bool& are_normal);

/// The product of each of so many rows of x, floats, right also where that of some elements is out of range:
/// the exponents are added up apart.
Array products_in_range(const Array& x, std::int64_t rows);

}  // namespace chainrule::kernels
