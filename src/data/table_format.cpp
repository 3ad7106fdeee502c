// What the first bytes of a file tell: what separates its fields, or which other format it is in. Guesses
// from a few kilobytes: the separator is the one that cuts lines into equally many fields.

#include "data/table_format.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <utility>
#include <vector>

#include "chainrule/io.h"
#include "data/column_reader.h"
#include "data/idx.h"

namespace chainrule {
namespace {

constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

/// "1 3:0.5 7:1": a class, and places with numbers.
bool is_libsvm(std::string_view text) {
  const std::string_view line = text.substr(0, text.find_first_of("\r\n"));
  const std::size_t space = line.find(' ');
  if (space == std::string_view::npos || !parse_number(line.substr(0, space))) return false;
  const std::string_view pair = line.substr(space + 1, line.find(' ', space + 1) - space - 1);
  const std::size_t colon = pair.find(':');
  return colon != std::string_view::npos && colon > 0 &&
         std::all_of(pair.begin(), pair.begin() + static_cast<std::ptrdiff_t>(colon),
                     [](unsigned char c) { return std::isdigit(c) != 0; }) &&
         parse_number(pair.substr(colon + 1));
}

/// How often this separator stands in each line, outside quotes, but for comments. Spaces count where a field
/// begins.
std::vector<std::size_t> counts_of(char separator, char quote, std::string_view text) {
  constexpr std::size_t most_lines = 20;
  std::vector<std::size_t> counts;
  std::size_t count = 0;
  bool quoted = false, in_field = false, blank = true, marked = false;
  for (const char c : text) {
    if (c == quote) quoted = !quoted;
    if (!quoted && (c == '\n' || c == '\r')) {
      const bool is_comment = marked && !counts.empty() && count != counts.front();
      if (!blank && !is_comment) counts.push_back(count);
      count = 0;
      blank = true;
      in_field = false;
      if (counts.size() == most_lines) return counts;
      continue;
    }
    if (c == separator && !quoted) {
      if (separator != ' ')
        ++count;
      else
        in_field = false;
    } else {
      if (separator == ' ' && !in_field && !blank) ++count;
      if (blank) marked = c == '#' || c == '%';
      in_field = true;
      blank = false;
    }
  }
  return counts;
}

bool is_alike(unsigned char a, unsigned char b) { return std::tolower(a) == std::tolower(b); }

/// "PAR1" begins a file of Parquet, and "PAR1,PAR2" a table.
bool begins_with(std::string_view text, std::string_view beginning) {
  const std::string_view found = text.substr(0, beginning.size());
  if (beginning.starts_with('<') || beginning.starts_with('@'))
    return found.size() == beginning.size() &&
           std::equal(found.begin(), found.end(), beginning.begin(), is_alike);
  if (found != beginning) return false;
  const bool is_word =
      std::all_of(found.begin(), found.end(), [](unsigned char c) { return std::isalnum(c) != 0; });
  return !is_word || text.size() == found.size() ||
         std::string_view(",;\t| \r\n").find(text[found.size()]) == std::string_view::npos;
}

/// The size of a header, eight bytes of which the highest are 0, and then that, in JSON.
bool is_safetensors(std::string_view text) {
  constexpr std::size_t size_bytes = 8, always_zero = 4;
  return text.size() > size_bytes && text[size_bytes] == '{' &&
         text.substr(size_bytes - always_zero, always_zero) == std::string_view("\0\0\0\0", always_zero);
}

/// "[{" and "[[", with any space between.
bool is_json_list(std::string_view text) {
  if (!text.starts_with('[')) return false;
  const std::size_t next = text.find_first_not_of(" \t\r\n", 1);
  return next != std::string_view::npos && (text[next] == '{' || text[next] == '[');
}

/// Letters of two bytes each, of which one is 0, without a mark at the beginning.
bool is_utf_16(std::string_view text) {
  constexpr std::size_t few = 16;
  if (text.size() < few) return false;
  const auto zeros = [&](std::size_t first) {
    std::size_t count = 0;
    for (std::size_t i = first; i < few; i += 2) count += text[i] == '\0';
    return count;
  };
  return (zeros(0) == 0 && zeros(1) == few / 2) || (zeros(1) == 0 && zeros(0) == few / 2);
}

}  // namespace

std::string_view other_format(std::string_view text, bool known_separator) {
  using namespace std::string_view_literals;
  struct Format {
    std::string_view beginning, name;
  };
  static constexpr std::array formats = {
      Format{"PAR1"sv, "a Parquet file; save it as CSV"},
      Format{"PK\x03\x04"sv, "a ZIP archive, as Excel's .xlsx is; save it as CSV"},
      Format{"PK\x05\x06"sv, "an archive without any file"},
      Format{"\xD0\xCF\x11\xE0"sv, "an old Excel file; save it as CSV"},
      Format{"\x89HDF"sv, "an HDF5 file; save it as CSV"},
      Format{"SQLite format 3"sv, "a database of SQLite; save the table as CSV"},
      Format{"\xFF\xFE\0\0"sv, "a text in UTF-32; save it as UTF-8"},
      Format{"\0\0\xFE\xFF"sv, "a text in UTF-32; save it as UTF-8"},
      Format{"\xFF\xFE"sv, "a text in UTF-16; save it as UTF-8"},
      Format{"\xFE\xFF"sv, "a text in UTF-16; save it as UTF-8"},
      Format{"\x28\xB5\x2F\xFD"sv, "a file compressed by zstd; decompress it first, or use gzip"},
      Format{"BZh"sv, "a file compressed by bzip2; decompress it first, or use gzip"},
      Format{"\xFD"
             "7zXZ"sv,
             "a file compressed by xz; decompress it first, or use gzip"},
      Format{"7z\xBC\xAF"sv, "an archive of 7-Zip; take the table out of it"},
      Format{"Rar!"sv, "an archive of RAR; take the table out of it"},
      Format{"\x04\x22\x4D\x18"sv, "a file compressed by LZ4; decompress it first, or use gzip"},
      Format{"FEA1"sv, "an Arrow or Feather file; save it as CSV"},
      Format{"Obj\x01"sv, "an Avro file; save it as CSV"},
      Format{"CDF\x01"sv, "a file of NetCDF; save it as CSV"},
      Format{"CDF\x02"sv, "a file of NetCDF; save it as CSV"},
      Format{"<stata_dta>"sv, "a file of Stata; save it as CSV"},
      Format{"$FL2@(#)"sv, "a file of SPSS; save it as CSV"},
      Format{"\x89PNG"sv, "a picture; images are read in IDX or NPZ"},
      Format{"\xFF\xD8\xFF"sv, "a picture; images are read in IDX or NPZ"},
      Format{"version https://git-lfs"sv,
             "what Git LFS keeps in the place of a file; get that by `git lfs pull`"},
      Format{"ARROW1"sv, "an Arrow or Feather file; save it as CSV"},
      Format{"%PDF"sv, "a PDF"},
      Format{"{"sv, "a file of JSON; save it as CSV"},
      Format{"@relation"sv, "an ARFF file; save it as CSV"},
      Format{"<!DOCTYPE"sv, "a page of HTML; was it downloaded by the right address?"},
      Format{"\x80\x02"sv, "a pickle of Python; save it as CSV"},
      Format{"\x80\x03"sv, "a pickle of Python; save it as CSV"},
      Format{"\x80\x04"sv, "a pickle of Python; save it as CSV"},
      Format{"\x80\x05"sv, "a pickle of Python; save it as CSV"},
      Format{"MATLAB 5"sv, "a file of MATLAB; save it as CSV"},
      Format{"X\n\0\0\0"sv, "a file of R's; save it by write.csv"},
      Format{"RDX2\n"sv, "a file of R's; save it by write.csv"},
      Format{"RDX3\n"sv, "a file of R's; save it by write.csv"},
      Format{"<?xml"sv, "a file of XML; save it as CSV"},
      Format{"<html"sv, "a page of HTML; was it downloaded by the right address?"}};
  if (text.starts_with(byte_order_mark)) text.remove_prefix(byte_order_mark.size());
  if (is_safetensors(text)) return "a file of tensors, as models are; it is no table";
  for (const Format& format : formats)
    if (begins_with(text, format.beginning)) return format.name;
  if (is_idx(text)) return "a file of labels or other arrays in IDX; give the file of images";
  if (is_json_list(text)) return "a file of JSON; save it as CSV";
  if (is_utf_16(text)) return "a text in UTF-16; save it as UTF-8";
  if (text.find('\0') != std::string_view::npos) return "no text, as tables are; save it as CSV";
  for (std::string_view rest = text; rest.starts_with('%');) {  // comments of ARFF
    rest.remove_prefix(std::min(rest.find('\n'), rest.size() - 1) + 1);
    if (begins_with(rest, "@relation")) return "an ARFF file; save it as CSV";
  }
  if (!known_separator && is_libsvm(text))
    return "a file of libsvm, with label place:value ...; save it as CSV";
  return {};
}

namespace {

/// See find_form.
char detect_separator(std::string_view beginning, char decimal, char quote) {
  using namespace std::string_view_literals;
  constexpr std::string_view note = "sep=";  // Excel's
  if (beginning.starts_with(note) && beginning.size() > note.size() + 1 &&
      (beginning[note.size() + 1] == '\r' || beginning[note.size() + 1] == '\n'))
    return beginning[note.size()];
  const bool comma_last = decimal == ',';
  for (const char separator : comma_last ? ";\t| ,"sv : ";\t,| "sv) {
    const std::vector<std::size_t> counts = counts_of(separator, quote, beginning);
    if (!counts.empty() && counts.front() > 0 &&
        std::all_of(counts.begin(), counts.end(), [&](std::size_t c) { return c == counts.front(); }))
      return separator;
  }
  for (const char separator : comma_last ? ";\t| ,"sv : ";\t,| "sv) {  // R's header, which names no rows
    const std::vector<std::size_t> counts = counts_of(separator, quote, beginning);
    if (counts.size() > 1 && counts.front() > 0 &&
        std::all_of(counts.begin() + 1, counts.end(), [&](std::size_t c) { return c == counts.front() + 1; }))
      return separator;
  }
  for (const char separator : comma_last ? ";\t|,"sv : ",;\t|"sv)  // some line is wrong, which will be said
    if (const auto counts = counts_of(separator, quote, beginning); !counts.empty() && counts.front() > 0)
      return separator;
  return ',';
}

char detect_quote(std::string_view beginning) {
  constexpr std::string_view between = ",;\t|\r\n";
  const auto is_between = [&](std::size_t at) {
    return at >= beginning.size() || between.find(beginning[at]) != std::string_view::npos;
  };
  bool at_begin = true, inside = false, found = false;
  for (std::size_t i = 0; i < beginning.size(); ++i) {
    const char c = beginning[i];
    const bool begins = std::exchange(at_begin, !inside && (is_between(i) || (at_begin && c == ' ')));
    if (inside) {
      if (c != '\'') continue;
      if (i + 1 < beginning.size() && beginning[i + 1] == '\'') {  // one that is written twice
        ++i;
        continue;
      }
      std::size_t next = i + 1;
      while (next < beginning.size() && beginning[next] == ' ') ++next;
      if (!is_between(next)) return '"';
      inside = false;
      found = true;
    } else if (begins && c == '"') {
      return '"';
    } else if (c == '\'') {
      if (!begins) return '"';
      inside = true;
    }
  }
  return found ? '\'' : '"';
}

/// What is before the decimals in these fields: a point if that alone makes a number of one of them, or else
/// a comma if that alone does; nothing if they do not tell.
std::optional<char> find_decimal(std::string_view beginning, char separator, char quote) {
  constexpr std::size_t most_fields = 2000;
  bool found = false;
  std::size_t begin = 0, fields = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < beginning.size() && fields < most_fields; ++i) {
    if (beginning[i] == quote) quoted = !quoted;
    if (quoted || (beginning[i] != separator && beginning[i] != '\n' && beginning[i] != '\r')) continue;
    std::string_view field = beginning.substr(begin, i - begin);
    begin = i + 1;
    ++fields;
    const std::string around = std::string(" ") + quote;
    field.remove_prefix(std::min(field.find_first_not_of(around), field.size()));
    field = field.substr(0, field.find_last_not_of(around) + 1);
    if (field.find_first_of(".,") == std::string_view::npos || field.back() < '0' || field.back() > '9')
      continue;
    const bool with_comma = parse_with_comma(field).has_value(), with_point = parse_number(field).has_value();
    if (with_point && !with_comma) return '.';
    // "1,234" may have a comma between thousands.
    constexpr std::size_t thousand = 4;
    const std::size_t comma = field.find(',');
    const bool is_thousands = comma != std::string_view::npos && field.size() - comma == thousand &&
                              field.find('.') == std::string_view::npos && field[comma - (comma > 0)] != '0';
    found = found || (with_comma && !with_point && !is_thousands);
  }
  return found ? std::optional(',') : std::nullopt;
}

/// How many separators there are in the first of these lines.
std::size_t first_count(char separator, char quote, std::string_view lines) {
  const std::vector<std::size_t> counts = counts_of(separator, quote, lines);
  return counts.empty() ? 0 : counts.front();
}

std::string_view first_line(std::string_view text) { return text.substr(0, text.find('\n') + 1); }

/// Lines that begin with the same of # and % as the first one does.
std::string_view comments_before(std::string_view text) {
  if (!text.starts_with('#') && !text.starts_with('%')) return {};
  std::size_t end = 0;
  while (end < text.size() && text[end] == text[0]) {
    const std::size_t line = first_line(text.substr(end)).size();
    if (line == 0) return {};
    end += line;
  }
  return end == text.size() ? std::string_view() : text.substr(0, end);
}

}  // namespace

TableForm find_form(std::string_view beginning, const TableOptions& options) {
  TableForm form;
  const std::size_t all = beginning.size();
  if (beginning.starts_with(byte_order_mark)) beginning.remove_prefix(byte_order_mark.size());
  std::string_view comments = comments_before(beginning);
  const std::string_view lines = beginning.substr(comments.size());
  CsvForm& rows = form.rows;
  rows.quote = options.quote.value_or(detect_quote(lines));
  rows.separator =
      options.separator.value_or(detect_separator(lines, options.decimal.value_or('.'), rows.quote));
  if (options.decimal)
    form.decimal = *options.decimal;
  else if (rows.separator != ',' || lines.find(',') == std::string_view::npos)
    form.decimal = find_decimal(lines, rows.separator, rows.quote).value_or(options.usual_decimal);
  if (comments.empty()) return form;
  // The last of them may be the header, with a mark before its first name or not.
  std::string_view last = comments;
  while (first_line(last).size() < last.size()) last.remove_prefix(first_line(last).size());
  const std::string_view names = last.substr(std::min(last.find_first_not_of("#% \t"), last.size()));
  const bool is_header =
      first_count(rows.separator, rows.quote, names) > 0 &&
      first_count(rows.separator, rows.quote, names) == first_count(rows.separator, rows.quote, lines);
  rows.skipped_lines = std::count(comments.begin(), comments.end(), '\n') - (is_header ? 1 : 0);
  const bool is_marked = names.size() + 1 < last.size();  // "# a,b" but not "#a,b"
  const std::size_t kept = is_header ? (is_marked ? names : last).size() : 0;
  rows.skipped_bytes = all - lines.size() - kept;
  if (rows.skipped_lines == 0 && !is_marked) rows.skipped_bytes = 0;
  return form;
}

}  // namespace chainrule
