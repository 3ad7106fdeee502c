// How a graph is cut into parts that fold.
// Relies on the scopes that nodes remember; knows nothing of formats.

#pragma once

#include <string>
#include <vector>

#include "chainrule/draw.h"

namespace chainrule {

/// For each scope, which one it is drawn as: itself, or where scopes nest deeper than Graphviz and readers
/// can follow, the one around it at the greatest depth that is drawn.
std::vector<std::size_t> drawn_scopes(const GraphRecord& graph);

/// A graph in parts that fold: its scopes, and runs of nodes where a scope alone would be too much to look
/// at. Each part is a picture of its own, in which the parts inside it are boxes. A connection between nodes
/// of different parts leaves and enters parts through ports, one for each node that is read on the other
/// side. So the whole is as large as the graph (times how deeply the parts are nested), whatever is unfolded.
struct Folding {
  /// A node or a part, in the picture of the part around it.
  struct Item {
    bool is_part = false;
    std::size_t index = 0;  ///< of a node in the record, or of a part
  };
  /// Where a connection ends: an item, or a port.
  struct End {
    enum class Kind : std::uint8_t { item, in_port, out_port } kind = Kind::item;
    std::size_t index = 0;                         ///< position in items, in_ports or out_ports
    auto operator<=>(const End&) const = default;  // NOLINT(modernize-use-nullptr): means no pointer
  };
  /// All that goes from one end to another, drawn as one line.
  struct Link {
    End from, to;
    std::vector<std::size_t> sources;  ///< the nodes that are read at the other end, ascending
  };
  struct Part {
    std::string name{};
    bool is_scope = false;  ///< not a run of nodes
    std::size_t parent = 0;
    std::size_t depth = 0;
    std::vector<Item> items{};             ///< in the order of the graph
    std::vector<std::size_t> in_ports{};   ///< nodes outside that are read inside
    std::vector<std::size_t> out_ports{};  ///< nodes inside that are read outside
    std::vector<Link> links{};
    std::vector<std::size_t> inner_parts{};

    /// Counts items, then the ports that enter, then those that leave.
    std::size_t number(const End& end) const {
      return end.index + (end.kind == End::Kind::item ? 0 : items.size()) +
             (end.kind == End::Kind::out_port ? in_ports.size() : 0);
    }
  };

  explicit Folding(const GraphRecord& graph);

  std::vector<Part> parts;           ///< the first is the whole; each comes after the one around it
  std::vector<std::size_t> part_of;  ///< for each node, the innermost part that it is in

  /// More nodes than this in all, and drawings start folded; more items than this in one part, and they are
  /// folded into runs.
  static constexpr std::size_t most_at_once = 300;

 private:
  std::vector<std::size_t> add_scopes();
  void split(std::size_t part);
  std::string name_at(Item item, bool start) const;
  void connect();

  const GraphRecord& graph_;
};

}  // namespace chainrule
