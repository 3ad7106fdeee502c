// Values of all ranks made one, in an order that is always the same, so that they are the same to the bit in
// every run: what MPI's own reductions do not promise. Relies on transport.h.

#pragma once

#include <memory>

#include "chainrule/distributed/world.h"
#include "distributed/transport.h"

namespace chainrule::distributed {

/// Of `count` elements in `parts`, one after another: what they are together, in their order from the first
/// on.
void reduce_in_order(Reduce how, DType dtype, const void* parts, int ranks, std::int64_t count, void* out);

/// The first of the elements that a rank gets when `count` of them are shared out; that of rank `ranks` is
/// the end.
constexpr std::int64_t share_begin(std::int64_t count, int ranks, int rank) {
  return count / ranks * rank + count % ranks * rank / ranks;
}

/// One all-reduce that goes on while the caller does something else. Each rank gets its share of the elements
/// from all others, makes them one, and sends the result to all: with MPI's own operations, which move bytes,
/// but have no say in the order of a sum. Few elements are sent to all at once. The two steps are started by
/// the caller, each in the same order on all ranks.
class Summation {
 public:
  /// Which communicators the two steps use.
  struct Channels {
    MPI_Comm first, second;
  };
  /// Elements of the caller, which stay where they are until it is done.
  Summation(Transport& transport, Channels channels, Reduce how, DType dtype, const void* in, void* out,
            std::int64_t count);
  /// Waits for what MPI still writes to.
  ~Summation();
  Summation(const Summation&) = delete;
  Summation& operator=(const Summation&) = delete;

  void start();
  /// May finish() be called?
  bool is_reduced();
  void finish();
  /// For the step that has been started.
  void wait();
  /// All of it.
  void run();

 private:
  bool is_small() const;
  void* part(std::int64_t element) const;
  Transport& transport_;
  Channels channels_;
  Reduce how_;
  DType dtype_;
  const void* in_;
  void* out_;
  std::int64_t count_;
  std::unique_ptr<std::byte[]> parts_;
  std::unique_ptr<int[]> counts_;  // four for each rank, which MPI reads until it is done
  MPI_Request request_ = MPI_REQUEST_NULL;
  bool reduced_ = false;
};

}  // namespace chainrule::distributed
