// What nodes look like, in every format: roles, colours, and the words for times, bytes and places. Relies on
// chainrule/draw.h for recorded nodes.

#pragma once

#include <array>
#include <string>
#include <string_view>

#include "chainrule/draw.h"

namespace chainrule {

// Okabe and Ito's colours, which people with any kind of colour blindness tell apart.
constexpr const char *value_colour = "#0072B2", *gradient_colour = "#D55E00", *broken_colour = "#B5179E",
                     *tangent_colour = "#007A5A", *second_colour = "#8E3A80";
constexpr const char* faint_colour = "#777777";

/// The kinds of nodes that look different.
enum class Role : std::uint8_t { parameter, variable, constant, intermediate, output };
Role role_of(const GraphRecord& graph, std::size_t node);

struct Look {
  std::string_view name;  ///< for style sheets
  std::string_view meaning;
  const char *fill, *border, *style;
  double width;
};
constexpr std::array<Look, 5> looks = {{
    {"parameter", "parameter, learned", "#D9F0E6", "#009E73", "rounded,filled", 2},
    {"variable", "variable, wants a gradient", "#E3F1FA", "#5B9BC4", "rounded,filled", 1.2},
    {"constant", "constant, no gradient", "#F2F2F2", "#AAAAAA", "rounded,filled,dashed", 1},
    {"intermediate", "computed", "#FFFFFF", "#555555", "rounded,filled", 1.2},
    {"output", "the output, as a loss", "#FFF6D6", "#B8860B", "rounded,filled", 2},
}};
constexpr const Look& look_of(Role role) { return looks[static_cast<std::size_t>(role)]; }

/// Numbers that are drawn alike.
struct ColourClass {
  std::string_view meaning;
  double below;  ///< they are less than this
  const char* fill;
};

/// Classes of a gradient's norm, from none over vanishing to exploding, and those that are broken. Blue
/// against orange is safe for the colour-blind; what is broken also has a border of its own.
constexpr std::array<ColourClass, 10> gradient_classes = {{
    {"no gradient", 0, "#FFFFFF"},
    {"exactly 0", 0, "#C9C9C9"},
    {"below 1e-8", 1e-8, "#74A9D8"},
    {"1e-8 to 1e-6", 1e-6, "#A5CBE8"},
    {"1e-6 to 1e-4", 1e-4, "#D3E6F4"},
    {"1e-4 to 1e2", 1e2, "#F1F3E4"},
    {"1e2 to 1e4", 1e4, "#FCE0C4"},
    {"1e4 to 1e6", 1e6, "#FBBF86"},
    {"1e6 and more", 0, "#F3954A"},
    {"NaN or infinite", 0, "#F2A6E4"},
}};
constexpr std::size_t broken_gradient = gradient_classes.size() - 1;
/// Position in gradient_classes.
std::size_t gradient_class(const RecordedNode& node);

/// Classes of the share that a node has in the time of all, as heat: from pale yellow to a red on which
/// numbers are still read.
constexpr std::array<ColourClass, 7> time_classes = {{
    {"not measured", 0, "#FFFFFF"},
    {"below 1 % of the time", 0.01, "#FFFDF0"},
    {"1 % to 3 %", 0.03, "#FFF8D2"},
    {"3 % to 10 %", 0.1, "#FFEDB8"},
    {"10 % to 25 %", 0.25, "#FFDFA8"},
    {"25 % to 50 %", 0.5, "#FFCDA6"},
    {"50 % and more", 0, "#FFB8A8"},
}};
/// That of all nodes, in seconds, with those of the derivatives.
double time_of(const RecordedNode& node);
double time_of(const GraphRecord& graph);
/// Position in time_classes. `all` is the time of all nodes.
std::size_t time_class(double seconds, double all);
inline std::size_t time_class(const RecordedNode& node, double all) {
  return node.time ? time_class(time_of(node), all) : 0;
}
/// "1.5 ms"; and of a node "1.5 ms, backward 3 ms".
std::string seconds_text(double seconds);
std::string time_text(const RecordedNode& node);

/// Is there NaN or infinity in the value or the gradient?
bool is_broken(const RecordedNode& node);

/// A scalar constant without a name, which is called by its number.
bool is_literal(const RecordedNode& node);

/// "1.5 kB", "2 Mflop".
std::string bytes_text(std::int64_t bytes);
std::string flops_text(std::int64_t flops);
/// "model.cpp:12": the file without its folders.
std::string source_text(const RecordedNode& node);

}  // namespace chainrule
