// The command line with models of ONNX that others wrote: columns in order go in, and all that comes out is
// printed or compared.

#include <nlohmann/json.hpp>

#include "cli/run_tool.h"
#include "onnx/model_bytes.h"
#include "support.h"

namespace chainrule::test {
namespace {

namespace ob = onnx_bytes;

/// y = (a - b, b - a), and as `more` the class with the greater of both.
std::string difference(std::int64_t batch, bool labels = false) {
  ob::Parts parts{.nodes = {ob::node("Gemm", {"x", "W"}, {"y"})},
                  .inputs = {ob::port("x", ob::float32, {batch, 2})},
                  .outputs = {ob::port("y", ob::float32, {batch, 2})},
                  .initializers = {ob::floats("W", {2, 2}, {1, -1, -1, 1})}};
  if (labels) {
    parts.nodes.push_back(
        ob::node("ArgMax", {"y"}, {"label"}, {ob::integer("axis", 1), ob::integer("keepdims", 0)}));
    parts.outputs.push_back(ob::port("label", ob::int64, {batch}));
  }
  return ob::model(parts);
}
/// y = 2 x - 1 for an input (any, 1); or of several inputs called so the sum.
std::string line() {
  return ob::model({.nodes = {ob::node("Gemm", {"x", "W", "b"}, {"y"})},
                    .inputs = {ob::port("x", ob::float32, {-1, 1})},
                    .outputs = {ob::port("y", ob::float32, {-1, 1})},
                    .initializers = {ob::floats("W", {1, 1}, {2}), ob::floats("b", {1}, {-1})}});
}
std::string minus_of_columns() {
  return ob::model({.nodes = {ob::node("Sub", {"size", "age"}, {"y"})},
                    .inputs = {ob::port("size", ob::float32, {-1, 1}), ob::port("age", ob::float32, {-1, 1})},
                    .outputs = {ob::port("y", ob::float32, {-1, 1})}});
}

struct Case {
  Case(const std::string& bytes, const std::string& rows) : model(bytes, ".onnx"), table(rows) {}
  ToolResult run(const std::string& command, std::vector<std::string> more = {}) const {
    more.insert(more.begin(), {model.path(), table.path()});
    return run_command(command, more);
  }
  TemporaryFile model, table;
};

TEST(ForeignModels, take_columns_in_order_in_batches_of_any_size) {
  const std::string table = "a,b,kind\n3,1,0\n1,4,1\n0.5,0,0\n";
  for (const std::int64_t batch : {-1, 1, 2}) {  // of two, the last is half empty
    const Case given(difference(batch), table);
    const ToolResult result = given.run("predict");
    EXPECT_EQ(result.output, "y[0],y[1]\n2,-2\n-3,3\n0.5,-0.5\n") << result.errors;
    EXPECT_TRUE(mentions(result.errors, {"the last column (kind)", "left out"}));
  }
  const Case by_name(minus_of_columns(), "age,size\n1,5\n2,3\n");
  EXPECT_EQ(by_name.run("predict").output, "y\n4\n1\n");
  const Case image(
      ob::model({.nodes = {ob::node("ReduceMax", {"x"}, {"y"},
                                    {ob::integers("axes", {1, 2, 3}), ob::integer("keepdims", 0)})},
                 .inputs = {ob::port("x", ob::float32, {-1, 1, 2, 2})},
                 .outputs = {ob::port("y", ob::float32, {-1})}}),
      "1,2,3,4\n8,7,6,5\n");
  EXPECT_EQ(image.run("predict").output, "y\n4\n8\n");
}

TEST(ForeignModels, are_evaluated_as_what_they_give) {
  const Case scores(difference(-1), "a,b,kind\n3,1,0\n1,4,1\n0.5,0,1\n2,5,1\n");
  const auto json = nlohmann::json::parse(scores.run("evaluate", {"--json"}).output);
  EXPECT_EQ(json["accuracy"], 0.75);
  EXPECT_EQ(json["confusion"], nlohmann::json({{1, 0}, {1, 2}}));
  EXPECT_EQ(json["auc"], 1.0);

  // Other names of as many classes are taken in order, which is said.
  const Case names(difference(-1), "kind,a,b\ncat,3,1\ndog,1,4\ncat,0.5,0\n");
  const ToolResult named = names.run("evaluate", {"--target", "kind"});
  EXPECT_TRUE(mentions(named.output, {"accuracy: 100.00 % (3 of 3)", "dog"}));
  EXPECT_TRUE(mentions(named.errors, {"y of ", "is compared with column 1 (kind): classes cat, dog"}));

  const Case labels(difference(-1, true), "3,1,0\n1,4,1\n0.5,0,7\n");
  EXPECT_TRUE(mentions(labels.run("evaluate").output, {"accuracy: 66.67 % (2 of 3)", "\n7 "}));

  const Case numbers(line(), "x,price\n1,1.5\n2,3\n4,6.5\n");
  EXPECT_TRUE(mentions(numbers.run("evaluate").output, {"R²: 0.9", "RMSE: 0.4082", "samples: 3"}));
  const Case binary(line(), "x,sold\n1,1\n2,1\n0,0\n-1,0\n");
  EXPECT_TRUE(mentions(binary.run("evaluate").output, {"accuracy: 100.00 %", "AUC: 1"}));
  EXPECT_TRUE(mentions(binary.run("evaluate", {"--task", "regression"}).output, {"R²"}));
  const Case both(difference(-1), "a,b,u,v\n3,1,2,-2\n1,4,-3,3\n0.5,0,1,-0.5\n");
  EXPECT_TRUE(mentions(both.run("evaluate", {"--target", "u,v"}).output, {"mean R²: 0.99", "\nu ", "\nv "}));
}

TEST(ForeignModels, are_explained_and_summarised) {
  const Case given(difference(1), "a,b,kind\n3,1,0\n1,4,1\n");
  const auto json = nlohmann::json::parse(given.run("explain", {"--row", "2", "--json"}).output);
  EXPECT_EQ(json["output"], "y[1]");
  EXPECT_EQ(json["value"], 3.0);
  EXPECT_EQ(json["columns"][0]["column"], "b");
  EXPECT_NEAR(json["columns"][0]["integrated_gradient"].get<double>(), 4, 1e-12);
  EXPECT_NEAR(json["columns"][1]["integrated_gradient"].get<double>(), -1, 1e-12);
  EXPECT_TRUE(mentions(given.run("explain", {"--class", "2"}).errors, {"--class '2'", "numbers 0 to 1"}));
  const auto summary = nlohmann::json::parse(run_command("summary", {given.model.path(), "--json"}).output);
  EXPECT_EQ(summary["inputs"][0]["sizes"], nlohmann::json({1, 2}));
  EXPECT_EQ(summary["parameters"], 4);
}

TEST(ForeignModels, say_what_is_missing) {
  const Case wide(difference(-1), "id,a,b,c,kind\n1,3,1,0,0\n");
  EXPECT_TRUE(mentions(wide.run("predict").errors,
                       {"has 5 columns, but ", "takes 2: x float (any, 2)", "--drop", "--target"}));
  EXPECT_EQ(wide.run("predict", {"--drop", "id,c", "--target", "kind"}).output, "y[0],y[1]\n2,-2\n");
  const Case texts(difference(-1), "a,b\n3,1\n2,Ulm\n1,\n");
  EXPECT_TRUE(mentions(texts.run("predict").errors, {":3: column 2 (b) holds 'Ulm'", "numbers"}));
  EXPECT_TRUE(mentions(texts.run("evaluate").errors, {"none to compare with"}));
  EXPECT_TRUE(mentions(texts.run("predict", {"--proba"}).errors, {"--proba", "does not say"}));
  const Case gap(difference(-1), "a,b\n3,1\n1,\n");
  EXPECT_TRUE(mentions(gap.run("predict").errors, {":3: column 2 (b) holds nothing"}));
  const Case classes(difference(-1), "a,b,kind\n1,2,0\n1,2,1\n1,2,2\n");
  EXPECT_TRUE(mentions(classes.run("evaluate").errors, {"(kind), has 3 different values", "2 classes"}));
  const Case whole(ob::model({.nodes = {ob::node("Identity", {"x"}, {"y"})},
                              .inputs = {ob::port("x", ob::int64, {-1, 1})},
                              .outputs = {ob::port("y", ob::int64, {-1, 1})}}),
                   "a,b\n1,2\n");
  EXPECT_EQ(whole.run("predict").output, "y\n1\n");
  EXPECT_TRUE(mentions(whole.run("explain").errors, {"whole numbers", "no gradients"}));
  EXPECT_TRUE(mentions(whole.run("export").errors, {"export"}));
  const Case half(ob::model({.nodes = {ob::node("Identity", {"x"}, {"y"})},
                             .inputs = {ob::port("x", ob::int64, {-1, 1})},
                             .outputs = {ob::port("y", ob::int64, {-1, 1})}}),
                  "a\n1.5\n");
  EXPECT_TRUE(mentions(half.run("predict").errors, {"x int64 (any, 1)", "whole numbers"}));
}

}  // namespace
}  // namespace chainrule::test
