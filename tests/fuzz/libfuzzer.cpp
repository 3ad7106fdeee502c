// What libFuzzer calls, again and again: the target that this program is for.
// An exception that gets here is a finding.

#include "targets.h"

/// What libFuzzer calls, again and again. An exception that gets here ends the program, as a finding.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  chainrule::fuzz::CHAINRULE_FUZZ_TARGET({bytes, size});
  return 0;
}
