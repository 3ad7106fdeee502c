#include "seed.h"

#include "command.h"

namespace chainrule::cli {

Generator seeded(std::int64_t seed) {
  if (seed < 0) throw CommandError("--seed " + std::to_string(seed) + ": it must not be negative");
  return Generator(static_cast<std::uint64_t>(seed));
}

}  // namespace chainrule::cli
