// A number as people write it, for errors. Relies on nothing.

#pragma once

#include <string>

namespace chainrule {

/// In as few digits as give the number back: "0.1", "1e-09", "inf", "nan".
std::string number_text(double number);
/// The same in six digits at most.
std::string short_number_text(double number);

}  // namespace chainrule
