// How many threads each rank may use, so that those of one machine do not fight for its processors. Ranks of
// one machine tell each other which processors they may use.

#include "distributed/threads.h"

#include <sched.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <vector>

#include "chainrule/threads.h"
#include "distributed/transport.h"

namespace chainrule::distributed {
namespace {

constexpr std::size_t most_processors = CPU_SETSIZE;
using Mask = std::array<unsigned char, most_processors>;

Mask own_mask() {
  Mask mask = {};
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) != 0) return mask;
  for (std::size_t i = 0; i < most_processors; ++i) mask[i] = CPU_ISSET(i, &set) ? 1 : 0;
  return mask;
}

/// The masks of the ranks of this machine.
std::vector<Mask> masks_here(const Mask& mine, int& ranks) {
  MPI_Comm here = MPI_COMM_NULL;
  check(MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &here), "World");
  MPI_Comm_size(here, &ranks);
  std::vector<Mask> masks(static_cast<std::size_t>(ranks));
  const int code = MPI_Allgather(mine.data(), most_processors, MPI_UNSIGNED_CHAR, masks.data(),
                                 most_processors, MPI_UNSIGNED_CHAR, here);
  MPI_Comm_free(&here);
  check(code, "World");
  return masks;
}

}  // namespace

void share_processors(int told) {
  int ranks = 1;
  const Mask mine = own_mask();
  const std::vector<Mask> masks = masks_here(mine, ranks);  // all take part, whatever each is told
  if (const char* wanted = std::getenv("CHAINRULE_NUM_THREADS"); told == 0 && wanted != nullptr) {
    told = std::atoi(wanted);
    if (told <= 0)
      throw std::invalid_argument("World: CHAINRULE_NUM_THREADS is '" + std::string(wanted) +
                                  "', not a number of threads");
  }
  if (told > 0) return set_num_threads(told);
  if (std::getenv("OMP_NUM_THREADS") != nullptr) return;
  double share = 0, own = 0;
  for (std::size_t i = 0; i < most_processors; ++i) {
    if (mine[i] == 0) continue;
    own += 1;
    share += 1.0 / static_cast<double>(
                       std::ranges::count_if(masks, [&](const Mask& each) { return each[i] != 0; }));
  }
  // A limit of control groups is below the mask, and one for all.
  const double part = own > 0 ? share / own : 1.0 / ranks;
  set_num_threads(std::max(1, static_cast<int>(num_threads() * part + 1e-6)));
}

}  // namespace chainrule::distributed
