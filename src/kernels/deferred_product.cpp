// Products of matrices that wait until somebody reads them, or are added to a sum. A Deferred over matmul.h;
// a sum asks it to add itself instead.

#include "kernels/deferred_product.h"

#include "kernels/matmul.h"

namespace chainrule::kernels {
namespace {

class DeferredProduct final : public Deferred {
 public:
  DeferredProduct(Array a, Array b) : a_(std::move(a)), b_(std::move(b)) {}
  void compute(void* elements) const override {
    dispatch_floating(a_.dtype(), [&]<class T>() { multiply(static_cast<T*>(elements), false, 1); });
  }
  bool add_to(Array& sum, double scale) const override {
    dispatch_floating(a_.dtype(), [&]<class T>() { multiply(sum.mutable_data<T>(), true, scale); });
    return true;
  }

 private:
  template <class T>
  void multiply(T* out, bool accumulate, double scale) const {
    const Product product{
        a_.shape().back(), b_.shape().back(), a_.shape()[0], true, false, accumulate, scale};
    matmul(product, a_.data<T>(), b_.data<T>(), out);
  }
  Array a_, b_;
};

}  // namespace

Array deferred_product(const Array& a, const Array& b) {
  return Array({a.shape().back(), b.shape().back()}, a.dtype(), std::make_unique<DeferredProduct>(a, b));
}

}  // namespace chainrule::kernels
