// Structures of tensors as one vector, for solvers: how long, and in which order.
// Declared in chainrule/detail/vector_function.h.

#include "chainrule/detail/vector_function.h"

#include "chainrule/ops.h"

namespace chainrule::detail {

void require_not_empty(std::string_view called, const Tensor& given, const Place& place) {
  if (given.is_empty())
    throw GradError(std::string(called) + ": " + "of the parameters, " + place.text() +
                    " is an empty handle; assign a tensor to it first");
}

VectorLayout::VectorLayout(std::string_view called, std::string_view what,
                           const std::vector<Tensor>& tensors) {
  if (tensors.empty())
    throw std::invalid_argument(std::string(called) + ": " + std::string(what) + " holds no tensor");
  for (const Tensor& each : tensors) {
    Trace::require_differentiable(called, each, {.root = what, .numbered = false});
    if (each.dtype() != tensors.front().dtype())
      throw DTypeError(std::string(called) + ": the tensors of " + std::string(what) + " are " +
                       std::string(to_string(tensors.front().dtype())) + " and " +
                       std::string(to_string(each.dtype())) + "; cast them to one dtype");
    shapes_.push_back(each.shape());
    size_ += each.size();
  }
  dtype_ = computed_in(tensors.front().dtype());  // steps in halves would get lost
}

Tensor VectorLayout::joined(std::string_view called, std::string_view what,
                            const std::vector<Tensor>& tensors) const {
  const auto list = [](const auto& shapes) {
    std::string text;
    for (const Shape& shape : shapes) text += (text.empty() ? "" : ", ") + to_string(shape);
    return text;
  };
  std::vector<Shape> shapes;
  std::vector<Tensor> parts;
  for (const Tensor& each : tensors) {
    if (each.is_empty())
      throw GradError(std::string(called) + ": " + std::string(what) +
                      " has an empty handle; return a tensor");
    shapes.push_back(each.shape());
    parts.push_back(reshape(cast(each, dtype_), {-1}));
  }
  if (shapes != shapes_)
    throw ShapeError(std::string(called) + ": " + std::string(what) + " has the shapes " + list(shapes) +
                     ", not " + list(shapes_) + " as what it starts with; they must be equal");
  return parts.size() == 1 ? parts.front() : concatenate(parts);
}

std::vector<Tensor> VectorLayout::split(const Tensor& vector) const {
  std::vector<Tensor> tensors;
  std::int64_t start = 0;
  for (const Shape& shape : shapes_) {
    const std::int64_t stop = start + shape.size();
    std::vector<std::int64_t> sizes(vector.shape().begin(), vector.shape().end() - 1);
    sizes.insert(sizes.end(), shape.begin(), shape.end());
    Tensor part = vector;
    if (shapes_.size() > 1) part = vector[{Index::ellipsis(), Slice{start, stop}}];
    tensors.push_back(reshape(part, Shape(sizes)));
    start = stop;
  }
  return tensors;
}

Tensor VectorFunction::operator()(const Tensor& x, std::span<const Tensor> in) const {
  return layout_.joined(called_, "the result of the function", results(layout_.split(x), in));
}

Tensor VectorFunction::number(const Tensor& x, std::span<const Tensor> in) const {
  const std::vector<Tensor> found = results(layout_.split(x), in);
  if (found.size() != 1 || found.front().is_empty() || found.front().size() != 1)
    throw ShapeError(std::string(called_) + ": the function gives " +
                     (found.size() == 1 && !found.front().is_empty()
                          ? "a tensor of shape " + to_string(found.front().shape())
                          : std::to_string(found.size()) + " tensors") +
                     ", not one number; reduce it, as sum(y)");
  return cast(reshape(found.front(), {}), layout_.dtype());
}

}  // namespace chainrule::detail
