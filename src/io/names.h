// Names of tensors in files, as JSON and as checked.
// For all formats that hold several tensors.

#pragma once

#include <string>

#include "chainrule/named_tensors.h"

namespace chainrule {

/// Text as a string of JSON. std::invalid_argument, which begins with the name of the function that has been
/// called, for text that is not UTF-8.
std::string in_json(const std::string& function, const std::string& text);

/// Can these be saved? std::invalid_argument for a name that is there twice or is not UTF-8, and GradError
/// for an empty handle.
void check_names(const std::string& function, const NamedTensors& tensors);

}  // namespace chainrule
