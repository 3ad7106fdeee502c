// Values of all ranks made one, in an order that is always the same. Small ones are added up by every rank,
// of larger ones each adds up its share and sends it to all.

#include "distributed/summation.h"

#include <algorithm>
#include <cmath>

#include "array/array.h"

namespace chainrule::distributed {
namespace {

/// Below so many bytes from all ranks one step takes less time than two.
constexpr std::int64_t small_bytes = 32768;

/// a, or b where that is further in the direction; NaN is furthest.
template <class T>
T further(Reduce how, T a, T b) {
  if constexpr (std::is_floating_point_v<T>)
    if (std::isnan(a) || std::isnan(b)) return std::isnan(a) ? a : b;
  return (how == Reduce::max ? a < b : b < a) ? b : a;
}

/// Wraps around, as sums of int64 do everywhere.
template <class T>
T added(T a, T b) {
  if constexpr (std::is_same_v<T, std::int64_t>)
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
  else
    return static_cast<T>(a + b);
}

template <class T>
void reduce_in_order(Reduce how, const T* parts, int ranks, std::int64_t count, T* out) {
  std::copy_n(parts, count, out);
  for (int r = 1; r < ranks; ++r) {
    const T* part = parts + count * r;
    if (how == Reduce::max || how == Reduce::min)
      for (std::int64_t i = 0; i < count; ++i) out[i] = further(how, out[i], part[i]);
    else
      for (std::int64_t i = 0; i < count; ++i) out[i] = added(out[i], part[i]);
  }
  if constexpr (std::is_floating_point_v<T>)
    if (how == Reduce::mean)
      for (std::int64_t i = 0; i < count; ++i) out[i] /= static_cast<T>(ranks);
}

}  // namespace

void reduce_in_order(Reduce how, DType dtype, const void* parts, int ranks, std::int64_t count, void* out) {
  dispatch(dtype, [&]<class T>() {
    reduce_in_order(how, static_cast<const T*>(parts), ranks, count, static_cast<T*>(out));
  });
}

Summation::Summation(Transport& transport, Channels channels, Reduce how, DType dtype, const void* in,
                     void* out, std::int64_t count)
    : transport_(transport),
      channels_(channels),
      how_(how),
      dtype_(dtype),
      in_(in),
      out_(out),
      count_(count) {}

Summation::~Summation() {
  if (request_ != MPI_REQUEST_NULL) transport_.wait(request_, "all_reduce");
}

bool Summation::is_small() const {
  return count_ * static_cast<std::int64_t>(item_size(dtype_)) * transport_.size <= small_bytes;
}

void* Summation::part(std::int64_t element) const {
  return static_cast<std::byte*>(out_) + element * static_cast<std::int64_t>(item_size(dtype_));
}

void Summation::start() {
  const int ranks = transport_.size, total = count_of(count_);
  const MPI_Datatype type = type_of(dtype_);
  const auto bytes = static_cast<std::int64_t>(item_size(dtype_));
  const auto share = [&](int r) { return share_begin(count_, ranks, r); };
  const std::int64_t mine = share(transport_.rank + 1) - share(transport_.rank);
  reduced_ = false;
  if (is_small()) {
    parts_.reset(new std::byte[static_cast<std::size_t>(count_ * bytes * ranks)]);
    transport_.count(count_ * bytes * (ranks - 1));
    return check(MPI_Iallgather(in_, total, type, parts_.get(), total, type, channels_.first, &request_),
                 "all_reduce");
  }
  parts_.reset(new std::byte[static_cast<std::size_t>(mine * bytes * ranks)]);
  counts_.reset(new int[static_cast<std::size_t>(4 * ranks)]);
  int *const sent = counts_.get(), *const from = sent + ranks, *const got = from + ranks,
             *const to = got + ranks;
  for (int r = 0; r < ranks; ++r) {
    sent[r] = count_of(share(r + 1) - share(r));
    from[r] = count_of(share(r));
    got[r] = count_of(mine);
    to[r] = count_of(mine * r);
  }
  transport_.count((count_ - mine) * bytes);
  check(MPI_Ialltoallv(in_, sent, from, type, parts_.get(), got, to, type, channels_.first, &request_),
        "all_reduce");
}

bool Summation::is_reduced() {
  if (reduced_) return true;
  if (!transport_.is_done(request_)) return false;
  const int ranks = transport_.size, rank = transport_.rank;
  if (is_small()) {
    reduce_in_order(how_, dtype_, parts_.get(), ranks, count_, out_);
  } else {
    const std::int64_t begin = share_begin(count_, ranks, rank), end = share_begin(count_, ranks, rank + 1);
    reduce_in_order(how_, dtype_, parts_.get(), ranks, end - begin, part(begin));
  }
  return reduced_ = true;
}

void Summation::finish() {
  if (is_small()) return;
  const int ranks = transport_.size, *const counts = counts_.get();
  const int mine = counts[transport_.rank];
  transport_.count(static_cast<std::int64_t>(mine) * static_cast<std::int64_t>(item_size(dtype_)) *
                   (ranks - 1));
  check(MPI_Iallgatherv(MPI_IN_PLACE, mine, type_of(dtype_), out_, counts, counts + ranks, type_of(dtype_),
                        channels_.second, &request_),
        "all_reduce");
}

void Summation::wait() { transport_.wait(request_, "all_reduce"); }

void Summation::run() {
  if (count_ == 0) return;
  start();
  wait();
  (void)is_reduced();
  finish();
  wait();
}

}  // namespace chainrule::distributed
