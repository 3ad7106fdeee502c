// The loops of convolutions of a channel with a filter each, on packs: sums of several lines stay in
// registers. Relies on padded_input.h for lines that need no test of bounds.

#pragma once

#include <cstdint>
#include <vector>

namespace chainrule::kernels {

/// Lines that are computed alike: element j of one is the sum over the taps of an element of the weight times
/// that at an offset from element j of what is read.
struct Sheet {
  std::int64_t from, line_from;            ///< the first element that is read, and how far the next line is
  std::int64_t to, line_to, lines, width;  ///< what is written; a line fills a pack at least
  std::vector<std::int64_t> offsets, taps;

  /// Whether the taps are three lines of three: then what is read for one line is used for those beside it.
  bool is_three_by_three() const {
    bool is = offsets.size() == 9;
    for (std::size_t t = 3; is && t < 9; ++t) is = offsets[t] == offsets[t - 3] + line_from;
    return is;
  }
};

/// The lines of y: `start` and the sums over the taps, of which the weight has one number each.
void sum_taps(const Sheet& sheet, const float* x, const float* weight, float start, float* y);

/// weight += Σ over the lines of y times what each tap reads.
void sum_products(const Sheet& sheet, const float* x, const float* y, float* weight);

/// Lines that take turns along those of a plane: of each phase, element j is element first + j · stride.
struct Turns {
  struct Phase {
    std::int64_t first;            ///< element that is written
    std::int64_t from, line_from;  ///< what is read, and how far its next line is
  };
  std::int64_t width, line_to;  ///< of what is written
  std::vector<Phase> all;       ///< as many as the stride
};

void take_turns(const Turns& turns, std::int64_t lines, const float* from, float* to);

}  // namespace chainrule::kernels
