// NumPy's archives of arrays: ZIP archives whose members are .npy files.
// zip.h has the archive, npy.h the members.

#include <stdexcept>

#include "chainrule/io.h"
#include "io/elements.h"
#include "io/file.h"
#include "io/mapped_file.h"
#include "io/names.h"
#include "io/npy.h"
#include "io/output_file.h"
#include "io/zip.h"

namespace chainrule {
namespace {

constexpr std::string_view extension = ".npy";

}  // namespace

NamedTensors load_npz(const std::string& path) {
  const MappedFile file(path);
  if (file.bytes().starts_with("\x93NUMPY"))
    fail_on(path, "it is a NumPy .npy file of one array; use load_npy");
  NamedTensors tensors;
  for (const zip::Member& member : zip::read_directory(file.bytes(), path)) {
    const std::string source = path + ": member " + in_quotes(member.name);
    if (!member.name.ends_with(extension)) fail_on(source, "it is no array: its name does not end with .npy");
    std::string room;
    Tensor tensor = read_npy(zip::unpack(member, room, source), source);
    tensors.emplace_back(member.name.substr(0, member.name.size() - extension.size()), std::move(tensor));
  }
  return tensors;
}

void save_npz(const std::string& path, const NamedTensors& tensors, bool compressed) {
  const std::string function = "save_npz";
  constexpr std::size_t longest = 65535 - extension.size();
  check_names(function, tensors);
  for (const auto& [name, tensor] : tensors)
    if (name.size() > longest || name.find('\0') != std::string::npos)
      throw std::invalid_argument(function + ": " + in_quotes(name) +
                                  " is longer than 65531 bytes or has a zero in it; choose another name");

  OutputFile out(path);
  zip::Writer archive(out);
  for (const auto& [name, given] : tensors) {
    const Tensor tensor = as_numpy_has_it(given);
    const std::string header = npy_header(tensor);
    archive.add(name + std::string(extension), {header, bytes_of(tensor)}, compressed);
  }
  archive.finish();
  out.finish();
}

}  // namespace chainrule
