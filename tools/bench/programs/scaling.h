// How training scales to several ranks: gradients in buckets, sent while the backward pass goes on.
// For both libraries.

#pragma once

// What a step of data-parallel training takes on many ranks: a model with four numbers that are measured.
//
// Each of R ranks computes for T seconds, a third of it forward; then the gradients become complete one by
// one. Bucket i, of S_i bytes, is full when a share p_i of the backward pass is over. It goes to the others
// in two steps of R - 1 messages each (parts to those who add them up, and sums to all), after the bucket
// before:
//
//     C_i = 2 (λ + (R - 1) (α + S_i / (R β)))
//     full_i = T (1 - 2/3 h (1 - p_i))
//     done_i = max(full_i, done_{i-1}) + C_i
//     step = max(T, done_last)
//
// λ: seconds that one such step takes whatever is sent, as messages are on their way at once; α: what each
// message costs beside; β: bytes that a rank sends in a second; h: how much of the rest of the backward pass
// hides communication. That is less than all, as MPI gets on only when it is asked: between two gradients.
//
// Weak scaling keeps the samples of each rank, and with them T; strong scaling those of all, and T = T_0 +
// T_1 samples / R. Efficiency is step(1) / step(R), for strong scaling step(1) / (R step(R)).

#include <chainrule/ops.h>

#include <algorithm>
#include <cstdint>
#include <vector>

namespace chainrule::scaling {

constexpr double forward_share = 1.0 / 3;

/// Gradients that are sent together.
struct Bucket {
  double bytes;
  double full_at;  ///< share of the backward pass
};

/// Those of layers with so many parameters each, the last one first, as DataParallel fills them. A layer
/// takes time as it has parameters.
inline std::vector<Bucket> buckets(const std::vector<double>& layers, double bucket_bytes) {
  constexpr double item = sizeof(float);
  double all = 0, done = 0, open = 0;
  for (const double each : layers) all += each;
  std::vector<Bucket> full;
  for (const double each : layers) {
    done += each;
    open += each * item;
    if (open < bucket_bytes && done < all) continue;
    full.push_back({open, done / all});
    open = 0;
  }
  return full;
}

inline double later(double a, double b) { return std::max(a, b); }
inline Tensor later(const Tensor& a, const Tensor& b) { return maximum(a, b); }

/// A network between ranks. As tensors, the numbers can be fitted.
template <class Number>
struct Network {
  Number latency, message_seconds, bytes_per_second, hidden;
};

template <class Number>
Number step_seconds(const Network<Number>& network, const std::vector<Bucket>& all, double compute,
                    int ranks) {
  Number done = network.hidden * 0.0;
  if (ranks == 1) return done + compute;
  for (const Bucket& each : all) {
    const Number full = compute - network.hidden * (compute * (1 - forward_share) * (1 - each.full_at));
    const Number message = network.message_seconds + each.bytes / ranks / network.bytes_per_second;
    const Number sent = 2.0 * (network.latency + (ranks - 1.0) * message);
    done = later(full, done) + sent;
  }
  return later(done, done * 0.0 + compute);
}

}  // namespace chainrule::scaling
