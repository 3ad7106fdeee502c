// Whether a launcher has started several of this process, and the ranks of one that is alone. Launchers are
// known by the variables they set.

#include "ranks.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <utility>

#include "print.h"

namespace chainrule::cli {

void Ranks::require_equal(std::string_view, const std::string&) const {}

void Ranks::share(const std::vector<Parameter>&) {}

std::vector<double> Ranks::backward(Tensor loss, double, const std::vector<double>& numbers) {
  std::move(loss).backward();
  return numbers;
}

void Ranks::end_others(const std::string&) const {}

Launched launched() {
  // Open MPI; MPICH and those made of it, and srun --mpi=pmi2; srun --mpi=pmix.
  constexpr const char* names[][2] = {{"OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK"},
                                      {"PMI_SIZE", "PMI_RANK"},
                                      {"MV2_COMM_WORLD_SIZE", "MV2_COMM_WORLD_RANK"},
                                      {"SLURM_STEP_NUM_TASKS", "PMIX_RANK"}};
  for (const auto& [size, rank] : names) {
    const char *const of = std::getenv(size), *const which = std::getenv(rank);
    if (of != nullptr && which != nullptr) return {std::atoi(of), std::atoi(which)};
  }
  return {};
}

int become_ranks(char** arguments) {
  constexpr int command_wrong = 2;
  std::error_code error;
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", error);
  const std::string program = (self.parent_path() / "chainrule_ranks").string();
  ::execv(program.c_str(), arguments);
  if (launched().rank == 0)
    write_note("train",
               fmt::format("mpirun has started this {} times, and there is no {}, which trains on several "
                           "ranks; build chainrule where there is MPI (Debian's package libopenmpi-dev), or "
                           "leave mpirun out",
                           launched().size, program));
  return command_wrong;
}

}  // namespace chainrule::cli
