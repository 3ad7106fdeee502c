// Tensors as text, as NumPy prints arrays. Digits are the fewest that tell the elements apart up to the
// precision asked for. Relies on <charconv>.

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <ostream>

#include "array/axes.h"
#include "graph/node.h"

namespace chainrule {
namespace {

/// The double of the fewest digits that gives this element back.
template <class T>
double shortest(double exact) {
  if (std::is_same_v<T, double> || !std::isfinite(exact)) return exact;
  constexpr auto format = std::chars_format::scientific;  // the other one gives all digits of whole numbers
  char text[32];
  double shorter = exact;
  if constexpr (std::is_floating_point_v<T>) {
    std::from_chars(text, std::to_chars(text, text + sizeof text, static_cast<T>(exact), format).ptr,
                    shorter);
  } else {
    for (int digits = 0; digits == 0 || T(shorter).bits() != T(exact).bits(); ++digits)
      std::from_chars(text, std::to_chars(text, text + sizeof text, exact, format, digits).ptr, shorter);
  }
  return shorter;
}

/// A scalar as NumPy prints one: the shortest digits that read back to the same number.
template <class T>
std::string scalar_text(double exact) {
  if (std::isnan(exact)) return "nan";
  const double magnitude = std::abs(exact), number = shortest<T>(exact);
  const bool scientific = magnitude != 0 && (magnitude < 1e-4 || magnitude >= 1e16) && std::isfinite(exact);
  char text[400];
  const auto format = scientific ? std::chars_format::scientific : std::chars_format::fixed;
  std::string result(text, std::to_chars(text, text + sizeof text, number, format).ptr);
  if (scientific || !std::isfinite(exact) || result.find('.') != std::string::npos) return result;
  // Of a large whole number std::to_chars gives all digits, also those that say nothing.
  const std::string shortest(
      text, std::to_chars(text, text + sizeof text, number, std::chars_format::scientific).ptr);
  std::string digits = shortest.substr(0, shortest.find('e'));
  std::erase(digits, '.');
  digits.resize(result.size(), '0');
  return digits + ".0";
}

/// Formats floats as NumPy does: one notation for the whole array, as many digits as any of them needs.
class FloatFormat {
 public:
  /// `shortest` is that of the type of elements.
  FloatFormat(const std::vector<double>& shown, int precision, double (*shortest)(double))
      : precision_(std::max(precision, 0)), shortest_(shortest) {
    double largest = 0, smallest = INFINITY;
    for (const double number : shown) {
      if (!std::isfinite(number) || number == 0) continue;
      largest = std::max(largest, std::abs(number));
      smallest = std::min(smallest, std::abs(number));
    }
    scientific_ = largest >= 1e8 || smallest < 1e-4 || largest / smallest > 1000;
    int needed = 0;
    for (const double number : shown) needed = std::max(needed, fraction_digits(number));
    precision_ = needed;
    if (!scientific_) return;
    for (const double number : shown)
      if (std::isfinite(number))
        exponent_digits_ = std::max(exponent_digits_, exponent_digits(print(number, precision_)));
  }
  std::string operator()(double number) const {
    if (std::isnan(number)) return "nan";
    if (std::isinf(number)) return number > 0 ? "inf" : "-inf";
    std::string text = print(number, scientific_ ? precision_ : fraction_digits(number));
    const std::size_t end = std::min(text.find('e'), text.size());
    if (text.find('.') == std::string::npos) text.insert(end, ".");
    if (scientific_) text.insert(text.find('e') + 2, exponent_digits_ - exponent_digits(text), '0');
    // Fractions are padded, not filled with zeros that nobody computed.
    if (!scientific_) text.append(static_cast<std::size_t>(precision_ - fraction_digits(number)), ' ');
    return text;
  }

 private:
  std::string print(double number, int digits) const {
    char text[512];
    std::snprintf(text, sizeof text, scientific_ ? "%.*e" : "%.*f", digits, number);
    return text;
  }
  static std::size_t exponent_digits(const std::string& text) { return text.size() - text.find('e') - 2; }
  int fraction_digits(double number) const {
    if (!std::isfinite(number)) return 0;
    std::string text = print(number, std::min(precision_, digits_there_are(number)));
    text.resize(std::min(text.find('e'), text.size()));
    const auto point = text.find('.');
    if (point == std::string::npos) return 0;
    return static_cast<int>(text.find_last_not_of('0') - point);
  }

  /// Digits after the point of the shortest text that reads back to the same element. (Where one of them
  /// needs more, in scientific notation all have them: those of the number itself, not zeros.)
  int digits_there_are(double number) const {
    char text[400];
    const auto format = scientific_ ? std::chars_format::scientific : std::chars_format::fixed;
    const auto end = std::to_chars(text, text + sizeof text, shortest_(number), format).ptr;
    const std::string_view digits(text, static_cast<std::size_t>(std::find(text, end, 'e') - text));
    const auto point = digits.find('.');
    return point == std::string_view::npos ? 0 : static_cast<int>(digits.size() - point - 1);
  }

  int precision_;
  double (*shortest_)(double);
  bool scientific_ = false;
  std::size_t exponent_digits_ = 0;  // all have as many
};

class Printer {
 public:
  Printer(const Array& array, const PrintOptions& options)
      : array_(array),
        strides_(row_major_strides(array.shape())),
        summarize_(array.size() > options.threshold),
        edge_(std::max<std::int64_t>(1, options.edge_items)) {
    collect(0, 0);
    format(options);
    if (array.dtype() == DType::boolean) width_ = 5;  // of "False"
    for (const std::string& text : texts_) width_ = std::max(width_, text.size());
  }
  std::string print() {
    next_ = 0;
    std::string out;
    print(out, 0);
    return out;
  }

 private:
  // The positions along an axis that are shown; -1 stands for the ellipsis.
  std::vector<std::int64_t> shown(std::size_t axis) const {
    const std::int64_t size = array_.shape()[axis];
    std::vector<std::int64_t> positions;
    const bool cut = summarize_ && size - edge_ > edge_;
    for (std::int64_t i = 0; i < (cut ? edge_ : size); ++i) positions.push_back(i);
    if (!cut) return positions;
    positions.push_back(-1);
    for (std::int64_t i = size - edge_; i < size; ++i) positions.push_back(i);
    return positions;
  }
  void collect(std::size_t axis, std::int64_t offset) {
    if (axis == array_.shape().rank()) return positions_.push_back(offset);
    for (const std::int64_t i : shown(axis))
      if (i >= 0) collect(axis + 1, offset + i * strides_[axis]);
  }
  void format(const PrintOptions& options) {
    if (is_floating(array_.dtype())) {
      dispatch_stored(array_.dtype(), [&]<class T>() {
        if constexpr (is_floating(dtype_of<T>)) {
          std::vector<double> numbers;
          for (const std::int64_t i : positions_) numbers.push_back(static_cast<double>(array_.data<T>()[i]));
          if (array_.shape().rank() == 0) return texts_.push_back(scalar_text<T>(numbers[0]));
          const FloatFormat text(numbers, options.precision, shortest<T>);
          for (const double number : numbers) texts_.push_back(text(number));
        }
      });
    } else if (is_integer(array_.dtype())) {
      dispatch_stored(array_.dtype(), [&]<class T>() {
        for (const std::int64_t i : positions_)
          texts_.push_back(std::to_string(convert<std::int64_t>(array_.data<T>()[i])));
      });
    } else {
      for (const std::int64_t i : positions_) texts_.emplace_back(array_.data<bool>()[i] ? "True" : "False");
    }
  }
  void print(std::string& out, std::size_t axis) {
    const std::size_t rank = array_.shape().rank();
    if (rank == 0) {
      out += texts_[0];
      return;
    }
    out += '[';
    if (axis + 1 == rank) {
      print_row(out);
    } else {
      bool first = true;
      for (const std::int64_t i : shown(axis)) {
        if (!std::exchange(first, false)) out.append(rank - axis - 1, '\n').append(axis + 1, ' ');
        if (i < 0)
          out += "...";
        else
          print(out, axis + 1);
      }
    }
    out += ']';
  }
  // As NumPy's, rows wrap at 75 columns, less one for each closing bracket.
  void print_row(std::string& out) {
    const std::size_t rank = array_.shape().rank(), width = 75 - rank, indent = rank;
    std::size_t line = out.rfind('\n') + 1;  // where it begins
    bool first = true;
    for (const std::int64_t i : shown(rank - 1)) {
      if (!std::exchange(first, false)) out += ' ';
      const std::string_view text = i < 0 ? "..." : std::string_view(texts_[next_++]);
      const std::size_t padding = i < 0 ? 0 : width_ - text.size();
      const std::size_t column = out.size() - line;
      if (column + padding + text.size() > width && column > indent) {
        out.erase(out.find_last_not_of(' ') + 1);
        line = out.append("\n").size();
        out.append(indent, ' ');
      }
      out.append(padding, ' ') += text;
    }
  }

  const Array& array_;
  std::vector<std::int64_t> strides_;
  bool summarize_;
  std::int64_t edge_;
  std::vector<std::int64_t> positions_;
  std::vector<std::string> texts_;
  std::size_t width_ = 0, next_ = 0;
};

}  // namespace

std::string to_string(const Tensor& tensor, const PrintOptions& options) {
  const Array& value = value_of(tensor);
  return value.size() == 0 ? "[]" : Printer(value, options).print();
}

std::ostream& operator<<(std::ostream& out, const Tensor& tensor) { return out << to_string(tensor); }

}  // namespace chainrule
