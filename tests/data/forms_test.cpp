// Texts of tables that are numbers and dates: which forms are found, read, and told from other texts. Tables
// are texts of a few lines.

#include <numeric>

#include "chainrule/data/encoder.h"
#include "data/amounts.h"
#include "data/dates.h"
#include "data/tables.h"
#include "support.h"

namespace chainrule::test {
namespace {

TEST(Forms, of_numbers_are_a_sign_or_unit_and_how_decimals_are_written) {
  struct Case {
    Texts texts;
    std::string form;
    double first;
  };
  for (const auto& [texts, form, first] :
       {Case{{"$1,234.50", "$3", "-$0.5"}, "$1,234.5", 1234.5},
        Case{{"45 %", "3.5%", "-2 %"}, "1,234.5%", 45}, Case{{"1.234,50 €", "0,25 €"}, "1.234,5 €", 1234.5},
        Case{{"170.3 cm", "170 cm"}, "1,234.5 cm", 170.3},
        Case{{"(3.20)", "+5.1", "\u22127"}, "1,234.5", -3.2}, Case{{"EUR 12", "EUR -3"}, "EUR1,234.5", 12},
        Case{{"1,234", "12,345,678"}, "1,234.5", 1234}, Case{{"1 234\u00a0567", "1\u00a0234"}, "", 0},
        Case{{"1\u202f234\u202f567", "234"}, "1,234.5", 1234567},
        Case{{"1'234.5", "7'000"}, "1,234.5", 1234.5}, Case{{"52.5°N", "13.4°N"}, "1,234.5 °N", 52.5}}) {
    EXPECT_EQ(find_amount_form(texts, ';').value_or(""), form) << texts[0];
    if (!form.empty()) {
      EXPECT_EQ(parse_amount(texts[0], form), first) << texts[0];
    }
  }
  EXPECT_EQ(find_amount_form({"1,234", "2,345"}, ','), "1,234.5");
  EXPECT_EQ(find_amount_form({"1,234", "2,345"}, ';'), std::nullopt);  // either
  for (const Texts& names : {Texts{"a"}, Texts{"1-2"}, Texts{"Q1"}, Texts{"$5", "€5"}, Texts{"5 kg", "5 lb"},
                             Texts{"1,5"}, Texts{"0,125"}, Texts{"10.0.0.1"}, Texts{"1,23,456"},
                             Texts{"12:30"}, Texts{"1/2"}, Texts{"+49 30 123456"}, Texts{"5."}, Texts{"$"},
                             Texts{""}, Texts{"(5"}, Texts{"5 and a very long unit"}})
    EXPECT_EQ(find_amount_form(names, ','), std::nullopt) << names[0];
  EXPECT_EQ(parse_amount("5", "$1,234.5"), 5);  // without its sign
  EXPECT_EQ(parse_amount("€5", "$1,234.5"), std::nullopt);
  EXPECT_EQ(parse_amount("five", "$1,234.5"), std::nullopt);
  EXPECT_EQ(parse_amount("5", "nonsense"), std::nullopt);
}

TEST(Forms, of_dates_are_their_parts_in_order) {
  struct Case {
    Texts texts;
    std::string form;
    std::vector<double> first;
  };
  const std::string iso = "year-month-day";
  for (const auto& [texts, form, first] :
       {Case{{"2020-02-29", "2021-12-31"}, iso, {2020, 2, 29, 6}}, Case{{"2020/2/9"}, iso, {2020, 2, 9, 7}},
        Case{{"20200229"}, iso, {2020, 2, 29, 6}},
        Case{{"29 Feb 2020", "Mar 1, 2020", "Sat, 29-February-20"}, iso, {2020, 2, 29, 6}},
        Case{{"29.02.2020", "1.3.20"}, "day.month.year", {2020, 2, 29, 6}},
        Case{{"13/02/2020", "01/03/2020"}, "day.month.year", {2020, 2, 13, 4}},
        Case{{"01/02/2020"}, "month/day/year", {2020, 1, 2, 4}},
        Case{{"01-02-2020"}, "day.month.year", {2020, 2, 1, 6}},
        Case{{"Fri Jan 31 22:15:00 2020", "Sat Feb  1 03:00:00 +0000 2020"},
             "year-month-day hour",
             {2020, 1, 31, 5, 22.25}},
        Case{{"2020-01", "2021-12"}, "year-month", {2020, 1}}, Case{{"Jan 2020"}, "year-month", {2020, 1}},
        Case{{"12/2020"}, "month/year", {2020, 12}},
        Case{{"2020-02-29T06:30:00.5Z", "2020-02-29 23:59:59+02:00"},
             iso + " hour",
             {2020, 2, 29, 6, 6.5 + 0.5 / 3600}},
        Case{{"2/29/2020 12:15 AM", "2/28/2020"}, "month/day/year hour", {2020, 2, 29, 6, 0.25}},
        Case{{"6:30", "23:59"}, "hour", {6.5}}, Case{{"12:00 pm"}, "hour", {12}}}) {
    const auto found = find_date_form(texts);
    ASSERT_EQ(found, form) << texts[0];
    const std::vector<std::string> parts = date_parts(form);
    ASSERT_EQ(parts.size(), first.size()) << texts[0];
    for (std::size_t i = 0; i < parts.size(); ++i)
      EXPECT_DOUBLE_EQ(parse_date(texts[0], form, parts[i]).value_or(-1), first[i])
          << texts[0] << ' ' << parts[i];
  }
  for (const std::string text :
       {"2021-02-29", "13/13/2020", "1/2", "3-1", "2020", "May", "1.2.3", "10.0.0.1", "25:00", "2020-01-02x",
        "12:3", "12:60", "13:00 pm", "2020-1/2", "31 Foo 2020", "20201301", "", "2020-01-02 03", "1/2/3/4"})
    EXPECT_EQ(find_date_form({text}), std::nullopt) << text;
  EXPECT_EQ(find_date_form({"2020-01-02", "unknown"}), std::nullopt);
  EXPECT_TRUE(date_parts("$1,234.5").empty());
}

TEST(Forms, are_learned_of_columns_and_read_of_others) {
  const Table table = read("day,cost,code,y\n2020-01-06,$1,a1,10 kg\n,$3,a2,20 kg\n2022-03-08,0,a1,60 kg\n");
  std::vector<std::int64_t> rows(3);
  std::iota(rows.begin(), rows.end(), 0);
  const TableEncoder encoder(table, {.target = 3, .task = Task::regression}, rows);
  EXPECT_EQ(encoder.input_names(),
            Texts({"day year", "day month", "day day", "day weekday", "cost", "code=a1", "code=a2"}));
  EXPECT_EQ(encoder.missing(table), 1);
  EXPECT_EQ(encoder.target().mean, 30);
  EXPECT_EQ(encoder.columns()[0].mean, 2021);
  const double a = std::sqrt(1.5);  // of -1, 0, 1 in deviations
  EXPECT_TRUE(close(encoder.inputs(read("cost,code,day\n3,a2,2022-02-08\n")),
                    {a, 0, a, a, (3 - 4.0 / 3) / encoder.columns()[4].deviation, 0, 1}));
  const auto message = [&](const std::string& text) {
    return message_of<ColumnError>([&] { (void)encoder.inputs(read(text)); });
  };
  EXPECT_TRUE(
      mentions(message("day,cost,code\nsoon,€1,a1\n"),
               {":2: column 1 (day) holds 'soon', not a date such as year-month-day; so does column 2 (cost) "
                "in line 2, '€1'"}));
  EXPECT_TRUE(mentions(message("cost,code\n$1,a1\n"), {"the column 'day' is missing"}));
  EXPECT_TRUE(mentions(message_of<ParseError>(
                           [&] { (void)encoder.targets(read("day,cost,code,y\n2020-01-06,$1,a1,10 lb\n")); }),
                       {"column 4 (y), is '10 lb'", "a number such as 1,234.5 kg"}));
}

TEST(Forms, leave_a_few_other_texts_to_be_complained_about) {
  std::string text = "day,y\n";
  for (int i = 0; i < 250; ++i)
    text += (i == 7 ? "unknown" : "20" + std::to_string(10 + i % 80) + "-01-" + std::to_string(10 + i / 80)) +
            "," + std::to_string(i % 2) + "\n";
  const Table table = read(text);
  std::vector<std::int64_t> rows(250);
  std::iota(rows.begin(), rows.end(), 0);
  EXPECT_TRUE(mentions(message_of<ColumnError>([&] { (void)TableEncoder(table, {.target = 1}, rows); }),
                       {":9: column 1 (day) holds 'unknown', not a date such as year-month-day"}));
}

TEST(Forms, of_targets_tell_the_task) {
  const auto task_of = [](const std::string& text) { return guess_task(read("y\n" + text).columns[0]); };
  EXPECT_EQ(task_of("1.5%\n2.5%\n"), Task::regression);
  EXPECT_EQ(task_of("10%\n20%\n"), Task::classification);
  EXPECT_EQ(task_of("10%\nmuch\n"), Task::classification);
  std::string ages, classes;
  for (int i = 0; i < 3000; ++i) {
    ages += std::to_string(18 + i % 40 + i % 30) + "\n";
    classes += std::to_string(1 + i % 60) + "\n";
  }
  EXPECT_EQ(task_of(ages), Task::regression);
  EXPECT_EQ(task_of(classes), Task::classification);
  EXPECT_EQ(task_of(classes + "61\n"), Task::regression) << "one of a class is no class";
}

}  // namespace
}  // namespace chainrule::test
