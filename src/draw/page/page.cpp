// A page with its styles, scripts and data in one file, which refers to nothing outside. The files are
// embedded in the library by embed.cmake.

#include "draw/page/page.h"

#include <nlohmann/json.hpp>
#include <ostream>

#include "draw/markup.h"

namespace chainrule {
namespace {

void write_files(std::ostream& out, std::string_view shared, const std::vector<std::string>& names) {
  out << page_file(shared);
  for (const std::string& name : names) out << page_file(name);
}

}  // namespace

void write_page(std::ostream& out, const Page& page) {
  constexpr std::string_view opening = "{{", closing = "}}";
  for (std::string_view frame = page_file("page.html"); !frame.empty();) {
    const std::size_t begin = frame.find(opening);
    out << frame.substr(0, begin);
    if (begin == std::string_view::npos) return;
    frame.remove_prefix(begin + opening.size());
    const std::string_view part = frame.substr(0, frame.find(closing));
    frame.remove_prefix(part.size() + closing.size());
    if (part == "title") out << markup(page.title);
    if (part == "style") write_files(out, "page.css", page.styles);
    if (part == "body") out << page.body;
    if (part == "data") out << page.data;
    if (part == "script") write_files(out, "page.js", page.scripts);
  }
}

std::string script_data(const nlohmann::ordered_json& data) {
  const std::string text = data.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  std::string result;
  for (const char c : text) {
    if (c == '<')
      result += "\\u003c";
    else
      result += c;
  }
  return result;
}

}  // namespace chainrule
