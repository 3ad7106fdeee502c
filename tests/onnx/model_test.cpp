// Models as a whole: what they compute, how they are trained, and one clear error for each way in which a
// file or an input may be wrong.

#include <limits>

#include "chainrule/autograd.h"
#include "chainrule/io.h"
#include "chainrule/onnx.h"
#include "chainrule/optim.h"
#include "onnx/model_bytes.h"
#include "paths.h"
#include "support.h"
#include "temporary_files.h"

namespace chainrule::test {
namespace {

namespace ob = onnx_bytes;
using onnx::Model;
using onnx::ModelError;
using onnx::Unsupported;

/// relu(x Wᵀ + b) for x (any, 2): W (3, 2), b (3,).
std::string layer() {
  return ob::model({.nodes = {ob::node("Gemm", {"x", "W", "b"}, {"z"}, {ob::integer("transB", 1)}),
                              ob::node("Relu", {"z"}, {"y"})},
                    .inputs = {ob::port("x", ob::float32, {-1, 2})},
                    .outputs = {ob::port("y", ob::float32, {-1, 3})},
                    .initializers = {ob::floats("W", {3, 2}, {1, -1, 0.5, 2, -3, 1}),
                                     ob::floats("b", {3}, {0.5, -1, 2})}});
}
/// One node, from x of this type and these sizes.
std::string of_node(const Message& node, std::int64_t type = ob::float32,
                    const std::vector<std::int64_t>& sizes = {2},
                    const std::vector<Message>& initializers = {}, std::int64_t opset = 17) {
  return ob::model({.nodes = {node},
                    .inputs = {ob::port("x", type, sizes)},
                    .outputs = {ob::port("y", 0, {})},
                    .initializers = initializers},
                   opset);
}
const Tensor x = tensor({1.F, 2.F});

template <class Error = ModelError>
std::string refusal(const std::string& bytes, const onnx::LoadOptions& options = {}) {
  return message_of<Error>([&] { onnx::parse(bytes, "m.onnx", options); });
}

TEST(OnnxModel, computes_and_is_differentiated_to_inputs_and_initializers) {
  const Model model = onnx::parse(layer());
  ASSERT_EQ(model.inputs().size(), 1U);
  EXPECT_EQ(model.inputs()[0].name, "x");
  EXPECT_EQ(model.inputs()[0].type, "float");
  EXPECT_EQ((*model.inputs()[0].sizes)[1], 2);
  EXPECT_FALSE((*model.inputs()[0].sizes)[0].has_value());
  const Tensor in = variable(tensor({{1.F, 2.F}, {-1.F, 0.5F}}));
  const Tensor y = model({in})[0];
  EXPECT_TRUE(equals(y, {2, 3}, {0, 3.5, 1, 0, 0, 5.5}));
  const Gradients g = gradients(sum(y), {in, model.parameter("W"), model.parameter("b")});
  EXPECT_TRUE(equals(g[in], {2, 2}, {-2.5, 3, -3, 1}));
  EXPECT_TRUE(equals(g[model.parameter("W")], {3, 2}, {0, 0, 1, 2, 0, 2.5}));
  EXPECT_TRUE(equals(g[model.parameter("b")], {3}, {0, 1, 2}));
}

TEST(OnnxModel, is_trained_further) {
  const Model model = onnx::parse(layer()), before = model.clone();
  const Tensor in = tensor({{1.F, 2.F}, {-1.F, 0.5F}}), wanted = tensor({{0.F, 1.F, 2.F}, {0.F, 0.F, 3.F}});
  Sgd optimiser(model.parameters(), {.learning_rate = 0.05});
  const auto loss = [&](const Model& of) { return mse_loss(of({in})[0], wanted); };
  const double first = loss(model).item();
  for (int step = 0; step < 200; ++step) {
    loss(model).backward();
    optimiser.step();
  }
  EXPECT_LT(loss(model).item(), 1e-3 * first);
  EXPECT_EQ(loss(before).item(), first);
}

TEST(OnnxModel, takes_inputs_by_name_and_checks_them) {
  const Model model = onnx::parse(layer(), "m.onnx");
  const Tensor in = tensor({{1.F, 2.F}});
  EXPECT_TRUE(equals(model({{"x", in}}).at("y"), {1, 3}, {0, 3.5, 1}));
  EXPECT_EQ(model({cast(in, DType::float64)})[0].dtype(), DType::float64);
  const auto wrong = [&](const std::map<std::string, Tensor>& inputs) {
    return message_of<ModelError>([&] { model(inputs); });
  };
  EXPECT_TRUE(mentions(wrong({}), {"m.onnx", "no input 'x'"}));
  EXPECT_TRUE(mentions(wrong({{"x", in}, {"z", in}}), {"has no input 'z'"}));
  EXPECT_TRUE(mentions(wrong({{"x", tensor({1.F, 2.F})}}), {"'x'", "(any, 2)", "(2,)"}));
  EXPECT_TRUE(mentions(wrong({{"x", tensor({{1, 2}})}}), {"'x'", "float", "int64"}));
  EXPECT_TRUE(mentions(wrong({{"x", Tensor()}}), {"empty handle"}));
  EXPECT_TRUE(mentions(message_of<ModelError>([&] { model({in, in}); }), {"takes 1 inputs", "given 2"}));
  EXPECT_TRUE(
      mentions(message_of<std::invalid_argument>([&] { model.parameter("V"); }), {"'V'", "there are W, b"}));
}

TEST(OnnxModel, wraps_narrow_integers_around) {
  const std::string bytes = of_node(ob::node("Add", {"x", "x"}, {"y"}), 2, {2});  // uint8
  EXPECT_TRUE(equals(onnx::parse(bytes)({tensor({200, 3})})[0], {2}, {144, 6}));
  EXPECT_TRUE(mentions(message_of<ModelError>([&] {
                         onnx::parse(bytes)({tensor({256, 3})});
                       }),
                       {"'x'", "does not fit uint8"}));
}

TEST(OnnxModel, names_the_node_that_fails) {
  const Model model = onnx::parse(
      of_node(ob::node("MatMul", {"x", "W"}, {"y"}), ob::float32, {2}, {ob::floats("W", {3, 1}, {1, 2, 3})}),
      "m.onnx");
  EXPECT_TRUE(mentions(message_of<ModelError>([&] { model({x}); }),
                       {"m.onnx: node 'node_y' (MatMul): matmul", "(2,)", "(3, 1)"}));
}

TEST(OnnxModel, refuses_attributes_that_it_does_not_know) {
  const Model model =
      onnx::parse(of_node(ob::node("Relu", {"x"}, {"y"}, {ob::integer("slope", 1)})), "m.onnx");
  EXPECT_TRUE(
      mentions(message_of<Unsupported>([&] { model({x}); }), {"m.onnx", "'node_y' (Relu)", "'slope'"}));
  const Model typed = onnx::parse(of_node(ob::node("Elu", {"x"}, {"y"}, {ob::integer("alpha", 1)})));
  EXPECT_TRUE(mentions(message_of<ModelError>([&] { typed({x}); }), {"'alpha' is not a number"}));
}

TEST(OnnxModel, chooses_and_repeats_graphs) {
  const Message doubled = ob::graph(
      {.nodes = {ob::node("Add", {"x", "x"}, {"a"})}, .inputs = {}, .outputs = {ob::port("a", 0, {})}});
  const Message negative =
      ob::graph({.nodes = {ob::node("Neg", {"x"}, {"b"})}, .inputs = {}, .outputs = {ob::port("b", 0, {})}});
  const std::string choice =
      ob::model({.nodes = {ob::node("If", {"c"}, {"y"},
                                    {ob::graph_attribute("then_branch", doubled),
                                     ob::graph_attribute("else_branch", negative)})},
                 .inputs = {ob::port("x", ob::float32, {2}), ob::port("c", ob::boolean, {})},
                 .outputs = {ob::port("y", ob::float32, {2})}});
  const Tensor in = variable(x);
  const Tensor yes = onnx::parse(choice)({in, tensor(true)})[0];
  EXPECT_TRUE(equals(yes, {2}, {2, 4}));
  EXPECT_TRUE(equals(gradients(sum(yes), {in})[in], {2}, {2, 2}));
  EXPECT_TRUE(equals(onnx::parse(choice)({x, tensor(false)})[0], {2}, {-1, -2}));

  const Message body = ob::graph(
      {.nodes = {ob::node("Mul", {"s", "x"}, {"t"}), ob::node("Identity", {"c"}, {"d"})},
       .inputs = {ob::port("i", ob::int64, {}), ob::port("c", ob::boolean, {}), ob::port("s", 0, {})},
       .outputs = {ob::port("d", ob::boolean, {}), ob::port("t", 0, {})}});
  const std::string loop =
      of_node(ob::node("Loop", {"n", "", "x"}, {"y"}, {ob::graph_attribute("body", body)}), ob::float32, {2},
              {ob::int64s("n", {2})});
  const Tensor cubed = onnx::parse(loop)({in})[0];
  EXPECT_TRUE(equals(cubed, {2}, {1, 8}));
  EXPECT_TRUE(equals(gradients(sum(cubed), {in})[in], {2}, {3, 12}));
}

TEST(OnnxModel, may_be_very_deep) {
  constexpr int depth = 100'000;
  std::vector<Message> nodes;
  for (int i = 0; i < depth; ++i)
    nodes.push_back(ob::node("Add", {"v" + std::to_string(i), "one"}, {"v" + std::to_string(i + 1)}));
  const std::string bytes = ob::model({.nodes = nodes,
                                       .inputs = {ob::port("v0", ob::float32, {})},
                                       .outputs = {ob::port("v" + std::to_string(depth), 0, {})},
                                       .initializers = {ob::floats("one", {}, {1})}});
  run_on_stack(std::size_t{256} << 10, [&] {
    const Model model = onnx::parse(bytes);
    const Tensor y = model({tensor(0.F)})[0];
    EXPECT_EQ(y.item(), depth);
    EXPECT_EQ(gradients(y, {model.parameter("one")})[model.parameter("one")].item(), depth);
  });
}

TEST(OnnxModel, refuses_what_is_wrong_with_names_and_order) {
  const Message relu = ob::node("Relu", {"x"}, {"y"});
  EXPECT_TRUE(mentions(refusal(of_node(ob::node("Frobnicate", {"x"}, {"y"}))),
                       {"m.onnx: node 'node_y' (Frobnicate)", "no operator 'Frobnicate'", "operators()"}));
  EXPECT_TRUE(mentions(refusal(of_node(ob::node("Relu", {"w"}, {"y"}))), {"input 'w' is made by no node"}));
  EXPECT_TRUE(mentions(refusal(of_node(ob::node("Relu", {"y"}, {"y"}))),
                       {"input 'y' is made by itself or a later node", "cycle"}));
  const std::vector<Message> in = {ob::port("x", ob::float32, {2})}, out = {ob::port("y", 0, {})};
  EXPECT_TRUE(
      mentions(refusal(ob::model({.nodes = {ob::node("Neg", {"a"}, {"y"}), ob::node("Neg", {"y"}, {"a"})},
                                  .inputs = in,
                                  .outputs = out})),
               {"'node_y' (Neg)", "input 'a'", "cycle"}));
  EXPECT_TRUE(mentions(refusal(ob::model({.nodes = {relu, relu}, .inputs = in, .outputs = out})),
                       {"'y'", "made twice"}));
  EXPECT_TRUE(mentions(refusal(ob::model({.nodes = {}, .inputs = in, .outputs = out})),
                       {"output 'y' is made by no node"}));
  EXPECT_TRUE(mentions(refusal<Unsupported>(of_node(relu, ob::float32, {2}, {}, 5)),
                       {"opset 5", "version_converter"}));
  EXPECT_NO_THROW((void)onnx::parse(of_node(relu, ob::float32, {2}, {}, 6)));  // as it is in opset 7
  EXPECT_TRUE(mentions(refusal<Unsupported>(of_node(relu, ob::float32, {2}, {}, 99)), {"opset 99"}));
  EXPECT_TRUE(mentions(
      refusal(Message().message(7, ob::graph({.nodes = {relu}, .inputs = in, .outputs = out})).bytes()),
      {"imports no opset"}));
  EXPECT_TRUE(mentions(
      refusal(of_node(ob::node("Elu", {"x"}, {"y"}, {ob::integer("alpha", 1), ob::integer("alpha", 2)}))),
      {"several attributes 'alpha'"}));
  EXPECT_TRUE(mentions(refusal<Unsupported>(of_node(ob::node("QuantizeLinear", {"x", "x"}, {"y"}))),
                       {"quantised numbers"}));
  EXPECT_TRUE(mentions(refusal<Unsupported>(of_node(relu, ob::string)), {"'x'", "string"}));
}

TEST(OnnxModel, refuses_tensors_that_are_damaged) {
  const auto with = [](const Message& initializer) {
    return of_node(ob::node("Add", {"x", "W"}, {"y"}), ob::float32, {2}, {initializer});
  };
  const std::int64_t huge = std::int64_t{1} << 40;
  EXPECT_TRUE(mentions(refusal(with(ob::tensor("W", ob::float32, {2}, "1234567"))),
                       {"m.onnx: initializer 'W'", "(2,)", "takes 8 bytes", "are 7"}));
  EXPECT_TRUE(
      mentions(refusal(with(ob::tensor("W", ob::float32, {2}, "123456789"))), {"takes 8 bytes", "are 9"}));
  EXPECT_TRUE(mentions(refusal(with(ob::tensor("W", ob::float32, {huge}, "1234"))),
                       {"would have 1099511627776 elements", "LoadOptions"}));
  EXPECT_TRUE(
      mentions(refusal(with(ob::tensor("W", ob::float32, {huge, huge}, "1234"))), {"initializer 'W'"}));
  EXPECT_TRUE(mentions(refusal(with(ob::tensor("W", ob::float32, {-2}, ""))), {"initializer 'W'", "-2"}));
  EXPECT_TRUE(mentions(refusal(with(ob::tensor("W", 0, {2}, "12345678"))), {"no element type"}));
  EXPECT_TRUE(mentions(refusal<Unsupported>(with(ob::tensor("W", ob::string, {1}, ""))), {"string"}));
  EXPECT_TRUE(mentions(refusal<Unsupported>(with(ob::tensor("W", 99, {1}, ""))), {"type 99"}));
  EXPECT_TRUE(mentions(refusal<Unsupported>(with(ob::tensor("W", ob::float32, {2}, "").number(14, 1))),
                       {"in another file", "save_model"}));
  EXPECT_TRUE(mentions(refusal(with(Message().number(1, 2).number(2, ob::float32).text(8, "W").single(4, 1))),
                       {"takes 2 numbers", "are 1"}));
  // uint8, each number as an int32
  EXPECT_TRUE(mentions(refusal(with(Message().number(1, 1).number(2, 2).text(8, "W").number(5, 300))),
                       {"300", "does not fit"}));
  EXPECT_TRUE(mentions(refusal(with(ob::tensor("W", 13, {1}, "\xff\xff\xff\xff\xff\xff\xff\xff"))),
                       {"beyond int64"}));
}

TEST(OnnxModel, resizes_to_nothing_where_nothing_is_asked_for) {
  const auto resized = [](const char* mode, const std::vector<std::int64_t>& sizes) {
    const std::string bytes = of_node(
        ob::node("Resize", {"x", "", "", "n"}, {"y"}, {ob::integer("antialias", 1), ob::text("mode", mode)}),
        ob::float32, {2, 1}, {ob::int64s("n", sizes)});
    return onnx::parse(bytes, "m.onnx")({tensor({{1.F}, {2.F}})}).at(0).shape();
  };
  EXPECT_EQ(resized("linear", {0, 1}), Shape({0, 1}));
  EXPECT_EQ(resized("nearest", {std::int64_t{1} << 40, 0}), Shape({std::int64_t{1} << 40, 0}));
}

TEST(OnnxModel, makes_nothing_larger_than_is_allowed) {
  const onnx::LoadOptions options{.most_elements = 1000};
  const auto fails = [&](const std::string& bytes, const Tensor& in) {
    return mentions(message_of<ModelError>([&] { onnx::parse(bytes, "m.onnx", options)({in}); }),
                    {"m.onnx", "LoadOptions allow"});
  };
  const std::int64_t huge = std::int64_t{1} << 40;
  const std::vector<Message> size = {ob::int64s("n", {huge})};
  EXPECT_TRUE(fails(of_node(ob::node("Expand", {"x", "n"}, {"y"}), ob::float32, {1}, size), tensor({1.F})));
  EXPECT_TRUE(fails(of_node(ob::node("Tile", {"x", "n"}, {"y"}), ob::float32, {1}, size), tensor({1.F})));
  EXPECT_TRUE(fails(of_node(ob::node("ConstantOfShape", {"x"}, {"y"}), ob::int64, {1}), tensor({huge})));
  EXPECT_TRUE(fails(of_node(ob::node("Range", {"a", "x", "b"}, {"y"}), ob::int64, {},
                            {ob::int64s("a", {0}), ob::int64s("b", {1})}),
                    tensor(huge)));
  EXPECT_TRUE(
      fails(of_node(ob::node("Pad", {"x", "p"}, {"y"}), ob::float32, {1}, {ob::int64s("p", {huge, huge})}),
            tensor({1.F})));
  EXPECT_TRUE(
      fails(of_node(ob::node("Resize", {"x", "", "", "n"}, {"y"}), ob::float32, {1}, size), tensor({1.F})));
  EXPECT_TRUE(fails(of_node(ob::node("MaxPool", {"x"}, {"y"},
                                     {ob::integers("kernel_shape", {1}), ob::integers("pads", {1 << 30, 0})}),
                            ob::float32, {1, 1, 1}),
                    ones({1, 1, 1}, DType::float32)));
  EXPECT_TRUE(
      fails(of_node(ob::node("Concat", {"x", "x", "x"}, {"y"}, {ob::integer("axis", 0)}), ob::float32, {-1}),
            ones({400}, DType::float32)));
  const Tensor column = ones({400, 1}, DType::float32);
  const std::vector<Message> row = {ob::floats("W", {1, 400}, std::vector<float>(400, 1))};
  for (const char* op : {"MatMul", "Add", "Pow", "Less", "PRelu", "Max"})
    EXPECT_TRUE(fails(of_node(ob::node(op, {"x", "W"}, {"y"}), ob::float32, {400, 1}, row), column)) << op;
  const Message outer = ob::node("Einsum", {"x", "W"}, {"y"},
                                 {Message().text(1, "equation").text(4, "ij,kl->il").number(20, 3)});
  EXPECT_TRUE(fails(of_node(outer, ob::float32, {400, 1}, row), column));
}

TEST(OnnxModel, survives_numbers_that_divide_by_nothing_or_overflow) {
  const std::int64_t most = std::numeric_limits<std::int64_t>::max();
  const Tensor image = ones({1, 0, 3, 3}, DType::float32);
  const auto fails = [&](const Message& node, const Tensor& in,
                         const std::vector<Message>& initializers = {}) {
    const std::vector<std::int64_t> sizes(in.shape().begin(), in.shape().end());
    return !message_of<ModelError>([&] {
              onnx::parse(of_node(node, ob::float32, sizes, initializers, 27))({in});
            }).empty();
  };
  const Tensor sequence = ones({1, 2, 0}, DType::float32);
  EXPECT_TRUE(fails(ob::node("Split", {"x"}, {}), x));
  EXPECT_TRUE(fails(ob::node("LinearAttention", {"x", "x", "x", "", "x", "x"}, {"y"}), sequence));
  EXPECT_TRUE(fails(ob::node("SpaceToDepth", {"x"}, {"y"}, {ob::integer("blocksize", most)}),
                    ones({1, 1, 0, 0}, DType::float32)));
  EXPECT_TRUE(fails(ob::node("DepthToSpace", {"x"}, {"y"}, {ob::integer("blocksize", 0)}), image));
  EXPECT_TRUE(fails(ob::node("CenterCropPad", {"x", "n"}, {"y"}), x,
                    {ob::int64s("n", {std::numeric_limits<std::int64_t>::min()})}));
  EXPECT_TRUE(fails(ob::node("ConvTranspose", {"x", "W"}, {"y"}, {ob::integer("group", most)}),
                    ones({1, 1, 3}, DType::float32), {ob::floats("W", {1, 2, 1}, {1, 2})}));
  EXPECT_TRUE(fails(ob::node("Conv", {"x", "W"}, {"y"}, {ob::integer("group", 0)}),
                    ones({1, 1, 3}, DType::float32), {ob::floats("W", {1, 1, 1}, {1})}));
  EXPECT_TRUE(fails(ob::node("MaxPool", {"x"}, {"y"},
                             {ob::integers("kernel_shape", {most}), ob::integers("dilations", {most})}),
                    ones({1, 1, 3}, DType::float32)));
  EXPECT_TRUE(fails(ob::node("Pad", {"x", "n"}, {"y"}), x, {ob::int64s("n", {most, most})}));
  EXPECT_TRUE(
      fails(ob::node("Slice", {"x", "a", "b", "c", "d"}, {"y"}), x,
            {ob::int64s("a", {0}), ob::int64s("b", {2}), ob::int64s("c", {0}), ob::int64s("d", {0})}));
  EXPECT_TRUE(fails(ob::node("GroupNormalization", {"x", "W", "W"}, {"y"}, {ob::integer("num_groups", 0)}),
                    ones({1, 2, 3}, DType::float32), {ob::floats("W", {2}, {1, 2})}));
}

TEST(OnnxModel, says_which_file_is_none) {
  EXPECT_TRUE(mentions(message_of<IoError>([] { onnx::load("/nowhere/m.onnx"); }),
                       {"/nowhere/m.onnx", "cannot be read"}));
  const TemporaryFile file("a,b\n1,2\n", ".onnx");
  EXPECT_TRUE(
      mentions(message_of<ModelError>([&] { onnx::load(file.path()); }), {file.path(), "not an ONNX model"}));
  EXPECT_TRUE(mentions(refusal(""), {"no graph"}));
  const std::string whole = layer();
  for (std::size_t bytes = 0; bytes < whole.size(); ++bytes) {
    try {
      onnx::parse(std::string_view(whole).substr(0, bytes), "m.onnx");
      ADD_FAILURE() << bytes << " bytes of " << whole.size() << " are a model";
    } catch (const ModelError& error) {
      EXPECT_TRUE(mentions(error.what(), {"m.onnx"}));
    }
  }
}

class PyTorchModel : public ::testing::TestWithParam<const char*> {
 protected:
  static std::string path(const std::string& ending) {
    return tests_path(std::string("onnx/pytorch/") + GetParam() + ending);
  }
};

TEST_P(PyTorchModel, computes_what_pytorch_does_and_can_be_tuned) {
  const Model model = onnx::load(path(".onnx"));
  const NamedTensors saved = load_npz(path(".npz"));
  const Tensor in = saved.at(0).second, out = saved.at(1).second;
  EXPECT_TRUE(close(model({in})[0], out, 1e-5));
  // Of one sample, too, as the batch may have any size.
  EXPECT_TRUE(close(model({in[{Slice{1, 2}}]})[0], out[{Slice{1, 2}}], 1e-5));

  Sgd optimizer(model.parameters(), {.learning_rate = 0.01});
  const auto loss = [&] { return mse_loss(model({in})[0], zeros_like(out)); };
  const double before = loss().item();
  for (int step = 0; step < 3; ++step) {
    loss().backward();
    optimizer.step();
  }
  EXPECT_LT(loss().item(), before);
}
INSTANTIATE_TEST_SUITE_P(Exported, PyTorchModel, ::testing::Values("mnist_cnn", "resnet_block", "sequences"));

}  // namespace
}  // namespace chainrule::test
