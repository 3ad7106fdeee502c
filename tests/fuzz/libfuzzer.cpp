// What libFuzzer calls, again and again: the one target that is linked to this program.
// An exception that gets here ends the program, as a finding.

#include "targets.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  chainrule::fuzz::targets().front().run({bytes, size});
  return 0;
}
