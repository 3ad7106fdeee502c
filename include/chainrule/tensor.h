/// \file
/// Tensors: handles to the nodes of a graph, how they are made from numbers, and how their elements are read.
/// Operations on them are in ops.h and the headers after it, gradients in autograd.h.

#pragma once

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

#include "chainrule/arguments.h"
#include "chainrule/detail/api.h"
#include "chainrule/detail/numbers.h"
#include "chainrule/dtype.h"
#include "chainrule/error.h"
#include "chainrule/shape.h"

namespace CHAINRULE_API chainrule {

class Node;
class Parameter;
class Index;
struct Slice;

/// A position along an axis, and where it was written: operator[] takes nothing beside it.
class Position {
 public:
  /// Any whole number.
  template <WholeNumber N>
  Position(N number, Here here = Here::now())  // NOLINT(google-explicit-constructor)
      : number_(static_cast<std::int64_t>(number)), here_(here) {}
  template <NoWholeNumber N>
  Position(N) = delete;  // positions are whole numbers; a mask: masked_select(x, mask)
  /// The number itself.
  std::int64_t number() const { return number_; }
  /// Where it was written.
  Here here() const { return here_; }

 private:
  std::int64_t number_;
  Here here_;
};

/// A cheap handle to an immutable node of the computation graph: a value and how it was computed.
/// Copying copies the handle. The value lives as long as a handle, or a derivative that reads it. Large
/// values of elementwise operations are computed when they are first read: a sum of one never has it in
/// memory.
///
/// Threads: any number may use the same tensors at once, also compute with them, read values and give names;
/// only one handle, as any variable, must not be assigned to while another thread uses it. Graphs may be
/// built on nodes that other threads have made, and the last handle may be dropped by any of them.
class [[nodiscard]] Tensor {
 public:
  /// A handle to nothing, as a default-constructed std::shared_ptr.
  Tensor() = default;
  /// A constant, see chainrule::tensor.
  template <Number N>
  Tensor(N number, Here here = Here::now());  // NOLINT(google-explicit-constructor)
  Tensor(const Tensor& other) noexcept : node_(other.node_) {
    if (node_ != nullptr) acquire(node_);
  }
  Tensor(Tensor&& other) noexcept : node_(std::exchange(other.node_, nullptr)) {}
  Tensor& operator=(const Tensor& other) & noexcept { return *this = Tensor(other); }
  Tensor& operator=(Tensor&& other) & noexcept {
    Node* const before = std::exchange(node_, std::exchange(other.node_, nullptr));
    if (before != nullptr) release(before);
    return *this;
  }
  ~Tensor() {
    if (node_ != nullptr) release(node_);
  }
  /// Refuses a[0] = b and the like, which would change nothing.
  template <class Value>
  void operator=(const Value&) && {
    static_assert(
        sizeof(Value) == 0,
        "a[i] = b cannot change a tensor: write a = slice_update(a, {i}, b), which makes a new one");
  }

  /// Is it a handle to nothing?
  [[nodiscard]] bool is_empty() const { return node_ == nullptr; }
  /// The only element, as a condition: `if (loss < 0.1)`. ShapeError when there is not exactly one, as in
  /// `if (a == b)` of larger ones: write all(a == b) or any(a == b). GradError for a handle to nothing.
  explicit operator bool() const { return truth(); }

  /// The sizes along its axes.
  [[nodiscard]] const Shape& shape() const&;
  [[nodiscard]] Shape shape() const&& { return std::as_const(*this).shape(); }
  /// Of its elements.
  [[nodiscard]] DType dtype() const;
  /// How many axes it has.
  [[nodiscard]] std::size_t rank() const { return shape().rank(); }
  /// Number of elements.
  [[nodiscard]] std::int64_t size() const { return shape().size(); }

  /// The only element, converted to T as chainrule::convert does. ShapeError when there is not exactly one.
  template <Number T = double>
  [[nodiscard]] T item(Here here = Here::now()) const {
    const void* const element = single(here);
    if (dtype() == DType::float32) return convert<T>(*static_cast<const float*>(element));
    if (dtype() == DType::float64) return convert<T>(*static_cast<const double*>(element));
    if (dtype() == DType::int64) return convert<T>(*static_cast<const std::int64_t*>(element));
    if (dtype() == DType::boolean) return convert<T>(*static_cast<const bool*>(element));
    return is_integer(dtype()) ? convert<T>(stored_integer(element)) : convert<T>(stored_float(element));
  }
  /// The elements in row-major order, without a copy; valid as long as this handle.
  /// DTypeError when T is not the stored type.
  template <Element T>
  [[nodiscard]] std::span<const T> data(Here here = Here::now()) const& {
    return {static_cast<const T*>(raw(dtype_of<T>, here)), static_cast<std::size_t>(size())};
  }
  template <Element T>
  std::span<const T> data() const&& = delete;  // they would be gone: use to_vector(), or a variable
  /// The elements in row-major order, converted to T as chainrule::convert does.
  template <Element T>
  [[nodiscard]] std::vector<T> to_vector(Here here = Here::now()) const;

  /// Does a gradient flow through this tensor?
  [[nodiscard]] bool requires_grad() const;
  /// Was it made by the user rather than computed by a recorded operation?
  [[nodiscard]] bool is_leaf() const;

  /// Gives the node a name, shown in drawings and errors, and returns the handle.
  Tensor named(std::string name) const&;
  Tensor named(std::string name) &&;
  /// The name given, or "".
  [[nodiscard]] std::string name() const;

  /// Computes d(this)/d(leaf) and adds it to every leaf it depends on; read it with leaf.grad().
  /// GradError when this is not a scalar (give a seed, or reduce it) or needs no gradient.
  /// Threads: several may call it at once, on graphs that share leaves and nodes: no gradient is lost. They
  /// are added up in the order in which they come, so the last bits may differ from run to run.
  void backward(Here here = Here::now()) const&;
  /// `std::move(loss).backward()` also consumes the graph: each node is released once it has been used.
  void backward(Here here = Here::now()) &&;
  /// The same for any shape: seed is dL/d(this), of this tensor's shape.
  void backward(const Tensor& seed, Here here = Here::now()) const&;
  void backward(const Tensor& seed, Here here = Here::now()) &&;
  /// What backward() has accumulated in this leaf: of its shape and dtype, zeros where nothing has
  /// reached it yet. GradError when this is not a leaf that requires a gradient.
  /// Threads: to read or forget it, wait until no backward() that reaches this leaf is running.
  Tensor grad(Here here = Here::now()) const;
  /// Forgets what backward() has accumulated here.
  void zero_grad(Here here = Here::now()) const;

  /// The same value, cut off from its history. No copy.
  Tensor detach() const;

  /// NumPy's basic indexing, x[0] or x[{Slice{}, Slice{1, 3}}]; see chainrule::index.
  Tensor operator[](Position position) const;
  Tensor operator[](std::initializer_list<Index> where) const;
  template <std::same_as<Slice> S>
  Tensor operator[](const S&) const = delete;  // in braces: x[{Slice{0, 2}}]
  template <std::same_as<Tensor> T>
  Tensor operator[](const T&) const = delete;  // masked_select(x, mask), take_rows(x, positions)
  void begin() const = delete;  // for (const Tensor& row : unbind(x)); or x.to_vector<double>()
  void end() const = delete;
  /// All axes reversed, as NumPy's .T.
  Tensor T(Here here = Here::now()) const;
  /// See reshape() in ops.h.
  Tensor reshape(const Shape& shape, Here here = Here::now()) const;

  /// For the library's own layers and tools; null for an empty handle.
  [[nodiscard]] Node* node() const { return node_; }

 private:
  friend class TensorAccess;
  const void* raw(DType expected, Here here) const;
  const void* single(Here here) const;
  std::int64_t stored_integer(const void* element) const;
  float stored_float(const void* element) const;
  bool truth() const;
  static void acquire(Node* node) noexcept;
  static void release(Node* node) noexcept;
  Node* node_ = nullptr;
};

/// What every operation takes: a tensor, or a C++ number or a braced list of them, which then gets the dtype
/// of the tensors it meets (a number with a fraction makes an int64 tensor floating, see default_dtype).
/// Remembers where it was written, so that errors in backward can name the line of the forward call. A
/// parameter, not a value to keep: it points to the tensor.
class Operand {
 public:
  /// A tensor, which must live as long as the call.
  CHAINRULE_SMALL Operand(const Tensor& tensor, Here here = Here::now())
      : tensor_(&tensor), here_(here) {}  // NOLINT
  /// A temporary, whose handle the operation may take over.
  CHAINRULE_SMALL Operand(Tensor&& tensor, Here here = Here::now())
      : tensor_(&tensor), here_(here), movable_(true) {}  // NOLINT
  template <Number N>
  CHAINRULE_SMALL Operand(N number, Here here = Here::now())  // NOLINT
      : number_(static_cast<double>(number)),
        here_(here),
        dtype_(std::is_floating_point_v<N> ? DType::float64 : dtype_of<ElementFor<N>>) {
    if constexpr (std::is_integral_v<N>)
      integer_ = static_cast<std::int64_t>(detail::as_element(number, here));
  }
  Operand(std::initializer_list<detail::Literal> list, Here here = Here::now());  // NOLINT

  /// The current leaf of a parameter.
  Operand(const Parameter& parameter, Here here = Here::now());  // NOLINT(google-explicit-constructor)

  /// Null for a number or a list.
  const Tensor* tensor() const { return tensor_; }
  /// Where it was written.
  Here here() const { return here_; }
  /// Is it a temporary, whose memory may be used again?
  bool is_movable() const { return movable_; }
  /// The dtype of the tensor, or bool, int64 or the default for the kinds of numbers.
  DType dtype() const;
  /// The same, but of a whole number the first dtype that holds it beside a tensor of whole numbers: uint8,
  /// int32 or int64.
  DType least_dtype() const;
  /// The tensor, cast if need be, or the number as a constant of that dtype.
  Tensor as(DType dtype) const;
  /// The tensor, or the number as a constant of its own dtype.
  Tensor as_tensor() const { return tensor_ != nullptr ? *tensor_ : as(dtype()); }

 private:
  const Tensor* tensor_ = nullptr;
  const detail::Literal* list_ = nullptr;  // with integer_ items
  double number_ = 0;
  std::int64_t integer_ = 0;
  Here here_;
  DType dtype_ = DType::float64;
  bool movable_ = false;
};

// ---- Making tensors ------------------------------------------------------------------------------

/// From memory in row-major order, copied. ShapeError for a shape that no tensor can have.
Tensor from_memory(const void* data, DType dtype, const Shape& shape, Here here = Here::now());
/// The memory itself, which the tensor shares with its owners. Nobody may change it while a tensor uses it;
/// the library never does.
Tensor from_memory(std::shared_ptr<const void> data, DType dtype, const Shape& shape,
                   Here here = Here::now());

namespace detail {
Tensor tensor_of(double number);
/// In row-major order, into `shape`; without one into that of the braces. Without a dtype: that of the
/// numbers.
Tensor tensor_of(std::span<const Literal> list, const Shape* shape, std::optional<DType> dtype, Here here);
/// ShapeError unless the elements fill the shape.
void require_filled(std::size_t elements, const Shape& shape, Here here);
template <class A>
concept FlatArray = ArrayOfNumbers<A> && Element<typename ArrayItem<A>::type> &&
    (!std::is_same_v<typename ArrayItem<A>::type, bool> || requires(const A& array) { std::data(array); });
}  // namespace detail

/// A constant scalar: of the default dtype from a double; from a float float32, from integers int64.
/// DTypeError for an integer beyond int64.
template <Number N>
Tensor tensor(N number, Here here = Here::now()) {
  if constexpr (std::is_floating_point_v<N> && !std::is_same_v<N, float>) {
    return detail::tensor_of(static_cast<double>(number));
  } else {
    const auto element = detail::as_element(number, here);
    return from_memory(&element, dtype_of<ElementFor<N>>, {}, here);
  }
}
template <Number N>
Tensor::Tensor(N number, Here here) : Tensor(tensor(number, here)) {}

/// tensor({1, 2.5}), tensor({{1, 2}, {3, 4}}) and so on, of the dtype that holds all the numbers, where
/// doubles have the default dtype. ShapeError for ragged rows.
template <std::same_as<Here> H = Here>  // so that {0, 3} after it is a shape
Tensor tensor(std::initializer_list<detail::Literal> list, H here = Here::now()) {
  return detail::tensor_of({list.begin(), list.size()}, nullptr, {}, here);
}
/// The numbers in row-major order. ShapeError when they do not fill the shape.
inline Tensor tensor(std::initializer_list<detail::Literal> list, const Shape& shape,
                     Here here = Here::now()) {
  return detail::tensor_of({list.begin(), list.size()}, &shape, {}, here);
}

/// From a std::vector, std::span, std::array or C array of numbers, or of such arrays, of their element type:
/// float is float32, int int32, unsigned char uint8, other integers are int64. ShapeError for ragged rows.
template <detail::ArrayOfNumbers A, std::same_as<Here> H = Here>
Tensor tensor(const A& array, H here = Here::now()) {
  if constexpr (detail::FlatArray<A>) {
    return from_memory(std::data(array), dtype_of<detail::ElementOf<A>>,
                       static_cast<std::int64_t>(std::size(array)), here);
  } else {
    std::vector<std::int64_t> sizes;
    detail::append_sizes(array, sizes);
    const Shape shape(sizes);
    const auto elements = std::make_unique<detail::ElementOf<A>[]>(static_cast<std::size_t>(shape.size()));
    auto* out = elements.get();
    detail::copy_elements(array, sizes.data(), out, here);
    return from_memory(elements.get(), dtype_of<detail::ElementOf<A>>, shape, here);
  }
}
/// The same elements in row-major order. ShapeError when they do not fill the shape.
template <detail::ArrayOfNumbers A>
Tensor tensor(const A& array, const Shape& shape, Here here = Here::now()) {
  if constexpr (detail::FlatArray<A>) {
    detail::require_filled(std::size(array), shape, here);
    return from_memory(std::data(array), dtype_of<detail::ElementOf<A>>, shape, here);
  } else {
    return tensor(array, here).reshape(shape, here);
  }
}
/// Refuses all else.
template <class T>
requires(!Number<T> && !detail::ArrayOfNumbers<T>) Tensor tensor(const T&) {
  static_assert(
      sizeof(T) == 0,
      "tensor: made of a number, numbers in braces, or an array of numbers; text and letters are none");
  return {};
}
template <Number A, Number B, class... More>
Tensor tensor(A, B, More...) = delete;  // in braces: tensor({1, 2, 3})
/// Takes the vector over, without a copy.
template <Element T>
requires(!std::is_same_v<T, bool>) Tensor
    tensor(std::vector<T>&& elements, const Shape& shape, Here here = Here::now()) {
  detail::require_filled(elements.size(), shape, here);
  const auto owner = std::make_shared<const std::vector<T>>(std::move(elements));
  return from_memory(std::shared_ptr<const void>(owner, owner->data()), dtype_of<T>, shape, here);
}
template <Element T, std::same_as<Here> H = Here>
requires(!std::is_same_v<T, bool>) Tensor tensor(std::vector<T>&& elements, H here = Here::now()) {
  const Shape shape = static_cast<std::int64_t>(elements.size());
  return tensor(std::move(elements), shape, here);
}

/// Memory of others in row-major order, without a copy. It must stay as it is until deleter(data) is called,
/// which the last use of the tensor does, on whatever thread that is; at once, if this throws. Values of up
/// to eight bytes are copied. std::invalid_argument for an address that is not aligned for T.
template <Element T, class Deleter>
requires std::is_invocable_v<Deleter&, T*> Tensor from_blob(T* data, const Shape& shape, Deleter deleter,
                                                            Here here = Here::now()) {
  return from_memory(std::shared_ptr<T>(data, std::move(deleter)), dtype_of<T>, shape, here);
}
/// The same for memory that outlives every tensor that uses it.
template <class T>
requires Element<std::remove_const_t<T>> Tensor from_blob(T* data, const Shape& shape,
                                                          Here here = Here::now()) {
  return from_memory(std::shared_ptr<const void>(std::shared_ptr<void>(), data),
                     dtype_of<std::remove_const_t<T>>, shape, here);
}

/// A leaf that needs a gradient, holding the value of `from` (no copy). DTypeError unless floating.
Tensor variable(const Tensor& from, std::string name = "", Here here = Here::now());
/// The same of a new tensor: variable(2), variable({1, 2.5}), variable(vector). Integers get the default
/// dtype.
template <Number N>
Tensor variable(N number, std::string name = "") {
  using Float = std::conditional_t<std::is_same_v<N, float>, float, double>;
  return variable(tensor(static_cast<Float>(number)), std::move(name));
}
Tensor variable(std::initializer_list<detail::Literal> list, std::string name = "", Here here = Here::now());
template <detail::ArrayOfNumbers A>
Tensor variable(const A& array, std::string name = "", Here here = Here::now()) {
  Tensor value = tensor(array, here);
  if constexpr (!is_floating(dtype_of<detail::ElementOf<A>>)) value = Operand(value).as(default_dtype());
  return variable(value, std::move(name), here);
}
template <Number A, Number B, class... More>
Tensor variable(A, B, More...) = delete;  // in braces: variable({1, 2, 3})
template <std::convertible_to<std::string_view> T, class... More>
Tensor variable(const T&, const More&...) = delete;  // the value comes first: variable(1.0, "x")

/// Every element has this value.
Tensor full(const Shape& shape, double value, DType dtype = default_dtype(), Here here = Here::now());
/// Every element is 0.
Tensor zeros(const Shape& shape, DType dtype = default_dtype(), Here here = Here::now());
/// Every element is 1.
Tensor ones(const Shape& shape, DType dtype = default_dtype(), Here here = Here::now());
/// Zeros of its shape and dtype.
Tensor zeros_like(const Tensor& tensor, Here here = Here::now());
/// Ones of its shape and dtype.
Tensor ones_like(const Tensor& tensor, Here here = Here::now());
/// start, start + 1, ..., below stop, as int64 unless told.
Tensor arange(Integer start, Integer stop, DType dtype = DType::int64, Here here = Here::now());
/// `count` equally spaced numbers from start to stop, both included.
Tensor linspace(double start, double stop, Integer count, DType dtype = default_dtype(),
                Here here = Here::now());

// ---- Printing ------------------------------------------------------------------------------------

/// How tensors are printed.
struct PrintOptions {
  int precision = 4;              ///< digits after the point, as NumPy's set_printoptions
  std::int64_t threshold = 1000;  ///< more elements than this are summarised by "..."
  std::int64_t edge_items = 3;    ///< how many are shown at each end then
};
/// As NumPy prints an array.
[[nodiscard]] std::string to_string(const Tensor& tensor, const PrintOptions& options = {});
std::ostream& operator<<(std::ostream& out, const Tensor& tensor);

}  // namespace chainrule
