// OpenBLAS and its LAPACK, loaded when they are first needed. A program that multiplies small matrices
// neither waits for that nor needs it installed.

#pragma once

#include <cstddef>
#include <string_view>

#include "chainrule/detail/function_ref.h"
#include "kernels/gemm.h"

namespace chainrule::kernels {

/// The functions of LAPACK, and trsm, for matrices of T that lie column by column. They are called as Fortran
/// does: all by address, with the lengths of texts at the end.
template <class T>
struct Lapack {
  using Text = const char*;
  using Size = const int*;
  void (*getrf)(Size m, Size n, T* a, Size lda, int* pivots, int* info);
  void (*getrs)(Text trans, Size n, Size nrhs, const T* a, Size lda, const int* pivots, T* b, Size ldb,
                int* info, std::size_t);
  void (*trsm)(Text side, Text uplo, Text trans, Text diag, Size m, Size n, const T* alpha, const T* a,
               Size lda, T* b, Size ldb, std::size_t, std::size_t, std::size_t, std::size_t);
  void (*potrf)(Text uplo, Size n, T* a, Size lda, int* info, std::size_t);
  void (*geqrf)(Size m, Size n, T* a, Size lda, T* tau, T* work, Size lwork, int* info);
  void (*orgqr)(Size m, Size n, Size k, T* a, Size lda, const T* tau, T* work, Size lwork, int* info);
  void (*syevd)(Text jobz, Text uplo, Size n, T* a, Size lda, T* w, T* work, Size lwork, int* iwork,
                Size liwork, int* info, std::size_t, std::size_t);
  void (*gesdd)(Text jobz, Size m, Size n, T* a, Size lda, T* s, T* u, Size ldu, T* vt, Size ldvt, T* work,
                Size lwork, int* iwork, int* info, std::size_t);
};

/// OpenBLAS, loaded when a product first asks for it, and computing in the thread that asks.
///
/// If programs were linked with it, each would load its 36 MB and start its threads before main(), with
/// which reference counts turn atomic. Where the address space is limited, those threads ask for buffers of
/// 128 MB for ever, and the program never ends.
class OpenBlas {
 public:
  /// Null where it is not installed, or where its buffers might not fit into the address space.
  static const OpenBlas* get();

  /// What its kernels are made for, such as "Haswell".
  std::string_view core() const;
  /// The product of sizes that an int can say. `start` is either nothing or C.
  void multiply(const Gemm<float>& gemm) const;
  void multiply(const Gemm<double>& gemm) const;

  /// Calls what calls LAPACK, with OpenBLAS computing in this thread alone. False, and nothing done, where
  /// it was built without LAPACK.
  bool with_lapack(FunctionRef<void(const Lapack<float>&)> compute) const;
  bool with_lapack(FunctionRef<void(const Lapack<double>&)> compute) const;
};

}  // namespace chainrule::kernels
