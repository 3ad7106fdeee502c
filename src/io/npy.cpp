// NumPy's .npy format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
//
// xtensor's reader is not used: it allocates what the header claims before looking at the file, takes a
// file that ends early for a complete one, and misreads headers longer than 127 bytes.

#include "io/npy.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "chainrule/autograd.h"
#include "chainrule/io.h"
#include "chainrule/ops.h"
#include "io/elements.h"
#include "io/file.h"
#include "io/mapped_file.h"
#include "io/output_file.h"

namespace chainrule {
namespace {

constexpr std::string_view magic = "\x93NUMPY";
constexpr std::pair<std::string_view, Stored> types[] = {
    {"b1", Stored::boolean}, {"i1", Stored::int8},    {"i2", Stored::int16},   {"i4", Stored::int32},
    {"i8", Stored::int64},   {"u1", Stored::uint8},   {"u2", Stored::uint16},  {"u4", Stored::uint32},
    {"u8", Stored::uint64},  {"f2", Stored::float16}, {"f4", Stored::float32}, {"f8", Stored::float64}};
struct Header {
  std::string descr;  // "<f8": byte order, kind, bytes per element
  bool fortran_order = false;
  Shape shape;

  /// Nothing for what no tensor can hold.
  std::optional<Stored> type() const {
    if (descr.size() != 3 || std::string_view("<>|=").find(descr[0]) == std::string_view::npos) return {};
    const auto* found = std::ranges::find(types, std::string_view(descr).substr(1),
                                          &std::pair<std::string_view, Stored>::first);
    return found != std::end(types) ? std::optional(found->second) : std::nullopt;
  }
};

/// Reads the Python dictionary that is the header: its three keys in any order, and nothing else.
class HeaderParser {
 public:
  HeaderParser(std::string_view text, const std::string& source) : text_(text), source_(source) {}

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
    fail_on(source_, "its NumPy header is damaged: " + what);
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
      fail_on(source_, "it holds records with several fields; save each field as an array of its own");
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
  const std::string& source_;
  std::size_t position_ = 0;
};

/// Takes the header off the front of the bytes, up to where the elements begin.
Header take_header(std::string_view& bytes, const std::string& source) {
  if (bytes.starts_with("PK\x03\x04"))
    fail_on(source, "it is a NumPy .npz archive of several arrays; use load_npz");
  constexpr std::size_t version_at = magic.size(), length_at = version_at + 2;
  if (!bytes.starts_with(magic) || bytes.size() < length_at) fail_on(source, "it is not a NumPy .npy file");
  const int version = static_cast<unsigned char>(bytes[version_at]);
  if (version < 1 || version > 3)
    fail_on(source, "its format version is " + std::to_string(version) + "; versions 1 to 3 are supported");

  const std::size_t text_at = length_at + (version == 1 ? 2 : 4);
  std::size_t length = 0;
  for (std::size_t i = std::min(text_at, bytes.size()); i-- > length_at;)
    length = length << 8 | static_cast<unsigned char>(bytes[i]);
  if (bytes.size() < text_at || bytes.size() - text_at < length) fail_on(source, "it ends within its header");
  const std::string_view text = bytes.substr(text_at, length);
  bytes.remove_prefix(text_at + length);
  return HeaderParser(text, source).parse();
}

/// The number of bytes of the elements. No header, however wrong, makes it overflow.
std::int64_t payload_bytes(const Shape& shape, std::size_t item_bytes, const std::string& source) {
  std::int64_t bytes = 0;
  if (__builtin_mul_overflow(shape.size(), static_cast<std::int64_t>(item_bytes), &bytes))
    fail_on(source, "its shape " + to_string(shape) + " is too large for any file");
  return bytes;
}

std::string descr(DType dtype) {
  const Stored type = stored_as(dtype);
  const auto* found = std::ranges::find(types, type, &std::pair<std::string_view, Stored>::second);
  return (item_size(type) == 1 ? "|" : "<") + std::string(found->first);
}

/// The type of the elements that follow the header, which are as many bytes as it says.
Stored require_elements(const Header& header, std::string_view bytes, const std::string& source) {
  const std::optional<Stored> type = header.type();
  if (!type)
    fail_on(source,
            "its elements are of type '" + header.descr +
                "'; supported are floats of 2, 4 and 8 bytes, integers of 1 to 8 bytes, and bool" +
                (header.descr == "|O" ? "; save objects of Python as an array of numbers or texts" : ""));
  const std::int64_t wanted = payload_bytes(header.shape, item_size(*type), source);
  if (wanted != static_cast<std::int64_t>(bytes.size()))
    fail_on(source, "its shape " + to_string(header.shape) + " of '" + header.descr + "' takes " +
                        std::to_string(wanted) + " bytes, but " + std::to_string(bytes.size()) +
                        " follow the header");
  return *type;
}

/// A character in UTF-8.
void append_utf8(std::string& text, std::uint32_t character) {
  constexpr std::uint32_t lead[] = {0, 0xC0, 0xE0, 0xF0}, six_bits = 0x3F, continues = 0x80;
  const int further = character < 0x80 ? 0 : character < 0x800 ? 1 : character < 0x10000 ? 2 : 3;
  text += static_cast<char>(lead[further] | character >> (6 * further));
  for (int i = further; i-- > 0;) text += static_cast<char>(continues | (character >> (6 * i) & six_bits));
}

}  // namespace

std::optional<std::vector<std::string>> read_npy_texts(std::string_view bytes, const std::string& source) {
  const Header header = take_header(bytes, source);
  if (header.descr.size() < 3 || (header.descr[1] != 'U' && header.descr[1] != 'S')) return std::nullopt;
  std::size_t letters = 0;
  const char* const end = header.descr.data() + header.descr.size();
  constexpr std::size_t most_letters = 1 << 24;
  if (const auto [stop, error] = std::from_chars(header.descr.data() + 2, end, letters);
      error != std::errc() || stop != end || letters == 0 || letters > most_letters)
    fail_on(source, "its elements are of type '" + header.descr + "', which is none of NumPy's");
  const Shape& shape = header.shape;
  if (shape.rank() == 0 || shape.size() != shape[0])
    fail_on(source, "it holds texts of shape " + to_string(shape) + "; a column of them is (n,)");
  const bool is_unicode = header.descr[1] == 'U';
  const std::size_t letter = is_unicode ? 4 : 1;
  const std::int64_t wanted = payload_bytes(shape, letter * letters, source);
  if (wanted != static_cast<std::int64_t>(bytes.size()))
    fail_on(source, "its shape " + to_string(shape) + " of '" + header.descr + "' takes " +
                        std::to_string(wanted) + " bytes, but " + std::to_string(bytes.size()) +
                        " follow the header");
  std::vector<std::string> texts;
  for (std::int64_t i = 0; i < shape.size(); ++i) {
    const std::string_view element =
        bytes.substr(static_cast<std::size_t>(i) * letter * letters, letter * letters);
    std::string text;
    for (std::size_t at = 0; at < element.size(); at += letter) {
      std::uint32_t character = 0;
      for (std::size_t k = 0; k < letter; ++k) {
        const std::size_t place = header.descr[0] == '>' ? k : letter - 1 - k;
        character = character << 8 | static_cast<unsigned char>(element[at + place]);
      }
      if (character == 0) break;  // NumPy fills up with these
      constexpr std::uint32_t largest = 0x10FFFF;
      if (character > largest) fail_on(source, "text " + std::to_string(i) + " in it is damaged");
      if (is_unicode)
        append_utf8(text, character);
      else
        text += static_cast<char>(character);
    }
    texts.push_back(std::move(text));
  }
  return texts;
}

Tensor read_npy(std::string_view bytes, const std::string& source) {
  const Header header = take_header(bytes, source);
  const Stored type = require_elements(header, bytes, source);
  std::string turned;
  if (header.descr[0] == '>') bytes = turned = swapped_bytes(bytes, item_size(type));

  if (!header.fortran_order) return copy_elements(bytes.data(), type, header.shape, source);
  // Column-major elements are the row-major ones of the array with its axes reversed.
  const std::vector<std::int64_t> sizes(header.shape.begin(), header.shape.end());
  const Shape reversed(std::vector<std::int64_t>(sizes.rbegin(), sizes.rend()));
  return no_grad([&] { return transpose(copy_elements(bytes.data(), type, reversed, source)); }).detach();
}

NpyRows::NpyRows(const std::string& path) : path_(path), file_(path), elements_(file_.bytes()) {
  const Header header = take_header(elements_, path);
  type_ = require_elements(header, elements_, path);
  if (header.shape.rank() == 0) fail_on(path, "it holds a scalar, which has no rows");
  if (header.fortran_order || header.descr[0] == '>')
    fail_on(path, std::string("it is in ") +
                      (header.fortran_order ? "Fortran order" : "big-endian byte order") +
                      ", which cannot be read row by row; save it again as " +
                      "numpy.ascontiguousarray(a, a.dtype.newbyteorder('<'))");
  shape_ = header.shape;
}

Tensor NpyRows::read(std::int64_t first, std::int64_t count) const {
  std::vector<std::int64_t> sizes(shape_.begin(), shape_.end());
  sizes[0] = 1;
  const auto row_bytes = static_cast<std::size_t>(Shape(sizes).size()) * item_size(type_);
  sizes[0] = count;
  return copy_elements(elements_.data() + static_cast<std::size_t>(first) * row_bytes, type_, Shape(sizes),
                       path_);
}

Tensor as_numpy_has_it(const Tensor& tensor) {
  return tensor.dtype() == DType::bfloat16 ? cast(tensor.detach(), DType::float32) : tensor;
}

std::string npy_header(const Tensor& tensor) {
  std::string header = "{'descr': '" + std::string(descr(tensor.dtype())) +
                       "', 'fortran_order': False, 'shape': " + to_string(tensor.shape()) + ", }";
  // The elements begin at a multiple of 64 bytes, after magic, version, length, header and newline.
  constexpr std::size_t before = magic.size() + 4, alignment = 64;
  header.append(alignment - 1 - (before + header.size()) % alignment, ' ');
  header += '\n';
  const char version_and_length[] = {1, 0, static_cast<char>(header.size() & 0xff),
                                     static_cast<char>(header.size() >> 8)};
  return std::string(magic).append(version_and_length, sizeof version_and_length) + header;
}

Tensor load_npy(const std::string& path) { return read_npy(MappedFile(path).bytes(), path); }

void save_npy(const std::string& path, const Tensor& given) {
  const Tensor tensor = as_numpy_has_it(given);
  const std::string header = npy_header(tensor);
  OutputFile out(path);
  out.write(header);
  out.write(bytes_of(tensor));
  out.finish();
}

}  // namespace chainrule
