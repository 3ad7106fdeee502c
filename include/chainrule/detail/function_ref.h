/// \file
/// A reference to anything that can be called. Relies on nothing, not even on <functional>, whose cost in
/// compile time every user would pay.

#pragma once

#include <type_traits>
#include <utility>

namespace chainrule {

template <class Signature>
class FunctionRef;

/// Anything that can be called so, by reference: what functions take that call it only until they return.
/// (std::function would have to keep it, and its header costs compile time.)
template <class Result, class... In>
class FunctionRef<Result(In...)> {
 public:
  FunctionRef() = default;
  template <class F>
  requires(!std::is_same_v<std::remove_cvref_t<F>, FunctionRef> && std::is_invocable_r_v<Result, F&, In...>)
      FunctionRef(F&& function)  // NOLINT
      : function_(
            reinterpret_cast<void*>(const_cast<std::remove_cv_t<std::remove_reference_t<F>>*>(&function))),
        call_([](void* called, In... in) -> Result {
          return (*reinterpret_cast<std::remove_reference_t<F>*>(called))(std::forward<In>(in)...);
        }) {}
  Result operator()(In... in) const { return call_(function_, std::forward<In>(in)...); }
  explicit operator bool() const { return call_ != nullptr; }

 private:
  void* function_ = nullptr;
  Result (*call_)(void*, In...) = nullptr;
};

}  // namespace chainrule
