#include "kernels/cross_entropy.h"

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
    const P shift = shift_of(line, in[0]);
    P total;
    if (out[0] == nullptr) {
      total = total_of(line, in[0], shift);
    } else {
      total = powers_of(line, in[0], shift, out[0]);
      const P share = share_of(P(scale), total);
      line.for_each([&](auto pack, int) { pack.store(out[0], pack.load(out[0], P(0)) * share); });
    }
    const P log_total = log(total);
    T shifts[P::lanes], logs[P::lanes];
    shift.store(shifts);
    log_total.store(logs);
    for (std::int64_t lane = 0; lane < count; ++lane) {
      const std::int64_t at = line.at(target[first + lane], lane);
      // Not shift + log_total first, which would cancel digits.
      losses[first + lane] = logs[lane] - (in[0][at] - shifts[lane]);
      if (out[0] != nullptr) out[0][at] -= scale;
    }
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
    const P zero(0), shift = shift_of(line, in[0]);
    const auto load = [&](auto pack, int k) { return pack.load(in[k], zero); };
    const P total = out[0] == nullptr ? total_of(line, in[0], shift) : powers_of(line, in[0], shift, out[0]),
            log_total = log(total);
    const P loss = sum_of_line(line, [&](auto pack) {
      const P share = load(pack, 1);  // 0 · -inf is 0
      return where(share == zero, zero, share * (log_total - (load(pack, 0) - shift)));
    });
    loss.store_part(losses + first, count);
    if (out[0] == nullptr) return;
    const P mass = sum_of_line(line, [&](auto pack) { return load(pack, 1); }),
            share = share_of(mass * P(scale), total);
    line.for_each([&](auto pack, int) {
      pack.store(out[0], pack.load(out[0], zero) * share - load(pack, 1) * P(scale));
    });
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
