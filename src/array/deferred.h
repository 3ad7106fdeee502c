// The elements of an array that nobody has read yet, as a recipe. An array holds one in place of elements;
// kernels define what the recipes are.

#pragma once

#include <cstddef>
#include <vector>

namespace chainrule {

class Array;
class Shape;
namespace kernels {
class Elementwise;
struct Permutation;
}  // namespace kernels

/// How the elements of an array are computed that nobody has read yet. The array asks for them when somebody
/// does, once, and then drops this. Who knows a way to do without them asks first: see Array::use_deferred.
class Deferred {
 public:
  Deferred() = default;
  Deferred(const Deferred&) = delete;
  Deferred& operator=(const Deferred&) = delete;
  virtual ~Deferred() = default;

  virtual void compute(void* elements) const = 0;
  /// This, if it can be computed part by part, with what it is computed from: see kernels/evaluation.h.
  virtual const kernels::Elementwise* elementwise() const { return nullptr; }
  /// The array that these elements repeat, if they do so in an array of this shape: see kernels/repeated.h.
  virtual const Array* repeats(const Shape&) const { return nullptr; }
  /// The array that these elements are in another order of its axes, in an array of this shape: see
  /// kernels/permuted.h.
  virtual const kernels::Permutation* permutes(const Shape&) const { return nullptr; }
  /// Is this to be kept when the elements have been computed, since it costs no memory?
  virtual bool stays() const { return false; }
  /// sum += scale · the elements, in one pass. False, and nothing done, where there is no such pass.
  virtual bool add_to(Array& /*sum*/, double /*scale*/) const { return false; }

  /// The elements, where they are those of another array or cannot be read at all, so that they are not
  /// computed: see graph/traced.h.
  virtual const void* elements_elsewhere() const { return nullptr; }

  /// An array that would be gone if the elements were there: where its elements are, and how many bytes.
  struct Kept {
    const void* elements = nullptr;
    std::size_t bytes = 0;
    bool is_held = false;  // by somebody else, too, when this was made
  };
  /// All of them.
  std::vector<Kept> kept;
};

}  // namespace chainrule
