// Models of tables: predictions in the units of the table, the same after saving and loading, and broken
// files.

#include "chainrule/model.h"

#include "chainrule/autograd.h"
#include "chainrule/io.h"
#include "chainrule/networks.h"
#include "support.h"
#include "temporary_files.h"

namespace chainrule::test {
namespace {

Table read(const std::string& content) {
  const TemporaryFile file(content, ".csv");
  return read_table(file.path());
}

const char* const people = "age,city,wage\n30,b,1.5\n50,a,2.5\n,b,3.5\n";

TableEncoder encoder_of(const Table& table, std::size_t target) {
  const std::vector<std::int64_t> rows = {0, 1, 2};
  return {table, {.target = target}, rows};
}

/// The sum of these weights and inputs.
Mlp network_of(const std::vector<double>& weights, std::int64_t outputs) {
  return Mlp({Linear({tensor(weights, {outputs, static_cast<std::int64_t>(weights.size()) / outputs}), "w"},
                     {zeros({outputs}), "b"})});
}

TEST(Model, predicts_numbers_in_the_units_of_the_table) {
  const Table table = read(people);
  // Ages 30, 50, 40 have mean 40 and deviation √(200 / 3), wages 2.5 and √(2 / 3).
  const Model model{encoder_of(table, 2), network_of({1, 0, 3}, 1)};
  const double age = 10 / std::sqrt(200.0 / 3), wage = std::sqrt(2.0 / 3);
  EXPECT_TRUE(close(model(table), {2.5 + wage * (3 - age), 2.5 + wage * age, 2.5 + 3 * wage}));
  EXPECT_EQ(model.predict(table).size(), 3);
  EXPECT_NEAR(std::stod(model.predict(table)[2]), 2.5 + 3 * wage, 1e-4);
}

TEST(Model, predicts_classes_with_their_probabilities) {
  const Table table = read("age,city\n30,b\n50,a\n40,b\n");
  const Model model{encoder_of(table, 1), network_of({1, -1}, 2)};
  const double age = 10 / std::sqrt(200.0 / 3), p = 1 / (1 + std::exp(2 * age));
  EXPECT_TRUE(close(model(table), {p, 1 - p, 1 - p, p, 0.5, 0.5}));
  EXPECT_EQ(model.predict(table), (std::vector<std::string>{"b", "a", "a"}));
}

TEST(Model, is_the_same_after_saving_and_loading) {
  const TemporaryFile file("", ".safetensors");
  const Table table = read(people);
  Generator generator(1);
  for (const std::size_t target : {1, 2}) {
    const TableEncoder encoder = encoder_of(table, target);
    const Model model{encoder, Mlp({encoder.width(), 5, target == 1 ? 2 : 1}, generator)};
    save_model(file.path(), model);
    const Model loaded = load_model(file.path());
    EXPECT_EQ(loaded(table).to_vector<double>(), model(table).to_vector<double>());
    EXPECT_EQ(loaded.encoder.input_names(), encoder.input_names());
    EXPECT_EQ(loaded.encoder.target().name, target == 1 ? "city" : "wage");
    EXPECT_EQ(loaded.network.parameters()[2].name(), "layer2.weight");
  }
}

TEST(Model, predicts_several_numbers_at_once) {
  const Table table = read("age,wage,size\n30,1.5,1\n50,2.5,2\n40,3.5,3\n");
  const std::vector<std::int64_t> rows = {0, 1, 2};
  const TableEncoder encoder(table, {.target = 1, .more_targets = {2}}, rows);
  EXPECT_EQ(encoder.outputs(), 2);
  EXPECT_EQ(encoder.target_names(), "wage,size");
  EXPECT_EQ(encoder.targets(table).shape(), Shape({3, 2}));
  EXPECT_TRUE(close(encoder.as_given(encoder.targets(table)), {1.5, 1, 2.5, 2, 3.5, 3}));
  const Model model{encoder, network_of({1, -1}, 2)};
  const double age = 10 / std::sqrt(200.0 / 3), deviation = std::sqrt(2.0 / 3);
  const std::vector<double> expected = {
      2.5 - deviation * age, 2 + deviation * age, 2.5 + deviation * age, 2 - deviation * age, 2.5, 2};
  EXPECT_TRUE(close(model(table), expected));
  const TemporaryFile file("", ".safetensors");
  save_model(file.path(), model);
  // A table with neither target, and no header, has the inputs at their places.
  EXPECT_TRUE(close(load_model(file.path())(table), expected));
  EXPECT_TRUE(close(model(read("30\n50\n40\n")), expected));
  EXPECT_TRUE(model.predict(table)[2].starts_with("2.5,2")) << model.predict(table)[2];
  EXPECT_TRUE(mentions(message_of<ParseError>([&] { (void)model(read("1,2,3,4\n")); }),
                       {"with or without the targets 'wage,size'"}));
}

TEST(Model, of_images_has_convolutions_and_is_the_same_after_saving_and_loading) {
  std::string text = "a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,kind\n";
  for (int row = 0; row < 6; ++row) {
    for (int pixel = 0; pixel < 16; ++pixel) text += std::to_string((row * 5 + pixel * 3) % 7) + ",";
    text += row % 2 == 0 ? "yes\n" : "no\n";
  }
  const Table table = read(text);
  const TableEncoder encoder = encoder_of(table, 16);
  Generator generator(1);
  const TableNetwork network = TableNetwork::convolutional({1, 4, 4}, {3, 2}, {5, 2}, generator);
  EXPECT_EQ(network.sizes(), "4x4-3c-2c-5-2");
  EXPECT_EQ(count_parameters(network), 3 * 9 + 3 + 2 * 3 * 9 + 2 + 2 * 5 + 5 + 5 * 2 + 2);
  // The same by hand.
  Tensor x = reshape(encoder.inputs(table), {6, 1, 4, 4});
  for (const Conv2d& each : network.convolutions()) x = max_pool2d(relu(each(x)), 2);
  EXPECT_TRUE(equals(network(encoder.inputs(table)) - Mlp(network.layers())(reshape(x, {6, 2})), {6, 2},
                     std::vector<double>(12, 0)));

  const TemporaryFile file("", ".safetensors");
  const Model model{encoder, network};
  save_model(file.path(), model);
  const Model loaded = load_model(file.path());
  EXPECT_EQ(loaded(table).to_vector<double>(), model(table).to_vector<double>());
  EXPECT_EQ(loaded.network.parameters()[2].name(), "conv2.weight");
  EXPECT_EQ(loaded.network.image(), (ImageShape{1, 4, 4}));

  Safetensors whole = load_safetensors(file.path());
  std::string& about = whole.metadata.at("chainrule.model");
  about.replace(about.find("[1,4,4]"), 7, "[1,9,9]");
  save_safetensors(file.path(), whole.tensors, whole.metadata);
  EXPECT_TRUE(mentions(message_of<IoError>([&] { load_model(file.path()); }),
                       {file.path(), "layer1.weight (5, 2) does not take the 8 numbers"}));
  EXPECT_TRUE(mentions(message_of<ShapeError>([&] {
                         TableNetwork::convolutional({1, 3, 3}, {3, 2}, {5, 2}, generator);
                       }),
                       {"3x3 are too small for 2 convolutions"}));
  EXPECT_TRUE(mentions(message_of<ShapeError>([&] { network(zeros({2, 15})); }), {"(2, 15)", "(n, 16)"}));
}

TEST(Model, refuses_files_that_are_none) {
  const TemporaryFile file("", ".safetensors");
  const Table table = read(people);
  save_model(file.path(), {encoder_of(table, 2), network_of({1, 0, 3}, 1)});
  const Safetensors good = load_safetensors(file.path());
  const std::string text = good.metadata.at("chainrule.model");
  const auto wrong = [&](const std::string& what, const std::string& instead) {
    const std::size_t at = text.find(what);
    EXPECT_NE(at, std::string::npos) << what << " in " << text;
    std::string changed = text;
    changed.replace(at, what.size(), instead);
    save_safetensors(file.path(), good.tensors, {{"chainrule.model", changed}});
    const std::string message = message_of<IoError>([&] { load_model(file.path()); });
    EXPECT_TRUE(message.starts_with(file.path())) << message;
    EXPECT_EQ(message.find("json."), std::string::npos) << message;
    return message;
  };
  EXPECT_TRUE(mentions(wrong("{", "["), {"damaged"}));
  EXPECT_TRUE(mentions(wrong("\"version\":1", "\"version\":2"), {"version 2", "knows version 1"}));
  EXPECT_TRUE(mentions(wrong("\"sizes\":[3,1]", "\"sizes\":[4,1]"), {"layer1.weight", "(1, 4)"}));
  EXPECT_TRUE(mentions(wrong("\"sizes\":[3,1]", "\"sizes\":[]"), {"two sizes"}));
  EXPECT_TRUE(mentions(wrong("\"mlp\"", "\"rnn\""), {"'rnn'"}));
  EXPECT_TRUE(mentions(wrong("[\"a\",\"b\"]", "[\"b\",\"a\"]"), {"not in order"}));
  EXPECT_TRUE(mentions(wrong("[\"a\",\"b\"]", "[\"a\"]"), {"fill is no category"}));
  EXPECT_TRUE(mentions(wrong("\"table_columns\":3", "\"table_columns\":2"), {"beyond the table"}));
  EXPECT_TRUE(mentions(wrong("\"deviation\":", "\"deviation\":-"), {"not positive"}));
  EXPECT_TRUE(mentions(wrong("\"target\"", "\"Target\""), {"damaged", "target"}));
  save_safetensors(file.path(), good.tensors);
  EXPECT_TRUE(mentions(message_of<IoError>([&] { load_model(file.path()); }), {"not a model"}));

  // What makes sense, but is not what was saved: a weight, a number. In another order it is the same.
  NamedTensors reversed(good.tensors.rbegin(), good.tensors.rend());
  save_safetensors(file.path(), reversed, good.metadata);
  EXPECT_EQ(load_model(file.path()).predict(table).size(), 3U);
  reversed.front().second = reversed.front().second + 1e-3;
  save_safetensors(file.path(), reversed, good.metadata);
  const auto complaint = [&] { return message_of<IoError>([&] { load_model(file.path()); }); };
  EXPECT_TRUE(
      mentions(complaint(), {file.path() + ": it is damaged: its checksum is another one", "on purpose"}));
  auto metadata = good.metadata;
  metadata["chainrule.model"].replace(text.find("\"mean\":"), 7, "\"mean\":1");
  save_safetensors(file.path(), good.tensors, metadata);
  EXPECT_TRUE(mentions(complaint(), {"checksum"}));
  metadata.erase("chainrule.checksum");
  save_safetensors(file.path(), reversed, metadata);
  EXPECT_EQ(load_model(file.path()).predict(table).size(), 3U);
}

}  // namespace
}  // namespace chainrule::test
