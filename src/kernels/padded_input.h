// What direct convolutions read: the input with its padding. Rows are copied once, with zeros around, so that
// the loops of direct_loops.h test no bounds.

#pragma once

#include <algorithm>
#include <vector>

#include "array/array.h"
#include "kernels/windows.h"

namespace chainrule::kernels {

/// Elements behind a copy of the input that tiles may read, for windows that nobody asks for: they have at
/// most so many.
constexpr std::int64_t behind = 16;

/// Elements to overwrite, for one thread. (Not inline: there are many.)
template <class T>
class Scratch {
 public:
  enum class Start { anything, zero };
  explicit Scratch(std::int64_t size, Start start = Start::anything);
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch();
  T* data() const { return data_; }

 private:
  Array array_;
  T* data_;
};

constexpr std::int64_t round_up(std::int64_t size, std::int64_t unit) {
  return (size + unit - 1) / unit * unit;
}

/// Windows, cut into stripes along the first axis that has several, so that what they read of some channels
/// stays in the second-level cache.
struct Stripes {
  Stripes(const Windows& of, std::int64_t channels, std::int64_t at_least);
  Windows stripe(std::int64_t i) const {
    Windows result = all;
    WindowAxis& cut = result.axes[axis];
    const std::int64_t first = i * cut.out / count, last = (i + 1) * cut.out / count;
    cut.before -= first * cut.stride;
    cut.out = last - first;
    return result;
  }
  /// The number of its first window.
  std::int64_t first(std::int64_t i) const {
    return i * all.axes[axis].out / count * (all.out_size() / all.axes[axis].out);
  }

  Windows all;
  std::size_t axis = 0;
  std::int64_t count = 1;
};

/// Where the elements lie that windows read: a copy of the input with its padding, each line of which is
/// taken apart into as many as its stride, so that neighbouring windows read neighbours; or the input itself.
struct Padded {
  /// `may_overrun`: lines may be shorter than these windows, and tiles then read on behind them.
  Padded(const Windows& of, std::int64_t channels, bool may_overrun = false);
  /// The first element of the window at the start of a line of the result.
  std::int64_t start(std::int64_t line_of_result) const {
    const std::int64_t deep = line_of_result / windows.axes[1].out,
                       high = line_of_result % windows.axes[1].out;
    return deep * windows.axes[0].stride * plane + high * windows.axes[1].stride * line;
  }
  std::int64_t lines() const { return windows.axes[0].out * windows.axes[1].out; }
  /// The first element that a window reads, where it is the input.
  std::int64_t origin() const {
    return -windows.axes[0].before * plane - windows.axes[1].before * line - windows.axes[2].before;
  }
  std::int64_t scratch(std::int64_t channels) const { return is_input ? 0 : channels * channel + behind; }

  Windows windows;
  std::int64_t reach[3], part, line, plane, channel;
  bool is_input;
  std::vector<std::int64_t> offsets;  ///< of each product of a window, from its first element
};

/// Where windows find the elements of some channels: copied if they must be, to what is 0 where the padding
/// is.
template <class T>
const T* padded_input(const Padded& padded, std::int64_t channels, const T* x, T* copy);

}  // namespace chainrule::kernels
