// A recorded graph as a JSON file, and reading one with an error that says where it is wrong. Relies on
// io/output_file.h to write it whole, and believes nothing that it reads.

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "array/array.h"
#include "chainrule/draw.h"
#include "io/file.h"
#include "io/output_file.h"

/// A saved graph: {"chainrule_graph": 1, "scopes": [...], "nodes": [...]}, with a line per scope and node.
/// What is 0, empty or unknown is left out.
namespace chainrule {
namespace {

using Json = nlohmann::ordered_json;
constexpr std::int64_t version = 1;
constexpr std::string_view kinds[] = {"constant", "variable", "parameter", "operation"};

// ---- Writing -----------------------------------------------------------------------------------------

/// JSON has no NaN and no infinity.
Json number(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "Infinity" : "-Infinity";
  return value;
}

template <class T>
void put(Json& object, const char* key, const T& value) {
  if (value != T{}) object[key] = value;
}

Json to_json(const NumbersSummary& numbers) {
  Json json = {{"min", number(numbers.min)},
               {"mean", number(numbers.mean)},
               {"max", number(numbers.max)},
               {"norm", number(numbers.norm)}};
  put(json, "nans", numbers.nans);
  put(json, "infinities", numbers.infinities);
  for (const double element : numbers.elements) json["elements"].push_back(number(element));
  return json;
}

Json to_json(const RecordedNode::Derivative& derivative) {
  if (derivative.text.empty()) return nullptr;
  Json json = {{derivative.is_factor ? "factor" : "product", derivative.text}};
  if (derivative.value) json["value"] = number(*derivative.value);
  return json;
}

Json to_json(const RecordedNode& node) {
  Json json = {{"label", node.label}, {"kind", kinds[static_cast<std::size_t>(node.kind)]}};
  put(json, "named", node.is_named);
  put(json, "operation", node.operation);
  if (node.symbol != node.operation) put(json, "symbol", node.symbol);
  put(json, "inputs", node.inputs);
  for (const auto& derivative : node.derivatives) json["derivatives"].push_back(to_json(derivative));
  json["shape"] = node.shape.sizes();
  json["dtype"] = to_string(node.dtype);
  if (node.value) json["value"] = to_json(*node.value);
  if (node.gradient) json["gradient"] = to_json(*node.gradient);
  put(json, "flops", node.flops);
  if (node.time) json["time"] = {{"forward", node.time->forward}, {"backward", node.time->backward}};
  put(json, "file", node.file);
  put(json, "line", node.line);
  put(json, "scope", node.scope);
  return json;
}

Json to_json(const GraphScope& scope) { return {{"name", scope.name}, {"parent", scope.parent}}; }

template <class T>
void write_list(OutputFile& out, const std::string& key, const std::vector<T>& entries) {
  out.write(",\n\"" + key + "\": [");
  const char* separator = "\n";
  for (const T& entry : entries) {
    out.write(separator + to_json(entry).dump(-1, ' ', false, Json::error_handler_t::replace));
    separator = ",\n";
  }
  out.write("]");
}

// ---- Reading -----------------------------------------------------------------------------------------

/// A value in the file, and where it is, for messages. What it is in must live as long.
class Place {
 public:
  Place(const Json& json, const std::string& path) : json_(json), path_(path) {}

  [[noreturn]] void fail(const std::string& what) const {
    std::string where;
    for (const Place* place = this; place->parent_ != nullptr; place = place->parent_)
      where.insert(0, place->key_ != nullptr
                          ? (place->parent_->parent_ != nullptr ? "." : "") + std::string(place->key_)
                          : "[" + std::to_string(place->index_) + "]");
    throw ParseError(path_ + ": " + (where.empty() ? "" : where + ": ") + what);
  }
  bool has(const char* key) const {
    return json_.is_object() && json_.contains(key) && !json_[key].is_null();
  }
  Place at(const char* key) const {
    if (!json_.is_object()) fail("it must be an object");
    if (!json_.contains(key)) fail("it has no \"" + std::string(key) + "\"");
    return {json_[key], *this, key, 0};
  }
  std::size_t size() const {
    if (!json_.is_array()) fail("it must be a list");
    return json_.size();
  }
  Place operator[](std::size_t i) const { return {json_[i], *this, nullptr, i}; }
  bool is_null() const { return json_.is_null(); }

  std::string text() const {
    if (!json_.is_string()) fail("it must be text");
    return json_.get<std::string>();
  }
  bool flag() const {
    if (!json_.is_boolean()) fail("it must be true or false");
    return json_.get<bool>();
  }
  double number() const {
    if (json_.is_number()) return json_.get<double>();
    const std::string name = json_.is_string() ? json_.get<std::string>() : "";
    constexpr double infinity = std::numeric_limits<double>::infinity();
    if (name == "NaN") return std::numeric_limits<double>::quiet_NaN();
    if (name == "Infinity") return infinity;
    if (name == "-Infinity") return -infinity;
    fail("it must be a number, \"NaN\", \"Infinity\" or \"-Infinity\"");
  }
  std::int64_t count(std::int64_t most = std::numeric_limits<std::int64_t>::max()) const {
    if (!json_.is_number_unsigned()) fail("it must be an integer from 0");
    if (json_.get<std::uint64_t>() > static_cast<std::uint64_t>(most))
      fail("it must be at most " + std::to_string(most));
    return json_.get<std::int64_t>();
  }
  /// A position in a list of which `end` entries are known.
  std::size_t position(std::size_t end, const std::string& rule) const {
    const std::int64_t position = count();
    if (static_cast<std::size_t>(position) >= end) fail(std::to_string(position) + " " + rule);
    return static_cast<std::size_t>(position);
  }
  /// The position of the text among `names`.
  std::size_t one_of(std::span<const std::string_view> names) const {
    const auto found = std::find(names.begin(), names.end(), text());
    if (found != names.end()) return static_cast<std::size_t>(found - names.begin());
    std::string list;
    for (const std::string_view name : names) list += (list.empty() ? "" : ", ") + std::string(name);
    fail("it must be one of " + list);
  }

 private:
  Place(const Json& json, const Place& parent, const char* key, std::size_t index)
      : json_(json), path_(parent.path_), parent_(&parent), key_(key), index_(index) {}

  const Json& json_;
  const std::string& path_;
  const Place* parent_ = nullptr;
  const char* key_ = nullptr;
  std::size_t index_ = 0;
};

NumbersSummary read_numbers(const Place& place, std::int64_t size) {
  NumbersSummary numbers;
  numbers.min = place.at("min").number();
  numbers.mean = place.at("mean").number();
  numbers.max = place.at("max").number();
  numbers.norm = place.at("norm").number();
  if (place.has("nans")) numbers.nans = place.at("nans").count(size);
  if (place.has("infinities")) numbers.infinities = place.at("infinities").count(size - numbers.nans);
  if (!place.has("elements")) return numbers;
  const Place elements = place.at("elements");
  for (std::size_t i = 0; i < elements.size(); ++i) numbers.elements.push_back(elements[i].number());
  return numbers;
}

RecordedNode::Derivative read_derivative(const Place& place) {
  RecordedNode::Derivative derivative;
  if (place.is_null()) return derivative;
  derivative.is_factor = place.has("factor");
  derivative.text = place.at(derivative.is_factor ? "factor" : "product").text();
  if (place.has("value")) derivative.value = place.at("value").number();
  return derivative;
}

double read_seconds(const Place& place) {
  const double seconds = place.number();
  if (!(seconds >= 0 && std::isfinite(seconds))) place.fail("it must be a number of seconds from 0");
  return seconds;
}

Shape read_shape(const Place& place, DType dtype) {
  std::vector<std::int64_t> sizes;
  for (std::size_t i = 0; i < place.size(); ++i) sizes.push_back(place[i].count());
  try {
    Shape shape(sizes);
    (void)bytes_of(shape, dtype);
    return shape;
  } catch (const ShapeError& error) {
    place.fail(error.what());
  }
}

RecordedNode read_node(const Place& place, std::size_t position, std::size_t scopes) {
  RecordedNode node;
  node.label = place.at("label").text();
  node.kind = static_cast<NodeKind>(place.at("kind").one_of(kinds));
  if (place.has("named")) node.is_named = place.at("named").flag();
  if (place.has("operation")) node.operation = place.at("operation").text();
  node.symbol = place.has("symbol") ? place.at("symbol").text() : node.operation;
  if (place.has("inputs")) {
    const Place inputs = place.at("inputs");
    for (std::size_t i = 0; i < inputs.size(); ++i)
      node.inputs.push_back(
          inputs[i].position(position,
                             "is no node before this one; inputs come before what uses them, as a "
                             "graph has no cycle"));
  }
  node.derivatives.resize(node.inputs.size());
  if (place.has("derivatives")) {
    const Place derivatives = place.at("derivatives");
    if (derivatives.size() != node.inputs.size()) derivatives.fail("there must be one for each input");
    for (std::size_t i = 0; i < derivatives.size(); ++i)
      node.derivatives[i] = read_derivative(derivatives[i]);
  }
  node.dtype = static_cast<DType>(place.at("dtype").one_of(detail::dtype_names));
  node.shape = read_shape(place.at("shape"), node.dtype);
  for (auto [key, numbers] : {std::pair{"value", &node.value}, {"gradient", &node.gradient}}) {
    if (!place.has(key)) continue;
    *numbers = read_numbers(place.at(key), node.shape.size());
    const std::size_t elements = (*numbers)->elements.size();
    if (elements != 0 && elements != static_cast<std::size_t>(node.shape.size()))
      place.at(key).fail("a tensor of shape " + to_string(node.shape) + " does not have " +
                         std::to_string(elements) + " elements");
    if (elements == 0 && node.shape.rank() == 0) place.at(key).fail("a scalar has one element");
  }
  if (place.has("flops")) node.flops = place.at("flops").count();
  if (place.has("time"))
    node.time = {.forward = read_seconds(place.at("time").at("forward")),
                 .backward = read_seconds(place.at("time").at("backward"))};
  if (place.has("file")) node.file = place.at("file").text();
  if (place.has("line"))
    node.line = static_cast<std::uint32_t>(place.at("line").count(std::numeric_limits<std::uint32_t>::max()));
  if (place.has("scope")) node.scope = place.at("scope").position(scopes, "is no scope");
  return node;
}

GraphRecord read_graph(const Place& file) {
  if (!file.has("chainrule_graph")) file.fail("it is no saved graph: it has no \"chainrule_graph\"");
  if (const std::int64_t written = file.at("chainrule_graph").count(); written != version)
    file.fail("it is a graph in format " + std::to_string(written) + "; this version reads format " +
              std::to_string(version));
  GraphRecord graph;
  graph.scopes.clear();
  const Place scopes = file.at("scopes"), nodes = file.at("nodes");
  for (std::size_t i = 0; i < scopes.size(); ++i)
    graph.scopes.push_back(
        {scopes[i].at("name").text(),
         scopes[i].at("parent").position(std::max<std::size_t>(i, 1), "is no scope before this one")});
  if (graph.scopes.empty()) scopes.fail("the first must be there, which holds all others");
  graph.nodes.reserve(nodes.size());
  for (std::size_t i = 0; i < nodes.size(); ++i)
    graph.nodes.push_back(read_node(nodes[i], i, graph.scopes.size()));
  return graph;
}

/// Finds where the JSON library stops, which does not say so of a number beyond a double's range.
struct ErrorPlace final : nlohmann::json_sax<Json> {
  std::size_t position = 0;  // how many bytes it has read

  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool string(string_t&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool start_object(std::size_t) override { return true; }
  bool key(string_t&) override { return true; }
  bool end_object() override { return true; }
  bool start_array(std::size_t) override { return true; }
  bool end_array() override { return true; }
  bool parse_error(std::size_t at, const std::string&, const Json::exception&) override {
    position = at;
    return false;
  }
};

/// "line 2, column 7: ", where the file can be read again.
std::string place_of_error(std::istream& in) {
  const auto rewind = [&] {
    in.clear();
    return static_cast<bool>(in.seekg(0));
  };
  ErrorPlace place;
  if (!rewind() || Json::sax_parse(in, &place) || !rewind()) return {};
  std::size_t line = 1, column = 0;
  char c = 0;
  for (std::size_t i = 0; i < place.position && in.get(c); ++i) {
    column = c == '\n' ? 0 : column + 1;
    line += c == '\n' ? 1 : 0;
  }
  return "line " + std::to_string(line) + ", column " + std::to_string(column) + ": ";
}

}  // namespace

void save_graph(const GraphRecord& graph, const std::string& path) {
  OutputFile out(path);
  out.write("{\"chainrule_graph\": " + std::to_string(version));
  write_list(out, "scopes", graph.scopes);
  write_list(out, "nodes", graph.nodes);
  out.write("}\n");
  out.finish();
}

void save_graph(const Tensor& output, const std::string& path, const Gradients* gradients) {
  const bool computes =
      gradients == nullptr && !output.is_empty() && output.size() == 1 && output.requires_grad();
  if (!computes) return save_graph(GraphRecord(output, gradients), path);
  const Gradients own = chainrule::gradients(output, {}, {.seed = ones_like(output), .all_nodes = true});
  save_graph(GraphRecord(output, &own), path);
}

GraphRecord load_graph(const std::string& path) {
  std::ifstream in = open_to_read(path, std::ios::binary);
  Json json;
  try {
    json = Json::parse(in);
  } catch (const Json::parse_error& error) {
    const std::string what = error.what(), start = "parse error at ";
    const std::size_t at = what.find(start);
    throw ParseError(path +
                     ": it is no JSON: " + (at == std::string::npos ? what : what.substr(at + start.size())));
  } catch (const Json::out_of_range&) {
    throw ParseError(path + ": " + place_of_error(in) + "the number is too large");
  }
  return read_graph(Place(json, path));
}

}  // namespace chainrule
