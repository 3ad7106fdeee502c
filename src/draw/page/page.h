// Pages that open from disk and need nothing but themselves. Their styles, scripts and frame are the files
// in the folder page/, which the build compiles into the library.

#pragma once

#include <iosfwd>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace chainrule {

struct Page {
  std::string title;                   ///< any text
  std::string body;                    ///< HTML
  std::vector<std::string> styles{};   ///< names of files in page/, after page.css, which all pages have
  std::vector<std::string> scripts{};  ///< the same, after page.js
  std::string data =
      "null";  ///< from script_data(); read by `JSON.parse(document.getElementById("data").text)`
};
void write_page(std::ostream& out, const Page& page);

/// JSON as it may stand inside a <script>: no text in it ends the script, or opens a comment.
std::string script_data(const nlohmann::ordered_json& data);

/// A file of page/ by its name, as "page.css"; empty when there is none.
std::string_view page_file(std::string_view name);

}  // namespace chainrule
