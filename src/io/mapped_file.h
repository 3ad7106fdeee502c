// A file as bytes in memory, for formats that say where things are.
// Tensors may share it, so it lives as long as they do.

#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace chainrule {

/// The bytes of a file, which the system reads when they are first looked at. They are there as long as this,
/// or what it has shared, lives; also when save_file puts another file in place of this one. A program that
/// cuts the file itself short meanwhile ends this one by SIGBUS.
class MappedFile {
 public:
  /// IoError that names the file, and says why it cannot be read.
  explicit MappedFile(const std::string& path);

  std::string_view bytes() const { return {memory_.get(), size_}; }
  /// The memory from this byte on, which keeps the file mapped.
  std::shared_ptr<const void> share(std::size_t begin) const { return {memory_, memory_.get() + begin}; }

 private:
  std::shared_ptr<const char> memory_;
  std::size_t size_ = 0;
};

}  // namespace chainrule
