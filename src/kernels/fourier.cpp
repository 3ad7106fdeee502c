// Fourier transforms by FFTW, loaded with the first of them. Plans are made once for a size and kept for a
// while. Without FFTW on the machine, the call is an error that names the package.

#include "kernels/fourier.h"

#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <stdexcept>

#include <fftw3.h>  // the declarations of the functions

#include "chainrule/detail/function_ref.h"
#include "chainrule/error.h"
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

/// What a plan is for, besides its type of float.
struct Purpose {
  enum Kind : std::uint8_t { forward, inverse, of_real, to_real } kind;
  int n, inner;
  auto operator<=>(const Purpose&) const = default;
};

/// One plan, used for each slice across the axes before the one that is transformed. Making one may take
/// longer than using it, so the last ones are kept.
template <class T>
auto planned(const Purpose& purpose, FunctionRef<PlanFor<T>()> make) {
  using Plan = std::remove_pointer_t<PlanFor<T>>;
  constexpr std::size_t most = 64;
  const std::lock_guard lock(planning());
  static auto& kept = *new std::map<Purpose, std::shared_ptr<Plan>>();  // outlives whoever transforms at exit
  if (const auto found = kept.find(purpose); found != kept.end()) return found->second;
  Plan* const plan = make();
  if (plan == nullptr) throw std::runtime_error("fft: FFTW has no plan for this length");
  if (kept.size() == most) kept.clear();
  return kept[purpose] = std::shared_ptr<Plan>(plan, [](Plan* of) {
           const std::lock_guard guard(planning());
           fftw<T>().destroy(of);
         });
}

/// An array as (outer, n, inner) around the axis.
struct Around {
  std::int64_t outer = 1, inner = 1;
  Around(std::span<const std::int64_t> sizes, std::size_t axis) {
    for (std::size_t i = 0; i < sizes.size(); ++i) (i < axis ? outer : inner) *= i == axis ? 1 : sizes[i];
  }
};

int whole(std::int64_t number) {
  if (number > std::numeric_limits<int>::max())
    throw ShapeError("fft: " + std::to_string(number) +
                     " elements along or behind an axis; FFTW takes 2³¹ - 1");
  return static_cast<int>(number);
}

// The input is not written to, though FFTW's declarations do not say so: see FFTW_PRESERVE_INPUT.
constexpr unsigned flags = FFTW_ESTIMATE | FFTW_UNALIGNED | FFTW_PRESERVE_INPUT;

}  // namespace

Array complex_transform(const Array& x, std::size_t axis, int sign) {
  Array y(x.shape(), x.dtype());
  if (x.size() == 0) return y;
  const Around around(x.shape().sizes().first(x.shape().rank() - 1), axis);
  const int n = whole(x.shape()[axis]), inner = whole(around.inner);
  dispatch_floating(x.dtype(), [&]<class T>() {
    const auto& functions = fftw<T>();
    using Complex = T[2];
    auto* from = reinterpret_cast<Complex*>(const_cast<T*>(x.data<T>()));
    auto* to = reinterpret_cast<Complex*>(y.mutable_data<T>());
    const auto plan = planned<T>({sign < 0 ? Purpose::forward : Purpose::inverse, n, inner}, [&] {
      return functions.plan(1, &n, inner, from, nullptr, inner, 1, to, nullptr, inner, 1, sign, flags);
    });
    const std::int64_t slice = n * around.inner;
    for (std::int64_t i = 0; i < around.outer; ++i)
      functions.execute(plan.get(), from + i * slice, to + i * slice);
  });
  return y;
}

Array real_transform(const Array& x, std::size_t axis) {
  std::vector<std::int64_t> sizes(x.shape().begin(), x.shape().end());
  const Around around(sizes, axis);
  const std::int64_t m = sizes[axis] / 2 + 1;
  const int n = whole(sizes[axis]), inner = whole(around.inner);
  sizes[axis] = m;
  sizes.push_back(2);
  Array y(Shape(sizes), x.dtype());
  if (y.size() == 0) return y;
  dispatch_floating(x.dtype(), [&]<class T>() {
    const auto& functions = fftw<T>();
    using Complex = T[2];
    T* from = const_cast<T*>(x.data<T>());
    auto* to = reinterpret_cast<Complex*>(y.mutable_data<T>());
    const auto plan = planned<T>({Purpose::of_real, n, inner}, [&] {
      return functions.plan_real(1, &n, inner, from, nullptr, inner, 1, to, nullptr, inner, 1, flags);
    });
    for (std::int64_t i = 0; i < around.outer; ++i)
      functions.execute_real(plan.get(), from + i * n * around.inner, to + i * m * around.inner);
  });
  return y;
}

Array real_transform_back(const Array& y, std::size_t axis, std::int64_t n) {
  std::vector<std::int64_t> sizes(y.shape().begin(), y.shape().end() - 1);
  const Around around(sizes, axis);
  const std::int64_t m = sizes[axis];
  const int length = whole(n), inner = whole(around.inner);
  sizes[axis] = n;
  Array x(Shape(sizes), y.dtype());
  if (x.size() == 0) return x;
  dispatch_floating(y.dtype(), [&]<class T>() {
    const auto& functions = fftw<T>();
    using Complex = T[2];
    auto* from = reinterpret_cast<Complex*>(const_cast<T*>(y.data<T>()));
    T* to = x.mutable_data<T>();
    const auto plan = planned<T>({Purpose::to_real, length, inner}, [&] {
      return functions.plan_back(1, &length, inner, from, nullptr, inner, 1, to, nullptr, inner, 1, flags);
    });
    for (std::int64_t i = 0; i < around.outer; ++i)
      functions.execute_back(plan.get(), from + i * m * around.inner, to + i * n * around.inner);
  });
  return x;
}

}  // namespace chainrule::kernels
