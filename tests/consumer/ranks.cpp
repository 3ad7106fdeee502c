// A program of an installed chainrule::distributed, on one rank.
// tests/consumer/CMakeLists.txt builds it where there is MPI.

#include <chainrule/distributed.h>

#include <cstdio>

// Exits with 0 when a sum over all ranks is right, of one rank without mpirun.
int main(int argc, char** argv) {
  return chainrule::distributed::run(argc, argv, [](const chainrule::distributed::World& world) {
    const double sum = world.all_reduce(chainrule::tensor(1.0)).item();
    std::printf("%g of %d ranks\n", sum, world.size());
    return sum == world.size() ? 0 : 1;
  });
}
