// chainrule eval: values, gradients and JSON, by running the tool.
// cli/run_tool.h runs the tool.

#include <bit>
#include <cmath>
#include <nlohmann/json.hpp>

#include "chainrule/io.h"
#include "cli/run_tool.h"
#include "support.h"

namespace chainrule::test {
namespace {

using nlohmann::json;

ToolResult eval(const std::vector<std::string>& arguments) { return run_command("eval", arguments); }

/// What --json prints; the tool must have been content.
json answer(std::vector<std::string> arguments) {
  arguments.emplace_back("--json");
  const ToolResult result = eval(arguments);
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_EQ(result.errors, "");
  return result.exit_code == 0 ? json::parse(result.output) : json();
}

/// The value of an expression in x=[[1,2,3],[4,5,6]], v=[1,2,3] and s=2.
json value(const std::string& expression) {
  return answer({expression, "x=[[1,2,3],[4,5,6]]", "v=[1,2,3]", "s=2"})["value"];
}

TEST(Eval, gives_the_gradients_of_the_walkthrough) {
  const std::string expected = "value = -12\ndL/dx = -4\ndL/dy = -4\ndL/dz = 3\n";
  EXPECT_EQ(eval({"(x + y) * z", "x=-2", "y=5", "z=-4"}).output, expected);
  EXPECT_EQ(eval({"q = x + y; q * z", "x=-2", "y=5", "z=-4", "--dtype", "float32"}).output, expected);
  EXPECT_EQ(eval({"(x + y) * z", "x=-2", "y=5", "z=-4", "--json"}).output,
            "{\"value\":-12.0,\"shape\":[],\"gradients\":{\"x\":-4.0,\"y\":-4.0,\"z\":3.0}}\n");
}

TEST(Eval, prints_values_that_are_no_scalars_and_says_that_only_scalars_have_gradients) {
  const ToolResult list = eval({"x * 2", "x=[1,2]"});
  EXPECT_EQ(list.exit_code, 0);
  EXPECT_EQ(list.output, "value = [2. 4.]\n");
  EXPECT_EQ(list.errors,
            "chainrule eval: no gradients: the result has shape (2,); only a scalar has gradients, so reduce "
            "it, with "
            "sum(...) or mean(...)\n");
  const ToolResult eye = eval({"eye(3)"});
  EXPECT_EQ(eye.output, "value = [[1. 0. 0.]\n         [0. 1. 0.]\n         [0. 0. 1.]]\n");
  EXPECT_EQ(eye.errors, "") << "nothing has a gradient that it could miss";
  EXPECT_EQ(eval({"x", "x=[]"}).output, "value = []\n");

  const json answered = answer({"x * 2", "x=[1,2]"});
  EXPECT_EQ(answered["value"], json({2, 4}));
  EXPECT_EQ(answered["shape"], json({2}));
  EXPECT_TRUE(answered["gradients"].is_null());
  EXPECT_TRUE(mentions(answered["note"], {"(2,)", "only a scalar has gradients"}));
  EXPECT_EQ(answer({"eye(2)"})["gradients"], json::object());
  EXPECT_FALSE(answer({"sum(x)", "x=[1,2]"}).contains("note"));
  EXPECT_EQ(answer({"zeros(2, 0)"})["value"], json::parse("[[], []]"));
  EXPECT_TRUE(mentions(eval({"zeros(92233720375808, 4, 0)", "--json"}).errors,
                       {"(92233720375808, 4, 0)", "reshape"}));

  const ToolResult graph = run_tool({"graph", "x * 2", "x=[1,2]"});
  EXPECT_EQ(graph.exit_code, 0);
  EXPECT_TRUE(mentions(graph.output, {"digraph", ">2</TD><TD ALIGN=\"RIGHT\">4</TD>"}));
  EXPECT_TRUE(mentions(graph.errors, {"chainrule graph: no gradients: the result has shape (2,)"}));
}

TEST(Eval, prints_nan_without_a_sign) {
  EXPECT_EQ(eval({"sqrt(x)", "x=-1"}).output, "value = nan\ndL/dx = nan\n");
  EXPECT_EQ(eval({"sqrt(x)", "x=-1", "--dtype", "float32"}).output, "value = nan\ndL/dx = nan\n");
  for (const char* expression : {"0/0", "-nan", "inf - inf", "-(0/0)"})
    EXPECT_EQ(eval({expression}).output, "value = nan\n") << expression;
  EXPECT_EQ(eval({"sqrt(x)", "x=[-1,4]"}).output, "value = [nan  2.]\n");
  for (const char* command : {"walk", "graph"}) {
    const ToolResult result = run_tool({command, "sqrt(x) * (0 / 0)", "x=-1"});
    EXPECT_EQ(result.output.find("-nan"), std::string::npos) << result.output;
    EXPECT_NE(result.output.find("nan"), std::string::npos) << result.output;
  }
}

TEST(Eval, differentiates_once_by_a_name_that_is_given_twice) {
  EXPECT_EQ(eval({"x * x", "--wrt", "x,x", "x=2"}).output, "value = 4\ndL/dx = 4\n");
  EXPECT_EQ(eval({"x * y", "--wrt", "y, x,y", "x=2", "y=3"}).output, "value = 6\ndL/dy = 2\ndL/dx = 3\n");
}

TEST(Eval, names_the_result_in_the_gradients) {
  EXPECT_EQ(eval({"loss = x * x", "x=3"}).output, "value = 9\ndloss/dx = 6\n");
  EXPECT_EQ(eval({"L * L", "L=3"}).output, "value = 9\ndloss/dL = 6\n");
}

TEST(Eval, prints_arrays_as_numpy_does) {
  EXPECT_EQ(run_tool({"eval", "ones(2, 2, 1)"}).output,
            "value = [[[1.]\n          [1.]]\n\n         [[1.]\n          [1.]]]\n");
  EXPECT_EQ(eval({"sum(W * W)", "W=[[1,2],[3,4]]"}).output,
            "value = 30\ndL/dW = [[2. 4.]\n         [6. 8.]]\n");
}

TEST(Eval, follows_the_precedence_of_python) {
  const std::pair<const char*, double> cases[] = {{"2**3/4", 2},
                                                  {"-2**2", -4},
                                                  {"2**-1", 0.5},
                                                  {"2**3**2", 512},
                                                  {"(2**3)**2", 64},
                                                  {"1 - 2 - 3", -4},
                                                  {"8 / 4 / 2", 1},
                                                  {"1 + 2 * 3", 7},
                                                  {"-(1 + 2)", -3},
                                                  {"+-+2", -2},
                                                  {"7 / 2", 3.5},
                                                  {"1_000 + .5", 1000.5},
                                                  {"1e-3 * 1E3", 1},
                                                  {"2 * -3", -6},
                                                  {"- 2 ** - 2", -0.25},
                                                  {"1 + 2  # three", 3},
                                                  {"a = 2\nb = a * 3;\n\na + b", 8},
                                                  {"(1 +\n 2)", 3},
                                                  {"[1, 2, 3][-1]", 3},
                                                  {"2**63", 0x1p63},
                                                  {"2**0.5", std::sqrt(2.0)},
                                                  {"1 + \\\n2", 3}};
  for (const auto& [expression, expected] : cases)
    EXPECT_EQ(answer({expression})["value"], expected) << expression;
}

TEST(Eval, knows_constants_and_the_prefixes_of_numpy_and_pytorch) {
  EXPECT_EQ(answer({"np.pi"})["value"], 3.141592653589793);
  EXPECT_EQ(answer({"e"})["value"], 2.718281828459045);
  EXPECT_EQ(answer({"e", "e=5"})["value"], 5.0) << "variables come before constants";
  EXPECT_EQ(answer({"np.sum(torch.relu(F.relu(nn.functional.relu(torch.nn.functional.relu(x)))))",
                    "x=[-1,2]"})["value"],
            2.0);
}

TEST(Eval, gives_text_for_numbers_that_json_lacks) {
  EXPECT_EQ(answer({"inf"})["value"], "Infinity");
  EXPECT_EQ(answer({"-inf"})["value"], "-Infinity");
  EXPECT_EQ(answer({"sum(x) * nan", "x=[1,2]"}).dump(),
            R"({"gradients":{"x":["NaN","NaN"]},"shape":[],"value":"NaN"})");
}

TEST(Eval, prints_numbers_that_read_back_to_the_same_bits) {
  for (const char* number : {"0.1", "1e-310", "1.7976931348623157e308", "-0.0", "0.30000000000000004"}) {
    const json read = answer({"x", std::string("x=") + number})["value"];
    EXPECT_EQ(std::bit_cast<std::uint64_t>(read.get<double>()),
              std::bit_cast<std::uint64_t>(std::strtod(number, nullptr)))
        << number;
  }
  const json third = answer({"x / 3", "x=1", "--dtype", "float32"});
  EXPECT_EQ(third["value"].get<float>(), 1.0F / 3.0F);
  EXPECT_EQ(third["value"].get<double>(), static_cast<double>(1.0F / 3.0F));
  EXPECT_EQ(eval({"x / 3", "x=1", "--dtype", "float32"}).output, "value = 0.33333334\ndL/dx = 0.33333334\n");
}

TEST(Eval, keeps_the_dtype_of_a_variable_that_meets_numbers) {
  EXPECT_EQ(answer({"sqrt(2) * x * 0.1", "x=1", "--dtype", "float32"})["value"].get<double>(),
            static_cast<double>(static_cast<float>(std::sqrt(2.0)) * 0.1F));
}

TEST(Eval, gives_a_zero_gradient_to_what_the_result_does_not_depend_on) {
  EXPECT_EQ(answer({"x * 2", "x=1", "y=[[1,2],[3,4]]"})["gradients"].dump(),
            R"({"x":2.0,"y":[[0.0,0.0],[0.0,0.0]]})");
  EXPECT_EQ(answer({"3", "x=[1]"}).dump(), R"({"gradients":{"x":[0.0]},"shape":[],"value":3.0})");
}

TEST(Eval, differentiates_with_respect_to_the_names_asked_for) {
  EXPECT_EQ(eval({"x * y * z", "x=2", "y=3", "z=5", "--wrt", "z,x"}).output,
            "value = 30\ndL/dz = 6\ndL/dx = 15\n");
}

TEST(Eval, gives_no_gradient_to_whole_numbers_and_booleans) {
  EXPECT_EQ(answer({"sum(where(m, x, 0))", "x=[1,2]", "m=[True,False]"}).dump(),
            R"({"gradients":{"x":[1.0,0.0]},"shape":[],"value":1.0})");
  EXPECT_EQ(answer({"x < 3", "x=2"}).dump(), R"({"gradients":{"x":0.0},"shape":[],"value":true})");
  EXPECT_EQ(answer({"n * 2", "n=int(4)"}).dump(), R"({"gradients":{},"shape":[],"value":8})");
}

TEST(Eval, takes_classes_as_whole_numbers_in_any_form) {
  const std::string z = "z=[[1,2,3],[4,5,7]]";
  const json list = answer({"cross_entropy(z, [0, 2])", z}),
             cast = answer({"cross_entropy(z, y)", z, "y=int([0,2])"}),
             variable = answer({"cross_entropy(z, y)", z, "y=[0,2]"});
  EXPECT_EQ(list["value"], cast["value"]);
  EXPECT_EQ(list["gradients"], cast["gradients"]);
  EXPECT_EQ(list["value"], variable["value"]);
  EXPECT_EQ(variable["gradients"]["y"].dump(), "[0.0,0.0]");
  const double first = std::log(1 + std::exp(1) + std::exp(2)),
               second = std::log(std::exp(-3) + std::exp(-2) + 1);
  EXPECT_NEAR(list["value"].get<double>(), (first + second) / 2, 1e-14);
}

TEST(Eval, indexes_as_python_does) {
  EXPECT_EQ(value("sum(x[0])"), 6.0);
  EXPECT_EQ(value("x[1, -1] + 0"), 6.0);
  EXPECT_EQ(value("sum(x[:, 1:3])"), 16.0);
  EXPECT_EQ(value("sum(x[..., 0])"), 5.0);
  EXPECT_EQ(value("sum(x[-1][::-1] * v)"), 6.0 + 10 + 12);
  EXPECT_EQ(value("sum(v[::2])"), 4.0);
  EXPECT_EQ(value("sum(v[:-1])"), 3.0);
  EXPECT_EQ(value("sum(v[1:])"), 5.0);
  EXPECT_EQ(value("x.shape[1] * x.ndim + 0 * s"), 6.0);
  EXPECT_EQ(answer({"sum(x[:, 1:3])", "x=[[1,2,3],[4,5,6]]"})["gradients"]["x"].dump(),
            "[[0.0,1.0,1.0],[0.0,1.0,1.0]]");
}

TEST(Eval, calls_functions_and_methods_in_the_ways_of_numpy_and_pytorch) {
  EXPECT_EQ(value("sum(sum(x, axis=0, keepdims=True) * v)"), 5.0 + 14 + 27);
  EXPECT_EQ(value("x.sum(dim=1, keepdim=False).max()"), 15.0);
  EXPECT_EQ(value("sum(x, (0, 1))"), 21.0);
  EXPECT_EQ(value("x.mean(-1)[0]"), 2.0);
  EXPECT_EQ(value("x.T.reshape(6)[1]"), 4.0);
  EXPECT_EQ(value("reshape(x, (3, 2))[2, 0]"), 5.0);
  EXPECT_EQ(value("x.reshape(3, -1)[2, 0]"), 5.0);
  EXPECT_EQ(value("sum(x @ v)"), 46.0);
  EXPECT_EQ(value("sum(concatenate([x, x], axis=1)[0])"), 12.0);
  EXPECT_EQ(value("sum(torch.cat((x, x), dim=0)[3])"), 15.0);
  EXPECT_EQ(value("stack([s, s * s, 1.5])[2]"), 1.5);
  EXPECT_EQ(value("sum([s, s * s])"), 6.0);
  EXPECT_EQ(value("sum(v * [1, 0, 0.5])"), 2.5);
  EXPECT_EQ(
      value("transpose(x)[0, 1] + x.transpose(1, 0)[0, 1] + x.permute(1, 0)[0, 1] + swapaxes(x, 0, 1)[0, 1]"),
      16.0);
  EXPECT_EQ(value("max(x) - min(v) + amax(x)"), 11.0);
  EXPECT_EQ(value("sum(where(x > 3, x, 0))"), 15.0);
  EXPECT_EQ(value("mse_loss(v, [1, 2, 6], reduction='sum')"), 9.0);
  EXPECT_EQ(value("hinge_loss(v, [1, 1, -1], reduction=\"mean\")"), 4.0 / 3);
  EXPECT_EQ(value("F.linear(v, x, [1, 1])[0]"), 15.0);
  EXPECT_NEAR(value("sum(softmax(x, axis=1))").get<double>(), 2.0, 1e-15);
  EXPECT_EQ(value("x.astype(np.float32).sum()"), 21.0);
  EXPECT_EQ(value("v.astype(torch.float16) / 3"), json({0.333251953125, 0.66650390625, 1.0}));
  EXPECT_EQ(value("uint8([250, 3]) + 10"), json({4, 13}));
  EXPECT_EQ(value("x.astype('int32').sum()"), 21);
  EXPECT_EQ(value("v.unsqueeze(0).squeeze(0).flatten()[2]"), 3.0);
  EXPECT_EQ(value("sum(x[x > 3]) + sum(x[[False, True]]) + sum(x[:, [0, -1]])"), 15.0 + 15 + 14);
  EXPECT_EQ(value("sum(broadcast_to(s, (2, 2)))"), 8.0);
  EXPECT_EQ(value("sum(eye(3) @ v) + sum(ones_like(x)) + sum(full((2,), 4)) + sum(linspace(0, 1, 3))"),
            6 + 6 + 8 + 1.5);
}

TEST(Eval, takes_keywords_of_linear_algebra_and_statistics) {
  EXPECT_EQ(value("eigvalsh([[2, 9], [1, 2]])"), json({1, 3}));
  EXPECT_NEAR(value("eigh([[2, 9], [1, 2]], UPLO='U')[0][1]"), 11, 1e-12);
  EXPECT_EQ(value("matrix_rank([[2, 0], [0, 0.1]], tol=0.5)"), 1);
  EXPECT_EQ(value("matrix_rank([[2, 0], [0, 0.1]], atol=None, hermitian=True)"), 2);
  EXPECT_EQ(value("matrix_rank([[1, 5], [1, 1]], hermitian=True)"), 1) << "the lower half is read";
  EXPECT_EQ(value("pinv([[2, 0], [0, 0.1]], atol=0.5)"), json({{0.5, 0}, {0, 0}}));
  EXPECT_EQ(value("pinv([[[2, 0], [0, 1]], [[2, 0], [0, 1]]], [0.1, 0.6])"),
            json({{{0.5, 0}, {0, 1}}, {{0.5, 0}, {0, 0}}}));
  EXPECT_EQ(value("matrix_rank([[[2, 0], [0, 1]], [[2, 0], [0, 1]]], tol=[0.1, 1.5])"), json({2, 1}));
  EXPECT_TRUE(mentions(eval({"pinv([[2, 0], [0, 1]], [0.1, 0.6])"}).errors, {"pinv: ", "(2,)"}));
  EXPECT_EQ(value("matrix_norm([[[1, 2], [3, 4]], [[5, 6], [7, 8]]], 1, dim=(2, 0), keepdim=True)"),
            json({{{11}, {15}}}));
  EXPECT_EQ(value("cov(v, fweights=[1, 1, 1])"), 1);
  EXPECT_EQ(value("cov([0, 2], [1, 5])"), json({{2, 4}, {4, 8}}));
  EXPECT_EQ(value("cov([[0, 1], [2, 5]], rowvar=False, bias=True)"), json({{1, 2}, {2, 4}}));
  EXPECT_NEAR(value("sum(corrcoef([0, 2], [1, 5]) + corrcoef([[0, 1], [2, 5]], rowvar=False))"), 8, 1e-14);
  EXPECT_TRUE(mentions(eval({"cov([0, 2], 0)"}).errors, {"cov: y is 0", "correction"}));
  EXPECT_NEAR(value("multi_margin_loss([[0.1, 0.2, 0.9]], [2], weight=[1, 2, 3])"), 0.5, 1e-15);
  EXPECT_TRUE(mentions(eval({"matrix_norm([[1, 2]], dim=[1])"}).errors, {"matrix_norm: 1 axes", "(1, 2)"}));
}

TEST(Eval, takes_steps_and_places_for_each_axis_of_a_gradient) {
  EXPECT_EQ(value("gradient([1, 4, 9], 0.5)"), json({6, 8, 10}));
  EXPECT_EQ(value("gradient([1, 4, 9], [0, 1, 3])[2]"), 2.5);
  EXPECT_EQ(value("gradient([[1, 4, 9], [2, 2, 5]], 0.5, 2)[0][0]"), json({2, -4, -8}));
  EXPECT_EQ(value("gradient([[1, 4, 9], [2, 2, 5]], spacing=[0.5, 2])[1][1]"), json({0, 0.75, 1.5}));
  EXPECT_EQ(value("gradient([[1, 4, 9], [2, 2, 5]], [0, 1], [0, 1, 3])[1][0]"),
            value("gradient([1, 4, 9], [0, 1, 3])"));
  EXPECT_EQ(value("gradient([[1, 4, 9], [2, 2, 5]], axis=1, edge_order=2)[0]"), json({2, 4, 6}));
  EXPECT_EQ(value("gradient([[1, 4, 9], [2, 2, 5]], axis=(1, 0))[0][1]"), json({0, 1.5, 3}));
  EXPECT_TRUE(mentions(eval({"gradient([[1, 4, 9], [2, 2, 5]], [1, 2, 3])"}).errors,
                       {"gradient: spacing", "each axis"}));
  EXPECT_TRUE(mentions(eval({"gradient(5)"}).errors, {"gradient: axis 0", "()"}));
}

TEST(Eval, takes_labels_of_einsum_as_numbers) {
  EXPECT_EQ(value("einsum(x, [0, 1], v, [1])"), value("x @ v"));
  EXPECT_EQ(value("einsum(x, [0, 30], x, [5, 30], [5, 0])"), value("x @ x.T"));
  EXPECT_EQ(value("einsum(x, [1, 0])"), value("x.T")) << "labels of the result are in their order";
  EXPECT_EQ(value("einsum(v, [0], v, [0], v, [0], [])"), 36.0);
  EXPECT_TRUE(mentions(eval({"einsum([1, 2], [52])"}).errors, {"einsum: a is", "0 to 51"}));
}

TEST(Eval, takes_what_numpy_calls_parts_of_counts) {
  EXPECT_EQ(value("unique([2, 1, 2, 5], return_index=True)[1]"), json({1, 0, 3}));
  EXPECT_EQ(value("unique([2, 1, 2], return_index=True, return_inverse=True, return_counts=True)[3]"),
            json({1, 2}));
  EXPECT_EQ(value("histogram([1, 2, 2, 4], 3, density=True)[0]"), json({0.25, 0.5, 0.25}));
  EXPECT_EQ(value("histogram([1, 2, 2, 4], bins=[0, 2, 4], weights=[1, 2, 3, 0.5])[0]"), json({1, 5.5}));
  EXPECT_EQ(value("histogram([1, 2, 2, 4], 1, range=(1, 3), weights=[1, 2, 3, 0.5])[0]"), json({6}));
}

TEST(Eval, takes_a_dtype_and_a_factor_where_numpy_and_pytorch_do) {
  EXPECT_EQ(value("sum(float16([2048, 1, 1]), dtype=float32)"), 2050.0);
  EXPECT_EQ(value("x.mean(0, dtype=torch.float16)[2]"), 4.5);
  EXPECT_EQ(value("prod([2, 3.7], dtype=int64)"), 6);
  EXPECT_EQ(value("cumsum([0.5, 1.5, 2], axis=0, dtype='int64')"), json({0, 1, 3}));
  EXPECT_EQ(value("zeros(2, dtype=int64) + arange(2, dtype=np.int64) + zeros_like(v[:2], dtype=int64)"),
            json({0, 1}));
  EXPECT_EQ(value("softmax([0, 0], dim=0, dtype=float32)"), json({0.5, 0.5}));
  EXPECT_EQ(value("torch.add(v, v, alpha=2)[0] + sub(v, 1, alpha=2)[0]"), 2.0);
}

TEST(Eval, takes_none_for_a_size_that_stays) {
  EXPECT_EQ(value("adaptive_avg_pool2d(reshape(arange(8), (1, 2, 4)), (None, 2))"),
            json::parse("[[[0.5, 2.5], [4.5, 6.5]]]"));
  EXPECT_EQ(value("adaptive_max_pool1d([[1, 3, 2]], None)"), json::parse("[[1.0, 3.0, 2.0]]"));
}

TEST(Eval, tells_a_number_from_a_list_of_one) {
  EXPECT_EQ(value("array_split(v, 2)[1]"), json({3.0}));
  EXPECT_EQ(value("array_split(v, [2])[0]"), json({1.0, 2.0}));
  EXPECT_EQ(value("split(v, 2)[1]"), json({3.0}));
  EXPECT_NE(eval({"split([1, 2, 3], [2])"}).errors.find("split: sizes"), std::string::npos);
  EXPECT_EQ(value("sum(permutation(5))"), 10);
  EXPECT_EQ(value("meshgrid(v)[0]"), json({1.0, 2.0, 3.0}));
  EXPECT_EQ(value("meshgrid([v, v])[1][0]"), json({1.0, 2.0, 3.0}));
}

TEST(Eval, lets_names_be_given_new_values) { EXPECT_EQ(value("h = s + 1; h = h * h; h"), 9.0); }

TEST(Eval, reads_lists_and_random_numbers) {
  EXPECT_EQ(answer({"sum(x)", "x=[[1, 2], [3, 4.5]]"})["value"], 10.5);
  EXPECT_EQ(answer({"sum(x)", "x = 2 * 3"})["value"], 6.0);
  EXPECT_EQ(answer({"sum(x)", "x=arange(4)"})["gradients"]["x"].dump(), "[1.0,1.0,1.0,1.0]");
  EXPECT_EQ(answer({"x.shape[0] * 10 + x.shape[1]", "x=randn(3,4)"})["value"], 34.0);
  EXPECT_EQ(answer({"sum(zeros(2, 3)) + sum(ones((2, 3)))"})["value"], 6.0);
  const std::vector<std::string> random = {"sum(x)", "x=randn(5)"};
  EXPECT_EQ(eval(random).output, eval(random).output);
  EXPECT_NE(eval(random).output, eval({"sum(x)", "x=randn(5)", "--seed", "1"}).output);
}

TEST(Eval, reads_files) {
  const TemporaryFile csv("a,b\n1,2\n3,4\n", ".CSV"), npy("", ".npy"), mask("", ".npy");
  save_npy(npy.path(), tensor(std::vector<std::int64_t>{1, 2, 3}));
  save_npy(mask.path(), tensor({true, false, true}));
  EXPECT_EQ(answer({"sum(x * x)", "x=@" + csv.path()}).dump(),
            R"({"gradients":{"x":[[2.0,4.0],[6.0,8.0]]},"shape":[],"value":30.0})");
  EXPECT_EQ(answer({"sum(x)", "x=@" + npy.path()}).dump(),
            R"({"gradients":{"x":[1.0,1.0,1.0]},"shape":[],"value":6.0})");
  EXPECT_EQ(answer({"sum(where(m, x, 0))", "x=@" + npy.path(), "m=@" + mask.path()})["value"], 4.0);
}

TEST(Eval, accepts_expressions_that_begin_with_a_minus_sign) {
  EXPECT_EQ(eval({"-x ** 2", "x=3"}).output, "value = -9\ndL/dx = -6\n");
  EXPECT_EQ(eval({"[x, y][1]", "x=3", "y=4"}).output, "value = 4\ndy/dx = 0\ndy/dy = 1\n");
}

}  // namespace
}  // namespace chainrule::test
