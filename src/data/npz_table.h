// Arrays of NumPy's as tables, from .npz archives and single .npy files.
// table.cpp asks whether a file is one.

#pragma once

#include <string>
#include <string_view>

#include "chainrule/data/table.h"

namespace chainrule {

/// Is a file that begins so an archive whose first member is an array of NumPy's?
bool is_npz(std::string_view beginning);

/// Is a file that begins so one array of NumPy's?
bool is_npy(std::string_view beginning);

/// The arrays of a file NPZ or NPY as columns, with what is to be predicted in options.labels: see
/// read_table.
Table read_arrays(const std::string& path, bool is_archive, const TableOptions& options);

}  // namespace chainrule
