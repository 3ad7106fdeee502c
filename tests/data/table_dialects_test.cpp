// Tables that other countries and programs write: decimal commas, signs of nothing, line ends.
// Tables are texts of a few lines.

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
  EXPECT_TRUE(
      mentions(complaint("# sales\n# of 2020\na,b\n1,2\n"), {":3: 2 fields", "a title or a comment"}));
  EXPECT_TRUE(mentions(complaint("a,b\nrow1,1,2\nrow2,3,4\n"), {":2: 3 fields", "the name of the row"}));
  EXPECT_EQ(complaint("a,b\n1,2\n1,2,3\n").find("row, as R"), std::string::npos);
}

}  // namespace
}  // namespace chainrule::test
