// `chainrule train` on tables as people have them: what is read, warned of and refused, in which words.
// cli/run_tool.h runs the tool.

#include <filesystem>
#include <regex>

#include "chainrule/model.h"
#include "chainrule/ops.h"
#include "cli/run_tool.h"
#include "cli/shop.h"
#include "paths.h"
#include "support.h"

namespace chainrule::test {
namespace {

using Arguments = std::vector<std::string>;

ToolResult train(const Arguments& arguments) { return run_command("train", arguments); }

TEST(Tables, say_what_was_taken_for_what) {
  const TemporaryFile data(shop());
  const ToolResult result = train({data.path(), "--drop", "id,price"});
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_TRUE(mentions(
      result.errors,
      {"fields apart by semicolons, a header, target column 5 (sold): classification; "
       "15 missing values in 2 columns filled in\n",
       "48 samples to learn from, 12 to test on, in 2 classes: no, yes\n", "network 3-64-64-2 with"}));
  EXPECT_EQ(result.errors.find("warning"), std::string::npos) << result.errors;
}

TEST(Tables, warn_of_what_looks_wrong) {
  const TemporaryFile data(shop());
  EXPECT_TRUE(mentions(train({data.path(), "--epochs", "1"}).errors,
                       {"warning: column 1 (id) is another in each row", "--drop id"}));
  std::string numbers = "0,1,2\n", classes = "class,a,b\n", rare;
  for (int i = 0; i < 40; ++i) {
    numbers += std::to_string(i * 7 % 11) + ".5,3," + std::to_string(i % 2) + "\n";
    classes += std::to_string(i % 2) + "," + std::to_string(i * 7 % 11) + "," + std::to_string(i % 9) + "\n";
    rare += std::to_string(i * 7 % 11) + ".5," + (i % 20 == 0 ? "b" : "a") + "\n";
  }
  const TemporaryFile header(numbers), first(classes), majority(rare);
  EXPECT_TRUE(
      mentions(train({header.path(), "--epochs", "1"}).errors, {"header of numbers", "--header yes"}));
  EXPECT_TRUE(mentions(train({header.path(), "--epochs", "1", "--header", "yes"}).errors,
                       {"a header, target column 3 (2)"}));
  EXPECT_TRUE(mentions(train({first.path(), "--epochs", "1"}).errors,
                       {"9 classes in 40 rows", "--task regression", "column 1 (class)", "--target class"}));
  EXPECT_TRUE(mentions(train({majority.path(), "--epochs", "1", "--test", majority.path()}).errors,
                       {"always saying 'a'", "95.00 %", "--class-weights balanced"}));
}

TEST(Tables, name_all_columns_that_cannot_be_learned_from) {
  std::string text = "name,n,x,y\n";
  for (int i = 0; i < 300; ++i)
    text += "p" + std::to_string(i) + "," + std::to_string(i % 5) + "," + (i == 7 ? "oops" : "1") + "," +
            std::to_string(i % 2) + "\n";
  const TemporaryFile data(text);
  EXPECT_TRUE(mentions(
      train({data.path()}).errors,
      {data.path() + ":9: column 3 (x) holds 'oops', not a number; column 1 (name) holds more than 200",
       "leave them out with --drop name,x"}));
  EXPECT_TRUE(
      mentions(train({data.path(), "--drop", "x"}).errors, {"more than 200 different texts", "--drop name"}));
  EXPECT_EQ(train({data.path(), "--drop", "x,name", "--epochs", "1"}).exit_code, 0);
  EXPECT_EQ(train({data.path(), "--drop", "nobody"}).exit_code, 2);
  EXPECT_EQ(train({data.path(), "--drop", "y"}).exit_code, 2);
}

TEST(Tables, are_refused_with_the_option_that_helps) {
  std::string gaps = "x;y;z\n", commas = "x;y\n", written = "x;w;y\n";
  for (int i = 0; i < 300; ++i) {
    const std::string kind = i % 2 == 0 ? ";a\n" : ";b\n", number = std::to_string(i);
    gaps += (i % 30 == 0 ? "n.a." : number) + ";" + (i % 40 == 0 ? "-" : number) + kind;
    commas += number + ",25" + kind;
    written += (i % 2 == 0 ? "$" : "€") + std::to_string(100 + i % 100) + ";" + number + " kg" + kind;
  }
  const TemporaryFile with_gaps(gaps), with_commas(commas), with_units(written), model("", ".safetensors");
  EXPECT_TRUE(mentions(train({with_gaps.path()}).errors,
                       {"holds 'n.a.', not a number", "give --missing 'n.a.,-' if that means",
                        "or leave them out with --drop x,y"}));
  const ToolResult result =
      train({with_gaps.path(), "--missing", "n.a.,-", "--epochs", "1", "--save", model.path()});
  EXPECT_TRUE(mentions(result.errors, {"18 missing values in 2 columns filled in"}));
  EXPECT_EQ(run_command("predict", {model.path(), with_gaps.path(), "--missing", "n.a.,-"}).exit_code, 0);
  EXPECT_TRUE(
      mentions(run_command("predict", {model.path(), with_gaps.path(), "--csv"}).errors,
               {":2: column 1 (x) holds 'n.a.', not a number; so does column 2 (y) in line 2, '-'; give "
                "--missing 'n.a.,-'"}));
  EXPECT_TRUE(mentions(train({with_commas.path(), "--decimal", "."}).errors,
                       {"200 different texts", "give --decimal , if these are decimal commas", "--drop x"}));
  EXPECT_EQ(train({with_commas.path(), "--decimal", ",", "--epochs", "1"}).exit_code, 0);
  const std::string& errors = train({with_units.path(), "--drop", "w", "--epochs", "1"}).errors;
  EXPECT_TRUE(mentions(errors, {"texts that look like numbers, as '$100'"}));
}

TEST(Tables, are_looked_at_alike_for_cross_validation) {
  std::string numbered = "0,1,2\n";
  for (int i = 0; i < 12; ++i) numbered += "1.5," + std::to_string(i) + (i % 2 == 0 ? ",a\n" : ",b\n");
  const TemporaryFile header(numbered), tiny("x,y\n1,a\n2,b\n3,a\n"), model("", ".safetensors"),
      slip("x,y\n1,a\n-,b\n");
  EXPECT_TRUE(mentions(train({header.path(), "--cv", "2"}).errors,
                       {"as a header that pandas writes", "--header yes"}));
  EXPECT_TRUE(mentions(train({tiny.path(), "--cv", "2", "--patience", "3"}).errors,
                       {"--cv 2", "has 3 rows", "--patience"}));
  EXPECT_TRUE(mentions(train({tiny.path(), "--test", slip.path(), "--epochs", "1"}).errors,
                       {slip.path() + ":3: column 1 (x) holds '-'", "give --missing '-'"}));
}

TEST(Tables, with_texts_that_hardly_repeat_are_warned_of) {
  std::string text = "weight,y\n";
  for (int i = 0; i < 60; ++i) text += "w" + std::to_string(i % 40) + "," + (i % 2 == 0 ? "a\n" : "b\n");
  const TemporaryFile data(text);
  EXPECT_TRUE(mentions(train({data.path(), "--epochs", "1"}).errors,
                       {"column 1 (weight) holds 40 different texts in 60 rows", "--drop weight"}));
}

TEST(Tables, with_a_number_as_target_are_learned_by_regression) {
  const TemporaryFile data(shop());
  const ToolResult result = train({data.path(), "--target", "price", "--drop", "id,sold"});
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_TRUE(mentions(result.errors, {"target column 4 (price): regression", "epoch 1/300  loss "}));
  EXPECT_EQ(result.errors.find("accuracy"), std::string::npos);
  std::smatch found;
  ASSERT_TRUE(std::regex_search(result.output, found,
                                std::regex("^test R²: ([-0-9.]+), RMSE: ([0-9.]+) \\(12 samples\\)\n")))
      << result.output;
  EXPECT_GT(std::stod(found[1]), 0.5);
  const TemporaryFile one("price,size,city\n5,2,Ulm\n");
  EXPECT_TRUE(mentions(
      train({data.path(), "--target", "price", "--drop", "id,sold", "--epochs", "1", "--test", one.path()})
          .output,
      {"test R²: not defined for one sample, RMSE: ", "(1 sample)\n"}));
  const TemporaryFile page("", ".html");
  EXPECT_EQ(
      train({data.path(), "--target", "price", "--drop", "id,sold", "--epochs", "2", "--report", page.path()})
          .exit_code,
      0);
  EXPECT_TRUE(
      mentions(content_of(page.path()), {"R² ", "price: predicted against true", "price: residuals"}));
  EXPECT_EQ(train({data.path(), "--target", "price", "--class-weights", "balanced"}).exit_code, 2);
}

TEST(Tables, with_several_targets_are_learned_together) {
  const TemporaryFile data(shop()), model("", ".safetensors"), people("city,sold\nUlm,yes\nUlm,no\n");
  const ToolResult result = train(
      {data.path(), "--target", "price,size", "--drop", "id", "--epochs", "60", "--save", model.path()});
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_TRUE(mentions(result.errors, {"targets column 4 (price), column 3 (size): regression",
                                       "6 rows without a target left out", "-2 with"}));
  EXPECT_TRUE(mentions(result.output, {"mean of 2 targets", "  price: R²: ", "  size: R²: "}));
  const ToolResult predicted = run_command("predict", {model.path(), people.path()});
  std::smatch found;
  ASSERT_TRUE(std::regex_search(predicted.output, found,
                                std::regex("^price,size\n([-0-9.e]+),([-0-9.e]+)\n([-0-9.e]+),[-0-9.e]+\n$")))
      << predicted.output;
  EXPECT_NEAR(std::stod(found[1]), 2 * std::stod(found[2]) + 0.25, 1.5);  // both follow the sign of the size
  EXPECT_LT(std::stod(found[3]), 0);
  EXPECT_TRUE(mentions(run_command("summary", {model.path()}).output,
                       {"predicts price: a number", "predicts size: a number"}));
  EXPECT_TRUE(run_command("explain", {model.path(), people.path(), "--target", "size"})
                  .output.starts_with("row 1 of " + people.path() + ": the prediction of size is"));
  EXPECT_TRUE(mentions(run_command("explain", {model.path(), people.path(), "--target", "id"}).errors,
                       {"--target 'id': the model predicts price,size"}));
  std::string whole = shop();
  for (std::size_t at = whole.find(";;"); at != std::string::npos; at = whole.find(";;"))
    whole.insert(at + 1, "1");
  const TemporaryFile filled(whole);
  EXPECT_TRUE(
      mentions(run_command("evaluate", {model.path(), filled.path()}).output, {"mean R²: 0.", "size "}));
  EXPECT_TRUE(run_command("evaluate", {model.path(), filled.path(), "--csv"})
                  .output.starts_with("target,r2,rmse,mae\nprice,0."));
  EXPECT_TRUE(mentions(run_command("evaluate", {model.path(), filled.path(), "--json"}).output,
                       {"\"targets\": [", "\"name\": \"size\""}));

  EXPECT_TRUE(
      mentions(train({data.path(), "--target", "price,nobody"}).errors, {"--target nobody", "no such"}));
  EXPECT_TRUE(mentions(train({data.path(), "--target", "price,price"}).errors, {"price is there twice"}));
  EXPECT_TRUE(mentions(train({data.path(), "--target", "price,city", "--drop", "id"}).errors,
                       {"column 2 (city), is 'Bonn; Rhein'", "regression predicts finite numbers"}));
  EXPECT_TRUE(mentions(train({data.path(), "--target", "price,size", "--task", "classification"}).errors,
                       {"several targets are learned as numbers"}));
}

TEST(Tables, stop_early_where_validation_improves_no_more) {
  const TemporaryFile data(shop());
  const ToolResult result = train({data.path(), "--drop", "id,price", "--patience", "3", "--epochs", "100",
                                   "--optim", "adamw", "--lr", "0.05", "--json"});
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_TRUE(
      mentions(result.errors, {"43 samples to learn from, 5 to validate, 12 to test on", "validation loss"}));
  std::smatch best, epochs;
  ASSERT_TRUE(std::regex_search(result.output, best, std::regex("\"best_epoch\": ([0-9]+)")));
  ASSERT_TRUE(std::regex_search(result.output, epochs, std::regex("\"epochs\": ([0-9]+)")));
  EXPECT_TRUE(std::stoi(epochs[1]) == std::stoi(best[1]) + 3 || std::stoi(epochs[1]) == 100) << result.output;
}

TEST(Tables, are_cross_validated) {
  const TemporaryFile data(shop());
  const ToolResult result = train({data.path(), "--drop", "id,price", "--cv", "4", "--epochs", "30"});
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_TRUE(
      mentions(result.errors, {"45 samples to learn from, 15 to test on", "part 1 of 4: ", "part 4 of 4: "}));
  std::smatch found;
  ASSERT_TRUE(
      std::regex_match(result.output, found, std::regex("accuracy of 4 parts: ([0-9.]+) % ± ([0-9.]+)\n")))
      << result.output;
  EXPECT_GT(std::stod(found[1]), 80);
  EXPECT_LT(std::stod(found[2]), 20);
  EXPECT_TRUE(mentions(train({data.path(), "--drop", "id,sold", "--target", "price", "--cv", "2", "--epochs",
                              "5", "--patience", "2"})
                           .output,
                       {"R² of 2 parts: "}));
  EXPECT_TRUE(mentions(train({data.path(), "--cv", "2", "--epochs", "1", "--json"}).output,
                       {"\"folds\": 2", "\"mean\": ", "\"deviation\": ", "\"scores\": ["}));
  EXPECT_TRUE(mentions(train({data.path(), "--cv", "2", "--epochs", "1", "--csv"}).output,
                       {"figure,value\nscore,accuracy_percent\nfolds,2\nmean,"}));
  EXPECT_TRUE(mentions(train({data.path(), "--epochs", "1", "--csv"}).output,
                       {"figure,value\n", "\ntarget,sold\n", "\naccuracy,0.", "\nepochs,1\n"}));
  EXPECT_TRUE(mentions(train({data.path(), "--json", "--csv"}).errors, {"give one of them"}));
  EXPECT_TRUE(mentions(train({data.path(), "--cv", "2", "--save", "x"}).errors, {"leave --save out"}));
  EXPECT_EQ(train({data.path(), "--cv", "61"}).exit_code, 2);
  EXPECT_TRUE(mentions(train({data.path(), "--target", "price", "--cv", "60"}).errors,
                       {"--cv 60: a part of one row has no R²", "give at most 30"}));
  EXPECT_EQ(train({"--cv", "1"}).exit_code, 2);
}

TEST(Tables, of_images_are_learned_by_convolutions) {
  // A bright pixel in the left or the right half.
  std::string text = "kind";
  for (int pixel = 0; pixel < 36; ++pixel) text += ",p" + std::to_string(pixel);
  text += "\n";
  Engine engine(7);
  for (int row = 0; row < 80; ++row) {
    const int bright =
        static_cast<int>(uniform(engine, 0, 6)) * 6 + static_cast<int>(uniform(engine, 0, 3)) + row % 2 * 3;
    text += row % 2 == 0 ? "left" : "right";
    for (int pixel = 0; pixel < 36; ++pixel) text += pixel == bright ? ",9" : ",0";
    text += "\n";
  }
  const TemporaryFile data(text), model("", ".safetensors"), page("", ".html");
  const Arguments arguments = {data.path(), "--target", "kind", "--arch", "cnn:4,8", "--hidden", "8"};
  EXPECT_TRUE(mentions(train(arguments).errors, {"--arch cnn", "--image 28x28"}));
  Arguments with = arguments;
  for (const char* each :
       {"--image", "6x6", "--epochs", "30", "--lr", "0.01", "--dropout", "0.1", "--shift", "0", "--save"})
    with.emplace_back(each);
  with.push_back(model.path());
  with.emplace_back("--report");
  with.push_back(page.path());
  const ToolResult result = train(with);
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_TRUE(mentions(result.errors, {"network 6x6-4c-8c-8-2 with"}));
  EXPECT_TRUE(mentions(content_of(page.path()), {"6x6-4c-8c-8-2", "confusion"}));
  EXPECT_TRUE(mentions(run_command("summary", {model.path()}).output,
                       {"network 6x6-4c-8c-8-2", "conv1", "(4, 1, 3, 3)", "conv2", "layer2"}));
  const ToolResult quality = run_command("evaluate", {model.path(), data.path()});
  std::smatch found;
  ASSERT_TRUE(std::regex_search(quality.output, found, std::regex("accuracy: ([0-9.]+) %")))
      << quality.errors;
  EXPECT_GE(std::stod(found[1]), 90);
  EXPECT_TRUE(run_command("predict", {model.path(), data.path()}).output.starts_with("kind\nleft\nright\n"));

  const auto refused = [&](Arguments more, const std::string& words) {
    more.insert(more.begin(), {data.path(), "--target", "kind"});
    const ToolResult wrong = train(more);
    EXPECT_EQ(wrong.exit_code, 2);
    EXPECT_TRUE(mentions(wrong.errors, {words}));
  };
  refused({"--image", "6x7"}, "--image 6x7: that takes 42 columns of numbers beside the target");
  refused({"--image", "6"}, "give height and width");
  refused({"--image", "6xx6"}, "give height and width");
  refused({"--arch", "tree"}, "--arch 'tree': give linear, mlp, cnn");
  refused({"--arch", "cnn:4,4,4", "--image", "6x6"}, "too small for 3 convolutions");
  refused({"--arch", "linear", "--hidden", "3"}, "leave --hidden out");
  refused({"--arch", "mlp:4", "--hidden", "3"}, "give one of them");
  EXPECT_TRUE(mentions(train({data.path(), "--target", "kind", "--arch", "linear", "--epochs", "1"}).errors,
                       {"network 36-2 with"}));
  EXPECT_TRUE(mentions(train({data.path(), "--target", "kind", "--arch", "mlp:5,4", "--epochs", "1"}).errors,
                       {"network 36-5-4-2 with"}));
}

TEST(Tables, are_learned_with_every_option) {
  const TemporaryFile data(shop());
  for (const Arguments& options :
       {Arguments{"--optim", "adam"}, Arguments{"--optim", "adamw"}, Arguments{"--schedule", "constant"},
        Arguments{"--schedule", "linear"}, Arguments{"--schedule", "step"},
        Arguments{"--schedule", "one-cycle"}, Arguments{"--dropout", "0.2"},
        Arguments{"--label-smoothing", "0.1"}, Arguments{"--clip", "1"}, Arguments{"--init", "xavier"},
        Arguments{"--class-weights", "balanced"}}) {
    Arguments arguments = {data.path(), "--drop", "id,price,city", "--json"};
    arguments.insert(arguments.end(), options.begin(), options.end());
    const ToolResult result = train(arguments);
    std::smatch found;
    ASSERT_TRUE(std::regex_search(result.output, found, std::regex("\"accuracy\": ([0-9.]+)")))
        << result.errors;
    EXPECT_GE(std::stod(found[1]), 0.75) << options[0] << options[1];
  }
  for (const Arguments& wrong :
       {Arguments{"--init", "best"}, Arguments{"--init", "constant="}, Arguments{"--optim", "x"},
        Arguments{"--dropout", "1"}, Arguments{"--task", "y"}, Arguments{"--sep", ";"},
        Arguments{"--plot", "--json"}})
    EXPECT_EQ(train(wrong).exit_code, 2) << wrong[0];
  EXPECT_EQ(train({data.path(), "--sep", "ab"}).exit_code, 2);
  EXPECT_TRUE(mentions(train({data.path(), "--arch", "mlp:"}).errors, {"--arch mlp: ''", "as 64,64"}));
  EXPECT_TRUE(mentions(train({data.path(), "--labels", data.path()}).errors, {"--labels", "images in IDX"}));
  EXPECT_TRUE(mentions(train({data.path(), "--sep", ","}).errors,
                       {"--sep ','", "5 fields apart by ';'; give --sep ';', or leave it out"}));
  const TemporaryFile commas("a,b,c\n1,2,0\n2,3,1\n");
  EXPECT_TRUE(mentions(train({commas.path(), "--sep", ";"}).errors, {"--sep ';'", "3 fields apart by ','"}));
}

TEST(Tables, with_equal_weights_keep_all_units_equal) {
  const TemporaryFile data(shop()), model("", ".safetensors"), page("", ".html");
  EXPECT_EQ(train({data.path(), "--init", "constant=0.1", "--hidden", "3", "--drop", "id,price", "--save",
                   model.path(), "--report", page.path()})
                .exit_code,
            0);
  EXPECT_TRUE(mentions(content_of(page.path()),
                       {"<h2>Symmetry</h2>", "Layer 1: 1 of 3 units differ", "different rows of W"}));
  const Tensor weight = load_model(model.path()).network.layers().front().weight();  // of 3 units
  EXPECT_TRUE(all(weight == weight[{Slice{0, 1}}]).item<bool>()) << to_string(weight);
  EXPECT_FALSE(all(weight == 0.1F).item<bool>());
}

TEST(Tables, may_be_images_in_idx) {
  const std::string images = data_path("t10k-images-idx3-ubyte.gz");
  if (!std::filesystem::exists(images)) GTEST_SKIP() << "needs " << images;
  if (sanitized) GTEST_SKIP() << "takes too long under a sanitizer";
  const ToolResult result = train({images, "--epochs", "1", "--hidden", "32"});
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_TRUE(
      mentions(result.errors, {"8000 samples to learn from", "in 10 classes: 0, 1", "network 784-32-10"}));
  EXPECT_TRUE(mentions(result.output, {"test accuracy: 9"}));

  const TemporaryFile alone(std::string("\0\0\x08\x03\0\0\0\1\0\0\0\1\0\0\0\2ab", 18)),
      cut(std::string("\0\0\x08\x03\0\0\0\2\0\0\0\1\0\0\0\2ab", 18));
  EXPECT_TRUE(mentions(train({alone.path()}).errors, {"--labels"}));
  EXPECT_TRUE(mentions(train({cut.path()}).errors,
                       {cut.path() + ": its shape (2, 1, 2) takes 4 bytes, but 2 follow the header"}));
}

}  // namespace
}  // namespace chainrule::test
