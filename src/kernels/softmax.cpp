// softmax, log_softmax, logsumexp and their derivatives: what each does to one line, in packs. How lines lie
// in memory is left to reduce_groups.h, and what one needs to exponentials.h.

#include "kernels/softmax.h"

#include "kernels/exponentials.h"
#include "kernels/reduce_groups.h"

namespace chainrule::kernels {
namespace {

struct Softmax {
  void operator()(const auto& line, const auto& in, const auto& out, std::int64_t, std::int64_t) const {
    using P = typename std::decay_t<decltype(line)>::Pack;
    const P total = powers_of(line, in[0], shift_of(line, in[0]), out[0]), share = share_of(P(1), total);
    line.for_each([&](auto pack, int) { pack.store(out[0], pack.load(out[0], P(0)) * share); });
  }
};

/// Each g counts from the one where y is largest, so that the rest of this y, near 1, is not asked for. Where
/// y is 0, g does not count, which as a tangent may be infinite, and where all g are 0, y does not, which may
/// be NaN.
struct SoftmaxGradient {
  void operator()(const auto& line, const auto& in, const auto& out, std::int64_t, std::int64_t) const {
    using P = typename std::decay_t<decltype(line)>::Pack;
    const auto [y, g] = in;
    const P zero(0), nothing(-std::numeric_limits<typename P::Element>::infinity()),
        largest = largest_of_line(line, [&, y = y](auto pack) { return pack.load(y, nothing); }),
        shift = largest_of_line(line, [&, y = y, g = g](auto pack) {
          return where(pack.load(y, nothing) == largest, pack.load(g, nothing), nothing);
        });
    const auto share = [&](const P& of, const P& what) { return where(of == zero, zero, of * what); };
    const P sum = sum_of_line(line, [&, y = y, g = g](auto pack) {
      return share(pack.load(y, zero), pack.load(g, shift) - shift);
    });
    const bool is_spoiled = any(sum != sum);
    P asked = zero;
    if (is_spoiled) [[unlikely]]
      line.template for_each<1>(
          [&, g = g](auto pack, int) { asked = where(pack.load(g, zero) == zero, asked, P(1)); });
    line.template for_each<1>([&, y = y, g = g](auto pack, int) {
      pack.store(out[0], share(pack.load(y, zero), (pack.load(g, zero) - shift) - sum));
    });
    if (!is_spoiled) [[likely]]
      return;
    asked = line.combined(asked, [](const P& a, const P& b) { return larger(a, b); });
    line.template for_each<1>(
        [&](auto pack, int) { pack.store(out[0], where(asked == zero, zero, pack.load(out[0], zero))); });
  }
};

struct LogSoftmax {
  void operator()(const auto& line, const auto& in, const auto& out, std::int64_t, std::int64_t) const {
    using P = typename std::decay_t<decltype(line)>::Pack;
    const auto shift = shift_of(line, in[0]);
    const P log_total = log_of_total(total_of(line, in[0], shift));
    line.for_each([&](auto pack, int) { pack.store(out[0], shift.of(pack.load(in[0], P(0))) - log_total); });
  }
};

struct LogSoftmaxGradient {
  void operator()(const auto& line, const auto& in, const auto& out, std::int64_t, std::int64_t) const {
    using P = typename std::decay_t<decltype(line)>::Pack;
    const auto [y, g] = in;
    const P zero(0);
    line.template for_each<1>([&, y = y](auto pack, int) { pack.store(out[0], exp(pack.load(y, zero))); });
    balance(
        line, [&](auto pack) { return pack.load(out[0], zero); },
        [&, g = g](auto pack) { return pack.load(g, zero); }, out[0]);
  }
};

struct Balanced {
  void operator()(const auto& line, const auto& in, const auto& out, std::int64_t, std::int64_t) const {
    using P = typename std::decay_t<decltype(line)>::Pack;
    const auto [y, g] = in;
    balance(
        line, [y = y](auto pack) { return pack.load(y, P(0)); },
        [g = g](auto pack) { return pack.load(g, P(0)); }, out[0]);
  }
};

template <class T>
struct Logsumexp {
  T* result;
  void operator()(const auto& line, const auto& in, const auto&, std::int64_t i, std::int64_t count) const {
    const auto shift = shift_of(line, in[0]);
    (log(total_of(line, in[0], shift)) + shift.number()).store_part(result + i, count);
  }
};

template <class Step, std::same_as<Array>... More>
Array along(std::size_t axis, const Step& step, const Array& x, const More&... more) {
  Lines lines{1, x.shape()[axis], 1};
  for (std::size_t i = 0; i < x.shape().rank(); ++i)
    if (i != axis) (i < axis ? lines.outer : lines.inner) *= x.shape()[i];
  Array out(x.shape(), x.dtype());
  dispatch_floating(x.dtype(), [&]<class T>() {
    for_each_line<T, 1 + sizeof...(More), 1>(lines, {x.data<T>(), more.template data<T>()...},
                                             {out.mutable_data<T>()}, step);
  });
  return out;
}

}  // namespace

Array softmax(const Array& x, std::size_t axis) { return along(axis, Softmax(), x); }
Array log_softmax(const Array& x, std::size_t axis) { return along(axis, LogSoftmax(), x); }
Array softmax_gradient(const Array& y, const Array& g, std::size_t axis) {
  return along(axis, SoftmaxGradient(), y, g);
}
Array log_softmax_gradient(const Array& y, const Array& g, std::size_t axis) {
  return along(axis, LogSoftmaxGradient(), y, g);
}
Array balanced(const Array& y, const Array& g, std::size_t axis) { return along(axis, Balanced(), y, g); }

template <class T>
void softmax_of_rows(std::int64_t rows, std::int64_t n, const T* x, T* to) {
  for_each_line<T, 1, 1>({rows, n, 1}, {x}, {to}, Softmax());
}
template <class T>
void softmax_gradient_of_rows(std::int64_t rows, std::int64_t n, const T* y, const T* g, T* to) {
  for_each_line<T, 2, 1>({rows, n, 1}, {y, g}, {to}, SoftmaxGradient());
}
template void softmax_of_rows(std::int64_t, std::int64_t, const float*, float*);
template void softmax_of_rows(std::int64_t, std::int64_t, const double*, double*);
template void softmax_gradient_of_rows(std::int64_t, std::int64_t, const float*, const float*, float*);
template void softmax_gradient_of_rows(std::int64_t, std::int64_t, const double*, const double*, double*);

Array logsumexp(const Array& x, const AxisMask& axes) {
  return reduce_groups(x, axes, [](const Array& in, const Lines& lines, Array& out) {
    dispatch_floating(in.dtype(), [&]<class T>() {
      for_each_line<T, 1, 0>(lines, {in.data<T>()}, {}, Logsumexp<T>{out.mutable_data<T>()});
    });
  });
}

}  // namespace chainrule::kernels
