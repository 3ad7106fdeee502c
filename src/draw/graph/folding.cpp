// How a graph is cut into parts that fold, and which links and ports these have. Scopes are the parts.
// Written for the page of a graph and for pictures of folded ones alike.

#include "draw/graph/folding.h"

#include <algorithm>

#include "draw/look.h"

namespace chainrule {
namespace {

constexpr std::size_t run_length = 50;
constexpr std::size_t most_span = 5000;  // of the edges in one part, in ranks: half a second for Graphviz
constexpr std::size_t deepest = 40;      // scopes within scopes

/// The nodes in an order in which what belongs together is together: inputs before what uses them, and
/// leaves, which may be anywhere before that, right before their first use.
std::vector<std::size_t> close_order(const GraphRecord& graph) {
  std::vector<std::size_t> order, placed(graph.nodes.size());
  order.reserve(graph.nodes.size());
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    if (graph.nodes[i].inputs.empty() && i + 1 < graph.nodes.size()) continue;
    for (const std::size_t input : graph.nodes[i].inputs)
      if (graph.nodes[input].inputs.empty() && placed[input]++ == 0) order.push_back(input);
    order.push_back(i);
  }
  for (std::size_t i = 0; i + 1 < graph.nodes.size(); ++i)  // what nothing uses, which only a file has
    if (graph.nodes[i].inputs.empty() && placed[i] == 0) order.push_back(i);
  return order;
}

/// How many ranks the edges between the nodes of each scope cross, which is what makes a layout take long.
std::vector<std::size_t> spans(const GraphRecord& graph) {
  const auto& nodes = graph.nodes;
  std::vector<std::size_t> ranks(nodes.size()), first_use(nodes.size(), nodes.size()),
      span(graph.scopes.size());
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    for (const std::size_t input : nodes[i].inputs) ranks[i] = std::max(ranks[i], ranks[input] + 1);
    for (const std::size_t input : nodes[i].inputs) first_use[input] = std::min(first_use[input], ranks[i]);
  }
  for (std::size_t i = 0; i < nodes.size(); ++i)
    for (const std::size_t input : nodes[i].inputs)
      if (nodes[input].scope == nodes[i].scope)
        span[nodes[i].scope] +=
            ranks[i] - (nodes[input].inputs.empty() ? first_use[input] : ranks[input] + 1);
  return span;
}

}  // namespace

std::vector<std::size_t> drawn_scopes(const GraphRecord& graph) {
  std::vector<std::size_t> drawn(graph.scopes.size()), depth(graph.scopes.size());
  for (std::size_t i = 1; i < drawn.size(); ++i) {
    const std::size_t parent = graph.scopes[i].parent;
    depth[i] = std::min(depth[parent] + 1, deepest + 1);
    drawn[i] = depth[i] > deepest ? drawn[parent] : i;
  }
  return drawn;
}

Folding::Folding(const GraphRecord& graph) : part_of(graph.nodes.size()), graph_(graph) {
  const std::vector<std::size_t> span = add_scopes();
  for (std::size_t i = 0; i < span.size(); ++i) {
    const bool is_entangled = span[i] > most_span && parts[i].items.size() > run_length;
    if (is_entangled || parts[i].items.size() > most_at_once) split(i);
  }
  for (std::size_t i = 0; i < parts.size(); ++i)
    for (const Item& item : parts[i].items) {
      if (!item.is_part) {
        part_of[item.index] = i;
        continue;
      }
      parts[item.index].parent = i;
      parts[i].inner_parts.push_back(item.index);
    }
  // A run holds scopes that are older than it, so the order is not yet from the outside to the inside.
  std::vector<std::size_t> order = {0}, position(parts.size());
  for (std::size_t i = 0; i < order.size(); ++i) {
    position[order[i]] = i;
    for (const std::size_t inner : parts[order[i]].inner_parts) {
      parts[inner].depth = parts[order[i]].depth + 1;
      order.push_back(inner);
    }
  }
  std::vector<Part> sorted;
  for (const std::size_t old : order) {
    Part& part = sorted.emplace_back(std::move(parts[old]));
    part.parent = position[part.parent];
    for (std::size_t& inner : part.inner_parts) inner = position[inner];
    for (Item& item : part.items)
      if (item.is_part) item.index = position[item.index];
  }
  parts = std::move(sorted);
  for (std::size_t& part : part_of) part = position[part];
  connect();
}

/// The scopes that hold nodes, as parts. Returns their spans.
std::vector<std::size_t> Folding::add_scopes() {
  const std::vector<GraphScope>& scopes = graph_.scopes;
  const std::vector<std::size_t> drawn = drawn_scopes(graph_);
  std::vector<std::size_t> part(scopes.size());
  parts.push_back({.name = graph_.nodes.empty() ? "" : graph_.nodes.back().label, .is_scope = true});
  for (std::size_t i = 1; i < scopes.size(); ++i) {
    part[i] = part[drawn[i]];
    if (drawn[i] != i) continue;
    part[i] = parts.size();
    parts.push_back({.name = scopes[i].name, .is_scope = true, .parent = part[scopes[i].parent]});
  }
  std::vector<std::size_t> span(parts.size());
  const std::vector<std::size_t> scope_spans = spans(graph_);
  for (std::size_t i = 0; i < scopes.size(); ++i) span[part[i]] += scope_spans[i];
  // A part stands where the first of its nodes does.
  std::vector<bool> placed(parts.size());
  placed[0] = true;
  for (const std::size_t i : close_order(graph_)) {
    std::size_t around = part[graph_.nodes[i].scope];
    parts[around].items.push_back({false, i});
    for (; !placed[around]; around = parts[around].parent) {
      placed[around] = true;
      parts[parts[around].parent].items.push_back({true, around});
    }
  }
  return span;
}

/// The name at the start or the end of an item.
std::string Folding::name_at(Item item, bool start) const {
  while (item.is_part && !parts[item.index].is_scope)
    item = start ? parts[item.index].items.front() : parts[item.index].items.back();
  return item.is_part ? parts[item.index].name : graph_.nodes[item.index].label;
}

/// Folds the items of a part into runs.
void Folding::split(std::size_t part) {
  const std::vector<Item> items = std::move(parts[part].items);
  parts[part].items.clear();
  for (std::size_t begin = 0; begin < items.size(); begin += run_length) {
    const std::size_t end = std::min(begin + run_length, items.size());
    Part run{.items = {items.begin() + static_cast<std::ptrdiff_t>(begin),
                       items.begin() + static_cast<std::ptrdiff_t>(end)}};
    const auto tells_nothing = [&](const Item& item) {
      return !item.is_part && is_literal(graph_.nodes[item.index]);
    };
    run.name = name_at(*std::find_if_not(run.items.begin(), run.items.end() - 1, tells_nothing), true) +
               " … " + name_at(items[end - 1], false);
    parts[part].items.push_back({true, parts.size()});
    parts.push_back(std::move(run));
  }
  if (parts[part].items.size() > most_at_once) split(part);
}

void Folding::connect() {
  struct Crossing {
    End from, to;  // ports by their node, for now
    std::size_t source;
    auto operator<=>(const Crossing&) const = default;  // NOLINT(modernize-use-nullptr): means no pointer
  };
  std::vector<std::size_t> node_item(graph_.nodes.size()), part_item(parts.size());
  for (const Part& part : parts)
    for (std::size_t i = 0; i < part.items.size(); ++i)
      (part.items[i].is_part ? part_item : node_item)[part.items[i].index] = i;

  std::vector<std::vector<Crossing>> crossings(parts.size());
  for (std::size_t to = 0; to < graph_.nodes.size(); ++to)
    for (const std::size_t from : graph_.nodes[to].inputs) {
      std::size_t a = part_of[from], b = part_of[to];
      End start{End::Kind::item, node_item[from]}, end{End::Kind::item, node_item[to]};
      while (a != b) {
        if (parts[a].depth >= parts[b].depth) {
          crossings[a].push_back({start, {End::Kind::out_port, from}, from});
          start.index = part_item[a];
          a = parts[a].parent;
        } else {
          crossings[b].push_back({{End::Kind::in_port, from}, end, from});
          end.index = part_item[b];
          b = parts[b].parent;
        }
      }
      if (start != end) crossings[a].push_back({start, end, from});
    }

  for (std::size_t i = 0; i < parts.size(); ++i) {
    Part& part = parts[i];
    std::vector<Crossing>& all = crossings[i];
    std::sort(all.begin(), all.end());
    all.erase(std::unique(all.begin(), all.end()), all.end());
    for (const Crossing& each : all) {
      if (each.from.kind == End::Kind::in_port) part.in_ports.push_back(each.source);
      if (each.to.kind == End::Kind::out_port) part.out_ports.push_back(each.source);
    }
    for (std::vector<std::size_t>* ports : {&part.in_ports, &part.out_ports}) {
      std::sort(ports->begin(), ports->end());
      ports->erase(std::unique(ports->begin(), ports->end()), ports->end());
    }
    const auto placed = [&](End end) {
      if (end.kind == End::Kind::item) return end;
      const auto& ports = end.kind == End::Kind::in_port ? part.in_ports : part.out_ports;
      end.index =
          static_cast<std::size_t>(std::lower_bound(ports.begin(), ports.end(), end.index) - ports.begin());
      return end;
    };
    for (const Crossing& each : all) {
      const End from = placed(each.from), to = placed(each.to);
      if (part.links.empty() || part.links.back().from != from || part.links.back().to != to)
        part.links.push_back({from, to, {}});
      part.links.back().sources.push_back(each.source);
    }
    all = {};
  }
}

}  // namespace chainrule
