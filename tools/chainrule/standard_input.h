// Standard input as a file that every reader can open, archives too.

#pragma once

#include <string>

namespace chainrule::cli {

/// Is it standard input, "-"?
bool is_standard_input(const std::string& path);

/// The file to read for an argument of a command: of standard input "/dev/stdin". An archive that comes
/// through a pipe is kept in memory first, as archives are read from their end, and more than once. IoError
/// if it takes more than half of what there is.
std::string file_of(const std::string& path);

/// Can what file_of gives be read only once?
bool is_stream(const std::string& path);

}  // namespace chainrule::cli
