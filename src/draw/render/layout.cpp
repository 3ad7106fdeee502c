// Where Graphviz puts nodes and edges, read from its JSON. Relies on Graphviz for the places; edges of the
// same two nodes are told apart by their ids.

#include <nlohmann/json.hpp>

#include <algorithm>
#include <sstream>

#include "chainrule/draw.h"
#include "draw/layout.h"

namespace chainrule {
namespace {

/// "e,90,60 10,20 ..." as points, those of an arrow's tip first. Graphviz's ordinates count upwards.
class Reader {
 public:
  explicit Reader(double height) : height_(height) {}
  Point point(const std::string& text) const {
    const std::size_t comma = text.find(',');
    return {std::stod(text.substr(0, comma)), height_ - std::stod(text.substr(comma + 1))};
  }
  Layout::Line line(const nlohmann::json& edge) const {
    Layout::Line line;
    std::istringstream words(edge.at("pos").get<std::string>());
    for (std::string word; words >> word;) {
      if (word.starts_with("e,"))
        line.tip = point(word.substr(2));
      else
        line.curve.push_back(point(word));
    }
    if (edge.contains("lp")) line.label = point(edge.at("lp").get<std::string>());
    return line;
  }

 private:
  double height_;
};

std::size_t number_in(const nlohmann::json& object, const char* key) {
  return std::stoul(object.at(key).get<std::string>().substr(1));
}

}  // namespace

Layout layout_of(const std::string& dot) {
  const auto json = nlohmann::json::parse(render_dot(dot, "json0"));
  Layout layout;
  std::istringstream box(json.at("bb").get<std::string>());
  double left = 0, bottom = 0;
  char comma = 0;
  box >> left >> comma >> bottom >> comma >> layout.width >> comma >> layout.height;

  const Reader read(layout.height);
  const nlohmann::json nothing = nlohmann::json::array();
  const auto nodes = json.value("objects", nothing), edges = json.value("edges", nothing);
  const auto is_node = [](const auto& object) { return object.contains("pos"); };  // and no subgraph
  layout.nodes.resize(static_cast<std::size_t>(std::count_if(nodes.begin(), nodes.end(), is_node)));
  for (const auto& node : nodes)
    if (is_node(node))
      layout.nodes.at(number_in(node, "name")) = read.point(node.at("pos").get<std::string>());
  layout.edges.resize(edges.size());
  for (const auto& edge : edges) layout.edges.at(number_in(edge, "id")) = read.line(edge);
  return layout;
}

}  // namespace chainrule
