// Walks in LaTeX: terms and names in writing, and documents that compile with nothing beyond the margins.
// Relies on a LaTeX that is installed.

#include "draw/walk/latex.h"

#include <cmath>
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

TEST(Latex, small_arrays_are_matrices_or_lists_in_several_lines) {
  const auto of = [](const Tensor& tensor, double widest = 34) {
    return latex_numbers(tensor, 4, widest, false).text;
  };
  EXPECT_EQ(of(tensor({{1.0, -2.5}, {NAN, 1e9}})),
            "\\begin{bmatrix}1 & -2.5 \\\\ \\mathrm{NaN} & 1\\cdot 10^{9}\\end{bmatrix}");
  EXPECT_EQ(of(tensor({1.0, 2.0, 3.0})), "[1,\\ 2,\\ 3]");
  EXPECT_EQ(of(tensor({1.0, 2.0, 3.0}), 3), "\\begin{aligned}&[1,\\ 2,\\ \\\\ &3]\\end{aligned}");
  EXPECT_EQ(of(tensor({{1.0, 2.0, 3.0}}), 3), "\\begin{aligned}&[[1,\\ 2,\\ \\\\ &3]]\\end{aligned}");
  EXPECT_EQ(of(ones({1, 1, 2})), "[[[1,\\ 1]]]");
  EXPECT_EQ(value("(2, 50) from -1 to 2"),
            "\\textcolor{value}{(2,\\ 50)\\ \\text{from}\\ {-}1\\ \\text{to}\\ 2}");
}

TEST(Latex, formulas_have_scripts_signs_and_words) {
  EXPECT_EQ(text("1 − x²"), "1 - x^{2}");
  EXPECT_EQ(text("Wᵀ @ x"), "W^{\\mathsf{T}} \\,@\\, x");
  EXPECT_EQ(text("the rule of f for "),
            "\\mathrm{the}\\ \\mathrm{rule}\\ \\mathrm{of}\\ f\\ \\mathrm{for}\\ ");
  EXPECT_EQ(text(" of exp("), "\\ \\mathrm{of}\\ \\mathrm{exp}(");  // what stands between two derivatives
  EXPECT_EQ(text("Σᵢ xᵢ"), "\\sum _{i} x_{i}");
  EXPECT_EQ(text("tanh(β_1 · x)"), "\\mathrm{tanh}(\\beta _{1} \\cdot x)");
  EXPECT_EQ(text("1 if x <= 0 else 0"), "1\\ \\text{if}\\ x \\le  0\\ \\text{else}\\ 0");
  EXPECT_EQ(latex(Terms{{.kind = Term::Kind::name, .text = "x"}, {.text = " ** "}, {.text = "3"}}),
            "{x}^{3}");
  EXPECT_EQ(latex(Terms{{.text = "1 if "}, {.kind = Term::Kind::name, .text = "v1"}, {.text = " else 0"}}),
            "1\\ \\text{if}\\ v_{1}\\ \\text{else}\\ 0");
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

TEST(Latex, heading_has_a_line_for_each_statement_and_no_comments) {
  const KeepValues keep;
  const Tensor y = variable(2.0).named("x") * 3;
  const Walk walk(y, "a = x; b = a # of 100 %; all\n\nb * 3");
  EXPECT_TRUE(mentions(WalkDrawing(walk).latex(),
                       {"\\begin{gather*}\n  a = x \\\\\n  b = a \\\\\n  b * 3\n\\end{gather*}"}));
}

/// Compiled, with nothing beyond the margins.
void expect_compiles(const Walk& walk) {
  const TemporaryFolder folder;
  save_file(folder.file("walk.tex"), WalkDrawing(walk).latex());
  const std::string command =
      "cd " + folder.path() + " && pdflatex -halt-on-error -interaction=nonstopmode walk.tex > /dev/null";
  EXPECT_EQ(std::system(command.c_str()), 0) << content_of(folder.file("walk.log"));
  EXPECT_EQ(content_of(folder.file("walk.log")).find("Overfull"), std::string::npos)
      << content_of(folder.file("walk.log"));
}

TEST(Latex, document_compiles_as_it_is) {
  if (std::system("pdflatex --version > /dev/null 2>&1") != 0) GTEST_SKIP() << "no pdflatex here";
  const KeepValues keep;
  const Tensor x = variable({1.5, -2.0}).named("größe_50%"), w = variable(1e-9).named("w_2");
  expect_compiles(Walk(sum(where(x > 0, pow(x, 3.0), x) * exp(w)).named("L")));
}

TEST(Latex, nothing_leaves_the_page) {
  if (std::system("pdflatex --version > /dev/null 2>&1") != 0) GTEST_SKIP() << "no pdflatex here";
  const KeepValues keep;
  const Tensor x =
      variable(sqrt(arange(0, 12) + 0.5)).named("a_name_that_is_longer_than_anybody_would_type_it");
  const Tensor m = matmul(reshape(x, {4, 3}), reshape(x, {3, 4}));
  expect_compiles(Walk(sum(x * (x + 1)) + sum(reshape(x, {1, 12})) + sum(reshape(x, {2, 2, 3})) + sum(m[0])));
}

TEST(Latex, graphs_longer_than_a_page_are_left_out) {
  if (std::system("pdflatex --version > /dev/null 2>&1") != 0) GTEST_SKIP() << "no pdflatex here";
  const KeepValues keep;
  Tensor y = variable(1.0).named("x");
  for (int i = 0; i < 200; ++i) y = sin(y);
  const Walk walk(y);
  EXPECT_NE(WalkDrawing(walk).latex().find("The graph has 201 nodes"), std::string::npos);
  expect_compiles(walk);
}

}  // namespace
}  // namespace chainrule::test
