// Steps that leave alone what no gradient has reached, for tables of which a batch reads a few rows. A row is
// left where all of its gradient is 0.

#pragma once

#include <algorithm>

#include "chainrule/tensor.h"

namespace chainrule::optim {

/// Calls step(begin, end) for the elements to change: all, or with `lazy` those of the rows along the first
/// axis in which the gradient, whose elements are g, is not zero throughout. Rows side by side are one call.
template <class T, class Step>
void for_rows(const Tensor& gradient, const T* g, bool lazy, const Step& step) {
  const std::int64_t n = gradient.size();
  if (!lazy || gradient.rank() == 0 || n == 0) return step(std::int64_t{0}, n);
  const std::int64_t width = n / gradient.shape()[0];
  std::int64_t begin = 0;  // of the rows that have been found and not yet stepped
  for (std::int64_t row = 0; row < n; row += width) {
    if (std::any_of(g + row, g + row + width, [](T element) { return element != 0; })) continue;
    if (row > begin) step(begin, row);
    begin = row + width;
  }
  if (n > begin) step(begin, n);
}

}  // namespace chainrule::optim
