// What an expression computes with: numbers, lists, texts and tensors, and operators on them as Python has
// them.

#include "value.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "chainrule/functions.h"
#include "command.h"
#include "functions.h"

namespace chainrule::cli {
namespace {

double real(const Value& number) {
  if (const auto* integer = number.as<std::int64_t>()) return static_cast<double>(*integer);
  if (const auto* boolean = number.as<bool>()) return *boolean ? 1 : 0;
  return *number.as<double>();
}

std::int64_t whole(const Value& number) {
  const auto* boolean = number.as<bool>();
  return boolean ? *boolean : *number.as<std::int64_t>();
}

/// a to the power b for b >= 0, unless it does not fit.
std::optional<std::int64_t> whole_power(std::int64_t base, std::int64_t exponent) {
  std::int64_t result = 1;
  for (; exponent > 0; exponent /= 2) {
    if (exponent % 2 == 1 && __builtin_mul_overflow(result, base, &result)) return std::nullopt;
    if (exponent > 1 && __builtin_mul_overflow(base, base, &base)) return std::nullopt;
  }
  return result;
}

std::optional<std::int64_t> whole_result(std::string_view sign, std::int64_t a, std::int64_t b) {
  std::int64_t result = 0;
  if (sign == "+" && !__builtin_add_overflow(a, b, &result)) return result;
  if (sign == "-" && !__builtin_sub_overflow(a, b, &result)) return result;
  if (sign == "*" && !__builtin_mul_overflow(a, b, &result)) return result;
  if (sign == "**" && b >= 0) return whole_power(a, b);
  return std::nullopt;
}

[[noreturn]] void fail_on_logic(std::string_view sign) {
  throw CommandError(std::string(sign) + " is for bool, as (x > 0) " + std::string(sign) + " (x < 1)" +
                     (sign == "^" ? "; powers are written with **" : ""));
}

template <class Number>
bool compare(std::string_view sign, Number a, Number b) {
  if (sign == "<") return a < b;
  if (sign == "<=") return a <= b;
  if (sign == ">") return a > b;
  if (sign == ">=") return a >= b;
  return (a == b) == (sign == "==");
}

/// The lengths along the first axes of a nested list, as far as its first elements go.
std::vector<std::int64_t> leading_shape(const Value& value) {
  std::vector<std::int64_t> sizes;
  for (const List* list = value.as<List>(); list != nullptr;) {
    sizes.push_back(static_cast<std::int64_t>(list->items().size()));
    list = list->items().empty() ? nullptr : list->items().front().as<List>();
  }
  return sizes;
}

std::string count(std::size_t number, const std::string& noun) {
  return std::to_string(number) + " " + noun + (number == 1 ? "" : "s");
}

/// Collects the numbers of a nested list of the shape `sizes`; `place` is where in the whole list this is.
void collect(const Value& value, std::span<const std::int64_t> sizes, const std::string& place,
             std::vector<const Value*>& numbers) {
  const auto* list = value.as<List>();
  const std::string here = place.empty() ? "the list" : "row " + place;
  if (sizes.empty()) {
    if (list) throw CommandError(here + " is a list where the ones before it are numbers");
    numbers.push_back(&value);
    return;
  }
  if (!list) throw CommandError(here + " is " + describe(value) + " where the ones before it are lists");
  if (static_cast<std::int64_t>(list->items().size()) != sizes.front())
    throw CommandError(here + " has " + count(list->items().size(), "element") +
                       " where the ones before it have " + std::to_string(sizes.front()));
  for (std::size_t i = 0; i < list->items().size(); ++i)
    collect(list->items()[i], sizes.subspan(1), place + "[" + std::to_string(i) + "]", numbers);
}

bool holds_tensors(const Value& value) {
  const auto* list = value.as<List>();
  return value.as<Tensor>() ||
         (list && std::any_of(list->items().begin(), list->items().end(), holds_tensors));
}

Tensor stacked(const List& list, const ListType& type) {
  std::vector<Tensor> parts;
  DType common = DType::boolean;
  for (const Value& item : list.items()) {
    parts.push_back(to_tensor(item, type));
    common = promote(common, parts.back().dtype());
  }
  for (Tensor& part : parts)
    if (part.dtype() != common) part = cast(part, common);
  return stack(parts);
}

}  // namespace

List::List(std::vector<Value> values, bool tuple)
    : shared(std::make_shared<const std::vector<Value>>(std::move(values))), is_tuple(tuple) {
  constexpr std::size_t deepest = 64, largest = 1'000'000;
  for (const Value& item : items()) {
    const auto* inner = item.as<List>();
    if (inner) depth = std::max(depth, inner->depth + 1);
    size += inner ? inner->size : 1;
  }
  if (depth > deepest)
    throw CommandError("lists are nested more than " + std::to_string(deepest) + " levels deep");
  if (size > largest) throw CommandError("a list of more than " + std::to_string(largest) + " elements");
}

std::string describe(const Value& value) {
  if (const auto* text = value.as<std::string>()) return "the text '" + *text + "'";
  if (const auto* tensor = value.as<Tensor>()) return "a tensor of shape " + to_string(tensor->shape());
  if (const auto* list = value.as<List>()) return list->is_tuple ? "a tuple" : "a list";
  if (const auto* function = value.as<Called>()) return "the function " + std::string(function->name);
  if (value.as<Slice>()) return "a slice";
  if (value.as<Part>()) return "a part to replace, as of x.at[0].set(1)";
  if (value.as<Ellipsis>()) return "...";
  if (value.as<Module>()) return "a module";
  if (value.is_none()) return "None";
  if (const auto* boolean = value.as<bool>()) return *boolean ? "True" : "False";
  return "a number";
}

Tensor to_tensor(const Value& value, const ListType& type) {
  if (const auto* tensor = value.as<Tensor>()) return *tensor;
  if (value.is_number()) return number_operand(value).as_tensor();
  const auto* list = value.as<List>();
  if (!list) throw CommandError(describe(value) + " is not a value to compute with");
  if (holds_tensors(value)) return stacked(*list, type);

  const std::vector<std::int64_t> sizes = leading_shape(value);
  std::vector<const Value*> numbers;
  collect(value, sizes, "", numbers);
  bool only_booleans = !numbers.empty(), only_whole = !numbers.empty();
  for (const Value* number : numbers) {
    if (!number->is_number()) throw CommandError(describe(*number) + " in a list of numbers");
    only_booleans = only_booleans && number->as<bool>();
    only_whole = only_whole && !number->as<double>();
  }
  const Shape shape(sizes);
  if (only_whole) {
    std::vector<std::int64_t> elements(numbers.size());
    std::transform(numbers.begin(), numbers.end(), elements.begin(),
                   [](const Value* n) { return whole(*n); });
    return cast(tensor(elements, shape), only_booleans ? DType::boolean : type.integers);
  }
  std::vector<double> elements(numbers.size());
  std::transform(numbers.begin(), numbers.end(), elements.begin(), [](const Value* n) { return real(*n); });
  return cast(tensor(elements, shape), type.floats);
}

Tensor whole_numbers(const Tensor& given, FunctionRef<void(const std::string& number)> refuse) {
  if (is_floating(given.dtype()))
    for (const double number : given.to_vector<double>())
      if (number != std::floor(number) || std::abs(number) > 0x1p53) refuse(to_string(tensor(number)));
  return cast(given, DType::int64);
}

Operand number_operand(const Value& number) {
  if (const auto* boolean = number.as<bool>()) return *boolean;
  if (const auto* integer = number.as<std::int64_t>()) return *integer;
  return real(number);
}

Value parse_number(std::string_view text) {
  std::string digits(text);
  std::erase(digits, '_');
  const char* end = digits.data() + digits.size();
  std::int64_t integer = 0;
  if (const auto [at, error] = std::from_chars(digits.data(), end, integer);
      at == end && error == std::errc())
    return integer;
  double number = 0;
  if (std::from_chars(digits.data(), end, number).ec == std::errc::result_out_of_range)
    number = std::strtod(digits.c_str(), nullptr);  // infinite, or zero, as in Python
  return number;
}

Value calculate(std::string_view sign, const Value& a, const Value& b) {
  if (sign == "&" || sign == "|" || sign == "^") {
    if (!a.as<bool>() || !b.as<bool>()) fail_on_logic(sign);
    return sign == "&"   ? whole(a) * whole(b) != 0
           : sign == "|" ? whole(a) + whole(b) != 0
                         : whole(a) != whole(b);
  }
  const bool both_whole = !a.as<double>() && !b.as<double>();
  if (sign == "//" || sign == "%") {
    if (both_whole && whole(b) > 0) {
      const std::int64_t rest = (whole(a) % whole(b) + whole(b)) % whole(b);
      return sign == "%" ? rest : (whole(a) - rest) / whole(b);
    }
    const Tensor result = apply(sign, real(a), real(b));
    return both_whole && whole(b) != 0 ? Value(static_cast<std::int64_t>(result.item())) : result.item();
  }
  const bool arithmetic = sign.find_first_of("+-*/") != std::string_view::npos;
  if (!arithmetic) return both_whole ? compare(sign, whole(a), whole(b)) : compare(sign, real(a), real(b));
  if (both_whole)
    if (const auto result = whole_result(sign, whole(a), whole(b))) return *result;
  if (sign == "+") return real(a) + real(b);
  if (sign == "-") return real(a) - real(b);
  if (sign == "*") return real(a) * real(b);
  if (sign == "/") return real(a) / real(b);
  return std::pow(real(a), real(b));
}

Tensor apply(std::string_view sign, const Operand& a, const Operand& b) {
  if (sign == "+") return a + b;
  if (sign == "-") return a - b;
  if (sign == "*") return a * b;
  if (sign == "/") return a / b;
  if (sign == "//") return floor_divide(a, b);
  if (sign == "%") return remainder(a, b);
  if (sign == "@") return matmul(a, b);
  if (sign == "**") return pow(a, b);
  if (sign == "&" || sign == "|" || sign == "^") {
    if (a.dtype() != DType::boolean || b.dtype() != DType::boolean) fail_on_logic(sign);
    return sign == "&" ? a & b : sign == "|" ? a | b : a ^ b;
  }
  if (sign == "<") return a < b;
  if (sign == "<=") return a <= b;
  if (sign == ">") return a > b;
  if (sign == ">=") return a >= b;
  return sign == "==" ? a == b : a != b;
}

}  // namespace chainrule::cli
