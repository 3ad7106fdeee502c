// Checks of what people set. Each throws std::invalid_argument that names the option, its value and what is
// allowed; `owner` is the optimiser or schedule.

#pragma once

#include <cstdint>
#include <string_view>

namespace chainrule::optim {

[[noreturn]] void refuse_option(std::string_view owner, std::string_view option, double value,
                                std::string_view allowed);
/// A finite number >= 0.
void require_not_negative(std::string_view owner, std::string_view option, double value);
/// A finite number > 0.
void require_positive(std::string_view owner, std::string_view option, double value);
/// 0 <= value < 1.
void require_share(std::string_view owner, std::string_view option, double value);
/// 0 <= value <= 1.
void require_part(std::string_view owner, std::string_view option, double value);
/// A whole number of at least `least`.
void require_count(std::string_view owner, std::string_view option, std::int64_t value, std::int64_t least);

}  // namespace chainrule::optim
