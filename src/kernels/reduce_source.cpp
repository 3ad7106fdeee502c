// Parts of arrays as runs of neighbours, to be reduced where they lie.

#include "kernels/reduce_source.h"

#include <cstdlib>

namespace chainrule::kernels {

void Runs::for_each(const FunctionRef<void(const std::byte* run, std::int64_t i)>& visit) const {
  parallel_for(count, (parallel_grain + size - 1) / size, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const std::byte* run = first;
      std::int64_t left = i;
      for (const MovedAxis& axis : axes) {
        run += left % axis.size * axis.from;
        left /= axis.size;
      }
      visit(run, i);
    }
  });
}

std::optional<Runs> runs_of_part(const Array& part, const Lines& lines) {
  if (lines.inner != 1) return {};
  const std::optional<Place> place = place_of(part);
  if (!place) return {};
  std::vector<MovedAxis> axes = moved_axes(part.shape(), place->distances, row_major_strides(part.shape()));
  if (axes.empty()) return {};
  const MovedAxis run = axes.front();
  if (std::abs(run.from) != 1 || run.size < narrow || lines.n % run.size != 0) return {};
  axes.erase(axes.begin());
  const auto item = static_cast<std::int64_t>(item_size(part.dtype()));
  for (MovedAxis& axis : axes) axis.from *= item;
  const std::int64_t begin = place->first + (run.from < 0 ? 1 - run.size : 0);
  return Runs{static_cast<const std::byte*>(place->whole.raw()) + begin * item, run.size,
              part.size() / run.size, std::move(axes)};
}

}  // namespace chainrule::kernels
