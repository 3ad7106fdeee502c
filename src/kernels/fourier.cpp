// Fourier transforms by FFTW, loaded with the first of them. Plans are made once for a size and kept for a
// while. Without FFTW on the machine, the call is an error that names the package.

#include "kernels/fourier.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <numbers>
#include <stdexcept>
#include <vector>

#include <fftw3.h>  // the declarations of the functions

#include "chainrule/detail/function_ref.h"
#include "chainrule/error.h"
#include "chainrule/simd.h"
#include "kernels/parallel.h"
#include "kernels/shared_library.h"

namespace chainrule::kernels {
namespace {

/// What is needed of FFTW, for one type of float.
template <class Plan, class Complex, class Real>
struct Functions {
  // Declared as FFTW's headers declare them, for any of its types.
  Plan (*plan)(int, const int*, int, Complex*, const int*, int, int, Complex*, const int*, int, int, int,
               unsigned);
  Plan (*plan_real)(int, const int*, int, Real*, const int*, int, int, Complex*, const int*, int, int,
                    unsigned);
  Plan (*plan_back)(int, const int*, int, Complex*, const int*, int, int, Real*, const int*, int, int,
                    unsigned);
  void (*execute)(Plan, Complex*, Complex*);
  void (*execute_real)(Plan, Real*, Complex*);
  void (*execute_back)(Plan, Complex*, Real*);
  void (*destroy)(Plan);

  Functions(const char* file, const std::string& prefix) {
    const SharedLibrary library(file);
    const auto find = [&](auto*& function, const char* name) {
      if (!library.find(function, prefix + name))
        throw std::runtime_error(std::string("fft: ") + file +
                                 " cannot be loaded; install FFTW 3 (Debian's libfftw3-double3 and "
                                 "libfftw3-single3)");
    };
    find(plan, "_plan_many_dft");
    find(plan_real, "_plan_many_dft_r2c");
    find(plan_back, "_plan_many_dft_c2r");
    find(execute, "_execute_dft");
    find(execute_real, "_execute_dft_r2c");
    find(execute_back, "_execute_dft_c2r");
    find(destroy, "_destroy_plan");
  }
};

template <class T>
const auto& fftw() {
  if constexpr (std::is_same_v<T, float>) {
    static const Functions<fftwf_plan, fftwf_complex, float> all("libfftw3f.so.3", "fftwf");
    return all;
  } else {
    static const Functions<fftw_plan, fftw_complex, double> all("libfftw3.so.3", "fftw");
    return all;
  }
}

template <class T>
using PlanFor = std::conditional_t<std::is_same_v<T, float>, fftwf_plan, fftw_plan>;

/// Making and destroying plans is for one thread at a time; using them is not.
std::recursive_mutex& planning() {
  static std::recursive_mutex mutex;
  return mutex;
}

/// What a plan is for, besides its type of float: one line of n.
struct Purpose {
  enum Kind : std::uint8_t { forward, inverse, of_real, to_real } kind;
  int n;
  auto operator<=>(const Purpose&) const = default;  // NOLINT(modernize-use-nullptr): means no pointer
};

int whole(std::int64_t number) {
  if (number > std::numeric_limits<int>::max())
    throw ShapeError("fft: " + std::to_string(number) + " elements along an axis; FFTW takes 2³¹ - 1");
  return static_cast<int>(number);
}

/// Making something may take longer than using it, so the last ones are kept.
template <class Thing, class Make>
std::shared_ptr<Thing> kept_for(const Purpose& purpose, const Make& make) {
  constexpr std::size_t most = 64;
  const std::lock_guard lock(planning());
  // Outlives whoever transforms at exit.
  static auto& kept = *new std::map<Purpose, std::shared_ptr<Thing>>();
  if (const auto found = kept.find(purpose); found != kept.end()) return found->second;
  std::shared_ptr<Thing> made = make();
  if (kept.size() == most) kept.clear();
  return kept[purpose] = std::move(made);
}

/// Plans are for lines that are aligned, as FFTW uses no vector instructions for others. They rest on an
/// estimate: what is chosen by measuring is not the same each time, and neither would be the results.
template <class T>
auto planned(const Purpose& purpose) {
  using Plan = std::remove_pointer_t<PlanFor<T>>;
  return kept_for<Plan>(purpose, [&] {
    // The input is not written to, though FFTW's declarations do not say so, but where there is room for real
    // numbers alone.
    const unsigned flags =
        FFTW_ESTIMATE | (purpose.kind == Purpose::to_real ? FFTW_DESTROY_INPUT : FFTW_PRESERVE_INPUT);
    alignas(64) static T from[2], to[2];  // an estimate does not touch them
    using Complex = T[2];
    auto *const pairs = reinterpret_cast<Complex*>(from), *const result = reinterpret_cast<Complex*>(to);
    const auto& functions = fftw<T>();
    const int n = purpose.n;
    PlanFor<T> plan = nullptr;
    if (purpose.kind == Purpose::of_real)
      plan = functions.plan_real(1, &n, 1, from, nullptr, 1, n, result, nullptr, 1, n, flags);
    else if (purpose.kind == Purpose::to_real)
      plan = functions.plan_back(1, &n, 1, pairs, nullptr, 1, n, to, nullptr, 1, n, flags);
    else
      plan = functions.plan(1, &n, 1, pairs, nullptr, 1, n, result, nullptr, 1, n,
                            purpose.kind == Purpose::forward ? FFTW_FORWARD : FFTW_BACKWARD, flags);
    if (plan == nullptr) throw std::runtime_error("fft: FFTW has no plan for this length");
    return std::shared_ptr<Plan>(plan, [](Plan* of) {
      const std::lock_guard guard(planning());
      fftw<T>().destroy(of);
    });
  });
}

/// So many lines, and where they are transformed to: all aligned, so many bytes from one to the next.
struct AlignedLines {
  std::byte *from, *to;
  std::int64_t count, step, to_step;
  template <class Line>
  void for_each(const Line& line) const {
    std::byte *in = from, *out = to;
    for (std::int64_t i = 0; i < count; ++i, in += step, out += to_step) line(in, out);
  }
};

/// Makes a function of such lines.
template <class T>
auto transform_by_plan(const Purpose& purpose) {
  return [kind = purpose.kind, plan = planned<T>(purpose)](const AlignedLines& lines) {
    using Complex = T[2];
    const auto& functions = fftw<T>();
    const auto pairs = [](std::byte* line) { return reinterpret_cast<Complex*>(line); };
    const auto numbers = [](std::byte* line) { return reinterpret_cast<T*>(line); };
    lines.for_each([&](std::byte* from, std::byte* to) {
      if (kind == Purpose::of_real)
        functions.execute_real(plan.get(), numbers(from), pairs(to));
      else if (kind == Purpose::to_real)
        functions.execute_back(plan.get(), pairs(from), numbers(to));
      else
        functions.execute(plan.get(), pairs(from), pairs(to));
    });
  };
}

/// Products of complex numbers, which are pairs.
template <class T>
struct ComplexProductsLoop {
  template <int Bytes>
  static void run(const T* a, const T* b, std::int64_t count, T* out) {
    using P = simd::Pack<T, Bytes / static_cast<int>(sizeof(T))>;
    std::int64_t i = 0;
    for (; i + 2 * P::lanes <= 2 * count; i += 2 * P::lanes) {
      const P x[] = {P::load(a + i), P::load(a + i + P::lanes)},
              y[] = {P::load(b + i), P::load(b + i + P::lanes)};
      const P xr = P::template every<2, 0>(x), xi = P::template every<2, 1>(x);
      const P yr = P::template every<2, 0>(y), yi = P::template every<2, 1>(y);
      const P products[] = {xr * yr - xi * yi, xr * yi + xi * yr};
      P::template in_turns<2, 0>(products).store(out + i);
      P::template in_turns<2, 1>(products).store(out + i + P::lanes);
    }
    for (; i < 2 * count; i += 2) {
      const T xr = a[i], xi = a[i + 1], yr = b[i], yi = b[i + 1];
      out[i] = xr * yr - xi * yi;
      out[i + 1] = xr * yi + xi * yr;
    }
  }
};
template <class T>
void multiply(const T* a, const T* b, std::int64_t count, T* out) {
  simd::vectorized<ComplexProductsLoop<T>>(a, b, count, out);
}

/// A transform of a length with a large prime factor, as a convolution of a power of two: with c_k =
/// e^(± πi k²/n), y_k = c_k Σ_j (x_j c_j) conj(c_(k - j)), as jk = (j² + k² - (k - j)²) / 2. FFTW computes
/// that without vectors. Source: Bluestein, "A linear filtering approach to the computation of discrete
/// Fourier transform", 1970.
template <class T>
class Chirp {
 public:
  explicit Chirp(const Purpose& purpose)
      : n_(purpose.n),
        forward_(planned<T>({Purpose::forward, whole(padded())})),
        inverse_(planned<T>({Purpose::inverse, whole(padded())})),
        chirp_({n_, 2}, dtype_of<T>),
        filter_({padded(), 2}, dtype_of<T>) {
    const double sign = purpose.kind == Purpose::forward || purpose.kind == Purpose::of_real ? -1 : 1;
    const std::int64_t size = padded();
    Array around(filter_.shape(), dtype_of<T>);
    T *const chirp = chirp_.mutable_data<T>(), *const of = around.mutable_data<T>();
    std::fill_n(of, 2 * size, T(0));
    for (std::int64_t k = 0; k < n_; ++k) {
      const double angle =
          sign * std::numbers::pi * static_cast<double>(k * k % (2 * n_)) / static_cast<double>(n_);
      const double c = std::cos(angle), s = std::sin(angle);
      chirp[2 * k] = static_cast<T>(c);
      chirp[2 * k + 1] = static_cast<T>(s);
      for (const std::int64_t at :
           {k, (size - k) % size}) {  // divided by the length here, so that none grows
        of[2 * at] = static_cast<T>(c / static_cast<double>(size));
        of[2 * at + 1] = static_cast<T>(-s / static_cast<double>(size));
      }
    }
    execute(forward_, of, filter_.mutable_data<T>());
  }
  /// The first `count` results of the n pairs in `line`, which has room for as many as padded().
  void operator()(T* line, std::int64_t count, T* out) const {
    const std::int64_t size = padded();
    Array spectrum(filter_.shape(), dtype_of<T>);
    T* const other = spectrum.mutable_data<T>();
    multiply(line, chirp_.data<T>(), n_, line);
    std::fill_n(line + 2 * n_, 2 * (size - n_), T(0));
    execute(forward_, line, other);
    multiply(other, filter_.data<T>(), size, other);
    execute(inverse_, other, line);
    multiply(line, chirp_.data<T>(), count, out);
  }
  std::int64_t padded() const {
    return static_cast<std::int64_t>(std::bit_ceil(static_cast<std::uint64_t>(2 * n_ - 1)));
  }

 private:
  using Plan = std::shared_ptr<std::remove_pointer_t<PlanFor<T>>>;
  static void execute(const Plan& plan, T* from, T* to) {
    using Complex = T[2];
    fftw<T>().execute(plan.get(), reinterpret_cast<Complex*>(from), reinterpret_cast<Complex*>(to));
  }
  std::int64_t n_;
  Plan forward_, inverse_;
  Array chirp_, filter_;
};

template <class T>
void transform_line(const Chirp<T>& chirp, Purpose::Kind kind, std::int64_t n, const T* from, T* to) {
  Array room({chirp.padded(), 2}, dtype_of<T>);
  T* const pairs = room.mutable_data<T>();
  if (kind == Purpose::of_real)
    for (std::int64_t i = 0; i < n; ++i) {
      pairs[2 * i] = from[i];
      pairs[2 * i + 1] = 0;
    }
  else
    std::copy_n(from, kind == Purpose::to_real ? n / 2 * 2 + 2 : 2 * n, pairs);
  if (kind != Purpose::to_real) return chirp(pairs, kind == Purpose::of_real ? n / 2 + 1 : n, to);
  pairs[1] = 0;  // the imaginary parts at both ends are not read
  if (n % 2 == 0) pairs[n + 1] = 0;
  for (std::int64_t i = n / 2 + 1; i < n; ++i) {
    pairs[2 * i] = pairs[2 * (n - i)];
    pairs[2 * i + 1] = -pairs[2 * (n - i) + 1];
  }
  chirp(pairs, n, pairs);
  for (std::int64_t i = 0; i < n; ++i) to[i] = pairs[2 * i];
}
template <class T>
auto transform_by_chirp(const Purpose& purpose) {
  const auto chirp = kept_for<Chirp<T>>(purpose, [&] { return std::make_shared<Chirp<T>>(purpose); });
  return [chirp, purpose](const AlignedLines& lines) {
    lines.for_each([&](std::byte* from, std::byte* to) {
      transform_line(*chirp, purpose.kind, purpose.n, reinterpret_cast<const T*>(from),
                     reinterpret_cast<T*>(to));
    });
  };
}

/// Is there a prime factor for which FFTW has no codelet, and that is large?
bool has_large_factor(int n) {
  constexpr int large = 30;
  for (int factor = 2; factor <= large; ++factor)
    while (n % factor == 0) n /= factor;
  return n > 1 && n < 1 << 29;
}

/// An array as lines along an axis: (outer, n, inner), and pairs if it is of these.
struct LinesAlong {
  std::int64_t outer = 1, n, inner = 1, item;  ///< `item` in bytes
  LinesAlong(const Array& x, std::size_t axis, bool of_pairs)
      : n(x.shape()[axis]), item(static_cast<std::int64_t>(item_size(x.dtype())) * (of_pairs ? 2 : 1)) {
    for (std::size_t i = 0; i < axis; ++i) outer *= x.shape()[i];
    for (std::size_t i = axis + 1; i < x.shape().rank() - (of_pairs ? 1 : 0); ++i) inner *= x.shape()[i];
  }
  /// Bytes from one line to the next where they are one after another, each aligned.
  std::int64_t step() const { return (n * item + 63) / 64 * 64; }
};

/// Lines whose elements are neighbours, to where they are one after another, or back.
template <class Element>
void move_elements(std::byte* x, const LinesAlong& along, std::int64_t lines, std::byte* apart, bool back) {
  auto *elements = reinterpret_cast<Element*>(x), *line = reinterpret_cast<Element*>(apart);
  const std::int64_t n = along.n, inner = along.inner,
                     step = along.step() / static_cast<std::int64_t>(sizeof(Element));
  for (std::int64_t i = 0; i < n; ++i, elements += inner, ++line)
#pragma GCC unroll 8
    for (std::int64_t j = 0; j < lines; ++j)
      if (back)
        elements[j] = line[j * step];
      else
        line[j * step] = elements[j];
}
void move_lines(std::byte* x, const LinesAlong& along, std::int64_t lines, std::byte* apart, bool back) {
  struct Two {
    double first, second;
  };
  if (along.inner == 1)
    std::memcpy(back ? x : apart, back ? apart : x, static_cast<std::size_t>(along.n * along.item));
  else if (along.item == 4)
    move_elements<float>(x, along, lines, apart, back);
  else if (along.item == 8)
    move_elements<double>(x, along, lines, apart, back);
  else
    move_elements<Two>(x, along, lines, apart, back);
}

/// What `transform` makes of each line. Those that do not lie as it needs them, and those of pairs of which
/// it makes real ones, which are lost by that, go through memory where they do, some together.
void transform_lines(const Array& x, const LinesAlong& from, Array& y, const LinesAlong& to,
                     FunctionRef<void(const AlignedLines&)> transform) {
  constexpr std::int64_t together = 8;
  const auto is_aligned = [](const void* line) { return reinterpret_cast<std::uintptr_t>(line) % 16 == 0; };
  const std::int64_t inner = from.inner, blocks = (inner + together - 1) / together, step = from.step(),
                     to_step = to.step();
  const std::int64_t grain = parallel_grain / (8 * std::max(from.n, to.n) * std::min(inner, together));
  auto* const elements = const_cast<std::byte*>(static_cast<const std::byte*>(x.raw()));
  auto* const results = static_cast<std::byte*>(y.mutable_raw());
  const std::int64_t bytes = from.n * from.item, to_bytes = to.n * to.item;
  const bool all_there = inner == 1 && from.item <= to.item && (bytes | to_bytes) % 16 == 0 &&
                         is_aligned(elements) && is_aligned(results);
  const auto part = [&](std::int64_t block, std::int64_t end) {
    if (all_there)
      return transform({elements + block * bytes, results + block * to_bytes, end - block, bytes, to_bytes});
    Array room({together * (step + to_step)}, DType::uint8);
    auto *const in = static_cast<std::byte*>(room.mutable_raw()), *const out = in + together * step;
    for (; block < end; ++block) {
      const std::int64_t outer = blocks == 1 ? block : block / blocks,
                         first = (block - outer * blocks) * together,
                         lines = std::min(together, inner - first);
      std::byte* const line = elements + (outer * from.n * inner + first) * from.item;
      std::byte* const result = results + (outer * to.n * inner + first) * to.item;
      const bool is_there = inner == 1 && is_aligned(line) && from.item <= to.item,
                 stays = inner == 1 && is_aligned(result);
      if (!is_there) move_lines(line, from, lines, in, false);
      transform({is_there ? line : in, stays ? result : out, lines, step, to_step});
      if (!stays) move_lines(result, to, lines, out, true);
    }
  };
  parallel_for(from.outer * blocks, std::max<std::int64_t>(1, grain), part);
}

void transform(const Array& x, Array& y, std::size_t axis, Purpose::Kind kind, std::int64_t n) {
  if (y.size() == 0) return;
  const LinesAlong from(x, axis, kind != Purpose::of_real), to(y, axis, kind != Purpose::to_real);
  const Purpose purpose{kind, whole(n)};
  dispatch_floating(x.dtype(), [&]<class T>() {
    if (has_large_factor(purpose.n))
      transform_lines(x, from, y, to, transform_by_chirp<T>(purpose));
    else
      transform_lines(x, from, y, to, transform_by_plan<T>(purpose));
  });
}

}  // namespace

Array complex_transform(const Array& x, std::size_t axis, int sign) {
  Array y(x.shape(), x.dtype());
  transform(x, y, axis, sign < 0 ? Purpose::forward : Purpose::inverse, x.shape()[axis]);
  return y;
}

Array real_transform(const Array& x, std::size_t axis) {
  std::vector<std::int64_t> sizes(x.shape().begin(), x.shape().end());
  const std::int64_t n = sizes[axis];
  sizes[axis] = n / 2 + 1;
  sizes.push_back(2);
  Array y(Shape(sizes), x.dtype());
  transform(x, y, axis, Purpose::of_real, n);
  return y;
}

Array real_transform_back(const Array& y, std::size_t axis, std::int64_t n) {
  std::vector<std::int64_t> sizes(y.shape().begin(), y.shape().end() - 1);
  sizes[axis] = n;
  Array x(Shape(sizes), y.dtype());
  transform(y, x, axis, Purpose::to_real, n);
  return x;
}

}  // namespace chainrule::kernels
