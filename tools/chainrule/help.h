// Help in lines as wide as the terminal. Relies on nothing but the text that CLI11 makes.

#pragma once

#include <cstddef>
#include <string>

namespace chainrule::cli {

/// What CLI11 prints for --help, in lines of at most so many columns: paragraphs and the descriptions of
/// options are filled anew, examples of commands stay as they are.
std::string filled_help(const std::string& text, std::size_t width);

}  // namespace chainrule::cli
