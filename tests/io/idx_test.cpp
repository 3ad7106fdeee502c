// IDX files of every element type, packed or not, and broken ones.
// temporary_files.h has the files.

#include "chainrule/io.h"
#include "paths.h"
#include "support.h"
#include "temporary_files.h"

namespace chainrule::test {
namespace {

Tensor load(const std::string& content) {
  const TemporaryFile file(content, ".idx");
  return load_idx(file.path());
}
std::string file_of(int type, const std::string& sizes, const std::string& elements) {
  return std::string(2, '\0') + static_cast<char>(type) + static_cast<char>(sizes.size() / 4) + sizes +
         elements;
}
const std::string one("\0\0\0\1", 4), two("\0\0\0\2", 4), three("\0\0\0\3", 4), none(4, '\0');

void expect(const Tensor& read, DType dtype, const Shape& shape, const std::vector<double>& elements) {
  EXPECT_EQ(read.dtype(), dtype);
  EXPECT_TRUE(equals(read, shape, elements));
}

/// In their own dtype, or in int64 if no tensor stores such elements.
template <class T>
constexpr DType integers() {
  if constexpr (Element<T>) return dtype_of<T>;
  return DType::int64;
}

TEST(Idx, reads_all_element_types) {
  expect(load(file_of(0x08, two + three, std::string("\0\1\2\3\xfe\xff", 6))), DType::uint8, {2, 3},
         {0, 1, 2, 3, 254, 255});
  expect(load(file_of(0x09, two, "\x80\x7f")), integers<std::int8_t>(), {2}, {-128, 127});
  expect(load(file_of(0x0b, two, std::string("\1\2\xff\xfe", 4))), integers<std::int16_t>(), {2}, {258, -2});
  expect(load(file_of(0x0c, one + two, std::string("\0\1\x11\x70\xff\xff\xff\xff", 8))), DType::int32, {1, 2},
         {70000, -1});
  expect(load(file_of(0x0d, two, std::string("\x3f\xc0\0\0\xc0\0\0\0", 8))), DType::float32, {2}, {1.5, -2});
  expect(load(file_of(0x0e, "", std::string("\x40\x04\0\0\0\0\0\0", 8))), DType::float64, {}, {2.5});
  expect(load(file_of(0x08, three + none, "")), DType::uint8, {3, 0}, {});
}

/// As gzip has packed the first array of the test before.
std::string packed() { return content_of(tests_path("fuzz/corpus/idx/gzip")); }

TEST(Idx, reads_what_gzip_has_packed) {
  expect(load(packed()), DType::uint8, {2, 3}, {0, 1, 2, 3, 254, 255});
}

TEST(Idx, says_what_is_wrong_with_a_file_and_names_it) {
  std::string other_checksum = packed();
  other_checksum[other_checksum.size() - 8] ^= 1;
  const std::string axes(260, '\1');
  struct Case {
    std::string content, message;
  };
  const Case cases[] = {
      {"", "it is no IDX file"},
      {"a,b\n1,2\n", "it is no IDX file"},
      {file_of(0x0a, one, "1"), "it is no IDX file"},
      {file_of(0x08, two + two, "").substr(0, 11), "it ends within its header"},
      {file_of(0x08, two + two, "123"), "its shape (2, 2) takes 4 bytes, but 3 follow the header"},
      {file_of(0x08, two, "123"), "its shape (2,) takes 2 bytes, but 3 follow the header"},
      {file_of(0x0e, std::string(8, '\xff'), "1"), "too many elements"},
      {file_of(0x0e, std::string("\x7f\xff\xff\xff", 4) + std::string("\x7f\xff\xff\xff", 4), "1"),
       "is too large for any file"},
      {file_of(0x08, axes, "1"), "65 axes; a tensor has at most 64"},
      {packed().substr(0, 20), "its packed bytes are damaged or cut short"},
      {other_checksum, "its packed bytes are damaged or cut short: incorrect data check"},
      {packed() + "more", "its packed bytes are damaged or cut short: incorrect header check"},
  };
  for (const Case& wrong : cases) {
    const TemporaryFile file(wrong.content, ".idx");
    const std::string message = message_of<IoError>([&] { load_idx(file.path()); });
    EXPECT_TRUE(message.starts_with(file.path() + ": ")) << message;
    EXPECT_NE(message.find(wrong.message), std::string::npos) << message << "\nshould say: " << wrong.message;
  }
}

}  // namespace
}  // namespace chainrule::test
