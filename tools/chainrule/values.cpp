// NAME=VALUE arguments: values written as expressions without names, or read from files that io.h knows.
// evaluate.h computes those that are written.

#include "values.h"

#include <algorithm>
#include <filesystem>

#include "chainrule/autograd.h"
#include "chainrule/io.h"
#include "command.h"
#include "evaluate.h"
#include "text.h"

namespace chainrule::cli {
namespace {

std::string lower_case(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return text;
}

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = std::min(text.find_first_not_of(" \t\r\n"), text.size());
  const std::size_t end = text.find_last_not_of(" \t\r\n");
  return text.substr(begin, end == std::string_view::npos ? 0 : end + 1 - begin);
}

Tensor load(const std::string& path, const std::string& argument) {
  const std::string extension = lower_case(std::filesystem::path(path).extension());
  if (extension == ".npy") return load_npy(path);
  if (extension == ".csv") return load_csv(path);
  throw CommandError("'" + printable(argument) + "': a value can be read from a .npy or a .csv file");
}

/// Whole numbers in files and literals are meant as variables, so they become floats; int(...) keeps them.
Tensor as_float(const Tensor& tensor, DType dtype) {
  return tensor.dtype() == DType::boolean ? tensor : cast(tensor, dtype);
}

Tensor compute(const std::string& argument, Context& context) {
  const Program program(argument);
  for (const Instruction& instruction : program.instructions())
    if (instruction.code == Code::discard)
      throw CommandError("one value at a time" + pointer_to(argument, instruction.offset));
  const Value value = evaluate(program, {}, context);
  if (const auto* tensor = value.as<Tensor>()) return tensor->detach();
  if (!value.is_number() && !value.as<List>())
    throw CommandError(describe(value) + " is not a value to compute with" +
                       pointer_to(argument, argument.find('=') + 1));
  try {
    return as_float(to_tensor(value, {.floats = context.dtype, .integers = context.dtype}), context.dtype);
  } catch (const CommandError& error) {  // a ragged list
    throw CommandError(error.what() + pointer_to(argument, argument.find('=') + 1));
  }
}

Given read_value(const std::string& argument, Context& context) {
  const std::size_t equals = argument.find('=');
  const std::string name(trimmed(std::string_view(argument).substr(0, equals)));
  if (equals == std::string::npos || !is_identifier(name) || argument.substr(equals + 1).starts_with('='))
    throw CommandError("'" + printable(argument) +
                       "' is not a value; write NAME=VALUE, as x=2 or W=randn(3,4)");
  const std::string_view value = trimmed(std::string_view(argument).substr(equals + 1));
  if (value.empty()) throw CommandError("'" + printable(argument) + "' gives no value");
  if (value.starts_with('@'))
    return {name, as_float(load(std::string(value.substr(1)), argument), context.dtype)};
  return {name, compute(argument, context)};
}

}  // namespace

std::vector<Given> read_values(std::span<const std::string> arguments, Context& context) {
  const NoGrad constants;
  std::vector<Given> values;
  for (const std::string& argument : arguments) {
    values.push_back(read_value(argument, context));
    const std::string& name = values.back().name;
    const auto given =
        std::count_if(values.begin(), values.end(), [&](const Given& v) { return v.name == name; });
    if (given > 1) throw CommandError("'" + printable(name) + "' is given twice");
  }
  return values;
}

}  // namespace chainrule::cli
