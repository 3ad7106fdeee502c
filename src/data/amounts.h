// Numbers with currencies, units and signs between thousands, as tables of people have them. A form is found
// from all texts of a column at once and then read alike.

#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace chainrule {

// Numbers as people write them, "$1,234.50", "45 %", "(3.20)", "1.234,5 €", "170 cm": a form is the sign
// before, how 1234.5 is written, and the sign or unit after: "$1,234.5", "1,234.5 %", "1.234,5 €".

/// The form that all these texts have, if there is one. Where "1,234" may be either, a comma is between
/// thousands if the fields of the file are apart by commas.
std::optional<std::string> find_amount_form(const std::vector<std::string>& texts, char separator);

/// The number, if the text has that form, or is a plain number.
std::optional<double> parse_amount(std::string_view text, const std::string& form);

/// Does a number in this form have a sign or unit, which a plain number has not?
bool has_unit(const std::string& form);

}  // namespace chainrule
