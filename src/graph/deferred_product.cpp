#include "graph/deferred_product.h"

#include <mutex>

#include "kernels/matmul.h"

namespace chainrule {
namespace {

// Products are few, and hardly ever read by two threads at once.
std::mutex& multiplying() {
  static std::mutex mutex;
  return mutex;
}

}  // namespace

DeferredProduct::DeferredProduct(const Array& a, const Array& b)
    : Node(Array::released({a.shape().back(), b.shape().back()}, a.dtype()), false), a_(a), b_(b) {
  start_without_value();
}

bool DeferredProduct::add_to(Array& sum, double scale) const {
  const std::lock_guard lock(multiplying());
  if (has_value()) return false;
  multiply(sum, true, scale);
  return true;
}

bool DeferredProduct::provide_value() {
  const std::lock_guard lock(multiplying());
  if (has_value()) return true;
  Array product(shape(), dtype());
  multiply(product, false, 1);
  a_.release();
  b_.release();
  set_value(std::move(product));
  return true;
}

void DeferredProduct::multiply(Array& out, bool accumulate, double scale) const {
  const kernels::Product product{out.shape()[0], out.shape()[1], a_.shape()[0], true,
                                 false,          accumulate,     scale};
  dispatch_floating(out.dtype(), [&]<class T>() {
    kernels::matmul(product, a_.data<T>(), b_.data<T>(), out.mutable_data<T>());
  });
}

}  // namespace chainrule
