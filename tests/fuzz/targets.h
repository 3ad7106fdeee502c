// What the fuzzers run: each gives bytes to one part of chainrule that must work with any. What that part
// says of wrong bytes, in the errors that it documents, is as it should be; whatever else a target throws is
// a fault.

#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string_view>
#include <vector>

namespace chainrule::fuzz {

using Bytes = std::span<const std::uint8_t>;
using Target = void (*)(Bytes bytes);

/// All that are linked, in no order.
struct NamedTarget {
  std::string_view name;
  Target run;
};
inline std::vector<NamedTarget>& targets() {
  static std::vector<NamedTarget> all;
  return all;
}
/// Each file enters its own, under the name of the file and of its corpus.
struct Registered {
  Registered(std::string_view name, Target run) { targets().push_back({name, run}); }
};

/// Longer inputs find nothing that these do not.
inline constexpr std::size_t most_bytes = 4096;

/// Something is wrong that no error has told.
class Finding : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace chainrule::fuzz
