// Runs the tests on each rank that mpirun has started, or one of the programs that end badly, for
// faults_test.cpp.

#include <gtest/gtest.h>
#include <mpi.h>

#include "distributed/ranks.h"

// What MPI leaves behind at its start is not ours, and parts of it are unloaded, so that no name tells whose
// it is. What is lost later is looked for before its end, as that unloads the rest.
#ifdef __has_feature
#if __has_feature(address_sanitizer)
#include <sanitizer/lsan_interface.h>
#define CHAINRULE_LOOKS_FOR_LEAKS
extern "C" const char* __lsan_default_options() { return "leak_check_at_exit=0"; }
#endif
#endif

namespace chainrule::distributed::test {

const World* the_ranks = nullptr;
const World& ranks() { return *the_ranks; }

namespace {

void start_mpi(int& argc, char**& argv) {
#ifdef CHAINRULE_LOOKS_FOR_LEAKS
  const __lsan::ScopedDisabler off;
#endif
  int level = 0;
  MPI_Init_thread(&argc, &argv, MPI_THREAD_SERIALIZED, &level);
}

bool has_leaks() {
#ifdef CHAINRULE_LOOKS_FOR_LEAKS
  return __lsan_do_recoverable_leak_check() != 0;
#else
  return false;
#endif
}

}  // namespace
}  // namespace chainrule::distributed::test

int main(int argc, char** argv) {
  using namespace chainrule::distributed;
  ::testing::InitGoogleTest(&argc, argv);
  if (argc > 2 && std::string_view(argv[1]) == "--fault") return test::end_badly(argc, argv);
  for (const char* start_mpirun : {"Faults", "TrainOnRanks"})
    if (std::string_view(::testing::GTEST_FLAG(filter)).starts_with(start_mpirun)) return RUN_ALL_TESTS();
  test::start_mpi(argc, argv);  // and so it is ended here
  int status = run(argc, argv, [](const World& world) {
    test::the_ranks = &world;
    return RUN_ALL_TESTS();
  });
  if (test::has_leaks()) status = 1;
  MPI_Finalize();
  return status;
}
