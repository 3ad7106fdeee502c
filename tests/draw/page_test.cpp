// Pages that hold all that they need, and data that cannot end their scripts.
// Relies on support.h, and on nothing that has a screen.

#include "draw/page/page.h"

#include <nlohmann/json.hpp>
#include <sstream>

#include "draw/markup.h"
#include "support.h"

namespace chainrule::test {
namespace {

std::string page_of(const Page& page) {
  std::ostringstream out;
  write_page(out, page);
  return out.str();
}

TEST(Page, holds_its_title_styles_body_data_and_scripts) {
  const std::string page =
      page_of({.title = "a walk", .body = "<main>here</main>", .data = script_data({{"answer", 42}})});
  EXPECT_TRUE(page.starts_with("<!doctype html>"));
  EXPECT_TRUE(page.ends_with("</html>\n"));
  EXPECT_TRUE(mentions(page, {"<title>a walk</title>", "<h1>a walk</h1>", "<main>here</main>",
                              "id=\"data\">{\"answer\":42}</script>", "--gradient:", "chainrule-theme"}));
  EXPECT_EQ(page.find("{{"), std::string::npos) << "every part of the frame is filled";
}

TEST(Page, refers_to_nothing_outside_itself) {
  const std::string page = page_of({.title = "", .body = ""});
  for (const char* reference : {"http:", "https:", "src=", "url(", "@import"})
    EXPECT_EQ(page.find(reference), std::string::npos) << reference;
}

TEST(Page, files_are_embedded_whole_and_others_are_empty) {
  EXPECT_TRUE(page_file("page.css").ends_with("}\n"));
  EXPECT_EQ(page_file("nothing.css"), "");
}

TEST(ScriptData, cannot_end_its_script_and_reads_back_the_same) {
  const std::string names[] = {"</script><script>alert(1)</script>", "<!-- <script>", "a\"b\\c\n", "θ₁ 日本"};
  for (const std::string& name : names) {
    const std::string text = script_data({{name, name}});
    EXPECT_EQ(text.find('<'), std::string::npos);
    EXPECT_EQ(nlohmann::json::parse(text).at(name), name);
  }
  EXPECT_TRUE(mentions(script_data("\xff"), {"\uFFFD"})) << "bytes that are not UTF-8";
}

TEST(Markup, escapes_what_html_and_svg_would_understand) {
  EXPECT_EQ(markup("<b a=\"1\">&amp;</b>"), "&lt;b a=&quot;1&quot;&gt;&amp;amp;&lt;/b&gt;");
  EXPECT_EQ(markup("a\nb\t\x01\xff\x7f"), "a b \uFFFD\uFFFD\uFFFD");
  EXPECT_EQ(markup("θθθθ", 3), "θθθ…");
  EXPECT_EQ(markup("θθθ", 3), "θθθ");
}

}  // namespace
}  // namespace chainrule::test
