// Results of cases as lines of a table, and as JSON for those who compare runs.
// bench.h has the results.

#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "cases.h"

namespace bench {

enum class Format { plain, markdown };

/// A line of the table of results. Goals are compared where they are set for this number of threads.
std::string table_head(Format format);
std::string table_row(const Result& result, int threads, Format format);

nlohmann::ordered_json to_json(const std::vector<Result>& results, const std::string& machine, int threads);

}  // namespace bench
