// Shuffling what is read, of which no more than a window is in memory.
// The stream and its samples are those of data/loader.h.

#pragma once

#include <cstddef>
#include <vector>

#include "chainrule/data/loader.h"

namespace chainrule {

/// Draws samples at random from a window over a stream: what was drawn makes room for what is read next.
class Window {
 public:
  /// At most `size` samples are held.
  Window(SampleReader reader, std::int64_t size, std::uint64_t seed);

  /// The next samples, at most so many; none at the end. ShapeError where the stream's samples change their
  /// shape or dtype.
  Dataset draw(std::int64_t count);

 private:
  struct Column {
    std::vector<std::int64_t> sizes;  // of one sample
    DType dtype = DType::float32;
    std::vector<char> rows;
    std::size_t row_bytes = 0;
  };
  void fill();
  void append(Column& column, const Tensor& samples);
  void remove(std::vector<std::size_t> positions);
  static Tensor gathered(const Column& column, const std::vector<std::size_t>& positions);

  SampleReader reader_;
  std::size_t size_;
  Generator generator_;
  Column x_, y_;
  std::size_t held_ = 0;
  std::int64_t classes_ = 0;
  bool is_first_ = true, is_end_ = false;
};

}  // namespace chainrule
