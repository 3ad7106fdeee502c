// This file is compiled so that a product and a sum are not contracted to one rounding.

#include "kernels/two_steps.h"

#include <cstring>

#include "chainrule/detail/rules.h"
#include "chainrule/simd.h"

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

template <class F, class T>
struct TwoStepLoopOf {
  template <int Bytes>
  static void run(const TwoStepStretch* stretch) {
    using P = simd::Pack<T, Bytes / static_cast<int>(sizeof(T))>;
    const auto [count, operands, moves, to, next] = *stretch;
    const auto *a = static_cast<const T*>(operands[0]), *b = static_cast<const T*>(operands[1]),
               *c = static_cast<const T*>(operands[2]);
    const std::int64_t move_a = moves[0], move_b = moves[1], move_c = moves[2];
    auto* const out = static_cast<T*>(to);
    const auto* const ahead = static_cast<const T*>(next);
    // All whole packs, and a last one that ends where the elements do.
    for (std::int64_t i = 0, end = count - count % P::lanes;;) {
      do {
        F()(P::load(a + (i & move_a)), P::load(b + (i & move_b)), P::load(c + (i & move_c))).store(out + i);
        if constexpr (sizeof(P) > 16) __builtin_prefetch(ahead + i, 0, 2);
        i += P::lanes;
      } while (i < end);
      if (i >= count) break;
      i = count - P::lanes;
      end = count;
    }
  }
};

template <class T, Arithmetic first, Arithmetic second, bool is_right = false>
void loop_of(const TwoStepStretch& stretch) {
  simd::vectorized<TwoStepLoopOf<TwoSteps<first, second, is_right>, T>>(&stretch);
}

template <class T, Arithmetic first>
TwoStepLoop* loop_with(Arithmetic second, bool is_right) {
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

TwoStepLoop* two_step_loop(DType dtype, Arithmetic first, Arithmetic second, bool is_right) {
  return dispatch_floating(dtype, [&]<class T>() -> TwoStepLoop* {
    switch (first) {
      case Arithmetic::sum: return loop_with<T, Arithmetic::sum>(second, is_right);
      case Arithmetic::difference: return loop_with<T, Arithmetic::difference>(second, is_right);
      case Arithmetic::product: return loop_with<T, Arithmetic::product>(second, is_right);
      case Arithmetic::strong_product: return loop_with<T, Arithmetic::strong_product>(second, is_right);
      default: return nullptr;
    }
  });
}

void TwoStepOperands::add(const std::byte* base, bool moves) {
  std::byte* const pack = packs_[added_];
  const bool is_read_in_place = moves && !is_short();
  const auto fill = [&](auto number) {  // of a size that the compiler knows
    std::memcpy(&number, base, sizeof number);
    for (std::size_t at = 0; at < pack_bytes; at += sizeof number)
      std::memcpy(pack + at, &number, sizeof number);
  };
  if (!moves)
    item_ == sizeof(float) ? fill(float()) : fill(double());
  else if (is_short())
    std::memcpy(pack, base + from_ * item_, static_cast<std::size_t>(count_ * item_));
  stretch_.operands[added_] = is_read_in_place ? base + from_ * item_ : pack;
  stretch_.moves[added_++] = moves ? -1 : 0;
}

void TwoStepOperands::run(TwoStepLoop* loop, std::byte* out, const std::byte* ahead) {
  alignas(pack_bytes) std::byte result[pack_bytes];
  stretch_.count = is_short() ? pack_bytes / item_ : count_;
  stretch_.out = is_short() ? result : out;
  stretch_.ahead = ahead == nullptr || is_short() ? stretch_.out : ahead;
  loop(stretch_);
  if (is_short()) std::memcpy(out, result, static_cast<std::size_t>(count_ * item_));
}

}  // namespace chainrule::kernels
