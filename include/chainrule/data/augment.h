/// \file
/// Images as they might have been: moved, turned over, cut out, noisy. What a network is shown in training,
/// so that it learns what does not matter. The results are data: no gradient flows through them.

#pragma once

#include "chainrule/random.h"
#include "chainrule/tensor.h"

/// Images as they might have been: moved, turned over, cut out, noisy. What a network is shown in training,
/// so that it learns what does not matter. Images are (n, ..., height, width), as (n, height, width) or (n,
/// channels, height, width), of floats, int64 or bool; each of the n is changed in its own way, all of its
/// channels alike. The results are data: no gradient flows through them. ShapeError for fewer than three
/// axes.
///
///     const auto prepare = [](Dataset batch, Generator& generator) {
///       batch.x = random_shift(random_flip(batch.x, generator), 2, generator);
///       return batch;
///     };
///     const DataLoader loader(data, {.batch_size = 64, .prepare = prepare});
///
/// Threads: any number may change the same images, each with a Generator of its own.
namespace CHAINRULE_API chainrule {

/// Each image moved by up to `most` pixels up or down and left or right, all distances alike probable; what
/// comes in at the edges is `fill`. std::invalid_argument for a negative distance.
Tensor random_shift(const Tensor& images, Integer most, Generator& generator, double fill = 0);
/// Each image turned over with this probability: left to right, or with axis -2 top to bottom. ShapeError for
/// another axis, std::invalid_argument unless 0 <= probability <= 1.
Tensor random_flip(const Tensor& images, Generator& generator, double probability = 0.5, Integer axis = -1);
/// A part of this size of each image, from anywhere in it after `padding` pixels of `fill` were put around
/// it: (n, ..., height, width). std::invalid_argument for a part that is larger than what it is taken from,
/// or sizes below 1.
Tensor random_crop(const Tensor& images, Integer height, Integer width, Generator& generator,
                   Integer padding = 0, double fill = 0);
/// The part of this size in the middle of each image: what random_crop is evaluated with.
Tensor center_crop(const Tensor& images, Integer height, Integer width);
/// Normal noise of this deviation added to every element. DTypeError unless floating, std::invalid_argument
/// for a negative deviation.
Tensor add_noise(const Tensor& images, double deviation, Generator& generator);

}  // namespace chainrule
