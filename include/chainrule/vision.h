/// \file
/// Images: read between their pixels, cut into patches and put together again, pools undone. Names, layouts,
/// meaning and default values are PyTorch's (torch.nn.functional), where im2col and col2im are unfold and
/// fold.

#pragma once

#include "chainrule/networks.h"

namespace CHAINRULE_API chainrule {

// ---- Read between pixels -----------------------------------------------------------------------------
//
// Coordinates go from -1 to 1 over each spatial axis, that of the last axis first (x, y, z): with
// align_corners from the centre of the first pixel to that of the last, otherwise from edge to edge.

/// What is read beyond the edges: 0; the nearest pixel of the edge; the mirror image.
enum class GridPadding : std::uint8_t { zeros, border, reflection };
/// Of grid_sample().
struct GridSampleOptions {
  /// nearest, linear or cubic (a = -0.75), as in interpolate().
  Interpolation mode = Interpolation::linear;
  GridPadding padding = GridPadding::zeros;  ///< what is read beyond the edges
  bool align_corners = false;                ///< are -1 and 1 the centres of the corner pixels, or the edges?
};
/// x (N, C, sizes...), of one to three spatial axes, read at the points of grid (N, outs..., axes): (N, C,
/// outs...). Linear in x; by the grid, the derivative is that of the interpolation between the pixels around,
/// 0 for `nearest`. A coordinate that is NaN is outside. Pixels times weights are added up as in a product of
/// matrices: 0 times infinity is NaN there. ShapeError for other shapes and an empty image.
Tensor grid_sample(const Operand& x, const Operand& grid, const GridSampleOptions& options = {});
/// The grid (N, sizes..., axes) of theta (N, axes, axes + 1) applied to the coordinates of all pixels of
/// images (N, C, sizes...), of which `size` is the shape. Linear in theta.
Tensor affine_grid(const Operand& theta, const Shape& size, Flag align_corners = false);

// ---- Patches -----------------------------------------------------------------------------------------

/// Of im2col() and col2im(), each one number for both axes, or one for each.
struct PatchOptions {
  /// From one patch to the next.
  PerAxis stride = 1;
  PerAxis padding = 0;   ///< zeros on both sides
  PerAxis dilation = 1;  ///< from one element of a patch to the next
};
/// The patches of x (N, C, H, W), or of one sample without N, as columns: (N, C kh kw, patches), those of one
/// row after another. ShapeError for a kernel larger than the padded image.
Tensor im2col(const Operand& x, const PerAxis& kernel, const PatchOptions& options = {});
/// Its adjoint: columns (N, C kh kw, patches) added up where they come from in an image of this size, (N, C,
/// H, W); or without N.
Tensor col2im(const Operand& columns, const PerAxis& size, const PerAxis& kernel,
              const PatchOptions& options = {});
/// x (N, C, ...) with the channels of `groups` equal parts taken in turns. ShapeError where the channels are
/// no multiple of the groups.
Tensor channel_shuffle(const Operand& x, Integer groups);

// ---- Pools undone ------------------------------------------------------------------------------------

/// Of max_unpool1d() and the like: those of the pool.
struct MaxUnpoolOptions {
  PerAxis stride = {};  ///< nothing means that of the kernel's size
  PerAxis padding = 0;  ///< that the pool added on both sides
  PerAxis size = {};    ///< of the result; nothing means (size - 1) stride - 2 padding + kernel
};
/// What max_pool2d_with_places gave, back at its places, and 0 elsewhere: x and places (N, C, spatial...), or
/// both without N. Of equal places the last counts, and has the gradient. ShapeError for a place that is not
/// in the result.
Tensor max_unpool1d(const Operand& x, const Operand& places, const PerAxis& kernel,
                    const MaxUnpoolOptions& options = {});
Tensor max_unpool2d(const Operand& x, const Operand& places, const PerAxis& kernel,
                    const MaxUnpoolOptions& options = {});
Tensor max_unpool3d(const Operand& x, const Operand& places, const PerAxis& kernel,
                    const MaxUnpoolOptions& options = {});

}  // namespace chainrule
