// Where the files are that tests read and run.
// Known to one source only, so that the others compile to the same in every folder.

#pragma once

#include <string>

namespace chainrule::test {

/// A data file, which may be absent: tests that use it skip then.
std::string data_path(const std::string& name);
/// A file that lies beside the tests.
std::string tests_path(const std::string& name);
/// The command-line tool.
std::string tool_path();

}  // namespace chainrule::test
