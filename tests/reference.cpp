// Operations on plain arrays of double, element by element: what rows of the table are compared with.
// Slow and plain on purpose.

#include "reference.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <stdexcept>

namespace chainrule::reference {
namespace {

std::size_t from_end(std::int64_t axis, std::size_t rank) {
  return static_cast<std::size_t>(axis < 0 ? axis + static_cast<std::int64_t>(rank) : axis);
}

/// Calls visit(position) for every position of a shape, in row-major order.
template <class Visit>
void for_each_position(const Shape& shape, Visit visit) {
  Position position(shape.rank(), 0);
  for (std::int64_t count = shape.size(); count > 0; --count) {
    visit(position);
    for (std::size_t axis = shape.rank(); axis-- > 0;) {
      if (++position[axis] < shape[axis]) break;
      position[axis] = 0;
    }
  }
}

Position without(Position position, std::size_t axis) {
  position.erase(position.begin() + static_cast<std::ptrdiff_t>(axis));
  return position;
}

Position with(Position position, std::size_t axis, std::int64_t value) {
  position[axis] = value;
  return position;
}

/// The positions that one entry of an index picks from an axis of this size.
std::vector<std::int64_t> picked(const Slice& slice, std::int64_t size) {
  const auto clip = [&](std::int64_t bound, std::int64_t low, std::int64_t high) {
    return std::clamp(bound < 0 ? bound + size : bound, low, high);
  };
  std::vector<std::int64_t> result;
  if (slice.step > 0) {
    const std::int64_t stop = slice.stop ? clip(*slice.stop, 0, size) : size;
    for (std::int64_t i = slice.start ? clip(*slice.start, 0, size) : 0; i < stop; i += slice.step)
      result.push_back(i);
  } else {
    const std::int64_t stop = slice.stop ? clip(*slice.stop, -1, size - 1) : -1;
    for (std::int64_t i = slice.start ? clip(*slice.start, -1, size - 1) : size - 1; i > stop;
         i += slice.step)
      result.push_back(i);
  }
  return result;
}

}  // namespace

Array from_tensor(const Tensor& tensor) {
  const auto numbers = tensor.to_vector<double>();
  return {tensor.shape(), Numbers(numbers.begin(), numbers.end())};
}

Array generate(const Shape& shape, const std::function<Number(const Position&)>& element) {
  Array result{shape, {}};
  for_each_position(shape, [&](const Position& position) { result.values.push_back(element(position)); });
  return result;
}

Number at(const Array& x, const Position& position) {
  const std::size_t dropped = position.size() - x.shape.rank();
  std::int64_t offset = 0;
  for (std::size_t axis = 0; axis < x.shape.rank(); ++axis)
    offset = offset * x.shape[axis] + (x.shape[axis] == 1 ? 0 : position[axis + dropped]);
  return x.values.at(static_cast<std::size_t>(offset));
}

bool can_broadcast(const std::vector<Shape>& shapes) {
  try {
    broadcast(shapes);
    return true;
  } catch (const std::invalid_argument&) {
    return false;
  }
}

Shape broadcast(const std::vector<Shape>& shapes) {
  std::vector<std::int64_t> sizes;  // innermost first
  for (const Shape& shape : shapes) {
    sizes.resize(std::max(sizes.size(), shape.rank()), 1);
    for (std::size_t back = 0; back < shape.rank(); ++back) {
      const std::int64_t size = shape[shape.rank() - 1 - back];
      if (sizes[back] != size && sizes[back] != 1 && size != 1) throw std::invalid_argument("broadcast");
      if (sizes[back] == 1) sizes[back] = size;
    }
  }
  std::reverse(sizes.begin(), sizes.end());
  return Shape(sizes);
}

Array elementwise(const Scalar& function, const Arrays& inputs) {
  std::vector<Shape> shapes;
  for (const Array& input : inputs) shapes.push_back(input.shape);
  return generate(broadcast(shapes), [&](const Position& position) {
    Numbers arguments;
    for (const Array& input : inputs) arguments.push_back(at(input, position));
    return function(arguments);
  });
}

Array reduce(const Array& x, std::vector<std::int64_t> axes, bool keepdims, const Scalar& fold) {
  std::vector<bool> reduced(x.shape.rank(), axes.empty());
  for (const std::int64_t axis : axes) reduced[from_end(axis, x.shape.rank())] = true;

  Shape kept = x.shape;
  for (std::size_t axis = 0; axis < kept.rank(); ++axis)
    if (reduced[axis]) kept[axis] = 1;
  std::vector<Numbers> groups(static_cast<std::size_t>(kept.size()));
  std::size_t next = 0;
  for_each_position(x.shape, [&](const Position& position) {
    std::int64_t group = 0;
    for (std::size_t axis = 0; axis < kept.rank(); ++axis)
      group = group * kept[axis] + (reduced[axis] ? 0 : position[axis]);
    groups[static_cast<std::size_t>(group)].push_back(x.values[next++]);
  });

  Array result{kept, {}};
  for (const Numbers& group : groups) result.values.push_back(fold(group));
  if (keepdims) return result;
  std::vector<std::int64_t> sizes;
  for (std::size_t axis = 0; axis < kept.rank(); ++axis)
    if (!reduced[axis]) sizes.push_back(kept[axis]);
  return reshape(result, Shape(sizes));
}

Number sum(const Numbers& x) { return std::accumulate(x.begin(), x.end(), Number{0}); }
Number prod(const Numbers& x) { return std::accumulate(x.begin(), x.end(), Number(1), std::multiplies<>()); }
Number norm(const Numbers& x) {
  return std::sqrt(std::inner_product(x.begin(), x.end(), x.begin(), Number(0)));
}
Number mean(const Numbers& x) { return sum(x) / static_cast<Number>(x.size()); }
Number max(const Numbers& x) { return *std::max_element(x.begin(), x.end()); }
Number min(const Numbers& x) { return *std::min_element(x.begin(), x.end()); }
Number logsumexp(const Numbers& x) {
  const Number shift = x.empty() ? -std::numeric_limits<Number>::infinity() : max(x);
  if (std::isinf(shift)) return shift;
  Number total = 0;
  for (const Number element : x) total += std::exp(element - shift);
  return shift + std::log(total);
}

Array matmul(Array a, Array b) {
  const bool left_vector = a.shape.rank() == 1;
  const bool right_vector = b.shape.rank() == 1;
  if (left_vector) a = reshape(a, {1, a.shape[0]});
  if (right_vector) b = reshape(b, {b.shape[0], 1});
  const auto batch = [](const Array& x) { return Shape(x.shape.sizes().first(x.shape.rank() - 2)); };
  const auto batches = broadcast({batch(a), batch(b)});
  std::vector<std::int64_t> sizes(batches.begin(), batches.end());
  const std::size_t row = sizes.size();
  sizes.push_back(a.shape[a.shape.rank() - 2]);
  sizes.push_back(b.shape.back());
  Array result = generate(Shape(sizes), [&](const Position& position) {
    Number total = 0;
    for (std::int64_t k = 0; k < a.shape.back(); ++k)
      total += at(a, with(position, row + 1, k)) * at(b, with(position, row, k));
    return total;
  });
  if (right_vector) sizes.pop_back();
  if (left_vector) sizes.erase(sizes.begin() + static_cast<std::ptrdiff_t>(row));
  return reshape(result, Shape(sizes));
}

Array permute(const Array& x, const std::vector<std::int64_t>& order) {
  std::vector<std::int64_t> sizes;
  for (const std::int64_t axis : order) sizes.push_back(x.shape[from_end(axis, order.size())]);
  return generate(Shape(sizes), [&](const Position& position) {
    Position source(position.size());
    for (std::size_t i = 0; i < order.size(); ++i) source[from_end(order[i], order.size())] = position[i];
    return at(x, source);
  });
}

Array reshape(const Array& x, const Shape& shape) { return {shape, x.values}; }

Array broadcast_to(const Array& x, const Shape& shape) {
  return generate(shape, [&](const Position& position) { return at(x, position); });
}

Array index(const Array& x, const std::vector<Index>& where) {
  const auto is_ellipsis = [](const Index& one) { return one.entry().index() == 0; };
  const auto named = static_cast<std::size_t>(
      std::count_if(where.begin(), where.end(), [&](const Index& one) { return !is_ellipsis(one); }));
  std::vector<std::vector<std::int64_t>> choices;
  std::vector<bool> removed;
  const auto take_all = [&] {
    choices.push_back(picked({}, x.shape[choices.size()]));
    removed.push_back(false);
  };
  for (const Index& one : where) {
    if (is_ellipsis(one)) {
      for (std::size_t left = x.shape.rank() - named; left > 0; --left) take_all();
    } else if (const auto* position = std::get_if<std::int64_t>(&one.entry())) {
      const std::int64_t size = x.shape[choices.size()];
      choices.push_back({*position < 0 ? *position + size : *position});
      removed.push_back(true);
    } else {
      choices.push_back(picked(std::get<Slice>(one.entry()), x.shape[choices.size()]));
      removed.push_back(false);
    }
  }
  while (choices.size() < x.shape.rank()) take_all();

  std::vector<std::int64_t> sizes;
  for (std::size_t axis = 0; axis < choices.size(); ++axis)
    if (!removed[axis]) sizes.push_back(static_cast<std::int64_t>(choices[axis].size()));
  return generate(Shape(sizes), [&](const Position& position) {
    Position source;
    std::size_t next = 0;
    for (std::size_t axis = 0; axis < choices.size(); ++axis)
      source.push_back(choices[axis][removed[axis] ? 0 : static_cast<std::size_t>(position[next++])]);
    return at(x, source);
  });
}

Array concatenate(const Arrays& parts, std::int64_t axis) {
  const std::size_t along = from_end(axis, parts[0].shape.rank());
  Shape shape = parts[0].shape;
  shape[along] = 0;
  for (const Array& part : parts) shape[along] += part.shape[along];
  return generate(shape, [&](Position position) {
    std::size_t part = 0;
    while (position[along] >= parts[part].shape[along]) position[along] -= parts[part++].shape[along];
    return at(parts[part], position);
  });
}

Array stack(const Arrays& parts, std::int64_t axis) {
  std::vector<std::int64_t> sizes(parts[0].shape.begin(), parts[0].shape.end());
  const std::size_t along = from_end(axis, sizes.size() + 1);
  sizes.insert(sizes.begin() + static_cast<std::ptrdiff_t>(along), static_cast<std::int64_t>(parts.size()));
  return generate(Shape(sizes), [&](const Position& position) {
    return at(parts[static_cast<std::size_t>(position[along])], without(position, along));
  });
}

Array log_softmax(const Array& x, std::int64_t axis) {
  const Array total = reference::reduce(x, {axis}, true, logsumexp);
  return elementwise([](const Numbers& in) { return in[0] - in[1]; }, {x, total});
}

Array cross_entropy(const Array& logits, const Array& target) {
  const Array logs = log_softmax(logits, -1);
  const std::size_t last = logits.shape.rank() - 1;
  const bool classes = target.shape.rank() == last;
  return generate(Shape(logits.shape.sizes().first(last)), [&](Position position) {
    position.push_back(0);
    Number total = 0;
    for (std::int64_t k = 0; k < logits.shape.back(); ++k) {
      position[last] = k;
      const Number weight = !classes ? at(target, position)
                            : at(target, without(position, last)) == static_cast<Number>(k) ? 1
                                                                                            : 0;
      total -= weight * at(logs, position);
    }
    return total;
  });
}

}  // namespace chainrule::reference
