// Elementwise passes that wait, and how a chain of them is computed as one, block by block, in the cache.
// Relies on array/deferred.h; a sum over such a chain reads it without writing it out.

#pragma once

#include <span>
#include <vector>

#include "array/array.h"

namespace chainrule::kernels {

/// A deferred pass over operands that broadcast to its shape. One that has as many elements may be deferred
/// itself: then a chain of operations is one pass over memory.
class Elementwise : public Deferred {
 public:
  static constexpr std::size_t most_operands = 4;
  /// Of elements begin to end. Bases are where element 0 of each operand would be.
  virtual void run(std::int64_t begin, std::int64_t end, const std::byte* const* bases, void* out) const = 0;
  /// Some may be empty, which are not read.
  virtual std::span<const Array> operands() const = 0;
  virtual std::int64_t size() const = 0;
  virtual DType dtype() const = 0;
  /// Passes that are deferred together, at most.
  std::size_t passes = 1;
  /// Takes no longer than writing the elements and reading them again does, where they are many.
  bool is_cheap = false;
  /// Has been computed on the way, without being written, and is not to be so again. Whoever has claimed the
  /// array sets it.
  mutable bool was_passed = false;

  const Elementwise* elementwise() const final { return this; }
  void compute(void* elements) const final;
};

/// Computes deferred arrays block by block: what they are computed from and nobody else wants is in the cache
/// for as long as it takes to be used. What somebody else may want later is written to memory on the way,
/// unless it is many elements, read in order, that are cheap to compute: those are computed once more, but
/// not a third time.
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
    bool is_passed = false;       // somebody else may want it, and computes it then
    std::byte* stored = nullptr;  // to memory,
    int slot = -1;                // or to this part of the scratch memory
  };
  void prepare(const Elementwise* last, std::span<const Array> wanted);
  /// False where somebody else is at work on one of the arrays, which it waits for.
  bool collect(const Elementwise* last, std::span<const Array> wanted);
  /// The same for one array. `known` is called with the step that computes it already, `fresh` with what is
  /// to be made a step, and neither where the elements are there.
  template <class Known, class Fresh>
  bool meet(const Array& array, const Known& known, const Fresh& fresh);
  void place(bool has_last);
  void release_claims();

  std::vector<Step> steps_;  // each after what it reads
  std::vector<Array::Buffer*> claimed_;
  std::size_t slots_ = 0;
  std::int64_t block_ = 0;
};

/// Computes those of the arrays that wait for passes, all that are of one size together.
void evaluate_together(std::span<const Array> arrays);

/// Elements that are worth deferring: less stays in the cache anyway.
constexpr std::int64_t large = 1 << 14;

}  // namespace chainrule::kernels
