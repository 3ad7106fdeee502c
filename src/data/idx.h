// Files of images in the format of MNIST, as tables. table.cpp asks whether a file is one.
// Relies on io.h to read them.

#pragma once

#include <string>
#include <string_view>

#include "chainrule/data/table.h"

namespace chainrule {

/// Does a file that begins so hold an array in the format IDX?
bool is_idx(std::string_view beginning);
/// And one of samples: rows of numbers, or images, with channels or without?
bool is_idx_images(std::string_view beginning);

/// These, and their classes where there are labels: see read_table.
Table read_idx(const std::string& path, const std::string& labels);

}  // namespace chainrule
