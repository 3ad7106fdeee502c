// What an encoder learns of columns and makes of rows, compared with numbers by hand; and its complaints.
// Tables are texts of a few lines.

#include "chainrule/data/encoder.h"

#include <numeric>

#include "chainrule/ops.h"
#include "support.h"
#include "temporary_files.h"

namespace chainrule::test {
namespace {

Table read(const std::string& content, const TableOptions& options = {}) {
  const TemporaryFile file(content, ".csv");
  return read_table(file.path(), options);
}

/// Fitted to all rows.
TableEncoder encoder_of(const Table& table, const ColumnChoice& choice) {
  std::vector<std::int64_t> rows(static_cast<std::size_t>(table.rows()));
  std::iota(rows.begin(), rows.end(), 0);
  return {table, choice, rows};
}

/// What is wrong with a table whose target is the last column.
ColumnError complaint(const std::string& content) {
  try {
    const Table table = read(content);
    encoder_of(table, {.target = table.columns.size() - 1});
  } catch (const ColumnError& error) {
    return error;
  }
  return {"", {}};
}

using Texts = std::vector<std::string>;

TEST(TableEncoder, standardises_numbers_and_spreads_categories) {
  const Table table = read("age,city,y\n1,b,0\n3,a,1\n,b,0\n5,,1\n");
  const TableEncoder encoder = encoder_of(table, {.target = 2});
  EXPECT_EQ(encoder.input_names(), Texts({"age", "city=a", "city=b"}));
  // The gap is the median 3: mean 3, deviation √(8 / 4).
  const double a = 2 / std::sqrt(2.0);
  EXPECT_TRUE(close(encoder.inputs(table), {-a, 0, 1, 0, 1, 0, 0, 0, 1, a, 0, 1}));
  EXPECT_TRUE(equals(encoder.mean(), {3}, {3, 0, 0}));
  EXPECT_TRUE(close(encoder.deviation(), {std::sqrt(2.0), 1, 1}));
  EXPECT_EQ(encoder.missing(table), 2);
  EXPECT_TRUE(equals(encoder.targets(table), {4}, {0, 1, 0, 1}));
}

TEST(TableEncoder, takes_no_category_for_its_neighbour) {
  const TableEncoder encoder = encoder_of(read("1,a,0\n3,c,1\n"), {.target = 2});
  const Table others = read("1,b,0\n1,B,0\n1,c,1\n1,7,0\n1,d,0\n");
  EXPECT_TRUE(equals(encoder.inputs(others), {5, 3}, {-1, 0, 0, -1, 0, 0, -1, 0, 1, -1, 0, 0, -1, 0, 0}));
  EXPECT_EQ(encoder.unknown(others), 4);
}

TEST(TableEncoder, learns_from_the_given_rows_alone) {
  const Table table = read("1,a,0\n3,a,1\n100,b,2\n,c,1\n");
  const std::vector<std::int64_t> rows = {0, 1};
  const TableEncoder encoder(table, {.target = 2}, rows);
  EXPECT_EQ(encoder.input_names(), Texts({"column 1", "column 2=a"}));
  EXPECT_TRUE(close(encoder.inputs(table), {-1, 1, 1, 1, 98, 0, 0, 0}));  // the gap: 2
  EXPECT_EQ(encoder.unknown(table), 2);
  EXPECT_EQ(encoder.target().classes, Texts({"0", "1", "2"}));  // of all rows
}

TEST(TableEncoder, takes_the_mean_of_the_middle_two_and_the_first_most_frequent) {
  const Table table = read("4,y,0\n1,x,1\n2,y,0\n10,x,1\n,,1\n");
  const TableEncoder encoder = encoder_of(table, {.target = 2});
  EXPECT_EQ(encoder.columns()[0].fill, 3);
  EXPECT_EQ(encoder.columns()[1].fill, 0);
}

TEST(TableEncoder, keeps_large_and_constant_numbers_finite) {
  const Table table = read("1e308,5,0\n-1e308,5,1\n");
  EXPECT_TRUE(close(encoder_of(table, {.target = 2}).inputs(table), {1, 0, -1, 0}));
}

TEST(TableEncoder, finds_the_one_column_without_a_name_wherever_it_is) {
  const Table table = read(",a,y\n1,5,0\n2,6,1\n");
  const TableEncoder encoder = encoder_of(table, {.target = 2});
  EXPECT_TRUE(
      equals(encoder.inputs(read("a,\n5,1\n6,2\n")), {2, 2}, encoder.inputs(table).to_vector<double>()));
  EXPECT_THROW((void)encoder.inputs(read("a,,\n5,1,1\n")), ColumnError);
}

TEST(TableEncoder, names_only_some_of_very_many_wrong_columns) {
  std::string header, numbers, texts;
  for (int i = 0; i < 25; ++i) {
    header += "c" + std::to_string(i) + ",";
    numbers += "1,";
    texts += "oops,";
  }
  const Table table = read(header + "y\n" + numbers + "0\n" + numbers + "1\n");
  const TableEncoder encoder = encoder_of(table, {.target = 25});
  EXPECT_TRUE(
      mentions(message_of<ColumnError>([&] { (void)encoder.inputs(read(header + "y\n" + texts + "0\n")); }),
               {"column 20 (c19)", "'oops', and 5 more"}));
  EXPECT_TRUE(mentions(message_of<ColumnError>([&] { (void)encoder.inputs(read("y,z\n0,1\n")); }),
                       {"'c0' is missing", "'c19', and 5 more"}));
}

TEST(TableEncoder, guesses_the_task) {
  EXPECT_EQ(guess_task(read("1\n2\n").columns[0]), Task::classification);
  EXPECT_EQ(guess_task(read("1\n2.5\n").columns[0]), Task::regression);
  EXPECT_EQ(guess_task(read("a\nb\na\nb\n").columns[0]), Task::classification);
  std::string many = "n\n";
  for (int i = 0; i < 300; ++i) many += std::to_string(i % 30) + "\n";
  EXPECT_EQ(guess_task(read(many).columns[0]), Task::classification);  // just a tenth
  EXPECT_EQ(guess_task(read(many + "77\n").columns[0]), Task::regression);
}

TEST(TableEncoder, standardises_a_target_that_is_a_number) {
  const Table table = read("1,10.5\n2,20.5\n");
  const TableEncoder encoder = encoder_of(table, {.target = 1});
  EXPECT_EQ(encoder.target().task(), Task::regression);
  EXPECT_TRUE(close(encoder.targets(table), {-1, 1}));
  EXPECT_EQ(encoder.target().mean, 15.5);
  EXPECT_EQ(encoder.target().deviation, 5);
  const Table whole = read("1,10\n2,20\n");
  EXPECT_EQ(encoder_of(whole, {.target = 1, .task = Task::regression}).target().mean, 15);
}

TEST(TableEncoder, orders_classes_as_numbers_or_as_texts) {
  EXPECT_EQ(encoder_of(read("1,10\n2,9\n3,-1\n"), {.target = 1}).target().classes, Texts({"-1", "9", "10"}));
  EXPECT_EQ(encoder_of(read("1,b\n2,a\n"), {.target = 1}).target().classes, Texts({"a", "b"}));
}

TEST(TableEncoder, finds_its_columns_in_other_tables) {
  const TableEncoder named = encoder_of(read("a,b,y,c\n1,x,0,5\n3,z,1,7\n"), {.target = 2, .dropped = {3}});
  EXPECT_TRUE(close(named.inputs(read("b,q,a\nz,9,3\n")), {1, 0, 1}));
  EXPECT_TRUE(close(named.inputs(read("3,z,1,7\n", {.header = false})), {1, 0, 1}));
  EXPECT_TRUE(close(named.inputs(read("3,z,7\n", {.header = false})), {1, 0, 1}));  // without the target
  const TableEncoder plain = encoder_of(read("0,1,x\n1,3,z\n"), {.target = 0});
  EXPECT_TRUE(close(plain.inputs(read("n,m\n3,z\n")), {1, 0, 1}));
  EXPECT_TRUE(equals(plain.targets(read("1,3,z\n")), {1}, {1}));
}

TEST(TableEncoder, names_the_column_that_does_not_fit) {
  const Table learned = read("age,city,y\n1,x,0\n3,z,1\n");
  const TableEncoder encoder = encoder_of(learned, {.target = 2});
  const auto wrong = [&](const std::string& content) {
    return message_of<ParseError>([&] { (void)encoder.inputs(read(content)); });
  };
  EXPECT_TRUE(mentions(wrong("city,y\nx,0\n"), {"'age' is missing", learned.path}));
  EXPECT_TRUE(mentions(wrong("age,city\n1,x\nold,x\n"), {":3: column 1 (age) holds 'old', not a number"}));
  EXPECT_TRUE(mentions(wrong("age,city\n1,x\ninf,x\n"), {":3: column 1 (age) is inf", "finite"}));
  EXPECT_TRUE(mentions(wrong("1\n"), {"has 1 column but", "has 3"}));
  const TableEncoder wide = encoder_of(read("a,b,c,y\n1,2,3,0\n4,5,6,1\n"), {.target = 3});
  const auto all_wrong = [&](const std::string& content) {
    return message_of<ColumnError>([&] { (void)wide.inputs(read(content)); });
  };
  EXPECT_TRUE(mentions(all_wrong("b\n2\n"), {"the column 'a' is missing", ", and so is 'c'"}));
  EXPECT_TRUE(
      mentions(all_wrong("a,b,c\n1,-inf,3\n1,2,x\ny,2,z\n"),
               {":4: column 1 (a) holds 'y', not a number; so does column 2 (b) in line 2, '-inf', column 3 "
                "(c) in line 3, 'x'"}));
  EXPECT_TRUE(mentions(message_of<ParseError>([&] { (void)encoder.targets(read("age,city,y\n1,x,2\n")); }),
                       {":2: class 2 never occurs in " + learned.path}));
  EXPECT_TRUE(mentions(message_of<ParseError>([&] { (void)encoder.targets(read("age,city\n1,x\n")); }),
                       {"'y' is missing"}));
}

TEST(TableEncoder, tells_slips_of_the_pen_from_categories) {
  const ColumnError slip = complaint("a,b,c,y\n1,2,x,0\n3,l,x,1\n5,6,7,0\n7,oh,8,1\n9,9,9,0\n");
  EXPECT_TRUE(mentions(slip.what(), {":3: column 2 (b) holds 'l', not a number; so does column 3 (c)"}));
  EXPECT_EQ(slip.columns, Texts({"b", "c"}));
  EXPECT_EQ(complaint("1,0\n2,1\ninf,0\n").columns, Texts({"1"}));

  std::string doors = "doors,y\n";
  for (int i = 0; i < 40; ++i) doors += (i % 4 == 3 ? "5more" : std::to_string(2 + i % 4)) + ",0\n2,1\n";
  EXPECT_EQ(encoder_of(read(doors), {.target = 1}).input_names(),
            Texts({"doors=2", "doors=3", "doors=4", "doors=5more"}));

  std::string many = "name,y\n";
  for (int i = 0; i < 201; ++i) many += "n" + std::to_string(i) + "," + std::to_string(i % 2) + "\n";
  EXPECT_TRUE(mentions(complaint(many).what(), {"column 1 (name) holds more than 200 different texts"}));
}

TEST(TableEncoder, refuses_targets_that_are_not_classes) {
  const auto wrong = [](const std::string& content, const ColumnChoice& choice) {
    return message_of<ParseError>([&] { encoder_of(read(content), choice); });
  };
  const ColumnChoice last{.target = 1}, classes{.target = 1, .task = Task::classification},
      numbers{.target = 1, .task = Task::regression};
  EXPECT_TRUE(mentions(wrong("1,0\n2,1\n3,l\n", last), {":3", "'l'", "'0' in line 1", "all text"}));
  EXPECT_TRUE(mentions(wrong("1,3\n2,3\n", last), {"is 3 in every row", "two classes"}));
  EXPECT_TRUE(mentions(wrong("1,0\n2,0.5\n", classes), {":2", "0.5", "whole number"}));
  EXPECT_TRUE(mentions(wrong("1,1e300\n2,0\n", classes), {":1", "whole number"}));
  EXPECT_TRUE(mentions(wrong("1,2\n2,a\n", numbers), {":2", "'a'", "finite numbers"}));
  EXPECT_TRUE(mentions(wrong("1,?\n2,\n", classes), {"holds nothing in any row"}));
  EXPECT_TRUE(mentions(wrong("1,\n2,\n", {.target = 0, .dropped = {1}}), {"only column"}));
}

TEST(Table, gives_some_of_its_rows) {
  const Table table = read("a,b\n1,x\n,y\n3,\n"), part = take_rows(table, std::vector<std::int64_t>{2, 0});
  EXPECT_EQ(part.lines, std::vector<std::int64_t>({4, 2}));
  EXPECT_EQ(part.columns[0].cell(0) + part.columns[1].cell(0) + part.columns[1].cell(1), "3x");
  EXPECT_EQ(rows_with(table, 0), std::vector<std::int64_t>({0, 2}));
  EXPECT_THROW(take_rows(table, std::vector<std::int64_t>{3}), std::out_of_range);
}

}  // namespace
}  // namespace chainrule::test
