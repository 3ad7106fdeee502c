// NumPy's .npy format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
//
// xtensor's reader is not used: it allocates what the header claims before looking at the file, takes a
// file that ends early for a complete one, and misreads headers longer than 127 bytes.

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstring>
#include <fstream>
#include <limits>
#include <string>

#include "chainrule/autograd.h"
#include "chainrule/io.h"
#include "chainrule/ops.h"
#include "io/file.h"
#include "io/output_file.h"

namespace chainrule {
namespace {

static_assert(std::endian::native == std::endian::little, "save_npy writes memory as it is");

constexpr std::string_view magic = "\x93NUMPY";
struct Header {
  std::string descr;  // "<f8": byte order, kind, bytes per element
  bool fortran_order = false;
  Shape shape;

  char kind() const { return descr[1]; }
  std::size_t item_bytes() const { return static_cast<std::size_t>(descr[2] - '0'); }
  bool supported() const {
    if (descr.size() != 3 || std::string_view("<>|=").find(descr[0]) == std::string_view::npos) return false;
    const std::string_view type = std::string_view(descr).substr(1);
    constexpr std::string_view types = "f4 f8 b1 i1 i2 i4 i8 u1 u2 u4 u8";
    return types.find(type) != std::string_view::npos && type.find(' ') == std::string_view::npos;
  }
};

/// Reads the Python dictionary that is the header: its three keys in any order, and nothing else.
class HeaderParser {
 public:
  HeaderParser(std::string_view text, const std::string& path) : text_(text), path_(path) {}

  Header parse() {
    Header header;
    bool has_descr = false, has_order = false, has_shape = false;
    expect('{');
    while (!accept('}')) {
      const std::string key = quoted();
      expect(':');
      if (key == "descr" && !std::exchange(has_descr, true)) {
        header.descr = element_type();
      } else if (key == "fortran_order" && !std::exchange(has_order, true)) {
        header.fortran_order = boolean();
      } else if (key == "shape" && !std::exchange(has_shape, true)) {
        header.shape = sizes();
      } else {
        fail("unexpected key '" + key + "'");
      }
      if (!accept(',') && peek() != '}') fail("no comma after '" + key + "'");
    }
    skip_spaces();
    if (position_ != text_.size()) fail("something follows the dictionary");
    if (!has_descr || !has_order || !has_shape) fail("one of descr, fortran_order and shape is missing");
    return header;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    fail_on(path_, "its NumPy header is damaged: " + what);
  }
  void skip_spaces() {
    while (position_ < text_.size() && (text_[position_] == ' ' || text_[position_] == '\n')) ++position_;
  }
  char peek() {
    skip_spaces();
    return position_ < text_.size() ? text_[position_] : '\0';
  }
  bool accept(char wanted) {
    if (peek() != wanted || position_ == text_.size()) return false;
    ++position_;
    return true;
  }
  void expect(char wanted) {
    if (!accept(wanted)) fail(std::string("'") + wanted + "' expected");
  }
  bool accept(std::string_view word) {
    skip_spaces();
    if (!text_.substr(position_).starts_with(word)) return false;
    position_ += word.size();
    return true;
  }
  std::string quoted() {
    const char quote = peek();
    if (quote != '\'' && quote != '"') fail("a quoted string expected");
    const std::size_t end = text_.find(quote, ++position_);
    if (end == std::string_view::npos) fail("a string does not end");
    std::string content(text_.substr(position_, end - position_));
    position_ = end + 1;
    return content;
  }
  std::string element_type() {
    if (peek() == '[')
      fail_on(path_, "it holds records with several fields; save each field as an array of its own");
    return quoted();
  }
  bool boolean() {
    if (accept(std::string_view("True"))) return true;
    if (accept(std::string_view("False"))) return false;
    fail("fortran_order is neither True nor False");
  }
  Shape sizes() {
    std::vector<std::int64_t> result;
    expect('(');
    while (!accept(')')) {
      skip_spaces();
      std::int64_t size = -1;
      const auto [end, error] = std::from_chars(text_.data() + position_, text_.data() + text_.size(), size);
      if (error != std::errc() || size < 0) fail("its shape holds something that is not a size");
      position_ = static_cast<std::size_t>(end - text_.data());
      accept('L');  // as Python 2 wrote long integers
      result.push_back(size);
      if (!accept(',') && peek() != ')') fail("no comma in its shape");
    }
    try {
      Shape shape(result);
      (void)shape.size();
      return shape;
    } catch (const ShapeError& error) {
      fail(error.what());
    }
  }

  std::string_view text_;
  const std::string& path_;
  std::size_t position_ = 0;
};

/// Reads up to where the elements begin.
Header read_header(std::istream& in, std::int64_t file_bytes, const std::string& path) {
  char start[8] = {};
  in.read(start, sizeof start);
  if (std::string_view(start, 4) == "PK\x03\x04")
    fail_on(path, "it is a NumPy .npz archive of several arrays; save the one you need with numpy.save");
  if (!in || std::string_view(start, magic.size()) != magic) fail_on(path, "it is not a NumPy .npy file");
  const int version = static_cast<unsigned char>(start[6]);
  if (version < 1 || version > 3)
    fail_on(path, "its format version is " + std::to_string(version) + "; versions 1 to 3 are supported");

  unsigned char length_bytes[4] = {};
  const int count = version == 1 ? 2 : 4;
  in.read(reinterpret_cast<char*>(length_bytes), count);
  std::int64_t length = 0;
  for (int i = 0; i < count; ++i) length |= static_cast<std::int64_t>(length_bytes[i]) << (8 * i);
  if (!in || length > file_bytes - in.tellg()) fail_on(path, "it ends within its header");

  std::string text(static_cast<std::size_t>(length), '\0');
  in.read(text.data(), length);
  if (!in) fail_on(path, "it cannot be read");
  return HeaderParser(text, path).parse();
}

/// The number of bytes of the elements. No header, however wrong, makes it overflow.
std::int64_t payload_bytes(const Header& header, const std::string& path) {
  std::int64_t bytes = 0;
  if (__builtin_mul_overflow(header.shape.size(), static_cast<std::int64_t>(header.item_bytes()), &bytes))
    fail_on(path, "its shape " + to_string(header.shape) + " is too large for any file");
  return bytes;
}

template <class Stored>
std::vector<std::int64_t> widened(const std::vector<char>& bytes, const std::string& path) {
  std::vector<std::int64_t> result(bytes.size() / sizeof(Stored));
  for (std::size_t i = 0; i < result.size(); ++i) {
    Stored element;
    std::memcpy(&element, bytes.data() + i * sizeof(Stored), sizeof(Stored));
    if (!std::in_range<std::int64_t>(element))
      fail_on(path, "its element " + std::to_string(element) + " does not fit int64");
    result[i] = static_cast<std::int64_t>(element);  // NOLINT(bugprone-signed-char-misuse): a number, no text
  }
  return result;
}

Tensor convert(const Header& header, std::vector<char>& bytes, const Shape& shape, const std::string& path) {
  const std::string_view type = std::string_view(header.descr).substr(1);
  const auto integers = [&](const std::vector<std::int64_t>& elements) { return tensor(elements, shape); };
  if (type == "f4") return from_memory(bytes.data(), DType::float32, shape);
  if (type == "f8") return from_memory(bytes.data(), DType::float64, shape);
  if (type == "i8") return from_memory(bytes.data(), DType::int64, shape);
  if (type == "i1") return integers(widened<std::int8_t>(bytes, path));
  if (type == "i2") return integers(widened<std::int16_t>(bytes, path));
  if (type == "i4") return integers(widened<std::int32_t>(bytes, path));
  if (type == "u1") return integers(widened<std::uint8_t>(bytes, path));
  if (type == "u2") return integers(widened<std::uint16_t>(bytes, path));
  if (type == "u4") return integers(widened<std::uint32_t>(bytes, path));
  if (type == "u8") return integers(widened<std::uint64_t>(bytes, path));
  for (char& byte : bytes) byte = byte != 0;  // any other bit pattern would not be a bool
  return from_memory(bytes.data(), DType::boolean, shape);
}

template <Element T>
std::string_view bytes_of(const Tensor& tensor) {
  const auto data = tensor.data<T>();
  return {reinterpret_cast<const char*>(data.data()), data.size_bytes()};
}

std::string_view bytes_of(const Tensor& tensor) {
  switch (tensor.dtype()) {
    case DType::boolean: return bytes_of<bool>(tensor);
    case DType::int64: return bytes_of<std::int64_t>(tensor);
    case DType::float32: return bytes_of<float>(tensor);
    case DType::float64: return bytes_of<double>(tensor);
  }
  return {};
}

std::string_view descr(DType dtype) {
  switch (dtype) {
    case DType::boolean: return "|b1";
    case DType::int64: return "<i8";
    case DType::float32: return "<f4";
    case DType::float64: return "<f8";
  }
  return {};
}

}  // namespace

Tensor load_npy(const std::string& path) {
  std::ifstream in = open_to_read(path, std::ios::binary);
  in.seekg(0, std::ios::end);
  const std::int64_t file_bytes = in.tellg();
  in.seekg(0);
  if (!in) fail_on(path, "it is not a regular file");

  const Header header = read_header(in, file_bytes, path);
  if (!header.supported())
    fail_on(path, "its elements are of type '" + header.descr +
                      "'; supported are floats of 4 and 8 bytes, integers of 1 to 8 bytes, and bool");
  const std::int64_t wanted = payload_bytes(header, path), present = file_bytes - in.tellg();
  if (wanted != present)
    fail_on(path, "its shape " + to_string(header.shape) + " of '" + header.descr + "' takes " +
                      std::to_string(wanted) + " bytes, but " + std::to_string(present) +
                      " follow the header");

  std::vector<char> bytes(static_cast<std::size_t>(wanted));
  in.read(bytes.data(), wanted);
  if (!in) fail_on(path, "it cannot be read");
  if (header.descr[0] == '>')
    for (auto at = bytes.begin(); at != bytes.end(); at += static_cast<std::ptrdiff_t>(header.item_bytes()))
      std::reverse(at, at + static_cast<std::ptrdiff_t>(header.item_bytes()));

  if (!header.fortran_order) return convert(header, bytes, header.shape, path);
  // Column-major elements are the row-major ones of the array with its axes reversed.
  const std::vector<std::int64_t> sizes(header.shape.begin(), header.shape.end());
  const Shape reversed(std::vector<std::int64_t>(sizes.rbegin(), sizes.rend()));
  return no_grad([&] { return transpose(convert(header, bytes, reversed, path)); }).detach();
}

void save_npy(const std::string& path, const Tensor& tensor) {
  std::string header = "{'descr': '" + std::string(descr(tensor.dtype())) +
                       "', 'fortran_order': False, 'shape': " + to_string(tensor.shape()) + ", }";
  // The elements begin at a multiple of 64 bytes, after magic, version, length, header and newline.
  constexpr std::size_t before = magic.size() + 4, alignment = 64;
  header.append(alignment - 1 - (before + header.size()) % alignment, ' ');
  header += '\n';

  OutputFile out(path);
  out.write(magic);
  const char version_and_length[] = {1, 0, static_cast<char>(header.size() & 0xff),
                                     static_cast<char>(header.size() >> 8)};
  out.write({version_and_length, sizeof version_and_length});
  out.write(header);
  out.write(bytes_of(tensor));
  out.finish();
}

}  // namespace chainrule
