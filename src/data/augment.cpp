// Images moved, turned over, cut out and noisy.
// All but noise is one loop, which copies each pixel from where it was.

#include "chainrule/data/augment.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "array/array.h"
#include "chainrule/error.h"
#include "chainrule/ops.h"
#include "graph/node.h"

namespace chainrule {
namespace {

struct Images {
  Images(const std::string& called, const Tensor& x) {
    const Shape& shape = x.shape();
    if (shape.rank() < 3)
      throw ShapeError(called + ": images have shape " + to_string(shape) +
                       "; they must be (n, ..., height, width)");
    count = shape[0];
    height = shape[shape.rank() - 2];
    width = shape[shape.rank() - 1];
    planes = 1;
    for (std::size_t axis = 1; axis + 2 < shape.rank(); ++axis) planes *= shape[axis];
  }
  std::int64_t count, planes, height, width;
};

/// Which pixel of the image a result begins with, along one axis, and whether it goes back from there.
struct From {
  std::int64_t first = 0;
  bool backwards = false;
  std::int64_t at(std::int64_t i) const { return backwards ? first - i : first + i; }
};

/// (n, ..., height, width) of pixels from where choose(image) says, a pair of rows and columns.
template <class Choose>
Tensor moved(const Images& in, const Tensor& images, std::int64_t height, std::int64_t width, double fill,
             const Choose& choose) {
  std::vector<std::int64_t> sizes(images.shape().begin(), images.shape().end());
  sizes[sizes.size() - 2] = height;
  sizes[sizes.size() - 1] = width;
  Array result(Shape(sizes), images.dtype());
  dispatch_stored(images.dtype(), [&]<class T>() {
    const T* image = images.data<T>().data();
    T* out = result.mutable_data<T>();
    const T outside = convert<T>(fill);
    for (std::int64_t i = 0; i < in.count; ++i) {
      const auto [rows, columns] = choose();
      for (std::int64_t plane = 0; plane < in.planes; ++plane, image += in.height * in.width)
        for (std::int64_t r = 0; r < height; ++r, out += width) {
          const std::int64_t row = rows.at(r);
          if (row < 0 || row >= in.height) {
            std::fill_n(out, width, outside);
            continue;
          }
          const T* from = image + row * in.width;
          for (std::int64_t c = 0; c < width; ++c) {
            const std::int64_t column = columns.at(c);
            out[c] = column < 0 || column >= in.width ? outside : from[column];
          }
        }
    }
  });
  return constant(std::move(result));
}

void require_size(const std::string& called, const Images& in, std::int64_t height, std::int64_t width,
                  std::int64_t padding) {
  if (padding < 0)
    throw std::invalid_argument(called + ": padding is " + std::to_string(padding) +
                                "; it must not be negative");
  if (height < 1 || width < 1 || height > in.height + 2 * padding || width > in.width + 2 * padding)
    throw std::invalid_argument(
        called + ": a part of " + std::to_string(height) + "x" + std::to_string(width) + " from images of " +
        std::to_string(in.height) + "x" + std::to_string(in.width) +
        (padding > 0 ? " with padding " + std::to_string(padding) : "") + "; it must have pixels and fit");
}

}  // namespace

Tensor random_shift(const Tensor& images, Integer most, Generator& generator, double fill) {
  const Images in("random_shift", images);
  if (most < 0)
    throw std::invalid_argument("random_shift: by up to " + std::to_string(most) +
                                " pixels; it must not be negative");
  return moved(in, images, in.height, in.width, fill, [&] {
    const std::int64_t down = generator.below(2 * most + 1) - most;
    return std::pair(From{down}, From{generator.below(2 * most + 1) - most});
  });
}

Tensor random_flip(const Tensor& images, Generator& generator, double probability, Integer axis) {
  const Images in("random_flip", images);
  const auto rank = static_cast<std::int64_t>(images.rank());
  const bool vertical = axis == -2 || axis == rank - 2;
  if (!vertical && axis != -1 && axis != rank - 1)
    throw ShapeError("random_flip: axis " + std::to_string(axis) + " of images " + to_string(images.shape()) +
                     "; it must be one of the last two");
  if (!(probability >= 0 && probability <= 1))
    throw std::invalid_argument("random_flip: probability is " + to_string(tensor(probability)) +
                                "; it must be from 0 to 1");
  return moved(in, images, in.height, in.width, 0, [&] {
    const bool turned = generator.uniform() < probability;
    return std::pair(vertical && turned ? From{in.height - 1, true} : From{},
                     !vertical && turned ? From{in.width - 1, true} : From{});
  });
}

Tensor random_crop(const Tensor& images, Integer height, Integer width, Generator& generator, Integer padding,
                   double fill) {
  const Images in("random_crop", images);
  require_size("random_crop", in, height, width, padding);
  return moved(in, images, height, width, fill, [&] {
    const std::int64_t top = generator.below(in.height + 2 * padding - height + 1) - padding;
    return std::pair(From{top}, From{generator.below(in.width + 2 * padding - width + 1) - padding});
  });
}

Tensor center_crop(const Tensor& images, Integer height, Integer width) {
  const Images in("center_crop", images);
  require_size("center_crop", in, height, width, 0);
  return moved(in, images, height, width, 0,
               [&] { return std::pair(From{(in.height - height) / 2}, From{(in.width - width) / 2}); });
}

Tensor add_noise(const Tensor& images, double deviation, Generator& generator) {
  const Images in("add_noise", images);
  if (!is_floating(images.dtype()) || is_only_stored(images.dtype()))
    throw DTypeError("add_noise: images are " + std::string(to_string(images.dtype())) +
                     "; cast them to float32 or float64 first");
  if (!(deviation >= 0))
    throw std::invalid_argument("add_noise: deviation is " + to_string(tensor(deviation)) +
                                "; it must not be negative");
  Array result(images.shape(), images.dtype());
  dispatch_floating(images.dtype(), [&]<class T>() {
    const auto from = images.data<T>();
    std::transform(from.begin(), from.end(), result.mutable_data<T>(),
                   [&](T pixel) { return static_cast<T>(pixel + deviation * generator.normal()); });
  });
  return constant(std::move(result));
}

}  // namespace chainrule
