// Recycled memory for nodes and values: up to 16 kB through lists of each thread's own, larger blocks and
// what is too much for such a list through one behind a mutex. Fresh pages cost more than most operations: an
// aligned block of the system took 44 of the 65 ns of a scalar sum, and a cross-entropy over 50 MB half as
// long where pages were kept. Thread-safe; a block may be given back by any thread.

#pragma once

#include <array>
#include <bit>
#include <cstddef>

#if defined(__SANITIZE_ADDRESS__)
#define CHAINRULE_POOL_OFF 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define CHAINRULE_POOL_OFF 1
#endif
#endif
#ifndef CHAINRULE_POOL_OFF
#define CHAINRULE_POOL_OFF 0  // recycling would hide use after free from the address sanitizer
#endif

namespace chainrule::pool {

/// At least `bytes` bytes, aligned to 64. Throws std::bad_alloc.
void* allocate(std::size_t bytes);
/// `bytes` as in the call that allocated.
void deallocate(void* block, std::size_t bytes) noexcept;

struct Statistics {
  std::size_t system_allocations = 0;  ///< how often the system was asked for memory
  std::size_t cached_bytes = 0;        ///< large blocks that wait to be used again
};
Statistics statistics();

namespace detail {

constexpr std::size_t alignment = 64;
// Size classes: every multiple of 64 up to 2048, cut from slabs; then four per power of two, each a block of
// its own, so that at most a quarter of it is unused.
constexpr std::size_t fine_limit = 2048, fine_classes = fine_limit / alignment, small_limit = 16384;
constexpr std::size_t class_of(std::size_t bytes) {
  if (bytes <= fine_limit) return bytes == 0 ? 0 : (bytes - 1) / alignment;
  const auto power = static_cast<std::size_t>(std::bit_width(bytes - 1)) - 1;  // of two, below `bytes`
  return fine_classes + 4 * (power - 11) + ((bytes - 1) >> (power - 2)) - 4;
}
constexpr std::size_t bytes_of(std::size_t size_class) {
  if (size_class < fine_classes) return (size_class + 1) * alignment;
  const std::size_t coarse = size_class - fine_classes;
  return (5 + coarse % 4) << (coarse / 4 + 9);
}
constexpr std::size_t class_count = class_of(small_limit) + 1;
static_assert(class_of(fine_limit + 1) == fine_classes && bytes_of(fine_classes) == fine_limit * 5 / 4 &&
              bytes_of(class_count - 1) == small_limit);

/// A block that waits to be used again. Lists of blocks are made of the blocks themselves, so that giving
/// memory back never needs any.
struct FreeBlock {
  FreeBlock* next;
  FreeBlock* next_chain;  // of the first block of a chain among the shared ones,
  std::size_t length;     // and how many it has
};

/// The blocks of one size that a thread has at hand.
struct List {
  FreeBlock* head = nullptr;
  std::size_t length = 0;
  void push(FreeBlock* block) {
    block->next = head;
    head = block;
    ++length;
  }
  FreeBlock* pop() {
    FreeBlock* block = head;
    head = block->next;
    --length;
    return block;
  }
};

struct ThreadLists {
  std::array<List, class_count> lists;
  /// A list as long as this spills. Zero until the thread's end is taken care of, and from then on.
  std::array<std::size_t, class_count> spill_at{};
  bool ended = false;
};
// initial-exec and constant-initialised: an access is one instruction, without a guard.
[[gnu::tls_model("initial-exec")]] extern constinit thread_local ThreadLists mine;

void* allocate_slowly(std::size_t bytes);
void deallocate_slowly(void* block, std::size_t bytes) noexcept;

}  // namespace detail

inline void* allocate(std::size_t bytes) {
  if (CHAINRULE_POOL_OFF || bytes > detail::small_limit) return detail::allocate_slowly(bytes);
  detail::List& list = detail::mine.lists[detail::class_of(bytes)];
  if (list.head == nullptr) [[unlikely]]
    return detail::allocate_slowly(bytes);
  return list.pop();
}

inline void deallocate(void* block, std::size_t bytes) noexcept {
  if (CHAINRULE_POOL_OFF || bytes > detail::small_limit) return detail::deallocate_slowly(block, bytes);
  const std::size_t size_class = detail::class_of(bytes);
  detail::List& list = detail::mine.lists[size_class];
  if (list.length >= detail::mine.spill_at[size_class]) [[unlikely]]
    return detail::deallocate_slowly(block, bytes);
  list.push(static_cast<detail::FreeBlock*>(block));
}

}  // namespace chainrule::pool
