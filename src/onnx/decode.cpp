// The elements of a tensor from the bytes of a file, which may be damaged: sizes are checked against the
// bytes that are there before anything is made of them.

#include <bit>
#include <cstring>

#include "onnx/graph.h"

namespace chainrule::onnx {
namespace {

static_assert(std::endian::native == std::endian::little, "raw data is little-endian");

class Decoder {
 public:
  Decoder(RawTensor&& raw, const std::string& place) : raw_(std::move(raw)), place_(place) {}

  Value decode(std::int64_t most_elements) {
    if (raw_.is_external)
      throw Unsupported(place_ + ": its data is in another file; save the model as one, with onnx.save_model",
                        "external data");
    if (raw_.is_segment) fail("it is a part of a tensor, which ONNX does not use");
    if (raw_.type == ElementType::undefined) fail("it has no element type");
    if (!dtype_of(raw_.type))
      throw Unsupported(place_ + ": its element type, " + to_string(raw_.type) + ", is not for this engine",
                        reason_against(raw_.type));
    count_elements(most_elements);
    return {elements(), raw_.type};
  }

 private:
  [[noreturn]] void fail(const std::string& what) const { throw ModelError(place_ + ": " + what); }

  void count_elements(std::int64_t most_elements) {
    try {
      shape_ = Shape(raw_.sizes);
      count_ = static_cast<std::size_t>(shape_.size());
    } catch (const ShapeError& error) {
      fail(error.what());
    }
    if (shape_.size() > most_elements)
      fail("it would have " + std::to_string(shape_.size()) + " elements; LoadOptions allow " +
           std::to_string(most_elements));
  }

  void require(std::size_t wanted, std::size_t found, const char* unit) const {
    if (wanted != found)
      fail("its shape " + to_string(shape_) + " of " + to_string(raw_.type) + " takes " +
           std::to_string(wanted) + " " + unit + ", but there are " + std::to_string(found));
  }

  /// Numbers of the type Stored from the raw bytes, or from a list in which each has an entry.
  template <class Stored, class Entry>
  std::vector<Stored> stored(const std::vector<Entry>& entries) const {
    std::vector<Stored> result;
    if (raw_.has_raw) {
      // count_ is at most most_elements, or 2^63 / 8 bytes would not have passed: no overflow.
      if (raw_.raw.size() / sizeof(Stored) != count_ || raw_.raw.size() % sizeof(Stored) != 0)
        require(count_ * sizeof(Stored), raw_.raw.size(), "bytes");
      result.resize(count_);
      if (count_ != 0) std::memcpy(result.data(), raw_.raw.data(), raw_.raw.size());
    } else {
      require(count_, entries.size(), "numbers");
      result.reserve(count_);
      for (const Entry entry : entries) {
        if constexpr (std::is_integral_v<Entry>) {
          // float16 is stored in the low bits; what else does not fit the type is damage.
          if (!std::in_range<Stored>(entry))
            fail("its element " + std::to_string(entry) + " does not fit its type");
        }
        result.push_back(static_cast<Stored>(entry));
      }
    }
    return result;
  }

  template <class Stored, class Entry>
  Tensor integers(const std::vector<Entry>& entries) const {
    std::vector<std::int64_t> result;
    result.reserve(count_);
    for (const Stored number : stored<Stored>(entries)) {
      if (!std::in_range<std::int64_t>(number))
        fail("its element " + std::to_string(number) + " is beyond int64, which carries it here");
      result.push_back(static_cast<std::int64_t>(number));  // NOLINT(bugprone-signed-char-misuse): a number
    }
    return tensor(std::move(result), shape_);
  }

  /// Two or four numbers in a byte, the first one in the low bits.
  Tensor packed(IntegerFormat format) const {
    const auto bits = static_cast<std::size_t>(format.bits), each = 8 / bits;
    const std::size_t wanted = (count_ + each - 1) / each;
    std::vector<std::uint8_t> bytes;
    if (raw_.has_raw) {
      require(wanted, raw_.raw.size(), "bytes");
      bytes.assign(raw_.raw.begin(), raw_.raw.end());
    } else {
      require(wanted, raw_.int32s.size(), "bytes");
      for (const std::int32_t entry : raw_.int32s) bytes.push_back(static_cast<std::uint8_t>(entry));
    }
    std::vector<std::int64_t> result(count_);
    for (std::size_t i = 0; i < count_; ++i) result[i] = bytes[i / each] >> (i % each * bits);
    return wrapped(tensor(std::move(result), shape_), format);
  }

  template <class Half>
  Tensor halves() const {
    std::vector<float> result;
    result.reserve(count_);
    for (const std::uint16_t bits : stored<std::uint16_t>(raw_.int32s))
      result.push_back(Half::from_bits(bits));
    return tensor(std::move(result), shape_);
  }

  Tensor elements() const {
    switch (raw_.type) {
      case ElementType::float32: return tensor(stored<float>(raw_.floats), shape_);
      case ElementType::float64: return tensor(stored<double>(raw_.doubles), shape_);
      case ElementType::float16: return halves<Float16>();
      case ElementType::bfloat16: return halves<BFloat16>();
      case ElementType::boolean: {
        // Any other bit pattern would not be a bool.
        std::vector<std::uint8_t> bytes = stored<std::uint8_t>(raw_.int32s);
        for (std::uint8_t& byte : bytes) byte = byte != 0;
        return from_memory(bytes.data(), DType::boolean, shape_);
      }
      case ElementType::int8: return integers<std::int8_t>(raw_.int32s);
      case ElementType::int16: return integers<std::int16_t>(raw_.int32s);
      case ElementType::int32: return integers<std::int32_t>(raw_.int32s);
      case ElementType::int64: return tensor(stored<std::int64_t>(raw_.int64s), shape_);
      case ElementType::uint8: return integers<std::uint8_t>(raw_.int32s);
      case ElementType::uint16: return integers<std::uint16_t>(raw_.int32s);
      case ElementType::uint32: return integers<std::uint32_t>(raw_.uint64s);
      case ElementType::uint64: return integers<std::uint64_t>(raw_.uint64s);
      default: return packed(*integer_format(raw_.type));
    }
  }

  RawTensor raw_;
  const std::string& place_;
  Shape shape_;
  std::size_t count_ = 0;
};

}  // namespace

Value decode(RawTensor&& raw, const std::string& place, std::int64_t most_elements) {
  return Decoder(std::move(raw), place).decode(most_elements);
}

}  // namespace chainrule::onnx
