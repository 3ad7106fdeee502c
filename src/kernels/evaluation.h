// Elementwise passes that wait, and how a chain of them is computed as one, block by block, in the cache.
// Relies on array/deferred.h; a sum over such a chain reads it without writing it out.

#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "array/array.h"

namespace chainrule::kernels {

/// What a pass computes of two operands, if another may do it on the way (see two_steps.h).
enum class Arithmetic : std::uint8_t { other, sum, difference, product, strong_product };

/// What there is to know of a pass beside its loop.
struct PassKind {
  /// Takes no longer than writing the elements and reading them again does, where they are many.
  bool is_cheap = false;
  Arithmetic arithmetic = Arithmetic::other;
};

struct PackLoop;
struct PackRows;

/// Where elements of a shape lie in an array: the first of them, and how far one is from the next along each
/// axis.
struct Layout {
  Shape shape;
  std::int64_t first = 0;
  std::vector<std::int64_t> strides;
};

/// A deferred pass over operands that broadcast to its shape. One that has as many elements may be deferred
/// itself: then a chain of operations is one pass over memory.
class Elementwise : public Deferred {
 public:
  static constexpr std::size_t most_operands = 4;
  /// Of elements begin to end. Bases are where element 0 of each operand would be. What lies ahead is asked
  /// for on the way, as many bytes as the result has; null for nothing.
  virtual void run(std::int64_t begin, std::int64_t end, const std::byte* const* bases, void* out,
                   const std::byte* ahead) const = 0;
  /// Some may be empty, which are not read.
  virtual std::span<const Array> operands() const = 0;
  virtual std::int64_t size() const = 0;
  virtual DType dtype() const = 0;
  /// Passes that are deferred together, at most.
  std::size_t passes = 1;
  PassKind kind;
  /// Is each element computed of those at the same place, and of numbers?
  bool is_in_order = true;
  /// The loop that computes it, where that is all there is to do: operands are as many elements in order, or
  /// numbers.
  virtual const PackLoop* pack_loop() const { return nullptr; }
  /// Where the elements lie in its operand, if it only moves them.
  virtual const Layout* layout() const { return nullptr; }
  /// Has been computed on the way, without being written, and is not to be so again. Whoever has claimed the
  /// array sets it.
  mutable bool was_passed = false;

  const Elementwise* elementwise() const final { return this; }
  void compute(void* elements) const final;
};

/// Computes deferred arrays block by block: what they are computed from and nobody else wants is in the cache
/// for as long as it takes to be used. What somebody else may want later is written to memory on the way,
/// unless it is many elements that are cheap to compute from memory read in order: those are computed once
/// more, but not a third time. What is kept of several arrays takes over the memory of operands that nobody
/// else holds and no later pass reads: gradients then need no more memory than the values that they are
/// computed from, which are in the cache. Two passes of arithmetic that follow each other are one where that
/// makes no difference to anybody.
class Evaluation {
 public:
  /// Whoever makes one has the array of `last` to themselves.
  explicit Evaluation(const Elementwise& last);
  /// Of several arrays of one size at once, which all get their elements. Those that do not wait for a pass
  /// are left as they are.
  explicit Evaluation(std::span<const Array> wanted);
  ~Evaluation();
  Evaluation(const Evaluation&) = delete;
  Evaluation& operator=(const Evaluation&) = delete;

  /// Elements begin to end of the last pass, or of all. Several threads may compute different ones.
  void run(std::int64_t begin, std::int64_t end, void* out) const;
  /// Once all of them have been computed: the others get theirs.
  void finish();

 private:
  /// A pass, and where what it reads and writes is.
  struct Step {
    const Elementwise* pass = nullptr;
    Array::Buffer* buffer = nullptr;                                      // null for the last
    std::size_t next = 0;                                                 // operand to look at
    std::size_t item = 0;                                                 // bytes
    std::array<int, Elementwise::most_operands> steps{-1, -1, -1, -1};    // that give operands
    std::array<const std::byte*, Elementwise::most_operands> elements{};  // or these
    std::array<std::size_t, Elementwise::most_operands> items{};
    std::uint32_t uses = 0;
    bool is_wanted = false;
    bool is_passed = false;         // somebody else may want it, and computes it then
    bool is_stored = false;         // to memory,
    std::byte* stored = nullptr;    // which is here
    Array::Buffer* from = nullptr;  // and was that of an operand,
    int slot = -1;                  // or to this part of the scratch memory
    // Of this pass and of step `first`, which has no loop of its own then, and gives one of the two operands.
    const PackLoop* two_steps = nullptr;
    int first = -1;
    int done_in = -1;                  // the other way round
    const std::byte* ahead = nullptr;  // an array of which the next block is asked for meanwhile
    std::size_t ahead_item = 0;
  };
  /// Where a block of an array is: in scratch memory, or in a whole one.
  struct Place {
    const std::byte* base = nullptr;  // of element 0
    std::int64_t item = 0;            // bytes
    int slot = -1;
    bool moves = true;  // not for a number
  };
  /// What is done for each block: a loop called, or a pass run.
  struct Call {
    const Elementwise* pass;
    const PackLoop* loop;
    void (*run)(const PackRows*);
    std::size_t operands;
    std::array<Place, Elementwise::most_operands> from;
    Place to, ahead;
  };
  /// So much scratch memory is on the stack.
  static constexpr std::int64_t bytes_on_stack = 65536;

  /// Nothing to compute before the last pass?
  bool is_one_pass() const { return steps_.size() == 1 && steps_[0].buffer == nullptr; }
  void prepare(const Elementwise* last, std::span<const Array> wanted);
  /// False where somebody else is at work on one of the arrays, which it waits for.
  bool collect(const Elementwise* last, std::span<const Array> wanted);
  /// The same for one array. `known` is called with the step that computes it already, `fresh` with what is
  /// to be made a step, and neither where the elements are there.
  template <class Known, class Fresh>
  bool meet(const Array& array, const Known& known, const Fresh& fresh);
  /// Where results go: decides it, has two passes done in one, and shares out scratch memory.
  void place(bool has_last);
  void join_steps();
  void place_in_slots(bool has_last);
  bool fits_on_stack() const { return slots_ * block_bytes_ <= bytes_on_stack; }
  static bool reads_memory(const Step& step);
  /// By which step an operand of step i is read.
  std::size_t reader(std::size_t i) const {
    return steps_[i].done_in < 0 ? i : static_cast<std::size_t>(steps_[i].done_in);
  }
  /// An operand that nobody will read again.
  struct Spent {
    Array::Buffer* buffer = nullptr;
    std::size_t last = 0;    // step that reads it
    std::uint32_t uses = 0;  // by steps whose passes go
    bool is_in_order = true;
  };
  std::vector<Spent> spent() const;
  void take_over_spent();
  void allocate_stored();
  void look_ahead();
  void make_calls();
  void add_operand(Call& call, const Step& step, std::size_t which);
  Place place_of(const Step& step) const;
  void free_stored() noexcept;
  void release_claims();

  std::vector<Step> steps_;  // each after what it reads
  std::vector<Call> calls_;
  std::vector<std::array<std::byte, 64>> numbers_;  // a pack of each number that is read, the widest there is
  std::vector<Array::Buffer*> claimed_;
  std::int64_t slots_ = 0;
  std::int64_t block_bytes_ = 0;  // of an array, what is computed at a time
  std::int64_t block_ = 0;        // and so many elements
};

/// Computes those of the arrays that wait for passes, all that are of one size together.
void evaluate_together(std::span<const Array> arrays);

/// Elements that are worth deferring: less stays in the cache anyway.
constexpr std::int64_t large = 1 << 14;

}  // namespace chainrule::kernels
