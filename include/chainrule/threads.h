/// \file
/// How many threads an operation may use. They belong to the process and are shared by all callers;
/// src/kernels/parallel.h deals work out to them.

#pragma once

#include "chainrule/detail/api.h"

namespace chainrule {

/// How many threads an operation may use: the one that calls it and helpers, which all callers share. They
/// are started when the first operation is large enough for them, and sleep while there is nothing to do.
///
/// It begins as the first number in the environment variable OMP_NUM_THREADS; without that as the number of
/// processors that the process may use, by its affinity mask and by the limits of its control groups (cgroup
/// v1 and v2, rounded down), and at least 1.
CHAINRULE_API int num_threads();

/// Sets it for the whole process; operations that already run keep what they began with. 1 to 1024,
/// std::invalid_argument otherwise.
///
/// Results are the same to the bit for any number of threads: work is cut into parts by its size alone, and
/// what the parts give is put together in a fixed order. What OpenBLAS computes is no exception: it gets one
/// part at a time, of a size that does not depend on threads, and computes it in one thread. Between machines
/// bits differ, as their processors have different vectors and OpenBLAS different kernels for them.
///
/// Operations may be called from several threads at once. After fork(), the child starts helpers of its own.
CHAINRULE_API void set_num_threads(int count);

}  // namespace chainrule
