#include "array/pool.h"

#include <array>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <mutex>
#include <new>
#include <unordered_map>
#include <utility>
#include <vector>

#include "chainrule/memory.h"

namespace chainrule::pool {

constinit thread_local detail::ThreadLists detail::mine;

namespace {

using namespace detail;
constexpr std::size_t slab_bytes = std::size_t{64} << 10;

std::atomic<std::size_t> system_allocations{0};

void* from_system(std::size_t bytes, std::size_t align = alignment) {
  system_allocations.fetch_add(1, std::memory_order_relaxed);
  if (void* block = std::aligned_alloc(align, (bytes + align - 1) / align * align)) return block;
  throw std::bad_alloc();
}

// ---- Small blocks --------------------------------------------------------------------------------

/// How many blocks a thread keeps when it has twice as many: enough to make the lock cheap.
constexpr std::size_t batch(std::size_t size_class) {
  return size_class < fine_classes ? 16384 / bytes_of(size_class) + 8 : 65536 / bytes_of(size_class);
}

/// The lists that threads fill from and spill to. Blocks travel in chains of one batch.
class SharedLists {
 public:
  List take(std::size_t size_class) {
    const std::lock_guard lock(mutex_);
    auto& chains = chains_[size_class];
    if (chains.empty()) return carve(size_class);
    const List chain = chains.back();
    chains.pop_back();
    return chain;
  }
  void give(std::size_t size_class, List chain) {
    if (chain.length == 0) return;
    const std::lock_guard lock(mutex_);
    chains_[size_class].push_back(chain);
  }
  /// Gives back to the system every slab of which all blocks are here.
  void release() {
    const std::lock_guard lock(mutex_);
    for (std::size_t size_class = 0; size_class < fine_classes; ++size_class) {
      const std::size_t capacity = slab_bytes / bytes_of(size_class);
      std::unordered_map<std::uintptr_t, std::vector<Block*>> by_slab;
      for (const List& chain : chains_[size_class])
        for (Block* block = chain.head; block != nullptr; block = block->next)
          by_slab[reinterpret_cast<std::uintptr_t>(block) & ~(slab_bytes - 1)].push_back(block);
      List rest;
      for (auto& [slab, blocks] : by_slab)
        if (blocks.size() == capacity)
          std::free(reinterpret_cast<void*>(slab));  // NOLINT(performance-no-int-to-ptr)
        else
          for (Block* block : blocks) rest.push(block);
      chains_[size_class].clear();
      if (rest.length != 0) chains_[size_class].push_back(rest);
    }
  }

 private:
  static List carve(std::size_t size_class) {
    auto* slab = static_cast<std::byte*>(from_system(slab_bytes, slab_bytes));
    const std::size_t bytes = bytes_of(size_class);
    List list;
    for (std::size_t i = slab_bytes / bytes; i-- > 0;) list.push(reinterpret_cast<Block*>(slab + i * bytes));
    return list;
  }

  std::mutex mutex_;
  std::array<std::vector<List>, fine_classes> chains_;
};

SharedLists& shared_lists() {
  static auto* lists = new SharedLists;  // outlives every static tensor
  return *lists;
}

// ---- Large blocks --------------------------------------------------------------------------------

class LargeBlocks {
 public:
  void* take(std::size_t bytes) {
    {
      const std::lock_guard lock(mutex_);
      const auto found = free_.find(bytes);
      if (found != free_.end() && !found->second.empty()) {
        void* block = found->second.back();
        found->second.pop_back();
        cached_ -= bytes;
        return block;
      }
    }
    return from_system(bytes);
  }
  void give(void* block, std::size_t bytes) {
    {
      const std::lock_guard lock(mutex_);
      if (cached_ + bytes <= limit_) {
        free_[bytes].push_back(block);
        cached_ += bytes;
        return;
      }
    }
    std::free(block);
  }
  void limit(std::size_t bytes) {
    const std::lock_guard lock(mutex_);
    limit_ = bytes;
    trim(bytes);
  }
  void release() {
    const std::lock_guard lock(mutex_);
    trim(0);
  }
  std::size_t cached() {
    const std::lock_guard lock(mutex_);
    return cached_;
  }

 private:
  void trim(std::size_t to) {
    for (auto largest = free_.rbegin(); largest != free_.rend() && cached_ > to; ++largest)
      while (!largest->second.empty() && cached_ > to) {
        std::free(largest->second.back());
        largest->second.pop_back();
        cached_ -= largest->first;
      }
  }

  std::mutex mutex_;
  std::map<std::size_t, std::vector<void*>> free_;
  std::size_t cached_ = 0;
  std::size_t limit_ = std::size_t{1} << 30;
};

LargeBlocks& large_blocks() {
  static auto* blocks = new LargeBlocks;
  return *blocks;
}

// ---- The lists of a thread -------------------------------------------------------------------------

void give(std::size_t size_class, List chain) {
  if (size_class < fine_classes) return shared_lists().give(size_class, chain);
  while (chain.length != 0) large_blocks().give(chain.pop(), bytes_of(size_class));
}

void give_all_back() {
  for (std::size_t size_class = 0; size_class < class_count; ++size_class)
    give(size_class, std::exchange(mine.lists[size_class], {}));
}

struct AtThreadEnd {
  AtThreadEnd() {
    for (std::size_t size_class = 0; size_class < class_count; ++size_class)
      mine.spill_at[size_class] = 2 * batch(size_class);
  }
  ~AtThreadEnd() {
    give_all_back();
    mine.spill_at.fill(0);
    mine.ended = true;
  }
};

/// Has what the thread keeps given back at its end. A block that comes later, as from the destructor of
/// another thread-local object, goes to the shared lists at once.
void prepare_thread() {
  static thread_local const AtThreadEnd at_end;
  (void)at_end;
}

/// Gives away what was freed first and keeps the order, so that blocks that lay one after another are handed
/// out so again: a large graph is then built and visited in the order that memory is read best in.
void spill(std::size_t size_class) {
  List& list = mine.lists[size_class];
  const std::size_t keep = batch(size_class);
  if (mine.ended) return give(size_class, std::exchange(list, {}));
  Block* last = list.head;
  for (std::size_t i = 1; i < keep; ++i) last = last->next;
  const List chain = {std::exchange(last->next, nullptr), list.length - keep};
  list.length = keep;
  give(size_class, chain);
}

}  // namespace

void* detail::allocate_slowly(std::size_t bytes) {
  if (CHAINRULE_POOL_OFF) return from_system(bytes);
  if (bytes > fine_limit) return large_blocks().take(bytes_of(class_of(bytes)));
  prepare_thread();
  const std::size_t size_class = class_of(bytes);
  mine.lists[size_class] = shared_lists().take(size_class);
  void* const block = mine.lists[size_class].pop();
  if (mine.ended) spill(size_class);
  return block;
}

void detail::deallocate_slowly(void* block, std::size_t bytes) noexcept {
  if (CHAINRULE_POOL_OFF) return std::free(block);
  if (bytes > small_limit) return large_blocks().give(block, bytes_of(class_of(bytes)));
  prepare_thread();
  const std::size_t size_class = class_of(bytes);
  mine.lists[size_class].push(static_cast<Block*>(block));
  if (mine.lists[size_class].length >= mine.spill_at[size_class]) spill(size_class);
}

Statistics statistics() {
  return {system_allocations.load(std::memory_order_relaxed), large_blocks().cached()};
}

}  // namespace chainrule::pool

namespace chainrule {

void set_memory_cache_limit(std::size_t bytes) { pool::large_blocks().limit(bytes); }

void release_cached_memory() {
  pool::give_all_back();
  pool::shared_lists().release();
  pool::large_blocks().release();
}

}  // namespace chainrule
