// How terms are contracted: each pair as a batched matmul, all of them in the order that costs least, which
// is searched for up to a few terms.

#include "ops/linear_algebra/contraction.h"

#include <algorithm>
#include <limits>

namespace chainrule::ops {

LabelSet set_of(const Labels& labels) {
  LabelSet set;
  for (const Label label : labels) set.set(label);
  return set;
}

static std::int64_t product(const Shape& shape, std::size_t first, std::size_t last) {
  std::int64_t size = 1;
  for (; first < last; ++first) size *= shape[first];
  return size;
}

/// The axes in the order of these labels, which are all of them.
static Tensor ordered(const Term& term, const Labels& labels, Here here) {
  if (term.labels == labels) return term.tensor;
  std::vector<std::int64_t> order;
  for (const Label label : labels)
    order.push_back(std::find(term.labels.begin(), term.labels.end(), label) - term.labels.begin());
  return permute({term.tensor, here}, order);
}

Term contracted(const Term& a, const Term& b, const LabelSet& kept, Here here) {
  const LabelSet in_a = set_of(a.labels), in_b = set_of(b.labels);
  Labels batch, summed, free_a, free_b;
  for (const Label label : a.labels) (!in_b[label] ? free_a : kept[label] ? batch : summed).push_back(label);
  for (const Label label : b.labels)
    if (!in_a[label]) free_b.push_back(label);
  const auto joined = [](Labels list, const Labels& second, const Labels& third) {
    list.insert(list.end(), second.begin(), second.end());
    list.insert(list.end(), third.begin(), third.end());
    return list;
  };
  if (free_a.empty() && free_b.empty() && !batch.empty() && !summed.empty()) {  // no matrices, but rows
    std::vector<std::int64_t> axes;
    for (std::size_t axis = 0; axis < a.labels.size(); ++axis)
      if (!kept[a.labels[axis]]) axes.push_back(static_cast<std::int64_t>(axis));
    const Tensor products = mul({a.tensor, here}, ordered(b, a.labels, here));
    return {sum({products, here}, axes), batch};
  }
  const Tensor left = ordered(a, joined(batch, free_a, summed), here),
               right = ordered(b, joined(batch, summed, free_b), here);
  const std::size_t batches = batch.size(), rows = batches + free_a.size(), inner = batches + summed.size();
  std::vector<std::int64_t> sizes(left.shape().begin(),
                                  left.shape().begin() + static_cast<std::ptrdiff_t>(rows));
  sizes.insert(sizes.end(), right.shape().begin() + static_cast<std::ptrdiff_t>(inner), right.shape().end());
  const Shape shape(sizes);
  const std::int64_t count = product(shape, 0, batches), m = product(shape, batches, rows),
                     n = product(shape, rows, shape.rank()), k = product(left.shape(), rows, left.rank());
  const auto matrices = [&](const Tensor& tensor, std::int64_t height, std::int64_t width) {
    return reshape({tensor, here}, batches == 0 ? Shape{height, width} : Shape{count, height, width});
  };
  (void)shape.size();  // refused before anything is computed
  const Tensor x = matrices(left, m, k), y = matrices(right, k, n);
  const Tensor result = summed.empty() ? mul({x, here}, y) : matmul({x, here}, y);
  return {reshape({result, here}, shape), joined(batch, free_a, free_b)};
}

Term diagonal(const Term& term, std::size_t first, std::size_t second, Here here) {
  Labels rest;
  std::vector<std::int64_t> order, sizes;
  for (std::size_t axis = 0; axis < term.labels.size(); ++axis)
    if (axis != first && axis != second) {
      rest.push_back(term.labels[axis]);
      order.push_back(static_cast<std::int64_t>(axis));
      sizes.push_back(term.tensor.shape()[axis]);
    }
  order.insert(order.end(), {static_cast<std::int64_t>(first), static_cast<std::int64_t>(second)});
  const std::int64_t n = term.tensor.shape()[first];
  sizes.push_back(n * n);
  rest.push_back(term.labels[first]);
  const Tensor flat = reshape({permute({term.tensor, here}, order), here}, Shape(sizes));
  return {index({flat, here}, {Index::ellipsis(), Slice{{}, {}, n + 1}}), rest};
}

/// Sums over the labels that only this term has, but those in `kept`.
static Term without_lone(Term term, const LabelSet& kept, Here here) {
  std::vector<std::int64_t> axes;
  Labels rest;
  for (std::size_t axis = 0; axis < term.labels.size(); ++axis)
    if (kept[term.labels[axis]])
      rest.push_back(term.labels[axis]);
    else
      axes.push_back(static_cast<std::int64_t>(axis));
  if (axes.empty()) return term;
  return {sum({term.tensor, here}, axes), rest};
}

// ---- The order of the contractions -----------------------------------------------------------------------

static double cost(const LabelSet& labels, const Sizes& sizes) {
  double result = 1;
  for (Label label = 0; label < label_count; ++label)
    if (labels[label]) result *= sizes[label];
  return result;
}

/// The pairs to contract, one after another; a result takes the place of its first part, and the second's is
/// empty. The fewest multiplications: of each set of terms the best split in two.
static std::vector<std::pair<std::size_t, std::size_t>> best_order(const std::vector<LabelSet>& terms,
                                                                   const LabelSet& output,
                                                                   const Sizes& sizes) {
  const unsigned count = static_cast<unsigned>(terms.size()), all = (1U << count) - 1;
  std::vector<LabelSet> within(all + 1), left(all + 1);
  for (unsigned set = 0; set <= all; ++set)
    for (unsigned i = 0; i < count; ++i)
      if ((set >> i & 1) != 0) within[set] |= terms[i];
  for (unsigned set = 0; set <= all; ++set) left[set] = within[set] & (output | within[all & ~set]);
  std::vector<double> costs(all + 1, 0);
  std::vector<unsigned> split(all + 1, 0);
  for (unsigned set = 1; set <= all; ++set) {
    if ((set & (set - 1)) == 0) continue;
    costs[set] = std::numeric_limits<double>::infinity();
    for (unsigned part = (set - 1) & set; part > (set & ~part); part = (part - 1) & set) {
      const unsigned other = set & ~part;
      const double total = costs[part] + costs[other] + cost(left[part] | left[other], sizes);
      if (total < costs[set] || split[set] == 0) costs[set] = total, split[set] = part;
    }
  }
  std::vector<std::pair<std::size_t, std::size_t>> pairs;
  std::vector<unsigned> open = {all};
  while (!open.empty()) {
    const unsigned set = open.back();
    open.pop_back();
    if (split[set] == 0) continue;
    const unsigned a = split[set], b = set & ~a;
    const auto first = [](unsigned bits) { return static_cast<std::size_t>(__builtin_ctz(bits)); };
    pairs.emplace_back(std::min(first(a), first(b)), std::max(first(a), first(b)));
    open.insert(open.end(), {a, b});
  }
  std::reverse(pairs.begin(), pairs.end());  // parts before what is made of them
  return pairs;
}

/// The next pair, where there are too many for all sets: the one with the fewest multiplications.
static std::pair<std::size_t, std::size_t> cheapest_pair(const std::vector<Term>& terms, const Sizes& sizes) {
  std::pair<std::size_t, std::size_t> best{0, 1};
  double least = std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < terms.size(); ++i)
    for (std::size_t j = i + 1; j < terms.size(); ++j)
      if (const double now = cost(set_of(terms[i].labels) | set_of(terms[j].labels), sizes); now < least)
        least = now, best = {i, j};
  return best;
}

Tensor contracted(std::vector<Term> terms, const Labels& output, const Sizes& sizes, Here here) {
  constexpr std::size_t many = 6;
  const LabelSet wanted = set_of(output);
  const auto beside = [&](std::size_t a, std::size_t b) {  // what is still to be read when these are gone
    LabelSet set = wanted;
    for (std::size_t i = 0; i < terms.size(); ++i)
      if (i != a && i != b) set |= set_of(terms[i].labels);
    return set;
  };
  for (std::size_t i = 0; i < terms.size(); ++i)
    terms[i] = without_lone(std::move(terms[i]), beside(i, i), here);
  if (terms.size() <= many) {
    std::vector<LabelSet> sets;
    sets.reserve(terms.size());
    for (const Term& term : terms) sets.push_back(set_of(term.labels));
    for (const auto& [a, b] : best_order(sets, wanted, sizes)) {
      terms[a] = contracted(terms[a], terms[b], beside(a, b), here);
      terms[b] = {};
    }
  } else {
    while (terms.size() > 1) {
      const auto [a, b] = cheapest_pair(terms, sizes);
      terms[a] = contracted(terms[a], terms[b], beside(a, b), here);
      terms.erase(terms.begin() + static_cast<std::ptrdiff_t>(b));
    }
  }
  return ordered(terms[0], output, here);
}

}  // namespace chainrule::ops
