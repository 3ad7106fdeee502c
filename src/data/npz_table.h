// Arrays of NumPy's as tables, from .npz archives and single .npy files.
// table.cpp asks whether a file is one.

#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "chainrule/data/table.h"
#include "chainrule/tensor.h"

namespace chainrule {

/// Is a file that begins so an archive whose first member is an array of NumPy's?
bool is_npz(std::string_view beginning);

/// Is a file that begins so one array of NumPy's?
bool is_npy(std::string_view beginning);

/// Images (n, channels, height, width) of images (n, height, width), or with 1, 3 or 4 channels before or
/// after these; nothing of other arrays.
std::optional<Tensor> as_images(const Tensor& array);

/// The arrays of a file NPZ or NPY as columns, with what is to be predicted in options.labels: see
/// read_table.
Table read_arrays(const std::string& path, bool is_archive, const TableOptions& options);

}  // namespace chainrule
