// How arguments are bound to parameters, and what they are converted to.
// Parameters are the text of the registry's entries.

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <span>

#include "command.h"
#include "functions.h"
#include "text.h"

namespace chainrule::cli {
namespace {

struct Parameter {
  std::vector<std::string_view> names;
  std::optional<std::string_view> default_value;
  bool takes_rest = false;
};

std::vector<std::string_view> split(std::string_view text, std::string_view separator) {
  std::vector<std::string_view> parts;
  for (std::size_t end = 0; end != std::string_view::npos; text.remove_prefix(end + separator.size())) {
    end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) break;
  }
  return parts;
}

std::vector<Parameter> parameters(const Function& function) {
  std::vector<Parameter> result;
  if (function.parameters.empty()) return result;
  for (std::string_view text : split(function.parameters, ", ")) {
    Parameter parameter;
    if (text.starts_with('*')) {
      parameter.takes_rest = true;
      text.remove_prefix(1);
    }
    if (const std::size_t equals = text.find('='); equals != std::string_view::npos) {
      parameter.default_value = text.substr(equals + 1);
      text = text.substr(0, equals);
    }
    parameter.names = split(text, "|");
    result.push_back(std::move(parameter));
  }
  return result;
}

Value literal(std::string_view text) {
  if (text == "None") return None{};
  if (text == "True" || text == "False") return text == "True";
  if (text.starts_with('\'')) return std::string(text.substr(1, text.size() - 2));
  if (text.starts_with('-')) return calculate("-", std::int64_t{0}, parse_number(text.substr(1)));
  return parse_number(text);
}

/// The values of all parameters, in their order.
std::vector<Value> bind(const Function& function, std::string_view called, std::vector<Value> arguments,
                        std::span<const std::string_view> keywords) {
  const std::vector<Parameter> all = parameters(function);
  const auto fail = [&](const std::string& what) {
    throw CommandError(std::string(called) + " " + what + ": " + signature(function, called));
  };
  std::vector<std::optional<Value>> bound(all.size());
  const std::size_t positional = arguments.size() - keywords.size();
  for (std::size_t i = 0; i < positional; ++i) {
    if (i >= all.size())
      fail("takes " + std::to_string(all.size()) + (all.size() == 1 ? " argument" : " arguments") + ", not " +
           std::to_string(arguments.size()));
    if (!all[i].takes_rest) {
      bound[i] = std::move(arguments[i]);
      continue;
    }
    // reshape(x, 2, 3) is as good as reshape(x, (2, 3)).
    if (i + 1 == positional) {
      bound[i] = std::move(arguments[i]);
    } else {
      const auto first = arguments.begin() + static_cast<std::ptrdiff_t>(i);
      bound[i] = List({first, arguments.begin() + static_cast<std::ptrdiff_t>(positional)}, true);
    }
    break;
  }
  for (std::size_t k = 0; k < keywords.size(); ++k) {
    const auto parameter = std::find_if(all.begin(), all.end(), [&](const Parameter& candidate) {
      return std::find(candidate.names.begin(), candidate.names.end(), keywords[k]) != candidate.names.end();
    });
    if (parameter == all.end()) fail("has no argument '" + std::string(keywords[k]) + "'");
    std::optional<Value>& place = bound[static_cast<std::size_t>(parameter - all.begin())];
    if (place) fail("gets '" + std::string(keywords[k]) + "' twice");
    place = std::move(arguments[positional + k]);
  }
  std::vector<Value> values;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (!bound[i] && !all[i].default_value && all[i].takes_rest) bound[i] = List({}, true);
    if (!bound[i] && !all[i].default_value) fail("needs '" + std::string(all[i].names.front()) + "'");
    values.push_back(bound[i] ? std::move(*bound[i]) : literal(*all[i].default_value));
  }
  return values;
}

std::optional<std::int64_t> whole_number(const Value& value) {
  if (const auto* integer = value.as<std::int64_t>()) return *integer;
  return std::nullopt;
}

Value as_number(const Tensor& scalar) {
  if (scalar.dtype() == DType::boolean) return scalar.item<bool>();
  if (is_integer(scalar.dtype())) return scalar.item<std::int64_t>();
  return scalar.item();
}

}  // namespace

Operand Arguments::operator[](std::size_t i) {
  if (values_[i].is_number()) return number_operand(values_[i]);
  return tensor(i);
}

const Tensor& Arguments::tensor(std::size_t i) {
  if (const auto* tensor = values_[i].as<Tensor>()) return *tensor;
  if (const auto found = converted_.find(i); found != converted_.end()) return found->second;
  if (!values_[i].is_number() && !values_[i].as<List>()) fail(i, "a tensor");
  return converted_.emplace(i, to_tensor(values_[i], {.floats = context_.dtype})).first->second;
}

const Part& Arguments::part(std::size_t i) const {
  const auto* part = values_[i].as<Part>();
  if (!part || part->where.empty()) fail(i, "a part of a tensor, as x.at[0] or x.at[1:3, 0]");
  return *part;
}

std::vector<Tensor> Arguments::tensors(std::size_t i) const {
  if (parameters(function_)[i].takes_rest) {
    if (const auto* one = values_[i].as<Tensor>()) return {*one};
    if (values_[i].is_number()) return {to_tensor(values_[i], {.floats = context_.dtype})};
  }
  const auto* list = values_[i].as<List>();
  if (!list) fail(i, "a list of tensors, as [a, b]");
  std::vector<Tensor> result;
  DType common = DType::boolean;
  for (const Value& item : list->items()) {
    if (!item.as<Tensor>() && !item.is_number() && !item.as<List>())
      throw CommandError(std::string(called_) + ": " + describe(item) +
                         " is among its tensors; give numbers");
    result.push_back(to_tensor(item, {.floats = context_.dtype}));
    common = promote(common, result.back().dtype());
  }
  for (Tensor& tensor : result)
    if (tensor.dtype() != common) tensor = cast(tensor, common);
  return result;
}

std::optional<std::int64_t> Arguments::counted(const Value& value, std::size_t i) const {
  if (const auto integer = whole_number(value)) return integer;
  const auto* tensor = value.as<Tensor>();
  const std::string_view name = parameters(function_)[i].names.front();
  if (!tensor || tensor->rank() != 0 || name == "axis" || name == "axes") return std::nullopt;
  return whole_numbers(*tensor,
                       [&](const std::string& number) {
                         throw CommandError(std::string(called_) + ": " + std::string(name) + " is " +
                                            number + "; it should be a whole number");
                       })
      .item<std::int64_t>();
}

std::int64_t Arguments::integer(std::size_t i) const {
  const auto integer = counted(values_[i], i);
  if (!integer) fail(i, "a whole number");
  return *integer;
}

double Arguments::number(std::size_t i) const {
  if (!values_[i].is_number()) fail(i, "a number");
  return number_operand(values_[i]).as(DType::float64).item();
}

bool Arguments::flag(std::size_t i) const {
  const auto* flag = values_[i].as<bool>();
  if (!flag) fail(i, "True or False");
  return *flag;
}

std::vector<std::int64_t> Arguments::integers(std::size_t i) const {
  if (const auto integer = counted(values_[i], i)) return {*integer};
  if (const auto* tensor = values_[i].as<Tensor>(); tensor && tensor->rank() == 1)
    return whole_numbers(*tensor, [&](const std::string&) { fail(i, "whole numbers"); })
        .to_vector<std::int64_t>();
  std::vector<std::int64_t> result;
  const auto* list = values_[i].as<List>();
  if (!list) fail(i, "a whole number or a tuple of them");
  for (const Value& item : list->items()) {
    const auto integer = counted(item, i);
    if (!integer) fail(i, "a whole number or a tuple of them");
    result.push_back(*integer);
  }
  return result;
}

std::vector<std::int64_t> Arguments::sizes(std::size_t i) const {
  const auto* list = values_[i].as<List>();
  if (values_[i].is_none()) return {-1};
  if (!list) return integers(i);
  std::vector<std::int64_t> result;
  for (const Value& item : list->items()) {
    const auto size = item.is_none() ? std::optional<std::int64_t>(-1) : counted(item, i);
    if (!size) fail(i, "a whole number or None, or a tuple of them");
    result.push_back(*size);
  }
  return result;
}

Axes Arguments::axes(std::size_t i) const {
  if (!given(i)) return {};
  return integers(i);
}

bool Arguments::are_axes_of(std::size_t i, std::size_t rank) const {
  const std::vector<std::string_view> names = parameters(function_)[i].names;
  if (std::ranges::find_first_of(names, keywords_) != names.end()) return true;
  const auto axes = static_cast<std::int64_t>(rank);
  const auto is_axis = [axes](const Value& value) {
    const auto axis = whole_number(value);
    return axis && *axis >= -axes && *axis < axes;
  };
  const auto* list = values_[i].as<List>();
  return list ? std::all_of(list->items().begin(), list->items().end(), is_axis) : is_axis(values_[i]);
}

std::string Arguments::text(std::size_t i) const {
  const auto* tensor = values_[i].as<Tensor>();
  if (tensor && !tensor->name().empty()) return tensor->name();
  if (values_[i].is_number()) return to_string(number_operand(values_[i]).as_tensor());
  return i == 0 ? "a" : "b";
}

Shape Arguments::shape(std::size_t i) const {
  const std::vector<std::int64_t> sizes = integers(i);
  const bool empty = std::find(sizes.begin(), sizes.end(), 0) != sizes.end();
  std::int64_t elements = 1;
  for (const std::int64_t size : sizes) {
    if (size < 0) fail(i, values_[i].is_number() ? "at least 0" : "a shape without negative sizes");
    if (!empty && (__builtin_mul_overflow(elements, size, &elements) || elements > context_.most_elements))
      throw ShapeError(std::string(called_) + ": shape " + to_string(Shape(sizes)) + " has more than " +
                       std::to_string(context_.most_elements) + " elements");
  }
  return Shape(sizes);
}

DType Arguments::dtype(std::size_t i) const {
  const auto* function = values_[i].as<Called>();
  const auto* text = values_[i].as<std::string>();
  const std::string_view name = function ? function->function->name : text ? std::string_view(*text) : "";
  constexpr std::span names(chainrule::detail::dtype_names);
  if (const auto found = std::ranges::find(names, name); found != names.end())
    return static_cast<DType>(found - names.begin());
  fail(i, fmt::format("a dtype: {} or {}", fmt::join(names.first(names.size() - 1), ", "), names.back()));
}

std::string Arguments::word(std::size_t i) const {
  const auto* text = values_[i].as<std::string>();
  if (!text) fail(i, "a word in quotes");
  return *text;
}

Tensor Arguments::places(std::size_t i) {
  return whole_numbers(
      tensor(i), [&](const std::string& number) { fail(i, "whole numbers, and " + number + " is none"); });
}

bool Arguments::all_numbers() const {
  return std::all_of(values_.begin(), values_.end(),
                     [](const Value& value) { return value.is_number() || value.is_none(); });
}

void Arguments::fail(std::size_t i, const std::string& wanted) const {
  throw CommandError(std::string(called_) + ": " + std::string(parameters(function_)[i].names.front()) +
                     " is " + (values_[i].is_number() ? text(i) : describe(values_[i])) + "; it should be " +
                     wanted);
}

void Arguments::refuse(const std::string& message) const { throw CommandError(message); }

std::string signature(const Function& function, std::string_view called) {
  std::string text;
  for (const Parameter& parameter : parameters(function)) {
    text += (text.empty() ? "" : ", ") + std::string(parameter.takes_rest ? "*" : "") +
            std::string(parameter.names.front());
    if (parameter.default_value) text += "=" + std::string(*parameter.default_value);
  }
  return std::string(called) + "(" + text + ")";
}

namespace {

/// The message of an error as of what the expression calls, which may be made of other operations, or be
/// another name for one.
std::string as_called(const std::exception& error, std::string_view called) {
  std::string message(without_place(error));
  const std::size_t end = message.find(": ");
  if (end == std::string::npos) return message;
  const std::string_view first = std::string_view(message).substr(0, end);
  if (first == "too large" || first == "out of memory" || first.starts_with("shape ("))
    return std::string(called) + ": " + message;
  if (first != called && registry::find(first) != nullptr) message.replace(0, end, called);
  return message;
}

registry::Result result_of(const Function& function, Arguments& arguments) {
  const std::string_view called = arguments.called();
  try {
    return function.call(arguments);
  } catch (const ParseError&) {  // of the expression, as written
    throw;
  } catch (const ShapeError& error) {
    throw ShapeError(as_called(error, called));
  } catch (const DTypeError& error) {
    throw DTypeError(as_called(error, called));
  } catch (const GradError& error) {
    throw GradError(as_called(error, called));
  } catch (const LinAlgError& error) {
    throw LinAlgError(as_called(error, called));
  } catch (const MemoryError& error) {
    throw MemoryError(as_called(error, called));
  } catch (const std::invalid_argument& error) {
    throw std::invalid_argument(as_called(error, called));
  }
}

}  // namespace

Value call(const Function& function, std::string_view called, std::vector<Value> arguments,
           std::span<const std::string_view> keywords, Context& context) {
  Arguments bound(function, called, bind(function, called, std::move(arguments), keywords), keywords,
                  context);
  const bool weak = function.weak && bound.all_numbers();
  registry::Result result = result_of(function, bound);
  if (auto* several = std::get_if<std::vector<Tensor>>(&result))
    return List({several->begin(), several->end()}, true);
  auto& one = std::get<Tensor>(result);
  if (weak && one.rank() == 0) return as_number(one);
  return std::move(one);
}

}  // namespace chainrule::cli
