/// \file
/// Files of tensors: CSV, NumPy's .npy and .npz, IDX and safetensors, and files that are written whole or not
/// at all. Files are not trusted; errors name the file and the place in it.

#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "chainrule/detail/api.h"
#include "chainrule/detail/function_ref.h"
#include "chainrule/named_tensors.h"
#include "chainrule/tensor.h"

namespace CHAINRULE_API chainrule {

// Threads: any number may read and write at once, but not write to the same file.

/// A table of numbers read from a CSV file, of which one column may be text.
struct [[nodiscard]] Csv {
  std::vector<std::string> columns;  ///< the names in the header line; empty when there is none
  Tensor values;                     ///< float64, (rows, columns of numbers)
  std::vector<std::string> texts;    ///< the text column's field in each row; empty when there is none
  std::vector<std::int64_t> lines;   ///< the line of the file on which each row begins, from 1
};

/// Reads a comma-separated file of numbers, plain or from gzip. The first line is a header when none of its
/// fields is a number. Accepts quotes, spaces around fields, CRLF and CR, blank lines and a byte-order mark;
/// "nan" and "inf" are numbers. IoError when the file cannot be read; ParseError, as "file:line: ...", when
/// it has no rows, rows of different lengths or of more than 16 MiB, or something that is not a number.
Csv read_csv(const std::string& path);
/// The same where one column may hold any text, such as the names of classes. Which one, from 0, is asked
/// once the header (empty without one) and the number of columns are known.
Csv read_csv(
    const std::string& path,
    FunctionRef<std::int64_t(std::span<const std::string> header, std::int64_t columns)> text_column);

/// A number as read_csv reads it, which is as Python's float() does: also "+1", ".5", "inf" and "nan".
/// Nothing for any other text, or a number beyond the range of float64.
[[nodiscard]] std::optional<double> parse_number(std::string_view text);

/// The values alone, (rows, columns).
Tensor load_csv(const std::string& path, DType dtype = default_dtype());

/// An array saved by NumPy, in the same dtype; int8, int16, uint16, uint32 and uint64 become int64. Both byte
/// orders, C and Fortran order, format versions 1 to 3. IoError, before anything large is allocated, for a
/// file that is damaged, cut short, or of another kind.
Tensor load_npy(const std::string& path);

/// Writes what numpy.load reads, as save_file does. NumPy has no bfloat16: it is written as float32.
void save_npy(const std::string& path, const Tensor& tensor);

/// The arrays of a NumPy .npz archive, each under its name and as load_npy reads it, in the order of the
/// archive. Members may be stored or deflated, and of any size. IoError that names the file and the member
/// for what is damaged, encrypted or no array, and for a small archive that would take a lot of memory: more
/// than 1 GiB and more than 100 times its own size.
NamedTensors load_npz(const std::string& path);

/// Writes what numpy.load reads, as save_file does; compressed, if asked to, as numpy.savez_compressed does,
/// which takes much longer. std::invalid_argument for a name that is there twice or is not UTF-8, has a zero
/// in it or is longer than 65531 bytes, and GradError for an empty handle; nothing is written then.
void save_npz(const std::string& path, const NamedTensors& tensors, bool compressed = false);

/// An array in the IDX format of the MNIST data sets, as it is or packed by gzip, in the same dtype; int8 and
/// int16 become int64. IoError, before anything large is allocated, for a file that is damaged, cut short
/// or of another kind, or unpacks to more than 1 GiB and more than 100 times its own size.
Tensor load_idx(const std::string& path);

/// What a safetensors file holds.
struct [[nodiscard]] Safetensors {
  NamedTensors tensors;                         ///< in the order of the file's header
  std::map<std::string, std::string> metadata;  ///< texts beside them, as "format"
};

/// Tensors as the library safetensors saves them, the usual format of weights:
/// https://huggingface.co/docs/safetensors. The dtypes of tensors stay what they are; I8, I16, U16, U32 and
/// U64 become int64. IoError that names the file and the tensor, before anything large is
/// allocated, for a file that is damaged, cut short or of another kind, an integer beyond int64, or another
/// element type, as F8_E4M3.
///
/// All but BOOL and those are not copied: the system reads them from the file when they are first used.
/// Replacing the file meanwhile, as all functions of chainrule that write do, is harmless; but a program that
/// writes into the file itself changes the tensors, and one that cuts it short ends this one.
Safetensors load_safetensors(const std::string& path);

/// Writes what load_safetensors and the library read, as save_file does. A training run is saved and goes on,
/// to the bit, by
///
///     save_safetensors("adam.safetensors", optimizer.state());
///     optimizer.load_state(load_safetensors("adam.safetensors").tensors);
///
/// and so do the states of schedules and averages. std::invalid_argument for a name that is there twice, is
/// "__metadata__" or is not UTF-8, and GradError for an empty handle; nothing is written then.
void save_safetensors(const std::string& path, const NamedTensors& tensors,
                      const std::map<std::string, std::string>& metadata = {});

/// Writes a file whole or not at all: until all of it is on the disk there is the old file or none, even when
/// the disk is full, the file grows beyond a limit, or the program is killed. Every function of chainrule
/// that writes a file does so. A link stays a link, and what it leads to is written; permissions stay as they
/// are, those of a new file are as the umask says; another hard link keeps the old content. The folder must
/// allow new files. Terminals, devices as /dev/stdout, and pipes that somebody reads are written directly.
/// IoError, which names the file and the cause, when it cannot be written.
void save_file(const std::string& path, std::string_view content);

/// Finds out before long work rather than after it whether save_file could write there. Changes nothing;
/// throws what save_file would.
void require_writable(const std::string& path);

}  // namespace chainrule
