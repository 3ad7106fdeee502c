// Options that are numbers. They are decimal, and a CommandError names the range of a number outside it;
// CLI11 would take 010 for 8, and what is too large for the largest there is.

#pragma once

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <cstdint>
#include <string>

#include "command.h"
#include "text.h"

namespace chainrule::cli {

/// A whole number of at least `least` and at most `most`.
template <class Whole>
CLI::Option* add_whole_number(CLI::App& command, const std::string& name, Whole& value, Whole least,
                              Whole most, const std::string& help) {
  const auto read = [name, &value, least, most](const std::string& text) {
    Whole number = 0;
    const char *begin = text.data() + (text.starts_with('+') ? 1 : 0), *end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(begin, end, number);
    if (error != std::errc() || stop != end || number < least || number > most)
      throw CommandError(
          fmt::format("{} '{}': give a whole number from {} to {}", name, printable(text), least, most));
    value = number;
  };
  return command.add_option_function<std::string>(name, read, help)
      ->type_name("N")
      ->default_str(std::to_string(value));
}

/// A number that is `fitting`, which `range` says in words: "a finite number above 0".
CLI::Option* add_number(CLI::App& command, const std::string& name, double& value, bool (*fitting)(double),
                        const std::string& range, const std::string& help);

/// The seed of random numbers.
CLI::Option* add_seed(CLI::App& command, std::uint64_t& seed, const std::string& help);

/// Of an option or a positional argument: the name of a file, which cannot be empty.
CLI::Validator file_name();

}  // namespace chainrule::cli
