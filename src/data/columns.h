#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "chainrule/data/encoder.h"

namespace chainrule {

/// "column 2 (age)", or "column 2" where the table has no header.
std::string title_of(const Table& table, const TableColumn& column);

/// How the inputs are made from these columns, see TableEncoder.
std::vector<InputColumn> learn_columns(const Table& table, const ColumnChoice& choice,
                                       std::span<const std::int64_t> rows);
/// The targets with their classes or scales.
std::vector<TargetColumn> learn_targets(const Table& table, const ColumnChoice& choice,
                                        std::span<const std::int64_t> rows);

}  // namespace chainrule
