// What the fuzzers start from, and what is near to it, in every build: with every compiler and sanitizer.
// Each target has entered the list of targets.h.

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "fuzz/targets.h"
#include "paths.h"
#include "support.h"

namespace chainrule::test {
namespace {

using Content = std::vector<std::uint8_t>;

struct Seed {
  std::string name;
  Content content;
};

std::vector<Seed> seeds_of(const std::string& target) {
  std::vector<Seed> seeds;
  for (const auto& entry : std::filesystem::directory_iterator(tests_path("fuzz/corpus/" + target))) {
    std::ifstream in(entry.path(), std::ios::binary);
    seeds.push_back({entry.path().filename(), Content(std::istreambuf_iterator<char>(in), {})});
  }
  std::sort(seeds.begin(), seeds.end(), [](const Seed& a, const Seed& b) { return a.name < b.name; });
  return seeds;
}

std::size_t below(std::size_t bound, Engine& engine) { return bound == 0 ? 0 : engine() % bound; }

/// Changes bytes at one place as a fuzzer does.
void change(Content& content, const Content& other, Engine& engine) {
  const std::size_t at = below(content.size(), engine), left = content.size() - at;
  const auto place = content.begin() + static_cast<std::ptrdiff_t>(at);
  const auto end_of_piece = place + static_cast<std::ptrdiff_t>(std::min(left, 1 + below(16, engine)));
  switch (engine() % 5) {
    case 0:
      if (left > 0) *place ^= static_cast<std::uint8_t>(1U << engine() % 8);
      break;
    case 1: content.insert(place, static_cast<std::uint8_t>(engine())); break;
    case 2: content.erase(place, end_of_piece); break;
    case 3: {
      const Content piece(place, end_of_piece);
      content.insert(place, piece.begin(), piece.end());
      break;
    }
    default: {  // goes on as another seed does
      content.erase(place, content.end());
      const auto from = other.begin() + static_cast<std::ptrdiff_t>(below(other.size(), engine));
      content.insert(content.end(), from, other.end());
    }
  }
  if (content.size() > fuzz::most_bytes) content.resize(fuzz::most_bytes);
}

class Fuzzing : public ::testing::TestWithParam<fuzz::NamedTarget> {
 protected:
  static void expect_harmless(const Content& content, const std::string& what) {
    try {
      GetParam().run(content);
    } catch (const std::exception& error) {
      ADD_FAILURE() << what << " throws " << typeid(error).name() << ": " << error.what()
                    << "\nbytes: " << ::testing::PrintToString(content);
    }
  }
};

TEST_P(Fuzzing, finds_nothing_near_to_the_corpus) {
  PRINT_SEED_ON_FAILURE();
  constexpr int mutations = sanitized ? 50 : 200;
  Engine engine(seed());
  const std::vector<Seed> seeds = seeds_of(std::string(GetParam().name));
  ASSERT_FALSE(seeds.empty());
  for (const Seed& each : seeds) {
    expect_harmless(each.content, each.name);
    for (int i = 0; i < mutations && !HasFailure(); ++i) {
      Content content = each.content;
      for (std::size_t changes = 1 + below(4, engine); changes > 0; --changes)
        change(content, seeds[below(seeds.size(), engine)].content, engine);
      expect_harmless(content, "what is near to " + each.name);
    }
  }
}

std::vector<fuzz::NamedTarget> in_order() {
  std::vector<fuzz::NamedTarget> all = fuzz::targets();
  std::ranges::sort(all, {}, &fuzz::NamedTarget::name);
  return all;
}

INSTANTIATE_TEST_SUITE_P(Corpus, Fuzzing, ::testing::ValuesIn(in_order()),
                         [](const auto& test) { return std::string(test.param.name); });

TEST(Corpora, have_a_target_each) {
  for (const auto& folder : std::filesystem::directory_iterator(tests_path("fuzz/corpus"))) {
    const std::string name = folder.path().filename();
#ifndef CHAINRULE_HAS_ONNX
    if (name == "onnx_model") continue;
#endif
    EXPECT_EQ(std::ranges::count(fuzz::targets(), name, &fuzz::NamedTarget::name), 1) << name;
  }
}

}  // namespace
}  // namespace chainrule::test
