// CSV files as tables of numbers: what spreadsheets write, digits to the last bit, and errors with their
// place.

#include <cmath>

#include "chainrule/io.h"
#include "support.h"
#include "temporary_files.h"

namespace chainrule::test {
namespace {

Csv read(const std::string& content) {
  const TemporaryFile file(content, ".csv");
  return read_csv(file.path());
}

/// What is wrong with the content, without the name of the file.
std::string complaint(const std::string& content) {
  const TemporaryFile file(content, ".csv");
  const std::string message = message_of<ParseError>([&] { read_csv(file.path()); });
  EXPECT_TRUE(message.starts_with(file.path())) << message;
  return message.substr(std::min(message.size(), file.path().size()));
}

TEST(Csv, reads_rows_of_numbers) {
  const Csv csv = read("1,2.5,-3e2\n+4,.5,6.\n");
  EXPECT_TRUE(csv.columns.empty());
  EXPECT_EQ(csv.values.dtype(), DType::float64);
  EXPECT_EQ(csv.values.shape(), Shape({2, 3}));
  EXPECT_EQ(csv.values.to_vector<double>(), std::vector<double>({1, 2.5, -300, 4, 0.5, 6}));
  EXPECT_EQ(csv.lines, std::vector<std::int64_t>({1, 2}));
}

TEST(Csv, takes_a_first_line_without_numbers_for_a_header) {
  const Csv csv = read("width,\"the height\"\n1,2\n");
  EXPECT_EQ(csv.columns, std::vector<std::string>({"width", "the height"}));
  EXPECT_EQ(csv.values.shape(), Shape({1, 2}));
  EXPECT_EQ(csv.lines, std::vector<std::int64_t>({2}));
}

TEST(Csv, accepts_what_spreadsheets_write) {
  EXPECT_EQ(read("\xEF\xBB\xBF"
                 "1,2\r\n3,4\r\n\r\n\r\n")
                .values.to_vector<double>(),
            std::vector<double>({1, 2, 3, 4}));
  EXPECT_EQ(read("  1 ,\t2\n\n \"3\" , \"4\"").values.to_vector<double>(), std::vector<double>({1, 2, 3, 4}));
  EXPECT_EQ(read("\xEF\xBB\xBF"
                 "a,b\r\n1,2\r\n")
                .columns,
            std::vector<std::string>({"a", "b"}));
  EXPECT_EQ(read("1\n2\n3").values.shape(), Shape({3, 1}));
}

TEST(Csv, reads_numbers_to_the_last_bit) {
  const std::vector<double> values =
      read("0.1,1e-320,1.7976931348623157e308,-0,1e-999\n").values.to_vector<double>();
  EXPECT_EQ(values, std::vector<double>({0.1, 1e-320, 1.7976931348623157e308, 0, 0}));
  EXPECT_TRUE(std::signbit(values[3]));
  const std::vector<double> special = read("nan,inf,-INF,1\n").values.to_vector<double>();
  EXPECT_TRUE(std::isnan(special[0]));
  EXPECT_EQ(special[1], INFINITY);
  EXPECT_EQ(special[2], -INFINITY);
}

TEST(Csv, loads_the_values_alone) {
  const TemporaryFile file("a,b\n1,2\n3,4\n", ".csv");
  EXPECT_EQ(load_csv(file.path()).shape(), Shape({2, 2}));
}

TEST(Csv, keeps_one_column_as_text) {
  const TemporaryFile file("width,kind,height\n1,setosa,2\n3, \"iris, blue\" ,4\n5,6,7\n", ".csv");
  const auto second = [](std::span<const std::string> header, std::int64_t columns) {
    EXPECT_EQ(header.size(), 3);
    EXPECT_EQ(columns, 3);
    return std::int64_t{1};
  };
  const Csv csv = read_csv(file.path(), second);
  EXPECT_EQ(csv.columns, std::vector<std::string>({"width", "kind", "height"}));
  EXPECT_TRUE(equals(csv.values, {3, 2}, {1, 2, 3, 4, 5, 7}));
  EXPECT_EQ(csv.texts, std::vector<std::string>({"setosa", "iris, blue", "6"}));
}

TEST(Csv, still_wants_numbers_beside_a_column_of_text) {
  const TemporaryFile file("1,setosa\nred,virginica\n", ".csv");
  const auto last = [](std::span<const std::string>, std::int64_t columns) { return columns - 1; };
  EXPECT_EQ(message_of<ParseError>([&] { read_csv(file.path(), last); }),
            file.path() + ":2: column 1 holds 'red', not a number");
}

TEST(Csv, names_the_line_of_a_row_with_another_length) {
  EXPECT_EQ(complaint("1,2\n3,4\n\n5\n"), ":4: 1 field, but line 1 has 2 fields");
  EXPECT_EQ(complaint("a,b\n3,4,5\n"), ":2: 3 fields, but line 1 has 2 fields");
}

TEST(Csv, names_the_column_and_the_text_that_is_no_number) {
  EXPECT_EQ(complaint("1,2\n3,four\n"), ":2: column 2 holds 'four', not a number");
  EXPECT_EQ(complaint("width,height\n1,2\n3,4x\n"), ":3: column 2 (height) holds '4x', not a number");
  EXPECT_EQ(complaint("1,,3\n"), ":1: column 2 holds nothing, not a number");
  EXPECT_EQ(complaint("1,0x10\n"), ":1: column 2 holds '0x10', not a number");
  EXPECT_EQ(complaint("1,1e999\n"), ":1: column 2 holds '1e999', not a number");
  EXPECT_EQ(complaint("1,--2\n"), ":1: column 2 holds '--2', not a number");
  EXPECT_EQ(complaint("1,+-2\n"), ":1: column 2 holds '+-2', not a number");
}

TEST(Csv, suspects_other_separators) {
  EXPECT_EQ(complaint("1;2\n3;4\n"),
            ":2: column 1 (1;2) holds '3;4', not a number; separate fields by commas");
}

TEST(Csv, counts_the_lines_of_quoted_fields) {
  EXPECT_EQ(complaint("a,\"b\nc\"\n1,2\n3\n"), ":4: 1 field, but line 1 has 2 fields");
}

TEST(Csv, gives_a_row_the_line_on_which_it_begins) {
  EXPECT_EQ(complaint("a,b\n1,2\n\n \n\"3\n\n\",4\n"), ":5: column 1 (a) holds '3?\?', not a number");
  EXPECT_EQ(read("1,2\r3,4\r5,6").values.shape(), Shape({3, 2}));
  EXPECT_EQ(read("1,2\n\n3,4").lines, std::vector<std::int64_t>({1, 3}));
  EXPECT_EQ(read("1,2\r3,4\r\r5,6\r\n7,8").lines, std::vector<std::int64_t>({1, 2, 4, 5}));
  EXPECT_EQ(complaint("1,2\r\"3\n\",4"), ":2: column 1 holds '3?', not a number");
  // Wherever a piece ends that is read at once.
  const std::string spaces((1 << 16) - 4, ' ');
  EXPECT_EQ(read(spaces + "1,2\r\n3,4\r5,6").lines, std::vector<std::int64_t>({1, 2, 3}));
  EXPECT_EQ(read(spaces + "1,2\r5,6").lines, std::vector<std::int64_t>({1, 2}));
}

TEST(Csv, reads_rows_of_any_length_up_to_16_mib_whatever_the_pieces_in_which_they_come) {
  std::string row =
      "\xEF\xBB\xBF"
      "1";
  for (int i = 0; i < 50'000; ++i) row += ",\"2.25\"";
  const Csv csv = read(row + "\n" + row.substr(3));
  EXPECT_EQ(csv.values.shape(), Shape({2, 50'001}));
  EXPECT_EQ(csv.lines, std::vector<std::int64_t>({1, 2}));
  const std::string message =
      ": a row of more than 16777216 bytes; is this a CSV file, and does every quoted field end?";
  EXPECT_EQ(complaint("1,2\n" + std::string(17'000'000, '3')), ":2" + message);
  EXPECT_EQ(complaint("1,2\n3,\"" + std::string(17'000'000, '\n')), ":2" + message);
  EXPECT_EQ(complaint("1,2\r3,\"" + std::string(17'000'000, '\n')), ":2" + message);
  EXPECT_EQ(complaint("1,2\n" + std::string(17'000'000, ' ') + "3,4"), ":2" + message);
  EXPECT_EQ(read("1,2\n" + std::string(17'000'000, '\n') + "3,4").values.shape(), Shape({2, 2}));
}

TEST(Csv, refuses_files_without_rows) {
  EXPECT_EQ(complaint(""), ": the file is empty");
  EXPECT_EQ(complaint("\n\r\n  \n"), ": the file is empty");
  EXPECT_EQ(complaint("a,b\n"), ":1: a header but no row of numbers follows it");
}

TEST(Csv, refuses_broken_quotes) {
  EXPECT_EQ(complaint("1,2\n3,\"4\n5,6\n"), ":2: a quoted field does not end");
  EXPECT_EQ(complaint("1,2\"3\n"),
            ":1: a quote stands in the middle of a field; write such a field in quotes, and each quote in it "
            "twice");
}

TEST(Csv, shows_no_control_characters_and_only_the_start_of_long_texts) {
  EXPECT_EQ(complaint("1,a\x1b[31mb\n"), ":1: column 2 holds 'a?[31mb', not a number");
  EXPECT_EQ(complaint("1," + std::string(5000, 'a') + "\n"),
            ":1: column 2 holds '" + std::string(40, 'a') + "...', not a number");
}

TEST(Csv, reads_what_gzip_has_packed) {
  // printf 'a,b\n1,2\n3,4.5\n' | gzip -9n
  const std::string packed(
      "\x1f\x8b\x08\0\0\0\0\0\x02\x03\x4b\xd4\x49\xe2\x32\xd4\x31\xe2\x32\xd6\x31\xd1\x33\xe5\x02\0\xc8\x44"
      "\xa6\xc6"
      "\x0e\0\0\0",
      34);
  const Csv csv = read(packed);
  EXPECT_EQ(csv.columns, std::vector<std::string>({"a", "b"}));
  EXPECT_EQ(csv.values.to_vector<double>(), std::vector<double>({1, 2, 3, 4.5}));
  const TemporaryFile cut_short(packed.substr(0, 20));
  EXPECT_EQ(message_of<IoError>([&] { read_csv(cut_short.path()); }),
            cut_short.path() + ": it is cut short: what gzip has compressed goes on");
}

TEST(Csv, says_why_a_file_cannot_be_read) {
  EXPECT_EQ(message_of<IoError>([] { read_csv("/nowhere/a.csv"); }),
            "/nowhere/a.csv: it cannot be read: No such file or directory");
  EXPECT_EQ(message_of<IoError>([] { load_csv("/"); }), "/: it cannot be read: Is a directory");
}

}  // namespace
}  // namespace chainrule::test
