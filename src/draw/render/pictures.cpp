// The layout of each part of a folded graph that differs from the others, by Graphviz: those that look the
// same share one.

#include <unordered_map>

#include "draw/graph/pictures.h"

namespace chainrule {
namespace {

/// Graphviz takes milliseconds for a part of usual size. Of a large graph without any repetition, where that
/// adds up, the parts that are met last are left without a picture.
constexpr std::size_t most_laid_out = 30000;  // items and links

}  // namespace

Pictures lay_out(const Folding& folding, std::span<const Size> nodes, std::span<const Size> parts) {
  Pictures result;
  std::unordered_map<std::string, std::size_t> known;
  std::size_t laid_out = 0;
  for (const Folding::Part& part : folding.parts) {
    const auto [entry, is_new] = known.emplace(picture_dot(part, nodes, parts), Pictures::none);
    if (is_new && laid_out < most_laid_out) {
      laid_out += part.items.size() + part.links.size();
      try {
        result.layouts.push_back(layout_of(entry->first));
        entry->second = result.layouts.size() - 1;
      } catch (const IoError&) {  // too entangled
      }
    }
    result.of_part.push_back(entry->second);
  }
  return result;
}

}  // namespace chainrule
