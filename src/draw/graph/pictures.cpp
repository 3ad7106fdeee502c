// The DOT of one part of a folded graph, in which the parts inside it are boxes of the sizes that are known
// by then.

#include "draw/graph/pictures.h"

#include <fmt/format.h>

#include <iterator>

namespace chainrule {

std::string picture_dot(const Folding::Part& part, std::span<const Size> nodes, std::span<const Size> parts) {
  std::string dot =
      "digraph { rankdir=LR; nodesep=0.22; ranksep=0.45; node [shape=box, fixedsize=true, label=\"\"]; "
      "edge [arrowhead=none];\n";
  const auto write = [&]<class... Values>(fmt::format_string<Values...> format, Values... values) {
    fmt::format_to(std::back_inserter(dot), format, std::move(values)...);
  };
  constexpr double points_per_inch = 72;
  std::size_t number = 0;
  for (const Folding::Item& item : part.items) {
    const Size& size = (item.is_part ? parts : nodes)[item.index];
    write("n{} [width={:.3f}, height={:.3f}];\n", number++, size.width / points_per_inch,
          size.height / points_per_inch);
  }
  const auto write_ports = [&](const char* rank, std::size_t count) {
    if (count == 0) return;
    write("{{ rank={}; node [width=0.02, height=0.12];", rank);
    for (std::size_t i = 0; i < count; ++i) write(" n{};", number++);
    dot += " }\n";
  };
  write_ports("source", part.in_ports.size());
  write_ports("sink", part.out_ports.size());
  for (std::size_t i = 0; i < part.links.size(); ++i)
    write("n{} -> n{} [id=e{}];\n", part.number(part.links[i].from), part.number(part.links[i].to), i);
  return dot + "}\n";
}

}  // namespace chainrule
