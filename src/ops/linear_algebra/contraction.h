// Products of tensors whose axes have labels, summed over labels: what einsum and tensordot are made of.
// Relies on operations, so derivatives follow.

#pragma once

#include <array>
#include <bitset>
#include <vector>

#include "chainrule/ops.h"

namespace chainrule::ops {

/// A letter as it is, or a number from `unnamed` on for an axis of an ellipsis, counted from the last one.
using Label = std::size_t;
using Labels = std::vector<Label>;
constexpr Label unnamed = 128, label_count = unnamed + Shape::max_rank;
using LabelSet = std::bitset<label_count>;
/// The size of each label, as a number that does not overflow when multiplied.
using Sizes = std::array<double, label_count>;

LabelSet set_of(const Labels& labels);

/// A tensor with a label for each axis.
struct Term {
  Tensor tensor;
  Labels labels;
};

/// The elements with one position along two axes, which become the last one.
Term diagonal(const Term& term, std::size_t first, std::size_t second, Here here);
/// The product of two, summed over the labels that both have and `kept` has not.
Term contracted(const Term& a, const Term& b, const LabelSet& kept, Here here);
/// The product of all terms, summed over what is not in the output, and in its order. They meet in pairs, in
/// the order of the fewest multiplications up to six, beyond that always the cheapest pair next.
Tensor contracted(std::vector<Term> terms, const Labels& output, const Sizes& sizes, Here here);

}  // namespace chainrule::ops
