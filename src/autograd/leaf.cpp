// The gradient of a leaf, to which each backward pass adds its own, in any number of threads. Relies on a
// lock per leaf, and on accumulator.h for the sum.

#include <thread>

#include "autograd/accumulator.h"
#include "chainrule/autograd.h"
#include "chainrule/ops.h"
#include "graph/deferral.h"
#include "graph/traced.h"

namespace chainrule {

class Variable::Lock {
 public:
  explicit Lock(const Variable& variable) : locked_(variable.locked_) {
    if (is_single_threaded()) return;
    while (locked_.exchange(true, std::memory_order_acquire)) std::this_thread::yield();
  }
  ~Lock() { locked_.store(false, std::memory_order_release); }
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;

 private:
  std::atomic<bool>& locked_;
};

void Variable::accumulate(Cotangent&& cotangent) const {
  if (cotangent.is_number())
    add(cotangent.number());
  else
    add(std::move(cotangent).tensor(dtype()));
}

// The sum is computed outside the lock, and again should another thread have added its own meanwhile.
void Variable::add(Tensor gradient) const {
  if (const Traced* const of = traced(gradient))
    throw GradError(
        of->kind == Traced::Kind::batched
            ? "backward: inside vmap, a variable from outside would get a gradient for each sample; "
              "use grad() or gradients() inside, or call backward() on what vmap gives"
            : "backward: inside jvp, the gradient of a variable would lose its tangent; use grad() "
              "or gradients() inside");
  if (shape().rank() == 0) return add(gradient.item());
  for (;;) {
    Tensor before;
    {
      const Lock lock(*this);
      std::swap(before, gradient_);
      if (before.is_empty()) {
        gradient_ = std::move(gradient);
        return;
      }
    }
    try {
      // What is added up while it is computed could fail half way, and leave neither this sum nor the next.
      evaluate_deferred(value_of(gradient));
      gradient = no_grad([&] { return cast(add_up(std::move(before), gradient), dtype()); });
    } catch (...) {
      give_back(std::move(before));
      throw;
    }
  }
}

void Variable::give_back(Tensor gradient) const {
  for (Tensor other;; gradient = no_grad([&] {
                        return cast(add_up(std::move(gradient), std::exchange(other, {})), dtype());
                      })) {
    const Lock lock(*this);
    std::swap(other, gradient_);
    if (other.node() == nullptr) {
      gradient_ = std::move(gradient);
      return;
    }
  }
}

void Variable::add(double gradient) const {
  const Lock lock(*this);
  number_ = has_number_ ? number_ + gradient : gradient;
  has_number_ = true;
}

bool Variable::has_gradient() const {
  const Lock lock(*this);
  return has_number_ || gradient_.node() != nullptr;
}

Tensor Variable::gradient() const {
  const Lock lock(*this);
  return has_number_ ? scalar(number_, dtype()) : gradient_;
}

void Variable::zero_gradient() const {
  Tensor before;  // destroyed after the lock is gone
  const Lock lock(*this);
  has_number_ = false;
  std::swap(before, gradient_);
}

}  // namespace chainrule
