// What an evaluation does block by block: loops that are called, passes that are run.

#include <algorithm>
#include <optional>

#include "kernels/evaluation.h"
#include "kernels/pack_rows.h"
#include "kernels/steps.h"

namespace chainrule::kernels {
namespace {

/// A pack of the widest instruction set has no more elements.
constexpr std::int64_t widest_pack = 16;

}  // namespace

Evaluation::Place Evaluation::place_of(const Step& step) const {
  return {.base = step.stored, .item = static_cast<std::int64_t>(step.item), .slot = step.slot};
}

void Evaluation::add_operand(Call& call, const Step& step, std::size_t which) {
  Place& place = call.from[call.operands++];
  if (step.steps[which] >= 0) {
    place = place_of(steps_[static_cast<std::size_t>(step.steps[which])]);
    return;
  }
  place = {.base = step.elements[which], .item = static_cast<std::int64_t>(step.items[which])};
  const std::int64_t size = step.pass->operands()[which].size();
  if (call.loop == nullptr || size == step.pass->size()) return;
  auto& pack = numbers_.emplace_back();  // zeros, if the operand is not read
  if (size == 1) fill(pack.data(), std::ssize(pack) / place.item, place.base, step.items[which]);
  place.base = pack.data();
  place.moves = false;
}

// What does not change from block to block: a pass over one takes less time than finding it out does.
void Evaluation::make_calls() {
  calls_.reserve(steps_.size());
  numbers_.reserve(steps_.size() * Elementwise::most_operands);  // they stay where they are
  for (const Step& step : steps_) {
    if (step.done_in >= 0) continue;
    Call call{};
    call.pass = step.pass;
    call.loop = step.two_steps != nullptr ? step.two_steps : step.pass->pack_loop();
    if (call.loop != nullptr) call.run = call.loop->run.chosen();
    if (step.two_steps != nullptr) {
      const Step& first = steps_[static_cast<std::size_t>(step.first)];
      for (const std::size_t k : {0, 1}) add_operand(call, first, k);
      add_operand(call, step, step.steps[0] == step.first ? 1 : 0);
    } else {
      for (std::size_t k = 0; k < step.pass->operands().size(); ++k) add_operand(call, step, k);
    }
    call.to = place_of(step);
    call.ahead = {.base = step.ahead, .item = static_cast<std::int64_t>(step.ahead_item)};
    calls_.push_back(call);
  }
}

void Evaluation::run(std::int64_t begin, std::int64_t end, void* out) const {
  if (steps_.empty()) return;
  if (is_one_pass()) return steps_[0].pass->run(begin, end, steps_[0].elements.data(), out, nullptr);
  const bool has_last = steps_.back().buffer == nullptr;
  alignas(64) std::byte on_stack[bytes_on_stack];
  std::optional<Array> more;
  if (!fits_on_stack()) more.emplace(Shape{slots_ * block_bytes_}, DType::boolean);
  std::byte* const slots = more ? static_cast<std::byte*>(more->mutable_raw()) : on_stack;
  for (std::int64_t from = begin; from < end; from += block_) {
    const std::int64_t to = std::min(from + block_, end);
    const auto at = [&](const Place& place) {
      return place.slot >= 0 ? slots + place.slot * block_bytes_
                             : place.base + (place.moves ? from * place.item : 0);
    };
    for (const Call& call : calls_) {
      std::byte* const result = has_last && &call == &calls_.back()
                                    ? static_cast<std::byte*>(out) + (from - begin) * call.to.item
                                    : const_cast<std::byte*>(at(call.to));
      const std::byte* const ahead =
          call.ahead.base == nullptr || to == end ? nullptr : call.ahead.base + to * call.ahead.item;
      if (call.loop == nullptr) {
        std::array<const std::byte*, Elementwise::most_operands> bases{};
        for (std::size_t k = 0; k < call.operands; ++k)
          if (call.from[k].slot >= 0 || call.from[k].base != nullptr)
            bases[k] = at(call.from[k]) - from * call.from[k].item;
        call.pass->run(from, to, bases.data(), result, ahead);
        continue;
      }
      PackRows block{.count = to - from,
                     .rows = 1,
                     .operands = {},
                     .moves = {},
                     .steps = {},
                     .out = result,
                     .ahead = ahead == nullptr ? result : ahead};
      for (std::size_t k = 0; k < call.operands; ++k) {
        block.operands[k] = at(call.from[k]);
        block.moves[k] = call.from[k].moves ? -1 : 0;
      }
      if (block.count >= widest_pack) {
        call.run(&block);
        continue;
      }
      Stretch few{block.count, 1, block.operands, {}, {}, result, result};
      for (std::size_t k = 0; k < call.operands; ++k) few.strides[k] = call.from[k].moves ? 1 : 0;
      (*call.loop)(few);
    }
  }
}

}  // namespace chainrule::kernels
