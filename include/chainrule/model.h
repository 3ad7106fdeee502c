/// \file
/// Networks that predict from tables, with all that this takes, in one file. A file holds the weights, the
/// columns and how they were scaled, so that a prediction needs only the table. Relies on data/encoder.h and
/// data/table_network.h.

#pragma once

#include <string>
#include <vector>

#include "chainrule/data/encoder.h"
#include "chainrule/data/table_network.h"

namespace CHAINRULE_API chainrule {

struct Safetensors;

/// A network together with what turns the rows of a table into its inputs.
///
///     const Model model = load_model("titanic.safetensors");
///     const Table people = read_table("people.csv");  // with {.decimal = ','} where numbers are 1.234,5
///     model(people);          // (rows, classes): how probable each is
///     model.predict(people);  // {"0", "1", "1", ...}
///
/// Threads: any number may predict with one at once.
struct Model {
  /// What turns tables into its inputs.
  TableEncoder encoder;
  /// What it computes from them.
  TableNetwork network;

  /// For classes the probability of each, (rows, classes); for numbers the one predicted, (rows,), as the
  /// table has it, or (rows, targets) for several. In the network's dtype. ColumnError when the table does
  /// not fit.
  Tensor operator()(const Table& table) const;
  /// The same as texts: the most probable class of each row, or the number; several with commas between.
  [[nodiscard]] std::vector<std::string> predict(const Table& table) const;
};

/// Writes a model as a safetensors file, as save_file does: the parameters by their names, and in the
/// metadata, as JSON under "chainrule.model", the columns with their categories, medians and scales, the
/// classes, the sizes of the network, and the version of chainrule; and a "chainrule.checksum" of all that.
void save_model(const std::string& path, const Model& model);
/// Reads what save_model wrote. IoError that names the file and what is wrong with it: also where only a
/// digit or a weight has changed, which the checksum tells. A program that changes a model leaves the
/// checksum out.
Model load_model(const std::string& path);

namespace detail {
/// The parameters by their names in files, and what files say beside them, as JSON.
NamedTensors parameters_of(const Model& model);
std::string description_of(const Model& model);
/// A model of both. std::invalid_argument, or an error of JSON's, where they do not fit.
Model model_of(const std::string& description, const NamedTensors& parameters);

/// What is beside a text and tensors in the metadata of a file.
inline constexpr const char* checksum_entry = "chainrule.checksum";
/// Of a text and tensors in any order: hardly ever the same once a byte of them has changed.
std::string checksum_of(const std::string& text, const NamedTensors& tensors);
/// IoError where a file has another one of its tensors and this entry of its metadata; not where it has none.
void require_checksum(const std::string& path, const Safetensors& file, const std::string& text_entry);
}  // namespace detail

}  // namespace chainrule
