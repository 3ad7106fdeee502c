// The header of a safetensors file: https://huggingface.co/docs/safetensors It is JSON, checked against the
// size of the file.

#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "chainrule/shape.h"
#include "io/elements.h"

namespace chainrule::safetensors {

/// As the library safetensors has it.
inline constexpr std::size_t most_header_bytes = 100'000'000;
inline constexpr std::string_view metadata_name = "__metadata__";

/// What the header says of one tensor.
struct Entry {
  std::string name;
  Stored type = Stored::float32;
  Shape shape;
  std::size_t begin = 0, end = 0;  // in the data, which follows the header
};
struct Header {
  std::vector<Entry> entries;
  std::map<std::string, std::string> metadata;
};

/// "F32", say.
std::string_view type_name(Stored type);

/// IoError that begins with `path` unless this is the header of a file whose data has so many bytes: all of
/// them belong to exactly one tensor each. Allocates a few times the size of the text.
Header read_header(std::string_view text, std::size_t data_bytes, const std::string& path);

}  // namespace chainrule::safetensors
