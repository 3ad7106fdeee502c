// A chain of deferred elementwise operations, computed part by part, so that nothing between lies in memory
// as a whole.

#include "kernels/evaluation.h"

#include <algorithm>
#include <optional>

#include "kernels/parallel.h"
#include "kernels/two_steps.h"

namespace chainrule::kernels {
namespace {

/// What takes as much has left the caches near the processor before it is read again.
constexpr std::size_t far_bytes = std::size_t{1} << 20;

}  // namespace

void Elementwise::compute(void* elements) const {
  Evaluation evaluation(*this);
  const auto item = static_cast<std::int64_t>(item_size(dtype()));
  parallel_for(size(), parallel_grain, [&](std::int64_t begin, std::int64_t end) {
    evaluation.run(begin, end, static_cast<std::byte*>(elements) + begin * item);
  });
  evaluation.finish();
}

void evaluate_together(std::span<const Array> arrays) try {
  std::vector<Array> left(arrays.begin(), arrays.end());
  while (!left.empty()) {
    const std::int64_t size = left.back().size();
    const auto same =
        std::partition(left.begin(), left.end(), [=](const Array& array) { return array.size() != size; });
    Evaluation evaluation(std::span<const Array>(same, left.end()));
    parallel_for(size, parallel_grain,
                 [&](std::int64_t begin, std::int64_t end) { evaluation.run(begin, end, nullptr); });
    evaluation.finish();
    left.erase(same, left.end());
  }
} catch (const std::bad_alloc&) {  // one after another takes less, and an error says for which shape
  for (const Array& array : arrays) (void)array.raw();
}

Evaluation::Evaluation(const Elementwise& last) { prepare(&last, {}); }
Evaluation::Evaluation(std::span<const Array> wanted) { prepare(nullptr, wanted); }

void Evaluation::prepare(const Elementwise* last, std::span<const Array> wanted) {
  try {
    while (!collect(last, wanted)) {
    }
    place(last != nullptr);
    if (last == nullptr) take_over_spent();
    allocate_stored();
    look_ahead();
    if (!is_one_pass()) make_calls();
  } catch (...) {
    free_stored();
    release_claims();
    throw;
  }
}

Evaluation::~Evaluation() {
  free_stored();
  release_claims();
}

void Evaluation::allocate_stored() {
  for (Step& step : steps_)
    if (step.is_stored && step.stored == nullptr)
      step.stored = static_cast<std::byte*>(pool::allocate(step.buffer->bytes));
}

void Evaluation::free_stored() noexcept {
  for (const Step& step : steps_)
    if (step.stored != nullptr && step.from == nullptr) pool::deallocate(step.stored, step.buffer->bytes);
}

void Evaluation::release_claims() {
  for (Array::Buffer* buffer : claimed_) Array::release_claim(*buffer);
  claimed_.clear();
}

template <class Known, class Fresh>
bool Evaluation::meet(const Array& array, const Known& known, const Fresh& fresh) {
  if (!array.is_deferred()) return true;
  Array::Buffer* const buffer = array.buffer();
  const auto step =
      std::find_if(steps_.begin(), steps_.end(), [&](const Step& each) { return each.buffer == buffer; });
  if (step != steps_.end()) {
    known(*step, static_cast<int>(step - steps_.begin()));
    return true;
  }
  claimed_.reserve(claimed_.size() + 1);
  if (!Array::claim(*buffer)) {
    // While we wait for it, as another thread may then compute what holds the array, and let go of it.
    const Array held = array;  // NOLINT(performance-unnecessary-copy-initialization)
    release_claims();
    Array::wait_for(*buffer);
    return false;
  }
  claimed_.push_back(buffer);
  // Somebody may have computed it before we got it.
  if (const Deferred* deferred = buffer->deferred)
    if (const Elementwise* pass = deferred->elementwise()) fresh(*pass, buffer);
  return true;
}

// What an array is computed from, before the array: a walk with a path of its own, as the graph may be deep.
bool Evaluation::collect(const Elementwise* last, std::span<const Array> wanted) {
  steps_.clear();
  std::vector<Step> path;
  const auto enter = [&](const Elementwise& pass, Array::Buffer* buffer) {
    Step step;
    step.pass = &pass;
    step.buffer = buffer;
    step.item = item_size(pass.dtype());
    path.push_back(step);
  };
  const auto walk = [&] {
    while (!path.empty()) {
      const std::size_t depth = path.size();
      const auto operands = path.back().pass->operands();
      const std::size_t next = path.back().next;
      if (next == operands.size()) {
        const Step done = path.back();
        path.pop_back();
        steps_.push_back(done);
        if (!path.empty()) {
          path.back().steps[path.back().next++] = static_cast<int>(steps_.size() - 1);
          ++steps_.back().uses;
        }
        continue;
      }
      const Array& operand = operands[next];
      path.back().items[next] = item_size(operand.dtype());
      int from = -1;
      const auto known = [&](Step& step, int index) {
        from = index;
        ++step.uses;
      };
      if (!meet(operand, known, enter)) return false;
      if (path.size() != depth) continue;  // it comes first
      if (from >= 0)
        path.back().steps[next] = from;
      else
        path.back().elements[next] = static_cast<const std::byte*>(operand.raw());
      ++path.back().next;
    }
    return true;
  };
  if (last != nullptr) {
    enter(*last, nullptr);
    return walk();
  }
  for (const Array& array : wanted) {
    const auto fresh = [&](const Elementwise& pass, Array::Buffer* buffer) {
      enter(pass, buffer);
      path.back().is_wanted = true;
    };
    if (!meet(
            array, [](Step& step, int) { step.is_wanted = true; }, fresh) ||
        !walk())
      return false;
  }
  return true;
}

// What reads others that pass by would have them computed again, too, and rows that repeat take longer to
// read.
bool Evaluation::reads_memory(const Step& step) {
  return (step.pass->is_in_order || step.pass->layout() != nullptr) &&
         std::ranges::all_of(step.steps, [](int from) { return from < 0; });
}

void Evaluation::place(bool has_last) {
  for (Step& step : steps_) {
    if (has_last && &step == &steps_.back()) break;
    const bool is_held = step.buffer->references.load(std::memory_order_acquire) > step.uses;
    step.is_passed = is_held && !step.is_wanted && step.pass->kind.is_cheap && !step.pass->was_passed &&
                     step.buffer->bytes >= far_bytes && reads_memory(step);
    step.is_stored = step.is_wanted || (is_held && !step.is_passed);
  }
  join_steps();
  place_in_slots(has_last);
}

void Evaluation::join_steps() {
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    Step& step = steps_[i];
    const PassKind& kind = step.pass->kind;
    if (kind.arithmetic == Arithmetic::other || !is_floating(step.pass->dtype()) || !step.pass->is_in_order)
      continue;
    for (const std::size_t k : {0, 1}) {
      if (step.steps[k] < 0) continue;
      Step& first = steps_[static_cast<std::size_t>(step.steps[k])];
      if (first.uses != 1 || first.is_stored || first.two_steps != nullptr || !first.pass->is_in_order)
        continue;
      step.two_steps =
          two_step_loop(step.pass->dtype(), first.pass->kind.arithmetic, kind.arithmetic, k == 1);
      if (step.two_steps == nullptr) continue;
      step.first = step.steps[k];
      first.done_in = static_cast<int>(i);
      break;
    }
  }
}

void Evaluation::place_in_slots(bool has_last) {
  std::size_t widest = 1;
  std::vector<std::size_t> last_use(steps_.size());
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    widest = std::max(widest, steps_[i].item);
    for (const int from : steps_[i].steps)
      if (from >= 0)
        last_use[static_cast<std::size_t>(from)] =
            std::max(last_use[static_cast<std::size_t>(from)], reader(i));
  }
  // Loops that are called alone take little time before they begin: less may be computed at a time, and more
  // of it is in the nearest cache.
  const bool are_loops = std::ranges::all_of(
      steps_, [](const Step& step) { return step.done_in >= 0 || step.pass->pack_loop() != nullptr; });
  block_bytes_ = are_loops ? 4096 : 8192;
  block_ = block_bytes_ / static_cast<std::int64_t>(widest);
  std::vector<int> free;
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    Step& step = steps_[i];
    if (has_last && i + 1 == steps_.size()) break;
    if (!step.is_stored && step.done_in < 0) {
      if (free.empty()) free.push_back(static_cast<int>(slots_++));
      step.slot = free.back();
      free.pop_back();
    }
    for (std::size_t from = 0; from < i; ++from)
      if (last_use[from] == i && steps_[from].slot >= 0) free.push_back(steps_[from].slot);
  }
}

// A pass stays, and so what it reads, if it is not stored and somebody else may compute it, or a pass that
// stays reads it.
std::vector<Evaluation::Spent> Evaluation::spent() const {
  std::vector<char> stays(steps_.size());
  for (std::size_t i = steps_.size(); i-- > 0;) {
    if (steps_[i].is_passed) stays[i] = 1;
    if (stays[i] != 0)
      for (const int from : steps_[i].steps)
        if (from >= 0 && !steps_[static_cast<std::size_t>(from)].is_stored)
          stays[static_cast<std::size_t>(from)] = 1;
  }
  std::vector<Spent> found;
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    if (stays[i] != 0) continue;
    const auto operands = steps_[i].pass->operands();
    for (std::size_t k = 0; k < operands.size(); ++k) {
      if (steps_[i].steps[k] >= 0 || !operands[k].shared_) continue;
      Array::Buffer* const buffer = operands[k].buffer();
      // Where buffer and elements are one block of memory, they go together.
      if (!buffer->is_apart || buffer->kind != Array::Kind::computed) continue;
      auto at = std::ranges::find(found, buffer, &Spent::buffer);
      if (at == found.end()) at = found.insert(at, Spent{.buffer = buffer});
      at->last = std::max(at->last, reader(i));
      ++at->uses;
      at->is_in_order =
          at->is_in_order && steps_[i].pass->is_in_order && operands[k].size() == steps_[i].pass->size();
    }
  }
  std::erase_if(found, [](const Spent& each) {
    return !each.is_in_order || each.buffer->references.load(std::memory_order_acquire) != each.uses;
  });
  return found;
}

// After the step that reads the memory last, not in it: a loop's last pack overlaps the one before.
void Evaluation::take_over_spent() {
  if (!fits_on_stack()) return;  // to allocate while it runs may fail, when values are gone already
  std::vector<Spent> left = spent();
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    if (!steps_[i].is_stored) continue;
    const auto fits = [&](const Spent& each) {
      return each.last < i && each.buffer->bytes == steps_[i].buffer->bytes;
    };
    const auto at = std::ranges::find_if(left, fits);
    if (at == left.end()) continue;
    steps_[i].from = at->buffer;
    steps_[i].stored = static_cast<std::byte*>(at->buffer->elements.load(std::memory_order_acquire));
    left.erase(at);
  }
}

// One array for each pass, evenly: a pass that computes little is otherwise held up by what it reads, while
// one that computes much leaves the memory idle.
void Evaluation::look_ahead() {
  struct Far {
    const std::byte* elements;
    std::size_t item;
  };
  std::vector<Far> far;
  const auto add = [&](const std::byte* elements, std::size_t item) {
    if (std::ranges::find(far, elements, &Far::elements) == far.end()) far.push_back({elements, item});
  };
  for (const Step& step : steps_) {
    const auto operands = step.pass->operands();
    for (std::size_t k = 0; k < operands.size(); ++k)
      if (step.elements[k] != nullptr && operands[k].size() == step.pass->size())
        add(step.elements[k], step.items[k]);
    if (step.stored != nullptr && step.from == nullptr) add(step.stored, step.item);
  }
  std::vector<Step*> running;
  for (Step& step : steps_)
    if (step.done_in < 0) running.push_back(&step);
  const std::size_t count = std::min(far.size(), running.size());
  for (std::size_t i = 0; i < count; ++i) {
    Step& step = *running[i * running.size() / count];
    step.ahead = far[i].elements;
    step.ahead_item = far[i].item;
  }
}

void Evaluation::finish() {
  std::vector<std::unique_ptr<Deferred>> done;
  done.reserve(steps_.size());
  for (Step& step : steps_)
    if (step.stored != nullptr) {
      done.emplace_back(std::exchange(step.buffer->deferred, nullptr));
      step.buffer->elements.store(std::exchange(step.stored, nullptr), std::memory_order_release);
      if (step.from != nullptr) step.from->elements.store(nullptr, std::memory_order_relaxed);
    } else if (step.is_passed) {
      step.pass->was_passed = true;
    }
  release_claims();  // before what they hold goes
}

}  // namespace chainrule::kernels
