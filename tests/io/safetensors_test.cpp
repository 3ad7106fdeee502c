// safetensors files, byte for byte by the format's text, and broken or hostile headers.
// temporary_files.h has the files.

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <limits>

#include "chainrule/io.h"
#include "chainrule/optim/sgd.h"
#include "support.h"
#include "temporary_files.h"

namespace chainrule::test {
namespace {

using Names = std::vector<std::string>;

template <class T>
std::string bytes(const std::vector<T>& elements) {
  return {reinterpret_cast<const char*>(elements.data()), elements.size() * sizeof(T)};
}

/// A file of this header, which ' stands for " in, and data.
std::string file_of(std::string header, const std::string& data, std::uint64_t length = 0) {
  for (char& c : header) c = c == '\'' ? '"' : c;
  return bytes<std::uint64_t>({length != 0 ? length : header.size()}) + header + data;
}
/// Of one tensor "t".
std::string file_of(const std::string& dtype, const std::string& shape, const std::string& data) {
  return file_of("{'t':{'dtype':'" + dtype + "','shape':" + shape + ",'data_offsets':[0," +
                     std::to_string(data.size()) + "]}}",
                 data);
}

Safetensors load(const std::string& content) {
  const TemporaryFile file(content, ".safetensors");
  return load_safetensors(file.path());
}
Names names_of(const NamedTensors& tensors) {
  Names names;
  for (const auto& [name, tensor] : tensors) names.push_back(name);
  return names;
}
std::string saved(const NamedTensors& tensors, const std::map<std::string, std::string>& metadata = {}) {
  const TemporaryFile file("", ".safetensors");
  save_safetensors(file.path(), tensors, metadata);
  return content_of(file.path());
}

TEST(Safetensors, reads_back_what_it_writes_under_the_same_names_in_the_same_order) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const NamedTensors tensors = {
      {"mask", tensor({true, false, true})},
      {"b.bias", tensor({1.0, -0.0, 1e-310, nan})},
      {"a.weight", tensor({{1.5F, 2.F, 3.F}, {4.F, 5.F, 6.F}})},
      {"", tensor(std::vector<std::int64_t>{1, std::numeric_limits<std::int64_t>::min()})},
      {"nothing", zeros({3, 0, 2}, DType::float32)},
      {"a \"name\"\n\\ in ünïcode", tensor(2.5)}};
  const TemporaryFile file("", ".safetensors");
  save_safetensors(file.path(), tensors, {{"format", "pt"}, {"", "ünï\"code\n"}});
  const auto [loaded, metadata] = load_safetensors(file.path());
  EXPECT_EQ(metadata, (std::map<std::string, std::string>{{"", "ünï\"code\n"}, {"format", "pt"}}));
  ASSERT_EQ(names_of(loaded), names_of(tensors));
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    EXPECT_EQ(loaded[i].second.dtype(), tensors[i].second.dtype()) << tensors[i].first;
    EXPECT_TRUE(equals(loaded[i].second, tensors[i].second.shape(), values(tensors[i].second)))
        << tensors[i].first;
  }
  EXPECT_TRUE(std::signbit(loaded[1].second.to_vector<double>()[1]));
}

TEST(Safetensors, writes_the_bytes_that_the_format_asks_for) {
  // Larger elements first and a header of whole eights, so that all are aligned.
  EXPECT_EQ(saved({{"m", tensor({true, false, true})}, {"x", tensor({{1.0, 2.0}})}}, {{"k", "v"}}),
            file_of("{'__metadata__':{'k':'v'},'m':{'dtype':'BOOL','shape':[3],'data_offsets':[16,19]},"
                    "'x':{'dtype':'F64','shape':[1,2],'data_offsets':[0,16]}}      ",
                    bytes<double>({1, 2}) + std::string("\1\0\1", 3)));
  EXPECT_EQ(saved({{"f", tensor(1.5F)}, {"i", tensor(-2)}}),
            file_of("{'f':{'dtype':'F32','shape':[],'data_offsets':[8,12]},"
                    "'i':{'dtype':'I64','shape':[],'data_offsets':[0,8]}}      ",
                    bytes<std::int64_t>({-2}) + bytes<float>({1.5F})));
  EXPECT_EQ(saved({}), file_of("{}      ", ""));
}

TEST(Safetensors, reads_the_example_of_the_library) {
  const auto [tensors, metadata] =
      load(std::string("<\0\0\0\0\0\0\0", 8) +
           R"({"test":{"dtype":"I32","shape":[2,2],"data_offsets":[0,16]}})" + std::string(16, '\0'));
  ASSERT_EQ(names_of(tensors), Names{"test"});
  EXPECT_EQ(tensors[0].second.dtype(), DType::int32);
  EXPECT_TRUE(equals(tensors[0].second, {2, 2}, {0, 0, 0, 0}));
  EXPECT_TRUE(metadata.empty());
}

TEST(Safetensors, widens_only_element_types_that_no_tensor_stores) {
  const auto expect = [](const std::string& dtype, const std::string& elements, DType wide,
                         const std::vector<double>& numbers) {
    const Tensor read =
        load(file_of(dtype, "[" + std::to_string(numbers.size()) + "]", elements)).tensors[0].second;
    EXPECT_EQ(read.dtype(), wide) << dtype;
    EXPECT_TRUE(equals(read, {static_cast<std::int64_t>(numbers.size())}, numbers)) << dtype;
  };
  const double inf = std::numeric_limits<double>::infinity(), nan = std::numeric_limits<double>::quiet_NaN();
  using Halves = std::vector<std::uint16_t>;
  // The largest, the smallest normal one, the smallest of all, the largest subnormal one.
  expect("F16", bytes(Halves{0x3c00, 0xc500, 0x7bff, 0x0400, 0x0001, 0x83ff, 0x8000, 0x7c00, 0xfc00, 0x7e01}),
         DType::float16, {1, -5, 65504, 0x1p-14, 0x1p-24, -1023 * 0x1p-24, -0.0, inf, -inf, nan});
  expect("BF16", bytes(Halves{0x3fc0, 0xc049, 0x7f80, 0x7fc0, 0x0001}), DType::bfloat16,
         {1.5, -3.140625, inf, nan, 0x1p-133});
  expect("F64", bytes<double>({-0.1, 1e300}), DType::float64, {-0.1, 1e300});
  const auto expect_integers = [&]<class T>(const std::string& dtype, const std::vector<T>& elements) {
    DType read = DType::int64;  // unless tensors store them
    if constexpr (Element<T>) read = dtype_of<T>;
    expect(dtype, bytes<T>(elements), read, {elements.begin(), elements.end()});
  };
  expect_integers("I8", std::vector<std::int8_t>{-128, 127});
  expect_integers("U8", std::vector<std::uint8_t>{0, 255});
  expect_integers("I16", std::vector<std::int16_t>{-32768, 300});
  expect_integers("U16", std::vector<std::uint16_t>{1, 65535});
  expect_integers("I32", std::vector<std::int32_t>{-70000, 70000});
  expect_integers("U32", std::vector<std::uint32_t>{1, 4294967295});
  expect_integers("U64", std::vector<std::uint64_t>{1, 1ULL << 62});
  expect("BOOL", std::string("\0\1\x80", 3), DType::boolean, {0, 1, 1});
}

TEST(Safetensors, reads_elements_that_are_not_aligned) {
  const auto tensors = load(file_of("{'b':{'dtype':'BOOL','shape':[1],'data_offsets':[0,1]},"
                                    "'x':{'dtype':'F64','shape':[3],'data_offsets':[1,25]}}",
                                    "\1" + bytes<double>({1.5, 2.5, 3.5})))
                           .tensors;
  EXPECT_TRUE(equals(tensors[1].second, {3}, {1.5, 2.5, 3.5}));
}

TEST(Safetensors, says_what_is_wrong_with_a_file_and_names_it) {
  const auto one = [](const std::string& entry, std::size_t data = 8) {
    return file_of("{'t':" + entry + "}", std::string(data, '\0'));
  };
  const auto two = [](const std::string& first, const std::string& second, std::size_t data) {
    return file_of("{'a':{'dtype':'U8','shape':[4],'data_offsets':" + first +
                       "},'b':{'dtype':'U8','shape':[4],'data_offsets':" + second + "}}",
                   std::string(data, '\0'));
  };
  std::string ones = "1";
  for (int i = 0; i < 70; ++i) ones += ",1";
  struct Case {
    std::string content, message;
  };
  const Case cases[] = {
      {"", "it is no safetensors file: it has 0 bytes"},
      {"1234567", "it is no safetensors file: it has 7 bytes"},
      {bytes<std::uint64_t>({200'000'000}) + "{}",
       "its header would take 200000000 bytes, of at most 100000000; is it a safetensors file?"},
      {bytes<std::uint64_t>({~0ULL}) + "{}", "its header would take 18446744073709551615 bytes"},
      {file_of("{}", "", 3), "it ends within its header, of whose 3 bytes it has 2"},
      {file_of("", ""), "its header does not begin with '{'; is it a safetensors file?"},
      {file_of(" {}", ""), "its header does not begin with '{'"},
      {file_of("[]", ""), "its header does not begin with '{'"},
      {file_of(std::string("{}\0{}", 5), ""), "its header is no JSON: byte 3 is zero"},
      {file_of("{} {}", ""), "its header is no JSON: byte 4: syntax error"},
      {file_of("{'t'", ""), "its header is no JSON: byte 5: syntax error"},
      {file_of("{'\xff':1}", ""), "its header is no JSON: byte 3: syntax error"},
      {file_of("{'t':1e999}", ""), "its header is no JSON: byte "},
      {file_of("{'t':3}", ""), "tensor 't': it is 3, not an object"},
      {file_of("{'t':null}", ""), "tensor 't': it is null, not an object"},
      {file_of("{'t':[[[[", ""), "tensor 't': it is a list, not an object"},
      {file_of("{'t':'F32'}", ""), "tensor 't': it is a string, not an object"},
      {one("{'dtype':'F64','shape':[1]}"), "tensor 't': one of dtype, shape and data_offsets is missing"},
      {one("{}"), "tensor 't': one of dtype, shape and data_offsets is missing"},
      {one("{'dtype':'F8_E4M3','shape':[8],'data_offsets':[0,8]}"),
       "tensor 't': its elements are of type 'F8_E4M3'; supported are F16, BF16, F32, F64"},
      {one("{'dtype':'F64','dtype':'F64'}"), "tensor 't': it has 'dtype' twice"},
      {one("{'stride':[1]}"), "tensor 't': it has 'stride', which is none of dtype, shape and data_offsets"},
      {one("{'dtype':[1]}"), "tensor 't': its dtype is a list, not a string"},
      {one("{'dtype':{}}"), "tensor 't': its dtype is an object, not a string"},
      {one("{'shape':'1'}"), "tensor 't': its shape is a string, not a list of sizes"},
      {one("{'shape':{'a':{'a':{"), "tensor 't': its shape is an object, not a list of sizes"},
      {one("{'shape':[[[[["), "tensor 't': its shape has a list, which is not a size"},
      {one("{'shape':[-1]}"), "tensor 't': its shape has -1, which is not a size"},
      {one("{'shape':[1.5]}"), "tensor 't': its shape has '1.5', which is not a size"},
      {one("{'shape':[true]}"), "tensor 't': its shape has true or false, which is not a size"},
      {one("{'shape':[9223372036854775808]}"),
       "tensor 't': its shape has 9223372036854775808, which is not a size"},
      {one("{'shape':[99999999999999999999]}"),
       "tensor 't': its shape has '99999999999999999999', which is not a size"},
      {one("{'shape':[" + ones + "]}"), "tensor 't': it has more numbers than a tensor can have axes"},
      {one("{'dtype':'F64','shape':[1],'data_offsets':[0]}"),
       "tensor 't': its data_offsets are 1 numbers, not two"},
      {one("{'dtype':'F64','shape':[1],'data_offsets':[0,8,9]}"),
       "tensor 't': its data_offsets are 3 numbers, not two"},
      {one("{'dtype':'F64','shape':[4294967296,4294967296],'data_offsets':[0,8]}"), "too many elements"},
      {one("{'dtype':'F64','shape':[4611686018427387904],'data_offsets':[0,8]}"),
       "tensor 't': its shape (4611686018427387904,) is too large for any file"},
      {one("{'dtype':'F64','shape':[2],'data_offsets':[0,8]}"),
       "tensor 't': its shape (2,) takes 16 bytes, but it lies from byte 0 to 8 of the data"},
      {one("{'dtype':'F64','shape':[1],'data_offsets':[8,0]}"),
       "tensor 't': its shape (1,) takes 8 bytes, but it lies from byte 8 to 0 of the data"},
      {one("{'dtype':'F64','shape':[1000000000000],'data_offsets':[0,8000000000000]}"),
       "tensor 't': it takes bytes 0 to 8000000000000 of the data, which has 8; the file is cut short"},
      {one("{'dtype':'F64','shape':[1],'data_offsets':[0,8]}", 7),
       "tensor 't': it takes bytes 0 to 8 of the data, which has 7; the file is cut short"},
      {one("{'dtype':'F64','shape':[1],'data_offsets':[0,8]}", 9),
       "bytes 8 to 9 of the data belong to no tensor; the file is damaged"},
      {one("{'dtype':'F64','shape':[1],'data_offsets':[1,9]}", 9),
       "bytes 0 to 1 of the data, before tensor 't', belong to no tensor; the file is damaged"},
      {file_of("{}", "1"), "bytes 0 to 1 of the data belong to no tensor"},
      {two("[0,4]", "[5,9]", 9), "bytes 4 to 5 of the data, before tensor 'b', belong to no tensor"},
      {two("[0,4]", "[3,7]", 7), "tensor 'b': it takes bytes 3 to 7 of the data, where another tensor lies"},
      {two("[0,4]", "[0,4]", 4), "where another tensor lies; the file is damaged"},
      {file_of("{'a':{'dtype':'U8','shape':[0],'data_offsets':[0,0]},'a':{}}", ""),
       "its header has the name 'a' twice"},
      {file_of("{'__metadata__':{},'__metadata__':{}}", ""), "its header has the name '__metadata__' twice"},
      {file_of("{'__metadata__':{'k':3}}", ""), "its metadata 'k' is 3, not a string"},
      {file_of("{'__metadata__':{'k':{'k':{", ""), "its metadata 'k' is an object, not a string"},
      {file_of("{'__metadata__':{'k':'a','k':'b'}}", ""), "tensor '__metadata__': it has 'k' twice"},
      {file_of("{'" + std::string(79, 'n') + "ü" + std::string(100, 'n') + "':3}", ""),
       "tensor '" + std::string(79, 'n') + "…': it is 3"},
      {file_of("U64", "[1]", bytes<std::uint64_t>({1ULL << 63})),
       "tensor 't': its element 9223372036854775808 does not fit int64"},
  };
  for (const Case& wrong : cases) {
    const TemporaryFile file(wrong.content, ".safetensors");
    const std::string message = message_of<IoError>([&] { (void)load_safetensors(file.path()); });
    EXPECT_TRUE(message.starts_with(file.path() + ": ")) << message;
    EXPECT_NE(message.find(wrong.message), std::string::npos) << message << "\nshould say: " << wrong.message;
    EXPECT_LT(message.size(), 600U) << message;
  }
}

TEST(Safetensors, refuses_depth_without_going_there) {
  const std::string deep = "{'t':" + std::string(5'000'000, '[');
  EXPECT_TRUE(mentions(message_of<IoError>([&] { (void)load(file_of(deep, "")); }), {"it is a list"}));
}

TEST(Safetensors, says_what_cannot_be_saved) {
  const TemporaryFolder folder;
  const std::string path = folder.file("a");
  const auto why = [&](const NamedTensors& tensors, const std::map<std::string, std::string>& metadata = {}) {
    return message_of<std::invalid_argument>([&] { save_safetensors(path, tensors, metadata); });
  };
  const Tensor one = tensor(1.0);
  EXPECT_EQ(why({{"w", one}, {"w", one}}),
            "save_safetensors: 'w' is there twice; give each tensor a name of its own");
  EXPECT_TRUE(
      why({{"__metadata__", one}}).starts_with("save_safetensors: no tensor can be called '__metadata__'"));
  EXPECT_TRUE(mentions(why({{"\xff", one}}), {"is not UTF-8"}));
  EXPECT_TRUE(mentions(why({}, {{"k", "\xff"}}), {"is not UTF-8"}));
  EXPECT_EQ(message_of<GradError>([&] {
              save_safetensors(path, {{"w", Tensor()}});
            }),
            "save_safetensors: 'w' is an empty handle; assign a tensor to it first");
  EXPECT_EQ(folder.names(), Names{});
}

TEST(Safetensors, says_why_a_file_cannot_be_opened) {
  EXPECT_EQ(message_of<IoError>([] { (void)load_safetensors("/nowhere/a"); }),
            "/nowhere/a: it cannot be read: No such file or directory");
  EXPECT_EQ(message_of<IoError>([] { (void)load_safetensors("/"); }), "/: it cannot be read: Is a directory");
  EXPECT_EQ(message_of<IoError>([] { (void)load_safetensors("/dev/null"); }),
            "/dev/null: it is not a regular file");
  EXPECT_EQ(message_of<IoError>([] { save_safetensors("/nowhere/a", {}); }),
            "/nowhere/a: it cannot be written: No such file or directory");
}

TEST(Safetensors, survives_every_truncation_and_every_damaged_byte) {
  const std::string whole =
      saved({{"x", tensor({{1.0, 2.0}, {3.0, 4.0}})}, {"m", tensor({true, false})}}, {{"format", "pt"}});
  for (std::size_t length = 0; length < whole.size(); ++length)
    EXPECT_THROW((void)load(whole.substr(0, length)), IoError) << length;
  for (std::size_t at = 0; at < whole.size(); ++at) {
    for (const char damage : {'\0', '\x7f', '\xff', '9', '"', ' ', '}', '['}) {
      std::string damaged = whole;
      damaged[at] = damage;
      try {
        (void)load(damaged);  // names and values may be others
      } catch (const IoError&) {
      }
    }
  }
}

TEST(Safetensors, shares_the_file_until_something_is_written_to_the_tensors) {
  const TemporaryFolder folder;
  const std::string path = folder.file("w"), before = "old weights";
  save_safetensors(path, {{"w", full({1000}, 1.0)}});
  const std::string content = content_of(path);
  const Tensor loaded = load_safetensors(path).tensors[0].second;
  const Parameter parameter(load_safetensors(path).tensors[0].second, "w");
  Sgd optimizer({parameter}, {.learning_rate = 0.5});
  for (int i = 0; i < 2; ++i) {
    sum(parameter * parameter).backward();
    optimizer.step();
  }
  EXPECT_TRUE(equals(parameter.leaf(), {1000}, std::vector<double>(1000, 0)));
  EXPECT_EQ(content_of(path), content);
  save_safetensors(path, {{"w", full({1000}, 2.0)}});  // replaces the file that `loaded` lies in
  EXPECT_TRUE(equals(loaded, {1000}, std::vector<double>(1000, 1)));
  EXPECT_EQ(load_safetensors(path).tensors[0].second.to_vector<double>()[999], 2.0);
}

// ---- Training that stops and goes on ----------------------------------------------------------------------

TEST(Safetensors, is_the_old_or_the_new_file_whenever_the_program_is_killed) {
  const TemporaryFolder folder;
  const std::string path = folder.file("a");
  std::mt19937 random(2);
  const auto save = [&](int i) {
    save_safetensors(path, {{"step", tensor(i)}, {"w", full({200'000}, static_cast<double>(i))}});
  };
  save(0);
  std::int64_t last = 0;
  const int kills = sanitized ? 10 : 40;  // where a fork takes half a second
  for (int i = 1; i <= kills; ++i) {
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      save(i);
      _exit(0);
    }
    usleep(std::uniform_int_distribution<useconds_t>(0, 6000)(random));
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    const NamedTensors found = load_safetensors(path).tensors;
    const auto step = found[0].second.item<std::int64_t>();
    ASSERT_TRUE(step == last || step == i) << step << " after the kill number " << i;
    const Tensor& w = found[1].second;
    ASSERT_EQ(min(w).item<double>(), static_cast<double>(step));
    ASSERT_EQ(max(w).item<double>(), static_cast<double>(step));
    last = step;
  }
}

}  // namespace
}  // namespace chainrule::test
