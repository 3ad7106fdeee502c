// A program that uses the border to xtensor of an installed library, chainrule::xtensor.
// tests/consumer/CMakeLists.txt builds it.

#include <chainrule/chainrule.h>
#include <chainrule/xtensor.h>

// There and back. Exits with 0 when the elements are the same.
int main() {
  const xt::xarray<double> array = {{1, 2}, {3, 4}};
  const chainrule::Tensor tensor = chainrule::from_xtensor(2 * array);
  return tensor.shape() == chainrule::Shape({2, 2}) && chainrule::as_xtensor<double>(tensor)(1, 0) == 6 ? 0
                                                                                                        : 1;
}
