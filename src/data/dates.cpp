// Dates and times of day in texts.
// Each text is taken apart into numbers and names of months; a form must fit all of a column.

#include "data/dates.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>

#include "data/letters.h"

namespace chainrule {
namespace {

using namespace std::string_view_literals;

struct Moment {
  int year = 0, month = 0, day = 0;  // 0 where there is none
  double hour = 0;
  bool has_time = false;
  char sign = '\0';  // between the numbers of a date
};

/// What is left of a text, from which pieces are taken.
class Rest {
 public:
  explicit Rest(std::string_view text) : text_(text) { skip_spaces(); }
  void skip_spaces() {
    while (text_.starts_with(' ')) text_.remove_prefix(1);
  }
  [[nodiscard]] bool is_end() const { return text_.empty(); }
  [[nodiscard]] char next() const { return text_.empty() ? '\0' : text_.front(); }
  bool take(char c) {
    if (next() != c) return false;
    text_.remove_prefix(1);
    return true;
  }
  /// A number of at most so many digits, and how many it has.
  std::optional<std::pair<int, int>> number(int most) {
    int value = 0, digits = 0;
    while (digits < most && is_digit(next())) {
      value = 10 * value + (next() - '0');
      text_.remove_prefix(1);
      ++digits;
    }
    if (digits == 0 || is_digit(next())) return std::nullopt;
    return std::pair(value, digits);
  }
  /// Letters, in small ones.
  std::string word() {
    std::string result;
    while (is_letter(next())) {
      result += lower(next());
      text_.remove_prefix(1);
    }
    return result;
  }
  [[nodiscard]] std::string_view text() const { return text_; }

 private:
  std::string_view text_;
};

/// The place of a name among others that may be cut down to three letters, from 1; 0 if it is none.
template <std::size_t count>
int place_among(const std::array<std::string_view, count>& names, std::string_view word) {
  constexpr std::size_t least = 3;
  for (std::size_t i = 0; i < count; ++i)
    if (word == names[i] || (word.size() >= least && word.size() <= least + 1 && names[i].starts_with(word)))
      return static_cast<int>(i) + 1;
  return 0;
}

int month_called(std::string_view word) {
  return place_among<12>({"january", "february", "march", "april", "may", "june", "july", "august",
                          "september", "october", "november", "december"},
                         word);
}

bool is_weekday(std::string_view word) {
  return place_among<7>({"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"},
                        word) > 0;
}

/// "22:15", "22:15:03.5", "10:15 pm", with a zone behind it, which is not looked at.
bool take_time(Rest& rest, Moment& moment) {
  const auto hour = rest.number(2);
  if (!hour || !rest.take(':')) return false;
  const auto minute = rest.number(2);
  constexpr int last_hour = 24, sixty = 60, noon = 12;
  if (!minute || minute->second != 2 || hour->first > last_hour || minute->first >= sixty) return false;
  double seconds = 0;
  if (rest.take(':')) {
    const auto whole = rest.number(2);
    if (!whole || whole->second != 2 || whole->first > sixty) return false;
    seconds = whole->first;
    if (rest.take('.') || rest.take(','))
      for (double unit = 0.1; is_digit(rest.next()); unit /= 10) {
        seconds += unit * (rest.next() - '0');
        rest.take(rest.next());
      }
  }
  int hours = hour->first;
  rest.skip_spaces();
  if (const std::string half = rest.word(); half == "am" || half == "pm") {
    if (hours < 1 || hours > noon) return false;
    hours = hours % noon + (half == "pm" ? noon : 0);
  } else if (!half.empty() && half != "z" && half != "utc" && half != "gmt") {
    return false;
  }
  if (rest.take('+') || rest.take('-')) {
    constexpr int most_digits = 4;
    if (!rest.number(most_digits)) return false;
    if (rest.take(':') && !rest.number(2)) return false;
  }
  rest.skip_spaces();
  moment.hour = hours + (minute->first + seconds / sixty) / sixty;
  moment.has_time = true;
  return rest.is_end();
}

int full_year(const std::pair<int, int>& number) {
  constexpr int pivot = 70, century = 100, twentieth = 1900;  // as POSIX: 69 is 2069
  if (number.second != 2) return number.first;
  return number.first + twentieth + (number.first < pivot - 1 ? century : 0);
}

bool is_date(const Moment& at) {
  if (at.year < 1 || at.month < 1 || at.month > 12) return false;
  using namespace std::chrono;
  return at.day == 0 || year_month_day(year(at.year), month(static_cast<unsigned>(at.month)),
                                       day(static_cast<unsigned>(at.day)))
                            .ok();
}

/// "31 Jan 2020", "Jan 31, 2020", "31-Jan-20", "Jan 2020".
bool take_named_date(Rest& rest, Moment& moment) {
  const auto between = [&] {
    rest.skip_spaces();
    for (const char c : {'-', '.', ',', '/'}) rest.take(c);
    rest.skip_spaces();
  };
  std::vector<std::pair<int, int>> numbers;
  constexpr int year_digits = 4;
  for (int pieces = 0; pieces < 3 && !rest.is_end(); ++pieces) {
    if (is_letter(rest.next())) {
      if (moment.month > 0 || (moment.month = month_called(rest.word())) == 0) return false;
    } else if (const auto number = rest.number(year_digits)) {
      numbers.push_back(*number);
    } else {
      return false;
    }
    between();
    if (numbers.size() == 1 && numbers[0].second == year_digits && moment.month > 0) break;
  }
  if (moment.month == 0 || numbers.empty()) return false;
  moment.sign = 'n';
  if (numbers.size() == 2) moment.day = numbers[0].first;
  if (numbers.size() == 1 && numbers[0].second != year_digits) return false;
  moment.year = full_year(numbers.back());
  return is_date(moment);
}

/// Numbers in this order, 'd', 'm' and 'y', with the same sign between them, or "20200131".
bool take_date(Rest& rest, std::string_view order, Moment& moment) {
  constexpr int all_digits = 8, year_digits = 4;
  const auto begin = rest.number(order.front() == 'y' ? all_digits : 2);
  if (!begin) return false;
  std::pair<int, int> number = *begin;  // and how many digits it has
  if (number.second == all_digits) {
    moment.year = number.first / 10000;
    moment.month = number.first / 100 % 100;
    moment.day = number.first % 100;
    constexpr int first = 1900, last = 2100;
    return moment.year >= first && moment.year < last && moment.day > 0 && is_date(moment);
  }
  for (std::size_t i = 0; i < order.size(); ++i) {
    if (i > 0) {
      const char sign = rest.next();
      if ((sign != '-' && sign != '/' && sign != '.') || (i > 1 && sign != moment.sign)) return false;
      moment.sign = sign;
      rest.take(sign);
      const auto next = rest.number(year_digits);
      if (!next) return false;
      number = *next;
    }
    if (order[i] == 'y') {
      if (number.second != year_digits && (i == 0 || order.size() < 3 || number.second != 2)) return false;
      moment.year = full_year(number);
    } else {
      if (number.second > 2 || number.first == 0) return false;
      (order[i] == 'm' ? moment.month : moment.day) = number.first;
    }
  }
  return is_date(moment);
}

/// "Mar  1 2020 22:15:03 UTC" of "Mar  1 22:15:03 UTC 2020", as ctime writes it; nothing of others.
std::string year_before_time(std::string_view text) {
  constexpr std::size_t year_digits = 4;
  const std::size_t colon = text.find(':'), year = text.rfind(' ');
  if (colon == std::string_view::npos || year == std::string_view::npos || year < colon ||
      text.size() - year - 1 != year_digits)
    return {};
  const std::size_t time = text.rfind(' ', colon);
  if (time == std::string_view::npos) return {};
  return std::string(text.substr(0, time)).append(text.substr(year)).append(text.substr(time, year - time));
}

std::optional<Moment> parse(std::string_view text, std::string_view order) {
  Moment moment;
  Rest rest(text);
  if (order.empty()) return take_time(rest, moment) ? std::optional(moment) : std::nullopt;
  if (is_letter(rest.next())) {  // "Fri, 31 Jan 2020"
    Rest after = rest;
    if (is_weekday(after.word())) {
      after.take(',');
      after.skip_spaces();
      rest = after;
    }
  }
  std::string turned;  // which rest may show
  if (is_letter(rest.next()) && !(turned = year_before_time(rest.text())).empty()) rest = Rest(turned);
  Rest named = rest;
  if (Moment by_name; take_named_date(named, by_name)) {
    moment = by_name;
    rest = named;
  } else if (!take_date(rest, order, moment)) {
    return std::nullopt;
  }
  if ((order.find('d') != std::string_view::npos) != (moment.day > 0)) return std::nullopt;
  if (rest.is_end()) return moment;
  if (!rest.take('T') && !rest.take(',') && rest.next() != ' ' && moment.sign != 'n') return std::nullopt;
  rest.skip_spaces();
  return rest.is_end() || take_time(rest, moment) ? std::optional(moment) : std::nullopt;
}

struct Form {
  std::string_view name, order;
};
constexpr std::array forms = {Form{"year-month-day", "ymd"}, Form{"day.month.year", "dmy"},
                              Form{"month/day/year", "mdy"}, Form{"year-month", "ym"},
                              Form{"month/year", "my"},      Form{"hour", ""}};

constexpr std::string_view with_time = " hour";

std::string_view order_of(std::string_view form) {
  if (form.ends_with(with_time)) form.remove_suffix(with_time.size());
  const auto found =
      std::find_if(forms.begin(), forms.end(), [&](const Form& each) { return each.name == form; });
  return found == forms.end() ? "?"sv : found->order;
}

}  // namespace

std::optional<std::string> find_date_form(const std::vector<std::string>& texts) {
  if (texts.empty()) return std::nullopt;
  std::optional<std::string> chosen;
  for (const Form& form : forms) {
    bool has_time = false;
    char sign = '\0';
    const bool all = std::all_of(texts.begin(), texts.end(), [&](const std::string& text) {
      const auto moment = parse(text, form.order);
      if (!moment) return false;
      has_time = has_time || moment->has_time;
      sign = moment->sign;
      return true;
    });
    if (!all || (chosen && sign != '/')) continue;
    chosen = std::string(form.name);
    if (has_time && !form.order.empty()) *chosen += with_time;
    if (form.order == "ymd") return chosen;
  }
  return chosen;
}

std::vector<std::string> date_parts(const std::string& form) {
  const std::string_view order = order_of(form);
  std::vector<std::string> parts;
  if (order.find('y') != std::string_view::npos) parts.emplace_back("year");
  if (order.find('m') != std::string_view::npos) parts.emplace_back("month");
  if (order.find('d') != std::string_view::npos) parts.insert(parts.end(), {"day", "weekday"});
  if (order.empty() || form.ends_with(with_time)) parts.emplace_back("hour");
  return parts;
}

std::optional<double> parse_date(std::string_view text, const std::string& form, const std::string& part) {
  const std::string_view order = order_of(form);
  if (order == "?") return std::nullopt;
  const std::optional<Moment> moment = parse(text, order);
  if (!moment) return std::nullopt;
  if (part == "year") return moment->year;
  if (part == "month") return moment->month;
  if (part == "day") return moment->day;
  if (part == "hour") return moment->hour;
  using namespace std::chrono;
  const sys_days days = year_month_day(year(moment->year), month(static_cast<unsigned>(moment->month)),
                                       day(static_cast<unsigned>(moment->day)));
  return static_cast<double>(weekday(days).iso_encoding());
}

}  // namespace chainrule
