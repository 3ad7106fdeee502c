// The errors for options that make no sense: the name of the optimiser and of the option, and what it may be.
// Relies on nothing but numbers.

#include "optim/options.h"

#include <cmath>
#include <stdexcept>
#include <string>

#include "chainrule/tensor.h"

namespace chainrule::optim {

void refuse_option(std::string_view owner, std::string_view option, double value, std::string_view allowed) {
  throw std::invalid_argument(std::string(owner) + ": " + std::string(option) + " is " +
                              to_string(full({}, value, DType::float64)) + "; it must be " +
                              std::string(allowed));
}

void require_not_negative(std::string_view owner, std::string_view option, double value) {
  if (!(value >= 0 && std::isfinite(value))) refuse_option(owner, option, value, "a finite number >= 0");
}

void require_positive(std::string_view owner, std::string_view option, double value) {
  if (!(value > 0 && std::isfinite(value))) refuse_option(owner, option, value, "a finite number > 0");
}

void require_share(std::string_view owner, std::string_view option, double value) {
  if (!(value >= 0 && value < 1)) refuse_option(owner, option, value, "0 <= " + std::string(option) + " < 1");
}

void require_part(std::string_view owner, std::string_view option, double value) {
  if (!(value >= 0 && value <= 1))
    refuse_option(owner, option, value, "0 <= " + std::string(option) + " <= 1");
}

void require_count(std::string_view owner, std::string_view option, std::int64_t value, std::int64_t least) {
  if (value < least)
    throw std::invalid_argument(std::string(owner) + ": " + std::string(option) + " is " +
                                std::to_string(value) + "; it must be at least " + std::to_string(least));
}

}  // namespace chainrule::optim
