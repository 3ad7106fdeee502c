// All parameters of a problem as one vector, for methods that look at them together, L-BFGS and
// Levenberg-Marquardt.

#pragma once

#include <string>
#include <vector>

#include "chainrule/nn.h"

namespace chainrule::optim {

class Flat {
 public:
  /// DTypeError, naming the owner, for parameters of different dtypes.
  Flat(const std::string& owner, const std::vector<Parameter>& parameters);

  std::int64_t size() const { return size_; }
  DType dtype() const { return dtype_; }
  /// (size,): the present values one after another.
  Tensor values() const;
  /// Puts a vector's parts into the parameters.
  void assign(const Tensor& values) const;
  /// (size,): what backward() has accumulated, which is forgotten. GradError when it has reached no
  /// parameter.
  Tensor take_gradient() const;
  /// A vector's part for each parameter, in its shape.
  std::vector<Tensor> split(const Tensor& vector) const;

 private:
  std::string owner_;
  std::vector<Parameter> parameters_;
  std::int64_t size_ = 0;
  DType dtype_;
};

}  // namespace chainrule::optim
