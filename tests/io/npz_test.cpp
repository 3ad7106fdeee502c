// .npz files, stored and compressed, as NumPy writes and reads them, and broken or hostile ones.
// temporary_files.h has the files.

#include <limits>

#include "chainrule/autograd.h"
#include "chainrule/io.h"
#include "paths.h"
#include "support.h"
#include "temporary_files.h"

namespace chainrule::test {
namespace {

using Names = std::vector<std::string>;

Names names_of(const NamedTensors& tensors) {
  Names names;
  for (const auto& [name, tensor] : tensors) names.push_back(name);
  return names;
}
NamedTensors load(const std::string& content) {
  const TemporaryFile file(content, ".npz");
  return load_npz(file.path());
}
std::string saved(const NamedTensors& tensors, bool compressed = false) {
  const TemporaryFile file("", ".npz");
  save_npz(file.path(), tensors, compressed);
  return content_of(file.path());
}
std::string bytes(std::uint64_t number, std::size_t count) {
  return {reinterpret_cast<const char*>(&number), count};
}

const double inf = std::numeric_limits<double>::infinity();

/// What tests/reference/files/make.py has saved.
void expect_arrays_of_make_py(const NamedTensors& tensors, std::size_t first = 0) {
  ASSERT_EQ(names_of(tensors).size(), first + 7);
  const auto expect = [&](std::size_t at, const std::string& name, DType dtype, const Shape& shape,
                          const std::vector<double>& elements) {
    EXPECT_EQ(tensors[first + at].first, name);
    EXPECT_EQ(tensors[first + at].second.dtype(), dtype) << name;
    EXPECT_TRUE(equals(tensors[first + at].second, shape, elements)) << name;
  };
  expect(0, "w", DType::float64, {2, 3}, {1.5, 2, -3, 0.25, 1e300, inf});
  expect(1, "b", DType::int64, {3}, {1, -2, 0x1p40});
  expect(2, "layer/mask", DType::boolean, {2}, {1, 0});
  expect(3, "half", DType::float16, {3}, {1, -5, 0x1p-24});
  expect(4, "by columns", DType::int32, {2, 2}, {1, 2, 3, 4});
  expect(5, "größe", DType::int64, {}, {7});
  expect(6, "nothing", DType::float32, {0, 3}, {});
}

TEST(Npz, reads_what_numpy_has_stored) {
  expect_arrays_of_make_py(load_npz(tests_path("reference/files/stored.npz")));
}

TEST(Npz, reads_what_numpy_has_compressed) {
  const NamedTensors tensors = load_npz(tests_path("reference/files/compressed.npz"));
  EXPECT_EQ(tensors[0].first, "zeros");
  EXPECT_TRUE(equals(tensors[0].second, {40, 50}, std::vector<double>(2000, 0)));
  expect_arrays_of_make_py(tensors, 1);
}

TEST(Npz, reads_sizes_and_places_of_64_bits) {
  expect_arrays_of_make_py(load_npz(tests_path("reference/files/zip64.npz")));
}

TEST(Npz, reads_back_what_it_writes_under_the_same_names_in_the_same_order) {
  const NamedTensors tensors = {{"b", tensor({1.0, -0.0, 1e-310, inf})},
                                {"a", tensor({{1.5F, 2.F, 3.F}, {4.F, 5.F, 6.F}})},
                                {"", tensor({true, false, true})},
                                {"ünï.npy", tensor(std::numeric_limits<std::int64_t>::min())},
                                {"nothing", zeros({3, 0, 2}, DType::float32)},
                                {"many", no_grad([] { return sin(arange(0, 100'000)); })}};
  for (const bool compressed : {false, true}) {
    const NamedTensors copies = load(saved(tensors, compressed));
    ASSERT_EQ(names_of(copies), names_of(tensors));
    for (std::size_t i = 0; i < tensors.size(); ++i) {
      EXPECT_EQ(copies[i].second.dtype(), tensors[i].second.dtype()) << tensors[i].first;
      EXPECT_TRUE(equals(copies[i].second, tensors[i].second.shape(), values(tensors[i].second)))
          << tensors[i].first;
    }
  }
  EXPECT_EQ(names_of(load(saved({}))), Names{});
}

TEST(Npz, compresses_if_asked_to) {
  const NamedTensors zero = {{"z", zeros({100'000}, DType::float64)}};
  EXPECT_GT(saved(zero).size(), 800'000U);
  EXPECT_LT(saved(zero, true).size(), 2'000U);
}

TEST(Npz, writes_the_records_of_the_format) {
  std::string array =
      std::string("\x93NUMPY\x01\x00v\x00", 10) + "{'descr': '<f8', 'fortran_order': False, 'shape': (), }";
  array.resize(127, ' ');
  array += "\n" + bytes(0x4004000000000000, 8);  // 2.5
  const std::string after_version =
      bytes(0, 4) + bytes(0, 2) + bytes(0x21, 2) +  // no flags, stored, 1980-01-01
      bytes(0x933ab435, 4) + bytes(136, 4) + bytes(136, 4) + bytes(5, 2) + bytes(0, 2);
  EXPECT_EQ(saved({{"x", tensor(2.5)}}), "PK\3\4" + bytes(20, 2) + after_version + "x.npy" + array +  //
                                             "PK\1\2" + bytes(20, 2) + bytes(20, 2) + after_version +
                                             std::string(14, '\0') + "x.npy" +  //
                                             "PK\5\6" + bytes(0, 4) + bytes(1, 2) + bytes(1, 2) +
                                             bytes(46 + 5, 4) + bytes(30 + 5 + 136, 4) + bytes(0, 2));
}

TEST(Npz, holds_more_members_than_16_bits_can_count) {
  NamedTensors many;
  for (int i = 0; i < 66'000; ++i) many.emplace_back(std::to_string(i), tensor(i));
  const NamedTensors copies = load(saved(many));
  ASSERT_EQ(copies.size(), many.size());
  EXPECT_EQ(copies.back().first, "65999");
  EXPECT_EQ(copies.back().second.item<int>(), 65999);
}

// ---- What must not be read --------------------------------------------------------------------------------

/// An archive in which something has been changed.
class Archive {
 public:
  explicit Archive(std::string content) : content_(std::move(content)) {}
  /// In the record of the directory for this member.
  Archive in_directory(std::size_t member, std::size_t at, std::uint64_t number, std::size_t count) const {
    std::size_t record = content_.find("PK\1\2");
    for (; member > 0; --member) record = content_.find("PK\1\2", record + 1);
    return with(record + at, bytes(number, count));
  }
  Archive in_member(std::size_t at, std::uint64_t number, std::size_t count) const {
    return with(at, bytes(number, count));
  }
  Archive in_end(std::size_t at, std::uint64_t number, std::size_t count) const {
    return with(content_.rfind("PK\5\6") + at, bytes(number, count));
  }
  operator std::string() const { return content_; }  // NOLINT(google-explicit-constructor)

 private:
  Archive with(std::size_t at, const std::string& replacement) const {
    std::string content = content_;
    content.replace(at, replacement.size(), replacement);
    return Archive(content);
  }
  std::string content_;
};

TEST(Npz, says_what_is_wrong_with_a_file_and_names_it) {
  const Archive two(saved({{"a", tensor(1.0)}, {"b", tensor(2.0)}}));
  const Archive packed(saved({{"a", zeros({1000}, DType::float64)}}, true));
  const std::string whole = two;
  const Archive large(content_of(tests_path("reference/files/zip64.npz")));
  struct Case {
    std::string content, message;
  };
  const Case cases[] = {
      {"", "it is no ZIP archive"},
      {"x,y\n1,2\n" + std::string(100, ' '), "it is no ZIP archive"},
      {"\x93NUMPY and more", "it is a NumPy .npy file of one array; use load_npy"},
      {whole.substr(0, 200), "the archive is damaged or cut short: it has no directory"},
      {whole + "x", "it has no directory"},
      {"x" + whole, "its directory is not where it should be"},
      {two.in_end(4, 1, 2), "the archive consists of several files; make one of them"},
      {two.in_end(10, 3, 2), "its directory has 2 members, not 3"},
      {two.in_end(12, 3, 4), "its directory is not where it should be"},
      {two.in_end(16, 0xffffff, 4), "its directory is not where it should be"},
      {two.in_directory(0, 0, 0, 1), "its directory holds something that is no member"},
      {two.in_directory(1, 30, 9000, 2), "its directory ends within a member"},
      {two.in_directory(0, 8, 1, 2), "member 'a.npy' is encrypted; save it without a password"},
      {two.in_directory(0, 10, 12, 2),
       "member 'a.npy' is packed by method 12; supported are 0, stored, and 8"},
      {two.in_directory(1, 46, 'a', 1), "it has member 'a.npy' twice"},
      {two.in_directory(0, 46, 'c', 1), "member 'c.npy' is not where its directory says"},
      {two.in_directory(0, 42, 1, 4), "member 'a.npy' is not where its directory says"},
      {two.in_directory(0, 42, 0xfffffff0, 4), "member 'a.npy' is not where its directory says"},
      {two.in_directory(0, 42, 0xffffffff, 4), "member 'a.npy' is not where its directory says"},
      {two.in_directory(0, 20, 9, 4), "member 'a.npy' has two sizes"},
      {two.in_directory(0, 20, 0xf0000000f0000000, 8), "would go beyond the directory"},
      {two.in_directory(0, 20, 0x12c0000012c, 8), "members 'a.npy' and 'b.npy' share bytes"},
      {two.in_directory(0, 16, 3, 4), "member 'a.npy': it is damaged: its checksum is another one"},
      {two.in_member(100, 'x', 1), "member 'a.npy': it is damaged: its checksum is another one"},
      {two.in_member(8, 8, 2), "member 'a.npy' is not where its directory says"},
      {packed.in_directory(0, 24, 8127, 4), "it unpacks to more than the 8127 bytes that it should"},
      {packed.in_directory(0, 24, 8129, 4), "it unpacks to 8128 bytes, not 8129"},
      {packed.in_directory(0, 24, 0, 4), "it unpacks to more than the 0 bytes that it should"},
      {packed.in_directory(0, 24, 0xf0000000, 4),
       "bytes would unpack to more than 1073741824; if they are meant to, save them without compression"},
      {packed.in_directory(0, 20, 20, 4), "member 'a.npy': its packed bytes are damaged or cut short"},
      {packed.in_member(35, 0xff, 1), "member 'a.npy': its packed bytes are damaged or cut short: invalid"},
      {large.in_directory(0, 46 + 5 + 4 + 7, 0x7f, 1), "member 'w.npy' has two sizes"},
      {content_of(tests_path("reference/files/not_arrays.npz")), "its name does not end with .npy"},
  };
  for (const Case& wrong : cases) {
    const TemporaryFile file(wrong.content, ".npz");
    const std::string message = message_of<IoError>([&] { load_npz(file.path()); });
    EXPECT_TRUE(message.starts_with(file.path() + ": ")) << message;
    EXPECT_NE(message.find(wrong.message), std::string::npos) << message << "\nshould say: " << wrong.message;
  }
}

TEST(Npz, says_what_cannot_be_saved) {
  const TemporaryFolder folder;
  const std::string path = folder.file("a");
  const auto why = [&](const NamedTensors& tensors) {
    return message_of<std::invalid_argument>([&] { save_npz(path, tensors); });
  };
  const Tensor one = tensor(1.0);
  EXPECT_EQ(why({{"w", one}, {"w", one}}),
            "save_npz: 'w' is there twice; give each tensor a name of its own");
  EXPECT_TRUE(mentions(why({{"\xff", one}}), {"is not UTF-8"}));
  EXPECT_TRUE(
      mentions(why({{std::string("a\0b", 3), one}}), {"'a?b' is longer than 65531 bytes or has a zero"}));
  EXPECT_TRUE(mentions(why({{std::string(65532, 'n'), one}}), {"…' is longer than 65531 bytes"}));
  EXPECT_EQ(message_of<GradError>([&] {
              save_npz(path, {{"w", Tensor()}});
            }),
            "save_npz: 'w' is an empty handle; assign a tensor to it first");
  EXPECT_EQ(folder.names(), Names{});
  save_npz(path, {{std::string(65531, 'n'), one}});
  EXPECT_EQ(load_npz(path)[0].first.size(), 65531U);
}

TEST(Npz, survives_every_truncation_and_every_damaged_byte) {
  for (const bool compressed : {false, true}) {
    const std::string whole =
        saved({{"x", tensor({{1.0, 2.0}, {3.0, 4.0}})}, {"m", tensor({true})}}, compressed);
    for (std::size_t length = 0; length < whole.size(); ++length)
      EXPECT_THROW(load(whole.substr(0, length)), IoError) << length;
    for (std::size_t at = 0; at < whole.size(); ++at) {
      for (const char damage : {'\0', '\x7f', '\xff', '\1'}) {
        std::string damaged = whole;
        damaged[at] = damage;
        try {
          EXPECT_EQ(load(damaged).size(), 2U);  // times, versions and attributes are nobody's business
        } catch (const IoError&) {
        }
      }
    }
  }
}

}  // namespace
}  // namespace chainrule::test
