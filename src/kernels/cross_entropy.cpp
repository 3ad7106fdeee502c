// Cross-entropy and its gradient in one pass over the logits. Each sample is a line of classes; relies on
// exponentials.h for sums that neither overflow nor vanish.

#include "kernels/cross_entropy.h"

#include <utility>

#include "kernels/exponentials.h"

namespace chainrule::kernels {
namespace {

/// Of a class per sample.
template <class T>
struct OfClasses {
  const std::int64_t* target;
  T* losses;
  T scale;

  void operator()(const auto& line, const auto& in, const auto& out, std::int64_t first,
                  std::int64_t count) const {
    using P = typename std::decay_t<decltype(line)>::Pack;
    const auto shift = shift_of(line, in[0]);
    P total;
    if (out[0] == nullptr) {
      total = total_of(line, in[0], shift);
    } else {
      total = powers_of(line, in[0], shift, out[0]);
      const P share = share_of(P(scale), total);
      line.for_each([&](auto pack, int) { pack.store(out[0], pack.load(out[0], P(0)) * share); });
    }
    const P log_total = log_of_total(total);
    T shifts[P::lanes], logs[P::lanes];
    shift.number().store(shifts);
    log_total.store(logs);
    for (std::int64_t lane = 0; lane < count; ++lane) {
      // Not shift + log_total first, which would cancel digits.
      const T own = in[0][line.at(target[first + lane], lane)];
      losses[first + lane] = logs[lane] - (own == shifts[lane] ? T(0) : own - shifts[lane]);
    }
    if (out[0] != nullptr) subtract_truth(line, out[0], first, count);
  }

 private:
  /// Takes the scale from the target of each line. Of a share that is near all of it, which has lost the
  /// digits of the others, minus the sum of these is left.
  template <class Line>
  void subtract_truth(const Line& line, T* shares, std::int64_t first, std::int64_t count) const {
    using P = typename Line::Pack;
    T own[P::lanes], others[P::lanes];
    bool any_near = false;
    const auto at = [&](std::int64_t lane) -> T& { return shares[line.at(target[first + lane], lane)]; };
    for (std::int64_t lane = 0; lane < count; ++lane) {
      own[lane] = std::exchange(at(lane), T(0));
      any_near = any_near || own[lane] > scale / 2;
    }
    if (any_near) sum_of_line(line, [&](auto pack) { return pack.load(shares, P(0)); }).store(others);
    for (std::int64_t lane = 0; lane < count; ++lane)
      at(lane) = own[lane] > scale / 2 ? -others[lane] : own[lane] - scale;
  }
};

/// Of a probability per logit, the second input.
template <class T>
struct OfProbabilities {
  T* losses;
  T scale;

  void operator()(const auto& line, const auto& in, const auto& out, std::int64_t first,
                  std::int64_t count) const {
    using P = typename std::decay_t<decltype(line)>::Pack;
    const P zero(0);
    const auto shift = shift_of(line, in[0]);
    const auto load = [&](auto pack, int k) { return pack.load(in[k], zero); };
    const P total = out[0] == nullptr ? total_of(line, in[0], shift) : powers_of(line, in[0], shift, out[0]),
            log_total = log_of_total(total);
    const P loss = sum_of_line(line, [&](auto pack) {
      const P share = load(pack, 1);  // 0 · -inf is 0
      return where(share == zero, zero, share * (log_total - shift.of(load(pack, 0))));
    });
    loss.store_part(losses + first, count);
    if (out[0] == nullptr) return;
    const P share = share_of(P(1), total);
    balance(
        line, [&](auto pack) { return pack.load(out[0], zero) * share; },
        [&](auto pack) { return load(pack, 1) * P(-scale); }, out[0]);
  }
};

}  // namespace

Array cross_entropy(const Array& logits, const Array& target, Array* gradient, double scale) {
  const Lines rows{logits.shape()[0], logits.shape()[1], 1};
  Array losses({rows.outer}, logits.dtype());
  if (gradient != nullptr) *gradient = Array(logits.shape(), logits.dtype());
  dispatch_floating(logits.dtype(), [&]<class T>() {
    const T* x = logits.data<T>();
    T *loss = losses.mutable_data<T>(), *to = gradient == nullptr ? nullptr : gradient->mutable_data<T>();
    const T factor = static_cast<T>(scale);
    if (target.dtype() == DType::int64)
      for_each_line<T, 1, 1>(rows, {x}, {to}, OfClasses<T>{target.data<std::int64_t>(), loss, factor});
    else
      for_each_line<T, 2, 1>(rows, {x, target.data<T>()}, {to}, OfProbabilities<T>{loss, factor});
  });
  return losses;
}

}  // namespace chainrule::kernels
