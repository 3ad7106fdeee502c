// Modules written as models of ONNX: read back they compute the same, for any number of samples, and ONNX's
// checker has nothing against them. With CHAINRULE_ONNX_FILES=FOLDER the models, an input and its output stay
// there as files, for tests/onnx/runtime to show them to another runtime.

#include <cmath>
#include <cstdlib>

#include "chainrule/chainrule.h"
#include "chainrule/onnx.h"
#include "cli/run_tool.h"
#include "onnx/complaint.h"
#include "support.h"

namespace chainrule::test {
namespace {

using onnx::SaveOptions;
using onnx::Unsupported;
using Tensors = std::vector<Tensor>;

Shape with_size(Shape shape, std::int64_t axis, std::int64_t size) {
  shape[static_cast<std::size_t>(axis)] = size;
  return shape;
}

/// Numbers that differ, of a dtype; whole ones from 0 to 3.
Tensor filled(const Shape& shape, DType dtype = DType::float32, double phase = 0) {
  std::vector<double> numbers;
  for (std::int64_t i = 0; i < shape.size(); ++i)
    numbers.push_back(dtype == DType::int64 ? static_cast<double>((i * 7 + i / 3) % 4)
                                            : std::sin(1 + phase + 0.7 * static_cast<double>(i)));
  return cast(tensor(numbers, shape), dtype);
}

void expect_close(const Tensor& actual, const Tensor& expected) {
  ASSERT_EQ(actual.shape(), expected.shape());
  ASSERT_EQ(actual.dtype(), expected.dtype());
  const auto a = actual.to_vector<double>(), b = expected.to_vector<double>();
  for (std::size_t i = 0; i < a.size(); ++i) ASSERT_NEAR(a[i], b[i], 1e-5 * (1 + std::abs(b[i]))) << i;
}

/// Parameters that differ from each other, and statistics that differ from those of the start.
template <class F>
void fill(F& f) {
  if constexpr (detail::Structure<F>) {
    double phase = 0;
    for (const auto& [name, parameter] : named_parameters(f))
      parameter.assign(0.6 * filled(parameter.shape(), parameter.dtype(), ++phase));
    for (const auto& [name, buffer] : named_buffers(f))
      if (is_floating(buffer.value().dtype()))
        buffer.assign(0.5 + square(filled(buffer.value().shape(), buffer.value().dtype(), ++phase)));
    eval(f);
  }
}

void keep(const std::string& name, const std::string& bytes, const Tensors& in, const Tensors& out) {
  const char* const folder = std::getenv("CHAINRULE_ONNX_FILES");
  if (folder == nullptr) return;
  const std::string path = std::string(folder) + "/" + name;
  save_file(path + ".onnx", bytes);
  for (std::size_t i = 0; i < in.size(); ++i) save_npy(path + ".in" + std::to_string(i) + ".npy", in[i]);
  for (std::size_t i = 0; i < out.size(); ++i) save_npy(path + ".out" + std::to_string(i) + ".npy", out[i]);
}

template <class F>
Tensors results_of(const F& f, const Tensors& x) {
  if constexpr (std::is_invocable_v<const F&, const Tensor&>)
    return onnx::detail::as_list(f(x[0]));
  else
    return onnx::detail::as_list(f(x));
}

/// Several examples, each with its dtype.
template <class F>
void agree(const std::string& name, F f, const Tensors& examples, SaveOptions options = {}) {
  SCOPED_TRACE(name);
  fill(f);
  for (const std::int64_t opset : {13, 17}) {
    options.opset = opset;
    const std::string bytes = onnx::serialize(f, examples, options);
    EXPECT_EQ(complaint_about(bytes), "");
    const onnx::Model model = onnx::parse(bytes, name);
    EXPECT_EQ(model.opset(), opset);
    for (const std::int64_t samples : {1, 3, 17}) {
      Tensors x;
      for (const Tensor& example : examples)
        x.push_back(filled(with_size(example.shape(), options.batch_axis, samples), example.dtype(),
                           static_cast<double>(x.size())));
      const Tensors expected = results_of(f, x), actual = model(x);
      ASSERT_EQ(actual.size(), expected.size());
      for (std::size_t i = 0; i < actual.size(); ++i) expect_close(actual[i], expected[i]);
      if (samples == 3) keep(name + "_opset" + std::to_string(opset), bytes, x, expected);
    }
  }
}
template <class F>
void agree(const std::string& name, const F& f, const Shape& example, SaveOptions options = {}) {
  agree(name, f, Tensors{filled(example)}, std::move(options));
}

Tensors all_of(const Recurrent& given) {
  Tensors list = {given.output, given.h};
  if (!given.c.is_empty()) list.push_back(given.c);
  return list;
}

constexpr DType f32 = DType::float32;

TEST(OnnxSave, writes_layers_of_products) {
  Generator g;
  agree("linear", Linear(3, 2, g, "linear", f32), Shape{1, 3});
  agree("linear_of_sequences", Linear(3, 2, g, Bias::none, "linear", f32), Shape{1, 4, 3});
  agree("mlp", Mlp({3, 4, 2}, g, f32), Shape{2, 3});
  agree("embedding", Embedding(4, 3, g, {}, f32), {filled({1, 3}, DType::int64)});
  agree("embedding_with_padding", Embedding(4, 3, g, 1, f32), {filled({2, 3}, DType::int64)});
}

TEST(OnnxSave, writes_convolutions_and_pools) {
  Generator g;
  agree("conv1d", Conv1d(2, 3, 3, g, {.padding = 1}, Bias::learned, f32), Shape{1, 2, 4});
  agree("conv2d", Conv2d(2, 4, {3, 2}, g, {.stride = 2, .padding = 1, .groups = 2}, Bias::learned, f32),
        Shape{1, 2, 6, 5});
  agree("conv3d", Conv3d(1, 2, 2, g, {.dilation = 2}, Bias::none, f32), Shape{1, 1, 3, 4, 3});
  agree("conv_transpose1d",
        ConvTranspose1d(2, 3, 3, g, {.stride = 2, .output_padding = 1}, Bias::learned, f32), Shape{1, 2, 3});
  agree("conv_transpose2d", ConvTranspose2d(4, 2, {2, 3}, g, {.padding = 1, .groups = 2}, Bias::none, f32),
        Shape{1, 4, 3, 3});
  agree("max_pool2d", Sequential(MaxPool2d(3, {.stride = 2, .padding = 1})), Shape{1, 2, 6, 7});
  agree("max_pool1d_with_ceil", Sequential(MaxPool1d(3, {.stride = 2, .ceil_mode = true})), Shape{1, 2, 6});
  agree("max_pool2d_of_one_window", Sequential(MaxPool2d(2)), Shape{1, 2, 3, 5});
  agree("max_pool2d_with_a_remainder", Sequential(MaxPool2d(2, {.stride = 4})), Shape{1, 1, 3, 9});
  agree("avg_pool2d", Sequential(AvgPool2d(2, {.padding = 1})), Shape{1, 2, 4, 6});
  agree("avg_pool3d", Sequential(AvgPool3d(2)), Shape{1, 1, 2, 4, 4});
  agree("adaptive_avg_pool2d", Sequential(AdaptiveAvgPool2d(2)), Shape{1, 2, 3, 5});
  agree("adaptive_max_pool3d", Sequential(AdaptiveMaxPool3d(1)), Shape{1, 2, 2, 3, 3});
  agree("network",
        Sequential(
            Conv2d(1, 2, 2, g, {}, Bias::learned, f32), BatchNorm(2, {}, f32), relu, MaxPool2d(2),
            Dropout(0.5, g), [](const Tensor& x) { return flatten(x, 1); }, Linear(8, 2, g, "", f32)),
        Shape{1, 1, 5, 5});
}

TEST(OnnxSave, writes_normalisations) {
  agree("batch_norm", BatchNorm(3, {}, f32), Shape{1, 3, 2, 2});
  agree("batch_norm_without_affine", BatchNorm(2, {.affine = false}, f32), Shape{1, 2});
  agree("layer_norm", LayerNorm({2, 3}, {}, f32), Shape{1, 2, 3});
  agree("layer_norm_without_affine", LayerNorm(3, {.eps = 0.1, .affine = false}, f32), Shape{1, 2, 3});
  agree("group_norm", GroupNorm(2, 4, {}, f32), Shape{1, 4, 3});
  agree("rms_norm", RmsNorm(3, {}, f32), Shape{1, 3});
}

TEST(OnnxSave, writes_images_read_at_the_points_of_a_grid) {
  for (const GridSampleOptions& options :
       {GridSampleOptions{},
        GridSampleOptions{.mode = Interpolation::nearest, .padding = GridPadding::border},
        GridSampleOptions{
            .mode = Interpolation::cubic, .padding = GridPadding::reflection, .align_corners = true}}) {
    const auto sampled = [=](const Tensors& x) { return grid_sample(x[0], x[1], options); };
    const auto expect_alike = [&](const Tensors& one, const Tensors& more) {
      const std::string bytes = onnx::serialize(sampled, one);
      EXPECT_EQ(complaint_about(bytes), "");
      expect_close(onnx::parse(bytes)(more).at(0), sampled(more));
      EXPECT_NE(bytes.find("GridSample"), std::string::npos);
    };
    const Tensors x = {filled({3, 2, 4, 5}), filled({3, 2, 3, 2}, f32, 1)};
    expect_alike({filled({1, 2, 4, 5}), filled({1, 2, 3, 2})}, x);
    expect_alike({filled({1, 2, 5}), filled({1, 4, 1})}, {filled({3, 2, 5}), filled({3, 4, 1}, f32, 1)});
    EXPECT_TRUE(mentions(message_of<Unsupported>([&] { (void)onnx::serialize(sampled, x, {.opset = 13}); }),
                         {"sample_planes", "opset 16"}));
    const Tensors volumes = {filled({1, 2, 2, 4, 5}), filled({1, 2, 3, 1, 3})};
    EXPECT_TRUE(mentions(message_of<Unsupported>([&] { (void)onnx::serialize(sampled, volumes); }),
                         {"sample_planes", "one or two spatial axes"}));
  }
}

TEST(OnnxSave, writes_recurrent_layers_and_attention) {
  Generator g;
  const auto recurrent = [&](const std::string& name, auto layer, bool batch_first = false) {
    fill(layer);
    const auto run = [layer](const Tensor& x) { return all_of(layer(x)); };
    agree(name, run, batch_first ? Shape{1, 3, 2} : Shape{3, 1, 2}, {.batch_axis = batch_first ? 0 : 1});
  };
  recurrent("rnn", Rnn(2, 3, g, {}, false, f32));
  recurrent("lstm", Lstm(2, 3, g, {.layers = 2, .bidirectional = true}, f32));
  recurrent("gru", Gru(2, 3, g, {.batch_first = true}, f32), true);
  MultiheadAttention attention(4, 2, g, true, Bias::learned, f32);
  fill(attention);
  agree("attention", [attention](const Tensors& x) { return attention(x[0], x[1], x[2]); },
        {filled({1, 2, 4}), filled({1, 3, 4}), filled({1, 3, 4})});
  agree(
      "causal_attention", [attention](const Tensor& x) { return attention(x, {.causal = true}); },
      Shape{1, 3, 4});
  agree("encoder_layer", TransformerEncoderLayer(4, 2, g, {.feedforward = 5, .batch_first = true}, f32),
        Shape{1, 3, 4});
  TransformerDecoderLayer decoder(4, 2, g, {.feedforward = 5, .norm_first = true}, f32);
  fill(decoder);
  agree("decoder_layer", [decoder](const Tensors& x) { return decoder(x[0], x[1], {.causal = true}); },
        {filled({2, 1, 4}), filled({3, 1, 4})}, {.batch_axis = 1});
}

TEST(OnnxSave, writes_functions) {
  agree(
      "activations",
      [](const Tensor& x) {
        return Tensors{gelu(x),
                       silu(x),
                       softplus(x),
                       leaky_relu(x, 0.1),
                       hardshrink(x),
                       softshrink(x, 0.25),
                       tanhshrink(x),
                       threshold(x, 0.25, 2),
                       relu6(4 * x),
                       elu(x),
                       tanh(x),
                       softsign(x),
                       clamp(x, -0.5, 0.5),
                       sigmoid(x),
                       log1p(abs(x)),
                       expm1(x),
                       exp2(x),
                       log_softmax(x, 1),
                       hardtanh(x),
                       relu6(x),
                       hardsigmoid(x),
                       hardswish(2 * x),
                       celu(x, 2),
                       selu(x),
                       prelu(x, 0.2),
                       nan_to_num(x),
                       round(x, 2),
                       heaviside(x, 0.5),
                       rsqrt(abs(x)),
                       softsign(x)};
      },
      Shape{1, 3});
  agree(
      "reductions",
      [](const Tensor& x) {
        return Tensors{sum(x, 1),  mean(x, {1, 2}, true), max(x, -1),   min(x, 1),     prod(x, 2),
                       norm(x, 1), logsumexp(x, {1, 2}),  cumsum(x, 1), softmax(x, 1), sum(x)};
      },
      Shape{1, 2, 3});
  agree(
      "shapes",
      [](const Tensor& x) {
        const std::int64_t n = x.shape()[0];
        return Tensors{transpose(x),
                       reshape(x, {n * 2, 3}),
                       reshape(x, {n, 3, 2}),
                       x[{Slice{}, Slice{.stop = {}, .step = -1}, 1}],
                       x[{Slice{.stop = -1}, 0}],
                       broadcast_to(x[{Slice{}, Slice{}, Slice{0, 1}}], {n, 2, 4}),
                       concatenate({x, zeros({n, 1, 3}, f32)}, 1),
                       stack({x, x * static_cast<double>(n)}, 0),
                       where(x > 0, x, -1) / static_cast<double>(n),
                       cast(x < 0.25, f32),
                       pad(x, {1, 2}),
                       unfold(x, 2, 2, 1),
                       embedding_bag(x[{0}], {{0, 1, 1}}, {.padding = 0}),
                       put(x, {2, 0}, x[{Slice{}, Slice{}, Slice{1, 3}}] * 2, 2),
                       smooth_l1_loss(x, ones_like(x), 0.5, Reduction::none),
                       binary_cross_entropy_with_logits(x, ones_like(x) * 0.25, 3, Reduction::none)};
      },
      Shape{1, 2, 3});
}

TEST(OnnxSave, keeps_names_and_texts) {
  Generator g;
  const Sequential network(Linear(3, 4, g), relu, Linear(4, 2, g, Bias::none));
  const onnx::Model model = onnx::parse(onnx::serialize(
      network, {zeros({1, 3})}, {.inputs = {"pixels"}, .outputs = {"scores"}, .metadata = {{"a", "b"}}}));
  EXPECT_EQ(model.inputs().at(0).name, "pixels");
  EXPECT_EQ(model.outputs().at(0).name, "scores");
  EXPECT_EQ(model.metadata().at("a"), "b");
  EXPECT_EQ(model.metadata().at("producer"), "chainrule");
  NamedTensors state = state_dict(model);
  std::vector<std::string> names;
  for (const auto& [name, value] : state) names.push_back(name);
  EXPECT_EQ(names, (std::vector<std::string>{"0.weight", "0.bias", "2.weight"}));
  load_state_dict(network, state);  // the same names and shapes
}

TEST(OnnxSave, a_model_that_was_read_is_tuned_further) {
  Generator g;
  const Sequential network(
      Linear(2, 8, g), [](const Tensor& x) { return tanh(x); }, Linear(8, 1, g));
  const onnx::Model model = onnx::parse(onnx::serialize(network, {zeros({1, 2})}));
  const Tensor x = filled({6, 2}, DType::float64), y = sum(square(x), 1, true);
  const Tensor before = model({x})[0];
  Adam adam(parameters(model), {.learning_rate = 0.05});
  const auto loss = [&] { return mse_loss(model({x})[0], y); };
  const double first = loss().item();
  for (int step = 0; step < 100; ++step) {
    loss().backward();
    adam.step();
  }
  EXPECT_LT(loss().item(), 0.05 * first);
  // What was learned goes back into the network by name, and the network did not change before.
  expect_close(network(x), before);
  load_state_dict(network, state_dict(model));
  expect_close(network(x), model({x})[0]);
  // As every module, it can be cloned and differentiated as one argument.
  const onnx::Model slopes = grad([&](const onnx::Model& m) { return mse_loss(m({x})[0], y); })(model);
  EXPECT_EQ(slopes.parameter("0.weight").shape(), Shape({8, 2}));
}

TEST(OnnxSave, refuses_what_it_cannot_write_by_name) {
  const auto refusal = [](const auto& f, const SaveOptions& options = {}) {
    return message_of<Unsupported>([&] { (void)onnx::serialize(f, {filled({1, 3})}, options); });
  };
  const auto misuse = [](const auto& f, const Tensors& examples, const SaveOptions& options = {}) {
    return message_of<std::invalid_argument>([&] { (void)onnx::serialize(f, examples, options); });
  };
  EXPECT_TRUE(mentions(refusal([](const Tensor& x) {
                         const Scope scope("head");
                         return lgamma(x);
                       }),
                       {"onnx::save: lgamma in 'head' at save_test.cpp:", "ONNX has no operator"}));
  Generator g;
  EXPECT_TRUE(mentions(refusal([&](const Tensor& x) { return x * rand(x.shape(), g); }),
                       {"mul at save_test.cpp:", "a constant of shape (5, 3)", "random", "eval()"}));
  EXPECT_TRUE(mentions(refusal([&](const Tensor& x) { return x * x[0][0].item(); }),
                       {"mul", "outside of the graph"}));
  EXPECT_TRUE(mentions(refusal([&](const Tensor& x) { return flatten(outer(sum(x, 1), sum(x, 1))); }),
                       {"(25,)", "not a multiple of the number of samples"}));
  EXPECT_TRUE(
      mentions(misuse([](const Tensor& x) { return x.shape()[0] > 6 ? relu(x) : tanh(x); }, {filled({1, 3})}),
               {"computes tanh of shape (5, 3) for 5 samples where it computes relu"}));
  EXPECT_TRUE(mentions(misuse(relu, {filled({1, 3})}, {.opset = 18}), {"opset 18", "13 to 17"}));
  EXPECT_TRUE(
      mentions(misuse(relu, {filled({1, 3})}, {.batch_axis = 2}), {"(1, 3)", "axis 2", "batch_axis"}));
  EXPECT_TRUE(mentions(misuse(relu, {filled({0, 3})}), {"(0, 3)", "no samples"}));
  EXPECT_TRUE(mentions(misuse(relu, {}), {"no example"}));
  EXPECT_TRUE(mentions(misuse(relu, {filled({1, 3})}, {.inputs = {"a", "b"}}), {"2 names", "1 inputs"}));
}

TEST(OnnxSave, writes_what_predicts_from_tables) {
  const TemporaryFile file("age,town,height,ill\n1,a,3.5,no\n2,b,,yes\n,a,1,no\n4,c,2,yes\n", ".csv");
  const Table table = read_table(file.path());
  const std::vector<std::int64_t> rows = {0, 1, 2, 3};
  Generator g;
  for (const std::size_t target : {3, 2}) {
    const TableEncoder encoder(table, {.target = target}, target == 3 ? rows : rows_with(table, target));
    const auto classes = static_cast<std::int64_t>(encoder.target().classes.size());
    const chainrule::Model model{encoder,
                                 Mlp({encoder.width(), 4, std::max<std::int64_t>(1, classes)}, g, f32)};
    const std::string bytes = onnx::serialize(model);
    EXPECT_EQ(complaint_about(bytes), "");
    const onnx::Model read = onnx::parse(bytes, "m.onnx");
    const double gap = std::nan("");
    const Tensor x = cast(target == 3 ? tensor({{1, 0, 3.5}, {2, 1, gap}, {gap, 0, 1}, {4, 2, 2}})
                                      : tensor({{1.0, 0, 0}, {2, 9, 1}, {gap, 0, 0}, {4, 1, 1}}),
                          f32);
    expect_close(reshape(read({x})[0], model(table).shape()), model(table));
    keep(target == 3 ? "table_of_classes" : "table_of_numbers", bytes, {x}, read({x}));
    EXPECT_EQ(read.parameters().size(), 4U) << "what prepares the inputs is not learned";
    const auto again = onnx::table_model(read);
    ASSERT_TRUE(again.has_value());
    EXPECT_EQ(again->predict(table), model.predict(table));
    EXPECT_EQ(read.metadata().at("chainrule.target"), target == 3 ? "ill" : "height");
    if (target == 3) {
      EXPECT_EQ(read.metadata().at("chainrule.classes"), R"(["no","yes"])");
    }
  }
  EXPECT_FALSE(onnx::table_model(onnx::parse(onnx::serialize(relu, {zeros({1, 2})}))).has_value());
  const std::string damaged =
      onnx::serialize(relu, {zeros({1, 2})}, {.metadata = {{"chainrule.model", "{"}}});
  const std::string said =
      message_of<onnx::ModelError>([&] { (void)onnx::table_model(onnx::parse(damaged, "m.onnx")); });
  EXPECT_TRUE(said.starts_with("m.onnx: what it says about its table is damaged: parse error")) << said;
}

TEST(OnnxSave, keeps_the_digits_of_large_numbers_that_are_close_together) {
  const TemporaryFile file("year,rose\n2019,no\n2020,no\n2020,yes\n2021,yes\n2021,no\n2022,yes\n2022,no\n",
                           ".csv");
  const Table table = read_table(file.path());
  const TableEncoder encoder(table, {.target = 1}, rows_with(table, 1));
  Generator g;
  const chainrule::Model model{encoder, Mlp({encoder.width(), 2}, g, f32)};
  const Tensor x = cast(reshape(tensor(table.columns[0].numbers), {table.rows(), 1}), f32),
               actual = onnx::parse(onnx::serialize(model), "m.onnx")({x})[0];
  EXPECT_LT(max(abs(actual - model(table))).item(), 1e-6);
}

TEST(OnnxSave, by_the_tool_gives_a_model_that_the_tool_takes_back) {
  const TemporaryFolder folder;
  const TemporaryFile data(
      "size,town,big\n1,a,no\n2,b,no\n3,a,no\n7,b,yes\n8,a,yes\n9,b,yes\n1,b,no\n9,a,yes\n");
  const std::string saved = folder.file("m.safetensors"), written = folder.file("m.onnx"),
                    again = folder.file("again.safetensors"), weights = folder.file("w.safetensors");
  ASSERT_EQ(run_tool({"train", data.path(), "--epochs", "3", "--hidden", "4", "--save", saved}).exit_code, 0);
  const ToolResult exported = run_tool({"export", saved, "--opset", "15"});
  EXPECT_EQ(exported.exit_code, 0) << exported.errors;
  EXPECT_TRUE(mentions(exported.output,
                       {"opset 15, made by chainrule", "input x float (any, 2)", "output y float (any, 2)",
                        "2 Gemm", "parameters ", "layer1.weight (4, 3)", "written to " + written}));
  EXPECT_EQ(complaint_about(content_of(written)), "");
  const ToolResult imported = run_tool({"import", written, "-o", again});
  EXPECT_TRUE(mentions(imported.output, {"predicts big from a table", "the model written to " + again}));
  const std::string expected = run_tool({"predict", saved, data.path(), "--proba"}).output;
  EXPECT_NE(expected, "");
  for (const std::string& model : {written, again})
    EXPECT_EQ(run_tool({"predict", model, data.path(), "--proba"}).output, expected);
  EXPECT_EQ(run_tool({"evaluate", written, data.path()}).output,
            run_tool({"evaluate", saved, data.path()}).output);

  // One that somebody else has made.
  Generator g;
  onnx::save(written, Linear(3, 2, g), zeros({1, 3}));
  EXPECT_TRUE(mentions(
      run_tool({"import", written, "-o", weights}).output,
      {"1 Gemm", "parameters 8 in 2 tensors", "  weight (2, 3)", "its parameters, by name, written"}));
  EXPECT_EQ(load_safetensors(weights).tensors.size(), 2U);
  const ToolResult refused = run_tool({"predict", written, data.path()});
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_TRUE(mentions(refused.errors, {written, "takes numbers", "--drop"}));
  EXPECT_TRUE(mentions(run_tool({"import", data.path()}).errors, {data.path(), "not an ONNX model"}));
  EXPECT_TRUE(mentions(run_tool({"export", data.path()}).errors, {data.path()}));
  EXPECT_TRUE(
      mentions(run_tool({"export", saved, "--opset", "18"}).errors, {"--opset '18'", "from 13 to 17"}));
}

}  // namespace
}  // namespace chainrule::test
