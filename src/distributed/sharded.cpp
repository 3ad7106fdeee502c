// Parameters in a row for each dtype, of which each rank steps its share. Each part of a tensor is a
// parameter of its own to the optimiser; after a step the parts of all ranks are put together.

#include "chainrule/distributed/sharded.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <set>

#include "array/array.h"
#include "chainrule/autograd.h"
#include "chainrule/ops.h"
#include "distributed/collectives.h"
#include "distributed/summation.h"
#include "optim/unique_names.h"

namespace chainrule::distributed {
namespace {

/// Splits "layer.weight.first_moment" behind the name of the parameter.
std::pair<std::string, std::string> split_name(const std::string& name) {
  const auto dot = name.rfind('.');
  return dot == std::string::npos ? std::pair{std::string(), name}
                                  : std::pair{name.substr(0, dot), name.substr(dot + 1)};
}

std::vector<Parameter> each_once(const std::vector<Parameter>& parameters) {
  std::vector<Parameter> once;
  std::set<const void*> seen;
  for (const Parameter& each : parameters)
    if (seen.insert(each.slot()).second) once.push_back(each);
  return once;
}

}  // namespace

ShardedOptimizer::ShardedOptimizer(const World& world, const std::vector<Parameter>& parameters)
    : world_(world), parameters_(each_once(parameters)), names_(optim::unique_names(parameters_)) {
  if (parameters_.empty()) throw std::invalid_argument("Sharded: there are no parameters");
  for (std::size_t i = 0; i < parameters_.size(); ++i)
    world.transport()->agree(call_on("Sharded with '" + names_[i] + "'", parameters_[i].leaf()));
  share_out(DType::float32);
  share_out(DType::float64);
}

ShardedOptimizer::~ShardedOptimizer() = default;

void ShardedOptimizer::share_out(DType dtype) {
  std::int64_t all = 0, before = 0;
  for (const Parameter& each : parameters_)
    if (each.dtype() == dtype) all += each.leaf().size();
  const std::int64_t from = share_begin(all, world_.size(), world_.rank());
  const std::int64_t to = share_begin(all, world_.size(), world_.rank() + 1);
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    const Tensor& leaf = parameters_[i].leaf();
    if (leaf.dtype() != dtype) continue;
    const std::int64_t begin = std::clamp(from - before, std::int64_t{0}, leaf.size());
    const std::int64_t end = std::clamp(to - before, std::int64_t{0}, leaf.size());
    before += leaf.size();
    if (begin == end) continue;
    Part part{i, begin, end, Parameter(zeros({}, dtype), names_[i])};
    part.own = Parameter(cut(part, leaf), names_[i]);
    parts_.push_back(std::move(part));
  }
}

/// A scalar stays one, so that nothing that an optimiser keeps of it could be mistaken for a number.
Tensor ShardedOptimizer::cut(const Part& part, const Tensor& whole) const {
  const NoGrad off;
  const Tensor plain = whole.detach();
  return plain.rank() == 0 ? plain : reshape(plain, {-1})[{Slice{part.begin, part.end}}];
}

std::vector<Parameter> ShardedOptimizer::parts() const {
  std::vector<Parameter> all;
  for (const Part& part : parts_) all.push_back(part.own);
  // More ranks than numbers: an optimiser takes one parameter at least.
  if (all.empty()) all.emplace_back(zeros({0}, parameters_[0].dtype()), "nothing");
  return all;
}

std::int64_t ShardedOptimizer::part() const {
  std::int64_t count = 0;
  for (const Part& part : parts_) count += part.end - part.begin;
  return count;
}

void ShardedOptimizer::zero_grad() const {
  for (const Parameter& each : parameters_) each.zero_grad();
}

void ShardedOptimizer::step() {
  world_.transport()->agree({.operation = "Sharded::step"});
  for (const Part& part : parts_) {
    const Parameter& whole = parameters_[part.parameter];
    part.own.assign(cut(part, whole.leaf()));  // whoever has changed it since
    part.own.leaf().backward(cut(part, whole.grad()));
  }
  if (!parts_.empty()) local_->step();
  give_all(DType::float32);
  give_all(DType::float64);
}

void ShardedOptimizer::give_all(DType dtype) const {
  std::int64_t all = 0;
  for (const Parameter& each : parameters_)
    if (each.dtype() == dtype) all += each.leaf().size();
  const std::size_t item = item_size(dtype);
  const std::unique_ptr<std::byte[]> row(new std::byte[static_cast<std::size_t>(all) * item]);
  std::byte* mine =
      row.get() + static_cast<std::size_t>(share_begin(all, world_.size(), world_.rank())) * item;
  for (const Part& part : parts_) {
    if (part.own.dtype() != dtype) continue;
    const std::size_t bytes = static_cast<std::size_t>(part.end - part.begin) * item;
    std::memcpy(mine, elements_of(part.own.leaf()), bytes);
    mine += bytes;
  }
  gather_shares(*world_.transport(), dtype, row.get(), all);
  const std::byte* next = row.get();
  for (const Parameter& each : parameters_) {
    if (each.dtype() != dtype) continue;
    const Shape shape = each.shape();
    each.assign(from_memory(next, dtype, shape));
    next += static_cast<std::size_t>(shape.size()) * item;
  }
}

const ShardedOptimizer::Part* ShardedOptimizer::part_of(const std::string& name) const {
  const auto found =
      std::ranges::find_if(parts_, [&](const Part& each) { return names_[each.parameter] == name; });
  return found == parts_.end() ? nullptr : &*found;
}

// What has one axis is the part of something of the parameter's shape; all else is the same on all ranks that
// have it.
NamedTensors ShardedOptimizer::state() const {
  const NoGrad off;
  std::vector<std::string> order;
  std::map<std::string, std::vector<Tensor>> pieces;
  const NamedTensors mine = parts_.empty() ? NamedTensors() : local_->state();
  for (int r = 0; r < world_.size(); ++r)
    for (const auto& [name, value] : world_.broadcast_state(mine, r)) {
      std::vector<Tensor>& those = pieces[name];
      if (those.empty()) order.push_back(name);
      if (those.empty() || value.rank() == 1) those.push_back(value);
    }
  NamedTensors all;
  for (const std::string& name : order) {
    const auto known = std::ranges::find(names_, split_name(name).first);
    const std::vector<Tensor>& those = pieces[name];
    if (known == names_.end() || those[0].rank() == 0)
      all.emplace_back(name, those[0]);
    else
      all.emplace_back(name, reshape(concatenate(those), parameters_[known - names_.begin()].shape()));
  }
  // As the optimiser has them that steps all: by parameter, and what belongs to groups in its place.
  std::ranges::stable_sort(all, {}, [&](const auto& each) {
    return std::ranges::find(names_, split_name(each.first).first) - names_.begin();
  });
  return all;
}

void ShardedOptimizer::load_state(const NamedTensors& state) {
  world_.transport()->agree({.operation = "Sharded::load_state"});
  NamedTensors mine;
  for (const auto& [name, value] : state) {
    const std::string of = split_name(name).first;
    const auto known = std::ranges::find(names_, of);
    const Part* const part = part_of(of);
    if (known != names_.end() && part == nullptr) continue;  // another rank's
    mine.emplace_back(name, part != nullptr && value.rank() > 0 ? cut(*part, value) : value);
  }
  if (!parts_.empty()) local_->load_state(mine);
}

}  // namespace chainrule::distributed
