// What the fuzzers run: each gives bytes to one part of chainrule that must work with any. What that part
// says of wrong bytes, in the errors that it documents, is as it should be; whatever else a target throws is
// a fault.

#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>

namespace chainrule::fuzz {

using Bytes = std::span<const std::uint8_t>;
using Target = void (*)(Bytes bytes);

void expression(Bytes bytes);  ///< a command line of the tool: an expression and, each after a "$", values
void csv(Bytes bytes);  ///< a table, read as one of numbers, with a column of text and without, and as any
void npy(Bytes bytes);  ///< an array, which is the same when it is saved and loaded again
void idx(Bytes bytes);  ///< an array, packed by gzip or not
void npz(Bytes bytes);  ///< arrays by name, which are the same when they are saved and loaded again
void safetensors(Bytes bytes);  ///< tensors by name, which are the same when they are saved and loaded again
void saved_graph(Bytes bytes);  ///< a .graph.json, which is drawn, saved and loaded again
void onnx_model(Bytes bytes);   ///< a model of ONNX, which is run and differentiated
void random_graph(
    Bytes bytes);  ///< a program over tensors, whose gradients must agree however they are computed

/// Longer inputs find nothing that these do not.
inline constexpr std::size_t most_bytes = 4096;

/// Something is wrong that no error has told.
class Finding : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace chainrule::fuzz
