#pragma once

#include <string>

#include "targets.h"

namespace chainrule::fuzz {

/// Writes the bytes to a file in memory, and gives the path to read them at, until the next call.
const std::string& file_of(Bytes bytes);

/// Where a target may save a file: in a folder of this process, in memory where the system has that.
const std::string& scratch_path();

}  // namespace chainrule::fuzz
