// `chainrule export` and `import`: models of tables to ONNX, and models of ONNX from anywhere. Where
// chainrule::onnx is not built, they say so.

#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "any_model.h"
#include "chainrule/io.h"
#include "command.h"
#include "options.h"
#include "print.h"
#include "text.h"
#include "train.h"
#ifdef CHAINRULE_HAS_ONNX
#include "chainrule/onnx.h"
#endif

namespace chainrule::cli {

namespace {
bool is_onnx(const std::string& path) { return path.ends_with(".onnx"); }
}  // namespace

#ifdef CHAINRULE_HAS_ONNX
namespace {

struct ExchangeOptions {
  std::string model, output;
  std::int64_t opset = 17;
};

std::string describe(const onnx::Port& port) {
  std::string sizes;
  if (port.sizes)
    for (const auto& size : *port.sizes)
      sizes += (sizes.empty() ? "" : ", ") + (size ? std::to_string(*size) : "any");
  return printable(port.name) + " " + port.type + (port.sizes ? " (" + sizes + ")" : "");
}

std::string describe(const onnx::Model& model) {
  const auto producer = model.metadata().find("producer");
  std::string text =
      fmt::format("opset {}{}\n", model.opset(),
                  producer == model.metadata().end() ? "" : ", made by " + printable(producer->second));
  for (const onnx::Port& port : model.inputs()) text += "input " + describe(port) + "\n";
  for (const onnx::Port& port : model.outputs()) text += "output " + describe(port) + "\n";
  text += "operators";
  const char* before = " ";
  for (const auto& [name, count] : model.operator_counts()) {
    text += fmt::format("{}{} {}", before, count, name);
    before = ", ";
  }
  const std::vector<Parameter> parameters = model.parameters();
  std::int64_t numbers = 0;
  for (const Parameter& parameter : parameters) numbers += parameter.shape().size();
  text += fmt::format("\nparameters {} in {} tensors\n", numbers, parameters.size());
  for (const Parameter& parameter : parameters)
    text += fmt::format("  {} {}\n", printable(parameter.name()), to_string(parameter.shape()));
  return text;
}

/// The same for programs; sizes that may be any are null.
std::string as_json(const onnx::Model& model) {
  using Json = nlohmann::ordered_json;
  const auto ports = [](const std::vector<onnx::Port>& all) {
    Json list = Json::array();
    for (const onnx::Port& port : all) {
      Json sizes;
      if (port.sizes) {
        sizes = Json::array();
        for (const auto& size : *port.sizes) sizes.push_back(size ? Json(*size) : Json());
      }
      list.push_back({{"name", port.name}, {"type", port.type}, {"sizes", std::move(sizes)}});
    }
    return list;
  };
  Json json = {{"opset", model.opset()}};
  if (const auto producer = model.metadata().find("producer"); producer != model.metadata().end())
    json["producer"] = producer->second;
  json["inputs"] = ports(model.inputs());
  json["outputs"] = ports(model.outputs());
  json["operators"] = model.operator_counts();
  std::int64_t numbers = 0;
  Json parameters = Json::array();
  for (const Parameter& parameter : model.parameters()) {
    const Shape shape = parameter.shape();
    numbers += shape.size();
    parameters.push_back({{"name", parameter.name()}, {"shape", std::vector(shape.begin(), shape.end())}});
  }
  json["parameters"] = numbers;
  json["tensors"] = std::move(parameters);
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

/// In which dtype its elements are here.
DType dtype_of(const onnx::Port& port) {
  if (port.type == "double") return DType::float64;
  if (port.type == "bool") return DType::boolean;
  return port.type == "float" || port.type == "float16" || port.type == "bfloat16" ? DType::float32
                                                                                   : DType::int64;
}

ForeignModel foreign(const std::string& path, const onnx::Model& model) {
  std::vector<ForeignModel::Input> inputs;
  for (const onnx::Port& port : model.inputs())
    inputs.push_back({port.name, describe(port), dtype_of(port),
                      port.sizes.value_or(std::vector<std::optional<std::int64_t>>(2))});
  std::vector<std::string> outputs;
  for (const onnx::Port& port : model.outputs()) outputs.push_back(port.name);
  return {path, std::move(inputs), std::move(outputs),
          [model](const std::vector<Tensor>& given) { return model(given); }};
}

void export_model(const ExchangeOptions& options) {
  const std::string output =
      options.output.empty() ? options.model.substr(0, options.model.rfind('.')) + ".onnx" : options.output;
  require_writable(output);
  const Model model = load_table_model(options.model);
  const std::string bytes = onnx::serialize(model, {.opset = options.opset});
  const onnx::Model read = onnx::parse(bytes, output);  // as whoever opens it will
  save_file(output, bytes);
  write_output(describe(read) + "written to " + printable(output, 1000) + "\n");
}

void import_model(const ExchangeOptions& options) {
  if (!options.output.empty()) require_writable(options.output);
  const onnx::Model model = onnx::load(options.model);
  const auto of_table = onnx::table_model(model);
  std::string text = describe(model);
  if (of_table)
    text += "predicts " + printable(of_table->encoder.target_names()) +
            " from a table: predict, evaluate, explain and summary take it as it is\n";
  if (!options.output.empty()) {
    if (of_table)
      save_model(options.output, *of_table);
    else
      save_safetensors(options.output, state_dict(model));
    text += std::string(of_table ? "the model" : "its parameters, by name,") + " written to " +
            printable(options.output, 1000) + "\n";
  }
  write_output(text);
}

}  // namespace

AnyModel load_any_model(const std::string& path) {
  if (!is_onnx(path)) return load_model(path);
  const onnx::Model model = onnx::load(path);
  if (auto of_table = onnx::table_model(model)) return *std::move(of_table);
  return foreign(path, model);
}

Model load_table_model(const std::string& path) {
  AnyModel model = load_any_model(path);
  if (auto* of_table = std::get_if<Model>(&model)) return std::move(*of_table);
  throw ParseError(path + ": this is a model of ONNX already, and says nothing of tables");
}

std::optional<ForeignDescription> describe_foreign(const std::string& path) {
  if (!is_onnx(path)) return {};
  const onnx::Model model = onnx::load(path);
  if (onnx::table_model(model)) return {};
  return ForeignDescription{describe(model), as_json(model)};
}

void add_exchange(CLI::App& app) {
  const auto options = std::make_shared<ExchangeOptions>();
  const auto add_output = [&](CLI::App& command, const char* help) {
    command.add_option("-o,--output", options->output, help)->check(file_name())->type_name("FILE");
  };
  CLI::App* command = app.add_subcommand("export", "Write a saved model as a file of ONNX");
  command->add_option("MODEL", options->model, "What `chainrule train --save` wrote")
      ->required()
      ->check(file_name());
  add_output(*command, "The file to write; otherwise the model's name with .onnx");
  add_whole_number<std::int64_t>(*command, "--opset", options->opset, 13, 17,
                                 "The version of ONNX's operators to use");
  command->footer(
      "It takes x (any number of rows, columns): numbers as the table has them, NaN where there is nothing,\n"
      "and of a column of categories the place of the category, from 0. It gives the probability of each\n"
      "class, or the number. The columns with their categories, and the classes, are in the metadata.\n\n"
      "  chainrule export titanic.safetensors -o titanic.onnx");
  command->callback([options] { export_model(*options); });

  command = app.add_subcommand("import", "Show what a model of ONNX is, and take over its parameters");
  command->add_option("MODEL", options->model, "A file of ONNX")->required()->check(file_name());
  add_output(*command,
             "Write a safetensors file: the whole model, if `chainrule export` wrote it, or else its "
             "parameters by name");
  command->footer("  chainrule import resnet18.onnx -o weights.safetensors");
  command->callback([options] { import_model(*options); });
}

#else

Model load_table_model(const std::string& path) {
  if (is_onnx(path))
    throw IoError(path + ": this chainrule was built without models of ONNX; build it with libonnx-dev");
  return load_model(path);
}
AnyModel load_any_model(const std::string& path) { return load_table_model(path); }
std::optional<ForeignDescription> describe_foreign(const std::string&) { return {}; }
void add_exchange(CLI::App&) {}

#endif

ReadOptions reading_for(const AnyModel& model, ReadOptions options) {
  const auto* of_table = std::get_if<Model>(&model);
  if (of_table == nullptr) return options;
  options.usual_decimal = of_table->encoder.decimal();
  if (of_table->encoder.has_header())
    for (const InputColumn& column : of_table->encoder.columns()) options.usual_names.push_back(column.name);
  return options;
}

AnyModel load_any_model(const std::string& path, const std::string& data) {
  const auto is_model = [](const std::string& file) {
    try {
      (void)load_any_model(file);
      return true;
    } catch (const std::exception&) {
      return false;
    }
  };
  try {
    return load_any_model(path);
  } catch (const std::exception&) {
    if (data == "-" || data == path || !is_model(data)) throw;
    throw CommandError(fmt::format("{} is no model, but {} is; give MODEL before DATA", path, data));
  }
}

}  // namespace chainrule::cli
