// A network with what prepares its inputs: predicting, and the file that holds both. The file is safetensors,
// whose metadata is JSON that says what the columns mean; nothing in it is believed unchecked.

#include "chainrule/model.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "chainrule/autograd.h"
#include "chainrule/data.h"
#include "chainrule/detail/hash.h"
#include "chainrule/detail/json_message.h"
#include "chainrule/io.h"
#include "data/dates.h"
#include "io/elements.h"
#include "io/file.h"

namespace chainrule {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* entry = "chainrule.model";
constexpr int format_version = 1;

Json to_json(const InputColumn& column) {
  Json json = {{"name", column.name}, {"position", column.position}, {"fill", column.fill}};
  if (column.is_number()) {
    json["mean"] = column.mean;
    json["deviation"] = column.deviation;
    if (!column.form.empty()) json["form"] = column.form;
    if (!column.part.empty()) json["part"] = column.part;
  } else {
    json["categories"] = column.categories;
  }
  return json;
}

Json to_json(const TargetColumn& target) {
  Json json = {{"name", target.name}, {"position", target.position}};
  if (target.task() == Task::classification) {
    json["classes"] = target.classes;
  } else {
    json["mean"] = target.mean;
    json["deviation"] = target.deviation;
    if (!target.form.empty()) json["form"] = target.form;
  }
  return json;
}

/// What a file must say for a model to make sense.
void require(bool holds, const std::string& what) {
  if (!holds) throw std::invalid_argument(what);
}

double finite(const Json& json, const char* name) {
  const double number = json.at(name).get<double>();
  require(std::isfinite(number), std::string(name) + " is not finite");
  return number;
}

double deviation(const Json& json) {
  const double number = finite(json, "deviation");
  require(number > 0, "a deviation is not positive");
  return number;
}

/// Texts, each of them once.
std::vector<std::string> distinct_texts(const Json& json, const char* name) {
  auto texts = json.at(name).get<std::vector<std::string>>();
  require(!texts.empty() && std::set(texts.begin(), texts.end()).size() == texts.size(),
          std::string(name) + " must be different texts, at least one");
  return texts;
}

InputColumn column_from(const Json& json) {
  InputColumn column{.name = json.at("name"),
                     .position = json.at("position"),
                     .categories = {},
                     .fill = finite(json, "fill")};
  if (!json.contains("categories")) {
    column.mean = finite(json, "mean");
    column.deviation = deviation(json);
    column.form = json.value("form", "");
    column.part = json.value("part", "");
    const std::vector<std::string> parts = date_parts(column.form);
    require(parts.empty() ? column.part.empty()
                          : std::find(parts.begin(), parts.end(), column.part) != parts.end(),
            "'" + column.form + "' has no " + (column.part.empty() ? "part" : column.part));
    return column;
  }
  column.categories = distinct_texts(json, "categories");
  require(std::is_sorted(column.categories.begin(), column.categories.end()), "categories are not in order");
  require(column.fill >= 0 && column.fill < static_cast<double>(column.categories.size()),
          "fill is no category");
  return column;
}

TargetColumn target_from(const Json& json) {
  TargetColumn target{.name = json.at("name"), .position = json.at("position"), .classes = {}};
  if (json.contains("classes")) {
    target.classes = distinct_texts(json, "classes");
  } else {
    target.mean = finite(json, "mean");
    target.deviation = deviation(json);
    target.form = json.value("form", "");
  }
  return target;
}

TableEncoder encoder_from(const Json& json) {
  const std::size_t table_columns = json.at("table_columns");
  std::vector<InputColumn> columns;
  for (const Json& column : json.at("inputs")) columns.push_back(column_from(column));
  std::vector<TargetColumn> targets = {target_from(json.at("target"))};
  if (json.contains("more_targets"))
    for (const Json& each : json.at("more_targets")) targets.push_back(target_from(each));
  const auto is_inside = [&](const auto& column) { return column.position < table_columns; };
  require(!columns.empty() && std::all_of(targets.begin(), targets.end(), is_inside) &&
              std::all_of(columns.begin(), columns.end(), is_inside),
          "a column lies beyond the table");
  require(targets.size() == 1 ||
              std::all_of(targets.begin(), targets.end(),
                          [](const TargetColumn& each) { return each.task() == Task::regression; }),
          "one of several targets is no number");
  const bool has_commas = json.value("decimal", ".") == ",";
  return {std::move(columns),    std::move(targets), table_columns,
          json.at("has_header"), json.at("source"),  has_commas ? ',' : '.'};
}

/// The network: "mlp" with its sizes, or "cnn" with an image, the channels and kernel of convolutions, too.
TableNetwork network_from(const Json& json, const NamedTensors& tensors) {
  const std::string kind = json.at("kind");
  const bool has_convolutions = kind == "cnn";
  require(kind == "mlp" || has_convolutions,
          "a network of kind '" + kind + "', which this version does not know");
  const auto sizes = json.at("sizes").get<std::vector<std::int64_t>>();
  require(sizes.size() >= 2, "a network needs at least two sizes");
  const std::map<std::string, Tensor> by_name(tensors.begin(), tensors.end());
  const auto find = [&](const std::string& name, const Shape& shape) {
    const auto found = by_name.find(name);
    require(found != by_name.end(), "the tensor " + name + " is missing");
    const Tensor& tensor = found->second;
    require(is_floating(tensor.dtype()) && tensor.shape() == shape,
            name + " is " + std::string(to_string(tensor.dtype())) + " " + to_string(tensor.shape()) +
                "; it must be floating, and " + to_string(shape));
    return Parameter(tensor, name);
  };
  std::vector<Linear> layers;
  for (std::size_t i = 1; i < sizes.size(); ++i) {
    const std::string name = "layer" + std::to_string(i);
    layers.emplace_back(find(name + ".weight", {sizes[i], sizes[i - 1]}), find(name + ".bias", {sizes[i]}));
  }
  if (!has_convolutions) return Mlp(std::move(layers));
  const auto image = json.at("image").get<std::vector<std::int64_t>>();
  const auto channels = json.at("channels").get<std::vector<std::int64_t>>();
  const std::int64_t kernel = json.at("kernel");
  constexpr std::int64_t most = 1 << 20;
  const auto is_size = [](std::int64_t size) { return size > 0 && size <= most; };
  require(image.size() == 3 && std::all_of(image.begin(), image.end(), is_size) && is_size(kernel),
          "an image needs three sizes, and a kernel one");
  std::vector<Conv2d> convolutions;
  for (std::size_t i = 0; i < channels.size(); ++i) {
    const std::string name = "conv" + std::to_string(i + 1);
    const std::int64_t before = i == 0 ? image[0] : channels[i - 1];
    const Parameter weight = find(name + ".weight", {channels[i], before, kernel, kernel});
    Generator unused;
    Conv2d convolution(1, 1, 1, unused, {.padding = kernel / 2}, Bias::none, weight.dtype());
    convolution.weight = weight;
    convolution.bias = find(name + ".bias", {channels[i]});
    convolutions.push_back(std::move(convolution));
  }
  return {{image[0], image[1], image[2]}, std::move(convolutions), Mlp(std::move(layers))};
}

Json to_json(const TableNetwork& network) {
  Json json = {{"kind", network.image().is_empty() ? "mlp" : "cnn"}};
  if (const ImageShape& image = network.image(); !image.is_empty()) {
    json["image"] = {image.channels, image.height, image.width};
    json["channels"] = Json::array();
    for (const Conv2d& each : network.convolutions()) json["channels"].push_back(each.weight.shape()[0]);
    json["kernel"] = network.convolutions().front().weight.shape()[2];
  }
  json["sizes"] = {network.layers().front().weight().shape()[1]};
  for (const Linear& layer : network.layers()) json["sizes"].push_back(layer.bias().shape()[0]);
  return json;
}

}  // namespace

Model detail::model_of(const std::string& description, const NamedTensors& parameters) {
  const Json json = Json::parse(description);
  const int version = json.at("version");
  require(version == format_version, "a model in version " + std::to_string(version) +
                                         " of its format; this program knows version " +
                                         std::to_string(format_version));
  Model model{encoder_from(json), network_from(json.at("network"), parameters)};
  const std::int64_t taken = model.network.inputs(), given = model.network.outputs();
  const std::int64_t outputs = model.encoder.outputs();
  require(taken == model.encoder.width() && given == outputs,
          "the network has " + std::to_string(taken) + " inputs and " + std::to_string(given) +
              " outputs, the columns " + std::to_string(model.encoder.width()) + " and " +
              std::to_string(outputs));
  return model;
}

Tensor Model::operator()(const Table& table) const {
  const NoGrad guard;
  const Tensor outputs = network.predict(cast(encoder.inputs(table), network.dtype()));
  if (encoder.target().task() == Task::classification) return softmax(outputs);
  return encoder.as_given(encoder.outputs() > 1 ? outputs : reshape(outputs, {table.rows()}));
}

std::vector<std::string> Model::predict(const Table& table) const {
  const Tensor outputs = (*this)(table);
  std::vector<std::string> texts;
  if (encoder.target().task() == Task::classification) {
    for (const std::int64_t place : predicted_classes(outputs).to_vector<std::int64_t>())
      texts.push_back(encoder.target().classes[static_cast<std::size_t>(place)]);
  } else {
    const std::int64_t count = encoder.outputs();
    const Tensor rows = reshape(outputs, {table.rows(), count});
    for (std::int64_t row = 0; row < table.rows(); ++row) {
      std::string text;
      for (std::int64_t i = 0; i < count; ++i) text += (i == 0 ? "" : ",") + to_string(rows[{row, i}]);
      texts.push_back(std::move(text));
    }
  }
  return texts;
}

std::string detail::description_of(const Model& model) {
  const TableEncoder& encoder = model.encoder;
  Json json = {{"version", format_version},
               {"chainrule", CHAINRULE_VERSION},
               {"source", encoder.source()},
               {"table_columns", encoder.table_columns()},
               {"has_header", encoder.has_header()},
               {"target", to_json(encoder.target())},
               {"inputs", Json::array()},
               {"network", to_json(model.network)}};
  if (encoder.decimal() != '.') json["decimal"] = std::string(1, encoder.decimal());
  for (std::size_t i = 1; i < encoder.all_targets().size(); ++i)
    json["more_targets"].push_back(to_json(encoder.all_targets()[i]));
  for (const InputColumn& column : encoder.columns()) json["inputs"].push_back(to_json(column));
  // Names and categories may be any bytes, JSON is UTF-8.
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

NamedTensors detail::parameters_of(const Model& model) {
  NamedTensors tensors;
  const std::vector<Conv2d>& convolutions = model.network.convolutions();
  for (std::size_t i = 0; i < convolutions.size(); ++i) {
    const std::string name = "conv" + std::to_string(i + 1);
    tensors.emplace_back(name + ".weight", convolutions[i].weight);
    tensors.emplace_back(name + ".bias", *convolutions[i].bias);
  }
  for (std::size_t i = 0; i < model.network.layers().size(); ++i) {
    const std::string name = "layer" + std::to_string(i + 1);
    tensors.emplace_back(name + ".weight", model.network.layers()[i].weight());
    tensors.emplace_back(name + ".bias", model.network.layers()[i].bias());
  }
  return tensors;
}

std::string detail::checksum_of(const std::string& text, const NamedTensors& tensors) {
  std::uint64_t sum = hash_of(text.data(), text.size());
  for (const auto& [name, tensor] : tensors) {
    const std::string title = name + ' ' + std::string(to_string(tensor.dtype())) + to_string(tensor.shape());
    const std::string_view bytes = bytes_of(tensor);
    sum += hash_of(bytes.data(), bytes.size(), hash_of(title.data(), title.size()));
  }
  return std::to_string(sum);
}

void detail::require_checksum(const std::string& path, const Safetensors& file,
                              const std::string& text_entry) {
  const auto found = file.metadata.find(checksum_entry);
  if (found != file.metadata.end() &&
      found->second != checksum_of(file.metadata.at(text_entry), file.tensors))
    fail_on(
        path,
        "it is damaged: its checksum is another one; where a program has changed it on purpose, remove '" +
            std::string(checksum_entry) + "' from its metadata");
}

void save_model(const std::string& path, const Model& model) {
  const NamedTensors parameters = detail::parameters_of(model);
  const std::string description = detail::description_of(model);
  save_safetensors(
      path, parameters,
      {{entry, description}, {detail::checksum_entry, detail::checksum_of(description, parameters)}});
}

Model load_model(const std::string& path) {
  const Safetensors file = load_safetensors(path);
  try {
    const auto found = file.metadata.find(entry);
    require(found != file.metadata.end(), "a safetensors file, but not a model of chainrule's");
    Model model = detail::model_of(found->second, file.tensors);
    detail::require_checksum(path, file, entry);
    return model;
  } catch (const Json::exception& error) {
    fail_on(path,
            "what it says about the model is damaged: " + std::string(detail::json_message(error.what())));
  } catch (const std::invalid_argument& error) {
    fail_on(path, error.what());
  }
}

}  // namespace chainrule
