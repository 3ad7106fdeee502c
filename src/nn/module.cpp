// What follows from the names of the members of a module: lists, states, copies, modes.

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

void load_state_dict(const ModuleRef& module, const NamedTensors& state) {
  const std::vector<State::Entry> entries = visited<State>(module).entries;
  std::string problems, twice, unknown, missing, misshapen;
  const auto list = [](std::string& to, const std::string& what) { to += (to.empty() ? "" : ", ") + what; };
  std::map<std::string_view, const Tensor*> given;
  for (const auto& [name, tensor] : state)
    if (!given.emplace(name, &tensor).second) list(twice, name);
  std::vector<const Tensor*> values;
  for (const State::Entry& entry : entries) {
    const auto found = given.find(entry.name);
    if (found == given.end()) {
      list(missing, entry.name);
      continue;
    }
    const Shape& shape = entry.value().shape();
    if (found->second->shape() != shape)
      list(misshapen, entry.name + " " + to_string(found->second->shape()) + " for " + to_string(shape));
    values.push_back(found->second);
  }
  std::set<std::string_view> known;
  for (const State::Entry& entry : entries) known.insert(entry.name);
  for (const auto& [name, tensor] : state)
    if (!known.contains(name)) list(unknown, name);
  for (const auto& [what, names] : {std::pair<const char*, const std::string&>("missing", missing),
                                    {"unknown", unknown},
                                    {"there twice", twice},
                                    {"of another shape", misshapen}})
    if (!names.empty()) problems += (problems.empty() ? "" : "; ") + std::string(what) + ": " + names;
  if (!problems.empty())
    throw ShapeError("load_state_dict: the state does not fit the module: " + problems +
                     "; give one of a module with the same members, as state_dict() lists them");
  for (std::size_t i = 0; i < entries.size(); ++i)
    entries[i].assign(cast(values[i]->detach(), entries[i].value().dtype()));
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
