// Elements of one type as another, all pairs of them: so one plain loop, of which there are 64. Relies on
// chainrule::convert for what each number becomes.

#include "kernels/cast.h"

#include <algorithm>

#include "kernels/parallel.h"

namespace chainrule::kernels {

Array cast(const Array& x, DType dtype) {
  Array out(x.shape(), dtype);
  dispatch_stored(x.dtype(), [&]<class From>() {
    const From* const from = x.data<From>();
    dispatch_stored(dtype, [&]<class To>() {
      To* const to = out.mutable_data<To>();
      parallel_for(x.size(), parallel_grain, [=](std::int64_t begin, std::int64_t end) {
        std::transform(from + begin, from + end, to + begin,
                       [](From element) { return convert<To>(element); });
      });
    });
  });
  return out;
}

}  // namespace chainrule::kernels
