// The recycled memory: lists of each thread's own for small blocks, and one behind a mutex for all others.
// Pages go back to the system only on demand or beyond the limit of chainrule/memory.h.

#include "array/pool.h"

#include <array>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <mutex>
#include <new>
#include <type_traits>
#include <utility>

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

/// In the place of the first block of each slab, which is not handed out, so that counting its blocks takes
/// no memory.
struct Slab {
  Slab* next;
  std::size_t waiting;
  static Slab& of(FreeBlock* block) {
    // NOLINTNEXTLINE(performance-no-int-to-ptr)
    return *reinterpret_cast<Slab*>(reinterpret_cast<std::uintptr_t>(block) & ~(slab_bytes - 1));
  }
  static constexpr std::size_t blocks(std::size_t size_class) {
    return slab_bytes / bytes_of(size_class) - 1;
  }
};

/// The lists that threads fill from and spill to. Blocks travel in chains of one batch.
class SharedLists {
 public:
  List take(std::size_t size_class) {
    const std::lock_guard lock(mutex_);
    FreeBlock* const chain = chains_[size_class];
    if (chain == nullptr) return carve(size_class);
    chains_[size_class] = chain->next_chain;
    return {chain, chain->length};
  }
  void give(std::size_t size_class, List chain) {
    if (chain.length == 0) return;
    const std::lock_guard lock(mutex_);
    push(size_class, chain);
  }
  /// Gives back to the system every slab of which all blocks are here.
  void release() {
    const std::lock_guard lock(mutex_);
    for (std::size_t size_class = 0; size_class < fine_classes; ++size_class) {
      for_each(chains_[size_class], [](FreeBlock* block) { Slab::of(block).waiting = 0; });
      for_each(chains_[size_class], [](FreeBlock* block) { ++Slab::of(block).waiting; });
      List rest;
      Slab* whole = nullptr;
      for_each(std::exchange(chains_[size_class], nullptr), [&](FreeBlock* block) {
        Slab& slab = Slab::of(block);
        if (slab.waiting == Slab::blocks(size_class)) {  // and here is the first of them
          slab.next = std::exchange(whole, &slab);
          slab.waiting = all_gone;
        } else if (slab.waiting != all_gone) {
          rest.push(block);
        }
      });
      while (whole != nullptr) std::free(std::exchange(whole, whole->next));
      if (rest.length != 0) push(size_class, rest);
    }
  }

 private:
  static constexpr std::size_t all_gone = ~std::size_t{0};
  void push(std::size_t size_class, List chain) {
    chain.head->next_chain = std::exchange(chains_[size_class], chain.head);
    chain.head->length = chain.length;
  }
  /// visit(block) may reuse the block as it likes.
  template <class Visit>
  static void for_each(FreeBlock* chain, const Visit& visit) {
    while (chain != nullptr) {
      FreeBlock* block = chain;
      chain = chain->next_chain;
      while (block != nullptr) visit(std::exchange(block, block->next));
    }
  }
  static List carve(std::size_t size_class) {
    auto* slab = static_cast<std::byte*>(from_system(slab_bytes, slab_bytes));
    const std::size_t bytes = bytes_of(size_class);
    List list;
    for (std::size_t i = Slab::blocks(size_class); i > 0; --i)
      list.push(reinterpret_cast<FreeBlock*>(slab + i * bytes));
    return list;
  }

  std::mutex mutex_;
  std::array<FreeBlock*, fine_classes> chains_{};
};

// Neither is ever destroyed, as every static tensor may use them.
constinit SharedLists shared_lists;
static_assert(std::is_trivially_destructible_v<SharedLists>);

// ---- Large blocks --------------------------------------------------------------------------------

class LargeBlocks {
 public:
  void* take(std::size_t size_class) {
    const std::size_t bytes = bytes_of(size_class);
    {
      const std::lock_guard lock(mutex_);
      if (free_[size_class] != nullptr) {
        cached_ -= bytes;
        return std::exchange(free_[size_class], free_[size_class]->next);
      }
    }
    return from_system(bytes);
  }
  void give(void* memory, std::size_t size_class) {
    const std::size_t bytes = bytes_of(size_class);
    {
      const std::lock_guard lock(mutex_);
      if (cached_ + bytes <= limit_) {
        auto* block = static_cast<FreeBlock*>(memory);
        block->next = std::exchange(free_[size_class], block);
        cached_ += bytes;
        return;
      }
    }
    std::free(memory);
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
  /// The largest first.
  void trim(std::size_t to) {
    for (std::size_t size_class = free_.size(); size_class-- > 0;)
      while (free_[size_class] != nullptr && cached_ > to) {
        std::free(std::exchange(free_[size_class], free_[size_class]->next));
        cached_ -= bytes_of(size_class);
      }
  }

  std::mutex mutex_;
  std::array<FreeBlock*, class_of(PTRDIFF_MAX) + 1> free_{};
  std::size_t cached_ = 0;
  std::size_t limit_ = std::size_t{1} << 30;
};

constinit LargeBlocks large_blocks;
static_assert(std::is_trivially_destructible_v<LargeBlocks>);

// ---- The lists of a thread -------------------------------------------------------------------------

void give(std::size_t size_class, List chain) {
  if (size_class < fine_classes) return shared_lists.give(size_class, chain);
  while (chain.length != 0) large_blocks.give(chain.pop(), size_class);
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
  FreeBlock* last = list.head;
  for (std::size_t i = 1; i < keep; ++i) last = last->next;
  const List chain = {std::exchange(last->next, nullptr), list.length - keep};
  list.length = keep;
  give(size_class, chain);
}

}  // namespace

void* detail::allocate_slowly(std::size_t bytes) {
  if (CHAINRULE_POOL_OFF) return from_system(bytes);
  if (bytes > PTRDIFF_MAX) throw std::bad_alloc();
  if (bytes > fine_limit) return large_blocks.take(class_of(bytes));
  prepare_thread();
  const std::size_t size_class = class_of(bytes);
  mine.lists[size_class] = shared_lists.take(size_class);
  void* const block = mine.lists[size_class].pop();
  if (mine.ended) spill(size_class);
  return block;
}

void detail::deallocate_slowly(void* block, std::size_t bytes) noexcept {
  if (CHAINRULE_POOL_OFF) return std::free(block);
  if (bytes > small_limit) return large_blocks.give(block, class_of(bytes));
  prepare_thread();
  const std::size_t size_class = class_of(bytes);
  mine.lists[size_class].push(static_cast<FreeBlock*>(block));
  if (mine.lists[size_class].length >= mine.spill_at[size_class]) spill(size_class);
}

Statistics statistics() {
  return {system_allocations.load(std::memory_order_relaxed), large_blocks.cached()};
}

}  // namespace chainrule::pool

namespace chainrule {

void set_memory_cache_limit(std::size_t bytes) { pool::large_blocks.limit(bytes); }

void release_cached_memory() {
  pool::give_all_back();
  pool::shared_lists.release();
  pool::large_blocks.release();
}

}  // namespace chainrule
