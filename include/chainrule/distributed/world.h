/// \file
/// The processes of a program that runs on MPI, its ranks, and tensors that go between them. The sums of all
/// ranks are taken in one order, so that results are the same to the bit in every run. MPI itself is not seen
/// from here.

#pragma once

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>

#include "chainrule/detail/api.h"
#include "chainrule/detail/function_ref.h"
#include "chainrule/nn/parameter.h"
#include "chainrule/tensor.h"

namespace CHAINRULE_API chainrule {
namespace distributed {

/// Ranks that do not do the same: one calls another operation, or has another value of what must be equal.
/// The message names a rank that differs from rank 0, and what each has.
class DistributedError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// How values of all ranks become one.
enum class Reduce : std::uint8_t { sum, mean, max, min };

/// How ranks find each other, and when they give up.
struct WorldOptions {
  /// How many threads operations of this process may use. 0: its share of the processors, unless the
  /// environment has CHAINRULE_NUM_THREADS, which is taken then, or OMP_NUM_THREADS: see num_threads(). The
  /// share is that of the processors that it may run on, divided by the ranks of this machine that may run on
  /// the same. mpirun ties each of two ranks to one processor unless it is told `--bind-to none`.
  int threads = 0;
  /// Seconds to wait for other ranks, before all are ended with a message.
  double timeout = 1800;
};

class Transport;

/// All ranks of the program: one exists in each process, from the start to the end of what they do together.
///
///     int main(int argc, char** argv) {
///       return distributed::run(argc, argv, [](distributed::World& world) {
///         const Tensor total = world.all_reduce(tensor(world.rank()));
///         ...
///       });
///     }
///
/// started as `mpirun -np 4 program`, or without mpirun as a world of one rank.
///
/// Its functions are collective: all ranks call the same ones in the same order. Before elements are sent,
/// ranks compare what they are about to do. Where that differs, each rank throws the same error, nothing has
/// been sent, and they may go on: DistributedError for another operation, which also a rank that has come to
/// its end is, ShapeError and DTypeError for other tensors.
///
/// Results have the same bits on all ranks, and in each run with as many ranks: elements are added up in the
/// order of the ranks, from 0 on.
///
/// All are differentiable, any number of times. What is differentiated is the sum of the results of all
/// ranks: each calls backward(), on graphs alike, and derivatives communicate as well. Where a tensor needs a
/// gradient on some ranks only, the others take part. DistributedError where some record and others are under
/// NoGrad.
///
/// Threads: all calls come from one thread at a time, backward() through the results among them.
class World {
 public:
  /// Starts MPI, unless that has been done. All ranks are ended with a message where they have different
  /// versions of this library. std::logic_error while there is another World, or after MPI has ended.
  /// std::invalid_argument for options that make no sense.
  World(int& argc, char**& argv, const WorldOptions& options = {});
  explicit World(const WorldOptions& options = {});
  /// Waits for the others to come here, too. Ends all ranks with a message where an exception comes through,
  /// or others are still about something else.
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  [[nodiscard]] int rank() const;  ///< 0 to size() - 1
  /// How many ranks there are.
  [[nodiscard]] int size() const;

  /// Waits until all ranks have come here.
  void barrier() const;
  /// x of rank `root`, on all ranks. All give a tensor of its shape and dtype. The gradient: for the root the
  /// sum of those of all ranks, zeros for the others. std::invalid_argument for a root that is no rank.
  Tensor broadcast(const Operand& x, int root = 0) const;
  /// The sum for rank `root`, of the dtype that all_reduce gives; zeros for the others. The gradient: that of
  /// the root, on all ranks.
  Tensor reduce(const Operand& x, int root = 0) const;
  /// Element by element, of the shape of x: sum, mean, max or min. A sum of bool is int64, and the mean of
  /// what is not floating is of the default dtype; else of x's dtype. NaN is the largest and the smallest if
  /// there is any. The gradient: sum and mean of those of all ranks; of max and min that sum where x is the
  /// largest, in equal parts to all ranks that have it.
  Tensor all_reduce(const Operand& x, Reduce how = Reduce::sum) const;
  /// Those of all ranks, in their order, joined along the first axis: (n, ...) becomes (n * size(), ...), a
  /// scalar (size()). The gradient: reduce_scatter.
  Tensor all_gather(const Operand& x) const;
  /// The part of this rank of the sum or the mean: x (n * size(), ...) becomes (n, ...). The gradient:
  /// all_gather, for the mean divided by size(). ShapeError for a first axis that is not a multiple of
  /// size(), or none; std::invalid_argument for max and min.
  Tensor reduce_scatter(const Operand& x, Reduce how = Reduce::sum) const;

  /// Tensors by name, of any shapes, from rank `root` to all others, which give what they like: a state that
  /// one has read from a file. Without gradients.
  [[nodiscard]] NamedTensors broadcast_state(const NamedTensors& state, int root = 0) const;

  /// DistributedError, on all ranks, unless all have the same: a version, the name of a dataset, ...
  void check_equal(std::string_view name, std::string_view value) const;
  /// The same of a tensor, by shape, dtype and a 64-bit hash of the elements: a dataset itself, numbers.
  void check_equal(std::string_view name, const Tensor& value) const;

  /// Prints "rank 1 of 4: <reason>" and ends all ranks at once.
  [[noreturn]] void abort(std::string_view reason) const;

  /// What this rank has sent to others so far.
  struct Traffic {
    std::int64_t messages = 0;  ///< to each other rank one
    /// What was sent, in bytes.
    std::int64_t bytes = 0;
  };
  /// Since the start, of this rank.
  [[nodiscard]] Traffic traffic() const;

  /// For the library's own parts.
  [[nodiscard]] const std::shared_ptr<Transport>& transport() const { return transport_; }

 private:
  World(int* argc, char*** argv, const WorldOptions& options);
  std::shared_ptr<Transport> transport_;
  int exceptions_;
};

namespace detail {
/// The same of a program whose type is known no more.
int run(int& argc, char**& argv, const WorldOptions& options, FunctionRef<int(World&)> program);
}  // namespace detail

/// Calls program(world), and gives what it returns, or 0: for main() to return.
///
/// Whatever ends one rank ends all within seconds. An exception is printed with the rank, "rank 1 of 4: ...";
/// one that all ranks have in common by rank 0 alone. So is a call of exit(). Where a rank is killed, or
/// crashes, mpirun says which it was.
template <class Program>
int run(int argc, char** argv, Program&& program, const WorldOptions& options = {}) {
  return detail::run(argc, argv, options, [&](World& world) -> int {
    if constexpr (std::is_void_v<std::invoke_result_t<Program&, World&>>)
      return program(world), 0;
    else
      return program(world);
  });
}

}  // namespace distributed
}  // namespace chainrule
