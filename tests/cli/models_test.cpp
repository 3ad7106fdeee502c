// `chainrule predict`, `evaluate`, `summary` and `explain` of what `train` saves, on a table small enough to
// check by hand.

#include <cmath>
#include <nlohmann/json.hpp>
#include <regex>

#include "cli/run_tool.h"
#include "cli/shop.h"
#include "support.h"

namespace chainrule::test {
namespace {

using Arguments = std::vector<std::string>;

ToolResult train(const Arguments& arguments) { return run_command("train", arguments); }

class Models : public ::testing::Test {
 protected:
  ToolResult run(const std::string& command, const Arguments& more) {
    Arguments arguments = {model_.path()};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_command(command, arguments);
  }
  const TemporaryFile data_{shop()}, model_{"", ".safetensors"};
};

TEST_F(Models, predict_what_they_have_learned) {
  ASSERT_EQ(train({data_.path(), "--drop", "id,price", "--save", model_.path()}).exit_code, 0);
  // Other columns, another order, another separator, and no target.
  const TemporaryFile people("size,more,city\n2.5,1,Ulm\n-2.5,2,Nowhere\n,3,\n");
  const ToolResult result = run("predict", {people.path()});
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_TRUE(result.output.starts_with("sold\nyes\nno\n")) << result.output;
  EXPECT_TRUE(mentions(result.errors, {"2 cells without a value", "1 cell with a category"}));

  const TemporaryFile out("");
  EXPECT_EQ(run("predict", {people.path(), "--proba", "-o", out.path()}).output, "");
  EXPECT_TRUE(std::regex_search(
      content_of(out.path()), std::regex("^sold,P\\(no\\),P\\(yes\\)\nyes,0.0[0-9]{5},0.9[0-9]{5}\nno,0.9")))
      << content_of(out.path());

  const TemporaryFile lacking("size\n1\n"), wrong("size,city\nbig,Ulm\n");
  EXPECT_TRUE(mentions(run("predict", {lacking.path()}).errors, {"'city' is missing"}));
  EXPECT_TRUE(
      mentions(run("predict", {wrong.path()}).errors, {wrong.path() + ":2: column 1 (size) holds 'big'"}));
  EXPECT_EQ(run_command("predict", {data_.path(), people.path()}).exit_code, 1);
}

TEST_F(Models, are_evaluated) {
  ASSERT_EQ(train({data_.path(), "--drop", "id,price", "--save", model_.path()}).exit_code, 0);
  const ToolResult result = run("evaluate", {data_.path()});
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_TRUE(mentions(
      result.output, {"accuracy: 9", " of 60)\nAUC: 0.9", "class  precision  recall", "true \\ predicted"}));
  EXPECT_TRUE(
      mentions(run("evaluate", {data_.path(), "--json"}).output, {"\"auc\": 0.9", "\"confusion\": ["}));
  EXPECT_TRUE(
      run("evaluate", {data_.path(), "--csv"})
          .output.starts_with("class,precision,recall,f1,samples,predicted as no,predicted as yes\nno,"));
  EXPECT_TRUE(mentions(run("evaluate", {data_.path(), "--csv", "--json"}).errors, {"exclude each other"}));
  const TemporaryFile without("size,city\n1,Ulm\n"), other("size,city,sold\n1,Ulm,maybe\n");
  EXPECT_TRUE(mentions(run("evaluate", {without.path()}).errors, {"'sold' is missing"}));
  EXPECT_TRUE(mentions(run("evaluate", {other.path()}).errors, {other.path() + ":2", "maybe"}));
}

TEST_F(Models, of_numbers_predict_and_are_evaluated) {
  ASSERT_EQ(
      train({data_.path(), "--target", "price", "--drop", "id,sold", "--save", model_.path()}).exit_code, 0);
  const TemporaryFile sizes("size,city\n2,Ulm\n-2,Ulm\n");
  const ToolResult result = run("predict", {sizes.path()});
  std::smatch found;
  ASSERT_TRUE(std::regex_search(result.output, found, std::regex("^price\n([-0-9.e]+)\n([-0-9.e]+)\n$")))
      << result.output;
  EXPECT_NEAR(std::stod(found[1]), 4.25, 1.5);
  EXPECT_NEAR(std::stod(found[2]), -3.75, 1.5);
  EXPECT_TRUE(mentions(run("evaluate", {data_.path()}).output, {"R²: 0.", "RMSE: ", "samples: 60"}));
  EXPECT_EQ(run("predict", {sizes.path(), "--proba"}).exit_code, 2);
}

TEST_F(Models, are_summarised) {
  ASSERT_EQ(train({data_.path(), "--drop", "id,price", "--save", model_.path(), "--hidden", "5"}).exit_code,
            0);
  EXPECT_TRUE(
      mentions(run("summary", {}).output,
               {"predicts sold: one of 2 classes: no, yes", "city: one of Bonn; Rhein, Ulm; Ulm for gaps",
                "size: number, mean", "network 3-5-2 with 32 parameters", "layer1  (5, 3)          20"}));
  const auto json = nlohmann::json::parse(run_command("summary", {model_.path(), "--json"}).output);
  EXPECT_EQ(json["targets"][0]["classes"], nlohmann::json({"no", "yes"}));
  EXPECT_EQ(json["inputs"][0]["fill"], "Ulm");
  EXPECT_EQ(json["parameters"], 32);
  EXPECT_EQ(json["layers"][0]["weight"], nlohmann::json({5, 3}));
}

TEST_F(Models, are_explained) {
  ASSERT_EQ(train({data_.path(), "--drop", "id,price", "--save", model_.path()}).exit_code, 0);
  const TemporaryFile people("size,city\n2.5,Ulm\n-2.5,Nowhere\n");
  const ToolResult result = run("explain", {people.path(), "--row", "1"});
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_TRUE(mentions(result.output, {"row 1 of ", "the score of sold=yes is", "completeness error",
                                       "gradient × input", "\nsize", "\ncity", "Ulm"}));
  EXPECT_LT(result.output.find("\nsize"), result.output.find("\ncity")) << "the larger one comes first";

  // The parts add up to the difference, and the other class is explained by other numbers.
  const auto json = nlohmann::json::parse(
      run("explain", {people.path(), "--row", "2", "--class", "yes", "--steps", "1000", "--json"}).output);
  double sum = 0;
  for (const auto& column : json["columns"]) sum += column["integrated_gradient"].get<double>();
  EXPECT_NEAR(sum, json["value"].get<double>() - json["baseline"].get<double>(), 1e-2);
  EXPECT_NEAR(std::abs(sum - json["value"].get<double>() + json["baseline"].get<double>()),
              json["completeness_error"].get<double>(), 1e-12);
  EXPECT_LT(sum, 0);
  EXPECT_EQ(json["columns"][1]["value"], "(unknown)");
  EXPECT_TRUE(run("explain", {people.path(), "--csv"})
                  .output.starts_with("column,value,integrated_gradient,gradient_times_input\nsize,2.5,"));

  const TemporaryFile picture("", ".svg");
  EXPECT_EQ(run("explain", {people.path(), "--picture", picture.path(), "--image", "1x2"}).exit_code, 0);
  EXPECT_TRUE(mentions(content_of(picture.path()), {"width=\"32\" height=\"16\"", "#ff0000"}));

  const TemporaryFile pixels("", ".png");
  EXPECT_EQ(run("explain", {people.path(), "-o", pixels.path(), "--image", "1x2"}).exit_code, 0);
  EXPECT_TRUE(content_of(pixels.path()).starts_with("\x89PNG\r\n"));

  const auto refusal = [&](const Arguments& more) {
    Arguments all = {people.path()};
    all.insert(all.end(), more.begin(), more.end());
    return run("explain", all).errors;
  };
  EXPECT_TRUE(mentions(refusal({"--row", "3"}), {"there is no row 3; it has 2 rows"}));
  EXPECT_TRUE(mentions(refusal({"--row", "0"}), {"--row '0'", "from 1"}));
  EXPECT_TRUE(mentions(refusal({"--class", "maybe"}), {"'maybe'", "there are no, yes"}));
  EXPECT_TRUE(mentions(refusal({"--picture", picture.path()}), {"2 columns are no square", "--image"}));
  EXPECT_TRUE(
      mentions(refusal({"--picture", picture.path(), "--image", "2x2"}), {"--image 2x2", "2 columns"}));
  EXPECT_TRUE(mentions(refusal({"--csv", "--json"}), {"exclude each other"}));
  EXPECT_TRUE(mentions(run_command("explain", {people.path(), people.path()}).errors, {people.path()}));
}

}  // namespace
}  // namespace chainrule::test
