// Who is shown each operation and each derivative as it is computed: Profile and DetectAnomaly derive from
// it. apply and the engine call it, and only while there is one.

#pragma once

#include <span>

#include "graph/cotangent.h"

namespace chainrule {

/// Is shown each operation that its thread computes, and each derivative, while it exists: see Profile and
/// DetectAnomaly.
/// Values are kept meanwhile, as under KeepValues. Observers of one thread go in reverse order.
class Observer {
 public:
  /// The newest of this thread, or null.
  static Observer* newest() { return newest_; }
  Observer(const Observer&) = delete;
  Observer& operator=(const Observer&) = delete;

  static void show_made(const Node& node) {
    for (Observer* each = newest_; each != nullptr; each = each->before_) each->made(node);
  }
  static void show_begin(const Node& node) {
    for (Observer* each = newest_; each != nullptr; each = each->before_) each->begins(node);
  }
  static void show_sent(const Node& node, const Cotangent& got, std::span<const Cotangent> sent) {
    for (Observer* each = newest_; each != nullptr; each = each->before_) each->ended(node, got, sent);
  }

 protected:
  Observer();
  ~Observer();

 private:
  /// A node has its value.
  virtual void made(const Node& node) = 0;
  /// The derivative of a node is about to be computed,
  virtual void begins(const Node& /*node*/) {}
  /// and has made of the cotangent that it got these for its inputs; not shown where it has failed.
  virtual void ended(const Node& node, const Cotangent& got, std::span<const Cotangent> sent) = 0;

  [[gnu::tls_model("initial-exec")]] static constinit thread_local Observer* newest_;
  Observer* before_;
  bool kept_before_;
};

}  // namespace chainrule
