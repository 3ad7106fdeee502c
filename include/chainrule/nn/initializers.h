/// \file
/// What weights start from: random tensors of a given shape. Names and meaning are PyTorch's (torch.nn.init).
/// They begin a parameter, or replace its value: `layer.weight.assign(orthogonal(layer.weight.shape(),
/// generator))`. For a constant there are full(), zeros() and ones().

#pragma once

#include "chainrule/random.h"

namespace CHAINRULE_API chainrule {

/// How many numbers go into each number that a layer with this weight gives, and into how many each of its
/// inputs goes: of (outputs, inputs, kernel...), inputs and outputs times the size of the kernel.
/// ShapeError for less than two axes.
struct Fans {
  /// Numbers that go in, and those that come out.
  std::int64_t in, out;
};
/// Of a weight of this shape.
Fans fans_of(const Shape& weight);
/// Which of the two a variance is divided by: `in` keeps the size of the signal, `out` that of gradients.
enum class Fan : std::uint8_t { in, out };

/// By how much a nonlinearity makes the signal smaller, so that weights are to be larger: 1 for none and for
/// sigmoid, 5/3 for tanh, √2 for relu, √(2 / (1 + slope²)) for leaky_relu, 3/4 for selu.
enum class Nonlinearity : std::uint8_t { linear, sigmoid, tanh, relu, leaky_relu, selu };
double gain_of(Nonlinearity nonlinearity, double slope = 0.01);

/// Of kaiming_normal() and kaiming_uniform().
struct KaimingOptions {
  /// What follows the layer.
  Nonlinearity nonlinearity = Nonlinearity::relu;
  double slope = 0.01;  ///< of leaky_relu
  /// Which of the two the variance is divided by.
  Fan fan = Fan::in;
};
/// Mean 0 and variance gain² / fan, normal or uniform. ShapeError for less than two axes, or none of a size.
/// Source: He, Zhang, Ren and Sun, "Delving deep into rectifiers", 2015, equation 10.
Tensor kaiming_normal(const Shape& shape, Generator& generator, const KaimingOptions& options = {},
                      DType dtype = default_dtype());
Tensor kaiming_uniform(const Shape& shape, Generator& generator, const KaimingOptions& options = {},
                       DType dtype = default_dtype());
/// kaiming_normal of a matrix: normal with mean 0 and variance 2 / inputs, so that the size of the signal
/// neither grows nor shrinks from layer to layer of ReLU. ShapeError unless both sizes are positive.
Tensor he_normal(Integer outputs, Integer inputs, Generator& generator, DType dtype = default_dtype());

/// Mean 0 and variance gain² · 2 / (fan in + fan out), for layers of sigmoid, tanh or attention. ShapeError
/// as above. Source: Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural
/// networks", 2010, equation 16.
Tensor xavier_normal(const Shape& shape, Generator& generator, double gain = 1,
                     DType dtype = default_dtype());
Tensor xavier_uniform(const Shape& shape, Generator& generator, double gain = 1,
                      DType dtype = default_dtype());

/// Mean 0 and variance 1 / fan in, for selu. ShapeError as above. Source: LeCun, Bottou, Orr and Müller,
/// "Efficient backprop", 1998, section 4.6.
Tensor lecun_normal(const Shape& shape, Generator& generator, DType dtype = default_dtype());
Tensor lecun_uniform(const Shape& shape, Generator& generator, DType dtype = default_dtype());

/// gain · Q, where the rows of the matrix (first axis, all others) are orthonormal, or its columns where
/// there are more rows; each such matrix is as likely as any other. ShapeError as above. Source: Saxe,
/// McClelland and Ganguli, "Exact solutions to the nonlinear dynamics of learning in deep linear neural
/// networks", 2014.
Tensor orthogonal(const Shape& shape, Generator& generator, double gain = 1, DType dtype = default_dtype());

/// Of truncated_normal().
struct TruncatedNormalOptions {
  /// Those of the normal distribution before it is cut.
  double mean = 0, deviation = 1;
  double low = -2, high = 2;  ///< bounds of the values, in units of themselves and not of the deviation
};
/// Normal, given that it is between two bounds. std::invalid_argument unless deviation > 0 and low < high.
Tensor truncated_normal(const Shape& shape, Generator& generator, const TruncatedNormalOptions& options = {},
                        DType dtype = default_dtype());

}  // namespace chainrule
