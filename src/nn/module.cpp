// What follows from the names of the members of a module: lists, states, copies, modes. Relies on visits of
// members in their order (detail/structure.h); a parameter in two places is one.

#include "chainrule/nn/module.h"

#include <map>
#include <set>

#include "chainrule/ops.h"

namespace chainrule {
namespace {

using detail::ModuleVisitor;
using detail::Place;

struct Parameters final : ModuleVisitor {
  NamedParameters found;
  std::set<const void*> seen;
  void parameter(Parameter& parameter, const Place& place) override {
    if (seen.insert(parameter.slot()).second) found.emplace_back(place.path(), parameter);
  }
};

struct Buffers final : ModuleVisitor {
  NamedBuffers found;
  std::set<const void*> seen;
  void buffer(Buffer& buffer, const Place& place) override {
    if (seen.insert(buffer.slot()).second) found.emplace_back(place.path(), buffer);
  }
};

/// Everything that is in a state, in order.
struct State final : ModuleVisitor {
  struct Entry {
    std::string name;
    std::optional<Parameter> parameter;
    std::optional<Buffer> buffer;
    const Tensor& value() const { return parameter ? parameter->leaf() : buffer->value(); }
    void assign(const Tensor& value) const { parameter ? parameter->assign(value) : buffer->assign(value); }
  };
  std::vector<Entry> entries;
  void parameter(Parameter& parameter, const Place& place) override {
    entries.push_back({place.path(), parameter, {}});
  }
  void buffer(Buffer& buffer, const Place& place) override {
    if (buffer.is_persistent()) entries.push_back({place.path(), {}, buffer});
  }
};

template <class Visitor>
Visitor visited(const ModuleRef& module) {
  Visitor visitor;
  module.visit(visitor);
  return visitor;
}

/// Gives slots of their own, one for each that there was.
class Renewal final : public ModuleVisitor {
 public:
  explicit Renewal(std::optional<DType> dtype) : dtype_(dtype) {}
  void parameter(Parameter& parameter, const Place&) override {
    const auto [place, is_new] = parameters_.try_emplace(parameter.slot(), parameter);
    if (is_new) place->second = Parameter(converted(parameter.leaf().detach()), parameter.name());
    parameter = place->second;
  }
  void buffer(Buffer& buffer, const Place&) override {
    const auto [place, is_new] = buffers_.try_emplace(buffer.slot(), buffer);
    if (is_new) place->second = Buffer(converted(buffer.value()), buffer.is_persistent());
    buffer = place->second;
  }
  void tensor(Tensor& tensor, const Place&) override {
    if (!tensor.is_empty()) tensor = converted(tensor);
  }

 private:
  Tensor converted(const Tensor& value) const {
    return dtype_ && is_floating(value.dtype()) ? cast(value, *dtype_) : value;
  }
  std::optional<DType> dtype_;
  std::map<const void*, Parameter> parameters_;
  std::map<const void*, Buffer> buffers_;
};

struct Training final : ModuleVisitor {
  bool on;
  explicit Training(bool given) : on(given) {}
  void enter(const detail::ModuleInfo& info, const Place&) override {
    if (info.training != nullptr) *info.training = on;
  }
};

}  // namespace

std::vector<Parameter> parameters(const ModuleRef& module) {
  std::vector<Parameter> all;
  for (auto& [name, parameter] : visited<Parameters>(module).found) all.push_back(std::move(parameter));
  return all;
}

NamedParameters named_parameters(const ModuleRef& module) { return visited<Parameters>(module).found; }
NamedBuffers named_buffers(const ModuleRef& module) { return visited<Buffers>(module).found; }

std::int64_t count_parameters(const ModuleRef& module) {
  std::int64_t count = 0;
  for (const auto& [name, parameter] : named_parameters(module)) count += parameter.leaf().size();
  return count;
}

void name_parameters(const ModuleRef& module, const std::string& prefix) {
  for (const auto& [name, parameter] : named_parameters(module)) {
    std::string full = prefix;
    if (!prefix.empty() && !name.empty()) full += '.';
    parameter.rename(full += name);
  }
}

NamedTensors state_dict(const ModuleRef& module) {
  NamedTensors state;
  for (const auto& entry : visited<State>(module).entries)
    state.emplace_back(entry.name, entry.value().detach());
  return state;
}

StateDifferences load_state_dict(const ModuleRef& module, const NamedTensors& state,
                                 const LoadOptions& options) {
  const std::vector<State::Entry> entries = visited<State>(module).entries;
  StateDifferences differences;
  std::vector<std::string> twice, misshapen;
  std::map<std::string_view, const Tensor*> given;
  for (const auto& [name, tensor] : state)
    if (!given.emplace(name, &tensor).second) twice.push_back(name);
  std::vector<std::pair<const State::Entry*, const Tensor*>> found;
  std::set<std::string_view> known;
  for (const State::Entry& entry : entries) {
    known.insert(entry.name);
    const auto place = given.find(entry.name);
    if (place == given.end()) {
      differences.missing.push_back(entry.name);
      continue;
    }
    const Shape &shape = entry.value().shape(), &other = place->second->shape();
    if (other != shape) misshapen.push_back(entry.name + " " + to_string(other) + " for " + to_string(shape));
    found.emplace_back(&entry, place->second);
  }
  for (const auto& [name, tensor] : state)
    if (!known.contains(name)) differences.unknown.push_back(name);
  std::string problems;
  const auto list = [&](const char* what, const std::vector<std::string>& names) {
    for (std::size_t i = 0; i < names.size(); ++i)
      problems += (i > 0 ? ", " : (problems.empty() ? "" : "; ") + std::string(what) + ": ") + names[i];
  };
  if (options.strict) {
    list("missing", differences.missing);
    list("unknown", differences.unknown);
  }
  list("there twice", twice);
  list("of another shape", misshapen);
  if (!problems.empty())
    throw ShapeError("load_state_dict: the state does not fit the module: " + problems +
                     "; give one of a module with the same members, as state_dict() lists them" +
                     (options.strict && twice.empty() && misshapen.empty() ? ", or {.strict = false}" : ""));
  for (const auto& [entry, value] : found) entry->assign(cast(value->detach(), entry->value().dtype()));
  return differences;
}

namespace detail {

void renew(const ModuleRef& module, std::optional<DType> dtype) {
  if (dtype && (!is_floating(*dtype) || is_only_stored(*dtype)))
    throw DTypeError("to: parameters cannot be " + std::string(to_string(*dtype)) +
                     "; a module is float32 or float64");
  Renewal renewal(dtype);
  module.visit(renewal);
}

void set_training(const ModuleRef& module, bool on) {
  Training training(on);
  module.visit(training);
}

}  // namespace detail
}  // namespace chainrule
