// Examples with published gradients: the walkthrough, cross-entropy, micrograd's, and logistic regression;
// and the page of names.

#include <cctype>
#include <filesystem>
#include <fstream>
#include <regex>
#include <set>

#include "chainrule/autograd.h"
#include "chainrule/registry.h"
#include "paths.h"
#include "support.h"

// Published examples with their published numbers, and names that the documentation promises.
namespace chainrule::test {
namespace {

class Walkthrough : public ::testing::TestWithParam<DType> {
 protected:
  Tensor number(double value) const { return variable(full({}, value, GetParam())); }
};

TEST_P(Walkthrough, gives_the_numbers_of_the_lecture) {
  const Tensor x = number(-2).named("x");
  const Tensor y = number(5).named("y");
  const Tensor z = number(-4).named("z");
  const Tensor q = (x + y).named("q");
  const Tensor loss = (q * z).named("L");

  EXPECT_EQ(q.item(), 3);
  EXPECT_EQ(loss.item(), -12);
  EXPECT_EQ(loss.dtype(), GetParam());

  const Gradients g = gradients(loss, {loss, z, q, x, y});
  EXPECT_EQ(g.at(loss).item(), 1);
  EXPECT_EQ(g.at(z).item(), 3);
  EXPECT_EQ(g.at(q).item(), -4);
  EXPECT_EQ(g.at(x).item(), -4);
  EXPECT_EQ(g.at(y).item(), -4);
  EXPECT_EQ(g.at(x).dtype(), GetParam());

  loss.backward();
  EXPECT_EQ(x.grad().item(), -4);
  EXPECT_EQ(y.grad().item(), -4);
  EXPECT_EQ(z.grad().item(), 3);
}

INSTANTIATE_TEST_SUITE_P(In, Walkthrough, ::testing::Values(DType::float32, DType::float64),
                         [](const auto& each) { return std::string(to_string(each.param)); });

TEST(CrossEntropy, of_the_lecture_has_prediction_minus_target_as_gradient) {
  // The logits whose softmax is [0.2, 0.7, 0.1].
  const Tensor logits = variable(log(tensor({0.2, 0.7, 0.1})));
  EXPECT_TRUE(close(softmax(logits), {0.2, 0.7, 0.1}));

  const Tensor one_hot = tensor({0.0, 1.0, 0.0});
  const Tensor loss = cross_entropy(logits, one_hot);
  EXPECT_TRUE(close(loss, {-std::log(0.7)}));
  EXPECT_TRUE(close(gradients(loss, {logits}).at(logits), {0.2, -0.3, 0.1}));

  const Tensor of_class = cross_entropy(logits, tensor(std::int64_t{1}));
  EXPECT_TRUE(close(gradients(of_class, {logits}).at(logits), {0.2, -0.3, 0.1}));

  const Tensor by_hand = -sum(one_hot * log(softmax(logits)));
  EXPECT_TRUE(close(gradients(by_hand, {logits}).at(logits), {0.2, -0.3, 0.1}));
}

// https://github.com/karpathy/micrograd, README.md
TEST(Micrograd, published_example_has_its_published_gradients) {
  const Tensor a = variable(-4.0);
  const Tensor b = variable(2.0);
  Tensor c = a + b;
  Tensor d = a * b + pow(b, 3);
  c = c + (c + 1);
  c = c + (1 + c + (-a));
  d = d + (d * 2 + relu(b + a));
  d = d + (3 * d + relu(b - a));
  const Tensor e = c - d;
  const Tensor f = pow(e, 2);
  Tensor g = f / 2.0;
  g = g + 10.0 / f;

  EXPECT_NEAR(g.item(), 24.7041, 5e-5);
  g.backward();
  EXPECT_NEAR(a.grad().item(), 138.8338, 5e-5);
  EXPECT_NEAR(b.grad().item(), 645.5773, 5e-5);
}

TEST(LogisticRegression, has_the_gradient_of_the_textbook) {
  const Tensor x = tensor({{1.0, 2.0}, {-1.0, 0.5}, {0.0, -1.5}});
  const Tensor y = tensor({1.0, 0.0, 1.0});
  const Tensor w = variable({0.3, -0.7}, "w");
  const Tensor p = sigmoid(matmul(x, w));
  const Tensor loss = -mean(y * log(p) + (1 - y) * log(1 - p));
  const Tensor expected = matmul(x.T(), (p - y).detach()) / 3;
  EXPECT_TRUE(close(gradients(loss, {w}).at(w), expected, 1e-14));
}

/// What stands in cells: "| a | b |" has two.
std::vector<std::string> cells_of(const std::string& row) {
  std::vector<std::string> cells;
  for (std::size_t begin = 1, end = 0; (end = row.find('|', begin)) != std::string::npos; begin = end + 1)
    cells.push_back(row.substr(begin, end - begin));
  return cells;
}

/// All words of the public headers but those of comments.
std::set<std::string> declared_words() {
  std::set<std::string> words;
  for (const auto& each : std::filesystem::recursive_directory_iterator(tests_path("../include"))) {
    std::ifstream file(each.path());
    for (std::string line, word; std::getline(file, line);)
      for (const char c : line.substr(0, line.find("//")) + ' ') {
        if (std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_') {
          word += c;
        } else if (!word.empty()) {
          words.insert(std::exchange(word, {}));
        }
      }
  }
  return words;
}

TEST(NamesPage, names_what_there_is) {
  std::ifstream page(tests_path("../tools/docs/names.md"));
  ASSERT_TRUE(page);
  const std::set<std::string> declared = declared_words();
  const std::regex name("`([A-Za-z_]+)`");
  std::string section;
  std::size_t column = 0;
  int operations = 0, others = 0;
  for (std::string line; std::getline(page, line);) {
    if (line.starts_with("## ")) section = line.substr(3);
    if (!line.starts_with("|")) continue;
    const std::vector<std::string> cells = cells_of(line);
    if (const auto here = std::find(cells.begin(), cells.end(), " here "); here != cells.end()) {
      column = static_cast<std::size_t>(here - cells.begin());
      continue;
    }
    ASSERT_LT(column, cells.size()) << line;
    const std::string& ours = cells[column];
    for (auto match = std::sregex_iterator(ours.begin(), ours.end(), name); match != std::sregex_iterator();
         ++match) {
      const std::string called = (*match)[1];
      if (section == "Functions that do something else") {
        EXPECT_NE(registry::find(called), nullptr) << called << " is no operation: " << line;
        ++operations;
      } else {
        EXPECT_TRUE(declared.contains(called)) << called << ": " << line;
        ++others;
      }
    }
  }
  EXPECT_GT(operations, 25);
  EXPECT_GT(others, 90);
}

}  // namespace
}  // namespace chainrule::test
