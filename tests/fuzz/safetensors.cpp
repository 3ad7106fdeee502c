// Fuzz target: bytes as a safetensors file; what is read is written and read back the same.
// files.h has it in memory.

#include "chainrule/io.h"
#include "files.h"

namespace chainrule::fuzz {

static void safetensors(Bytes bytes) {
  Safetensors loaded;
  try {
    loaded = load_safetensors(file_of(bytes));
  } catch (const IoError&) {
    return;
  }
  save_safetensors(scratch_path(), loaded.tensors, loaded.metadata);
  const Safetensors again = load_safetensors(scratch_path());
  if (!same_bits(again.tensors, loaded.tensors) || again.metadata != loaded.metadata)
    throw Finding("not the same tensors when they are saved and loaded again");
}
static const Registered registered("safetensors", safetensors);

}  // namespace chainrule::fuzz
