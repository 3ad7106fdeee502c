// The ranks that tests of chainrule::distributed run on, started once.
// mpirun starts several of the program.

#pragma once

#include "chainrule/distributed.h"
#include "support.h"

namespace chainrule::distributed::test {

using namespace chainrule::test;

/// Those that the tests run on.
const World& ranks();
/// A program of several ranks of which one fails, in the way that the arguments say.
int end_badly(int argc, char** argv);

}  // namespace chainrule::distributed::test
