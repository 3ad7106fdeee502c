// The tool on dates, units, arrays and targets with gaps: what it takes them for, and how well it then
// predicts.

#include <fmt/format.h>

#include <array>
#include <cstdio>
#include <tuple>

#include "chainrule/io.h"
#include "chainrule/ops.h"
#include "cli/run_tool.h"
#include "paths.h"
#include "support.h"
#include "temporary_files.h"

namespace chainrule::test {
namespace {

std::string output_of(const std::string& command) {
  std::string text;
  FILE* pipe = popen(command.c_str(), "r");
  std::array<char, 4096> piece{};
  while (const std::size_t count = std::fread(piece.data(), 1, piece.size(), pipe))
    text.append(piece.data(), count);
  pclose(pipe);
  return text;
}

ToolResult train(const std::vector<std::string>& arguments) { return run_command("train", arguments); }

TEST(Tables, have_dates_and_numbers_with_units_read_as_such) {
  std::string text = "when,price,when,share\n";
  for (int i = 0; i < 40; ++i)
    text += fmt::format("{:02}/28/2021 {}:30,\"$1,{:03}.50\",late,{}%\n", 1 + i % 12, i % 24, 5 * i, i % 12);
  const TemporaryFile data(text), model("", ".safetensors"), network("", ".onnx");
  const ToolResult result = train({data.path(), "--drop", "when.1", "--task", "regression", "--save",
                                   model.path(), "--test", data.path()});
  EXPECT_TRUE(mentions(result.errors, {"target column 4 (share): regression; ",
                                       "column 1 (when) is read as year, month, day, weekday, hour "
                                       "(month/day/year hour); column 2 (price) is read as numbers such as "
                                       "$1,234.5; column 4 (share) is read as numbers such as 1,234.5%\n"}));
  EXPECT_EQ(result.errors.find("warning"), std::string::npos) << result.errors;
  EXPECT_TRUE(mentions(run_command("summary", {model.path()}).output,
                       {"when month: number of month/day/year hour", "price: number of $1,234.5"}));
  const TemporaryFile one("price,when\n5,03/28/2021 3:30 pm\n"), wrong("price,when\n€5,soon\n");
  EXPECT_EQ(run_command("predict", {model.path(), one.path()}).exit_code, 0);
  EXPECT_TRUE(mentions(run_command("predict", {model.path(), wrong.path()}).errors,
                       {wrong.path() + ":2: column 2 (when) holds 'soon', not a date such as month/day/year "
                                       "hour; so does column 1 (price) in line 2, '€5'"}));
  EXPECT_EQ(run_command("evaluate", {model.path(), data.path()}).exit_code, 0);
  EXPECT_TRUE(
      mentions(run_command("explain", {model.path(), data.path(), "--row", "1"}).output, {"when hour"}));
  EXPECT_EQ(run_command("export", {model.path(), "-o", network.path()}).exit_code, 0);
  EXPECT_EQ(run_command("predict", {network.path(), data.path()}).output,
            run_command("predict", {model.path(), data.path()}).output);
}

TEST(Tables, with_years_as_names_of_columns_are_predicted_row_by_row) {
  std::string text = "country,1990,2000,2010\n";
  for (int i = 0; i < 40; ++i)
    text += fmt::format("{},{}.5,{}.25,{}\n", i % 3 == 0 ? "A" : "B", i, 2 * i, i % 2);
  const TemporaryFile data(text), one("country,1990,2000\nA,1,1995\n"),
      test(text.substr(0, text.find("B,4.5"))), model(""), slip("1,2\nx,3\n1,4\n");
  EXPECT_TRUE(
      mentions(train({data.path(), "--test", test.path(), "--epochs", "1", "--save", model.path()}).errors,
               {"a header, target column 4 (2010): classification", " 4 to test on, in 2 classes: 0, 1"}));
  EXPECT_EQ(run_command("predict", {model.path(), one.path()}).output.size(),
            std::string("2010\n1\n").size());
  const std::string errors = train({slip.path(), "--target", "1"}).errors;
  EXPECT_TRUE(mentions(errors, {":2: the target, column 1, is 'x'"}));
  EXPECT_EQ(errors.find("--drop"), std::string::npos) << errors;
}

TEST(Tables, of_arrays_for_training_and_testing_are_taken_as_such) {
  std::vector<double> x, y;
  for (int i = 0; i < 40; ++i) {
    x.push_back(i % 2);
    y.insert(y.end(), {i % 2 + 0.5, i % 2 - 0.5});
  }
  const TemporaryFile data("", ".npz"), model("", ".safetensors");
  const auto part = [](const std::vector<double>& all, std::int64_t from, std::int64_t to) {
    return tensor(all, {40, std::ssize(all) / 40})[{Slice{from, to}}];
  };
  save_npz(data.path(), {{"x_test", part(x, 0, 10)},
                         {"y_test", part(y, 0, 10)},
                         {"x_train", part(x, 10, 40)},
                         {"y_train", part(y, 10, 40)}});
  const ToolResult result = train({data.path(), "--save", model.path()});
  EXPECT_TRUE(mentions(result.errors, {"arrays, targets column 2 (y 1), column 3 (y 2): regression",
                                       "; learned from are the arrays for train, tested on those for test\n",
                                       "30 samples to learn from, 10 to test on", "network 1-64-64-2"}));
  const ToolResult evaluated = run_command("evaluate", {model.path(), data.path()});
  EXPECT_TRUE(mentions(evaluated.errors, {"the arrays for test are taken; --part chooses others"}));
  EXPECT_TRUE(mentions(evaluated.output, {"samples: 10"}));
  const ToolResult chosen = run_command("evaluate", {model.path(), data.path(), "--part", "train"});
  EXPECT_EQ(chosen.errors, "");
  EXPECT_TRUE(mentions(chosen.output, {"samples: 30"}));
  EXPECT_TRUE(mentions(train({data.path(), "--part", "test", "--epochs", "1"}).errors,
                       {"; learned from are the arrays for test, and those for train left alone\n",
                        "8 samples to learn from, 2 to test on"}));
  EXPECT_TRUE(mentions(train({data.path(), "--part", "validation"}).errors, {"the part 'validation'"}));
  EXPECT_TRUE(mentions(run_command("predict", {model.path(), model.path(), "--part", "test"}).errors,
                       {"a file of tensors"}));
  const TemporaryFile text("x 1\n1\n");
  EXPECT_TRUE(mentions(run_command("predict", {model.path(), text.path(), "--part", "test"}).errors,
                       {"--part test: that is for arrays in NPZ, which " + text.path() + " is not"}));
  // An archive is read from its end.
  const std::string piped =
      "cat '" + data.path() + "' | '" + tool_path() + "' predict '" + model.path() + "' - 2>&1";
  const ToolResult from_file = run_command("predict", {model.path(), data.path()});
  EXPECT_EQ(output_of(piped), "chainrule predict: -: the arrays for test are taken; --part chooses others\n" +
                                  from_file.output);
}

TEST(Tables, of_arrays_for_validation_choose_the_best_epoch) {
  std::vector<double> x;
  for (int i = 0; i < 30; ++i) x.push_back(i % 3);
  const TemporaryFile data("", ".npz");
  const Tensor all = tensor(x);
  NamedTensors arrays;
  for (const auto& [part, from, to] : {std::tuple("train", 0, 16), {"val", 16, 23}, {"test", 23, 30}})
    for (const char* name : {"x", "y"})
      arrays.emplace_back(fmt::format("{}_{}", name, part), all[{Slice{from, to}}]);
  save_npz(data.path(), arrays);
  EXPECT_TRUE(mentions(train({data.path(), "--epochs", "2", "--patience", "1"}).errors,
                       {"tested on those for test, and the best epoch chosen by those for validation\n",
                        "16 samples to learn from, 7 to validate, 7 to test on"}));
  EXPECT_TRUE(mentions(train({data.path(), "--epochs", "1"}).errors,
                       {"tested on those for test, and those for validation left alone\n",
                        "16 samples to learn from, 7 to test on"}));
  EXPECT_TRUE(mentions(train({data.path(), "--epochs", "1", "--cv", "4"}).errors,
                       {"for train, and those for validation and test left alone\n",
                        "12 samples to learn from, 4 to test on"}));
}

TEST(Tables, without_some_targets_are_tested_on_the_others) {
  const TemporaryFile data("x,y\n1,a\n2,b\n3,\n4,b\n1,a\n2,b\n"), model("", ".safetensors"),
      none("x,y\n1,\n2,?\n");
  EXPECT_TRUE(
      mentions(train({data.path(), "--test", data.path(), "--epochs", "1", "--save", model.path()}).errors,
               {data.path() + ": 1 row without a target left out"}));
  const ToolResult evaluated = run_command("evaluate", {model.path(), data.path()});
  EXPECT_TRUE(mentions(evaluated.errors, {"1 row without a target left out"}));
  EXPECT_TRUE(mentions(evaluated.output, {" of 5)"}));
  EXPECT_TRUE(mentions(run_command("evaluate", {model.path(), none.path()}).errors,
                       {none.path() + ":2: the target, column 2 (y), holds nothing"}));
  EXPECT_TRUE(mentions(run_command("predict", {data.path(), model.path()}).errors,
                       {data.path() + " is no model, but " + model.path() + " is; give MODEL before DATA"}));
  EXPECT_TRUE(mentions(train({model.path()}).errors, {"a file of tensors, as models are"}));
}

TEST(Tables, with_values_that_look_wrong_are_warned_of) {
  std::string text = "a,home town,r,y\n";
  for (int i = 0; i < 40; ++i)
    text += fmt::format("{},{},{},{}\n", i % 9 == 0 ? -999 : i % 7, 100 + i,
                        i == 5 ? "1e12" : std::to_string(i % 5 + 0.5),
                        i % 3 == 0   ? "Yes"
                        : i % 3 == 1 ? "yes"
                                     : "no");
  const TemporaryFile data(text), same("x,y\n1,2.5\n2,2.5\n3,2.5\n"), slip("x,y\n1,0.5\n2,oops\n3,1.5\n"),
      units("x,z,y\nm,s,kg\n1,2,0.5\n3,4,1.5\n"), headed("x,z,y\nm,s,1.5\n1,2,0.5\n3,4,2.5\n"),
      empty("1,2,\n3,4,\n"), noted("x,y\n1,a\n# new, from here, on\n2,b\n3,a\n4,b\n"), model("");
  EXPECT_TRUE(mentions(train({data.path(), "--epochs", "1"}).errors,
                       {"column 1 (a) is -999 in 5 rows, far from all others", "give --missing -999\n",
                        "leave it out with --drop 'home town'\n", "column 3 (r) is 1000000000000 in line 7",
                        "column 4 (y) holds 'Yes' and 'yes', which are two classes"}));
  EXPECT_TRUE(mentions(train({data.path(), "--epochs", "1", "--missing", "-999"}).errors,
                       {"5 missing values in 1 column filled in"}));
  EXPECT_TRUE(mentions(train({same.path(), "--epochs", "1"}).errors,
                       {"the target, column 2 (y), is 2.5 in every row; there is nothing to learn"}));
  EXPECT_TRUE(
      mentions(train({slip.path()}).errors,
               {":3: the target, column 2 (y), is 'oops', but '0.5' in line 2", "give --missing 'oops'"}));
  EXPECT_TRUE(mentions(train({units.path(), "--target", "y"}).errors,
                       {"if line 2 says units or is a second header, delete it"}));
  EXPECT_TRUE(
      mentions(train({headed.path()}).errors,
               {":2: column 1 (x) holds 'm', not a number; so does column 2 (z); if line 2 says units"}));
  EXPECT_TRUE(
      mentions(train({empty.path()}).errors, {"column 3, holds nothing in any row; choose another target"}));
  EXPECT_TRUE(mentions(train({noted.path(), "--epochs", "1", "--save", model.path()}).errors,
                       {", a header, a line of comments left out, target column 2"}));
  EXPECT_TRUE(mentions(run_command("predict", {model.path(), noted.path()}).errors,
                       {"chainrule predict: " + noted.path() + ": a line of comments left out"}));
}

}  // namespace
}  // namespace chainrule::test
