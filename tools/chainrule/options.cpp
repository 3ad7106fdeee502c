// Options that are numbers: read as decimal, and refused outside their range, whatever CLI11 would take.
// Relies on io.h to parse numbers.

#include "options.h"

#include <limits>
#include <optional>

#include "chainrule/io.h"

namespace chainrule::cli {

CLI::Option* add_number(CLI::App& command, const std::string& name, double& value, bool (*fitting)(double),
                        const std::string& range, const std::string& help) {
  const auto read = [name, &value, fitting, range](const std::string& text) {
    const std::optional<double> number = chainrule::parse_number(text);
    if (!number || !fitting(*number))
      throw CommandError(fmt::format("{} '{}': give {}", name, printable(text), range));
    value = *number;
  };
  return command.add_option_function<std::string>(name, read, help)
      ->type_name("R")
      ->default_str(fmt::format("{}", value));
}

CLI::Option* add_seed(CLI::App& command, std::uint64_t& seed, const std::string& help) {
  return add_whole_number<std::uint64_t>(command, "--seed", seed, 0,
                                         std::numeric_limits<std::uint64_t>::max(), help);
}

CLI::Validator file_name() {
  return {
      [](const std::string& name) { return std::string(name.empty() ? "the name of a file is empty" : ""); },
      ""};
}

}  // namespace chainrule::cli
