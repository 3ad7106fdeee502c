// The first NaN or infinity in forward or backward, and what is known of where it was made.

#include "chainrule/anomaly.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <sstream>

#include "graph/observer.h"
#include "graph/scope.h"
#include "kernels/cast.h"

namespace chainrule {
namespace {

/// The first element that is not finite, and its place in row-major order.
struct Found {
  std::int64_t place;
  double number;
};
std::optional<Found> first_in(const Array& of) {
  if (!is_floating(of.dtype()) || of.traced() != nullptr) return {};  // its parts have been seen
  const Array value = kernels::as_computed(of);
  return dispatch_floating(value.dtype(), [&]<class T>() -> std::optional<Found> {
    const T* elements = value.data<T>();
    for (std::int64_t i = 0, n = value.size(); i < n; ++i)
      if (!std::isfinite(elements[i])) return Found{i, static_cast<double>(elements[i])};
    return {};
  });
}

std::string text_of(double number) {
  if (std::isnan(number)) return "NaN";  // a stream writes its sign, too
  std::ostringstream text;
  text << number;
  return text.str();
}

/// "'x' (3,) float64 in [-1, 2]"
std::string described(const Node& node) {
  const std::string label = node.label();
  std::string text = (label.empty() ? "" : "'" + label + "' ") + to_string(node.shape()) + " " +
                     std::string(to_string(node.dtype()));
  if (!node.has_value() || node.value().size() == 0 || node.value().traced() != nullptr) return text;
  const Array value = kernels::as_computed(node.value());
  const auto [low, high] = dispatch(value.dtype(), [&]<class T>() {
    const T* elements = value.data<T>();
    const auto [least, greatest] = std::minmax_element(elements, elements + value.size());
    return std::pair(static_cast<double>(*least), static_cast<double>(*greatest));
  });
  return text + " in [" + text_of(low) + ", " + text_of(high) + "]";
}

[[noreturn]] void report(const Node& node, const std::string& what) {
  const std::string label = node.label(), scope = scope_path(node.scope());
  std::string message = std::string(node.operation()) + (label.empty() ? "" : " '" + label + "'") +
                        (scope.empty() ? "" : " in scope '" + scope + "'") + ": " + what + "; inputs ";
  for (std::size_t i = 0; const Tensor& input : node.inputs())
    message += (i++ == 0 ? "" : ", ") + described(*input.node());
  if (*node.here().file != '\0')
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
    const auto found = first_in(node.value());
    if (!found) return;
    for (const Tensor& input : node.inputs())
      if (input.node()->has_value() && first_in(input.node()->value())) return;  // made before
    report(node, "makes " + text_of(found->number) + " at element " + std::to_string(found->place) +
                     " of shape " + to_string(node.shape()));
  }
  void ended(const Node& node, const Cotangent& got, std::span<const Cotangent> sent) override {
    for (std::size_t i = 0; i < sent.size(); ++i) {
      if (sent[i].is_nothing() || is_all_finite(sent[i])) continue;
      if (!is_all_finite(got)) return;
      const auto found =
          sent[i].is_number() ? Found{0, sent[i].number()} : *first_in(sent[i].node()->value());
      report(node, "its derivative makes " + text_of(found.number) + " at element " +
                       std::to_string(found.place) + " of the gradient of input " + std::to_string(i));
    }
  }
};

DetectAnomaly::DetectAnomaly() : detector_(std::make_unique<Detector>()) {}
DetectAnomaly::~DetectAnomaly() = default;

}  // namespace chainrule
