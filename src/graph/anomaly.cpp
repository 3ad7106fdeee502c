// The first NaN or infinity in forward or backward, and what is known of where it was made. An observer goes
// over each result and each gradient of its thread once.

#include "chainrule/anomaly.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "array/number_text.h"
#include "graph/observer.h"
#include "graph/place.h"
#include "graph/scope.h"
#include "graph/traced.h"
#include "kernels/cast.h"

namespace chainrule {
namespace {

/// An element that is not finite, and its place in row-major order.
struct Found {
  std::int64_t place;
  double number;
  Shape shape;
  std::string part;  // of what stands for the value under transforms: "its tangent, "
  std::string text() const;
};

/// The first one; under a transform in all that stands for the value.
std::optional<Found> first_in(const Array& of) {
  if (!is_floating(of.dtype())) return {};
  if (const Traced* const under = traced(of)) {
    if (auto found = first_in(value_of(under->inner))) {
      if (under->kind == Traced::Kind::batched) found->part += "all samples along axis 0, ";
      return found;
    }
    if (under->tangent.is_empty()) return {};
    auto found = first_in(value_of(under->tangent));
    if (found) found->part += "its tangent, ";
    return found;
  }
  const Array value = kernels::as_computed(of);
  return dispatch_floating(value.dtype(), [&]<class T>() -> std::optional<Found> {
    const T* elements = value.data<T>();
    for (std::int64_t i = 0, n = value.size(); i < n; ++i)
      if (!std::isfinite(elements[i])) return Found{i, static_cast<double>(elements[i]), value.shape(), {}};
    return {};
  });
}

/// "inf at element 1 of its tangent, of shape (3,)"
std::string Found::text() const {
  return short_number_text(number) + " at element " + std::to_string(place) + " of " + part +
         (part.empty() ? "" : "of ") + "shape " + to_string(shape);
}

/// What the elements are that stand for a value.
const Array& elements_of(const Array& value) {
  const Traced* const under = traced(value);
  return under == nullptr ? value : elements_of(value_of(under->inner));
}

/// "'x' (3,) float64 in [-1, 2]"
std::string described(const Node& node) {
  const std::string label = node.label();
  std::string text = (label.empty() ? "" : "'" + label + "' ") + to_string(node.shape()) + " " +
                     std::string(to_string(node.dtype()));
  if (!node.has_value() || elements_of(node.value()).size() == 0) return text;
  const Array value = kernels::as_computed(elements_of(node.value()));
  const auto [low, high] = dispatch(value.dtype(), [&]<class T>() {
    const T* elements = value.data<T>();
    const auto [least, greatest] = std::minmax_element(elements, elements + value.size());
    return std::pair(static_cast<double>(*least), static_cast<double>(*greatest));
  });
  return text + " in [" + short_number_text(low) + ", " + short_number_text(high) + "]";
}

[[noreturn]] void report(const Node& node, const std::string& what) {
  const std::string label = node.label(), scope = scope_path(node.scope());
  std::string message = std::string(node.operation()) + (label.empty() ? "" : " '" + label + "'") +
                        (scope.empty() ? "" : " in scope '" + scope + "'") + ": " + what + "; inputs ";
  for (std::size_t i = 0; const Tensor& input : node.inputs())
    message += (i++ == 0 ? "" : ", ") + described(*input.node());
  if (is_of_user(node.here()))
    message += "; called at " + std::string(node.here().file) + ":" + std::to_string(node.here().line);
  throw AnomalyError(message);
}

bool is_all_finite(const Cotangent& cotangent) {
  if (cotangent.is_number()) return std::isfinite(cotangent.number());
  return cotangent.node() == nullptr || !first_in(cotangent.node()->value());
}

}  // namespace

class DetectAnomaly::Detector final : public Observer {
  void made(const Node& node) override {
    // Of what a rule computes, the operation whose rule it is will be shown.
    const bool in_rule = derivatives_ > 0 || RunningTransform::newest() != nullptr;
    if (in_rule && traced(node.value()) == nullptr && !is_of_user(node.here())) return;
    const auto found = first_in(node.value());
    if (!found) return;
    for (const Tensor& input : node.inputs())
      if (input.node()->has_value() && first_in(input.node()->value())) return;  // made before
    fail(node, "makes " + found->text());
  }
  void begins(const Node&) override { ++derivatives_; }
  void ended(const Node& node, const Cotangent& got, std::span<const Cotangent> sent) override {
    --derivatives_;
    for (std::size_t i = 0; i < sent.size(); ++i) {
      if (sent[i].is_nothing() || is_all_finite(sent[i])) continue;
      if (!is_all_finite(got)) return;
      const auto found =
          sent[i].is_number() ? Found{0, sent[i].number(), {}, {}} : *first_in(sent[i].node()->value());
      fail(node,
           "its derivative makes " + short_number_text(found.number) + " at element " +
               std::to_string(found.place) + " of the gradient of input " + std::to_string(i) +
               (found.part.empty() ? "" : " (" + found.part + "of shape " + to_string(found.shape) + ")"));
    }
  }
  [[noreturn]] void fail(const Node& node, const std::string& what) {
    derivatives_ = 0;  // those that the error ends
    report(node, what);
  }

  int derivatives_ = 0;  // that are being computed
};

DetectAnomaly::DetectAnomaly() : detector_(std::make_unique<Detector>()) {}
DetectAnomaly::~DetectAnomaly() = default;

}  // namespace chainrule
