// An array: shape, dtype and elements, which lie in place, in shared memory, or wait to be computed. Below
// all else: it knows of the pool and of deferred elements, not of nodes, kernels or operations.

#pragma once

#include <atomic>
#include <cstdint>
#include <cstring>
#include <memory>
#include <utility>

#include "array/counting.h"
#include "array/deferred.h"
#include "array/pool.h"
#include "chainrule/dtype.h"
#include "chainrule/shape.h"

namespace chainrule {

namespace kernels {
class Evaluation;
}

[[noreturn]] void report_unaddressable(const Shape& shape, DType dtype);

/// Bytes that elements take. ShapeError when they cannot be counted or addressed. It is the one place that
/// every shape passes before there is a tensor of it.
inline std::size_t bytes_of(const Shape& shape, DType dtype) {
  std::int64_t bytes = 0;
  if (__builtin_mul_overflow(shape.size(), static_cast<std::int64_t>(item_size(dtype)), &bytes)) [[unlikely]]
    report_unaddressable(shape, dtype);
  return static_cast<std::size_t>(bytes);
}

/// Elements of a shape that has passed there.
inline std::int64_t count_of(const Shape& shape) {
  std::uint64_t count = 1;
  for (const std::int64_t axis : shape) count *= static_cast<std::uint64_t>(axis);
  return static_cast<std::int64_t>(count);
}

/// Row-major elements with a shape and a dtype: a value without any gradient. Copies share a buffer
/// until one of them is written to. Values of up to eight bytes, so every scalar, need no buffer.
class Array {
 public:
  Array() = default;
  /// Uninitialised elements. ShapeError for a shape that no tensor can have, MemoryError for one too large.
  Array(Shape shape, DType dtype) : shape_(std::move(shape)), dtype_(dtype) {
    if (const std::size_t bytes = bytes_of(shape_, dtype); bytes > sizeof storage_) allocate(bytes);
  }
  /// Elements that are computed when somebody reads them. For more than eight bytes.
  Array(Shape shape, DType dtype, std::unique_ptr<Deferred> deferred);
  /// An array that stands for others under a transform of functions, of any size: see graph/traced.h.
  static Array traced_by(Shape shape, DType dtype, std::unique_ptr<Deferred> traced);
  /// The elements of somebody else, who holds them through the pointer. They are never written to.
  /// std::invalid_argument where they are not aligned.
  static Array of_others(Shape shape, DType dtype, std::shared_ptr<const void> elements);
  /// Elements that follow one another in another array, from this one on: not copied, but held together with
  /// all others.
  static Array part_of(const Array& whole, std::int64_t first, Shape shape);
  /// A scalar.
  template <Element T>
  explicit Array(T scalar) : dtype_(dtype_of<T>) {
    std::memcpy(storage_.local, &scalar, sizeof scalar);
  }
  Array(const Array& other)
      : storage_(other.storage_), shape_(other.shape_), dtype_(other.dtype_), shared_(other.shared_) {
    if (shared_) fetch_add(storage_.buffer->references, 1U, std::memory_order_relaxed);
  }
  Array(Array&& other) noexcept
      : storage_(other.storage_),
        shape_(std::move(other.shape_)),
        dtype_(other.dtype_),
        shared_(std::exchange(other.shared_, false)) {}
  Array& operator=(Array other) noexcept {
    std::swap(storage_, other.storage_);
    std::swap(shape_, other.shape_);
    std::swap(dtype_, other.dtype_);
    std::swap(shared_, other.shared_);
    return *this;
  }
  ~Array() { release(); }

  const Shape& shape() const { return shape_; }
  DType dtype() const { return dtype_; }
  std::int64_t size() const { return count_of(shape_); }
  std::size_t byte_count() const { return static_cast<std::size_t>(size()) * item_size(dtype_); }

  const void* raw() const { return shared_ ? elements() : storage_.local; }
  template <Element T>
  const T* data() const {
    return static_cast<const T*>(raw());
  }
  /// Is it a scalar that stands for nothing else?
  bool is_scalar_in_place() const { return !shared_ && shape_.rank() == 0; }
  /// Its element, and a scalar by its element.
  template <Element T>
  T item_in_place() const {
    T element;
    std::memcpy(&element, storage_.local, sizeof element);
    return element;
  }
  struct Scalar {
    std::uint64_t bytes = 0;
    DType dtype = DType::float32;
  };
  explicit Array(const Scalar& element) : dtype_(element.dtype) {
    std::memcpy(storage_.local, &element.bytes, sizeof storage_.local);
  }
  /// The element of a scalar, which is always in place, unless it is traced.
  template <Element T>
  T item() const {
    if (shared_) [[unlikely]]
      return *data<T>();
    T element;
    std::memcpy(&element, storage_.local, sizeof element);
    return element;
  }
  /// For writing: makes the buffer this array's own first.
  template <Element T>
  T* mutable_data() {
    return static_cast<T*>(mutable_raw());
  }
  void* mutable_raw() {
    if (shared_ && !is_sole_owner()) detach_copy();
    return shared_ ? elements() : storage_.local;
  }
  bool is_sole_owner() const {
    return !shared_ || (storage_.buffer->references.load(std::memory_order_acquire) == 1 &&
                        storage_.buffer->kind == Kind::computed);
  }

  /// Do the elements belong to somebody else?
  bool is_of_others() const { return shared_ && storage_.buffer->kind == Kind::foreign; }
  /// Do the elements wait to be computed?
  bool is_deferred() const {
    return shared_ && storage_.buffer->elements.load(std::memory_order_acquire) == nullptr &&
           storage_.buffer->kind != Kind::traced;
  }
  /// What this stands for under a transform, or null: see graph/traced.h.
  const Deferred* traced() const {
    return shared_ && storage_.buffer->kind == Kind::traced ? storage_.buffer->deferred : nullptr;
  }
  /// Calls use(deferred), which says whether it could do without the elements. False, too, where they are
  /// there.
  template <class Use>
  bool use_deferred(const Use& use) const {
    if (!is_deferred()) return false;
    const Waiting waiting(*storage_.buffer);
    return storage_.buffer->deferred != nullptr && use(*storage_.buffer->deferred);
  }

  /// The same where it says that it is another array with its axes in another order, also after the elements
  /// have been computed if it stays.
  template <class Use>
  void use_permuted(const Use& use) const {
    if (!shared_ || storage_.buffer->kind != Kind::permuted) return;
    const Waiting waiting(*storage_.buffer);
    if (storage_.buffer->deferred != nullptr) use(*storage_.buffer->deferred);
  }

  /// The same elements in another shape of the same size, sharing the buffer.
  Array reshaped(Shape shape) const {
    Array result(*this);
    result.shape_ = std::move(shape);
    return result;
  }
  /// Gives the elements up and keeps shape and dtype. Elements held in place stay.
  void release() noexcept {
    if (shared_ && fetch_add(storage_.buffer->references, ~0U, std::memory_order_acq_rel) == 1)
      destroy(storage_.buffer);
    shared_ = false;
  }
  /// The same, but what takes no more than eight bytes stays, as do such elements in place.
  void release_elements() noexcept {
    if (shared_ && byte_count() > sizeof storage_) release();
  }

 private:
  friend class kernels::Evaluation;
  /// What `deferred` is beside a way to compute the elements: but for the first, it may stay when they are
  /// there.
  enum class Kind : std::uint8_t {
    computed,
    foreign,   // somebody else's elements, held by `deferred`
    part,      // elements of an array, which `deferred` holds
    permuted,  // another array with its axes in another order, which `deferred` holds
    traced     // no elements: `deferred` says what they stand for
  };
  /// Before the elements, or apart from them if they were deferred.
  struct alignas(64) Buffer {
    std::atomic<std::uint32_t> references{1};
    std::atomic<bool> busy{false};  // someone computes the elements, or uses `deferred`
    bool is_apart = false;          // from the elements
    Kind kind = Kind::computed;
    std::size_t bytes;            // of the elements
    std::atomic<void*> elements;  // null while they are deferred
    Deferred* deferred = nullptr;
  };
  // Who computes the elements, or uses `deferred`, has claimed the buffer.
  static bool claim(Buffer& buffer) { return !buffer.busy.exchange(true, std::memory_order_acquire); }
  static void wait_for(Buffer& buffer) { buffer.busy.wait(true); }
  static void release_claim(Buffer& buffer) {
    buffer.busy.store(false, std::memory_order_release);
    buffer.busy.notify_all();
  }
  class Waiting {
   public:
    explicit Waiting(Buffer& buffer) : buffer_(buffer) {
      while (!claim(buffer)) wait_for(buffer);
    }
    ~Waiting() { release_claim(buffer_); }
    Waiting(const Waiting&) = delete;
    Waiting& operator=(const Waiting&) = delete;

   private:
    Buffer& buffer_;
  };
  Buffer* buffer() const { return storage_.buffer; }
  /// With elements that are there, or will be, apart from the buffer.
  Array(Shape shape, DType dtype, Kind kind, void* elements, std::unique_ptr<Deferred> deferred);
  void* allocate_elements(std::size_t bytes) const;
  void allocate(std::size_t bytes);
  void* elements() const {
    void* elements = storage_.buffer->elements.load(std::memory_order_acquire);
    return elements != nullptr ? elements : compute();
  }
  CHAINRULE_API void* compute() const;
  static void destroy(Buffer* buffer) noexcept;
  void detach_copy() {
    Array copy(shape_, dtype_);
    std::memcpy(copy.storage_.buffer->elements.load(std::memory_order_relaxed), raw(), byte_count());
    *this = std::move(copy);
  }

  union Storage {
    alignas(8) std::byte local[8];
    Buffer* buffer;
  } storage_ = {};
  [[no_unique_address]] Shape shape_;  // dtype_ and shared_ move into its padding
  DType dtype_ = DType::float32;
  bool shared_ = false;
};

/// Uninitialised elements, for a tensor that is made rather than computed; errors name the operation that
/// makes it.
Array new_array(std::string_view operation, const Shape& shape, DType dtype);

/// [[noreturn]] DTypeError: a kernel has been given what operations do not compute in.
[[noreturn]] CHAINRULE_API void report_unexpected(DType dtype);

/// Calls function.template operator()<T>() with the dtype's C++ type, which is one of these.
template <class Function, class First, class... Rest>
decltype(auto) dispatch_among(TypeList<First, Rest...>, DType dtype, Function&& function) {
  if (dtype == dtype_of<First>) return function.template operator()<First>();
  if constexpr (sizeof...(Rest) != 0)
    return dispatch_among(TypeList<Rest...>{}, dtype, std::forward<Function>(function));
  else
    report_unexpected(dtype);
}

/// The same for dtypes in which operations compute.
template <class Function>
decltype(auto) dispatch(DType dtype, Function&& function) {
  return dispatch_among(TypeList<bool, std::int64_t, float, double>{}, dtype,
                        std::forward<Function>(function));
}

/// The same for float32 and float64 only.
template <class Function>
decltype(auto) dispatch_floating(DType dtype, Function&& function) {
  return dispatch_among(TypeList<float, double>{}, dtype, std::forward<Function>(function));
}

/// The same for whatever a tensor may store.
template <class Function>
decltype(auto) dispatch_stored(DType dtype, Function&& function) {
  return dispatch_among(Elements{}, dtype, std::forward<Function>(function));
}

/// The same with any type of the size of an element, for what moves elements.
template <class Function>
decltype(auto) dispatch_by_size(DType dtype, Function&& function) {
  switch (item_size(dtype)) {
    case 1: return function.template operator()<std::uint8_t>();
    case 2: return function.template operator()<std::uint16_t>();
    case 4: return function.template operator()<float>();
    default: return function.template operator()<double>();
  }
}

}  // namespace chainrule
