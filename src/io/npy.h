// Arrays in NumPy's .npy format, in files and within archives of them. Relies on elements.h for types;
// headers are read as NumPy writes them, and nothing in them is evaluated.

#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "chainrule/tensor.h"
#include "io/elements.h"
#include "io/mapped_file.h"

namespace chainrule {

/// The array that these bytes are. IoError that begins with `source`, as load_npy says in chainrule/io.h.
Tensor read_npy(std::string_view bytes, const std::string& source);

/// An array (n,) or (n, 1) of texts, as NumPy's <U5 and |S5, in UTF-8; nothing for any other array. IoError
/// as read_npy's.
std::optional<std::vector<std::string>> read_npy_texts(std::string_view bytes, const std::string& source);

/// NumPy has no bfloat16, so that becomes float32, which holds every one of them.
Tensor as_numpy_has_it(const Tensor& tensor);

/// The rows of an array in a file, which is mapped: only what is read takes memory.
class NpyRows {
 public:
  /// IoError as load_npy's; also for an array in Fortran order or the other byte order, and a scalar.
  explicit NpyRows(const std::string& path);

  [[nodiscard]] const Shape& shape() const { return shape_; }
  [[nodiscard]] std::int64_t rows() const { return shape_[0]; }
  /// Rows that there are, as load_npy has them.
  [[nodiscard]] Tensor read(std::int64_t first, std::int64_t count) const;

 private:
  std::string path_;
  MappedFile file_;
  std::string_view elements_;
  Shape shape_;
  Stored type_;
};

/// What comes before the elements, which are bytes_of(tensor).
std::string npy_header(const Tensor& tensor);

}  // namespace chainrule
