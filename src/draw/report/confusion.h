// Which classes are taken for which, counted once and shown as HTML.
// Holds no tensors.

#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace chainrule {

/// How often samples of each class were taken for each. Holds only what occurs: classes may be many.
class Confusion {
 public:
  /// `truth` and `predicted` are classes 0 .. classes - 1, of one sample after the other.
  Confusion(std::span<const std::int64_t> truth, std::span<const std::int64_t> predicted,
            std::int64_t classes);

  /// A class and what it was taken for.
  using Pair = std::pair<std::int64_t, std::int64_t>;

  std::int64_t classes() const { return static_cast<std::int64_t>(of_class_.size()); }
  const std::map<Pair, std::int64_t>& counts() const { return counts_; }
  std::int64_t count(std::int64_t truth, std::int64_t predicted) const;
  /// Samples of this class.
  std::int64_t of_class(std::int64_t truth) const { return of_class_[static_cast<std::size_t>(truth)]; }
  /// Samples taken for this class.
  std::int64_t predicted_as(std::int64_t predicted) const {
    return predicted_as_[static_cast<std::size_t>(predicted)];
  }

 private:
  std::map<Pair, std::int64_t> counts_;
  std::vector<std::int64_t> of_class_, predicted_as_;
};

/// As a table in HTML, with the recall of each class at the right and the precision below. Of more classes
/// than such a table can show, the most frequent confusions.
std::string confusion_table(const Confusion& confusion, std::span<const std::string> names);

}  // namespace chainrule
