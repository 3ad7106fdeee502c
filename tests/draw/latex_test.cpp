#include "draw/walk/latex.h"

#include <cstdlib>

#include "chainrule/chainrule.h"
#include "chainrule/io.h"
#include "chainrule/registry.h"
#include "chainrule/walk.h"
#include "support.h"
#include "temporary_files.h"

namespace chainrule::test {
namespace {

std::string text(std::string_view formula) { return latex(Term{.text = std::string(formula)}); }
std::string value(std::string_view numbers) {
  return latex(Term{.kind = Term::Kind::value, .text = std::string(numbers)});
}

TEST(Latex, names_are_letters_with_an_index_or_words) {
  EXPECT_EQ(latex_name("x"), "x");
  EXPECT_EQ(latex_name("v12"), "v_{12}");
  EXPECT_EQ(latex_name("w_2"), "w_{2}");
  EXPECT_EQ(latex_name("α_1"), "\\alpha _{1}");
  EXPECT_EQ(latex_name("weight_of"), "\\mathrm{weight\\_of}");
  EXPECT_EQ(latex_name("50%{}"), "\\mathrm{50\\%\\{\\}}");
  EXPECT_EQ(latex_name("größe"), "\\mathrm{gr\\text{ö}\\text{ß}e}");
  EXPECT_EQ(latex_name("日本"), "\\mathrm{\\text{U+65E5}\\text{U+672C}}");
  EXPECT_EQ(latex_name(""), "\\mathrm{}");
}

TEST(Latex, numbers_have_powers_of_ten_and_words_for_what_is_none) {
  EXPECT_EQ(value("-1.5e-07"), "\\textcolor{value}{-1.5\\cdot 10^{-7}}");
  EXPECT_EQ(value("[1, 2e+20]"), "\\textcolor{value}{[1,\\ 2\\cdot 10^{20}]}");
  EXPECT_EQ(value("-inf"), "\\textcolor{value}{-\\infty}");
  EXPECT_EQ(value("nan"), "\\textcolor{value}{\\mathrm{NaN}}");
  EXPECT_EQ(value("True"), "\\textcolor{value}{\\text{True}}");
}

TEST(Latex, formulas_have_scripts_signs_and_words) {
  EXPECT_EQ(text("1 − x²"), "1 - x^{2}");
  EXPECT_EQ(text("Wᵀ @ x"), "W^{\\mathsf{T}} \\,@\\, x");
  EXPECT_EQ(text("Σᵢ xᵢ"), "\\sum _{i} x_{i}");
  EXPECT_EQ(text("tanh(β_1 · x)"), "\\mathrm{tanh}(\\beta _{1} \\cdot x)");
  EXPECT_EQ(text("1 if x <= 0 else 0"), "1\\ \\text{if}\\ x \\le  0\\ \\text{else}\\ 0");
  EXPECT_EQ(latex(Terms{{.kind = Term::Kind::name, .text = "x"}, {.text = " ** "}, {.text = "3"}}),
            "{x}^{3}");
}

TEST(Latex, derivatives_are_fractions_or_on_one_line) {
  const Term term{.kind = Term::Kind::derivative, .text = "∂v1", .under = "∂x"};
  EXPECT_EQ(latex(term), "\\frac{\\partial v_{1}}{\\partial x}");
  EXPECT_EQ(latex(term, true), "\\partial v_{1}/\\partial x");
}

TEST(Latex, has_a_sign_for_every_character_of_the_formulas_of_all_operations) {
  for (const registry::Entry& entry : registry::entries()) {
    const std::string out = text(entry.formula);
    EXPECT_EQ(out.find("U+"), std::string::npos) << entry.name << ": " << out;
    for (const char c : out) EXPECT_GE(c, ' ') << entry.name << ": " << out;
  }
}

TEST(Latex, document_compiles_as_it_is) {
  if (std::system("pdflatex --version > /dev/null 2>&1") != 0) GTEST_SKIP() << "no pdflatex here";
  const KeepValues keep;
  const Tensor x = variable({1.5, -2.0}).named("größe_50%"), w = variable(1e-9).named("w_2");
  const Tensor loss = sum(where(x > 0, pow(x, 3.0), x) * exp(w)).named("L");
  const Walk walk(loss);
  const TemporaryFolder folder;
  save_file(folder.file("walk.tex"), WalkDrawing(walk).latex());
  const std::string command =
      "cd " + folder.path() + " && pdflatex -halt-on-error -interaction=nonstopmode walk.tex > /dev/null";
  EXPECT_EQ(std::system(command.c_str()), 0) << content_of(folder.file("walk.log"));
}

}  // namespace
}  // namespace chainrule::test
