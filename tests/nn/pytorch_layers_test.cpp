// Layers with given weights as PyTorch computes them, values and gradients: see tests/reference/nn/make.py
// for where the numbers come from.

#include <cmath>
#include <fstream>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>

#include "chainrule/functions.h"
#include "chainrule/nn.h"
#include "chainrule/shaping.h"
#include "paths.h"
#include "support.h"

namespace chainrule::test {
namespace {

using nlohmann::json;
using Tensors = std::vector<Tensor>;

const std::map<std::string, json>& cases() {
  static const std::map<std::string, json> all = [] {
    std::ifstream in(tests_path("reference/nn/layers.json"));
    std::map<std::string, json> read;
    for (json& each : json::parse(in)) read.emplace(each["case"].get<std::string>(), each);
    return read;
  }();
  return all;
}

/// make.py's numbers.
Tensor filled(const Shape& shape, std::size_t which, DType dtype, double size = 0.6) {
  std::vector<double> numbers;
  for (std::int64_t i = 0; i < shape.size(); ++i)
    numbers.push_back(size * std::sin(1 + 0.7 * static_cast<double>(i) + 1.3 * static_cast<double>(which)));
  return cast(tensor(numbers, shape), dtype);
}

/// make.py's state, under PyTorch's names and in its shapes.
NamedTensors state_of(const json& one) {
  NamedTensors state;
  for (const json& entry : one["state"]) {
    const auto name = entry[0].get<std::string>();
    Tensor value = filled(Shape(entry[1].get<std::vector<std::int64_t>>()), state.size(), DType::float64);
    if (name.ends_with("num_batches_tracked")) value = tensor(3);
    if (name.ends_with("running_var")) value = 1 + value;
    state.emplace_back(name, value);
  }
  return state;
}

template <class M>
void follow(const json& one, M module, DType dtype,
            const std::function<Tensor(const M&, const Tensors&)>& call) {
  const double tolerance = dtype == DType::float64 ? 1e-11 : 2e-4;
  module = to(module, dtype);
  if constexpr (detail::Structure<M>) load_state_dict(module, state_of(one));
  Tensors x;
  for (const json& shape : one["inputs"])
    x.push_back(one["case"] == "embedding" ? tensor({{0, 1, 3}, {3, 3, 1}})
                                           : variable(filled(Shape(shape.get<std::vector<std::int64_t>>()),
                                                             10 + x.size(), dtype, 1.2)));
  const Tensor y = call(module, x);
  EXPECT_EQ(y.dtype(), dtype);
  EXPECT_EQ(y.shape(), Shape(one["shape"].get<std::vector<std::int64_t>>()));
  const auto expect = [&](const Tensor& actual, const json& expected) {
    EXPECT_TRUE(close(actual, expected.get<std::vector<double>>(), tolerance));
  };
  expect(y, one["y"]);
  sum(square(y)).backward();
  for (std::size_t i = 0; i < one["gradients_of_inputs"].size(); ++i)
    expect(x[i].grad(), one["gradients_of_inputs"][i]);
  const NamedParameters parameters = named_parameters(module);
  EXPECT_EQ(parameters.size(), one["gradients"].size());
  for (const auto& [name, parameter] : parameters) {
    SCOPED_TRACE(name);
    expect(parameter.grad(), one["gradients"].at(name));
  }
  std::size_t buffers = 0;
  for (const auto& [name, buffer] : named_buffers(module)) {
    if (!buffer.is_persistent()) continue;
    SCOPED_TRACE(name);
    ++buffers;
    expect(buffer.value(), one["buffers"].at(name));
  }
  EXPECT_EQ(buffers, one["buffers"].size());
}

/// What a recurrent network gives, in one vector.
Tensor in_one(const Recurrent& given) {
  Tensors parts = {flatten(given.output), flatten(given.h)};
  if (!given.c.is_empty()) parts.push_back(flatten(given.c));
  return concatenate(parts);
}

template <class M>
Tensor first(const M& module, const Tensors& x) {
  return module(x[0]);
}
template <class M>
Tensor last(const M& module, const Tensors& x) {
  return in_one(module(x[0]));
}

class Layers {
 public:
  explicit Layers(DType dtype) : dtype_(dtype) {}
  ~Layers() {
    for (const auto& [name, one] : cases()) EXPECT_TRUE(seen_.contains(name)) << "no test follows " << name;
  }
  Layers(const Layers&) = delete;
  Layers& operator=(const Layers&) = delete;

  template <class M>
  void operator()(const std::string& name, M module,
                  const std::function<Tensor(const M&, const Tensors&)>& call = first<M>) {
    SCOPED_TRACE(name);
    seen_[name] = true;
    follow<M>(cases().at(name), std::move(module), dtype_, call);
  }

 private:
  DType dtype_;
  std::map<std::string, bool> seen_;
};

TransformerOptions small(bool norm_first = false) {
  return {.feedforward = 5, .dropout = 0, .norm_first = norm_first};
}

void follow_all(DType dtype) {
  Generator g;
  Layers layers(dtype);
  layers("linear", Linear(3, 2, g));
  layers("linear without bias", Linear(3, 2, g, Bias::none));

  layers("conv1d", Conv1d(2, 3, 3, g, {.padding = 1}));
  layers("conv2d", Conv2d(2, 4, {3, 2}, g, {.stride = 2, .padding = 1, .groups = 2}));
  layers("conv2d without bias", Conv2d(2, 1, 2, g, {.dilation = 2}, Bias::none));
  layers("conv3d", Conv3d(1, 2, 2, g));
  layers("conv_transpose1d", ConvTranspose1d(2, 3, 3, g, {.stride = 2, .output_padding = 1}));
  layers("conv_transpose2d", ConvTranspose2d(4, 2, {2, 3}, g, {.padding = 1, .groups = 2}));
  layers("conv_transpose3d", ConvTranspose3d(1, 1, 2, g, {}, Bias::none));
  layers("max_pool2d", Sequential(MaxPool2d(2, {.stride = 1, .padding = 1})));
  layers("avg_pool1d", Sequential(AvgPool1d(2)));
  layers("adaptive_avg_pool2d", Sequential(AdaptiveAvgPool2d(2)));
  layers("adaptive_max_pool3d", Sequential(AdaptiveMaxPool3d(1)));

  BatchNorm evaluated(2);
  eval(evaluated);
  layers("batch_norm", BatchNorm(3));
  layers("batch_norm evaluated", evaluated);
  layers("batch_norm of images", BatchNorm(2, {.eps = 0.1, .momentum = 0.3}));
  layers("batch_norm with a mean over all batches", BatchNorm(2, {.momentum = {}}));
  layers("batch_norm without affine", BatchNorm(2, {.affine = false}));
  layers("layer_norm", LayerNorm({2, 3}));
  layers("layer_norm without affine", LayerNorm(3, {.eps = 0.1, .affine = false}));
  layers("group_norm", GroupNorm(2, 4));

  layers("embedding", Embedding(4, 3, g, 1));
  layers("rnn", Rnn(2, 3, g), {last<Rnn>});
  layers("rnn with relu", Rnn(2, 3, g, {.bias = Bias::none}, true), {last<Rnn>});
  layers("lstm", Lstm(2, 3, g, {.layers = 2, .bidirectional = true}), {last<Lstm>});
  layers("gru", Gru(2, 3, g, {.layers = 2, .batch_first = true}), {last<Gru>});

  layers("multihead_attention", MultiheadAttention(4, 2, g),
         {[](const MultiheadAttention& layer, const Tensors& x) { return layer(x[0], x[1], x[2]); }});
  layers("multihead_attention without bias", MultiheadAttention(4, 2, g, true, Bias::none),
         {[](const MultiheadAttention& layer, const Tensors& x) { return layer(x[0], {.causal = true}); }});
  layers("encoder layer", TransformerEncoderLayer(4, 2, g, small()));
  layers(
      "encoder layer with norm first",
      TransformerEncoderLayer(4, 2, g,
                              {.feedforward = 5,
                               .dropout = 0,
                               .activation = [](const Tensor& x) { return gelu(x); },
                               .batch_first = true,
                               .norm_first = true}),
      {[](const TransformerEncoderLayer& layer, const Tensors& x) { return layer(x[0], {.causal = true}); }});
  layers("decoder layer", TransformerDecoderLayer(4, 2, g, small()),
         {[](const TransformerDecoderLayer& layer, const Tensors& x) {
           return layer(x[0], x[1], {.causal = true});
         }});
  layers("decoder layer with norm first", TransformerDecoderLayer(4, 2, g, small(true)),
         {[](const TransformerDecoderLayer& layer, const Tensors& x) { return layer(x[0], x[1]); }});

  layers("sequential", Sequential(
                           Conv2d(1, 2, 2, g), BatchNorm(2), relu,
                           [](const Tensor& x) { return flatten(x, 1); }, Linear(8, 2, g)));
}

TEST(Layers, give_what_pytorch_gives_in_float64) { follow_all(DType::float64); }
TEST(Layers, give_what_pytorch_gives_in_float32) { follow_all(DType::float32); }

}  // namespace
}  // namespace chainrule::test
