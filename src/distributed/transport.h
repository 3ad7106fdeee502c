// MPI below all else: communicators, waiting with a limit, and the comparison of calls before anything is
// sent.

#pragma once

#include <mpi.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "chainrule/detail/hash.h"
#include "chainrule/distributed/world.h"

namespace chainrule::distributed {

/// What a rank is about to do, as the others must be, too.
struct Call {
  std::string operation;   // "all_reduce(sum)"
  std::string dtype = {};  // of the tensor
  std::string shape = {};
  std::string value = {};  // whatever else must be equal
};
/// The call of an operation on a tensor.
Call call_on(std::string operation, const Tensor& x);

/// What all ranks say with their calls, in one bit each.
struct Agreed {
  bool any = false;  // is it true on any rank?
};

std::string hash_text(std::uint64_t hash);

class Transport {
 public:
  Transport(int* argc, char*** argv, double timeout);
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;

  const bool started_here;  // MPI, and is to be ended here
  const int rank, size;
  /// One for what waits until it is done. What goes on meanwhile has one for each step, as operations must be
  /// started in the same order everywhere, whenever those of other kinds are done.
  MPI_Comm data, first, second;

  /// Waits for all ranks to make this call. Errors as World says. `needs_gradient` counts where this rank
  /// records.
  Agreed agree(const Call& call, bool needs_gradient = false);
  /// The same without waiting: settled() says whether all have come, and throws where they differ.
  class Agreement;

  void wait(MPI_Request& request, std::string_view what);
  bool is_done(MPI_Request& request) const;
  /// Counts what goes to each of the others.
  void count(std::int64_t bytes) {
    traffic.messages += size - 1;
    traffic.bytes += bytes;
  }
  World::Traffic traffic;

  /// From now on each call fails: something was left half done, which others wait for.
  void give_up(std::string reason) { broken_ = std::move(reason); }
  void require_usable(std::string_view operation) const;
  [[noreturn]] void abort(std::string_view reason, bool all_say_so = false) const;
  /// Is this the error that all ranks have thrown last?
  bool is_common(std::string_view message) const { return !common_.empty() && message == common_; }
  /// Waits for the others at the end of the program, and ends MPI if it was started here.
  void finish();

 private:
  struct Summary;
  [[noreturn]] void report_difference(const Call& call);
  MPI_Comm calls_;
  double timeout_;
  bool ended_ = false;
  std::string broken_, common_;
};

/// What the ranks compare in one small reduction.
struct Transport::Summary {
  // The smallest of each: of a number and its complement it says whether all have the same.
  std::int64_t hash, not_hash, not_needs, records, not_records;
};

class Transport::Agreement {
 public:
  Agreement(Transport& transport, Call call, bool needs_gradient);
  ~Agreement();
  Agreement(const Agreement&) = delete;
  Agreement& operator=(const Agreement&) = delete;
  bool settled();
  Agreed wait();

 private:
  void judge();
  Transport& transport_;
  Call call_;
  Summary mine_, all_ = {};
  MPI_Request request_ = MPI_REQUEST_NULL;
  bool judged_ = false;
};

/// DistributedError with MPI's own text unless the code is that of success.
void check(int code, std::string_view what);
/// The elements of a tensor of any dtype.
const void* elements_of(const Tensor& x);
MPI_Datatype type_of(DType dtype);
/// MPI counts in int. std::length_error for more.
int count_of(std::int64_t count);

}  // namespace chainrule::distributed
