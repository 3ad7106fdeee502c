#include "array/array.h"

namespace chainrule {

Array::Array(Shape shape, DType dtype, std::unique_ptr<Deferred> deferred)
    : shape_(std::move(shape)), dtype_(dtype) {
  void* memory = pool::allocate(sizeof(Buffer));
  storage_.buffer = new (memory)
      Buffer{.is_apart = true, .bytes = byte_count(), .elements = nullptr, .deferred = deferred.release()};
  shared_ = true;
}

void* Array::compute() const {
  Buffer& buffer = *storage_.buffer;
  const Waiting waiting(buffer);
  if (void* computed = buffer.elements.load(std::memory_order_acquire)) return computed;
  const auto give_back = [&](void* memory) { pool::deallocate(memory, buffer.bytes); };
  std::unique_ptr<void, decltype(give_back)> memory(pool::allocate(buffer.bytes), give_back);
  buffer.deferred->compute(memory.get());
  delete std::exchange(buffer.deferred, nullptr);
  buffer.elements.store(memory.get(), std::memory_order_release);
  return memory.release();
}

void Array::allocate(std::size_t bytes) {
  void* memory = pool::allocate(sizeof(Buffer) + bytes);
  storage_.buffer = new (memory) Buffer{.bytes = bytes, .elements = static_cast<Buffer*>(memory) + 1};
  shared_ = true;
}

void Array::destroy(Buffer* buffer) noexcept {
  if (!buffer->is_apart) return pool::deallocate(buffer, sizeof(Buffer) + buffer->bytes);
  delete buffer->deferred;
  if (void* elements = buffer->elements.load(std::memory_order_relaxed))  // the last reference is ours
    pool::deallocate(elements, buffer->bytes);
  pool::deallocate(buffer, sizeof(Buffer));
}

}  // namespace chainrule
