// Patches of images as columns and back, channels taken in turns, and max pools undone.
// All of them move elements to or from places that shapes and options say.

#include <algorithm>
#include <array>

#include "chainrule/indexing.h"
#include "chainrule/shaping.h"
#include "chainrule/vision.h"
#include "ops/networks/spatial.h"
#include "ops/places/places.h"
#include "ops/registry.h"

namespace chainrule {
namespace ops {
namespace {

/// The patches of a plane: the places of their elements in it with its padding, (elements of a patch,
/// patches).
struct PlanePatches {
  std::int64_t padding[2] = {}, padded[2] = {}, count = 1;
  Array places;
};

PlanePatches patches_of(const std::string& name, const std::array<std::int64_t, 2>& size,
                        const PerAxis& kernel, const PatchOptions& options) {
  PlanePatches all;
  std::int64_t kernels[2], strides[2], dilations[2], counts[2];
  for (std::size_t axis = 0; axis < 2; ++axis) {
    kernels[axis] = per_axis(name, "kernel", kernel, axis, 2, 1);
    strides[axis] = per_axis(name, "stride", options.stride, axis, 2, 1);
    dilations[axis] = per_axis(name, "dilation", options.dilation, axis, 2, 1);
    all.padding[axis] = per_axis(name, "padding", options.padding, axis, 2, 0);
    all.padded[axis] = size[axis] + 2 * all.padding[axis];
    const std::int64_t reach = (kernels[axis] - 1) * dilations[axis] + 1;
    if (reach > all.padded[axis])
      throw ShapeError(name + ": the kernel " + to_string(kernel) + " reaches over " + std::to_string(reach) +
                       " elements of the " + std::to_string(all.padded[axis]) +
                       " of an axis with its padding; use a smaller kernel or more padding");
    counts[axis] = (all.padded[axis] - reach) / strides[axis] + 1;
    all.count *= counts[axis];
  }
  all.places = Array({kernels[0] * kernels[1], all.count}, DType::int64);
  auto* place = all.places.mutable_data<std::int64_t>();
  for (std::int64_t k = 0; k < kernels[0] * kernels[1]; ++k)
    for (std::int64_t i = 0; i < counts[0]; ++i)
      for (std::int64_t j = 0; j < counts[1]; ++j)
        *place++ = (i * strides[0] + k / kernels[1] * dilations[0]) * all.padded[1] + j * strides[1] +
                   k % kernels[1] * dilations[1];
  return all;
}

/// The elements of a plane, at these places, of each of `planes` planes.
Places in_planes(const PlanePatches& patches, std::int64_t planes) {
  return {planes, patches.padded[0] * patches.padded[1], 1, patches.places};
}

std::vector<std::int64_t> pads(const PlanePatches& patches, std::int64_t sign) {
  return {sign * patches.padding[1], sign * patches.padding[1], sign * patches.padding[0],
          sign * patches.padding[0]};
}

Tensor max_unpool(const std::string& name, std::size_t spatial, const Operand& x, const Operand& places,
                  const PerAxis& kernel, const MaxUnpoolOptions& options) {
  const Tensor in = x.as_tensor(), at = places.as_tensor();
  if (in.shape() != at.shape() || (in.rank() != spatial + 1 && in.rank() != spatial + 2))
    throw ShapeError(name + ": x " + to_string(in.shape()) + " and places " + to_string(at.shape()) +
                     "; both must be " + layout("N", "C", spatial) + ", or that without N");
  const std::size_t before = in.rank() - spatial;
  Shape whole = in.shape();
  for (std::size_t axis = 0; axis < spatial; ++axis) {
    const std::int64_t k = per_axis(name, "kernel", kernel, axis, spatial, 1),
                       stride = options.stride.rank() == 0
                                    ? k
                                    : per_axis(name, "stride", options.stride, axis, spatial, 1),
                       padding = per_axis(name, "padding", options.padding, axis, spatial, 0),
                       there = in.shape()[before + axis], own = (there - 1) * stride - 2 * padding + k;
    const std::int64_t size =
        options.size.rank() == 0 ? own : per_axis(name, "size", options.size, axis, spatial, 0);
    if (size < 0 || size <= own - stride || size >= own + stride)
      throw ShapeError(name + ": a size of " + std::to_string(size) + " along spatial axis " +
                       std::to_string(axis) + " of a pool " + to_string(in.shape()) + "; it must be above " +
                       std::to_string(own - stride) + " and below " + std::to_string(own + stride));
    whole[before + axis] = size;
  }
  const auto by_planes = [&](const Shape& shape) {
    return Shape{Shape(shape.sizes().first(before)).size(), Shape(shape.sizes().subspan(before)).size()};
  };
  const Shape lines = by_planes(in.shape());
  const Tensor flat = scatter(zeros(by_planes(whole), in.dtype()), 1, reshape(at, lines), reshape(in, lines));
  return reshape({flat, x.here()}, whole);
}

}  // namespace
}  // namespace ops

Tensor im2col(const Operand& x, const PerAxis& kernel, const PatchOptions& options) try {
  return ops::in_batch("im2col", x.as_tensor(), 2, [&](const Tensor& batch) {
    const Shape& shape = batch.shape();
    const ops::PlanePatches patches = ops::patches_of("im2col", {shape[2], shape[3]}, kernel, options);
    const bool is_padded = patches.padding[0] != 0 || patches.padding[1] != 0;
    const Tensor padded = is_padded ? pad(batch, ops::pads(patches, 1)) : batch;
    return ops::gather_at({padded, x.here()}, ops::in_planes(patches, shape[0] * shape[1]),
                          {shape[0], shape[1] * patches.places.shape()[0], patches.count});
  });
} catch (...) {
  rethrow_in_call("im2col", x);
}

Tensor col2im(const Operand& columns, const PerAxis& size, const PerAxis& kernel,
              const PatchOptions& options) try {
  const Tensor in = columns.as_tensor();
  const std::array<std::int64_t, 2> sizes = {ops::per_axis("col2im", "size", size, 0, 2, 0),
                                             ops::per_axis("col2im", "size", size, 1, 2, 0)};
  const ops::PlanePatches patches = ops::patches_of("col2im", sizes, kernel, options);
  const std::int64_t elements = patches.places.shape()[0];
  if ((in.rank() != 2 && in.rank() != 3) || in.shape()[in.rank() - 2] % elements != 0 ||
      in.shape().back() != patches.count)
    throw ShapeError("col2im: columns " + to_string(in.shape()) + " for " + std::to_string(patches.count) +
                     " patches of " + std::to_string(elements) +
                     " elements; they must be (N, C times the elements, patches), or that without N");
  std::vector<std::int64_t> whole(in.shape().begin(), in.shape().end() - 1);
  whole.back() /= elements;
  const std::int64_t planes = Shape(whole).size();
  whole.insert(whole.end(), std::begin(patches.padded), std::end(patches.padded));
  const Tensor image = ops::add_at({in, columns.here()}, ops::in_planes(patches, planes), Shape(whole));
  return pad({image, columns.here()}, ops::pads(patches, -1));
} catch (...) {
  rethrow_in_call("col2im", columns);
}

Tensor channel_shuffle(const Operand& x, Integer groups) try {
  const Tensor in = x.as_tensor();
  const Shape shape = in.shape();
  const std::int64_t g = groups;
  if (shape.rank() < 2 || g < 1 || shape[1] % g != 0)
    throw ShapeError("channel_shuffle: " + std::to_string(g) + " groups of x " + to_string(shape) +
                     "; it must be (N, C, ...), and the channels a multiple of the groups");
  std::vector<std::int64_t> sizes(shape.begin(), shape.end());
  sizes[1] /= g;
  sizes.insert(sizes.begin() + 1, g);
  return reshape({swapaxes(reshape(in, Shape(sizes)), 1, 2), x.here()}, shape);
} catch (...) {
  rethrow_in_call("channel_shuffle", x);
}

#define CHAINRULE_UNPOOLING(spatial)                                                            \
  Tensor max_unpool##spatial##d(const Operand& x, const Operand& places, const PerAxis& kernel, \
                                const MaxUnpoolOptions& options) try {                          \
    return ops::max_unpool("max_unpool" #spatial "d", spatial, x, places, kernel, options);     \
  } catch (...) {                                                                               \
    rethrow_in_call("max_unpool" #spatial "d", x, places);                                      \
  }

CHAINRULE_UNPOOLING(1)
CHAINRULE_UNPOOLING(2)
CHAINRULE_UNPOOLING(3)

#undef CHAINRULE_UNPOOLING

namespace ops {
namespace {

using UnpoolCall = Tensor(const Operand&, const Operand&, const PerAxis&, const MaxUnpoolOptions&);

template <std::size_t spatial, UnpoolCall* function>
constexpr Entry unpool_entry(std::string_view name, std::string_view example) {
  return {.name = name,
          .parameters =
              "x|input, places|indices, kernel|kernel_size, stride=None, padding=0, size|output_size=None",
          .call = [](Arguments& a) -> Result {
            MaxUnpoolOptions options = {.padding = PerAxis(a.integers(4))};
            if (a.given(3)) options.stride = PerAxis(a.integers(3));
            if (a.given(5)) {
              std::vector<std::int64_t> sizes = a.integers(5);  // PyTorch takes the whole shape, too
              if (sizes.size() > spatial) sizes.erase(sizes.begin(), sizes.end() - spatial);
              options.size = per_axis_argument(a, 5, spatial, sizes);
            }
            return function(a[0], a.places(1), per_axis_argument(a, 2, spatial), options);
          },
          .formula = "the gradient at the places",
          .example = example,
          .note = "of equal places the last counts, and has the gradient"};
}

/// From argument i on. Refused where the patches of planes, of `height` by `width` together with their number
/// (planes · height, width), could make more elements than the caller wants.
PatchOptions patch_options(Arguments& a, std::size_t i, double height, double width) {
  PatchOptions options = {.stride = PerAxis(a.integers(i + 2)),
                          .padding = per_axis_argument(a, i + 1, 2),
                          .dilation = PerAxis(a.integers(i))};
  const auto product = [](const PerAxis& two, double before, double after) {
    return (before + static_cast<double>(two[0])) * (after + static_cast<double>(two.back()));
  };
  const PerAxis kernel = per_axis_argument(a, i - 1, 2);
  if (kernel.rank() == 0 || options.padding.rank() == 0) return options;  // refused as what it is
  if (product(kernel, 0, 0) * product(options.padding, height, width) >
      static_cast<double>(a.most_elements()))
    a.fail(i - 1, "smaller, or less padding, to fit into memory");
  return options;
}

}  // namespace

Entries patch_operations() {
  static constexpr Entry table[] = {
      {.name = "im2col",
       .parameters = "x|input, kernel|kernel_size, dilation=1, padding=0, stride=1",
       .call = [](Arguments& a) -> Result {
         const Shape& shape = a.tensor(0).shape();
         const double width = shape.rank() == 0 ? 1 : static_cast<double>(shape.back());
         const double rows = static_cast<double>(a.tensor(0).size()) / std::max(1.0, width);
         return im2col(a[0], PerAxis(a.integers(1)), patch_options(a, 2, rows, width));
       },
       .formula = "col2im of the gradient",
       .example = "im2col([[[1, 2], [3, 4]]], (1, 2))",
       .note = "PyTorch's functional unfold"},
      {.name = "col2im",
       .parameters = "columns|input, size|output_size, kernel|kernel_size, dilation=1, padding=0, stride=1",
       .call = [](Arguments& a) -> Result {
         const PerAxis size = per_axis_argument(a, 1, 2);
         const auto length = [&](std::int64_t n) { return static_cast<double>(n); };
         const PatchOptions options = patch_options(a, 3, size.rank() == 0 ? 0 : length(size[0]),
                                                    size.rank() == 0 ? 0 : length(size.back()));
         return col2im(a[0], size, PerAxis(a.integers(2)), options);
       },
       .formula = "im2col of the gradient",
       .aliases = "fold",
       .example = "col2im([[1, 2], [3, 4]], (2, 2), (1, 2))"},
      {.name = "channel_shuffle",
       .parameters = "x|input, groups",
       .call = call<channel_shuffle>,
       .formula = "the gradient moved back",
       .example = "channel_shuffle([[1, 2, 3, 4]], 2)"},
      unpool_entry<1, max_unpool1d>("max_unpool1d", "max_unpool1d([[3, 4]], [[1, 3]], 2)"),
      unpool_entry<2, max_unpool2d>("max_unpool2d", "max_unpool2d([[[4]]], [[[3]]], 2)"),
      unpool_entry<3, max_unpool3d>("max_unpool3d", "max_unpool3d([[[[8]]]], [[[[7]]]], 2)"),
  };
  return table;
}

}  // namespace ops
}  // namespace chainrule
