#pragma once

#include <string>

#include "chainrule/data/table.h"
#include "io/input_file.h"

namespace chainrule {

/// Does a file that begins so hold images of bytes in the format IDX?
bool is_idx_images(std::string_view beginning);

/// The images, and their classes where there are labels: see read_table.
Table read_idx(InputFile& images, const std::string& labels);

}  // namespace chainrule
