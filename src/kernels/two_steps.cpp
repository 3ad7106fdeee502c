// This file is compiled so that a product and a sum are not contracted to one rounding.

#include "kernels/two_steps.h"

#include "chainrule/detail/rules.h"
#include "kernels/elementwise.h"

namespace chainrule::kernels {
namespace {

template <Arithmetic arithmetic>
auto computed(auto a, auto b) {
  using rules::strong_product;
  if constexpr (arithmetic == Arithmetic::sum)
    return a + b;
  else if constexpr (arithmetic == Arithmetic::difference)
    return a - b;
  else if constexpr (arithmetic == Arithmetic::product)
    return a * b;
  else
    return strong_product(a, b);
}

template <Arithmetic first, Arithmetic second, bool is_right>
struct TwoSteps {
  auto operator()(auto a, auto b, auto c) const {
    const auto between = computed<first>(a, b);
    return is_right ? computed<second>(c, between) : computed<second>(between, c);
  }
};

template <class T, Arithmetic first, Arithmetic second, bool is_right = false>
constexpr const PackLoop* loop_of = detail::loop<TwoSteps<first, second, is_right>, T, T, T, T, T>;

template <class T, Arithmetic first>
const PackLoop* loop_with(Arithmetic second, bool is_right) {
  switch (second) {
    case Arithmetic::sum: return loop_of<T, first, Arithmetic::sum>;
    case Arithmetic::difference:
      return is_right ? loop_of<T, first, Arithmetic::difference, true>
                      : loop_of<T, first, Arithmetic::difference>;
    case Arithmetic::product: return loop_of<T, first, Arithmetic::product>;
    case Arithmetic::strong_product: return loop_of<T, first, Arithmetic::strong_product>;
    default: return nullptr;
  }
}

}  // namespace

const PackLoop* two_step_loop(DType dtype, Arithmetic first, Arithmetic second, bool is_right) {
  return dispatch_floating(dtype, [&]<class T>() -> const PackLoop* {
    switch (first) {
      case Arithmetic::sum: return loop_with<T, Arithmetic::sum>(second, is_right);
      case Arithmetic::difference: return loop_with<T, Arithmetic::difference>(second, is_right);
      case Arithmetic::product: return loop_with<T, Arithmetic::product>(second, is_right);
      case Arithmetic::strong_product: return loop_with<T, Arithmetic::strong_product>(second, is_right);
      default: return nullptr;
    }
  });
}

}  // namespace chainrule::kernels
