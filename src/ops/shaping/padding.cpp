// Tensors with more elements around them: the same ones, or those inside once more.
// Compositions of updating a slice, and of taking elements at places.

#include <algorithm>
#include <limits>

#include "chainrule/shaping.h"
#include "ops/places/places.h"
#include "ops/registry.h"

namespace chainrule {
namespace ops {
namespace {

/// Where what stands at each place along an axis comes from, `before` places before the first one on.
Array mirrored(PadMode mode, std::int64_t size, std::int64_t before, std::int64_t after) {
  Array list(Shape{before + size + after}, DType::int64);
  auto* place = list.mutable_data<std::int64_t>();
  for (std::int64_t i = -before; i < size + after; ++i)
    *place++ = mode == PadMode::replicate  ? std::clamp<std::int64_t>(i, 0, size - 1)
               : mode == PadMode::circular ? (i + size) % size
               : i < 0                     ? -i
               : i >= size                 ? 2 * (size - 1) - i
                                           : i;
  return list;
}

/// All places along an axis and those behind it, which are `size`: each of the first with all of the others.
Array each_with_all(const Array& first, const Array& others, std::int64_t size) {
  Array list(Shape{first.size() * others.size()}, DType::int64);
  auto* place = list.mutable_data<std::int64_t>();
  const auto *const starts = first.data<std::int64_t>(), *const each = others.data<std::int64_t>();
  for (std::int64_t i = 0; i < first.size(); ++i)
    place = std::transform(each, each + others.size(), place,
                           [start = starts[i] * size](std::int64_t other) { return start + other; });
  return list;
}

/// PyTorch's sizes, or NumPy's: a number for all sides, or a list of pairs, one for all axes or one for each.
Result padded(Arguments& a) {
  constexpr PadMode modes[] = {PadMode::constant,  PadMode::reflect,  PadMode::replicate,
                               PadMode::replicate, PadMode::circular, PadMode::circular};
  const Tensor& x = a.tensor(0);
  const Tensor given = a.places(1);
  std::vector<std::int64_t> sizes = given.to_vector<std::int64_t>();
  if (given.rank() != 1) {
    const bool is_number = given.rank() == 0;
    const auto rank = static_cast<std::int64_t>(x.rank());
    if (!is_number &&
        (given.rank() != 2 || given.shape()[1] != 2 || (given.shape()[0] != 1 && given.shape()[0] != rank)))
      a.fail(1, "sizes from the last axis on, or a pair of them for each axis");
    const Tensor pairs = broadcast_to(given, {rank, 2});
    sizes = flip(pairs, 0).to_vector<std::int64_t>();
  }
  return pad(a[0], sizes,
             modes[a.choice(2, {"constant", "reflect", "replicate", "edge", "circular", "wrap"})],
             a.number(3));
}

/// Negative sizes first, as what is mirrored or repeated is what remains.
Tensor padded_after_cropping(const Tensor& x, std::vector<std::int64_t> sizes, PadMode mode) {
  Tensor rest = x;
  for (std::size_t i = 0; i < sizes.size() / 2; ++i) {
    const std::size_t axis = x.rank() - 1 - i;
    std::int64_t &before = sizes[2 * i], &after = sizes[2 * i + 1];
    const std::int64_t size = x.shape()[axis], from = std::max<std::int64_t>(-std::max(before, -size), 0),
                       to = size - std::max<std::int64_t>(-std::max(after, -size), 0);
    if (from > to)
      throw ShapeError("pad: " + std::to_string(before) + " before and " + std::to_string(after) +
                       " after axis " + std::to_string(axis) + " of shape " + to_string(x.shape()) +
                       " would remove more than there is");
    rest = narrow(rest, static_cast<std::int64_t>(axis), from, to - from);
    before = std::max<std::int64_t>(before, 0), after = std::max<std::int64_t>(after, 0);
  }
  return pad(rest, sizes, mode);
}

}  // namespace

Entries padding_operations() {
  static constexpr Entry table[] = {
      {.name = "pad",
       .parameters = "x|array|input, sizes|pad|pad_width, mode='constant', value|constant_values=0",
       .call = padded,
       .formula = "the gradient without the padding; what is mirrored or repeated adds up",
       .example = "pad([1, 2, 3], (1, 2))",
       .note = "sizes from the last axis on, as in PyTorch; a list of pairs is NumPy's pad_width"},
  };
  return table;
}

}  // namespace ops

Tensor pad(const Operand& x, const std::vector<std::int64_t>& sizes, PadMode mode, double value) try {
  Tensor in = x.as_tensor();
  const Shape shape = in.shape();
  const std::size_t rank = shape.rank();
  if (sizes.size() % 2 != 0 || sizes.size() / 2 > rank)
    throw ShapeError("pad: " + std::to_string(sizes.size()) + " sizes for shape " + to_string(shape) +
                     "; give two for each axis, from the last one on");
  if (mode != PadMode::constant && std::ranges::any_of(sizes, [](std::int64_t size) { return size < 0; }))
    return ops::padded_after_cropping(in, sizes, mode);
  Shape whole = shape;
  std::vector<Index> kept(rank, Slice{}), box(rank, Slice{});
  bool any = false;
  for (std::size_t i = 0; i < sizes.size() / 2; ++i) {
    const std::size_t axis = rank - 1 - i;
    const std::int64_t before = sizes[2 * i], after = sizes[2 * i + 1], size = shape[axis];
    if (before == 0 && after == 0) continue;
    any = true;
    const std::int64_t most = mode == PadMode::reflect    ? size - 1
                              : mode == PadMode::circular ? size
                              : size == 0                 ? 0
                                                          : std::numeric_limits<std::int64_t>::max();
    if (mode != PadMode::constant && (before < 0 || after < 0 || before > most || after > most))
      throw ShapeError("pad: " + std::to_string(before) + " before and " + std::to_string(after) +
                       " after axis " + std::to_string(axis) + " of shape " + to_string(shape) +
                       ", which has too few elements for that; pad by less, or with a constant");
    const std::int64_t first = std::max<std::int64_t>(-before, 0),
                       last = size + std::min<std::int64_t>(after, 0);
    if (__builtin_add_overflow(size, before, &whole[axis]) ||
        __builtin_add_overflow(whole[axis], after, &whole[axis]) || whole[axis] < 0 || first > size ||
        last < 0)
      throw ShapeError("pad: " + std::to_string(before) + " before and " + std::to_string(after) +
                       " after axis " + std::to_string(axis) + " of shape " + to_string(shape) +
                       " leave no size that an axis can have; give others");
    kept[axis] = Slice{first, last};
    const std::int64_t start = std::max<std::int64_t>(before, 0);
    box[axis] = Slice{start, start + std::max<std::int64_t>(last - first, 0)};
  }
  if (!any) return in;
  (void)bytes_of(whole, in.dtype());
  if (mode == PadMode::constant) {
    const bool cuts = std::any_of(sizes.begin(), sizes.end(), [](std::int64_t size) { return size < 0; });
    const Tensor inside = cuts ? index({in, x.here()}, kept) : in;
    // Repeated, not written out, as it is only to be read around the box.
    const Tensor around = broadcast_to(full({}, value, in.dtype()), whole);
    return slice_update({around, x.here()}, box, {inside, x.here()});
  }
  const auto mirrored = [&](std::size_t axis) {
    const std::size_t i = 2 * (rank - 1 - axis);
    return ops::mirrored(mode, shape[axis], sizes[i], sizes[i + 1]);
  };
  for (std::size_t axis = rank; axis > rank - sizes.size() / 2;) {
    --axis;
    if (whole[axis] == shape[axis]) continue;
    Shape result = in.shape();
    result[axis] = whole[axis];
    ops::Places places = ops::along(in.shape(), axis, mirrored(axis));
    // Axes before it go with it where one list of places serves many planes.
    constexpr std::int64_t many = 32;
    while (axis > rank - sizes.size() / 2 && places.outer > 0 && places.outer >= many * shape[axis - 1]) {
      --axis;
      result[axis] = whole[axis];
      places.list = ops::each_with_all(mirrored(axis), places.list, places.size);
      places.size *= shape[axis];
      places.outer /= shape[axis];
    }
    in = ops::gather_at({in, x.here()}, std::move(places), result);
  }
  return in;
} catch (...) {
  rethrow_in_call("pad", x);
}

}  // namespace chainrule
