// Elements of one type as another. Those of types that operations compute in have loops for each instruction
// set; from and to what is only stored, a plain loop each, or two. Relies on chainrule::convert for what each
// number becomes.

#include "kernels/cast.h"

#include "chainrule/simd.h"
#include "kernels/parallel.h"

namespace chainrule::kernels {
namespace {

/// Left to the compiler.
template <class From, class To>
struct CastLoop {
  template <int>
  static void run(const void* all_from, std::int64_t n, void* all_to) {
    const From* __restrict const from = static_cast<const From*>(all_from);
    To* __restrict const to = static_cast<To*>(all_to);
    for (std::int64_t i = 0; i < n; ++i) to[i] = convert<To>(from[i]);
  }
};
using Loop = void(const void* from, std::int64_t n, void* to);

/// Null where there is none: of one type, of two that are only stored, and of bool and one of these.
template <class From, class To>
constexpr Loop* loop_between() {
  constexpr bool from_stored = is_only_stored(dtype_of<From>), to_stored = is_only_stored(dtype_of<To>);
  if constexpr (std::is_same_v<From, To> || (from_stored && to_stored) ||
                (from_stored && std::is_same_v<To, bool>) || (to_stored && std::is_same_v<From, bool>))
    return nullptr;
  else if constexpr (from_stored || to_stored)
    return CastLoop<From, To>::template run<16>;
  else
    return simd::vectorized<CastLoop<From, To>, const void*, std::int64_t, void*>;
}
Loop* loop_between(DType from, DType to) {
  return dispatch_stored(from, [=]<class From>() {
    return dispatch_stored(to, []<class To>() -> Loop* { return loop_between<From, To>(); });
  });
}

/// What loses nothing between two types without a loop.
DType between(DType from, DType to) {
  if (to == DType::boolean) return computed_in(from);
  return is_floating(from) || is_floating(to) ? DType::float64 : DType::int64;
}

}  // namespace

Array cast(const Array& x, DType dtype) {
  if (x.dtype() == dtype) return x;
  Loop* const loop = loop_between(x.dtype(), dtype);
  if (loop == nullptr) return cast(cast(x, between(x.dtype(), dtype)), dtype);
  Array out(x.shape(), dtype);
  const auto* const from = static_cast<const std::byte*>(x.raw());
  auto* const to = static_cast<std::byte*>(out.mutable_raw());
  const auto item = static_cast<std::int64_t>(item_size(x.dtype())),
             out_item = static_cast<std::int64_t>(item_size(dtype));
  parallel_for(x.size(), parallel_grain, [=](std::int64_t begin, std::int64_t end) {
    loop(from + begin * item, end - begin, to + begin * out_item);
  });
  return out;
}

}  // namespace chainrule::kernels
