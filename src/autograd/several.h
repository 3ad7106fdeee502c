// A node with several results, for functions of the user's: one value that holds them all, from which each is
// taken by a node of its own. Traced values and those that are not floating go beside it.

#pragma once

#include <vector>

#include "chainrule/ops.h"
#include "graph/traced.h"

namespace chainrule {

/// Several results of a user's function: those that are floating in a row, which is the value of their node
/// and from which they are taken. What is not floating has no gradient and is apart.
class Several {
 public:
  explicit Several(const std::vector<Tensor>& out) {
    for (const Tensor& each : out) {
      const bool is_apart = !is_floating(each.dtype());
      if (!is_apart) dtype_ = promote(dtype_, each.dtype());
      parts_.push_back({each.shape(), each.dtype(), is_apart ? each : Tensor()});
    }
  }
  /// Without NoGrad: what results stand for under a transform may have to be differentiated outside of it.
  Array row(const std::vector<Tensor>& out) const {
    std::vector<Tensor> row;
    for (const Tensor& each : out)
      if (is_floating(each.dtype())) row.push_back(reshape(cast(each, dtype_), {-1}));
    return value_of(concatenate(row));
  }
  std::vector<Tensor> results(const Tensor& row) const { return split(row, true); }
  /// Empty for what is apart.
  std::vector<Tensor> gradients(const Tensor& row) const { return split(row, false); }

 private:
  struct Part {
    Shape shape;
    DType dtype;
    Tensor apart;
  };
  std::vector<Tensor> split(const Tensor& row, bool with_apart) const {
    std::vector<Tensor> all;
    std::int64_t start = 0;
    for (const Part& part : parts_) {
      if (!is_floating(part.dtype)) {
        all.push_back(with_apart ? part.apart : Tensor());
        continue;
      }
      const std::int64_t stop = start + part.shape.size();
      all.push_back(cast(reshape(row[{Slice{start, stop}}], part.shape), part.dtype));
      start = stop;
    }
    return all;
  }
  std::vector<Part> parts_;
  DType dtype_ = DType::float32;
};

}  // namespace chainrule
