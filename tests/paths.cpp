// Where data, files of tests and the tool are, as the build says.
// tests/CMakeLists.txt defines them.

#include "paths.h"

namespace chainrule::test {

std::string data_path(const std::string& name) { return CHAINRULE_DATA_DIR "/" + name; }
std::string tests_path(const std::string& name) { return CHAINRULE_TESTS_DIR "/" + name; }
std::string tool_path() { return CHAINRULE_TOOL; }

}  // namespace chainrule::test
