// The format of safetensors: https://huggingface.co/docs/safetensors. Eight bytes that say how long the
// header is, the header in JSON, and the elements of all tensors, one after the other.

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>
#include <numeric>
#include <stdexcept>

#include "chainrule/io.h"
#include "io/elements.h"
#include "io/file.h"
#include "io/mapped_file.h"
#include "io/names.h"
#include "io/output_file.h"
#include "io/safetensors_header.h"

namespace chainrule {
namespace {

constexpr auto function = "save_safetensors";
constexpr std::size_t length_bytes = sizeof(std::uint64_t);

/// Without a copy where the elements are ours and lie as a tensor's do.
Tensor make_tensor(const safetensors::Entry& entry, const MappedFile& file, std::size_t data_begin,
                   const std::string& path) {
  const std::size_t begin = data_begin + entry.begin;
  const char* bytes = file.bytes().data() + begin;
  const std::optional<DType> dtype = tensor_dtype(entry.type);
  const bool is_aligned = reinterpret_cast<std::uintptr_t>(bytes) % item_size(entry.type) == 0;
  if (is_aligned && dtype && dtype != DType::boolean)  // which may be no bool
    return from_memory(file.share(begin), *dtype, entry.shape);
  return copy_elements(bytes, entry.type, entry.shape, path + ": tensor " + in_quotes(entry.name));
}

[[noreturn]] void refuse(const std::string& what) {
  throw std::invalid_argument(std::string(function) + ": " + what);
}

/// The places of the tensors in the order in which their elements are written: the larger ones first, so that
/// each is aligned, which PyTorch needs.
std::vector<std::size_t> data_order(const NamedTensors& tensors) {
  std::vector<std::size_t> order(tensors.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, std::greater(),
                           [&](std::size_t i) { return item_size(tensors[i].second.dtype()); });
  return order;
}

std::string header_of(const NamedTensors& tensors, const std::vector<std::size_t>& order,
                      const std::map<std::string, std::string>& metadata) {
  std::vector<std::string> offsets(tensors.size());
  std::size_t begin = 0;
  for (const std::size_t i : order) {
    const Tensor& tensor = tensors[i].second;
    const std::size_t end = begin + static_cast<std::size_t>(tensor.size()) * item_size(tensor.dtype());
    offsets[i] = "[" + std::to_string(begin) + "," + std::to_string(end) + "]";
    begin = end;
  }

  std::string texts;
  for (const auto& [key, text] : metadata)
    texts += (texts.empty() ? "" : ",") + in_json(function, key) + ":" + in_json(function, text);
  std::string text = "{";
  if (!metadata.empty()) text += "\"" + std::string(safetensors::metadata_name) + "\":{" + texts + "}";
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const auto& [name, tensor] = tensors[i];
    text += (text.size() > 1 ? "," : "") + in_json(function, name) + R"(:{"dtype":")" +
            std::string(safetensors::type_name(stored_as(tensor.dtype()))) + R"(","shape":)" +
            nlohmann::json(tensor.shape().sizes()).dump() + R"(,"data_offsets":)" + offsets[i] + "}";
  }
  text += "}";
  text.append((length_bytes - text.size() % length_bytes) % length_bytes,
              ' ');  // so that elements are aligned
  if (text.size() > safetensors::most_header_bytes)
    refuse("the header of " + std::to_string(tensors.size()) + " tensors would take " +
           std::to_string(text.size()) + " bytes, and readers take at most " +
           std::to_string(safetensors::most_header_bytes) + "; save them in several files");
  return text;
}

}  // namespace

Safetensors load_safetensors(const std::string& path) {
  const MappedFile file(path);
  std::string_view rest = file.bytes();
  std::uint64_t length = 0;
  if (rest.size() < length_bytes)
    fail_on(path, "it is no safetensors file: it has " + std::to_string(rest.size()) + " bytes");
  std::memcpy(&length, rest.data(), length_bytes);
  rest.remove_prefix(length_bytes);
  if (length > safetensors::most_header_bytes)
    fail_on(path, "its header would take " + std::to_string(length) + " bytes, of at most " +
                      std::to_string(safetensors::most_header_bytes) + "; is it a safetensors file?");
  if (length > rest.size())
    fail_on(path, "it ends within its header, of whose " + std::to_string(length) + " bytes it has " +
                      std::to_string(rest.size()));
  const std::size_t data_begin = length_bytes + length;
  safetensors::Header header =
      safetensors::read_header(rest.substr(0, length), file.bytes().size() - data_begin, path);

  Safetensors result{{}, std::move(header.metadata)};
  result.tensors.reserve(header.entries.size());
  for (safetensors::Entry& entry : header.entries) {
    Tensor tensor = make_tensor(entry, file, data_begin, path);
    result.tensors.emplace_back(std::move(entry.name), std::move(tensor));
  }
  return result;
}

void save_safetensors(const std::string& path, const NamedTensors& tensors,
                      const std::map<std::string, std::string>& metadata) {
  check_names(function, tensors);
  for (const auto& [name, tensor] : tensors)
    if (name == safetensors::metadata_name)
      refuse("no tensor can be called " + in_quotes(name) +
             ", which is where texts are; give it another name");
  const std::vector<std::size_t> order = data_order(tensors);
  const std::string header = header_of(tensors, order, metadata);
  const std::uint64_t length = header.size();

  OutputFile out(path);
  out.write({reinterpret_cast<const char*>(&length), length_bytes});
  out.write(header);
  for (const std::size_t i : order) out.write(bytes_of(tensors[i].second));
  out.finish();
}

}  // namespace chainrule
