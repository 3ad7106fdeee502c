/// \file
/// Dealing samples to parts for learning and testing, by their positions, which take_rows takes.
///
/// Threads: any number may deal at once, each with a Generator of its own.

#pragma once

#include <cstdint>
#include <vector>

#include "chainrule/random.h"
#include "chainrule/tensor.h"

namespace CHAINRULE_API chainrule {

/// The positions of samples to learn from and to test on, each sample in one of them.
struct [[nodiscard]] Fold {
  std::vector<std::int64_t> train, test;  ///< in random order
};

/// Parts of nearly equal size, at random; each is the test part of one fold. std::invalid_argument unless
/// 2 <= folds <= count.
std::vector<Fold> k_fold(Integer count, Integer folds, Generator& generator);
/// The same with each class (n,), int64, spread over the parts as evenly as the sizes allow: the numbers of a
/// class in two parts differ by at most 1. ShapeError or DTypeError for anything else.
std::vector<Fold> stratified_k_fold(const Tensor& classes, Integer folds, Generator& generator);
/// The same with each group (n,), int64, as the samples of one person, in one part: the largest groups go
/// first, each to the part with the fewest samples. std::invalid_argument for fewer groups than folds.
std::vector<Fold> grouped_k_fold(const Tensor& groups, Integer folds, Generator& generator);

/// Deals round(test_fraction * n) samples, but at least one and not all, to the test part; of each class its
/// share, up to 1. std::invalid_argument unless 0 < test_fraction < 1 and n >= 2.
Fold stratified_split(const Tensor& classes, double test_fraction, Generator& generator);
/// Deals whole groups, at random, until the test part has at least that many samples; at least one group to
/// each part. std::invalid_argument unless 0 < test_fraction < 1 and there are two groups.
Fold grouped_split(const Tensor& groups, double test_fraction, Generator& generator);

}  // namespace chainrule
