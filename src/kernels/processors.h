// How many threads to use before anybody has said so.
// The parts are declared for tests, which give them files and texts.

#pragma once

#include <filesystem>
#include <optional>

namespace chainrule::kernels {

/// What num_threads() is before anybody has set it: see chainrule/threads.h.
int default_threads();

/// The number that a value of OMP_NUM_THREADS begins with, where it is one: "4", or "4,2" with one for each
/// level of nested regions.
std::optional<int> threads_from(const char* omp_num_threads);

/// The processor time that the control groups of this process allow, in processors; infinity without a limit.
/// Files are looked for below `root`.
double processors_of_control_groups(const std::filesystem::path& root = "/");

}  // namespace chainrule::kernels
