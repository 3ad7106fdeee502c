// Scopes as numbers.
// A node has two bytes for one, and this table knows the name and the scope around it.

#pragma once

#include <cstdint>
#include <string>

namespace chainrule {

/// Scopes are numbered: a name within another scope is one number for the life of the program, so that a
/// node remembers its scope in two bytes. 0 is outside all scopes.
struct ScopeEntry {
  std::string name;
  std::uint16_t parent = 0;
};
ScopeEntry scope_entry(std::uint16_t scope);
/// "encoder/layer1": the names from the outermost in.
std::string scope_path(std::uint16_t scope);

}  // namespace chainrule
