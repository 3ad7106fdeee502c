// What eval, graph and walk are told, and the expression computed by it: once as it stands, and as a function
// of its names.

#include "session.h"

#include <algorithm>
#include <set>
#include <sstream>

#include "command.h"
#include "evaluate.h"
#include "options.h"
#include "text.h"
#include "values.h"

namespace chainrule::cli {
namespace {

/// "x, y" as names, each once.
std::vector<std::string> split(const std::string& names) {
  std::vector<std::string> result;
  std::istringstream in(names);
  for (std::string name; std::getline(in, name, ',');) {
    name.erase(0, name.find_first_not_of(' '));
    name.erase(name.find_last_not_of(' ') + 1);
    if (std::find(result.begin(), result.end(), name) == result.end()) result.push_back(name);
  }
  return result;
}

/// The names to differentiate with respect to, checked.
std::vector<std::string> wanted_names(const std::vector<Given>& values, const std::string& wrt) {
  std::vector<std::string> names = split(wrt);
  for (const std::string& name : names) {
    const auto given =
        std::find_if(values.begin(), values.end(), [&](const Given& v) { return v.name == name; });
    if (given == values.end())
      throw CommandError("--wrt: '" + printable(name) + "' is not among the values given");
    if (!is_floating(given->tensor.dtype()))
      throw CommandError("--wrt: '" + name + "' is " + std::string(to_string(given->tensor.dtype())) +
                         ", which has no gradient");
  }
  if (wrt.empty())
    for (const Given& given : values)
      if (is_floating(given.tensor.dtype())) names.push_back(given.name);
  return names;
}

std::string free_name(const Program& program, const Variables& variables) {
  std::set<std::string_view> taken;
  for (const auto& [name, value] : variables) taken.insert(name);
  for (const Instruction& instruction : program.instructions())
    if (instruction.code == Code::assign) taken.insert(instruction.text);
  for (const std::string_view name : {"L", "loss", "result", "output"})
    if (!taken.contains(name)) return std::string(name);
  std::string name = "L";
  while (taken.contains(name)) name += '_';
  return name;
}

/// Several results, as of sort(x): a tuple with tensors in it.
bool is_several(const List& list) {
  return list.is_tuple && std::any_of(list.items().begin(), list.items().end(),
                                      [](const Value& item) { return item.as<Tensor>() != nullptr; });
}

/// The only result; CommandError where there are several.
Tensor one_result(const Value& value, const Context& context) {
  if (value.is_number() && !value.as<bool>())  // numbers alone are computed in the default dtype
    return number_operand(value).as(context.dtype);
  if (const auto* tuple = value.as<List>(); tuple && is_several(*tuple))
    throw CommandError("there are " + std::to_string(tuple->items().size()) +
                       " results; choose one, as (...)[0]");
  return to_tensor(value, {.floats = context.dtype});
}

Context context_of(const Request& request) {
  return {.dtype = request.dtype == "float32" ? DType::float32 : DType::float64,
          .random = Generator(request.seed),
          .most_elements = request.most_elements};
}

}  // namespace

void Request::add_to(CLI::App& command) {
  command.add_option("EXPR", expression, "What to compute, in the syntax of Python")->required();
  command.add_option("VALUES", values,
                     "NAME=VALUE for each name in it: a number, nested lists, @file.npy,\n"
                     "@file.csv, or what functions give, as randn(3,4)");
  command.add_option("--wrt", wrt, "Differentiate with respect to these names only")->type_name("NAME,...");
  command.add_option("--dtype", dtype, "Precision of the values: float32 or float64")
      ->check(CLI::IsMember({"float32", "float64"}))
      ->type_name("DTYPE")
      ->capture_default_str();
  add_seed(command, seed, "Of the random numbers");
}

Computed compute(const Request& request) {
  Context context = context_of(request);
  const Program program(request.expression);
  const std::vector<Given> values = read_values(request.values, context);
  const std::vector<std::string> wrt = wanted_names(values, request.wrt);
  Variables variables;
  for (const Given& given : values) variables[given.name] = given.tensor.detach().named(given.name);
  Computed computed;
  for (const std::string& name : wrt) {
    computed.wrt.push_back(variable(*variables[name].as<Tensor>(), name));
    variables[name] = computed.wrt.back();
  }

  const Value value = evaluate(program, variables, context);
  if (const auto* tuple = value.as<List>(); tuple && is_several(*tuple))
    for (const Value& item : tuple->items())
      computed.several.push_back(to_tensor(item, {.floats = context.dtype}));
  else
    computed.output = one_result(value, context);
  if (!computed.several.empty()) computed.output = computed.several.front();
  if (computed.output.name().empty()) computed.output = computed.output.named(free_name(program, variables));
  return computed;
}

Computed compute_one(const Request& request) {
  Computed computed = compute(request);
  if (!computed.several.empty())
    throw CommandError("there are " + std::to_string(computed.several.size()) +
                       " results; choose one, as (...)[0]");
  return computed;
}

struct ExpressionFunction::Parts {
  Context context;
  Program program;
  Variables constants;
  std::vector<std::string> names;
  std::vector<Tensor> values;

  explicit Parts(const Request& request) : context(context_of(request)), program(request.expression) {
    const std::vector<Given> given = read_values(request.values, context);
    names = wanted_names(given, request.wrt);
    for (const Given& each : given) constants[each.name] = each.tensor;
    for (const std::string& name : names) values.push_back(*constants[name].as<Tensor>());
  }
};

ExpressionFunction::ExpressionFunction(const Request& request)
    : parts_(std::make_shared<const Parts>(request)) {}

Tensor ExpressionFunction::operator()(const std::vector<Tensor>& values) const {
  Context context = parts_->context;
  Variables variables = parts_->constants;
  for (std::size_t i = 0; i < values.size(); ++i) variables[parts_->names[i]] = values[i];
  return one_result(evaluate(parts_->program, variables, context), context);
}

const std::vector<std::string>& ExpressionFunction::names() const { return parts_->names; }
const std::vector<Tensor>& ExpressionFunction::values() const { return parts_->values; }

std::vector<Tensor> ExpressionFunction::read(const std::string& option,
                                             const std::vector<std::string>& given) const {
  std::vector<Tensor> found(names().size());
  Context context = parts_->context;
  for (const Given& each : read_values(given, context)) {
    const auto name = std::find(names().begin(), names().end(), each.name);
    if (name == names().end())
      throw CommandError(option + ": '" + printable(each.name) +
                         "' is not among the values to differentiate with respect to");
    const auto i = static_cast<std::size_t>(name - names().begin());
    if (each.tensor.shape() != values()[i].shape())
      throw CommandError(option + ": " + each.name + " has shape " + to_string(each.tensor.shape()) +
                         ", its value " + to_string(values()[i].shape()) + "; they must be equal");
    found[i] = cast(each.tensor, values()[i].dtype()).detach();
  }
  return found;
}

std::vector<Tensor> ExpressionFunction::direction(const std::string& asked_by, const std::string& option,
                                                  const std::vector<std::string>& given) const {
  if (!given.empty()) return read(option, given);
  if (values().size() != 1 || values().front().size() != 1)
    throw CommandError(asked_by + ": along which direction? Give " + option +
                       " NAME=VALUE, or --wrt NAME of a single number");
  return {ones_like(values().front())};
}

std::string not_a_scalar(const Computed& computed) {
  if (!computed.several.empty())
    return "there are " + std::to_string(computed.several.size()) +
           " results; only a scalar has gradients, so choose one, as (...)[0], and reduce it";
  if (computed.output.size() == 1) return "";
  return "the result has shape " + to_string(computed.output.shape()) +
         "; only a scalar has gradients, so reduce it, with sum(...) or mean(...)";
}

Gradients gradients(const Computed& computed, bool all_nodes) {
  if (!computed.several.empty() || computed.output.size() != 1 || !computed.output.requires_grad()) return {};
  return chainrule::gradients(computed.output, computed.wrt,
                              {.seed = ones_like(computed.output), .all_nodes = all_nodes});
}

Tensor gradient(const Gradients& gradients, const Tensor& variable) {
  return gradients.contains(variable) ? gradients.at(variable) : zeros_like(variable);
}

}  // namespace chainrule::cli
