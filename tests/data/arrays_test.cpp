// Arrays of NumPy's as tables: which are the columns, the target and the parts.
// Tables are texts of a few lines.

#include <zlib.h>

#include "chainrule/io.h"
#include "chainrule/ops.h"
#include "chainrule/shaping.h"
#include "data/tables.h"
#include "support.h"
#include "temporary_files.h"

namespace chainrule::test {
namespace {

TEST(Table, of_arrays_in_npz_has_their_columns_and_the_target_last) {
  const TemporaryFile file("", ".npz");
  const Tensor y = tensor(std::vector<std::int64_t>{1, 0, 1});
  save_npz(
      file.path(),
      {{"y", y}, {"x", tensor({0.0, 1.0, 2.0, 3.0, 4.0, 5.0}, {3, 2})}, {"age", tensor({30.5, 20.0, 10.0})}},
      true);
  const Table table = read_table(file.path());
  std::vector<std::string> names;
  for (const TableColumn& column : table.columns) names.push_back(column.name);
  EXPECT_EQ(names, (std::vector<std::string>{"x 1", "x 2", "age", "y"}));
  EXPECT_EQ(table.rows(), 3);
  EXPECT_EQ(table.columns[1].numbers, (std::vector<double>{1, 3, 5}));
  EXPECT_EQ(table.columns[3].cell(0), "1");

  save_npz(file.path(), {{"images", zeros({3, 4, 5})}, {"labels", y}});
  const Table images = read_table(file.path());
  EXPECT_EQ(images.columns.size(), 21U);
  EXPECT_EQ(images.columns[19].name, "pixel 20");
  EXPECT_EQ(images.image_height, 4);
  EXPECT_EQ(images.image_width, 5);

  const auto refused = [&](const NamedTensors& arrays) {
    save_npz(file.path(), arrays);
    return message_of<IoError>([&] { read_table(file.path()); });
  };
  EXPECT_TRUE(mentions(refused({{"x", zeros({2, 2})}, {"y", y}}),
                       {file.path(), "'y' has shape (3,)", "'x' (2, 2)", "a row for each sample"}));
  EXPECT_TRUE(mentions(refused({{"x", zeros({2, 2, 2, 2})}}), {"'x' has shape (2, 2, 2, 2)"}));
  EXPECT_TRUE(mentions(refused({{"x_train", zeros({2})}, {"x_test", zeros({2})}, {"latest", zeros({2})}}),
                       {"'latest' is of no part"}));
  EXPECT_TRUE(mentions(refused({{"x", tensor(1.0)}}), {"'x' has shape ()"}));
  EXPECT_TRUE(mentions(refused({{"x", zeros({0, 3})}}), {"'x' has shape (0, 3), and so no number in it"}));
  EXPECT_TRUE(
      mentions(refused({{"a", zeros({2, 2, 2})}, {"b", zeros({2, 2, 2})}}), {"second array of images"}));
}

TEST(Table, of_arrays_takes_parts_colours_and_classes_as_they_are_meant) {
  const TemporaryFile file("", ".npz"), single("", ".npy"), labels("", ".npy");
  const Tensor colours = reshape(arange(0, 2 * 4 * 5 * 3), {2, 4, 5, 3});
  save_npz(file.path(), {{"train_images", colours},
                         {"train_labels", tensor({0.0, 1.0, 0.0, 1.0, 0.0, 0.0}, {2, 3})},
                         {"testX", zeros({1, 2})},
                         {"val-y", zeros({4, 1})}});
  EXPECT_EQ(table_parts(file.path()), Texts({"train", "validation", "test"}));
  const Table images = read_table(file.path());
  EXPECT_EQ(images.image_channels, 3);
  EXPECT_EQ(images.image_height, 4);
  EXPECT_EQ(images.image_width, 5);
  EXPECT_EQ(images.columns[0].numbers, (std::vector<double>{0, 60}));
  EXPECT_EQ(images.columns[1].numbers, (std::vector<double>{3, 63}));   // the same colour beside it
  EXPECT_EQ(images.columns[20].numbers, (std::vector<double>{1, 61}));  // the next colour
  EXPECT_EQ(images.columns[60].name, "labels");
  EXPECT_EQ(cells(images.columns[60]), Texts({"1", "0"}));
  EXPECT_EQ(names(read_table(file.path(), {.part = "test"})), Texts({"X 1", "X 2"}));
  EXPECT_EQ(names(read_table(file.path(), {.part = "validation"})), Texts({"y"}));

  save_npy(single.path(), colours[{Slice{}, 0, 0}]);
  save_npy(labels.path(), tensor(std::vector<std::int64_t>{7, 8}));
  const Table pair = read_table(single.path(), {.labels = labels.path()});
  EXPECT_EQ(names(pair), Texts({"x 1", "x 2", "x 3", "y"}));
  EXPECT_EQ(cells(pair.columns[3]), Texts({"7", "8"}));
  EXPECT_TRUE(table_parts(single.path()).empty());
  EXPECT_TRUE(
      mentions(message_of<IoError>([&] { (void)read_table(single.path(), {.part = "test"}); }), {"test"}));
}

TEST(Table, of_images_keeps_their_channels_where_rows_are_taken) {
  const TemporaryFile file("", ".npz");
  save_npz(file.path(), {{"x", zeros({3, 4, 5, 3})}});
  EXPECT_EQ(read_table(file.path()).image_height, 4);
  save_npz(file.path(), {{"x", zeros({3, 3, 4, 4})}});
  const Table part = take_rows(read_table(file.path()), std::vector<std::int64_t>{2, 0});
  EXPECT_EQ(part.image_height, 4);
  EXPECT_EQ(part.rows(), 2);
  EXPECT_EQ(part.image_channels, 3);
}

TEST(Table, of_idx_takes_all_types_and_rows_images_and_colours) {
  const auto sizes = [](const std::vector<char>& axes) {
    std::string bytes;
    for (const char axis : axes) bytes += std::string(3, '\0') + axis;
    return bytes;
  };
  const std::string start(2, '\0');
  const TemporaryFile rows(start + "\x0B\x02" + sizes({2, 2}) + std::string("\0\1\xFF\xFE\1\0\0\3", 8),
                           "-idx2"),
      image(start + "\x0D\x03" + sizes({1, 1, 2}) + std::string("\x3F\x80\0\0\xC0\0\0\0", 8), "-idx3"),
      colours(start + "\x08\x04" + sizes({1, 1, 2, 3}) + "abcdef", "-idx4"),
      labels(start + "\x09\x01" + sizes({2}) + "\1\xFF", "-idx1");
  const Table table = read_table(rows.path(), {.labels = labels.path()});
  EXPECT_EQ(names(table), Texts({"x 1", "x 2", "class"}));
  EXPECT_EQ(table.columns[1].numbers, std::vector<double>({-2, 3}));
  EXPECT_EQ(table.columns[2].numbers, std::vector<double>({1, -1}));
  EXPECT_EQ(table.image_height, 0);
  const Table floats = read_table(image.path());
  EXPECT_EQ(names(floats), Texts({"pixel 1", "pixel 2"}));
  EXPECT_EQ(floats.columns[1].numbers, std::vector<double>({-2}));
  EXPECT_EQ(floats.image_width, 2);
  const Table planes = read_table(colours.path());
  EXPECT_EQ(planes.image_channels, 3);
  EXPECT_EQ(planes.columns[1].numbers, std::vector<double>({'d'}));
  EXPECT_TRUE(mentions(message_of<IoError>([&] { (void)read_table(labels.path()); }), {"a file of labels"}));
}

/// An array (n,) as NumPy saves it.
std::string npy_of(const std::string& descr, const std::string& elements, std::size_t count) {
  std::string header =
      "{'descr': '" + descr + "', 'fortran_order': False, 'shape': (" + std::to_string(count) + ",), }\n";
  return std::string("\x93NUMPY\x01\x00", 8) + static_cast<char>(header.size()) + '\0' + header + elements;
}

TEST(Table, of_arrays_takes_texts_for_texts) {
  const auto unicode = [](const std::u32string& text, std::size_t letters) {
    std::string bytes;
    for (std::size_t i = 0; i < letters; ++i)
      for (int k = 0; k < 4; ++k) bytes += static_cast<char>((i < text.size() ? text[i] : 0) >> (8 * k));
    return bytes;
  };
  const TemporaryFile x("", ".npy"),
      wide(npy_of("<U3", unicode(U"ja", 3) + unicode(U"nö€", 3) + unicode(U"", 3), 3), ".npy"),
      narrow(npy_of("|S2", std::string("ab\0\0ab", 6), 3), ".npy"),
      gaps(npy_of("|S2", std::string(6, '\0'), 3), ".npy"),
      turned(npy_of(">U1", std::string("\0\0\0a\0\0\0b\0\x01\xF6\0", 12), 3), ".npy");
  save_npy(x.path(), zeros({3, 1}));
  const auto labels = [&](const TemporaryFile& file) {
    return read_table(x.path(), {.labels = file.path()}).columns[1];
  };
  EXPECT_EQ(cells(labels(wide)), Texts({"ja", "nö€", ""}));
  EXPECT_EQ(labels(wide).missing(), 1);
  EXPECT_EQ(cells(labels(narrow)), Texts({"ab", "", "ab"}));
  EXPECT_EQ(cells(labels(turned)), Texts({"a", "b", "\U0001F600"}));
  EXPECT_EQ(labels(gaps).missing(), 3);
  const TemporaryFile packed("", ".npy.gz");
  const std::string bytes = content_of(wide.path());
  gzFile out = gzopen(packed.path().c_str(), "wb");
  gzwrite(out, bytes.data(), static_cast<unsigned>(bytes.size()));
  gzclose(out);
  EXPECT_EQ(cells(read_table(packed.path()).columns[0]), Texts({"ja", "nö€", ""}));
  const auto refused = [&](const std::string& content) {
    const TemporaryFile file(content, ".npy");
    return message_of<IoError>([&] { (void)read_table(file.path()); });
  };
  EXPECT_TRUE(mentions(refused(npy_of("<U3", "short", 3)), {"'<U3' takes 36 bytes, but 5 follow"}));
  EXPECT_TRUE(mentions(refused(npy_of("<U0", "", 1'000'000'000'000)), {"'<U0', which is none of NumPy's"}));
  EXPECT_TRUE(mentions(refused(npy_of("<U1", std::string(4, '\xFF'), 1)), {"text 0 in it is damaged"}));
  EXPECT_TRUE(mentions(refused(npy_of("|O", "pickle", 1)), {"save objects of Python as an array"}));
}

}  // namespace
}  // namespace chainrule::test
