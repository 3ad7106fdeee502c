// Files in memory for the fuzz targets that read some.
// Relies on Linux's memfd.

#pragma once

#include <string>

#include "chainrule/named_tensors.h"
#include "targets.h"

namespace chainrule::fuzz {

/// Writes the bytes to a file in memory, and gives the path to read them at, until the next call.
const std::string& file_of(Bytes bytes);

/// Where a target may save a file: in a folder of this process, in memory where the system has that.
const std::string& scratch_path();

/// Are both of the same dtype and shape, and equal to the bit?
bool same_bits(const Tensor& a, const Tensor& b);
/// The same for each, under the same names in the same order.
bool same_bits(const NamedTensors& a, const NamedTensors& b);

}  // namespace chainrule::fuzz
