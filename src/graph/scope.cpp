// The names of scopes, each with a number, in one table behind a lock that lives as long as the program.
// Nodes keep the number only.

#include "graph/scope.h"

#include <map>
#include <mutex>
#include <vector>

#include "chainrule/graph.h"
#include "graph/node.h"

namespace chainrule {
namespace {

class ScopeTable {
 public:
  std::uint16_t number(std::uint16_t parent, std::string_view name) {
    const std::lock_guard lock(mutex_);
    const auto& within = scopes_[parent].within;
    if (const auto found = within.find(name); found != within.end()) return found->second;
    if (scopes_.size() > UINT16_MAX) return parent;
    const auto number = static_cast<std::uint16_t>(scopes_.size());
    scopes_.push_back({{std::string(name), parent}, {}});
    scopes_[parent].within.emplace(name, number);
    return number;
  }
  ScopeEntry entry(std::uint16_t scope) {
    const std::lock_guard lock(mutex_);
    return scopes_[scope].entry;
  }

 private:
  struct Numbered {
    ScopeEntry entry;
    std::map<std::string, std::uint16_t, std::less<>> within;
  };
  std::mutex mutex_;
  std::vector<Numbered> scopes_ = std::vector<Numbered>(1);
};

// Never destroyed, as threads may go on when main() has returned.
ScopeTable& table() {
  static auto* const scopes = new ScopeTable;
  return *scopes;
}

}  // namespace

ScopeEntry scope_entry(std::uint16_t scope) { return table().entry(scope); }
std::string scope_path(std::uint16_t scope) {
  std::string path;
  while (scope != 0) {
    const ScopeEntry entry = scope_entry(scope);
    path = entry.name + (path.empty() ? "" : "/" + path);
    scope = entry.parent;
  }
  return path;
}

Scope::Scope(std::string_view name) : before_(recording_mode.scope) {
  if (!name.empty()) recording_mode.scope = table().number(before_, name);
}

Scope::~Scope() { recording_mode.scope = before_; }

}  // namespace chainrule
