// Tables of a few lines, and what they hold.
// For all tests of data.

#pragma once

#include <string>
#include <vector>

#include "chainrule/data/table.h"
#include "temporary_files.h"

namespace chainrule::test {

inline Table read(const std::string& content, const TableOptions& options = {}) {
  const TemporaryFile file(content, ".csv");
  return read_table(file.path(), options);
}

inline std::vector<std::string> cells(const TableColumn& column) {
  std::vector<std::string> result;
  for (std::size_t row = 0; row < column.numbers.size(); ++row) result.push_back(column.cell(row));
  return result;
}

inline std::vector<std::string> names(const Table& table) {
  std::vector<std::string> result;
  for (const TableColumn& column : table.columns) result.push_back(column.name);
  return result;
}

using Texts = std::vector<std::string>;

}  // namespace chainrule::test
