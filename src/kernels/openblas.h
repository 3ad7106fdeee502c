#pragma once

#include <string_view>

#include "kernels/gemm.h"

namespace chainrule::kernels {

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
};

}  // namespace chainrule::kernels
