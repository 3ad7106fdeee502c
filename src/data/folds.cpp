// Dealing samples to parts: at random, with the classes spread evenly, or with groups kept together. Relies
// on a generator and on labels alone, so that the same seed deals the same parts on every machine.

#include "chainrule/data/folds.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <stdexcept>
#include <string>

#include "chainrule/error.h"

namespace chainrule {
namespace {

using Positions = std::vector<std::int64_t>;

std::vector<std::int64_t> labels_of(const char* called, const Tensor& labels) {
  if (!is_integer(labels.dtype()))
    throw DTypeError(std::string(called) + ": labels are " + std::string(to_string(labels.dtype())) +
                     "; they must be int64");
  if (labels.rank() != 1)
    throw ShapeError(std::string(called) + ": labels have shape " + to_string(labels.shape()) +
                     "; give one for each sample, (n,)");
  return labels.to_vector<std::int64_t>();
}

void require_folds(const char* called, std::int64_t folds, std::size_t most, const char* what) {
  if (folds < 2 || static_cast<std::uint64_t>(folds) > most)
    throw std::invalid_argument(std::string(called) + ": " + std::to_string(folds) + " folds of " +
                                std::to_string(most) + " " + what +
                                "; give 2 or more, and no more than those");
}

void require_fraction(const char* called, double fraction) {
  if (!(fraction > 0 && fraction < 1))
    throw std::invalid_argument(std::string(called) + ": test_fraction is " + to_string(tensor(fraction)) +
                                "; it must be between 0 and 1");
}

Positions shuffled(std::size_t count, Generator& generator) {
  return randperm(static_cast<std::int64_t>(count), generator).to_vector<std::int64_t>();
}

/// In random order, but class after class.
Positions by_class(const std::vector<std::int64_t>& classes, Generator& generator) {
  Positions order = shuffled(classes.size(), generator);
  std::stable_sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) {
    return classes[static_cast<std::size_t>(a)] < classes[static_cast<std::size_t>(b)];
  });
  return order;
}

void shuffle(Positions& positions, Generator& generator) {
  for (std::size_t i = positions.size(); i > 1; --i)
    std::swap(positions[i - 1],
              positions[static_cast<std::size_t>(generator.below(static_cast<std::int64_t>(i)))]);
}

/// A fold for each part, which is tested on.
std::vector<Fold> folds_of(const std::vector<Positions>& parts, Generator& generator) {
  std::vector<Fold> folds(parts.size());
  for (std::size_t i = 0; i < parts.size(); ++i) {
    for (std::size_t j = 0; j < parts.size(); ++j) {
      Positions& to = i == j ? folds[i].test : folds[i].train;
      to.insert(to.end(), parts[j].begin(), parts[j].end());
    }
    shuffle(folds[i].train, generator);
    shuffle(folds[i].test, generator);
  }
  return folds;
}

/// One after another, as cards are dealt.
std::vector<Fold> dealt(const Positions& order, std::int64_t folds, Generator& generator) {
  std::vector<Positions> parts(static_cast<std::size_t>(folds));
  for (std::size_t i = 0; i < order.size(); ++i) parts[i % parts.size()].push_back(order[i]);
  return folds_of(parts, generator);
}

/// The samples of each group, the groups in random order.
std::vector<Positions> groups_of(const std::vector<std::int64_t>& labels, Generator& generator) {
  std::map<std::int64_t, Positions> by_label;
  for (std::size_t i = 0; i < labels.size(); ++i) by_label[labels[i]].push_back(static_cast<std::int64_t>(i));
  std::vector<Positions> sorted, groups;
  for (auto& [label, positions] : by_label) sorted.push_back(std::move(positions));
  for (const std::int64_t place : shuffled(sorted.size(), generator))
    groups.push_back(std::move(sorted[static_cast<std::size_t>(place)]));
  return groups;
}

}  // namespace

std::vector<Fold> k_fold(Integer count, Integer folds, Generator& generator) {
  require_folds("k_fold", folds, static_cast<std::size_t>(std::max<std::int64_t>(0, count)), "samples");
  return dealt(shuffled(static_cast<std::size_t>(count), generator), folds, generator);
}

std::vector<Fold> stratified_k_fold(const Tensor& classes, Integer folds, Generator& generator) {
  const auto labels = labels_of("stratified_k_fold", classes);
  require_folds("stratified_k_fold", folds, labels.size(), "samples");
  return dealt(by_class(labels, generator), folds, generator);
}

std::vector<Fold> grouped_k_fold(const Tensor& groups, Integer folds, Generator& generator) {
  std::vector<Positions> all = groups_of(labels_of("grouped_k_fold", groups), generator);
  require_folds("grouped_k_fold", folds, all.size(), "groups");
  const auto by_size = [](const Positions& a, const Positions& b) { return a.size() < b.size(); };
  std::stable_sort(all.begin(), all.end(), [&](const auto& a, const auto& b) { return by_size(b, a); });
  std::vector<Positions> parts(static_cast<std::size_t>(folds));
  for (const Positions& group : all) {
    Positions& smallest = *std::min_element(parts.begin(), parts.end(), by_size);
    smallest.insert(smallest.end(), group.begin(), group.end());
  }
  return folds_of(parts, generator);
}

Fold stratified_split(const Tensor& classes, double test_fraction, Generator& generator) {
  const auto labels = labels_of("stratified_split", classes);
  require_fraction("stratified_split", test_fraction);
  const auto n = static_cast<std::int64_t>(labels.size());
  if (n < 2)
    throw std::invalid_argument("stratified_split: " + std::to_string(n) +
                                " samples; two parts need at least 2");
  const std::int64_t test =
      std::clamp<std::int64_t>(std::llround(test_fraction * static_cast<double>(n)), 1, n - 1);
  Fold fold;
  // Every n/test-th sample of the sorted ones, and so of each class.
  std::int64_t at = 0;
  for (const std::int64_t position : by_class(labels, generator)) {
    const bool tested = (at + 1) * test / n > at * test / n;
    (tested ? fold.test : fold.train).push_back(position);
    ++at;
  }
  shuffle(fold.train, generator);
  shuffle(fold.test, generator);
  return fold;
}

Fold grouped_split(const Tensor& groups, double test_fraction, Generator& generator) {
  const auto labels = labels_of("grouped_split", groups);
  require_fraction("grouped_split", test_fraction);
  const std::vector<Positions> all = groups_of(labels, generator);
  if (all.size() < 2)
    throw std::invalid_argument("grouped_split: " + std::to_string(all.size()) +
                                " group; two parts need at least 2");
  const double wanted = test_fraction * static_cast<double>(labels.size());
  Fold fold;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const bool tested = i == 0 || (static_cast<double>(fold.test.size()) < wanted && i + 1 < all.size());
    Positions& to = tested ? fold.test : fold.train;
    to.insert(to.end(), all[i].begin(), all[i].end());
  }
  shuffle(fold.train, generator);
  shuffle(fold.test, generator);
  return fold;
}

}  // namespace chainrule
