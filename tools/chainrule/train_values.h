// Warnings of single values in a table that look wrong.
// train_notes.h has those of whole columns.

#pragma once

#include <string>
#include <vector>

#include "chainrule/data/encoder.h"

namespace chainrule::cli {

/// Warnings of single values that look wrong: far from all others, standing for nothing, or the only ones.
void warn_of_values(const Table& table, const ColumnChoice& choice, const TableEncoder& encoder,
                    std::vector<std::string>& warnings);

}  // namespace chainrule::cli
