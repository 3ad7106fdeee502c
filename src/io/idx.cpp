// The format of the MNIST data sets: http://yann.lecun.com/exdb/mnist. Two zeros, a byte for the type, one
// for the number of axes, the sizes in 4 bytes each, and the elements; all numbers are big-endian.

#include "chainrule/io.h"
#include "io/elements.h"
#include "io/file.h"
#include "io/inflate.h"
#include "io/mapped_file.h"

namespace chainrule {
namespace {

Stored stored_type(char code, const std::string& path) {
  switch (code) {
    case 0x08: return Stored::uint8;
    case 0x09: return Stored::int8;
    case 0x0b: return Stored::int16;
    case 0x0c: return Stored::int32;
    case 0x0d: return Stored::float32;
    case 0x0e: return Stored::float64;
    default: fail_on(path, "it is no IDX file");
  }
}

Tensor read_idx(std::string_view bytes, const std::string& path) {
  constexpr std::size_t magic_bytes = 4, size_bytes = 4;
  if (bytes.size() < magic_bytes || bytes[0] != 0 || bytes[1] != 0) fail_on(path, "it is no IDX file");
  const Stored type = stored_type(bytes[2], path);
  const std::size_t rank = static_cast<unsigned char>(bytes[3]), begin = magic_bytes + rank * size_bytes;
  if (bytes.size() < begin) fail_on(path, "it ends within its header");

  std::vector<std::int64_t> sizes(rank);
  for (std::size_t i = 0; i < rank * size_bytes; ++i)
    sizes[i / size_bytes] = sizes[i / size_bytes] << 8 | static_cast<unsigned char>(bytes[magic_bytes + i]);
  bytes.remove_prefix(begin);
  std::int64_t wanted = 0;
  Shape shape;
  try {
    shape = Shape(sizes);
    if (__builtin_mul_overflow(shape.size(), static_cast<std::int64_t>(item_size(type)), &wanted))
      fail_on(path, "its shape " + to_string(shape) + " is too large for any file");
  } catch (const ShapeError& error) {
    fail_on(path, error.what());
  }
  if (wanted != static_cast<std::int64_t>(bytes.size()))
    fail_on(path, "its shape " + to_string(shape) + " takes " + std::to_string(wanted) + " bytes, but " +
                      std::to_string(bytes.size()) + " follow the header");
  return copy_elements(swapped_bytes(bytes, item_size(type)).data(), type, shape, path);
}

}  // namespace

Tensor load_idx(const std::string& path) {
  const MappedFile file(path);
  if (file.bytes().starts_with(gzip_magic)) return read_idx(gunzip(file.bytes(), path), path);
  return read_idx(file.bytes(), path);
}

}  // namespace chainrule
