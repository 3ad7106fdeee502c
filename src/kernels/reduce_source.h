// What reductions read: elements in memory, or parts of arrays where they lie, or what is computed on the
// way. Relies on boxes.h and evaluation.h for what waits.

#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "array/axes.h"
#include "chainrule/detail/function_ref.h"
#include "kernels/boxes.h"
#include "kernels/evaluation.h"
#include "kernels/lines.h"
#include "kernels/moved_axes.h"

namespace chainrule::kernels {

/// What is reduced: elements in memory, rows of a matrix that are apart there, or elements that are computed
/// part by part as they are needed.
template <class T>
class Source {
 public:
  explicit Source(const T* elements) : elements_(elements) {}
  Source(const T* rows, std::int64_t apart) : elements_(rows), apart_(apart) {}
  explicit Source(const Evaluation& evaluation) : evaluation_(&evaluation) {}
  /// Null where they are computed.
  const T* elements() const { return elements_; }
  /// How far rows of such a width are apart.
  std::int64_t apart(std::int64_t width) const { return apart_.value_or(width); }
  /// Elements `begin` to `end`. `scratch` is where they are put if need be.
  const T* part(std::int64_t begin, std::int64_t end, Array& scratch) const {
    if (evaluation_ == nullptr) return elements_ + begin;
    if (scratch.size() < end - begin) scratch = Array({end - begin}, dtype_of<T>);
    T* computed = scratch.mutable_data<T>();
    evaluation_->run(begin, end, computed);
    return computed;
  }
  /// Rows `begin` to `end` of the matrix of this width at element `at`, and how far apart they are.
  std::pair<const T*, std::int64_t> rows(std::int64_t at, std::int64_t begin, std::int64_t end,
                                         std::int64_t width, Array& scratch) const {
    if (apart_) return {elements_ + begin * *apart_, *apart_};
    return {part(at + begin * width, at + end * width, scratch), width};
  }

 private:
  const T* elements_ = nullptr;
  std::optional<std::int64_t> apart_;
  const Evaluation* evaluation_ = nullptr;
};

/// Rows that are fewer are no matrix to fold, and what is narrower makes no rows.
constexpr std::int64_t few_rows = 8, narrow = 64;

/// The rows of a part of an array that waits to be taken out of it, if they are to be reduced to one: where
/// they lie, in the order in which they would be if they had been taken out. Nothing for any other.
template <class T>
std::optional<Source<T>> rows_of_part(const Array& part, const Lines& lines) {
  if (lines.outer != 1 || lines.n <= few_rows || lines.inner < narrow) return {};
  const std::optional<Place> place = place_of(part);
  if (!place) return {};
  const auto axes = moved_axes(part.shape(), place->distances, row_major_strides(part.shape()));
  if (axes.size() != 2 || axes[0].from != 1 || axes[0].size != lines.inner) return {};
  return Source<T>(place->whole.data<T>() + place->first, axes[1].from);
}

/// Elements that follow one another, `size` of them at a time, here and there in memory.
struct Runs {
  const std::byte* first;
  std::int64_t size, count;
  std::vector<MovedAxis> axes;  // of the runs, the fastest first, in bytes

  /// Calls visit(run, i) with where each run begins.
  void for_each(const FunctionRef<void(const std::byte* run, std::int64_t i)>& visit) const;
};
/// What lines of neighbours consist of, in a part of an array that waits to be taken out of it. Runs that go
/// backwards are read forwards: a reduction is the same from both ends. Nothing for any other array, and
/// where runs are so short that copies of them are faster to go over.
std::optional<Runs> runs_of_part(const Array& part, const Lines& lines);

}  // namespace chainrule::kernels
