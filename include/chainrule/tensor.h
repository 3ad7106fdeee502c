#pragma once

#include <array>
#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <iosfwd>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "chainrule/detail/api.h"
#include "chainrule/dtype.h"
#include "chainrule/error.h"
#include "chainrule/shape.h"

namespace CHAINRULE_API chainrule {

class Node;
class Index;

/// A place in the user's source. (std::source_location is missing from clang 14.)
struct Here {
  const char* file = "";
  std::uint32_t line = 0;
  static constexpr Here now(const char* file = __builtin_FILE(), std::uint32_t line = __builtin_LINE()) {
    return {file, line};
  }
};

/// A cheap handle to an immutable node of the computation graph: a value and how it was computed.
/// Copying copies the handle. The value lives as long as a handle, or a derivative that reads it. Large
/// values of elementwise operations are computed when they are first read: a sum of one never has it in
/// memory.
class Tensor {
 public:
  /// A handle to nothing, as a default-constructed std::shared_ptr.
  Tensor() = default;
  Tensor(const Tensor& other) noexcept : node_(other.node_) {
    if (node_ != nullptr) acquire(node_);
  }
  Tensor(Tensor&& other) noexcept : node_(std::exchange(other.node_, nullptr)) {}
  Tensor& operator=(const Tensor& other) noexcept { return *this = Tensor(other); }
  Tensor& operator=(Tensor&& other) noexcept {
    Node* const before = std::exchange(node_, std::exchange(other.node_, nullptr));
    if (before != nullptr) release(before);
    return *this;
  }
  ~Tensor() {
    if (node_ != nullptr) release(node_);
  }
  explicit operator bool() const { return node_ != nullptr; }

  const Shape& shape() const;
  DType dtype() const;
  std::size_t rank() const { return shape().rank(); }
  /// Number of elements.
  std::int64_t size() const { return shape().size(); }

  /// The only element, converted to T. ShapeError when there is not exactly one.
  template <Number T = double>
  T item() const {
    if (dtype() == DType::float32) return static_cast<T>(*static_cast<const float*>(single()));
    if (dtype() == DType::float64) return static_cast<T>(*static_cast<const double*>(single()));
    if (dtype() == DType::int64) return static_cast<T>(*static_cast<const std::int64_t*>(single()));
    return static_cast<T>(*static_cast<const bool*>(single()));
  }
  /// The elements in row-major order, without a copy; valid as long as this handle.
  /// DTypeError when T is not the stored type.
  template <Element T>
  std::span<const T> data() const {
    return {static_cast<const T*>(raw(dtype_of<T>)), static_cast<std::size_t>(size())};
  }
  /// The elements in row-major order, converted to T.
  template <Element T>
  std::vector<T> to_vector() const;

  /// Does a gradient flow through this tensor?
  bool requires_grad() const;
  /// Was it made by the user rather than computed by a recorded operation?
  bool is_leaf() const;

  /// Gives the node a name, shown in drawings and errors, and returns the handle.
  Tensor named(std::string name) const&;
  Tensor named(std::string name) &&;
  /// The name given, or "".
  std::string name() const;

  /// Computes d(this)/d(leaf) and adds it to every leaf it depends on; read it with leaf.grad().
  /// GradError when this is not a scalar (give a seed, or reduce it) or needs no gradient.
  void backward() const&;
  /// `std::move(loss).backward()` also consumes the graph: each node is released once it has been used.
  void backward() &&;
  /// The same for any shape: seed is dL/d(this), of this tensor's shape.
  void backward(const Tensor& seed) const&;
  void backward(const Tensor& seed) &&;
  /// What backward() has accumulated in this leaf: of its shape and dtype, zeros where nothing has
  /// reached it yet. GradError when this is not a leaf that requires a gradient.
  Tensor grad() const;
  void zero_grad() const;

  /// The same value, cut off from its history. No copy.
  Tensor detach() const;

  /// NumPy's basic indexing, x[0] or x[{Slice{}, Slice{1, 3}}]; see chainrule::index.
  Tensor operator[](std::int64_t position) const;
  Tensor operator[](std::initializer_list<Index> where) const;
  /// All axes reversed, as NumPy's .T.
  Tensor T() const;
  Tensor reshape(const Shape& shape) const;

  /// For the library's own layers and tools; null for an empty handle.
  Node* node() const { return node_; }

 private:
  friend class TensorAccess;
  const void* raw(DType expected) const;
  const void* single() const;
  static void acquire(Node* node) noexcept;
  static void release(Node* node) noexcept;
  Node* node_ = nullptr;
};

/// What every operation takes: a tensor, or a C++ number, which then gets the dtype of the tensors it
/// meets (a number with a fraction makes an int64 tensor float64). Remembers where it was written, so
/// that errors in backward can name the line of the forward call.
class Operand {
 public:
  Operand(const Tensor& tensor, Here here = Here::now()) : tensor_(&tensor), here_(here) {}  // NOLINT
  /// A temporary, whose handle the operation may take over.
  Operand(Tensor&& tensor, Here here = Here::now())
      : tensor_(&tensor), here_(here), movable_(true) {}  // NOLINT
  template <Number N>
  Operand(N number, Here here = Here::now())  // NOLINT
      : number_(static_cast<double>(number)),
        integer_(static_cast<std::int64_t>(std::is_integral_v<N> ? number : N{})),
        here_(here),
        dtype_(dtype_of<ElementFor<N>> == DType::float32 ? DType::float64 : dtype_of<ElementFor<N>>) {}

  /// Null for a number.
  const Tensor* tensor() const { return tensor_; }
  Here here() const { return here_; }
  bool is_movable() const { return movable_; }
  /// The dtype of the tensor, or bool, int64 or float64 for the kinds of numbers.
  DType dtype() const;
  /// The tensor, cast if need be, or the number as a constant of that dtype.
  Tensor as(DType dtype) const;
  /// The tensor, or the number as a constant of its own dtype.
  Tensor as_tensor() const { return tensor_ != nullptr ? *tensor_ : as(dtype_); }

 private:
  const Tensor* tensor_ = nullptr;
  double number_ = 0;
  std::int64_t integer_ = 0;
  Here here_;
  DType dtype_ = DType::float64;
  bool movable_ = false;
};

// ---- Making tensors ------------------------------------------------------------------------------

/// From memory in row-major order. ShapeError when the number of elements is not the shape's.
Tensor from_memory(const void* data, DType dtype, const Shape& shape);

/// A constant of the dtype that fits the C++ type: float is float32, double float64, integers int64.
template <Number N>
Tensor tensor(N number) {
  const auto element = static_cast<ElementFor<N>>(number);
  return from_memory(&element, dtype_of<ElementFor<N>>, {});
}
template <Element T>
Tensor tensor(std::span<const T> data, const Shape& shape) {
  if (static_cast<std::int64_t>(data.size()) != shape.size())
    throw ShapeError("tensor: " + std::to_string(data.size()) + " elements do not fill shape " +
                     to_string(shape) + ", which has " + std::to_string(shape.size()));
  return from_memory(data.data(), dtype_of<T>, shape);
}
template <Element T>
Tensor tensor(std::span<const T> data) {
  return tensor(data, {static_cast<std::int64_t>(data.size())});
}
template <Number N>
Tensor tensor(const std::vector<N>& data, const Shape& shape) {
  if constexpr (Element<N> && !std::is_same_v<N, bool>) {
    return tensor(std::span<const N>(data), shape);
  } else {  // other integers, and vector<bool>, which is packed
    using T = ElementFor<N>;
    const auto copy = std::make_unique<T[]>(data.size());
    for (std::size_t i = 0; i < data.size(); ++i) copy[i] = static_cast<T>(data[i]);
    return tensor(std::span<const T>(copy.get(), data.size()), shape);
  }
}
template <Number N>
Tensor tensor(const std::vector<N>& data) {
  return tensor(data, {static_cast<std::int64_t>(data.size())});
}
/// tensor({1.0, 2.0}), tensor({{1.0, 2.0}, {3.0, 4.0}}) and one level more. ShapeError for ragged rows.
template <Number N>
Tensor tensor(std::initializer_list<N> row) {
  return tensor(std::vector<N>(row));
}
template <Number N>
Tensor tensor(std::initializer_list<std::initializer_list<N>> rows) {
  std::vector<N> all;
  for (const auto& row : rows) {
    if (row.size() != rows.begin()->size())
      throw ShapeError("tensor: ragged rows: " + std::to_string(rows.begin()->size()) + " and " +
                       std::to_string(row.size()) + " elements; give every row the same number");
    all.insert(all.end(), row.begin(), row.end());
  }
  const auto columns = rows.size() == 0 ? 0 : rows.begin()->size();
  return tensor(all, {static_cast<std::int64_t>(rows.size()), static_cast<std::int64_t>(columns)});
}
Tensor stack(std::span<const Tensor> tensors, std::int64_t axis, Here here);
template <Number N>
Tensor tensor(std::initializer_list<std::initializer_list<std::initializer_list<N>>> blocks) {
  std::vector<Tensor> parts;
  for (const auto& block : blocks) parts.push_back(tensor(block));
  return stack(parts, 0, Here::now());
}

/// A leaf that needs a gradient, holding the value of `from` (no copy). DTypeError unless floating.
Tensor variable(const Tensor& from, std::string name = "");
/// A scalar leaf that needs a gradient: float64, or float32 from a float; integers become float64.
template <Number N>
Tensor variable(N number, std::string name = "") {
  using Float = std::conditional_t<std::is_same_v<N, float>, float, double>;
  return variable(tensor(static_cast<Float>(number)), std::move(name));
}
template <class N>
Tensor variable(std::initializer_list<N> row, std::string name = "") {
  return variable(tensor(row), std::move(name));
}
template <class N>
Tensor variable(std::initializer_list<std::initializer_list<N>> rows, std::string name = "") {
  return variable(tensor(rows), std::move(name));
}

Tensor full(const Shape& shape, double value, DType dtype = DType::float32);
Tensor zeros(const Shape& shape, DType dtype = DType::float32);
Tensor ones(const Shape& shape, DType dtype = DType::float32);
Tensor zeros_like(const Tensor& tensor);
Tensor ones_like(const Tensor& tensor);
/// start, start + 1, ..., below stop, as int64 unless told.
Tensor arange(std::int64_t start, std::int64_t stop, DType dtype = DType::int64);
/// `count` equally spaced numbers from start to stop, both included.
Tensor linspace(double start, double stop, std::int64_t count, DType dtype = DType::float32);

// ---- Printing ------------------------------------------------------------------------------------

struct PrintOptions {
  int precision = 4;              ///< digits after the point, as NumPy's set_printoptions
  std::int64_t threshold = 1000;  ///< more elements than this are summarised by "..."
  std::int64_t edge_items = 3;    ///< how many are shown at each end then
};
/// As NumPy prints an array.
std::string to_string(const Tensor& tensor, const PrintOptions& options = {});
std::ostream& operator<<(std::ostream& out, const Tensor& tensor);

}  // namespace chainrule
