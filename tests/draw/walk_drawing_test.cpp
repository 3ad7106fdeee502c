// Drawings of walks: what each frame shows, as pictures and as a page.
// Relies on support.h, and on nothing that has a screen.

#include <cmath>
#include <regex>

#include "chainrule/ops.h"
#include "chainrule/walk.h"
#include "support.h"

namespace chainrule::test {
namespace {

Walk walkthrough() {
  const KeepValues keep;
  const Tensor x = variable(-2.0, "x"), y = variable(5.0, "y"), z = variable(-4.0, "z");
  return Walk(((x + y).named("q") * z).named("L"), "q = x + y; q * z");
}

Walk layer() {
  const KeepValues keep;
  const Tensor w = variable({{1.0, -2.0}, {3.0, 4.0}}, "W"), x = variable({1.0, 2.0}, "x");
  const Tensor h = relu(matmul(w, x)).named("h");
  return Walk(sum(h * h).named("L"));
}

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t number = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++number;
  return number;
}

/// What a picture says, without its markup.
std::string texts_of(const std::string& svg) {
  return std::regex_replace(svg, std::regex("<style>[^<]*</style>|<[^>]*>"), "");
}

TEST(WalkDrawing, has_one_picture_for_the_expression_and_each_step_that_is_not_given) {
  const Walk walk = walkthrough();
  const WalkDrawing drawing(walk);
  ASSERT_EQ(drawing.frames(), 1U + 2U + 1U + 4U);
  const char* equations[] = {"x = -2,  y = 5,  z = -4",
                             "q = x + y = -2 + 5 = 3",
                             "L = q · z = 3 · (-4) = -12",
                             "dL/dL = 1",
                             "dL/dq = dL/dL · ∂L/∂q = 1 · z = 1 · (-4) = -4",
                             "dL/dz = dL/dL · ∂L/∂z = 1 · q = 1 · 3 = 3",
                             "dL/dx = dL/dq · ∂q/∂x = -4 · 1 = -4",
                             "dL/dy = dL/dq · ∂q/∂y = -4 · 1 = -4"};
  for (std::size_t frame = 0; frame < drawing.frames(); ++frame)
    EXPECT_TRUE(mentions(texts_of(drawing.svg(frame)), {equations[frame]})) << frame;
  EXPECT_TRUE(mentions(texts_of(drawing.svg(6)), {"Backward pass, step 4 of 5: from q to x"}));
}

TEST(WalkDrawing, shows_values_and_gradients_from_their_step_on) {
  const Walk walk = walkthrough();
  const WalkDrawing drawing(walk);
  const auto shows = [&](std::size_t frame, const std::string& text) {
    return drawing.svg(frame).find(">" + text + "</text>") != std::string::npos;
  };
  EXPECT_TRUE(shows(0, "-2")) << "what is given is there from the start";
  EXPECT_FALSE(shows(0, "3"));
  EXPECT_TRUE(shows(1, "3"));
  EXPECT_FALSE(shows(1, "-12"));
  EXPECT_TRUE(shows(2, "-12"));
  EXPECT_FALSE(shows(5, "dL/dx = -4"));
  EXPECT_TRUE(shows(6, "dL/dx = -4"));
  EXPECT_TRUE(shows(6, "∂q/∂x = 1")) << "the local derivative on the edge in use";
  EXPECT_TRUE(shows(7, "dL/dx = -4"));
  EXPECT_EQ(count(drawing.svg(6), "class=\"edge gradient\""), 1U);
  EXPECT_EQ(count(drawing.svg(1), "class=\"edge value\""), 2U);
  for (std::size_t frame = 0; frame < drawing.frames(); ++frame)
    EXPECT_EQ(count(drawing.svg(frame), "class=\"edge"), 4U) << "each edge once, in use or not";
}

TEST(WalkDrawing, shows_tangents_and_second_derivatives_in_colours_of_their_own) {
  const KeepValues keep;
  const Tensor x = variable(3.0, "x");
  const Tensor output = square(x).named("L");
  const Walk forward = Walk::in_forward_mode(output, {{x, tensor(2.0)}});
  const WalkDrawing tangents(forward);
  ASSERT_EQ(tangents.frames(), 3U);
  EXPECT_TRUE(mentions(texts_of(tangents.svg(0)), {"x = 3,  dx/dt = 2"}));
  EXPECT_TRUE(mentions(tangents.svg(2), {"class=\"edge tangent\"", ">dL/dt = 12</text>", "∂L/∂x = 2 · x"}));
  EXPECT_TRUE(mentions(tangents.html(), {"class=\"fraction tangent\"", "<b class=\"tangent\">tangents</b>"}));
  EXPECT_TRUE(mentions(tangents.latex(), {"\\textcolor{tangent}{12}", "\\frac{\\mathrm{d}L}{\\mathrm{d}t}"}));
  const Walk second = Walk::of_second_order(output, {{x, tensor(1.0)}});
  const WalkDrawing drawing(second);
  EXPECT_TRUE(mentions(drawing.html(), {"class=\"numbers second\">2<", "Second backward pass, step 1 of "}));
  EXPECT_TRUE(
      mentions(drawing.latex(), {"\\frac{\\mathrm{d}^{2}L}{\\mathrm{d}x^{2}}", "\\textcolor{second}{2}",
                                 "\\mathrm{d}(\\mathrm{d}L/\\mathrm{d}x)"}));
}

TEST(WalkDrawing, lets_a_sum_replace_the_one_before) {
  const KeepValues keep;
  const Tensor x = variable(3.0, "x");
  const Walk walk((x * x).named("y"));
  const WalkDrawing drawing(walk);
  EXPECT_TRUE(mentions(drawing.svg(3), {">dy/dx = 3</text>"}));
  EXPECT_TRUE(mentions(drawing.svg(4), {">dy/dx = 6</text>", ">+= 3</text>"}));
  EXPECT_FALSE(mentions(drawing.svg(4), {">dy/dx = 3</text>"}));
  EXPECT_TRUE(mentions(texts_of(drawing.svg(4)), {"dy/dx += dy/dy · ∂y/∂x", "so dy/dx = 3 + 3 = 6"}));
  EXPECT_TRUE(mentions(drawing.html(), {"data-from=\"3\" data-to=\"4\"", ">dy/dx = 3<", ">dy/dx = 6<"}));
}

TEST(WalkDrawing, labels_edges_with_the_number_alone_where_the_formula_is_long) {
  const KeepValues keep;
  const Tensor x = variable(3.0, "some_variable"), y = variable(2.0, "another_one");
  const Walk walk((x / y).named("z"));
  const WalkDrawing drawing(walk);
  EXPECT_TRUE(mentions(drawing.svg(4), {">∂z/∂another_one = -0.75</text>"}));
}

TEST(WalkDrawing, shows_the_shapes_and_numbers_of_arrays) {
  const Walk walk = layer();
  const WalkDrawing drawing(walk);
  EXPECT_TRUE(mentions(drawing.svg(0), {">(2, 2)<", ">-2</text>", "class=\"heat negative\""}));
  EXPECT_TRUE(mentions(texts_of(drawing.svg(drawing.frames() - 1)), {"Wᵀ @ dL/dv1 = "}));
}

TEST(WalkDrawing, of_a_large_array_has_few_cells_and_elements) {
  const KeepValues keep;
  const Tensor x = variable(reshape(arange(0, 1000000, DType::float64), {1000, 1000}), "x");
  const Walk walk(sum(x * 2.0).named("L"));
  EXPECT_LT(WalkDrawing(walk).html().size(), 100000U);
}

TEST(WalkDrawing, draws_what_has_no_elements_and_what_is_no_number) {
  const KeepValues keep;
  const Tensor empty = variable(zeros({0, 3}, DType::float64), "x"),
               nan = variable({std::nan(""), HUGE_VAL}, "y");
  const Walk walk((sum(empty) + sum(nan)).named("L"));
  const WalkDrawing drawing(walk);
  EXPECT_TRUE(mentions(drawing.svg(0), {">(0, 3)<", ">nan</text>", ">inf</text>", "heat nan"}));
  EXPECT_TRUE(drawing.png(0).starts_with("\x89PNG"));
}

TEST(WalkDrawing, says_when_there_is_nothing_to_walk_back_to) {
  const KeepValues keep;
  const Walk walk((tensor(3.0) < 2.0).named("y"));
  const WalkDrawing drawing(walk);
  EXPECT_TRUE(mentions(texts_of(drawing.svg(drawing.frames() - 1)), {"all gradients are 0"}));
  EXPECT_TRUE(mentions(drawing.html(), {"all gradients are 0"}));
}

TEST(WalkDrawing, is_the_same_every_time) {
  const auto draw_all = [] {
    const Walk walk = layer();
    const WalkDrawing drawing(walk);
    return drawing.html() + drawing.svg(0) + drawing.svg(drawing.frames() - 1);
  };
  EXPECT_EQ(draw_all(), draw_all());
}

TEST(WalkDrawing, of_the_walkthrough_is_a_small_page_that_needs_nothing_else) {
  const Walk walk = walkthrough();
  const std::string page = WalkDrawing(walk).html();
  EXPECT_LT(page.size(), 60000U);
  for (const char* reference : {"http:", "https:", "src=", "url(", "@import", "fetch("})
    EXPECT_EQ(page.find(reference), std::string::npos) << reference;
}

TEST(WalkDrawing, escapes_names_of_every_kind) {
  std::string long_name;
  for (int i = 0; i < 10000; ++i) long_name += "θ";
  const std::string names[] = {"a\"b",
                               "a\\b",
                               "</script><script>alert(1)</script>",
                               "<!-- <b>&amp;</b>",
                               "]]>",
                               "a\nb",
                               "日本語θ₁",
                               "'><img src=x onerror=alert(1)>",
                               "{{body}}",
                               "{}",
                               "\xff\xfe",
                               "",
                               std::string("a\0b", 3),
                               "\1"
                               "2\2",
                               long_name};
  for (const std::string& name : names) {
    const KeepValues keep;
    const Tensor x = variable(2.0, name);
    const Walk walk((x * x).named(name), name);
    const WalkDrawing drawing(walk);
    const std::string page = drawing.html();
    EXPECT_EQ(count(page, "<script"), 2U) << name;
    EXPECT_EQ(count(page, "</script"), 2U) << name;
    EXPECT_EQ(page.find("<img"), std::string::npos) << name;
    EXPECT_EQ(page.find("<!--"), std::string::npos) << name;
    EXPECT_LT(page.size(), 80000U) << name.substr(0, 20);
    // librsvg reads nothing but well-formed XML.
    EXPECT_TRUE(drawing.png(drawing.frames() - 1).starts_with("\x89PNG")) << name;
  }
}

TEST(WalkDrawing, is_a_document_with_one_page_per_frame) {
  const Walk walk = walkthrough();
  const WalkDrawing drawing(walk);
  const std::string pdf = drawing.pdf();
  EXPECT_TRUE(pdf.starts_with("%PDF-"));
  EXPECT_TRUE(mentions(pdf, {"/Count " + std::to_string(drawing.frames())}));
}

TEST(WalkDrawing, refuses_graphs_too_entangled_to_be_laid_out) {
  const KeepValues keep;
  const Tensor x = variable(1.0, "x");
  Tensor y = x;
  for (int i = 0; i < 400; ++i) y = y * x;
  const Walk walk(y);
  EXPECT_TRUE(mentions(message_of<IoError>([&] { WalkDrawing drawing(walk); }), {"too entangled"}));
}

}  // namespace
}  // namespace chainrule::test
