// What the first bytes of a file tell: what separates its fields, or which other format it is in. Guesses
// from a few kilobytes: the separator is the one that cuts lines into equally many fields.

#include "data/table_format.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <vector>

#include "chainrule/io.h"

namespace chainrule {
namespace {

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

/// How often this separator stands in each line, outside quotes. Spaces count where a field begins.
std::vector<std::size_t> counts_of(char separator, std::string_view text) {
  constexpr std::size_t most_lines = 20;
  std::vector<std::size_t> counts;
  std::size_t count = 0;
  bool quoted = false, in_field = false, blank = true;
  for (const char c : text) {
    if (c == '"') quoted = !quoted;
    if (!quoted && (c == '\n' || c == '\r')) {
      if (!blank) counts.push_back(count);
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
      Format{"\xD0\xCF\x11\xE0"sv, "an old Excel file; save it as CSV"},
      Format{"\x89HDF"sv, "an HDF5 file; save it as CSV"},
      Format{"SQLite format 3"sv, "a database of SQLite; save the table as CSV"},
      Format{"\xFF\xFE"sv, "a text in UTF-16; save it as UTF-8"},
      Format{"\xFE\xFF"sv, "a text in UTF-16; save it as UTF-8"},
      Format{"\x28\xB5\x2F\xFD"sv, "a file compressed by zstd; decompress it first, or use gzip"},
      Format{"BZh"sv, "a file compressed by bzip2; decompress it first, or use gzip"},
      Format{"\xFD"
             "7zXZ"sv,
             "a file compressed by xz; decompress it first, or use gzip"},
      Format{"ARROW1"sv, "an Arrow or Feather file; save it as CSV"},
      Format{"%PDF"sv, "a PDF"},
      Format{"\0\0\x08"sv, "a file of labels or other arrays in IDX; give the file of images"},
      Format{"{"sv, "a file of JSON; save it as CSV"},
      Format{"@relation"sv, "an ARFF file; save it as CSV"},
      Format{"<!DOCTYPE"sv, "a page of HTML; was it downloaded by the right address?"},
      Format{"\x80\x03"sv, "a pickle of Python; save it as CSV"},
      Format{"\x80\x04"sv, "a pickle of Python; save it as CSV"},
      Format{"\x80\x05"sv, "a pickle of Python; save it as CSV"},
      Format{"MATLAB 5"sv, "a file of MATLAB; save it as CSV"},
      Format{"RDX2\n"sv, "a file of R's; save it by write.csv"},
      Format{"RDX3\n"sv, "a file of R's; save it by write.csv"},
      Format{"<?xml"sv, "a file of XML; save it as CSV"},
      Format{"<html"sv, "a page of HTML; was it downloaded by the right address?"}};
  if (constexpr std::string_view mark = "\xEF\xBB\xBF"; text.starts_with(mark))
    text.remove_prefix(mark.size());
  for (const Format& format : formats)
    if (begins_with(text, format.beginning)) return format.name;
  if (is_safetensors(text)) return "a file of tensors, as models are; it is no table";
  if (is_json_list(text)) return "a file of JSON; save it as CSV";
  if (is_utf_16(text)) return "a text in UTF-16; save it as UTF-8";
  if (!known_separator && is_libsvm(text))
    return "a file of libsvm, with label place:value ...; save it as CSV";
  return {};
}

char detect_separator(std::string_view beginning, char decimal) {
  using namespace std::string_view_literals;
  constexpr std::string_view note = "sep=";  // Excel's
  if (beginning.starts_with(note) && beginning.size() > note.size() + 1 &&
      (beginning[note.size() + 1] == '\r' || beginning[note.size() + 1] == '\n'))
    return beginning[note.size()];
  const bool comma_last = decimal == ',';
  for (const char separator : comma_last ? ";\t| ,"sv : ";\t,| "sv) {
    const std::vector<std::size_t> counts = counts_of(separator, beginning);
    if (!counts.empty() && counts.front() > 0 &&
        std::all_of(counts.begin(), counts.end(), [&](std::size_t c) { return c == counts.front(); }))
      return separator;
  }
  for (const char separator : comma_last ? ";\t|,"sv : ",;\t|"sv)  // some line is wrong, which will be said
    if (const auto counts = counts_of(separator, beginning); !counts.empty() && counts.front() > 0)
      return separator;
  return ',';
}

}  // namespace chainrule
