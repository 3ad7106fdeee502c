// Runs the tests on each rank that mpirun has started, or one of the programs that end badly, for
// faults_test.cpp.
#include <gtest/gtest.h>

#include "distributed/ranks.h"

namespace chainrule::distributed::test {

const World* the_ranks = nullptr;
const World& ranks() { return *the_ranks; }

}  // namespace chainrule::distributed::test

int main(int argc, char** argv) {
  using namespace chainrule::distributed;
  ::testing::InitGoogleTest(&argc, argv);
  if (argc > 2 && std::string_view(argv[1]) == "--fault") return test::end_badly(argc, argv);
  if (std::string_view(::testing::GTEST_FLAG(filter)).starts_with("Faults")) return RUN_ALL_TESTS();
  return run(argc, argv, [](World& world) {
    test::the_ranks = &world;
    return RUN_ALL_TESTS();
  });
}
