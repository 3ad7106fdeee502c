#include "chainrule/tensor.h"

#include <cstring>

#include "chainrule/ops.h"
#include "graph/node.h"

namespace chainrule {
namespace {

const Node& checked(const Node* node) {
  if (node == nullptr) throw GradError("tensor: an empty handle has no shape; assign a tensor to it first");
  return *node;
}

}  // namespace

void Tensor::acquire(Node* node) noexcept { node->acquire(Node::handle); }
void Tensor::release(Node* node) noexcept { node->drop(Node::handle); }

const Shape& Tensor::shape() const { return checked(node_).shape(); }
DType Tensor::dtype() const { return checked(node_).dtype(); }
bool Tensor::requires_grad() const { return checked(node_).requires_grad(); }
bool Tensor::is_leaf() const { return checked(node_).kind() != NodeKind::operation; }

const void* Tensor::raw(DType expected) const {
  const Array& value = value_of(*this);
  if (value.dtype() != expected)
    throw DTypeError("data: the tensor is " + std::string(to_string(value.dtype())) + ", not " +
                     std::string(to_string(expected)) + "; ask for its own type, or cast it first");
  return value.raw();
}

const void* Tensor::single() const {
  const Array& value = value_of(*this);
  if (value.size() != 1)
    throw ShapeError("item: a tensor of shape " + to_string(value.shape()) + " has " +
                     std::to_string(value.size()) + " elements, not one; index or reduce it first");
  return value.raw();
}

template <Element T>
std::vector<T> Tensor::to_vector() const {
  const Array& value = value_of(*this);
  const auto count = static_cast<std::size_t>(value.size());
  return dispatch(value.dtype(), [&]<class From>() {
    const From* from = value.data<From>();
    std::vector<T> result(count);
    for (std::size_t i = 0; i < count; ++i) result[i] = static_cast<T>(from[i]);
    return result;
  });
}
template std::vector<bool> Tensor::to_vector() const;
template std::vector<std::int64_t> Tensor::to_vector() const;
template std::vector<float> Tensor::to_vector() const;
template std::vector<double> Tensor::to_vector() const;

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

const Variable& as_variable(const Tensor& tensor, const char* operation) {
  const Node& node = checked(tensor.node());
  if (node.is_variable()) return static_cast<const Variable&>(node);
  const std::string name = tensor.name().empty() ? "this tensor" : "'" + tensor.name() + "'";
  throw GradError(std::string(operation) + ": " + name +
                  (tensor.is_leaf()
                       ? " is a constant; make it with variable() to get a gradient"
                       : " is computed, not a leaf; ask gradients(loss, {tensor}) for its gradient"));
}

}  // namespace

Tensor Tensor::grad() const {
  const Tensor gradient = as_variable(*this, "grad").gradient();
  return gradient ? gradient : zeros(shape(), dtype());
}

void Tensor::zero_grad() const { as_variable(*this, "zero_grad").zero_gradient(); }

Tensor Tensor::detach() const { return constant(value_of(*this)); }

Tensor Tensor::operator[](std::int64_t position) const { return index(*this, {position}); }
Tensor Tensor::operator[](std::initializer_list<Index> where) const { return index(*this, where); }
Tensor Tensor::T() const { return transpose(*this); }
Tensor Tensor::reshape(const Shape& shape) const { return chainrule::reshape(*this, shape); }

DType Operand::dtype() const { return tensor_ != nullptr ? checked(tensor_->node()).dtype() : dtype_; }

Tensor Operand::as(DType dtype) const {
  if (tensor_ != nullptr) return tensor_->dtype() == dtype ? *tensor_ : cast(*this, dtype);
  return constant(dispatch(dtype, [&]<class T>() {
    return Array(is_floating(dtype_) ? static_cast<T>(number_) : static_cast<T>(integer_));
  }));
}

// ---- Making tensors ------------------------------------------------------------------------------

Tensor from_memory(const void* data, DType dtype, const Shape& shape) {
  Array value(shape, dtype);
  if (value.byte_count() != 0) std::memcpy(value.mutable_raw(), data, value.byte_count());
  return constant(std::move(value));
}

Tensor variable(const Tensor& from, std::string name) {
  if (!is_floating(from.dtype()))
    throw DTypeError("variable: " + (name.empty() ? std::string("a tensor") : "'" + name + "'") + " is " +
                     std::string(to_string(from.dtype())) +
                     ", but only float32 and float64 carry gradients; cast it first");
  Tensor leaf = TensorAccess::adopt(new Variable(value_of(from)));
  return name.empty() ? leaf : std::move(leaf).named(std::move(name));
}

namespace {

/// A constant with element i = function(i), computed in float64 (int64 for arange below).
template <class Function>
Tensor generate(const Shape& shape, DType dtype, Function function) {
  for (const std::int64_t size : shape)
    if (size < 0) throw ShapeError("zeros: shape " + to_string(shape) + " has a negative size");
  Array value(shape, dtype);
  dispatch(dtype, [&]<class T>() {
    T* out = value.mutable_data<T>();
    for (std::int64_t i = 0, n = value.size(); i < n; ++i) out[i] = static_cast<T>(function(i));
  });
  return constant(std::move(value));
}

}  // namespace

Tensor full(const Shape& shape, double value, DType dtype) {
  return generate(shape, dtype, [=](std::int64_t) { return value; });
}
Tensor zeros(const Shape& shape, DType dtype) { return full(shape, 0, dtype); }
Tensor ones(const Shape& shape, DType dtype) { return full(shape, 1, dtype); }
Tensor zeros_like(const Tensor& tensor) { return zeros(tensor.shape(), tensor.dtype()); }
Tensor ones_like(const Tensor& tensor) { return ones(tensor.shape(), tensor.dtype()); }

Tensor arange(std::int64_t start, std::int64_t stop, DType dtype) {
  return generate({std::max<std::int64_t>(0, stop - start)}, dtype,
                  [=](std::int64_t i) { return start + i; });
}

Tensor linspace(double start, double stop, std::int64_t count, DType dtype) {
  return generate({count}, dtype, [=](std::int64_t i) {
    if (count > 1 && i == count - 1) return stop;  // exactly
    return count > 1 ? start + (stop - start) * static_cast<double>(i) / static_cast<double>(count - 1)
                     : start;
  });
}

}  // namespace chainrule
