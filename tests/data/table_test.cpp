// Tables as they are read: kinds of columns, separators, headers, encodings, and errors with their line.
// Tables are texts of a few lines.

#include "chainrule/data/table.h"

#include <zlib.h>

#include <cmath>
#include <fstream>

#include "chainrule/data/loader.h"
#include "chainrule/io.h"
#include "data/tables.h"
#include "paths.h"
#include "support.h"
#include "temporary_files.h"

namespace chainrule::test {
namespace {

TEST(Table, holds_numbers_texts_and_nothing) {
  const Table table = read("age,\"home, sweet\"\n22,north\n?,\"a \"\"b\"\"\"\n3.50,\n1e5,7\n");
  EXPECT_TRUE(table.has_header);
  EXPECT_EQ(names(table), Texts({"age", "home, sweet"}));
  EXPECT_EQ(table.lines, std::vector<std::int64_t>({2, 3, 4, 5}));
  EXPECT_EQ(cells(table.columns[0]), Texts({"22", "", "3.5", "100000"}));
  EXPECT_TRUE(table.columns[0].places.empty());
  EXPECT_EQ(table.columns[0].missing(), 1);
  EXPECT_EQ(cells(table.columns[1]), Texts({"north", "a \"b\"", "", "7"}));
  EXPECT_EQ(table.columns[1].texts, Texts({"north", "a \"b\""}));
  EXPECT_EQ(table.columns[1].numbers[3], 7);
  EXPECT_EQ(table.columns[1].missing(), 1);
  EXPECT_EQ(table.columns[1].text_cells(), 2);
}

TEST(Table, takes_many_signs_for_nothing) {
  const Table table = read("1,a\n,a\n?,a\nNA,a\nn/a,a\nNaN,a\n<NA>,a\nNULL,a\n");
  EXPECT_EQ(table.columns[0].missing(), 7);
  EXPECT_TRUE(table.columns[0].places.empty());
  EXPECT_EQ(read("1,None\n2,none\n").columns[1].missing(), 0);  // often the name of a category
}

TEST(Table, finds_out_what_separates_fields) {
  struct Case {
    const char* text;
    char separator;
  };
  for (const auto& [text, separator] :
       {Case{"1,2\n3,4\n", ','}, Case{"1;2\n3;4\n", ';'}, Case{"1\t2\n3\t4\n", '\t'}, Case{"1|2\n3|4\n", '|'},
        Case{"  1   2\n  3 4\n", ' '}, Case{"1, 2\n3, 4\n", ','}, Case{"1,5;2\n3,25;4\n", ';'},
        Case{"\"a;b\",2\n\"c;d\",4\n", ','}, Case{"a b;c\n1;2\n", ';'}}) {
    const Table table = read(text);
    EXPECT_EQ(table.separator, separator) << text;
    EXPECT_EQ(table.columns.size(), 2) << text;
    EXPECT_EQ(table.columns[1].numbers[table.rows() - 1], separator == ';' && text[0] == 'a' ? 2 : 4) << text;
  }
  EXPECT_EQ(read("\"\" \"\"\n1 2\n", {.separator = ' '}).rows(), 1);  // nothing between spaces is no row
  EXPECT_EQ(read("1;2\n3;4\n", {.separator = ','}).columns.size(), 1);
}

TEST(Table, knows_a_header_from_data) {
  EXPECT_TRUE(read("a,b\n1,2\n").has_header);
  EXPECT_FALSE(read("1,2\n3,4\n").has_header);
  EXPECT_FALSE(read("M,1\nF,2\n").has_header);
  EXPECT_FALSE(read("?,?\n3,4\n").has_header);
  const Table letters = read("e,x\np,y\np,x\ne,y\n");  // all of the first line stands below, too
  EXPECT_FALSE(letters.has_header);
  EXPECT_EQ(cells(letters.columns[0]), Texts({"e", "p", "p", "e"}));
  EXPECT_EQ(letters.lines, std::vector<std::int64_t>({1, 2, 3, 4}));
  EXPECT_TRUE(read("kind,x\np,y\np,x\ne,y\n").has_header);
  EXPECT_EQ(names(read("0,1\n3,4\n", {.header = true})), Texts({"0", "1"}));
  EXPECT_EQ(names(read("a,b\nc,d\n", {.header = false})), Texts({"column 1", "column 2"}));
  EXPECT_EQ(names(read("a,\n1,2\n")), Texts({"a", "column 2"}));
}

TEST(Table, knows_a_header_with_numbers_from_data) {
  const Table years = read("country,1990,2000,2010\nA,1.5,2,3\nB,,2000,7\nA,2,5,1\n");
  EXPECT_EQ(names(years), Texts({"country", "1990", "2000", "2010"}));
  EXPECT_EQ(cells(years.columns[0]), Texts({"A", "B", "A"}));
  EXPECT_EQ(cells(years.columns[1]), Texts({"1.5", "", "2"}));
  EXPECT_EQ(years.lines, std::vector<std::int64_t>({2, 3, 4}));
  const Table commas = read("x;a;1.5;k\n1,5;b;1.234,5;1\nz;b;2,5;2\n", {.decimal = ','});
  EXPECT_EQ(names(commas), Texts({"x", "a", "1.5", "k"})) << "where 1.5 is a text";
  EXPECT_EQ(commas.columns[2].numbers, std::vector<double>({1234.5, 2.5}));
  const Table kinds = read(",2020,kind\nx,R+27,1\ny,D+2,0\n");
  EXPECT_EQ(names(kinds), Texts({"column 1", "2020", "kind"}));
  EXPECT_EQ(kinds.columns[2].numbers, std::vector<double>({1, 0}));
  EXPECT_TRUE(kinds.columns[2].places.empty() && kinds.columns[2].texts.empty());
  // Who was born and died when; marks; a slip of the pen.
  for (const char* text : {"Smith,1850,1920\nJones,1861,\n", "Ann,1,2,3\nBea,4,5,6\n",
                           "Ann,1850,x\nBea,3,x\n", "5.1,oops,2\n4.9,3,1\n", "a,1990,2000\n"})
    EXPECT_FALSE(read(text).has_header) << text;
  EXPECT_FALSE(read("country,1990,2000\nA,1.5,2\nB,2,3\n", {.header = false}).has_header);
  // One row cannot tell; whoever has learned from such a table knows its names.
  EXPECT_FALSE(read("country,1990,2000\nA,1.5,1995\n", {.usual_names = {"country", "2001"}}).has_header);
  EXPECT_TRUE(read("country,1990,2000\nA,1.5,1995\n", {.usual_names = {"2000", "country"}}).has_header);
  EXPECT_TRUE(read("1.5,b\n1.5,b\n", {.usual_names = {"1.5", "b"}}).has_header);
  const TemporaryFile file("country,1990,2000\nA,1.5,2\nB,2,3\nC,5,6\n");
  TableStream stream(file.path());
  EXPECT_EQ(names(stream.read(3)), Texts({"country", "1990", "2000"}));
  EXPECT_EQ(cells(stream.read(3).columns[0]), Texts({"C"}));
}

TEST(Table, takes_errors_of_spreadsheets_and_signs_of_databases_for_gaps) {
  const Table table = read("x,y\n1,#N/A\n#DIV/0!,a\n#n/a,#REF!\n");
  EXPECT_EQ(table.columns[0].missing(), 2);
  EXPECT_EQ(cells(table.columns[1]), Texts({"", "a", ""}));
  const Table exported = read("x\ty\n1\t\\N\n\\N\t\\Name\n");
  EXPECT_EQ(cells(exported.columns[0]), Texts({"1", ""}));
  EXPECT_EQ(cells(exported.columns[1]), Texts({"", "\\Name"}));
}

TEST(Table, leaves_out_what_spreadsheets_add) {
  const Table noted = read("sep=;\na;b\n1;2\n");
  EXPECT_EQ(names(noted), Texts({"a", "b"}));
  EXPECT_EQ(noted.separator, ';');
  EXPECT_EQ(noted.lines, std::vector<std::int64_t>({3}));
  // A separator ends each line; a column that has a name, or a cell, stays.
  EXPECT_EQ(names(read("a,b,\n1,2,\n3,4,\n")), Texts({"a", "b"}));
  EXPECT_EQ(names(read("a,b,,\n1,2,,\n3,4,,\n")), Texts({"a", "b"}));
  EXPECT_EQ(names(read("a,b,c\n1,2,\n3,4,\n")), Texts({"a", "b", "c"}));
  EXPECT_EQ(names(read("a,b,\n1,2,\n3,4,5\n")), Texts({"a", "b", "column 3"}));
  EXPECT_EQ(read("1,2,\n3,4,\n").columns.size(), 3U) << "without a header, it may be what a model asks for";
  const TemporaryFile file("a,b,\n1,2,\n3,4,\n5,6,7\n");
  TableStream stream(file.path());
  EXPECT_EQ(stream.read(1).columns.size(), 2U);
  EXPECT_EQ(stream.read(1).columns.size(), 2U);
  EXPECT_THROW((void)stream.read(1), ParseError);
}

TEST(Table, takes_what_is_not_utf_8_for_latin_1) {
  const Table table = read("caf\xE9,b\ngr\xFC\xDF,1\ngr\u00fc\u00df,2\n");
  EXPECT_EQ(table.columns[0].name, "caf\u00e9");
  EXPECT_EQ(table.columns[0].cell(0), "gr\u00fc\u00df");
  EXPECT_EQ(table.columns[0].cell(1), "gr\u00fc\u00df");
}

TEST(Table, finds_columns_by_name_and_number) {
  const Table table = read("a,1\nx,y\nx,z\n", {.header = true});
  EXPECT_EQ(table.find("a"), 0);
  EXPECT_EQ(table.find("1"), 1);  // a name goes first
  EXPECT_EQ(table.find("2"), 1);
  for (const char* missing : {"b", "0", "3", "", "1x"})
    EXPECT_EQ(table.find(missing), std::nullopt) << missing;
}

TEST(Table, reads_what_gzip_has_compressed) {
  const TemporaryFile file("", ".csv.gz");
  std::string text = "a,b\n";
  for (int i = 0; i < 30000; ++i) text += std::to_string(i) + ",x\n";
  gzFile out = gzopen(file.path().c_str(), "wb");
  gzwrite(out, text.data(), static_cast<unsigned>(text.size()));
  gzclose(out);
  const Table table = read_table(file.path());
  EXPECT_EQ(table.rows(), 30000);
  EXPECT_EQ(table.columns[0].numbers.back(), 29999);

  const std::string bytes = content_of(file.path());
  const TemporaryFile cut(bytes.substr(0, bytes.size() / 2)),
      broken(bytes.substr(0, 3000) + std::string(99, 'x'));
  EXPECT_TRUE(mentions(message_of<IoError>([&] { read_table(cut.path()); }), {cut.path(), "cut short"}));
  EXPECT_TRUE(mentions(message_of<IoError>([&] { read_table(broken.path()); }), {broken.path(), "damaged"}));
}

TEST(Table, reads_columns_that_outgrow_what_was_expected_of_them) {
  // Short rows, of which room is foreseen for as many in all of the file, and then long ones, and the
  // reverse.
  for (const bool short_first : {true, false}) {
    const auto is_short = [&](int i) { return (i < 200'000) == short_first; };
    std::string text;
    for (int i = 0; i < 260'000; ++i)
      text += is_short(i) ? std::to_string(i % 10) + ",a\n" : std::to_string(i) + ".0000000000,word\n";
    const TemporaryFile plain(text), packed("");
    gzFile out = gzopen(packed.path().c_str(), "wb1");
    gzwrite(out, text.data(), static_cast<unsigned>(text.size()));
    gzclose(out);
    for (const std::string& path : {plain.path(), packed.path()}) {
      const Table table = read_table(path);
      ASSERT_EQ(table.rows(), 260'000);
      EXPECT_EQ(table.columns[1].texts.size(), 2);
      int wrong = 0;
      for (int i = 0; i < 260'000; ++i) {
        const auto row = static_cast<std::size_t>(i);
        wrong += table.columns[0].numbers[row] != (is_short(i) ? i % 10 : i) || table.lines[row] != i + 1 ||
                 table.columns[1].cell(row) != (is_short(i) ? "a" : "word");
      }
      EXPECT_EQ(wrong, 0) << short_first;
    }
  }
}

TEST(Table, keeps_each_of_many_texts_once) {
  std::string text = "word\n";
  for (int i = 0; i < 20'000; ++i) text += "w" + std::to_string(i * i % 5003) + "\n";
  const TableColumn column = read(text).columns[0];
  EXPECT_EQ(column.texts.size(), 2502);  // squares modulo a prime
  for (int i = 0; i < 20'000; i += 7)
    EXPECT_EQ(column.cell(static_cast<std::size_t>(i)), "w" + std::to_string(i * i % 5003));
  // The same word in Latin-1 and in UTF-8 is one.
  EXPECT_EQ(read("1,caf\xE9\n2,caf\xC3\xA9\n").columns[1].texts, Texts({"caf\xC3\xA9"}));
}

TEST(Table, names_other_formats) {
  struct Case {
    std::string bytes, name;
  };
  for (const auto& [bytes, name] :
       {Case{"PAR1....", "Parquet"}, Case{"PK\x03\x04....", "Excel"},
        Case{"\xFF\xFE"
             "1\0,\0",
             "UTF-16"},
        Case{"1 3:0.5 7:1\n", "libsvm"}, Case{"-1 1:2\n", "libsvm"}, Case{"{\"a\": 1}", "JSON"},
        Case{"[\n  {\"a\": 1}]", "JSON"}, Case{"\xEF\xBB\xBF[[1, 2]]", "JSON"},
        Case{std::string("a\0,\0b\0\n\0001\0,\0002\0\n\0", 16), "UTF-16"}, Case{"<!doctype HTML>", "HTML"},
        Case{"@RELATION x", "ARFF"}, Case{"RDX3\nX", "R's"}, Case{std::string("\0\0\x08\x01", 4), "IDX"}}) {
    const TemporaryFile file(bytes);
    EXPECT_TRUE(mentions(message_of<IoError>([&] { read_table(file.path()); }), {file.path(), name})) << name;
  }
  EXPECT_EQ(read("1 12:30\n2 13:45\n", {.separator = ' '}).rows(), 2);
}

TEST(Table, names_the_line_that_is_wrong) {
  const auto complaint = [](const std::string& content) {
    const TemporaryFile file(content);
    return message_of<ParseError>([&] { read_table(file.path()); });
  };
  EXPECT_TRUE(mentions(complaint("a,b\n1,2\n3\n"), {":3: 1 field, but line 1 has 2 fields"}));
  EXPECT_TRUE(mentions(complaint("1;2\n\n3;4;5\n"), {":3: 3 fields, but line 1 has 2 fields, apart by ';'"}));
  EXPECT_TRUE(mentions(complaint(""), {": the file is empty"}));
  EXPECT_TRUE(mentions(complaint("a,b\n"), {":1: a header but no row"}));
  EXPECT_TRUE(
      mentions(message_of<IoError>([] { read_table("no/such.csv"); }), {"no/such.csv", "No such file"}));
  EXPECT_TRUE(
      mentions(message_of<IoError>([] { read_table("/"); }), {"/: it cannot be read: Is a directory"}));
}

TEST(Table, reads_real_ones) {
  struct Case {
    const char* name;
    char separator;
    bool header;
    std::int64_t rows;
    std::size_t columns;
  };
  for (const auto& [name, separator, header, rows, columns] :
       {Case{"titanic.csv", ',', true, 891, 12}, Case{"adult.csv", ',', false, 6001, 15},
        Case{"car.data", ',', true, 1728, 7}, Case{"penguins.csv", ',', true, 344, 9},
        Case{"pima.csv", ',', false, 768, 9}, Case{"glass.data", ',', false, 214, 11},
        Case{"ecoli.data", ' ', false, 336, 9}, Case{"seeds.txt", '\t', false, 210, 8},
        Case{"winequality-red.csv", ';', true, 1599, 12}, Case{"abalone.csv", ',', false, 4177, 9},
        Case{"mpg.csv", ',', true, 398, 7}}) {
    const std::string path = data_path(std::string("tables/") + name);
    if (!std::ifstream(path)) GTEST_SKIP() << "needs " << path;
    const Table table = read_table(path);
    EXPECT_EQ(table.separator, separator) << name;
    EXPECT_EQ(table.has_header, header) << name;
    EXPECT_EQ(table.rows(), rows) << name;
    EXPECT_EQ(table.columns.size(), columns) << name;
  }
  const Table penguins = read_table(data_path("tables/penguins.csv"));
  EXPECT_EQ(penguins.columns[0].name, "id");  // behind a byte-order mark
  EXPECT_EQ(penguins.columns.back().numbers[0], 2007);
}

TEST(Table, tells_columns_of_the_same_name_apart) {
  EXPECT_EQ(names(read("a,a,a.1,b,a\n1,2,3,4,5\n")), Texts({"a", "a.2", "a.1", "b", "a.3"}));
}

TEST(TableStream, reads_a_table_in_parts) {
  std::string text = "size,colour,class\n";
  for (int i = 0; i < 5000; ++i)
    text += std::to_string(i) + (i % 2 ? ",red," : ",\"b\nlue\",") + (i % 3 ? "yes\n" : "no\n");
  const TemporaryFile file(text, ".csv");
  const Table whole = read_table(file.path());
  TableStream stream(file.path());
  std::int64_t row = 0;
  for (const std::int64_t most : {1, 1000, 3000, 3000}) {
    const Table part = stream.read(most);
    ASSERT_LE(part.rows(), most);
    ASSERT_TRUE(part.has_header);
    for (std::int64_t i = 0; i < part.rows(); ++i, ++row) {
      const auto at = static_cast<std::size_t>(i), all = static_cast<std::size_t>(row);
      ASSERT_EQ(part.lines[at], whole.lines[all]);
      for (std::size_t column = 0; column < 3; ++column)
        ASSERT_EQ(part.columns[column].cell(at), whole.columns[column].cell(all));
    }
    EXPECT_EQ(part.columns[1].name, "colour");
  }
  EXPECT_EQ(row, 5000);
  const Table end = stream.read(10);
  EXPECT_EQ(end.rows(), 0);
  EXPECT_EQ(end.columns[2].name, "class");
  EXPECT_TRUE(mentions(message_of<std::invalid_argument>([&] { stream.read(0); }),
                       {"TableStream: a part of 0 rows"}));
}

TEST(TableStream, decides_about_the_header_by_the_first_part_and_names_wrong_lines) {
  const TemporaryFile words("a,b\nb,a\na,b\n", ".csv"), ragged("1,2\n3,4\n5,6,7\n", ".csv");
  TableStream stream(words.path());
  const Table part = stream.read(10);
  EXPECT_FALSE(part.has_header);
  EXPECT_EQ(part.rows(), 3);
  TableStream wrong(ragged.path());
  EXPECT_EQ(wrong.read(2).rows(), 2);
  EXPECT_TRUE(
      mentions(message_of<ParseError>([&] { wrong.read(2); }), {":3: 3 fields, but the rows before have 2"}));
}

TEST(StreamTable, gives_the_samples_of_a_table) {
  std::string text = "size,colour,class\n";
  for (int i = 0; i < 200; ++i)
    text += std::to_string(i) + (i % 2 ? ",red," : ",blue,") + (i == 7 ? "\n" : i % 3 ? "yes\n" : "no\n");
  const TemporaryFile file(text, ".csv");
  const Table whole = read_table(file.path());
  const TableEncoder encoder(whole, {.target = 2}, rows_with(whole, 2));
  const DataLoader loader(stream_table(file.path(), encoder), {.batch_size = 50, .shuffle = false});
  std::vector<Tensor> x, y;
  auto epoch = loader.epoch(0);
  for (const Dataset& batch : epoch) {
    EXPECT_EQ(batch.classes, 2);
    x.push_back(batch.x);
    y.push_back(batch.y);
  }
  const Table expected = take_rows(whole, rows_with(whole, 2));
  EXPECT_EQ(concatenate(x).to_vector<double>(), encoder.inputs(expected).to_vector<double>());
  EXPECT_EQ(concatenate(y).to_vector<std::int64_t>(), encoder.targets(expected).to_vector<std::int64_t>());
}

TEST(StreamNpy, reads_rows_of_any_element_type) {
  const TemporaryFile x("", ".npy"), y("", ".npy"), other("", ".npy");
  save_npy(x.path(), cast(arange(0, 60), DType::float32).reshape({30, 2}));
  save_npy(y.path(), arange(0, 30));
  save_npy(other.path(), arange(0, 4));
  const DataLoader loader(stream_npy(x.path(), y.path(), 30), {.batch_size = 7, .window = 9});
  std::vector<std::int64_t> seen(30);
  auto epoch = loader.epoch(0);
  for (const Dataset& batch : epoch)
    for (std::int64_t i = 0; i < batch.size(); ++i) {
      const auto sample = batch.y[i].item<std::int64_t>();
      ++seen[static_cast<std::size_t>(sample)];
      EXPECT_EQ(batch.x[i].to_vector<std::int64_t>(),
                (std::vector<std::int64_t>{2 * sample, 2 * sample + 1}));
    }
  EXPECT_EQ(seen, std::vector<std::int64_t>(30, 1));
  EXPECT_TRUE(mentions(message_of<IoError>([&] { DataLoader(stream_npy(x.path(), other.path())).epoch(0); }),
                       {"its shape (4,) does not fit x of shape (30, 2)"}));
}

}  // namespace
}  // namespace chainrule::test
