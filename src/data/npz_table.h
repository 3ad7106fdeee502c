#pragma once

#include <string>
#include <string_view>

#include "chainrule/data/table.h"

namespace chainrule {

/// Is a file that begins so an archive whose first member is an array of NumPy's?
bool is_npz(std::string_view beginning);

/// The arrays of an archive as columns: see read_table.
Table read_npz(const std::string& path);

}  // namespace chainrule
