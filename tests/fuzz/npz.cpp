// Fuzz target: bytes as an .npz file; what is read is written and read back the same.
// files.h has it in memory.

#include "chainrule/io.h"
#include "files.h"

namespace chainrule::fuzz {

static void npz(Bytes bytes) {
  NamedTensors loaded;
  try {
    loaded = load_npz(file_of(bytes));
  } catch (const IoError&) {
    return;
  }
  for (const bool compressed : {false, true}) {
    try {
      save_npz(scratch_path(), loaded, compressed);
    } catch (const std::invalid_argument&) {
      return;  // a name of the archive that is not UTF-8, or has a zero in it
    }
    if (!same_bits(load_npz(scratch_path()), loaded))
      throw Finding("not the same arrays when they are saved and loaded again");
  }
}
static const Registered registered("npz", npz);

}  // namespace chainrule::fuzz
