// Handles: reading elements, names, and making tensors from numbers, lists and memory. A handle is a pointer
// to a node with a count; elements are computed when they are first read.

#include "chainrule/tensor.h"

#include <cstring>
#include <tuple>
#include <utility>

#include "graph/call_error.h"
#include "graph/node.h"
#include "graph/reading.h"
#include "graph/traced.h"
#include "kernels/cast.h"
#include "kernels/copy.h"

namespace chainrule {
namespace {

const Node& checked(const Node* node) {
  if (node == nullptr) throw GradError("tensor: an empty handle has no shape; assign a tensor to it first");
  return *node;
}

/// The value, for a user who reads its elements as numbers.
const Array& read_value(const Tensor& tensor) {
  if (numbers_refused != nullptr && !tensor.is_empty() && tensor.requires_grad()) [[unlikely]]
    throw GradError(numbers_refused->reason());
  return value_of(tensor);
}

}  // namespace

constinit thread_local const NumbersRefused* numbers_refused = nullptr;
NumbersRefused::NumbersRefused(std::string reason)
    : reason_(std::move(reason)), before_(std::exchange(numbers_refused, this)) {}
NumbersRefused::~NumbersRefused() { numbers_refused = before_; }
NumbersAllowed::NumbersAllowed() : before_(std::exchange(numbers_refused, nullptr)) {}
NumbersAllowed::~NumbersAllowed() { numbers_refused = before_; }

void Tensor::acquire(Node* node) noexcept { node->acquire(Node::handle); }
void Tensor::release(Node* node) noexcept { node->drop(Node::handle); }

const Shape& Tensor::shape() const& { return checked(node_).shape(); }
DType Tensor::dtype() const { return checked(node_).dtype(); }
bool Tensor::requires_grad() const { return checked(node_).requires_grad(); }
bool Tensor::is_leaf() const { return checked(node_).kind() != NodeKind::operation; }

const void* Tensor::raw(DType expected, Here here) const try {
  const Array& value = read_value(*this);
  if (value.dtype() != expected)
    throw DTypeError("data: the tensor is " + std::string(to_string(value.dtype())) + ", not " +
                     std::string(to_string(expected)) + "; ask for its own type, or cast it first");
  return value.raw();
} catch (...) {
  rethrow_in_call(here, {this});
}

const void* Tensor::single(Here here) const try {
  const Array& value = read_value(*this);
  if (value.size() != 1)
    throw ShapeError("item: a tensor of shape " + to_string(value.shape()) + " has " +
                     std::to_string(value.size()) + " elements, not one; index or reduce it first");
  return value.raw();
} catch (...) {
  rethrow_in_call(here, {this});
}

bool Tensor::truth() const {
  const Array& value = read_value(*this);
  if (value.size() != 1)
    throw ShapeError("bool: a tensor of shape " + to_string(value.shape()) + " has " +
                     std::to_string(value.size()) +
                     " elements, so it is neither true nor false; reduce it, as " +
                     "all(a == b) or any(a == b), and ask is_empty() whether a handle refers to nothing");
  return dispatch_stored(value.dtype(), [&]<class T>() { return convert<bool>(value.data<T>()[0]); });
}

std::int64_t Tensor::stored_integer(const void* element) const {
  return dispatch_stored(dtype(),
                         [&]<class T>() { return convert<std::int64_t>(*static_cast<const T*>(element)); });
}
float Tensor::stored_float(const void* element) const {
  return dispatch_stored(dtype(), [&]<class T>() { return convert<float>(*static_cast<const T*>(element)); });
}

template <Element T>
std::vector<T> Tensor::to_vector(Here here) const try {
  const Array& value = read_value(*this);
  (void)value.raw();  // computed once, also if it is read again
  const Array elements = value.dtype() == dtype_of<T> ? value : kernels::cast(value, dtype_of<T>);
  const T* const first = elements.data<T>();
  return std::vector<T>(first, first + elements.size());
} catch (...) {
  rethrow_in_call(here, {this});
}
/// Compiled here for each type of elements, as explicit instantiations would be.
template <class... T>
static constexpr auto to_vector_of(TypeList<T...>) {
  return std::tuple(&Tensor::to_vector<T>...);
}
[[gnu::used]] static constexpr auto compiled_here = to_vector_of(Elements{});

Tensor Tensor::named(std::string name) const& {
  const_cast<Node&>(checked(node_)).set_label(std::move(name));
  return *this;
}
Tensor Tensor::named(std::string name) && {
  const_cast<Node&>(checked(node_)).set_label(std::move(name));
  return std::move(*this);
}
std::string Tensor::name() const { return checked(node_).label(); }

namespace {

[[noreturn, gnu::cold]] void report_no_variable(const Tensor& tensor, const char* operation) {
  const std::string name = tensor.name().empty() ? "this tensor" : "'" + tensor.name() + "'";
  throw GradError(std::string(operation) + ": " + name +
                  (tensor.is_leaf()
                       ? " is a constant; make it with variable() to get a gradient"
                       : " is computed, not a leaf; ask gradients(loss, {tensor}) for its gradient"));
}

inline const Variable& as_variable(const Tensor& tensor, const char* operation) {
  const Node& node = checked(tensor.node());
  if (!node.is_variable()) [[unlikely]]
    report_no_variable(tensor, operation);
  return static_cast<const Variable&>(node);
}

}  // namespace

Tensor Tensor::grad(Here here) const try {
  Tensor gradient = as_variable(*this, "grad").gradient();
  return gradient.is_empty() ? constant(kernels::zeros(shape(), dtype())) : gradient;
} catch (...) {
  rethrow_in_call(here);
}

void Tensor::zero_grad(Here here) const try { as_variable(*this, "zero_grad").zero_gradient(); } catch (...) {
  rethrow_in_call(here);
}

Tensor Tensor::detach() const { return constant(cut_off(value_of(*this))); }

Operand::Operand(std::initializer_list<detail::Literal> list, Here here)
    : integer_(static_cast<std::int64_t>(list.size())),
      here_(here),
      dtype_(detail::dtype_of({list.begin(), list.size()})) {
  list_ = list.begin();
  static const detail::Literal nothing = false;  // as a null list means a number
  if (list_ == nullptr) list_ = &nothing;
  if (is_floating(dtype_)) dtype_ = DType::float64;
}

DType Operand::dtype() const try {
  if (tensor_ != nullptr) return checked(tensor_->node()).dtype();
  return is_floating(dtype_) ? default_dtype() : dtype_;
} catch (...) {
  rethrow_in_call(*this);
}

namespace {

template <class T>
constexpr bool holds(std::int64_t number) {
  if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) return std::in_range<T>(number);
  return false;
}
template <class... T>
DType first_that_holds(std::int64_t number, TypeList<T...>) {
  DType dtype = DType::int64;
  (void)((holds<T>(number) && (dtype = dtype_of<T>, true)) || ...);
  return dtype;
}

}  // namespace

DType Operand::least_dtype() const {
  if (tensor_ != nullptr || list_ != nullptr || dtype_ != DType::int64) return dtype();
  return first_that_holds(integer_, Elements{});
}

// ---- Making tensors ------------------------------------------------------------------------------

Tensor from_memory(const void* data, DType dtype, const Shape& shape, Here here) try {
  Array value = new_array("tensor", shape, dtype);
  if (value.byte_count() != 0) std::memcpy(value.mutable_raw(), data, value.byte_count());
  return constant(std::move(value));
} catch (...) {
  rethrow_in_call(here);
}

Tensor from_memory(std::shared_ptr<const void> data, DType dtype, const Shape& shape, Here here) try {
  return constant(Array::of_others(shape, dtype, std::move(data)));
} catch (...) {
  rethrow_in_call(here);
}

namespace detail {

void report_beyond_int64(std::uint64_t number, Here here) try {
  throw DTypeError("tensor: " + std::to_string(number) +
                   " does not fit in int64, the largest type of integers; make it a floating number");
} catch (...) {
  rethrow_in_call(here);
}

namespace {
[[noreturn]] void report_rows(std::int64_t expected, std::int64_t found) {
  throw ShapeError("tensor: ragged rows: " + std::to_string(expected) + " and " + std::to_string(found) +
                   " elements; give every row the same number");
}
}  // namespace

void report_ragged(std::int64_t expected, std::int64_t found, Here here) try {
  report_rows(expected, found);
} catch (...) {
  rethrow_in_call(here);
}

void require_filled(std::size_t elements, const Shape& shape, Here here) try {
  if (static_cast<std::int64_t>(elements) != shape.size())
    throw ShapeError("tensor: " + std::to_string(elements) + " elements do not fill shape " +
                     to_string(shape) + ", which has " + std::to_string(shape.size()));
} catch (...) {
  rethrow_in_call(here);
}

Tensor tensor_of(double number) { return scalar(number, default_dtype()); }

namespace {

/// The last dtype of the numbers in a list; nothing for no numbers.
std::optional<DType> last_dtype(std::span<const Literal> list) {
  std::optional<DType> last;
  for (const Literal& item : list)
    if (const auto one = item.is_list() ? last_dtype(item.items()) : item.dtype())
      last = promote(last.value_or(DType::boolean), *one);
  return last;
}

/// Writes the numbers of a list whose sizes should be these to `out`, which it moves along.
template <class T>
void copy_numbers(std::span<const Literal> list, std::span<const std::int64_t> sizes, T*& out) {
  const auto size = static_cast<std::int64_t>(list.size());
  if (size != sizes[0]) report_rows(sizes[0], size);
  for (const Literal& item : list) {
    if (item.is_list() != (sizes.size() > 1))
      throw ShapeError("tensor: numbers and lists of them in one row; nest all of them as deep");
    if (item.is_list())
      copy_numbers(item.items(), sizes.subspan(1), out);
    else
      *out++ = item.as<T>();
  }
}

}  // namespace

DType dtype_of(std::span<const Literal> list) { return last_dtype(list).value_or(DType::float64); }

Tensor tensor_of(std::span<const Literal> list, const Shape* shape, std::optional<DType> dtype,
                 Here here) try {
  if (!dtype) {
    dtype = dtype_of(list);
    if (dtype == DType::float64) dtype = default_dtype();
  }
  std::vector<std::int64_t> sizes = {static_cast<std::int64_t>(list.size())};
  for (auto row = list; !row.empty() && row[0].is_list(); row = row[0].items())
    sizes.push_back(static_cast<std::int64_t>(row[0].items().size()));
  const Shape braces(sizes);
  if (shape != nullptr) require_filled(static_cast<std::size_t>(braces.size()), *shape, here);
  return dispatch_stored(*dtype, [&]<class T>() {
    const auto elements = std::make_unique<T[]>(static_cast<std::size_t>(braces.size()));
    T* end = elements.get();
    copy_numbers<T>(list, sizes, end);
    return from_memory(elements.get(), *dtype, shape != nullptr ? *shape : braces);
  });
} catch (...) {
  rethrow_in_call(here);
}

}  // namespace detail

Tensor variable(std::initializer_list<detail::Literal> list, std::string name, Here here) {
  const std::span<const detail::Literal> all(list.begin(), list.size());
  const DType dtype = detail::dtype_of(all);
  return variable(detail::tensor_of(all, nullptr, dtype == DType::float32 ? dtype : default_dtype(), here),
                  std::move(name), here);
}

Tensor variable(const Tensor& from, std::string name, Here here) try {
  if (!is_floating(from.dtype()))
    throw DTypeError("variable: " + (name.empty() ? std::string("a tensor") : "'" + name + "'") + " is " +
                     std::string(to_string(from.dtype())) +
                     ", but only floats carry gradients; cast it first");
  Tensor leaf = TensorAccess::adopt(new Variable(value_of(from)));
  return name.empty() ? leaf : std::move(leaf).named(std::move(name));
} catch (...) {
  rethrow_in_call(here, {&from});
}

}  // namespace chainrule
