// Shuffling what is read, of which no more than a window is in memory. One sample is drawn from the window,
// and the next of the stream takes its place.

#include "data/window.h"

#include <algorithm>
#include <functional>
#include <numeric>

#include "io/elements.h"

namespace chainrule {

Window::Window(SampleReader reader, std::int64_t size, std::uint64_t seed)
    : reader_(std::move(reader)), size_(static_cast<std::size_t>(size)), generator_(seed) {}

Dataset Window::draw(std::int64_t count) {
  fill();
  const std::size_t taken = std::min(static_cast<std::size_t>(count), held_);
  if (taken == 0) return {};
  std::vector<std::size_t> order(held_);
  std::iota(order.begin(), order.end(), std::size_t{0});
  for (std::size_t i = 0; i < taken; ++i) {
    const auto left = static_cast<std::int64_t>(held_ - i);
    std::swap(order[i], order[i + static_cast<std::size_t>(generator_.below(left))]);
  }
  order.resize(taken);
  Dataset drawn{gathered(x_, order), gathered(y_, order), classes_};
  remove(order);
  return drawn;
}

void Window::fill() {
  while (held_ < size_ && !is_end_) {
    const Dataset read = reader_(static_cast<std::int64_t>(size_ - held_));
    if (read.x.is_empty() || read.size() == 0) {
      is_end_ = true;
      return;
    }
    if (read.x.rank() == 0 || read.y.rank() != 1 || read.x.shape()[0] != read.size())
      throw ShapeError("DataLoader: the stream gave x of shape " + to_string(read.x.shape()) + " and y " +
                       to_string(read.y.shape()) + "; they must be (n, ...) and (n,)");
    append(x_, read.x);
    append(y_, read.y);
    is_first_ = false;
    held_ += static_cast<std::size_t>(read.size());
    classes_ = read.classes;
  }
}

void Window::append(Column& column, const Tensor& samples) {
  const std::vector<std::int64_t> sizes(samples.shape().begin() + 1, samples.shape().end());
  const std::string_view bytes = bytes_of(samples);
  if (is_first_) {
    column.sizes = sizes;
    column.dtype = samples.dtype();
    column.row_bytes = bytes.size() / static_cast<std::size_t>(samples.shape()[0]);
  } else if (column.sizes != sizes || column.dtype != samples.dtype()) {
    throw ShapeError("DataLoader: the stream gave samples of shape " + to_string(Shape(sizes)) + " and " +
                     std::string(to_string(samples.dtype())) + " after those of shape " +
                     to_string(Shape(column.sizes)) + " and " + std::string(to_string(column.dtype)));
  }
  column.rows.insert(column.rows.end(), bytes.begin(), bytes.end());
}

Tensor Window::gathered(const Column& column, const std::vector<std::size_t>& positions) {
  std::vector<char> rows(positions.size() * column.row_bytes);
  for (std::size_t i = 0; i < positions.size(); ++i)
    std::copy_n(column.rows.data() + positions[i] * column.row_bytes, column.row_bytes,
                rows.data() + i * column.row_bytes);
  std::vector<std::int64_t> sizes = {static_cast<std::int64_t>(positions.size())};
  sizes.insert(sizes.end(), column.sizes.begin(), column.sizes.end());
  return from_memory(rows.data(), column.dtype, Shape(sizes));
}

void Window::remove(std::vector<std::size_t> positions) {
  // The last ones move into the gaps, the gaps at the end first.
  std::sort(positions.begin(), positions.end(), std::greater<>());
  for (const std::size_t gap : positions) {
    --held_;
    for (Column* column : {&x_, &y_})
      std::copy_n(column->rows.data() + held_ * column->row_bytes, gap == held_ ? 0 : column->row_bytes,
                  column->rows.data() + gap * column->row_bytes);
  }
  for (Column* column : {&x_, &y_}) column->rows.resize(held_ * column->row_bytes);
}

}  // namespace chainrule
