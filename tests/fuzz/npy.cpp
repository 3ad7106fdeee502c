// Fuzz target: bytes as an .npy file; what is read is written and read back the same.
// files.h has it in memory.

#include "chainrule/io.h"
#include "files.h"

namespace chainrule::fuzz {

static void npy(Bytes bytes) {
  Tensor loaded;
  try {
    loaded = load_npy(file_of(bytes));
  } catch (const IoError&) {
    return;
  }
  save_npy(scratch_path(), loaded);
  const Tensor again = load_npy(scratch_path());
  if (!same_bits(again, loaded))
    throw Finding("not the same array when it is saved and loaded again: " + to_string(loaded));
}
static const Registered registered("npy", npy);

}  // namespace chainrule::fuzz
