// The public face of writing models, and networks that predict from tables as functions of tensors. A table's
// encoder becomes operations, too, so that the file takes the columns as they are.

#include <limits>
#include <nlohmann/json.hpp>

#include "chainrule/autograd.h"
#include "chainrule/detail/json_message.h"
#include "chainrule/io.h"
#include "chainrule/ops.h"
#include "onnx/exporter.h"

namespace chainrule::onnx {
namespace {

constexpr const char* description = "chainrule.model";

/// x (samples, columns) as TableEncoder::inputs() makes it of cells; a gap is NaN.
Tensor encoded(const Tensor& x, const std::vector<InputColumn>& columns) {
  std::vector<Tensor> parts;
  for (std::size_t first = 0; first < columns.size();) {
    std::size_t last = first + 1;
    if (columns[first].is_number())
      while (last < columns.size() && columns[last].is_number()) ++last;
    std::vector<double> fill, mean, deviation;
    for (std::size_t i = first; i < last; ++i) {
      fill.push_back(columns[i].fill);
      mean.push_back(columns[i].mean);
      deviation.push_back(columns[i].deviation);
    }
    const auto row = [&](const std::vector<double>& numbers) { return cast(tensor(numbers), x.dtype()); };
    const auto centred = [&](const Tensor& numbers) {
      const Tensor coarse = row(mean), rest = tensor(mean) - cast(coarse, DType::float64);
      // In float32 the mean of years is half an hour off; what is left of it is taken off afterwards.
      constexpr double negligible = 1e-7;
      const Tensor moved = numbers - coarse;
      return all(abs(rest) <= negligible * tensor(deviation)).item<bool>() ? moved
                                                                           : moved - cast(rest, x.dtype());
    };
    const Tensor cells =
                     x[{Slice{}, Slice{static_cast<std::int64_t>(first), static_cast<std::int64_t>(last)}}],
                 filled = where(cells == cells, cells, row(fill));
    parts.push_back(columns[first].is_number()
                        ? centred(filled) / row(deviation)
                        : cast(filled == cast(arange(0, columns[first].width()), x.dtype()), x.dtype()));
    first = last;
  }
  return parts.size() == 1 ? parts[0] : concatenate(parts, 1);
}

}  // namespace

namespace detail {

std::string bytes_of(const NamedTensors& state, const TracedFunction& function,
                     const std::vector<Tensor>& examples, const SaveOptions& options) {
  if (options.opset < 13 || options.opset > 17)
    throw std::invalid_argument("onnx::save: opset " + std::to_string(options.opset) +
                                " cannot be written; choose one from 13 to 17");
  const Traced traced = trace(function, examples, options.batch_axis);
  return write_model(Exporter(traced, state, options).run());
}

}  // namespace detail

std::string serialize(const chainrule::Model& model, const SaveOptions& options) {
  using Json = nlohmann::ordered_json;
  const auto text = [](const Json& json) {
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
  };
  const std::vector<InputColumn>& columns = model.encoder.columns();
  const TargetColumn& target = model.encoder.target();
  SaveOptions all{.opset = options.opset, .metadata = options.metadata};
  Json listed = Json::array();
  for (const InputColumn& column : columns) {
    listed.push_back({{"name", column.title()}});
    if (!column.is_number()) listed.back()["categories"] = column.categories;
  }
  all.metadata["chainrule.columns"] = text(listed);
  if (target.task() == Task::classification) all.metadata["chainrule.classes"] = text(target.classes);
  all.metadata["chainrule.target"] = model.encoder.target_names();
  all.metadata[description] = chainrule::detail::description_of(model);

  const NamedTensors state = chainrule::detail::parameters_of(model);
  const auto predict = [&](const std::vector<Tensor>& x) {
    const Tensor outputs = model.network(encoded(x[0], columns));
    return std::vector<Tensor>{target.task() == Task::classification ? softmax(outputs)
                                                                     : model.encoder.as_given(outputs)};
  };
  const DType dtype = model.network.layers().front().weight().dtype();
  return detail::bytes_of(state, predict, {zeros({1, static_cast<std::int64_t>(columns.size())}, dtype)},
                          all);
}

void save(const std::string& path, const chainrule::Model& model, const SaveOptions& options) {
  save_file(path, serialize(model, options));
}

std::optional<chainrule::Model> table_model(const Model& model) {
  const auto found = model.metadata().find(description);
  if (found == model.metadata().end()) return {};
  try {
    return chainrule::detail::model_of(found->second, state_dict(model));
  } catch (const std::exception& error) {
    throw ModelError(model.file() + ": what it says about its table is damaged: " +
                     std::string(chainrule::detail::json_message(error.what())));
  }
}

}  // namespace chainrule::onnx
