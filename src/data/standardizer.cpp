#include "chainrule/autograd.h"
#include "chainrule/data.h"

namespace chainrule {

Standardizer::Standardizer(const Tensor& x) {
  if (!is_floating(x.dtype()))
    throw DTypeError("Standardizer: data is " + std::string(to_string(x.dtype())) + "; cast it to a float");
  if (x.rank() != 2 || x.shape()[0] == 0)
    throw ShapeError("Standardizer: data has shape " + to_string(x.shape()) +
                     "; it must be (samples, columns) with at least one sample");
  const NoGrad guard;
  const Tensor wide = cast(x, DType::float64);
  const Tensor center = chainrule::mean(wide, 0);
  const Tensor spread = sqrt(chainrule::mean(square(wide - center), 0));
  // A constant column is recognised by its values: its computed deviation may be a rounding error, and
  // dividing by that would blow up any other value that the test data has there.
  const Tensor varies = max(wide, 0) > min(wide, 0);
  mean_ = cast(center, x.dtype());
  deviation_ = cast(where(varies, spread, 1.0), x.dtype());
}

Tensor Standardizer::operator()(const Tensor& x) const { return (x - mean_) / deviation_; }

}  // namespace chainrule
