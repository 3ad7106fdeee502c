// What of an array is not on the fast path: elements that wait to be computed or belong to others, and the
// errors for those that do not fit.

#include "array/array.h"

#include <unistd.h>

#include <algorithm>

#include "array/argument_error.h"
#include "chainrule/error.h"
#include "chainrule/memory.h"

namespace chainrule {

void report_unaddressable(const Shape& shape, DType dtype) {
  throw ShapeError("shape " + to_string(shape) + ": too many elements; in " + std::string(to_string(dtype)) +
                   " they take 2⁶³ bytes or more");
}

void report_unexpected(DType dtype) {
  const std::string given(to_string(dtype));
  if (!is_only_stored(dtype))
    throw DTypeError("dispatch: takes float32 or float64, not " + given + "; cast it first");
  throw DTypeError("dispatch: nothing is computed in " + given + " itself; cast to " +
                   std::string(to_string(computed_in(dtype))) + " first");
}

Array new_array(std::string_view operation, const Shape& shape, DType dtype) {
  try {
    return {shape, dtype};
  } catch (const ShapeError& error) {
    throw ShapeError(std::string(operation) + ": " + error.what());
  } catch (const MemoryError& error) {
    throw MemoryError(std::string(operation) + ": " + error.what());
  }
}

[[gnu::tls_model("initial-exec")]] static constinit thread_local std::size_t most_bytes = ~std::size_t{0};

static std::string bytes_for(std::size_t bytes, const Shape& shape, DType dtype) {
  return std::to_string(bytes) + " bytes for shape " + to_string(shape) + " in " +
         std::string(to_string(dtype));
}

static void require_allowed(std::size_t bytes, const Shape& shape, DType dtype) {
  if (bytes > most_bytes) [[unlikely]]
    throw MemoryError("too large: " + bytes_for(bytes, shape, dtype) + "; at most " +
                      std::to_string(most_bytes) + " are allowed here");
}

[[noreturn]] static void report_out_of_memory(std::size_t bytes, const Shape& shape, DType dtype) {
  throw MemoryError("out of memory: " + bytes_for(bytes, shape, dtype));
}

static std::size_t memory_of_the_machine() {
  static const std::size_t bytes =
      static_cast<std::size_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  return bytes;
}

Array::Array(Shape shape, DType dtype, Kind kind, void* elements, std::unique_ptr<Deferred> deferred)
    : shape_(std::move(shape)), dtype_(dtype) {
  void* const memory = pool::allocate(sizeof(Buffer));
  storage_.buffer = new (memory) Buffer{.is_apart = true,
                                        .kind = kind,
                                        .bytes = byte_count(),
                                        .elements = elements,
                                        .deferred = deferred.release()};
  shared_ = true;
}

Array::Array(Shape shape, DType dtype, std::unique_ptr<Deferred> deferred) {
  const std::size_t bytes = bytes_of(shape, dtype);
  // Here, where the operation is known, not when somebody reads them.
  require_allowed(bytes, shape, dtype);
  if (bytes > memory_of_the_machine()) report_out_of_memory(bytes, shape, dtype);
  const Kind kind = deferred->permutes(shape) != nullptr ? Kind::permuted : Kind::computed;
  *this = Array(std::move(shape), dtype, kind, nullptr, std::move(deferred));
}

Array Array::traced_by(Shape shape, DType dtype, std::unique_ptr<Deferred> traced) {
  (void)bytes_of(shape, dtype);  // its error
  return {std::move(shape), dtype, Kind::traced, nullptr, std::move(traced)};
}

namespace {

/// Holds elements that need not be computed.
template <class Owner>
struct Holder : Deferred {
  explicit Holder(Owner held) : owner(std::move(held)) {}
  void compute(void*) const override {}
  Owner owner;
};

}  // namespace

Array Array::of_others(Shape shape, DType dtype, std::shared_ptr<const void> elements) {
  const std::size_t bytes = bytes_of(shape, dtype);
  Array array;
  array.shape_ = std::move(shape);
  array.dtype_ = dtype;
  if (bytes == 0) return array;
  if (elements == nullptr || reinterpret_cast<std::uintptr_t>(elements.get()) % item_size(dtype) != 0)
    throw ArgumentError("from_blob: the address of the elements is " +
                        std::string(elements == nullptr ? "null" : "not aligned for their type"));
  if (bytes <= sizeof array.storage_) {
    std::memcpy(array.storage_.local, elements.get(), bytes);
    return array;
  }
  void* const first = const_cast<void*>(elements.get());
  return {std::move(array.shape_), dtype, Kind::foreign, first,
          std::make_unique<Holder<std::shared_ptr<const void>>>(std::move(elements))};
}

Array Array::part_of(const Array& whole, std::int64_t first, Shape shape) {
  const void* const elements = static_cast<const std::byte*>(whole.raw()) +
                               first * static_cast<std::int64_t>(item_size(whole.dtype()));
  return {std::move(shape), whole.dtype(), Kind::part, const_cast<void*>(elements),
          std::make_unique<Holder<Array>>(whole)};
}

void* Array::compute() const {
  Buffer& buffer = *storage_.buffer;
  if (buffer.kind == Kind::traced) return const_cast<void*>(buffer.deferred->elements_elsewhere());
  const Waiting waiting(buffer);
  if (void* computed = buffer.elements.load(std::memory_order_acquire)) return computed;
  const auto give_back = [&](void* memory) { pool::deallocate(memory, buffer.bytes); };
  std::unique_ptr<void, decltype(give_back)> memory(allocate_elements(buffer.bytes), give_back);
  buffer.deferred->compute(memory.get());
  if (!buffer.deferred->stays()) delete std::exchange(buffer.deferred, nullptr);
  buffer.elements.store(memory.get(), std::memory_order_release);
  return memory.release();
}

TensorLimit::TensorLimit(std::size_t bytes) : before_(most_bytes) {
  most_bytes = std::min(most_bytes, bytes);
}
TensorLimit::~TensorLimit() { most_bytes = before_; }

void* Array::allocate_elements(std::size_t bytes) const {
  if (bytes > most_bytes) [[unlikely]]  // with what comes before the elements
    require_allowed(byte_count(), shape_, dtype_);
  try {
    return pool::allocate(bytes);
  } catch (const std::bad_alloc&) {
    report_out_of_memory(byte_count(), shape_, dtype_);
  }
}

void Array::allocate(std::size_t bytes) {
  void* memory = allocate_elements(sizeof(Buffer) + bytes);
  storage_.buffer = new (memory) Buffer{.bytes = bytes, .elements = static_cast<Buffer*>(memory) + 1};
  shared_ = true;
}

void Array::destroy(Buffer* buffer) noexcept {
  if (!buffer->is_apart) return pool::deallocate(buffer, sizeof(Buffer) + buffer->bytes);
  delete buffer->deferred;
  void* const elements = buffer->elements.load(std::memory_order_relaxed);  // the last reference is ours
  const bool owns_elements = buffer->kind == Kind::computed || buffer->kind == Kind::permuted;
  if (elements != nullptr && owns_elements) pool::deallocate(elements, buffer->bytes);
  pool::deallocate(buffer, sizeof(Buffer));
}

}  // namespace chainrule
