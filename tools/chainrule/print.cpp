// Values as text and as JSON, and how what a command has to say is written to standard output, or why it
// cannot be.

#include "print.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <cstring>

#include "chainrule/ops.h"
#include "command.h"
#include "text.h"

namespace chainrule::cli {
namespace {

nlohmann::ordered_json number(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "Infinity" : "-Infinity";
  return value;
}

template <class Element, class Convert>
nlohmann::ordered_json nested(std::span<const Element>& elements, std::span<const std::int64_t> sizes,
                              const Convert& convert) {
  if (sizes.empty()) {
    const Element element = elements.front();
    elements = elements.subspan(1);
    return convert(element);
  }
  auto list = nlohmann::ordered_json::array();
  for (std::int64_t i = 0; i < sizes.front(); ++i)
    list.push_back(nested(elements, sizes.subspan(1), convert));
  return list;
}

/// Of nothing there may be any number of empty lists.
void check_lists(const Shape& shape) {
  constexpr std::int64_t most = 1'000'000;
  std::int64_t lists = 1;
  for (const std::int64_t size : shape) {
    if (size == 0) return;
    if (size > most / lists)
      throw CommandError("a tensor of shape " + to_string(shape) +
                         " has no element, but more empty lists than are written as JSON; reshape it");
    lists *= size;
  }
}

template <class Element, class Convert>
nlohmann::ordered_json nested(const Tensor& tensor, const Convert& convert) {
  if (tensor.size() == 0) check_lists(tensor.shape());
  std::span<const Element> elements = tensor.data<Element>();
  return nested(elements, tensor.shape().sizes(), convert);
}

}  // namespace

std::string exact(const Tensor& scalar) {
  switch (scalar.dtype()) {
    case DType::boolean: return scalar.item<bool>() ? "True" : "False";
    case DType::int64: return fmt::format("{}", scalar.item<std::int64_t>());
    case DType::float32:
    case DType::float64: break;
    default: return to_string(scalar);  // only stored: as few digits as tell them apart
  }
  if (std::isnan(scalar.item())) return "nan";  // has a sign, too, but it means nothing
  return scalar.dtype() == DType::float32 ? fmt::format("{}", scalar.item<float>())
                                          : fmt::format("{}", scalar.item());
}

std::string equation(const std::string& name, const Tensor& value) {
  const std::string start = name + " = ";
  if (value.rank() == 0) return start + exact(value) + "\n";
  // Names may hold letters of more than one byte, but each takes one column.
  const auto columns = std::count_if(start.begin(), start.end(), [](char c) { return (c & 0xC0) != 0x80; });
  std::string text = start;
  char before = ' ';
  for (const char c : to_string(value, {.precision = 8})) {
    if (before == '\n' && c != '\n')
      text.append(static_cast<std::size_t>(columns), ' ');  // no line of spaces
    text += c;
    before = c;
  }
  return text + "\n";
}

nlohmann::ordered_json to_json(const Tensor& tensor) {
  switch (tensor.dtype()) {
    case DType::boolean: return nested<bool>(tensor, [](bool b) { return b; });
    case DType::int64: return nested<std::int64_t>(tensor, [](std::int64_t i) { return i; });
    case DType::float32: return nested<float>(tensor, number);
    case DType::float64: return nested<double>(tensor, number);
    default: return to_json(cast(tensor, computed_in(tensor.dtype())));
  }
}

void write_output(const std::string& text) {
  errno = 0;
  const bool written = std::fwrite(text.data(), 1, text.size(), stdout) == text.size();
  if (std::fflush(stdout) == 0 && written) return;
  if (errno == EPIPE) throw ReaderGone();
  throw IoError(std::string("standard output: ") + std::strerror(errno));
}

void write_note(const std::string& command, const std::string& text) {
  fmt::print(stderr, "chainrule {}: {}\n", command, printable_lines(text));
}

bool colours_wanted() {
  const char* no_color = std::getenv("NO_COLOR");
  const char* terminal = std::getenv("TERM");
  return isatty(STDOUT_FILENO) == 1 && (no_color == nullptr || *no_color == '\0') &&
         (terminal == nullptr || std::string_view(terminal) != "dumb");
}

}  // namespace chainrule::cli
