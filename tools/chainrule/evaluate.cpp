// Runs the program that an expression has become: names, operators and calls of operations, with errors
// that carry a caret below their place.

#include "evaluate.h"

#include <algorithm>
#include <array>
#include <limits>
#include <numbers>

#include "chainrule/linalg.h"
#include "chainrule/memory.h"
#include "command.h"
#include "indexing.h"
#include "text.h"

namespace chainrule::cli {
namespace {

/// What functions may be pasted with: np.exp, torch.nn.functional.relu.
constexpr std::array<std::string_view, 12> modules = {
    "np", "numpy", "jnp", "jax", "torch", "F", "nn", "math", "functional", "linalg", "special", "lax"};
bool is_module(std::string_view name) {
  return std::find(modules.begin(), modules.end(), name) != modules.end();
}

std::optional<Value> constant(std::string_view name) {
  if (name == "True" || name == "False") return name == "True";
  if (name == "None") return None{};
  if (name == "pi") return std::numbers::pi;
  if (name == "e") return std::numbers::e;
  if (name == "inf") return std::numeric_limits<double>::infinity();
  if (name == "nan") return std::numeric_limits<double>::quiet_NaN();
  return std::nullopt;
}

std::string did_you_mean(std::string_view name, std::span<const std::string_view> candidates) {
  const std::string_view close = nearest(name, candidates);
  return close.empty() ? "" : "; did you mean '" + std::string(close) + "'?";
}

std::optional<Called> find_called(std::string_view name) {
  const Function* function = registry::find(name);
  if (function == nullptr) return std::nullopt;
  if (function->name == name) return Called{function, function->name};
  return Called{function, function->aliases.substr(function->aliases.find(name), name.size())};
}

std::string quoted(std::string_view name) { return "'" + printable(name) + "'"; }

/// A name that is no function's, nor near to one: the message goes on with a list of all.
struct UnknownFunction : CommandError {
  explicit UnknownFunction(std::string_view name)
      : CommandError("no function " + quoted(name) + "; the functions are listed below") {}
};

/// "x₂" for the second value that is called x, so that drawings tell them apart.
std::string numbered(const std::string& name, std::size_t count) {
  if (count == 1) return name;
  std::string result = name;
  for (const char digit : std::to_string(count)) {
    result += "\xE2\x82";  // U+2080 is subscript zero
    result += static_cast<char>(0x80 + digit - '0');
  }
  return result;
}

class Machine {
 public:
  Machine(const Program& program, Variables variables, Context& context)
      : program_(program),
        variables_(std::move(variables)),
        context_(context),
        most_elements_(context.most_elements) {
    for (const auto& [name, value] : variables_) {
      times_assigned_[name] = 1;
      if (const auto* tensor = value.as<Tensor>()) most_elements_ = std::max(most_elements_, tensor->size());
    }
  }

  Value run() {
    // What an operation makes on its way may be larger than its result.
    const TensorLimit limit(static_cast<std::size_t>(most_elements_) * 8 * sizeof(double));
    for (const Instruction& instruction : program_.instructions()) {
      // Every kind of error keeps its type and gains a pointer to its place.
      try {
        step(instruction);
        check_size();
      } catch (const UnknownFunction& error) {
        throw CommandError(error.what() + pointer(instruction) + "\nFunctions:\n" + function_list());
      } catch (const CommandError& error) {
        throw CommandError(error.what() + pointer(instruction));
      } catch (const ShapeError& error) {
        throw ShapeError(std::string(without_place(error)) + pointer(instruction));
      } catch (const MemoryError& error) {
        throw std::runtime_error(std::string(without_place(error)) + pointer(instruction));
      } catch (const DTypeError& error) {
        throw DTypeError(std::string(without_place(error)) + pointer(instruction));
      } catch (const LinAlgError& error) {
        throw LinAlgError(std::string(without_place(error)) + pointer(instruction));
      } catch (const GradError& error) {
        throw GradError(std::string(without_place(error)) + pointer(instruction));
      } catch (const std::invalid_argument& error) {
        throw std::invalid_argument(std::string(without_place(error)) + pointer(instruction));
      }
    }
    return pop();
  }

 private:
  /// Of what the last step has made: what doubles again and again is to end early.
  void check_size() const {
    const auto* tensor = stack_.empty() ? nullptr : stack_.back().as<Tensor>();
    if (tensor && tensor->size() > most_elements_)
      throw ShapeError("a result of shape " + to_string(tensor->shape()) + " has more than " +
                       std::to_string(most_elements_) + " elements");
  }

  std::string pointer(const Instruction& instruction) const {
    return pointer_to(program_.source(), instruction.offset);
  }

  template <class T>
  void push(T&& value) {
    stack_.emplace_back(std::forward<T>(value));
  }
  Value pop() {
    Value value = std::move(stack_.back());
    stack_.pop_back();
    return value;
  }
  std::vector<Value> pop(std::size_t count) {
    const auto first = stack_.end() - static_cast<std::ptrdiff_t>(count);
    std::vector<Value> values(std::make_move_iterator(first), std::make_move_iterator(stack_.end()));
    stack_.erase(first, stack_.end());
    return values;
  }
  Tensor as_tensor(const Value& value) const { return to_tensor(value, {.floats = context_.dtype}); }

  void step(const Instruction& at) {
    switch (at.code) {
      case Code::number: return push(parse_number(at.text));
      case Code::string: return push(std::string(at.text));
      case Code::name: return push(look_up(at));
      case Code::absent: return push(None{});
      case Code::ellipsis: return push(Ellipsis{});
      case Code::negate: return negate();
      case Code::invert: return invert();
      case Code::binary: return binary(at.text);
      case Code::list: return push(List(pop(at.count)));
      case Code::tuple: return push(List(pop(at.count), true));
      case Code::slice: return slice();
      case Code::index: return index(at.count);
      case Code::attribute: return attribute(at.text);
      case Code::call: return call_function(at);
      case Code::method: return call_method(at);
      case Code::unpack: return unpack(at.count);
      case Code::assign: return assign(std::string(at.text));
      case Code::discard: return stack_.pop_back();
    }
  }

  Value look_up(const Instruction& at) const {
    const std::string_view name = at.text;
    if (const auto found = variables_.find(name); found != variables_.end()) return found->second;
    if (const auto value = constant(name)) return *value;
    if (is_module(name)) return Module{};
    if (const auto function = find_called(name)) return *function;
    fail_unknown(at);
  }

  [[noreturn]] void fail_unknown(const Instruction& at) const {
    const std::string_view name = at.text;
    std::vector<std::string_view> candidates = registry::names();
    std::string known;
    for (const auto& [variable, value] : variables_) {
      candidates.push_back(variable);
      known += (known.empty() ? "" : ", ") + variable;
    }
    const std::string remedy = did_you_mean(name, candidates);
    const auto calls_it = [&](const Instruction& call) {
      return call.code == Code::call && call.offset == at.offset;
    };
    const std::vector<Instruction>& all = program_.instructions();
    if (remedy.empty() && std::any_of(all.begin(), all.end(), calls_it)) throw UnknownFunction(name);
    throw CommandError("unknown name " + quoted(name) +
                       (!remedy.empty() ? remedy
                        : known.empty() ? "; give it a value, as " + printable(name) + "=2"
                                        : "; the known ones are " + printable(known, 200)));
  }

  void negate() {
    const Value value = pop();
    if (const auto* number = value.as<double>()) return push(-*number);  // 0 - 0.0 would lose the sign
    if (value.is_number()) return push(calculate("-", std::int64_t{0}, value));
    push(neg(as_tensor(value)));
  }

  void invert() {
    const Value value = pop();
    if (const auto* boolean = value.as<bool>()) return push(!*boolean);
    if (value.is_number()) throw CommandError("~ is for bool, as ~(x > 0)");
    push(~as_tensor(value));
  }

  void binary(std::string_view sign) {
    const Value b = pop(), a = pop();
    if (a.is_number() && b.is_number() && sign != "@") return push(calculate(sign, a, b));
    for (const Value* side : {&a, &b})
      if (side->as<Called>())
        throw CommandError(describe(*side) + " is not called; write its arguments after it");
    const Tensor left = a.is_number() ? Tensor() : as_tensor(a),
                 right = b.is_number() ? Tensor() : as_tensor(b);
    push(apply(sign, a.is_number() ? number_operand(a) : Operand(left),
               b.is_number() ? number_operand(b) : Operand(right)));
  }

  std::optional<std::int64_t> bound() {
    const Value value = pop();
    if (value.is_none()) return std::nullopt;
    if (const auto* integer = value.as<std::int64_t>()) return *integer;
    throw CommandError(describe(value) + " is no bound of a slice, which are whole numbers");
  }
  void slice() {
    const auto step = bound(), stop = bound(), start = bound();
    push(Slice{start, stop, step.value_or(1)});
  }

  void index(std::size_t count) {
    const std::vector<Value> places = pop(count);
    const Value object = pop();
    if (const auto* part = object.as<Part>(); part && part->where.empty())
      return push(Part{part->whole, basic_index(places)});
    if (const auto* list = object.as<List>(); list && places.size() == 1 && places[0].as<std::int64_t>())
      return push(element(*list, *places[0].as<std::int64_t>()));
    if (object.is_number()) throw CommandError("a number has no elements");
    push(cli::index(as_tensor(object), places));
  }

  static Value element(const List& list, std::int64_t position) {
    const auto size = static_cast<std::int64_t>(list.items().size());
    if (position < -size || position >= size)
      throw ShapeError("index: position " + std::to_string(position) + " is outside a list of " +
                       std::to_string(size));
    return list.items()[static_cast<std::size_t>(position < 0 ? position + size : position)];
  }

  void attribute(std::string_view name) {
    const Value object = pop();
    if (object.as<Module>()) return push(member(name));
    const Tensor tensor = as_tensor(object);
    if (name == "T") return push(transpose(tensor));
    if (name == "mT") return push(swapaxes(tensor, -2, -1));
    if (name == "at") return push(Part{tensor});
    if (name == "ndim") return push(static_cast<std::int64_t>(tensor.rank()));
    if (name == "shape") {
      std::vector<Value> sizes;
      for (const std::int64_t size : tensor.shape()) sizes.emplace_back(size);
      return push(List(std::move(sizes), true));
    }
    if (find_called(name))
      throw CommandError("the function " + std::string(name) +
                         " is not called; write its arguments after it");
    throw CommandError("no attribute " + quoted(name) +
                       "; there are T, mT, shape, ndim and at, and functions as x.sum()");
  }

  static Value member(std::string_view name) {
    if (const auto value = constant(name)) return *value;
    if (name == "newaxis") return None{};
    if (is_module(name)) return Module{};
    return find_known(name);
  }

  static Called find_known(std::string_view name) {
    if (const auto function = find_called(name)) return *function;
    const std::vector<std::string_view> names = registry::names();
    const std::string remedy = did_you_mean(name, names);
    if (remedy.empty()) throw UnknownFunction(name);
    throw CommandError("no function " + quoted(name) + remedy);
  }

  void call_function(const Instruction& at) {
    std::vector<Value> arguments = pop(at.count);
    const Value callee = pop();
    const auto* function = callee.as<Called>();
    if (!function) throw CommandError(describe(callee) + " cannot be called; a product is written with *");
    push(call(*function->function, function->name, std::move(arguments), at.keywords, context_));
  }

  void call_method(const Instruction& at) {
    std::vector<Value> arguments = pop(at.count);
    Value object = pop();
    const Called function = find_known(at.text);
    if (!object.as<Module>()) arguments.insert(arguments.begin(), std::move(object));
    push(call(*function.function, function.name, std::move(arguments), at.keywords, context_));
  }

  void unpack(std::size_t count) {
    const auto* list = stack_.back().as<List>();
    std::vector<Value> items;
    if (list) {
      items = list->items();
    } else if (const auto* tensor = stack_.back().as<Tensor>(); tensor && tensor->rank() > 0) {
      for (std::int64_t i = 0; i < tensor->shape()[0] && items.size() <= count; ++i)
        items.emplace_back((*tensor)[i]);
    } else {
      throw CommandError(describe(stack_.back()) + " is one value, not " + std::to_string(count));
    }
    if (items.size() != count)
      throw CommandError("there are " + std::to_string(count) + " names for " +
                         (items.size() > count && !list ? "more" : std::to_string(items.size())) + " values");
    stack_.insert(stack_.end(), items.rbegin(), items.rend());
  }

  void assign(const std::string& name) {
    if (stack_.back().as<Called>() || stack_.back().as<Module>())
      throw CommandError(describe(stack_.back()) + " is not a value");
    const std::size_t count = ++times_assigned_[name];
    if (const auto* tensor = stack_.back().as<Tensor>(); tensor && tensor->name().empty())
      stack_.back() = tensor->named(numbered(name, count));
    variables_[name] = stack_.back();
  }

  const Program& program_;
  Variables variables_;
  Context& context_;
  std::vector<Value> stack_;
  std::map<std::string, std::size_t> times_assigned_;
  std::int64_t most_elements_;
};

}  // namespace

Value evaluate(const Program& program, Variables variables, Context& context) {
  return Machine(program, std::move(variables), context).run();
}

}  // namespace chainrule::cli
