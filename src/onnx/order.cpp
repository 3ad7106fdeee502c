// Order: the largest elements, the different ones, and the boxes that remain of many that overlap. Places
// carry no gradient, values do.

#include <algorithm>
#include <map>
#include <numeric>

#include "chainrule/indexing.h"
#include "onnx/call.h"
#include "onnx/operators.h"

namespace chainrule::onnx {
namespace {

/// Always sorted, which the node may not need.
Values top_k(const Call& call) {
  call.ignore({"sorted"});
  const Tensor& x = call[0];
  const std::int64_t axis = Call::axis(call.integer("axis", -1), x.rank());
  const std::int64_t k = call.has(1) ? call.whole(1) : call.integer("k", -1);
  const Ordered result = topk(x, k, axis, call.flag("largest", true));
  return {result.values, Value(result.places, ElementType::int64)};
}

/// The different slices along an axis, or elements; in ascending order, or in that of their first places.
/// With these places, where each slice is among them, and how often each occurs.
Values different(const Call& call) {
  const bool sorted = call.flag("sorted", true), flat = !call.has("axis");
  const std::int64_t given = call.integer("axis", 0);
  const Tensor x = flat ? call[0].reshape({call[0].size()}) : call[0];
  const std::int64_t axis = Call::axis(given, x.rank()), size = x.shape()[static_cast<std::size_t>(axis)];
  // Each slice as a row of elements.
  std::vector<std::int64_t> order = {axis};
  for (std::int64_t i = 0; i < static_cast<std::int64_t>(x.rank()); ++i)
    if (i != axis) order.push_back(i);
  const Tensor rows = permute(x, order);
  const auto count_by = [&](const auto& elements) {
    using Row = std::vector<typename std::decay_t<decltype(elements)>::value_type>;
    const std::size_t width = size == 0 ? 0 : elements.size() / static_cast<std::size_t>(size);
    std::map<Row, std::vector<std::int64_t>> found;
    for (std::int64_t i = 0; i < size; ++i) {
      const auto begin = elements.begin() + static_cast<std::ptrdiff_t>(static_cast<std::size_t>(i) * width);
      found[Row(begin, begin + static_cast<std::ptrdiff_t>(width))].push_back(i);
    }
    std::vector<std::vector<std::int64_t>> groups;
    groups.reserve(found.size());
    for (auto& [row, places] : found) groups.push_back(std::move(places));
    return groups;
  };
  std::vector<std::vector<std::int64_t>> groups =
      is_floating(x.dtype()) ? count_by(rows.to_vector<double>()) : count_by(rows.to_vector<std::int64_t>());
  if (!sorted)
    std::ranges::sort(groups, {}, [](const std::vector<std::int64_t>& places) { return places.front(); });
  std::vector<std::int64_t> first, inverse(static_cast<std::size_t>(size)), counts;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    first.push_back(groups[i].front());
    counts.push_back(static_cast<std::int64_t>(groups[i].size()));
    for (const std::int64_t place : groups[i])
      inverse[static_cast<std::size_t>(place)] = static_cast<std::int64_t>(i);
  }
  const Tensor places = tensor(std::move(first));
  return {index_select(x, axis, places), Value(places, ElementType::int64),
          Value(tensor(std::move(inverse)), ElementType::int64),
          Value(tensor(std::move(counts)), ElementType::int64)};
}

struct Box {
  double y1, x1, y2, x2;
  double area() const { return (y2 - y1) * (x2 - x1); }
};
Box box_at(const double* numbers, bool centred) {
  if (centred) {
    const double x = numbers[0], y = numbers[1], w = numbers[2], h = numbers[3];
    return {y - h / 2, x - w / 2, y + h / 2, x + w / 2};
  }
  return {std::min(numbers[0], numbers[2]), std::min(numbers[1], numbers[3]),
          std::max(numbers[0], numbers[2]), std::max(numbers[1], numbers[3])};
}
double overlap(const Box& a, const Box& b) {
  const double height = std::min(a.y2, b.y2) - std::max(a.y1, b.y1);
  const double width = std::min(a.x2, b.x2) - std::max(a.x1, b.x1);
  if (height <= 0 || width <= 0) return 0;
  return height * width / (a.area() + b.area() - height * width);
}

/// Boxes (N, count, 4) with scores (N, classes, count): for each class from the best on, those that overlap
/// with none that has been taken, as (batch, class, box).
Values non_max_suppression(const Call& call) {
  const bool centred = call.flag("center_point_box");
  const Tensor &boxes = call[0], &scores = call[1];
  if (boxes.rank() != 3 || scores.rank() != 3 || boxes.shape()[2] != 4 ||
      boxes.shape()[0] != scores.shape()[0] || boxes.shape()[1] != scores.shape()[2])
    Call::fail("boxes " + to_string(boxes.shape()) + " and scores " + to_string(scores.shape()) +
               " do not fit");
  const std::int64_t most = call.has(2) ? call.whole(2) : 0;
  const double most_overlap = call.has(3) ? call.real(3) : 0;
  const bool has_threshold = call.has(4);
  const double threshold = has_threshold ? call.real(4) : 0;
  const std::vector<double> box_numbers = boxes.to_vector<double>(), score = scores.to_vector<double>();
  const std::int64_t batches = scores.shape()[0], classes = scores.shape()[1], count = scores.shape()[2];
  std::vector<std::int64_t> result;
  for (std::int64_t batch = 0; batch < batches; ++batch)
    for (std::int64_t kind = 0; kind < classes; ++kind) {
      const double* const own = score.data() + (batch * classes + kind) * count;
      std::vector<std::int64_t> order(static_cast<std::size_t>(count));
      std::iota(order.begin(), order.end(), 0);
      std::ranges::stable_sort(order, [&](std::int64_t a, std::int64_t b) { return own[a] > own[b]; });
      std::vector<Box> taken;
      for (const std::int64_t i : order) {
        if (static_cast<std::int64_t>(taken.size()) >= most || (has_threshold && !(own[i] > threshold)))
          break;
        const Box box = box_at(box_numbers.data() + (batch * count + i) * 4, centred);
        if (std::ranges::any_of(taken, [&](const Box& other) { return overlap(box, other) > most_overlap; }))
          continue;
        taken.push_back(box);
        result.insert(result.end(), {batch, kind, i});
      }
    }
  const auto rows = static_cast<std::int64_t>(result.size() / 3);
  return one(tensor(std::move(result), {rows, 3}), ElementType::int64);
}

constexpr Operator table[] = {
    {"NonMaxSuppression", non_max_suppression},
    {"TopK", top_k},
    {"Unique", different},
};

}  // namespace

std::span<const Operator> order_operators() { return table; }

}  // namespace chainrule::onnx
