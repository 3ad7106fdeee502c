// A model that does not say what its inputs mean, with the options that do.
// any_model.h tells it from one that does.

#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "chainrule/data/encoder.h"
#include "chainrule/data/metrics.h"
#include "chainrule/tensor.h"

namespace chainrule::cli {

/// Which columns of a table a model is about that does not say so itself.
struct ColumnOptions {
  std::string target;
  std::vector<std::string> dropped;

  bool is_given() const { return !target.empty() || !dropped.empty(); }
};

/// A model of ONNX as others write them, which says nothing of tables: the numbers of the columns go in, in
/// order, and what it gives has no names but its own.
class ForeignModel {
 public:
  /// What goes in, as the file declares it.
  struct Input {
    std::string name, text;  ///< the text for people: "x float (any, 4)"
    DType dtype = DType::float32;
    std::vector<std::optional<std::int64_t>> sizes;  ///< that of the samples first
  };
  /// What comes out.
  struct Output {
    std::string name;
    Tensor values;  ///< (rows, numbers of each)
    std::int64_t width() const { return values.shape()[1]; }
  };
  using Function = std::function<std::vector<Tensor>(const std::vector<Tensor>&)>;

  /// ParseError for inputs that are no rows of numbers.
  ForeignModel(std::string path, std::vector<Input> inputs, std::vector<std::string> outputs,
               Function function);

  const std::string& path() const { return path_; }
  /// Do gradients flow to what goes in?
  bool is_differentiable() const;

  /// The positions in a table of what goes in, in the model's order, and of what it is compared with.
  struct Columns {
    std::vector<std::size_t> inputs, targets;
  };
  /// By name, where several inputs are called as columns are; else in order, without --target and what is
  /// dropped, and without the last column if there is one too many. CommandError where that does not fit.
  Columns choose(const Table& table, const ColumnOptions& options) const;
  /// These columns, (rows, columns), float64. ColumnError, with the line, for a cell that is no number.
  Tensor numbers(const Table& table, const std::vector<std::size_t>& columns) const;
  /// All that the model gives for numbers (rows, columns), some rows at a time, in the dtypes that it
  /// declares, or, so that gradients are exact, in float64.
  std::vector<Output> operator()(const Tensor& numbers, bool in_float64 = false) const;

 private:
  std::optional<std::int64_t> columns() const;
  std::string inputs_text() const;
  std::vector<Tensor> arguments(const Tensor& rows, bool in_float64) const;

  std::string path_;
  std::vector<Input> inputs_;
  std::vector<std::string> outputs_;
  Function function_;
  std::optional<std::int64_t> batch_;  // how many samples it takes, where that is fixed
  std::int64_t known_ = 0;             // numbers of each sample whose place is known
  bool is_open_ = false;               // may the only input have any number of columns, a multiple of those?
};

/// "y" for one number of each row, "y[0],y[1]" for two, and a line for each row.
std::string as_csv(const std::vector<ForeignModel::Output>& outputs);

/// What a model gives beside what a table says.
struct Comparison {
  std::string taken;                             ///< what was taken for what, for people
  std::vector<TargetColumn> targets;             ///< names, and classes where there are such
  std::optional<ClassificationMetrics> classes;  ///< for one target
  std::vector<RegressionMetrics> numbers;        ///< or of each target
  std::int64_t samples = 0;                      ///< how many are compared
};
/// Labels or scores of classes are compared as such, all else as numbers, unless `task` says "classification"
/// or "regression". An error that says what does not fit.
Comparison compare(const ForeignModel& model, const Table& table, const ColumnOptions& options,
                   const std::string& task);

}  // namespace chainrule::cli
