// The search along a direction: a stretch that must contain a good place, then that place within it.
// Interpolates by cubics, as PyTorch's strong Wolfe search does step for step.

#include "optim/line_search.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace chainrule::optim {
namespace {

constexpr int most_evaluations = 25;

bool is_finite(const Place& place) { return std::isfinite(place.loss) && std::isfinite(place.slope); }

/// Where the cubic through both places, with their slopes, is least between the bounds. The middle where it
/// has no minimum, or a place has no finite loss.
double cubic_minimum(const Place& a, const Place& b, double low, double high) {
  const Place &left = a.length <= b.length ? a : b, &right = a.length <= b.length ? b : a;
  const double width = right.length - left.length;
  const double d1 = left.slope + right.slope - 3 * (left.loss - right.loss) / (left.length - right.length);
  const double square = d1 * d1 - left.slope * right.slope;
  if (!is_finite(a) || !is_finite(b) || !(square >= 0)) return (low + high) / 2;
  const double d2 = std::sqrt(square);
  const double place = right.length - width * ((right.slope + d2 - d1) / (right.slope - left.slope + 2 * d2));
  return std::min(std::max(place, low), high);
}

class Search {
 public:
  Search(FunctionRef<Place(double)> evaluate, Place start) : evaluate_(evaluate), start_(std::move(start)) {}

  /// A stretch that must contain what is looked for, or twice the place that has been found.
  void bracket(double length) {
    Place before = start_, now = evaluate(length);
    for (; rounds_ < most_evaluations; ++rounds_) {
      if (!is_low_enough(now) || (rounds_ > 1 && now.loss >= before.loss)) return keep(before, now);
      if (is_flat_enough(now)) {
        found_ = true;
        return keep(now, now);
      }
      if (now.slope >= 0) return keep(before, now);
      const double next =
          cubic_minimum(before, now, now.length + 0.01 * (now.length - before.length), now.length * 10);
      before = std::exchange(now, evaluate(next));
    }
    keep(start_, now);
  }

  void zoom(double shortest) {
    bool slow = false;
    while (!found_ && rounds_ < most_evaluations) {
      const double low = std::min(ends_[0].length, ends_[1].length);
      const double high = std::max(ends_[0].length, ends_[1].length);
      if (high - low < shortest) return;
      double length = cubic_minimum(ends_[0], ends_[1], low, high);
      // Close to an end for the second time, or beyond it: a tenth of the stretch away from that end.
      const double margin = 0.1 * (high - low);
      const bool close = std::min(high - length, length - low) < margin;
      const bool moved = close && (slow || length >= high || length <= low);
      if (moved) length = std::abs(length - high) < std::abs(length - low) ? high - margin : low + margin;
      slow = close && !moved;
      narrow(evaluate(length));
      ++rounds_;
    }
  }

  SearchResult result() const { return {ends_[low_], evaluations_}; }

 private:
  Place evaluate(double length) {
    ++evaluations_;
    Place place = evaluate_(length);
    // NaN counts as too far, as an infinity does.
    if (!is_finite(place)) place.loss = std::numeric_limits<double>::infinity();
    return place;
  }
  bool is_low_enough(const Place& place) const {
    return place.loss <= start_.loss + 1e-4 * place.length * start_.slope;
  }
  bool is_flat_enough(const Place& place) const { return std::abs(place.slope) <= -0.9 * start_.slope; }
  void keep(const Place& first, const Place& second) {
    ends_[0] = first;
    ends_[1] = second;
    choose_low();
  }
  void choose_low() { low_ = ends_[0].loss <= ends_[1].loss ? 0 : 1; }
  void narrow(const Place& now) {
    Place &low = ends_[low_], &high = ends_[1 - low_];
    if (!is_low_enough(now) || now.loss >= low.loss) {
      high = now;
      return choose_low();
    }
    if (is_flat_enough(now))
      found_ = true;
    else if (now.slope * (high.length - low.length) >= 0)
      high = low;
    low = now;
  }

  FunctionRef<Place(double)> evaluate_;
  Place start_;
  Place ends_[2];
  int low_ = 0;
  int rounds_ = 0;
  std::int64_t evaluations_ = 0;
  bool found_ = false;
};

}  // namespace

SearchResult search_line(FunctionRef<Place(double length)> evaluate, const Place& start, double length,
                         double shortest) {
  Search search(evaluate, start);
  search.bracket(length);
  search.zoom(shortest);
  return search.result();
}

}  // namespace chainrule::optim
