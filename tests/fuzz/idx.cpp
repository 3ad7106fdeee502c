// Fuzz target: bytes as an IDX file, which is read or refused.
// files.h has it in memory.

#include "chainrule/io.h"
#include "files.h"

namespace chainrule::fuzz {

static void idx(Bytes bytes) {
  const std::string& path = file_of(bytes);
  try {
    if (!same_bits(load_idx(path), load_idx(path))) throw Finding("another array the second time");
  } catch (const IoError&) {
  }
}
static const Registered registered("idx", idx);

}  // namespace chainrule::fuzz
