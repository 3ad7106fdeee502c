// chainrule train from data to result: accuracy on known data, options, stopping and going on, files.
// cli/run_tool.h runs the tool.

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <regex>

#include "cli/run_tool.h"
#include "paths.h"
#include "support.h"

namespace chainrule::test {
namespace {

using Arguments = std::vector<std::string>;

ToolResult train(const Arguments& arguments) { return run_command("train", arguments); }

/// The percentage in "test accuracy: 97.22 % (1747 of 1797)"; -1 when there is none.
double test_accuracy(const ToolResult& result) {
  std::smatch found;
  return std::regex_search(result.output, found, std::regex("test accuracy: ([0-9.]+) %"))
             ? std::stod(found[1])
             : -1;
}

std::ptrdiff_t lines_of(const std::string& text) { return std::count(text.begin(), text.end(), '\n'); }

/// The tool gives up with this exit code and one line on standard error that contains all of these.
void expect_failure(const ToolResult& result, int exit_code, const std::vector<std::string>& words) {
  EXPECT_EQ(result.exit_code, exit_code) << result.errors;
  EXPECT_EQ(result.output, "");
  EXPECT_EQ(lines_of(result.errors), 1) << result.errors;
  EXPECT_TRUE(mentions(result.errors, words));
}

/// Four clouds that a straight line cannot separate: class 7 where the signs agree, class -2 elsewhere.
std::string four_clouds(int samples, std::uint64_t seed_number) {
  Engine engine(seed_number);
  std::string text;
  for (int i = 0; i < samples; ++i) {
    const bool right = i % 2 == 0, up = i / 2 % 2 == 0;
    text += std::to_string((right ? 1 : -1) + uniform(engine, -0.6, 0.6)) + "," +
            std::to_string((up ? 1 : -1) + uniform(engine, -0.6, 0.6)) + "," + (right == up ? "7" : "-2") +
            "\n";
  }
  return text;
}

class Digits : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(train_path_) || !std::filesystem::exists(test_path_))
      GTEST_SKIP() << "needs " << train_path_ << " and " << test_path_
                   << " (UCI, optical recognition of digits)";
    if (sanitized) GTEST_SKIP() << "takes too long under a sanitizer";
  }
  const std::string train_path_ = data_path("optdigits.tra"), test_path_ = data_path("optdigits.tes");
};

TEST_F(Digits, are_told_apart_at_96_percent_or_better_with_defaults) {
  const ToolResult result = train({train_path_, "--test", test_path_});
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_GE(test_accuracy(result), 96) << result.output;
  EXPECT_TRUE(mentions(result.output, {"of 1797)", "samples per second: "}));
  EXPECT_TRUE(mentions(result.errors, {"3823 samples", "64-64-64-10", "epoch 1/", "loss ", "accuracy "}));
}

TEST_F(Digits, are_told_apart_whatever_the_seed) {
  for (const char* number : {"1", "2", "3"}) {
    const ToolResult result = train({train_path_, "--test", test_path_, "--seed", number});
    EXPECT_GE(test_accuracy(result), 96) << "seed " << number << ": " << result.output;
  }
}

TEST(Train, without_data_learns_half_moons) {
  const ToolResult result = train({"--epochs", "20"});
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_GE(test_accuracy(result), 98);
}

TEST(Train, writes_one_plain_line_per_epoch_when_nobody_watches) {
  const ToolResult result = train({"--epochs", "3", "--hidden", "8"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_TRUE(mentions(result.errors, {"epoch 1/3", "epoch 2/3", "epoch 3/3"}));
  EXPECT_EQ(lines_of(result.errors), 5) << result.errors;  // and one on the data, one on the network
  EXPECT_EQ(result.errors.find('\r'), std::string::npos);
  EXPECT_EQ(lines_of(result.output), 2) << result.output;
}

TEST(Train, draws_a_bar_on_a_terminal) {
  const ToolResult result = run_tool_on_terminal({"train", "--epochs", "3", "--hidden", "8"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_TRUE(mentions(result.errors, {"\repoch 3/3", "━", "loss ", "accuracy "}));
  EXPECT_GE(test_accuracy(result), 0);
}

TEST(Train, with_the_same_seed_gives_the_same_result) {
  const auto losses = [](const char* number) { return train({"--epochs", "2", "--seed", number}).errors; };
  EXPECT_EQ(losses("3"), losses("3"));
  EXPECT_NE(losses("3"), losses("4"));
}

TEST(Train, learns_classes_that_are_any_whole_numbers) {
  const TemporaryFile data(four_clouds(400, 1)), unseen(four_clouds(100, 2));
  const ToolResult result = train({data.path(), "--test", unseen.path(), "--hidden", "16", "--epochs", "20"});
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_EQ(test_accuracy(result), 100);
}

TEST(Train, holds_a_fifth_back_without_a_test_file) {
  const TemporaryFile data(four_clouds(200, 1));
  const ToolResult result = train({data.path(), "--epochs", "1"});
  EXPECT_TRUE(mentions(result.errors, {"160 samples to learn from, 40 to test on"}));
  EXPECT_TRUE(mentions(result.output, {"of 40)"}));
}

TEST(Train, takes_the_target_by_number_or_by_name) {
  const TemporaryFile data(
      "kind,height\n0,1.5\n0,1.4\n1,3.1\n1,3.3\n0,1.2\n1,3.9\n0,1.1\n1,3.5\n0,1.6\n1,3.2\n");
  for (const char* target : {"1", "kind"}) {
    const ToolResult result = train({data.path(), "--target", target, "--epochs", "40", "--batch", "2"});
    EXPECT_EQ(result.exit_code, 0) << result.errors;
    EXPECT_EQ(test_accuracy(result), 100) << target;
  }
}

TEST(Train, refuses_a_target_that_is_not_there) {
  const TemporaryFile data("kind,height\n0,1.5\n1,3.1\n");
  for (const char* target : {"weight", "0", "3"})
    expect_failure(train({data.path(), "--target", target}), 2,
                   {"--target " + std::string(target), "1 to 2", "header"});
}

TEST(Train, names_a_file_that_cannot_be_read) {
  expect_failure(train({"no/such.csv"}), 1, {"no/such.csv"});
  const TemporaryFile data(four_clouds(20, 1));
  expect_failure(train({data.path(), "--test", "no/such.csv"}), 1, {"no/such.csv"});
}

TEST(Train, names_the_line_of_a_malformed_file) {
  const TemporaryFile ragged("1,2,0\n3,4\n"), text("1,2,0\n3,blue,1\n"), empty("");
  expect_failure(train({ragged.path()}), 1, {ragged.path() + ":2"});
  expect_failure(train({text.path()}), 1, {text.path() + ":2", "blue", "not a number"});
  expect_failure(train({empty.path()}), 1, {empty.path(), "empty"});
}

TEST(Train, refuses_inputs_that_are_not_finite) {
  const TemporaryFile data("1,2,0\n3,inf,1\n");
  expect_failure(train({data.path()}), 1, {data.path() + ":2", "column 2", "inf", "finite", "--drop 2"});
}

TEST(Train, learns_classes_that_are_text) {
  const TemporaryFile data(
      "kind,height\nsetosa,1.5\nsetosa,1.4\n\"iris, blue\",3.1\nsetosa,1.2\n"
      "\"iris, blue\",3.9\nsetosa,1.1\n\"iris, blue\",3.5\n"),
      unseen("kind,height\nsetosa,1.3\n\"iris, blue\",3.7\n"), stranger("kind,height\nsetosa,1\nrose,2\n");
  const ToolResult result =
      train({data.path(), "--test", unseen.path(), "--target", "kind", "--epochs", "40", "--batch", "2"});
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_EQ(test_accuracy(result), 100);
  EXPECT_TRUE(mentions(result.errors, {"in 2 classes: iris, blue, setosa"}));
  expect_failure(train({data.path(), "--test", stranger.path(), "--target", "kind"}), 1,
                 {stranger.path() + ":3: class rose never occurs in " + data.path()});
}

/// 40 rows "size;kind" and so on, where the kind follows from the size, which `written` writes.
std::string sizes(const std::function<std::string(int)>& written) {
  std::string text = "size;kind\n";
  for (int i = -20; i < 20; ++i) text += written(i) + (i < 0 ? ";no\n" : ";yes\n");
  return text;
}

TEST(Train, takes_decimal_commas_where_it_finds_them_or_is_told_to) {
  const TemporaryFile data(sizes([](int i) {
    return (i < 0 ? "-" : "") + std::to_string(std::abs(i) / 3) + ".000," + std::to_string(std::abs(i) % 3);
  }));
  const TemporaryFile model("", ".safetensors");
  EXPECT_TRUE(
      mentions(train({data.path(), "--epochs", "1"}).errors,
               {": fields apart by semicolons, decimals after commas, a header, ", "network 1-64-64-2"}));
  EXPECT_TRUE(mentions(train({data.path(), "--decimal", ".", "--epochs", "1"}).errors,
                       {"(size) holds texts that look like numbers, as '-6.000,2'", "--decimal ,"}));
  const ToolResult result = train({data.path(), "--decimal", ",", "--save", model.path()});
  EXPECT_TRUE(mentions(result.errors, {"network 1-64-64-2"}));
  EXPECT_GE(test_accuracy(result), 75) << result.errors;
  EXPECT_EQ(run_command("evaluate", {model.path(), data.path(), "--decimal", ","}).exit_code, 0);
  EXPECT_EQ(run_command("evaluate", {model.path(), data.path()}).exit_code, 0);
  // Of a row that does not tell, the model knows how it is meant.
  const TemporaryFile row("size\n-6.000\n", ".csv"), same("size\n-6000\n", ".csv");
  EXPECT_EQ(run_command("explain", {model.path(), row.path(), "--csv"}).output,
            run_command("explain", {model.path(), same.path(), "--csv"}).output);
  EXPECT_TRUE(mentions(run_command("evaluate", {model.path(), data.path(), "--decimal", "."}).errors,
                       {"(size) holds '-6.000,2', not a number"}));
  // Points that are no thousands, and texts, stay what they are.
  const TemporaryFile points(sizes([](int i) { return i % 2 == 0 ? "1.25,5" : "a,5"; }));
  EXPECT_TRUE(mentions(train({points.path(), "--decimal", ",", "--epochs", "1"}).errors, {"network 2-64"}));
}

TEST(Train, warns_of_numbers_that_are_written_as_texts) {
  const TemporaryFile data(sizes([](int i) { return std::to_string(i) + (i % 2 == 0 ? " €" : " $"); }));
  EXPECT_TRUE(mentions(train({data.path(), "--epochs", "1"}).errors,
                       {"(size) holds texts that look like numbers", "write them as 1234.5"}));
}

TEST(Train, says_what_a_header_of_numbers_and_gaps_in_the_target_are) {
  const TemporaryFile header("0,1,2\n1.5,2,no\n2.5,3,yes\n3,4,no\n");
  expect_failure(train({header.path()}), 2, {"column 3 has only texts", "--header yes"});
  const TemporaryFile gaps("a,k\n1,EU\n2,NA\n3,EU\n4,\n");
  expect_failure(train({gaps.path()}), 1, {"is EU in every row", "2 of 4 rows hold nothing there"});
}

TEST(Train, refuses_classes_of_which_only_some_are_text) {
  const TemporaryFile slip("1,2,0\n3,4,1\n5,6,l\n");
  expect_failure(train({slip.path()}), 1, {slip.path() + ":3", "'l'", "'0' in line 1", "all text"});
}

TEST(Train, leaves_out_rows_without_a_target) {
  const TemporaryFile missing("1,2,setosa\n3,4,\n"), some("1,a\n2,\n3,b\n4,a\n?,b\n");
  expect_failure(train({missing.path()}), 1, {missing.path() + ": 1 row", "at least 2"});
  EXPECT_TRUE(mentions(train({some.path(), "--epochs", "1"}).errors,
                       {"1 row without a target left out", "3 samples to learn from, 1 to test on"}));
}

TEST(Train, refuses_targets_that_are_not_classes_where_those_are_asked_for) {
  const TemporaryFile fractions("1,2,0\n3,4,0.5\n"), huge("1,2,0\n3,4,1e300\n");
  for (const TemporaryFile* file : {&fractions, &huge})
    expect_failure(train({file->path(), "--task", "classification"}), 1,
                   {file->path() + ":2", "whole number"});
}

TEST(Train, refuses_a_single_class_and_a_lone_column) {
  const TemporaryFile one_class("1,2,3\n4,5,3\n"), one_column("1\n2\n");
  expect_failure(train({one_class.path()}), 1, {one_class.path(), "3 in every row", "two classes"});
  expect_failure(train({one_column.path()}), 1, {one_column.path(), "only column"});
}

TEST(Train, refuses_a_class_that_it_never_saw) {
  const TemporaryFile data("1,2,0\n3,4,1\n"), unseen("1,2,0\n3,4,2\n");
  expect_failure(train({data.path(), "--test", unseen.path()}), 1,
                 {unseen.path() + ":2", "class 2", "never occurs in " + data.path()});
}

TEST(Train, refuses_a_test_file_with_other_columns) {
  const TemporaryFile data("a,b,kind\n1,2,0\n3,4,1\n"), narrow("1,0\n3,1\n"), renamed("a,c,kind\n1,2,0\n");
  expect_failure(train({data.path(), "--test", narrow.path()}), 1,
                 {narrow.path(), "'kind', is missing", data.path()});
  expect_failure(train({data.path(), "--test", renamed.path()}), 1, {renamed.path(), "'b' is missing"});
}

TEST(Train, says_which_option_is_wrong_and_what_it_may_be) {
  const std::string sizes = ": give the sizes of the layers, each from 1 to 1000000, as 64,64\n";
  for (const char* wrong : {"0", "64,,8", "64,x", "", "1e2", "0x10", "64, 64", "1000001", "-1"})
    expect_failure(train({"--hidden", wrong}), 2, {"--hidden '" + std::string(wrong) + "'" + sizes});
  expect_failure(train({"--hidden", "1000000,1000000"}), 2, {"--hidden", "1e+12 parameters"});

  const std::string counts = ": give a whole number from 1 to 1000000000\n";
  for (const char* wrong : {"0", "-3", "", "many", "1e3", "0x10", "2.0", " 2", "2 ", "++2", "1_000",
                            "1000000001", "99999999999999999999", "\u0663"})
    for (const char* option : {"--epochs", "--batch"})
      expect_failure(train({option, wrong}), 2, {option + std::string(" '") + wrong + "'" + counts});

  struct Real {
    const char *option, *range;
    std::vector<const char*> wrong;
  };
  const Real reals[] = {
      {"--lr",
       "a finite number above 0",
       {"-0.1", "0", "nan", "inf", "1e400", "1e-400", "", "0x1", "1,5", "1 "}},
      {"--momentum", "a number of at least 0 and below 1", {"1", "-0.1", "nan", "", "half"}},
      {"--weight-decay", "a finite number of at least 0", {"-1", "inf", "nan", "", "-1e-9"}}};
  for (const auto& [option, range, wrong] : reals)
    for (const char* value : wrong)
      expect_failure(train({option, value}), 2,
                     {option + std::string(" '") + value + "': give " + range + "\n"});

  for (const Arguments& wrong :
       {Arguments{"--test", "a.csv"}, Arguments{"--no-such-option"}, Arguments{"a.csv", "b.csv"},
        Arguments{"--report", ""}, Arguments{"--report="}, Arguments{""}, Arguments{"a.csv", "--test", ""}})
    EXPECT_EQ(train(wrong).exit_code, 2) << wrong.front();
}

TEST(Train, takes_decimal_numbers_with_zeros_and_a_sign_in_front) {
  const ToolResult result =
      train({"--epochs", "010", "--batch=+0100", "--lr", "+.03", "--seed", "007", "--hidden", "08"});
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_TRUE(mentions(result.errors, {"epoch 10/10", "network 2-8-2"}));
}

TEST(Train, keeps_file_names_as_they_are) {
  const TemporaryFolder folder;
  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(folder.path());
  std::ofstream("-t.csv") << four_clouds(50, 1);
  std::ofstream("--test") << four_clouds(50, 2);
  const ToolResult dashes =
                       train({"--report", "-rep.html", "--epochs", "1", "--test", "--test", "--", "-t.csv"}),
                   equals = train({"--epochs=1", "--report=-o", "--", "-t.csv"}),
                   missing = train({"--", "--no-such.csv"});
  std::filesystem::current_path(before);
  EXPECT_EQ(dashes.exit_code, 0) << dashes.errors;
  EXPECT_EQ(equals.exit_code, 0) << equals.errors;
  EXPECT_TRUE(mentions(dashes.errors, {"-t.csv: 50 samples to learn from, 50 to test on"}));
  expect_failure(missing, 1, {"chainrule train: --no-such.csv: it cannot be read"});
  EXPECT_EQ(folder.names(), (std::vector<std::string>{"--test", "-o", "-rep.html", "-t.csv"}));
}

TEST(Train, reports_what_it_printed) {
  const TemporaryFile report("", ".html");
  const ToolResult result = train({"--epochs", "3", "--seed", "5", "--report", report.path()});
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_EQ(lines_of(result.output), 2) << result.output;
  const std::string page = content_of(report.path());
  std::smatch found;
  for (std::string rest = result.errors;
       std::regex_search(rest, found, std::regex("epoch ([0-9]+)/3  loss ([0-9.]+)  accuracy ([0-9.]+ %)"));
       rest = found.suffix())
    EXPECT_TRUE(std::regex_search(page, std::regex("<td>" + found.str(1) + "</td><td>" + found.str(2) +
                                                   "</td><td>[0-9.]+</td><td>" + found.str(3) + "</td>")))
        << found.str(0);
  ASSERT_TRUE(std::regex_search(result.output, found,
                                std::regex("accuracy: (.*) \\((.*)\\)\nsamples per second: ([0-9]+)")));
  EXPECT_TRUE(
      mentions(page, {"<strong>" + found.str(1) + "</strong>", found.str(2), found.str(3) + " samples/s",
                      "<td>3</td>", "half-moons: 1000 samples", "2-64-64-2", "<dt>seed</dt><dd>5</dd>"}));
}

TEST(Train, learns_the_same_whether_it_reports_or_not) {
  const TemporaryFile report("", ".html");
  const ToolResult quiet = train({"--epochs", "3"}),
                   watched = train({"--epochs", "3", "--plot", "--report", report.path()});
  EXPECT_EQ(quiet.errors, watched.errors);
  EXPECT_EQ(test_accuracy(quiet), test_accuracy(watched));
}

TEST(Train, reports_the_names_of_classes_and_columns_as_text) {
  const TemporaryFile report("", ".html"), data(
                                               "a<b,\"\"\"x\"\"\",kind\n1,2,<script>alert(1)</"
                                               "script>\n3,4,b&c\n1,1,b&c\n2,2,<script>alert(1)</script>\n");
  const ToolResult result =
      train({data.path(), "--test", data.path(), "--epochs", "1", "--report", report.path()});
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  const std::string page = content_of(report.path());
  EXPECT_TRUE(
      mentions(page, {"&lt;script&gt;alert(1)&lt;/script&gt;", "b&amp;c", "a&lt;b", "&quot;x&quot;"}));
  EXPECT_EQ(page.find("<script>alert"), std::string::npos);
}

TEST(Train, refuses_a_report_that_cannot_be_written_before_it_learns) {
  expect_failure(train({"--report", "/no/such/place.html"}), 1,
                 {"/no/such/place.html", "No such file or directory"});
  expect_failure(train({"--report", "/"}), 1, {"/: it cannot be written: Is a directory"});
  EXPECT_EQ(train({"--report"}).exit_code, 2);
  const TemporaryFolder folder;
  EXPECT_EQ(train({"--lr", "1e6", "--epochs", "5", "--report", folder.file("report.html")}).exit_code, 1);
  EXPECT_TRUE(folder.names().empty());
}

TEST(Train, draws_the_loss_on_standard_output) {
  const ToolResult result = train({"--epochs", "5", "--plot"});
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_TRUE(mentions(result.output, {"loss", "training", "test", "\ntest accuracy: "}));
  EXPECT_EQ(lines_of(result.output), 22) << result.output;
  EXPECT_EQ(result.output.find('\x1b'), std::string::npos);
}

TEST(Train, that_diverges_says_so) {
  const ToolResult result = train({"--lr", "1e6", "--epochs", "5"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_EQ(result.output, "");
  EXPECT_TRUE(mentions(result.errors, {"diverged", "lower --lr"}));
}

}  // namespace
}  // namespace chainrule::test
