// OpenBLAS, loaded with the first product: it is large, starts threads as it is loaded, and many programs
// need none.

#include "kernels/openblas.h"

#include <mutex>
#include <string>

#include <sys/resource.h>

#if defined(__linux__)
#include <sched.h>
#endif

#include <xtensor-blas/xblas.hpp>  // the declarations of the functions

#include "kernels/shared_library.h"

namespace chainrule::kernels {
namespace {

/// Room for the buffers of 64 threads.
constexpr rlim_t enough_address_space = rlim_t{16} << 30;

/// OpenBLAS starts a thread for each processor that it sees when it is loaded.
class SeeOneProcessor {
 public:
#if defined(__linux__)
  SeeOneProcessor() {
    cpu_set_t one;
    CPU_ZERO(&one);
    if (const int here = sched_getcpu(); here >= 0 && here < CPU_SETSIZE) CPU_SET(here, &one);
    changed_ = sched_getaffinity(0, sizeof all_, &all_) == 0 && sched_setaffinity(0, sizeof one, &one) == 0;
  }
  ~SeeOneProcessor() {
    if (changed_) sched_setaffinity(0, sizeof all_, &all_);
  }

 private:
  cpu_set_t all_;
  bool changed_;
#endif
};

struct Functions {
  decltype(&cblas_sgemm) sgemm;
  decltype(&cblas_dgemm) dgemm;
  const char* (*core)();
  int (*threads)();
  void (*set_threads)(int);
  // Null unless it was built with OpenMP, where each thread has a number of its own.
  int (*openmp_threads)();
  void (*set_openmp_threads)(int);
  bool is_ours;  ///< nobody else had loaded it
  Lapack<float> of_floats;
  Lapack<double> of_doubles;
  bool has_lapack;

  /// False if one that is needed is missing.
  bool load() {
    if (rlimit limit; getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur < enough_address_space)
      return false;
    constexpr const char* name = "libopenblas.so.0";
    const SeeOneProcessor while_loading;
    is_ours = !SharedLibrary::is_loaded(name);
    const SharedLibrary library(name);
    if (!library) return false;
    const auto find = [&](auto*& function, const char* symbol) { return library.find(function, symbol); };
    // Their names are those of BLAS and LAPACK with a letter for the type.
    const auto find_all = [&](auto& lapack, const std::string& type) {
      const auto of_type = [&](auto*& function, const char* plain) {
        return library.find(function, type + plain + "_");
      };
      return of_type(lapack.getrf, "getrf") && of_type(lapack.getrs, "getrs") &&
             of_type(lapack.trsm, "trsm") && of_type(lapack.potrf, "potrf") &&
             of_type(lapack.geqrf, "geqrf") && of_type(lapack.orgqr, "orgqr") &&
             of_type(lapack.syevd, "syevd") && of_type(lapack.gesdd, "gesdd");
    };
    has_lapack = find_all(of_floats, "s") && find_all(of_doubles, "d");
    int (*kind)() = nullptr;
    const bool found = find(sgemm, "cblas_sgemm") && find(dgemm, "cblas_dgemm") &&
                       find(core, "openblas_get_corename") && find(threads, "openblas_get_num_threads") &&
                       find(set_threads, "openblas_set_num_threads") && find(kind, "openblas_get_parallel");
    constexpr int openmp = 2;
    if (found && kind() == openmp)
      return find(openmp_threads, "omp_get_max_threads") && find(set_openmp_threads, "omp_set_num_threads");
    openmp_threads = nullptr;
    return found;
  }
};

const Functions* functions() {
  static const auto found = [] {
    static Functions all;
    return all.load() ? &all : nullptr;
  }();
  return found;
}

/// While there are any, OpenBLAS computes in the threads that ask. Afterwards it has as many of its own as
/// before: they are those of a program that uses it, too.
class WithoutItsThreads {
 public:
  explicit WithoutItsThreads(const Functions& blas) : blas_(blas) {
    if (blas_.openmp_threads != nullptr) {
      before_ = blas_.openmp_threads();
      blas_.set_openmp_threads(1);
    } else if (!blas_.is_ours) {
      const std::lock_guard lock(mutex);
      if (count++ > 0) return;
      before = blas_.threads();
      blas_.set_threads(1);
    }
  }
  WithoutItsThreads(const WithoutItsThreads&) = delete;
  WithoutItsThreads& operator=(const WithoutItsThreads&) = delete;
  ~WithoutItsThreads() {
    if (blas_.openmp_threads != nullptr) {
      blas_.set_openmp_threads(before_);
    } else if (!blas_.is_ours) {
      const std::lock_guard lock(mutex);
      if (--count == 0) blas_.set_threads(before);
    }
  }

 private:
  static inline std::mutex mutex;
  static inline int count = 0, before = 1;
  const Functions& blas_;
  int before_ = 1;
};

template <class T, class Function>
void call(Function* function, const Gemm<T>& gemm) {
  const WithoutItsThreads guard(*functions());
  const auto index = [](std::int64_t size) { return static_cast<int>(size); };
  const auto flag = [](bool transpose) { return transpose ? CblasTrans : CblasNoTrans; };
  function(CblasRowMajor, flag(gemm.transpose_a), flag(gemm.transpose_b), index(gemm.m), index(gemm.n),
           index(gemm.k), gemm.scale, gemm.a, index(gemm.row_of_a), gemm.b, index(gemm.row_of_b),
           gemm.start != nullptr ? T(1) : T(0), gemm.c, index(gemm.row_of_c));
}

}  // namespace

const OpenBlas* OpenBlas::get() {
  static const OpenBlas it;
  return functions() == nullptr ? nullptr : &it;
}
std::string_view OpenBlas::core() const { return functions()->core(); }
void OpenBlas::multiply(const Gemm<float>& gemm) const { call(functions()->sgemm, gemm); }
void OpenBlas::multiply(const Gemm<double>& gemm) const { call(functions()->dgemm, gemm); }

bool OpenBlas::with_lapack(FunctionRef<void(const Lapack<float>&)> compute) const {
  if (!functions()->has_lapack) return false;
  const WithoutItsThreads guard(*functions());
  compute(functions()->of_floats);
  return true;
}
bool OpenBlas::with_lapack(FunctionRef<void(const Lapack<double>&)> compute) const {
  if (!functions()->has_lapack) return false;
  const WithoutItsThreads guard(*functions());
  compute(functions()->of_doubles);
  return true;
}

}  // namespace chainrule::kernels
