// What each operation costs, as it is computed: counted, in a table, and as a trace for a browser. An
// observer of its thread takes the times; what is computed later is counted where it is.

#include "chainrule/profile.h"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <ostream>
#include <unordered_map>

#include "chainrule/io.h"
#include "graph/observer.h"
#include "graph/scope.h"
#include "kernels/repeated.h"

namespace chainrule {
namespace {

/// From the outermost in.
std::vector<std::uint16_t> path_of(std::uint16_t scope) {
  std::vector<std::uint16_t> path;
  for (; scope != 0; scope = scope_entry(scope).parent) path.push_back(scope);
  std::ranges::reverse(path);
  return path;
}

std::string bytes_text(std::int64_t bytes) {
  if (bytes < 1000) return fmt::format("{} B", bytes);
  auto size = static_cast<double>(bytes) / 1000;
  const char* unit = "kB";
  for (const char* larger : {"MB", "GB", "TB"}) {
    if (size < 999.5) break;
    size /= 1000;
    unit = larger;
  }
  return fmt::format("{:.3g} {}", size, unit);
}

}  // namespace

class Profile::Recorder final : public Observer {
 public:
  /// A call: of which row, when, and what it made. Times are in seconds since the beginning.
  struct Event {
    double start, length;
    std::int64_t bytes;
    std::uint32_t row;
    bool backward;
    bool within;  // a derivative
    const Node* node;
  };
  struct Operation {
    std::uint16_t scope;
    std::string name;
    ProfileCost forward, backward;
  };

  double now() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - beginning_).count();
  }
  const std::vector<Event>& events() const { return events_; }
  const std::vector<Operation>& operations() const { return operations_; }

 private:
  /// A derivative that is being computed.
  struct Open {
    const Node* node;
    double start, within;  // `within` others
  };

  void made(const Node& node) override {
    const double start = last_, length = now() - start;
    const auto bytes = static_cast<std::int64_t>(node.value().byte_count());
    add(node, {start, length, bytes, 0, false, !open_.empty(), &node}, length);
    if (!open_.empty()) open_.back().within += length;
    last_ = now();
  }
  void begins(const Node& node) override {
    last_ = now();
    open_.push_back({&node, last_, 0});
  }
  void ended(const Node& node, const Cotangent&, std::span<const Cotangent> sent) override {
    std::int64_t bytes = 0;
    for (const Cotangent& each : sent) {
      if (each.node() == nullptr) continue;
      const Array& value = each.node()->value();
      bytes += static_cast<std::int64_t>(value.byte_count());
      // What was put off counts here, not with who reads it.
      if (value.is_deferred() && !kernels::repeated_part(value)) (void)value.raw();
    }
    const double end = now();
    // Those above it have failed.
    while (!open_.empty() && open_.back().node != &node) open_.pop_back();
    if (open_.empty()) return;
    const Open of = open_.back();
    open_.pop_back();
    add(node, {of.start, end - of.start, bytes, 0, true, !open_.empty(), &node}, end - of.start - of.within);
    if (!open_.empty()) open_.back().within += end - of.start;
    last_ = now();
  }

  void add(const Node& node, Event event, double seconds) {
    auto& rows = rows_[node.scope()];
    auto found = rows.find(node.operation());
    if (found == rows.end()) {
      found = rows.emplace(node.operation(), static_cast<std::uint32_t>(operations_.size())).first;
      operations_.push_back({node.scope(), std::string(node.operation()), {}, {}});
    }
    event.row = found->second;
    Operation& operation = operations_[event.row];
    ProfileCost& cost = event.backward ? operation.backward : operation.forward;
    ++cost.calls;
    cost.seconds += seconds;
    cost.bytes += event.bytes;
    events_.push_back(event);
  }

  std::chrono::steady_clock::time_point beginning_ = std::chrono::steady_clock::now();
  double last_ = 0;  // end of what was computed before
  std::map<std::uint16_t, std::map<std::string, std::uint32_t, std::less<>>> rows_;
  std::vector<Operation> operations_;
  std::vector<Event> events_;
  std::vector<Open> open_;
};

Profile::Profile() : recorder_(std::make_unique<Recorder>()) {}
Profile::~Profile() = default;

double Profile::seconds() const { return recorder_->now(); }

std::vector<ProfileRow> Profile::rows() const {
  std::vector<ProfileRow> rows;
  for (const auto& each : recorder_->operations())
    rows.push_back({each.name, scope_path(each.scope), each.forward, each.backward});
  const auto time = [](const ProfileRow& row) { return row.forward.seconds + row.backward.seconds; };
  std::ranges::stable_sort(rows, std::greater(), time);
  return rows;
}

std::vector<NodeTime> Profile::times(std::span<const Tensor> nodes) const {
  std::unordered_map<const Node*, NodeTime> known;
  for (const auto& event : recorder_->events()) {
    NodeTime& time = known[event.node];
    if (event.backward)
      time.backward += event.length;
    else
      time = {.forward = event.length};  // whatever was at that address before
  }
  std::vector<NodeTime> times;
  for (const Tensor& each : nodes) times.push_back(known[each.node()]);
  return times;
}

void Profile::write_trace(const std::string& path) const {
  using Json = nlohmann::ordered_json;
  auto events = recorder_->events();
  // Those around others first, as viewers nest them.
  std::ranges::stable_sort(events, {}, [](const auto& each) { return std::pair(each.start, -each.length); });
  std::string text = "{\"displayTimeUnit\": \"ms\", \"traceEvents\": [\n";
  bool first = true;
  const auto microseconds = [](double seconds) { return std::round(seconds * 1e9) / 1e3; };
  const auto add = [&](const std::string& name, std::string_view kind, double start, double stop, Json more) {
    const Json event = {{"name", name},
                        {"cat", kind},
                        {"ph", "X"},
                        {"ts", microseconds(start)},
                        {"dur", microseconds(stop - start)},
                        {"pid", 1},
                        {"tid", 1},
                        {"args", std::move(more)}};
    text += (first ? "" : ",\n") + event.dump(-1, ' ', false, Json::error_handler_t::replace);
    first = false;
  };
  // Scopes are frames around the calls that follow each other in them.
  std::vector<std::pair<std::uint16_t, double>> frames;  // with their starts
  double end = 0;
  const auto close_to = [&](std::size_t depth) {
    for (; frames.size() > depth; frames.pop_back())
      add(scope_entry(frames.back().first).name, "scope", frames.back().second, end, Json::object());
  };
  for (const auto& event : events) {
    const auto& operation = recorder_->operations()[event.row];
    if (!event.within) {
      const std::vector<std::uint16_t> scopes = path_of(operation.scope);
      std::size_t depth = 0;
      while (depth < std::min(scopes.size(), frames.size()) && scopes[depth] == frames[depth].first) ++depth;
      close_to(depth);
      for (; depth < scopes.size(); ++depth) frames.emplace_back(scopes[depth], event.start);
      end = event.start + event.length;
    }
    add(operation.name, event.backward ? "backward" : "forward", event.start, event.start + event.length,
        {{"scope", scope_path(operation.scope)}, {"bytes", event.bytes}});
  }
  close_to(0);
  save_file(path, text + "\n]}\n");
}

std::ostream& operator<<(std::ostream& out, const Profile& profile) {
  const std::vector<ProfileRow> rows = profile.rows();
  std::size_t operation = 9, scope = 5;
  ProfileRow all{"in all", "", {}, {}};
  const auto add = [](ProfileCost& to, const ProfileCost& more) {
    to.calls += more.calls;
    to.seconds += more.seconds;
    to.bytes += more.bytes;
  };
  for (const ProfileRow& row : rows) {
    operation = std::max(operation, row.operation.size());
    scope = std::max(scope, row.scope.size());
    add(all.forward, row.forward);
    add(all.backward, row.backward);
  }
  const auto line = [&](const ProfileRow& row) {
    out << fmt::format("{:{}}  {:{}}", row.operation, operation, row.scope, scope);
    for (const ProfileCost& cost : {row.forward, row.backward})
      out << fmt::format("  {:>9}  {:>10.3f}  {:>9}", cost.calls, cost.seconds * 1e3, bytes_text(cost.bytes));
    out << '\n';
  };
  out << fmt::format("{:{}}  {:{}}  {:>9}  {:>10}  {:>9}  {:>9}  {:>10}  {:>9}\n", "operation", operation,
                     "scope", scope, "forward", "ms", "made", "backward", "ms", "sent");
  for (const ProfileRow& row : rows) line(row);
  line(all);
  return out << fmt::format("of {:.3f} ms\n", profile.seconds() * 1e3);
}

}  // namespace chainrule
