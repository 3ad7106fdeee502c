// Tables that other countries and programs write: decimal commas, signs of nothing, line ends.
// Tables are texts of a few lines.

#include <algorithm>

#include "data/tables.h"
#include "support.h"
#include "temporary_files.h"

namespace chainrule::test {
namespace {

TEST(TableDialects, reads_decimal_commas_where_it_is_told_to) {
  const TableOptions comma{.decimal = ','};
  const auto numbers = [&](const std::string& text) { return read(text, comma).columns[0].numbers; };
  using Numbers = std::vector<double>;
  EXPECT_EQ(numbers("x;y\n1.234,5;a\n-1.234;b\n,5;c\n+12;d\n1.234.567;e\n2,5e3;f\n"),
            Numbers({1234.5, -1234, 0.5, 12, 1234567, 2500}));
  EXPECT_EQ(numbers("x;y\n1.234;a\n12.000;b\n"), Numbers({1234, 12000}));
  // Columns that others have written with points.
  EXPECT_EQ(numbers("x;y\n1.234;a\n1.5;b\n"), Numbers({1.234, 1.5}));
  EXPECT_EQ(numbers("x;y\n0.125;a\n-0.250;b\n"), Numbers({0.125, -0.25}));
  // What is neither stays a text.
  const TableColumn mixed = read("x;y\n1,5;a\n1.5;b\n1.234;c\n1.23,4;d\na,5;e\n", comma).columns[0];
  EXPECT_EQ(cells(mixed), Texts({"1.5", "1.5", "1234", "1.23,4", "a,5"}));
  EXPECT_EQ(mixed.text_cells(), 3);
  // A first line of such numbers is no header, and commas separate where nothing else does.
  for (const char separator : {';', '\t', '|', ' '}) {
    const std::string text = std::string("1,5") + separator + "2,5\n3,5" + separator + "4,5\n";
    const Table table = read(text, comma);
    EXPECT_EQ(table.separator, separator);
    EXPECT_EQ(table.columns[1].numbers, Numbers({2.5, 4.5}));
    EXPECT_FALSE(table.has_header);
  }
  EXPECT_FALSE(read("1,5;2,5\n3,5;4,5\n").has_header);
  EXPECT_EQ(read("x,y\n\"1,5\",\"2,5\"\n", comma).columns[1].numbers, Numbers({2.5}));
  const TemporaryFile file("x;y\n1,5;a\n2,5;b\n");
  TableStream stream(file.path(), comma);
  (void)stream.read(1);
  EXPECT_EQ(stream.read(1).columns[0].numbers, Numbers({2.5}));
  EXPECT_TRUE(mentions(message_of<std::invalid_argument>([] { (void)read("1\n", {.decimal = ';'}); }),
                       {"decimals after ';'", "give '.' or ','"}));
}

TEST(TableDialects, finds_out_that_fields_are_in_single_quotes) {
  const std::string text = "'name','size','note'\r\n'a, b',1,'it''s; \"so\"'\r\n'c',2.5, 'x' \r\n";
  const Table table = read(text);
  EXPECT_EQ(table.quote, '\'');
  EXPECT_EQ(table.separator, ',');
  EXPECT_EQ(names(table), Texts({"name", "size", "note"}));
  EXPECT_EQ(cells(table.columns[0]), Texts({"a, b", "c"}));
  EXPECT_EQ(cells(table.columns[1]), Texts({"1", "2.5"}));
  EXPECT_EQ(cells(table.columns[2]), Texts({"it's; \"so\"", "x"}));
  EXPECT_EQ(cells(read("\xEF\xBB\xBF'5,1';'x'\n'5,2';'y'\n", {.decimal = ','}).columns[0]),
            Texts({"5.1", "5.2"}));
  const TemporaryFile file(text);
  TableStream stream(file.path());
  EXPECT_EQ(cells(stream.read(1).columns[0]), Texts({"a, b"}));
  EXPECT_EQ(cells(stream.read(1).columns[0]), Texts({"c"}));
  // Apostrophes are no quotes.
  for (const std::string cell : {"'tis", "O'Hara", "5'", "'90s' music", "rock 'n' roll", "''"})
    EXPECT_EQ(cells(read("x,y\n1," + cell + "\n2,'a'\n3,don't\n").columns[1]), Texts({cell, "'a'", "don't"}));
  EXPECT_EQ(cells(read("x,y\n\"1\",'a'\n").columns[1]), Texts({"'a'"}));
  EXPECT_EQ(cells(read("x,y\n1,'a'\n", {.quote = '"'}).columns[1]), Texts({"'a'"}));
  EXPECT_EQ(cells(read("x,y\n\"1\",'a,b'\n", {.quote = '\''}).columns[1]), Texts({"a,b"}));
  std::string late = "x,y\n";
  for (int i = 0; i < 20'000; ++i) late += "1,'a'\n";
  EXPECT_TRUE(mentions(message_of<ParseError>([&] { (void)read(late + "2,O'Hara\n"); }),
                       {":20002: a ' stands in the middle of a field", "write it twice", "have '\"' taken"}));
  EXPECT_TRUE(mentions(message_of<std::invalid_argument>([] { (void)read("1\n", {.quote = '`'}); }),
                       {"fields in `", "as the quote"}));
}

TEST(TableDialects, makes_a_table_of_rows_in_memory) {
  const Table table = make_table({{"age", "town", "paid"}, {"38", "Oslo", "1.234,5"}, {"-", "\xE9, b", "2"}},
                                 {.decimal = ',', .missing = {"-"}}, "people");
  EXPECT_EQ(names(table), Texts({"age", "town", "paid"}));
  EXPECT_EQ(table.rows(), 2);
  EXPECT_EQ(table.path, "people");
  EXPECT_EQ(cells(table.columns[0]), Texts({"38", ""}));
  EXPECT_EQ(cells(table.columns[1]), Texts({"Oslo", "\xC3\xA9, b"}));
  EXPECT_EQ(cells(table.columns[2]), Texts({"1234.5", "2"}));
  EXPECT_FALSE(make_table({{"5.1", "a"}}).has_header);
  EXPECT_EQ(make_table({{"a", "b"}}, {.header = false}).rows(), 1);
  const auto complaint = [](const std::vector<std::vector<std::string>>& rows) {
    return message_of<ParseError>([&] { (void)make_table(rows); });
  };
  EXPECT_TRUE(mentions(complaint({{"a", "b"}, {"1"}}), {"rows:2: 1 field, but line 1 has 2 fields"}));
  EXPECT_TRUE(mentions(complaint({}), {"rows: ", "empty"}));
}

TEST(TableDialects, leaves_out_comments) {
  const auto expect = [](const std::string& text, const Texts& columns, std::int64_t comments) {
    const Table table = read(text);
    EXPECT_EQ(names(table), columns) << text;
    EXPECT_EQ(table.comments, comments) << text;
    EXPECT_EQ(table.rows(), 2) << text;
    const TemporaryFile file(text);
    TableStream stream(file.path());
    const Table first = stream.read(1), second = stream.read(1);
    EXPECT_EQ(names(second), columns);
    EXPECT_EQ(second.lines, std::vector({table.lines.back()}));
    const Table end = stream.read(1);
    EXPECT_EQ(end.rows(), 0);
    EXPECT_EQ(first.comments + second.comments + end.comments, comments) << text;
  };
  const Texts ab = {"a", "b"};
  expect("# by hand, on Monday, or \"later\n# of it\na,b\n1,2\n3,4\n", ab, 2);
  expect("\xEF\xBB\xBF% by hand\r\na;b\r\n1;2\r\n3;4\r\n", ab, 1);
  expect("# by hand\n# a b\n1 2\n3 4\n", ab, 1);
  expect("# a,b\n1,2\n3,4\n", ab, 0);
  expect("#a,b\n1,2\n3,4\n", {"#a", "b"}, 0);
  expect("# of it\n#a,b\n1,2\n3,4\n", {"#a", "b"}, 1);
  EXPECT_EQ(read("#x,1\n#y,2\n").rows(), 2);
  // Among the rows, where they have other fields than these.
  expect("# by hand\na,b\n1,2\n# new scales, from here, on\n3,4\n", ab, 2);
  EXPECT_EQ(read("a,b\n1,2\n# new\n3,4\n").lines, std::vector<std::int64_t>({2, 4}));
  expect("a b\n1 2\n# new scales from here on\n3 4\n", ab, 1);
  expect("a;b\n# new; scales; from here on\n1;2\n3;4\n", ab, 1);
  expect("a,b\n1,2\n3,4\n% end\n", ab, 1);
  EXPECT_EQ(cells(read("a,b,\n#1,2,\n#2,3,\n").columns[0]), Texts({"#1", "#2"}));
}

TEST(TableDialects, gives_the_names_of_rows_a_column_without_a_name) {
  const Table table = read("a,b\nrow1,1,2\nrow2,3,4\n");
  EXPECT_EQ(names(table), Texts({"column 1", "a", "b"}));
  EXPECT_EQ(cells(table.columns[0]), Texts({"row1", "row2"}));
  EXPECT_EQ(names(read("\"a\" \"b\"\n\"1\" 1 \"x y\"\n\"2\" 3 \"z\"\n")), Texts({"column 1", "a", "b"}));
  EXPECT_TRUE(mentions(message_of<ParseError>([] { (void)read("a,b\nrow1,1,2\n3,4\n"); }),
                       {":3: 2 fields, but line 2 has 3 fields"}));
}

TEST(TableDialects, finds_out_that_decimals_come_after_commas) {
  const auto first = [](const std::string& text) { return cells(read(text).columns[0]); };
  EXPECT_EQ(first("x;y\n1,5;a\n1.234;b\n2.000,25;c\n"), Texts({"1.5", "1234", "2000.25"}));
  EXPECT_EQ(first("x\ty\n\"0,125\"\ta\n-1,234\tb\n"), Texts({"0.125", "-1.234"}));
  EXPECT_EQ(read("x;y\n1,5;a\n").decimal, ',');
  // Between thousands, or beside numbers with points, they are not that.
  EXPECT_EQ(first("x;y\n1,234;a\n12,345;b\n"), Texts({"1,234", "12,345"}));
  EXPECT_EQ(first("x;y\n1,5;1.5\n2,5;2.5\n"), Texts({"1,5", "2,5"}));
  EXPECT_EQ(first("x;y\n\"1, 2\";a\n1,;b\n"), Texts({"1, 2", "1,"}));
  EXPECT_EQ(read("x,y\n\"1,5\",a\n").decimal, '.');
  EXPECT_EQ(cells(read("x;y\n1,5;a\n", {.decimal = '.'}).columns[0]), Texts({"1,5"}));
  // Where nothing tells, it is as usual.
  const TableOptions usual{.usual_decimal = ','};
  EXPECT_EQ(cells(read("x;y\n1,250;1.250\n", usual).columns[0]), Texts({"1.25"}));
  EXPECT_EQ(cells(read("x;y\n1,250;1.250\n", usual).columns[1]), Texts({"1250"}));
  EXPECT_EQ(cells(read("x;y\n1.250;1.5\n", usual).columns[0]), Texts({"1.25"}));
  EXPECT_EQ(cells(read("x,y\n1.250,1\n", usual).columns[0]), Texts({"1.25"}));
}

TEST(TableDialects, names_what_is_no_table) {
  const auto complaint = [](const std::string& text) {
    return message_of<IoError>([&] { (void)read(text); });
  };
  using namespace std::string_literals;
  EXPECT_TRUE(
      mentions(complaint("version https://git-lfs.github.com/spec/v1\noid sha256:4d\n"), {"git lfs pull"}));
  EXPECT_TRUE(mentions(complaint("% iris\n%\n@RELATION iris\n@DATA\n1\n"), {"an ARFF file"}));
  EXPECT_TRUE(mentions(complaint("\xFF\xFE\0\0a\0\0\0"s), {"UTF-32"}));
  EXPECT_TRUE(mentions(complaint("\x7F"
                                 "ELF\2\0\0"s),
                       {"no text, as tables are"}));
  EXPECT_TRUE(mentions(complaint("\x89PNG\r\n\x1A\n"), {"a picture"}));
  EXPECT_TRUE(mentions(complaint("\x80\x02]q"), {"a pickle"}));
  EXPECT_TRUE(mentions(complaint("\x80\x04\0\0\0\0\0\0{}"s), {"a file of tensors"}));  // its size comes first
}

TEST(TableDialects, takes_for_nothing_what_it_is_told_to) {
  const Table table = read("x,y\n-999,n.a.\n1,b\n-,c\n", {.missing = {"-999", "n.a.", "-"}});
  EXPECT_EQ(cells(table.columns[0]), Texts({"", "1", ""}));
  EXPECT_EQ(cells(table.columns[1]), Texts({"", "b", "c"}));
  EXPECT_TRUE(table.columns[0].places.empty());
  EXPECT_EQ(cells(read("x\n-999.0\n-9.99e2\n7\n", {.missing = {"-999"}}).columns[0]), Texts({"", "", "7"}));
}

TEST(TableDialects, counts_blank_lines_of_any_kind) {
  const std::string many(100'000, '\n');
  std::string pairs, returns(70'000, '\r');
  for (int i = 0; i < 70'000; ++i) pairs += "\r\n";
  for (const std::string& blank : {many, pairs, returns, "\n \n\t\r\n" + many, std::string("\r\n\r\r\n\n")}) {
    const Table table = read("a,b\n" + blank + "1,\"x\n\ny\"\n" + blank + "2,z\n" + blank);
    const auto lines = [](const std::string& text) {
      std::int64_t count = 0;
      for (std::size_t i = 0; i < text.size(); ++i)
        count += text[i] == '\n' || (text[i] == '\r' && (i + 1 == text.size() || text[i + 1] != '\n'));
      return count;
    };
    EXPECT_EQ(table.lines, std::vector<std::int64_t>({2 + lines(blank), 5 + 2 * lines(blank)}));
    EXPECT_EQ(cells(table.columns[1]), Texts({"x\n\ny", "z"}));
  }
}

TEST(TableDialects, takes_names_that_other_formats_begin_with) {
  EXPECT_EQ(names(read("PAR1,BZh\n1,2\n")), Texts({"PAR1", "BZh"}));
}

TEST(TableDialects, lets_rows_end_in_a_separator_that_the_header_has_not) {
  const Table table = read("a,b\n1,2,\n3,4,\n5,\n");
  EXPECT_EQ(table.columns.size(), 2);
  EXPECT_EQ(cells(table.columns[1]), Texts({"2", "4", ""}));
}

TEST(TableDialects, says_what_may_stand_before_the_header_or_the_rows) {
  const auto complaint = [](const std::string& text) {
    return message_of<ParseError>([&] { (void)read(text); });
  };
  EXPECT_TRUE(mentions(complaint("Sales\nof 2020\na,b\n1,2\n"), {":3: 2 fields", "a title or a comment"}));
  EXPECT_EQ(complaint("a,b\n1,2\n1,2,3\n").find("row, as R"), std::string::npos);
}

}  // namespace
}  // namespace chainrule::test
