// Reads the header as the JSON library comes upon its parts, so that whatever should not be there, a second
// tensor of a name, a level too many, ends the reading there and then, and nothing of it is kept.

#include "io/safetensors_header.h"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <utility>

#include "chainrule/error.h"
#include "io/file.h"

namespace chainrule::safetensors {
namespace {

using Json = nlohmann::json;
using Sizes = std::vector<std::int64_t>;

constexpr std::pair<std::string_view, Stored> types[] = {
    {"BOOL", Stored::boolean}, {"I8", Stored::int8},     {"I16", Stored::int16},     {"I32", Stored::int32},
    {"I64", Stored::int64},    {"U8", Stored::uint8},    {"U16", Stored::uint16},    {"U32", Stored::uint32},
    {"U64", Stored::uint64},   {"F16", Stored::float16}, {"BF16", Stored::bfloat16}, {"F32", Stored::float32},
    {"F64", Stored::float64}};

std::optional<Stored> stored_type(std::string_view name) {
  const auto* found = std::ranges::find(types, name, &std::pair<std::string_view, Stored>::first);
  return found != std::end(types) ? std::optional(found->second) : std::nullopt;
}

class HeaderReader final : public nlohmann::json_sax<Json> {
 public:
  explicit HeaderReader(const std::string& path) : path_(path) {}
  Header take() { return std::move(header_); }

  bool null() override { unexpected("null"); }
  bool boolean(bool) override { unexpected("true or false"); }
  bool number_integer(number_integer_t number) override { unexpected(std::to_string(number)); }
  bool number_float(number_float_t, const string_t& text) override { unexpected(in_quotes(text)); }
  bool number_unsigned(number_unsigned_t number) override {
    if (place_ != Place::sizes || !std::in_range<std::int64_t>(number)) unexpected(std::to_string(number));
    // More would say nothing new, and take many times the room of their text.
    if (list_->size() > Shape::max_rank) fail("it has more numbers than a tensor can have axes");
    list_->push_back(static_cast<std::int64_t>(number));
    return true;
  }
  bool string(string_t& text) override {
    if (place_ == Place::metadata) {
      header_.metadata[key_] = std::move(text);
      return true;
    }
    if (place_ != Place::entry || key_ != "dtype") unexpected("a string");
    const std::optional<Stored> type = stored_type(text);
    if (!type)
      fail("its elements are of type " + in_quotes(text) +
           "; supported are F16, BF16, F32, F64, I8 to I64, U8 to U64 and BOOL");
    type_ = *type;
    return true;
  }
  bool binary(binary_t&) override { unexpected("bytes"); }

  bool start_object(std::size_t) override {
    if (place_ == Place::start)
      place_ = Place::names;
    else if (place_ == Place::names)
      place_ = name_ == metadata_name ? Place::metadata : Place::entry;
    else
      unexpected("an object");
    keys_.clear();
    type_.reset();
    shape_.reset();
    offsets_.reset();
    return true;
  }
  bool key(string_t& text) override {
    if (place_ == Place::names) {
      if (!names_.insert(text).second)
        fail_on(path_, "its header has the name " + in_quotes(text) + " twice");
      name_ = text;
    } else {
      if (!keys_.insert(text).second) fail("it has " + in_quotes(text) + " twice");
      if (place_ == Place::entry && text != "dtype" && text != "shape" && text != "data_offsets")
        fail("it has " + in_quotes(text) + ", which is none of dtype, shape and data_offsets");
    }
    key_ = std::move(text);
    return true;
  }
  bool end_object() override {
    if (place_ == Place::entry) add_entry();
    place_ = place_ == Place::names ? Place::end : Place::names;
    return true;
  }
  bool start_array(std::size_t) override {
    if (place_ != Place::entry || key_ == "dtype") unexpected("a list");
    list_ = &(key_ == "shape" ? shape_ : offsets_).emplace();
    place_ = Place::sizes;
    return true;
  }
  bool end_array() override {
    place_ = Place::entry;
    return true;
  }

  bool parse_error(std::size_t position, const std::string&, const Json::exception& error) override {
    // "[json.exception.parse_error.101] parse error at line 1, column 9: syntax error ..."
    const std::string_view what = error.what(), column = ", column ";
    const std::size_t at = what.find(": ", std::min(what.find(column), what.size()));
    std::string why(what.substr(at == std::string_view::npos ? 0 : at + 2));
    if (constexpr std::size_t longest = 200; why.size() > longest) why = why.substr(0, longest) + "…";
    fail_on(path_, "its header is no JSON: byte " + std::to_string(position) + ": " + why);
  }

 private:
  enum class Place : std::uint8_t { start, names, metadata, entry, sizes, end };

  [[noreturn]] void fail(const std::string& what) const {
    fail_on(path_, "tensor " + in_quotes(name_) + ": " + what);
  }
  [[noreturn]] void unexpected(const std::string& found) const {
    switch (place_) {
      case Place::metadata:
        fail_on(path_, "its metadata " + in_quotes(key_) + " is " + found + ", not a string");
      case Place::names: fail("it is " + found + ", not an object");
      case Place::sizes: fail("its " + key_ + " has " + found + ", which is not a size");
      case Place::entry:
        fail("its " + key_ + " is " + found + ", not " + (key_ == "dtype" ? "a string" : "a list of sizes"));
      default: fail_on(path_, "its header is " + found + ", not an object");
    }
  }
  void add_entry() {
    if (!type_ || !shape_ || !offsets_) fail("one of dtype, shape and data_offsets is missing");
    if (offsets_->size() != 2)
      fail("its data_offsets are " + std::to_string(offsets_->size()) + " numbers, not two");
    Entry entry{name_,
                *type_,
                {},
                static_cast<std::size_t>(offsets_->front()),
                static_cast<std::size_t>(offsets_->back())};
    std::int64_t bytes = 0;
    try {
      entry.shape = Shape(*shape_);
      if (__builtin_mul_overflow(entry.shape.size(), static_cast<std::int64_t>(item_size(*type_)), &bytes))
        fail("its shape " + to_string(entry.shape) + " is too large for any file");
    } catch (const ShapeError& error) {
      fail(error.what());
    }
    if (entry.begin > entry.end || entry.end - entry.begin != static_cast<std::size_t>(bytes))
      fail("its shape " + to_string(entry.shape) + " takes " + std::to_string(bytes) +
           " bytes, but it lies from byte " + std::to_string(entry.begin) + " to " +
           std::to_string(entry.end) + " of the data");
    header_.entries.push_back(std::move(entry));
  }

  const std::string& path_;
  Header header_;
  Place place_ = Place::start;
  std::set<std::string> names_, keys_;
  std::string name_, key_;
  std::optional<Stored> type_;
  std::optional<Sizes> shape_, offsets_;
  Sizes* list_ = nullptr;
};

/// Each byte of the data belongs to exactly one tensor.
void require_tiled(const std::vector<Entry>& entries, std::size_t data_bytes, const std::string& path) {
  std::vector<const Entry*> sorted;
  sorted.reserve(entries.size());
  for (const Entry& entry : entries) sorted.push_back(&entry);
  std::ranges::sort(sorted, {}, [](const Entry* entry) { return std::pair(entry->begin, entry->end); });
  const auto bytes = [](std::size_t begin, std::size_t end) {
    return "bytes " + std::to_string(begin) + " to " + std::to_string(end) + " of the data";
  };
  const std::string belong_to_none = " belong to no tensor; the file is damaged";
  std::size_t taken = 0;
  for (const Entry* entry : sorted) {
    const std::string tensor = "tensor " + in_quotes(entry->name);
    if (entry->end > data_bytes)
      fail_on(path, tensor + ": it takes " + bytes(entry->begin, entry->end) + ", which has " +
                        std::to_string(data_bytes) + "; the file is cut short or damaged");
    if (entry->begin < taken)
      fail_on(path, tensor + ": it takes " + bytes(entry->begin, entry->end) +
                        ", where another tensor lies; the file is damaged");
    if (entry->begin > taken)
      fail_on(path, bytes(taken, entry->begin) + ", before " + tensor + "," + belong_to_none);
    taken = entry->end;
  }
  if (taken != data_bytes) fail_on(path, bytes(taken, data_bytes) + belong_to_none);
}

}  // namespace

std::string_view type_name(Stored type) {
  return std::ranges::find(types, type, &std::pair<std::string_view, Stored>::second)->first;
}

Header read_header(std::string_view text, std::size_t data_bytes, const std::string& path) {
  // To the JSON library a zero is the end of the text.
  if (const std::size_t zero = text.find('\0'); zero != std::string_view::npos)
    fail_on(path, "its header is no JSON: byte " + std::to_string(zero + 1) + " is zero");
  if (!text.starts_with('{')) fail_on(path, "its header does not begin with '{'; is it a safetensors file?");
  HeaderReader reader(path);
  Json::sax_parse(text, &reader);
  Header header = reader.take();
  require_tiled(header.entries, data_bytes, path);
  return header;
}

}  // namespace chainrule::safetensors
