#pragma once

#include <string>
#include <string_view>

#include "chainrule/tensor.h"

/// Arrays in NumPy's .npy format, in files and within archives of them.
namespace chainrule {

/// The array that these bytes are. IoError that begins with `source`, as load_npy says in chainrule/io.h.
Tensor read_npy(std::string_view bytes, const std::string& source);

/// NumPy has no bfloat16, so that becomes float32, which holds every one of them.
Tensor as_numpy_has_it(const Tensor& tensor);

/// What comes before the elements, which are bytes_of(tensor).
std::string npy_header(const Tensor& tensor);

}  // namespace chainrule
