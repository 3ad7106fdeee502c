// .npy files, byte for byte as NumPy writes them, every type that it has, and broken ones.
// temporary_files.h has the files.

#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <sstream>
#include <xtensor/xnpy.hpp>

#include "chainrule/io.h"
#include "chainrule/ops.h"
#include "support.h"
#include "temporary_files.h"

namespace chainrule::test {
namespace {

template <class T>
std::string bytes(const std::vector<T>& elements) {
  return {reinterpret_cast<const char*>(elements.data()), elements.size() * sizeof(T)};
}

std::string read_bytes(const std::string& path) {
  std::ostringstream content;
  content << std::ifstream(path, std::ios::binary).rdbuf();
  return content.str();
}
void write_bytes(const std::string& path, std::string_view content) {
  std::ofstream(path, std::ios::binary) << content;
}

/// A file of format version 1 around a header and the bytes of elements.
std::string npy(const std::string& header, const std::string& elements) {
  const auto size = static_cast<char>(header.size() + 1);
  return std::string("\x93NUMPY\x01\x00", 8) + size + '\0' + header + "\n" + elements;
}
std::string header(const std::string& descr, const std::string& shape, bool fortran = false) {
  return "{'descr': '" + descr + "', 'fortran_order': " + (fortran ? "True" : "False") +
         ", 'shape': " + shape + ", }";
}

Tensor load(const std::string& content) {
  const TemporaryFile file(content, ".npy");
  return load_npy(file.path());
}

TEST(Npy, reads_back_what_it_writes) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const Tensor tensors[] = {
      tensor(2.5),
      tensor({1.0, -0.0, 1e-310, nan}),
      tensor({{1.5F, 2.F, 3.F}, {4.F, 5.F, 6.F}}),
      tensor(std::vector<std::int64_t>{1, -2, std::numeric_limits<std::int64_t>::min()}),
      tensor({true, false, true}),
      zeros({3, 0, 2}, DType::float64),
      arange(0, 24).reshape({2, 3, 4})};
  for (const Tensor& original : tensors) {
    const TemporaryFile file("", ".npy");
    save_npy(file.path(), original);
    const Tensor copy = load_npy(file.path());
    EXPECT_EQ(copy.dtype(), original.dtype());
    EXPECT_EQ(copy.shape(), original.shape());
    if (original.dtype() == DType::float64 && original.size() > 0) {
      EXPECT_EQ(std::memcmp(copy.data<double>().data(), original.data<double>().data(),
                            original.data<double>().size_bytes()),
                0);
    } else {
      EXPECT_EQ(copy.to_vector<double>(), original.to_vector<double>());
    }
  }
}

TEST(Npy, writes_the_bytes_that_numpy_writes) {
  const TemporaryFile file("", ".npy");
  save_npy(file.path(), tensor({{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}}));
  std::string expected = std::string("\x93NUMPY\x01\x00v\x00", 10) +
                         "{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3), }";
  expected.resize(127, ' ');
  expected += "\n" + bytes<double>({1, 2, 3, 4, 5, 6});
  EXPECT_EQ(read_bytes(file.path()), expected);
}

TEST(Npy, exchanges_arrays_with_xtensor) {
  const TemporaryFile file("", ".npy");
  const xt::xarray<float> theirs = {{1.F, 2.F}, {3.F, 4.F}, {5.F, 6.F}};
  xt::dump_npy(file.path(), theirs);
  const Tensor read = load_npy(file.path());
  EXPECT_EQ(read.dtype(), DType::float32);
  EXPECT_EQ(read.shape(), Shape({3, 2}));
  EXPECT_EQ(read.to_vector<float>(), std::vector<float>({1, 2, 3, 4, 5, 6}));

  save_npy(file.path(), tensor({{1.5, 2.5}}));
  const auto written = xt::load_npy<double>(file.path());
  EXPECT_EQ(written, (xt::xarray<double>{{1.5, 2.5}}));
}

TEST(Npy, reads_column_major_arrays) {
  const Tensor read = load(npy(header("<f8", "(2, 3)", true), bytes<double>({1, 4, 2, 5, 3, 6})));
  EXPECT_EQ(read.shape(), Shape({2, 3}));
  EXPECT_EQ(read.to_vector<double>(), std::vector<double>({1, 2, 3, 4, 5, 6}));
}

TEST(Npy, reads_big_endian_arrays) {
  EXPECT_EQ(
      load(npy(header(">i4", "(2,)"), std::string("\0\0\1\2\xff\xff\xff\xfe", 8))).to_vector<std::int64_t>(),
      std::vector<std::int64_t>({258, -2}));
  EXPECT_EQ(load(npy(header(">f8", "()"), std::string("\x40\x04\0\0\0\0\0\0", 8))).item(), 2.5);
}

/// Read in their own dtype, or in int64 if no tensor stores them.
template <class T>
void expect_integers(const std::string& descr, const std::vector<T>& elements) {
  const Tensor read = load(npy(header(descr, "(2,)"), bytes<T>(elements)));
  DType dtype = DType::int64;
  if constexpr (Element<T>) dtype = dtype_of<T>;
  EXPECT_EQ(read.dtype(), dtype) << descr;
  EXPECT_EQ(read.to_vector<std::int64_t>(), std::vector<std::int64_t>(elements.begin(), elements.end()))
      << descr;
}

TEST(Npy, widens_integers_that_no_tensor_stores_to_int64) {
  expect_integers<std::int8_t>("|i1", {-128, 127});
  expect_integers<std::uint8_t>("|u1", {0, 255});
  expect_integers<std::int16_t>("<i2", {-300, 300});
  expect_integers<std::uint16_t>("<u2", {1, 65535});
  expect_integers<std::int32_t>("<i4", {-70000, 70000});
  expect_integers<std::uint32_t>("<u4", {1, 4294967295});
  expect_integers<std::int64_t>("<i8", {-1, 1LL << 62});
  expect_integers<std::uint64_t>("<u8", {1, 1ULL << 62});
}

TEST(Npy, reads_float16) {
  const Tensor read = load(npy(header(">f2", "(3,)"), std::string("\x3c\0\xc5\0\0\1", 6)));
  EXPECT_EQ(read.dtype(), DType::float16);
  EXPECT_EQ(read.to_vector<double>(), std::vector<double>({1, -5, 0x1p-24}));
}

TEST(Npy, reads_any_non_zero_byte_as_true) {
  EXPECT_EQ(load(npy(header("|b1", "(3,)"), std::string("\0\1\x80", 3))).to_vector<std::int64_t>(),
            std::vector<std::int64_t>({0, 1, 1}));
}

TEST(Npy, reads_headers_of_all_versions_and_styles) {
  const std::string plain = header("<i8", "(1,)") + "\n", element = bytes<std::int64_t>({7});
  const std::string size = {static_cast<char>(plain.size()), 0, 0, 0};
  EXPECT_EQ(load(std::string("\x93NUMPY\x02\x00", 8) + size + plain + element).item<int>(), 7);
  EXPECT_EQ(load(std::string("\x93NUMPY\x03\x00", 8) + size + plain + element).item<int>(), 7);
  EXPECT_EQ(load(npy("{'shape': (1L,), 'fortran_order': False, 'descr': '<i8'}", element)).item<int>(), 7);
  EXPECT_EQ(load(npy("{\"descr\":\"<i8\",\"fortran_order\":False,\"shape\":(1,)}", element)).item<int>(), 7);
  EXPECT_EQ(load(npy(header("<i8", "(1,)") + std::string(60, ' '), element)).item<int>(), 7)
      << "longer than 127 bytes";
}

TEST(Npy, says_what_is_wrong_with_a_file_and_names_it) {
  struct Case {
    std::string content, message;
  };
  const Case cases[] = {
      {"", "it is not a NumPy .npy file"},
      {"x,y\n1,2\n", "it is not a NumPy .npy file"},
      {"PK\x03\x04 and more", "it is a NumPy .npz archive of several arrays; use load_npz"},
      {std::string("\x93NUMPY\x09\x00", 8), "its format version is 9; versions 1 to 3 are supported"},
      {std::string("\x93NUMPY\x01\x00\x76", 9), "it ends within its header"},
      {std::string("\x93NUMPY\x01\x00\x76\x00{'descr'", 18), "it ends within its header"},
      {std::string("\x93NUMPY\x02\x00\xff\xff\xff\xff", 12), "it ends within its header"},
      {npy("", ""), "its NumPy header is damaged: '{' expected"},
      {npy("{'descr': '<f8', 'shape': (1,)}", "12345678"),
       "one of descr, fortran_order and shape is missing"},
      {npy("{'descr': '<f8', 'descr': '<f8'}", ""), "unexpected key 'descr'"},
      {npy("{'descr': '<f8", ""), "a string does not end"},
      {npy("{'descr': '<f8' 'fortran_order': False, 'shape': (1,)}", "12345678"), "no comma after 'descr'"},
      {npy(header("<f8", "(1,)") + " x", "12345678"), "something follows the dictionary"},
      {npy(header("!f8", "(1,)"), "12345678"), "'!f8'"},
      {npy("{'descr': '<f8', 'fortran_order': 1}", ""), "fortran_order is neither True nor False"},
      {npy(header("<f8", "(-1,)"), ""), "its shape holds something that is not a size"},
      {npy(header("<f8", "(99999999999999999999,)"), ""), "its shape holds something that is not a size"},
      {npy(header("<f8", "(4611686018427387904, 4611686018427387904, 0)"), ""), "too many elements"},
      {npy(header("<f8", "(4294967296, 4294967296)"), ""), "too many elements"},
      {npy(header("<f8", "(4611686018427387904,)"), ""), "is too large for any file"},
      {npy(header("<f8", "(" + std::string(2 * 65, ',') + ")"), ""), "not a size"},
      {npy(header(
               "<f8",
               "(1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, "
               "1, "
               "1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, "
               "1, 1, 1)"),
           "12345678"),
       "65 axes; a tensor has at most 64"},
      {npy(header("<f8", "(1000000000000,)"), "1234"), "takes 8000000000000 bytes, but 4 follow the header"},
      {npy(header("<f8", "(2,)"), "123456781234567"), "takes 16 bytes, but 15 follow the header"},
      {npy(header("<f8", "(1,)"), "123456789"), "takes 8 bytes, but 9 follow the header"},
      {npy(header("<c16", "(1,)"), "1234567812345678"),
       "of type '<c16'; supported are floats of 2, 4 and 8 bytes"},
      {npy(header("|O", "(1,)"), "12345678"), "of type '|O'; supported are"},
      {npy(header("<f3", "(1,)"), "123"), "of type '<f3'; supported are"},
      {npy(header("<U3", "(1,)"), "123456789012"), "of type '<U3'; supported are"},
      {npy("{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (1,)}", "12345678"),
       "records with several fields"},
      {npy(header("<u8", "(1,)"), bytes<std::uint64_t>({1ULL << 63})),
       "its element 9223372036854775808 does not fit int64"},
  };
  for (const Case& wrong : cases) {
    const TemporaryFile file(wrong.content, ".npy");
    const std::string message = message_of<IoError>([&] { load_npy(file.path()); });
    EXPECT_TRUE(message.starts_with(file.path() + ": ")) << message;
    EXPECT_NE(message.find(wrong.message), std::string::npos) << message << "\nshould say: " << wrong.message;
  }
}

TEST(Npy, loads_nothing_of_any_size) {
  const TemporaryFile file(npy(header("<u1", "(4611686018427387904, 0)"), ""), ".npy");
  EXPECT_EQ(load_npy(file.path()).shape(), (Shape{std::int64_t{1} << 62, 0}));
}

TEST(Npy, says_why_a_file_cannot_be_opened) {
  EXPECT_EQ(message_of<IoError>([] { load_npy("/nowhere/a.npy"); }),
            "/nowhere/a.npy: it cannot be read: No such file or directory");
  EXPECT_EQ(message_of<IoError>([] { load_npy("/"); }), "/: it cannot be read: Is a directory");
  EXPECT_EQ(message_of<IoError>([] { save_npy("/nowhere/a.npy", tensor(1.0)); }),
            "/nowhere/a.npy: it cannot be written: No such file or directory");
}

TEST(Npy, notices_a_full_disk) {
  if (!std::filesystem::exists("/dev/full")) GTEST_SKIP() << "no /dev/full here";
  EXPECT_EQ(message_of<IoError>([] { save_npy("/dev/full", tensor(1.0)); }),
            "/dev/full: it cannot be written: No space left on device");
}

TEST(Npy, survives_every_truncation_and_every_damaged_byte) {
  const TemporaryFile file("", ".npy");
  save_npy(file.path(), tensor({{1.0, 2.0}, {3.0, 4.0}}));
  const std::string whole = read_bytes(file.path());
  for (std::size_t length = 0; length < whole.size(); ++length) {
    write_bytes(file.path(), std::string_view(whole).substr(0, length));
    EXPECT_THROW(load_npy(file.path()), IoError) << length;
  }
  for (std::size_t at = 0; at < 128; ++at) {
    for (const char damage : {'\0', '\x7f', '\xff', '9', '\'', ' '}) {
      std::string damaged = whole;
      damaged[at] = damage;
      write_bytes(file.path(), damaged);
      try {
        EXPECT_EQ(load_npy(file.path()).size(), 4);  // spaces may turn into spaces
      } catch (const IoError&) {
      }
    }
  }
}

}  // namespace
}  // namespace chainrule::test
