#include "draw/label.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

namespace chainrule::draw {
namespace {

constexpr std::size_t longest = 40;  // characters
constexpr std::int64_t most_elements = 12;

/// Graphviz's parser gets a "]" at the end of a text too late, as it could begin the "]]>" that ends CDATA.
constexpr const char* closing_bracket = "&#93;";

/// The bytes of the UTF-8 character at the start of `text`; 0 when they are none that XML allows.
std::size_t character_bytes(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  if (byte(0) < 0x80) return byte(0) < 0x20 || byte(0) == 0x7F ? 0 : 1;
  const std::size_t bytes = byte(0) >= 0xF0 ? 4 : byte(0) >= 0xE0 ? 3 : 2;
  if (byte(0) < 0xC2 || byte(0) > 0xF4 || text.size() < bytes) return 0;
  char32_t code = byte(0) & (0x7F >> bytes);
  for (std::size_t i = 1; i < bytes; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
    code = code << 6 | (byte(i) & 0x3F);
  }
  const bool too_long = bytes == 3 ? code < 0x800 : bytes == 4 && code < 0x10000;
  const bool surrogate = code >= 0xD800 && code <= 0xDFFF, no_character = (code & 0xFFFE) == 0xFFFE;
  return too_long || surrogate || no_character || code < 0xA0 || code > 0x10FFFF ? 0 : bytes;
}

std::string number(double value) { return fmt::format("{:.4g}", value == 0 ? 0.0 : value); }

std::string cell(const std::string& label, const char* alignment) {
  return fmt::format("<TD ALIGN=\"{}\">{}</TD>", alignment, label);
}

/// An array as a table with aligned columns and each row in brackets.
std::string matrix(const std::vector<double>& elements, const Shape& shape) {
  const auto width = static_cast<std::size_t>(shape.back());
  std::string text;
  for (std::size_t begin = 0; begin < elements.size(); begin += width) {
    std::string cells = cell("[", "LEFT");
    for (std::size_t i = begin; i < begin + width; ++i) cells += cell(number(elements[i]), "RIGHT");
    text += "<TR>" + cells + cell(closing_bracket, "RIGHT") + "</TR>";
  }
  return table(text);
}

}  // namespace

std::string escaped(std::string_view text) {
  std::string result;
  for (std::size_t count = 0; !text.empty(); ++count) {
    if (count == longest) return result + "…";
    const std::size_t bytes = character_bytes(text);
    const std::string_view character = text.substr(0, std::max<std::size_t>(bytes, 1));
    if (bytes == 0)
      result += character[0] == '\n' || character[0] == '\t' || character[0] == '\r' ? " " : "\uFFFD";
    else if (character == "&")
      result += "&amp;";
    else if (character == "<")
      result += "&lt;";
    else if (character == ">")
      result += "&gt;";
    else if (character == "\"")
      result += "&quot;";
    else if (character == "]")
      result += closing_bracket;
    else if (character == "\\")
      result += "\\\\";  // \N would become the node's number, even as &#92;N
    else
      result += character;
    text.remove_prefix(character.size());
  }
  return result;
}

std::string brief(const Tensor& tensor) {
  if (tensor.dtype() == DType::boolean && tensor.rank() == 0) return tensor.item<bool>() ? "True" : "False";
  const std::vector<double> elements = tensor.to_vector<double>();
  if (tensor.rank() == 0) return number(elements.front());
  if (elements.empty()) return std::string("[") + closing_bracket;
  if (tensor.size() <= most_elements) return matrix(elements, tensor.shape());
  const auto [smallest, largest] = std::minmax_element(elements.begin(), elements.end());
  const double mean =
      std::accumulate(elements.begin(), elements.end(), 0.0) / static_cast<double>(elements.size());
  const auto line = [](const char* name, double value) {
    return "<TR>" + cell(name + std::string("&nbsp;"), "LEFT") + cell(number(value), "RIGHT") + "</TR>";
  };
  return table(line("min", *smallest) + line("mean", mean) + line("max", *largest));
}

std::string row(const std::string& label, int columns) {
  return fmt::format("<TR><TD COLSPAN=\"{}\">{}</TD></TR>", columns, label);
}

std::string row(const std::string& left, const std::string& right) {
  return "<TR>" + cell(left, "RIGHT") + cell(right, "LEFT") + "</TR>";
}

std::string table(const std::string& rows) {
  return "<TABLE BORDER=\"0\" CELLBORDER=\"0\" CELLSPACING=\"0\" CELLPADDING=\"2\">" + rows + "</TABLE>";
}

}  // namespace chainrule::draw
