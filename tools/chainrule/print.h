// What commands print: numbers, equations and JSON on standard output, notes on standard error, colours if
// wanted.

#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "chainrule/tensor.h"

namespace chainrule::cli {

/// The only element with as many digits as it takes to read the same number back: "0.1", "-12", "True".
std::string exact(const Tensor& scalar);

/// "name = value", with the further lines of an array indented.
std::string equation(const std::string& name, const Tensor& value);

/// Nested lists of numbers that read back to the same bits; "NaN", "Infinity" and "-Infinity" for those
/// that JSON lacks.
nlohmann::ordered_json to_json(const Tensor& tensor);

/// Nobody reads standard output any more.
struct ReaderGone {};

/// Writes what a command has to say to standard output. IoError when it cannot all be written, or ReaderGone.
void write_output(const std::string& text);

/// Tells the user of a command something on standard error.
void write_note(const std::string& command, const std::string& text);

/// Are colours welcome on standard output?
bool colours_wanted();

}  // namespace chainrule::cli
