// A chain of deferred elementwise operations, computed part by part, so that nothing between lies in memory
// as a whole.

#include "kernels/evaluation.h"

#include <algorithm>

#include "kernels/parallel.h"

namespace chainrule::kernels {
namespace {

constexpr std::int64_t block_bytes = 8192;

}  // namespace

void Elementwise::compute(void* elements) const {
  Evaluation evaluation(*this);
  const auto item = static_cast<std::int64_t>(item_size(dtype()));
  parallel_for(size(), parallel_grain, [&](std::int64_t begin, std::int64_t end) {
    evaluation.run(begin, end, static_cast<std::byte*>(elements) + begin * item);
  });
  evaluation.finish();
}

Evaluation::Evaluation(const Elementwise& last) {
  try {
    while (!collect(last)) {
    }
    place();
  } catch (...) {
    for (const Step& step : steps_)
      if (step.stored != nullptr) pool::deallocate(step.stored, step.buffer->bytes);
    release_claims();
    throw;
  }
}

Evaluation::~Evaluation() {
  for (const Step& step : steps_)
    if (step.stored != nullptr) pool::deallocate(step.stored, step.buffer->bytes);
  release_claims();
}

void Evaluation::release_claims() {
  for (Array::Buffer* buffer : claimed_) Array::release_claim(*buffer);
  claimed_.clear();
}

// What an array is computed from, before the array: a walk with a path of its own, as the graph may be deep.
bool Evaluation::collect(const Elementwise& last) {
  steps_.clear();
  std::vector<Step> path;
  const auto enter = [&](const Elementwise& pass, Array::Buffer* buffer) {
    Step step;
    step.pass = &pass;
    step.buffer = buffer;
    step.item = item_size(pass.dtype());
    path.push_back(step);
  };
  enter(last, nullptr);
  while (!path.empty()) {
    Step& top = path.back();
    const auto operands = top.pass->operands();
    if (top.next == operands.size()) {
      const Step done = top;
      path.pop_back();
      steps_.push_back(done);
      if (!path.empty()) {
        path.back().steps[path.back().next++] = static_cast<int>(steps_.size() - 1);
        ++steps_.back().uses;
      }
      continue;
    }
    const Array& operand = operands[top.next];
    top.items[top.next] = item_size(operand.dtype());
    if (!operand.is_deferred()) {
      top.elements[top.next++] = static_cast<const std::byte*>(operand.raw());
      continue;
    }
    Array::Buffer* const buffer = operand.buffer();
    const auto known =
        std::find_if(steps_.begin(), steps_.end(), [&](const Step& step) { return step.buffer == buffer; });
    if (known != steps_.end()) {
      top.steps[top.next++] = static_cast<int>(known - steps_.begin());
      ++known->uses;
      continue;
    }
    claimed_.reserve(claimed_.size() + 1);
    if (!Array::claim(*buffer)) {
      // While we wait for it, as another thread may then compute what holds the operand, and let go of it.
      const Array held = operand;  // NOLINT(performance-unnecessary-copy-initialization)
      release_claims();
      Array::wait_for(*buffer);
      return false;
    }
    claimed_.push_back(buffer);
    // Somebody may have computed it before we got it.
    if (const Deferred* deferred = buffer->deferred)
      enter(*deferred->elementwise(), buffer);
    else
      top.elements[top.next++] = static_cast<const std::byte*>(operand.raw());
  }
  return true;
}

void Evaluation::place() {
  std::size_t widest = 1;
  std::vector<std::size_t> last_use(steps_.size());
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    widest = std::max(widest, steps_[i].item);
    for (const int from : steps_[i].steps)
      if (from >= 0) last_use[static_cast<std::size_t>(from)] = i;
  }
  block_ = block_bytes / static_cast<std::int64_t>(widest);
  std::vector<int> free;
  for (std::size_t i = 0; i + 1 < steps_.size(); ++i) {
    Step& step = steps_[i];
    if (step.buffer->references.load(std::memory_order_acquire) > step.uses) {
      step.stored = static_cast<std::byte*>(pool::allocate(step.buffer->bytes));
    } else {
      if (free.empty()) free.push_back(static_cast<int>(slots_++));
      step.slot = free.back();
      free.pop_back();
    }
    for (std::size_t from = 0; from < i; ++from)
      if (last_use[from] == i && steps_[from].slot >= 0) free.push_back(steps_[from].slot);
  }
}

void Evaluation::run(std::int64_t begin, std::int64_t end, void* out) const {
  const Step& last = steps_.back();
  if (steps_.size() == 1) return last.pass->run(begin, end, last.elements.data(), out);
  Array scratch({static_cast<std::int64_t>(slots_) * block_bytes + 1}, DType::boolean);
  auto* const slots = static_cast<std::byte*>(scratch.mutable_raw());
  for (std::int64_t from = begin; from < end; from += block_) {
    const std::int64_t to = std::min(from + block_, end);
    const auto place_of = [&](const Step& step) {
      const std::int64_t bytes = from * static_cast<std::int64_t>(step.item);
      if (&step == &last)
        return static_cast<std::byte*>(out) + bytes - begin * static_cast<std::int64_t>(step.item);
      return step.stored != nullptr ? step.stored + bytes : slots + step.slot * block_bytes;
    };
    for (const Step& step : steps_) {
      auto bases = step.elements;
      for (std::size_t k = 0; k < bases.size(); ++k)
        if (step.steps[k] >= 0) {
          const Step& other = steps_[static_cast<std::size_t>(step.steps[k])];
          bases[k] = place_of(other) - from * static_cast<std::int64_t>(other.item);
        }
      step.pass->run(from, to, bases.data(), place_of(step));
    }
  }
}

void Evaluation::finish() {
  std::vector<std::unique_ptr<Deferred>> done;
  done.reserve(steps_.size());
  for (Step& step : steps_)
    if (step.stored != nullptr) {
      done.emplace_back(std::exchange(step.buffer->deferred, nullptr));
      step.buffer->elements.store(std::exchange(step.stored, nullptr), std::memory_order_release);
    }
  release_claims();  // before what they hold goes
}

}  // namespace chainrule::kernels
