// Dates and times of day in texts.
// As amounts.h: a form for a whole column, and then the parts of each.

#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace chainrule {

// Dates and times as people write them: a form names their parts in the order in which they stand,
// "year-month-day", "month/day/year hour", "hour", "year-month". A month may have its English name in each.

/// The form that all these texts have, if there is one. Where the day may be either, it comes first before
/// points and dashes, and the month before slashes.
std::optional<std::string> find_date_form(const std::vector<std::string>& texts);

/// Which numbers there are in it: "year", "month", "day", "weekday", "hour".
std::vector<std::string> date_parts(const std::string& form);

/// One of these numbers of a text, if that has the form. Of a date without a time, the hour is 0.
std::optional<double> parse_date(std::string_view text, const std::string& form, const std::string& part);

}  // namespace chainrule
