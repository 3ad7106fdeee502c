// einsum and tensordot: products of tensors whose axes have labels, summed over those that the result does
// not have. Each pair of operands meets in a batched matmul, so all derivatives are those of the parts.

#include <algorithm>
#include <map>

#include "chainrule/linalg.h"
#include "ops/elementwise.h"
#include "ops/linear_algebra/contraction.h"
#include "ops/registry.h"

namespace chainrule {
namespace ops {

static Result einsum_of_arguments(Arguments& a);
static Result tensordot_of_arguments(Arguments& a);

Entries einsum_operations() {
  static constexpr Entry table[] = {
      {.name = "einsum",
       .parameters = "equation, a, b=None, c=None, d=None, e=None, f=None",
       .call = einsum_of_arguments,
       .formula = "Σ of products: to each operand the einsum of the gradient and the others",
       .example = "einsum('ij,jk->ik', [[1, 2]], [[3], [4]])",
       .note = "or, as in NumPy, einsum(a, [0, 1], b, [1, 2], [0, 2]) of up to three"},
      {.name = "tensordot",
       .parameters = "a, b, axes|dims=2",
       .call = tensordot_of_arguments,
       .formula = "Σ of products over pairs of axes: as matmul",
       .example = "tensordot([[1, 2], [3, 4]], [5, 6], 1)"},
      {.name = "inner",
       .parameters = "a|input, b|other",
       .call = call<chainrule::inner>,
       .formula = "Σ of products over the last axes: as matmul",
       .example = "inner([1, 2], [3, 4])"},
  };
  return table;
}

namespace {

// ---- The notation
// ------------------------------------------------------------------------------------------

/// What is written for one operand, or the result: labels before and after an ellipsis.
struct Written {
  Labels before, after;
  bool ellipsis = false;
};

[[noreturn]] void fail(std::string_view equation, const std::string& why) {
  throw ShapeError("einsum: '" + std::string(equation) + "': " + why);
}

std::string name_of(Label label) {
  return label < unnamed ? "label " + std::string(1, static_cast<char>(label)) : "an axis of `...`";
}

Written parsed(std::string_view equation, std::string_view part) {
  Written written;
  for (std::size_t i = 0; i < part.size(); ++i) {
    const char letter = part[i];
    if (letter == ' ') continue;
    if (part.substr(i, 3) == "...") {
      if (written.ellipsis) fail(equation, "more than one `...` in one place; write it once");
      written.ellipsis = true;
      i += 2;
    } else if ((letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z')) {
      (written.ellipsis ? written.after : written.before).push_back(static_cast<Label>(letter));
    } else {
      fail(equation,
           "'" + std::string(1, letter) + "' is no label; these are letters, with `,`, `...` and `->`");
    }
  }
  return written;
}

/// The labels of all axes, where the ellipsis stands for so many.
Labels spelled_out(const Written& written, std::size_t axes) {
  Labels labels = written.before;
  for (std::size_t i = axes; i-- > 0;) labels.push_back(unnamed + i);
  labels.insert(labels.end(), written.after.begin(), written.after.end());
  return labels;
}

/// An equation with the labels of everything in it.
struct Equation {
  std::vector<Labels> operands;
  Labels output;

  Equation(std::string_view text, const std::vector<Tensor>& tensors) {
    const std::size_t arrow = text.find("->");
    std::string_view rest = text.substr(0, arrow);
    std::vector<std::string_view> parts;
    for (std::size_t comma; (comma = rest.find(',')) != std::string_view::npos; rest.remove_prefix(comma + 1))
      parts.push_back(rest.substr(0, comma));
    parts.push_back(rest);
    if (parts.size() != tensors.size())
      fail(text, std::to_string(parts.size()) + " operands are described and " +
                     std::to_string(tensors.size()) + " given; separate their labels by commas");
    std::size_t ellipsis = 0;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      const Written written = parsed(text, parts[i]);
      const std::size_t named = written.before.size() + written.after.size(), rank = tensors[i].rank();
      if (named > rank || (named < rank && !written.ellipsis))
        fail(text, "operand " + std::to_string(i) + " of shape " + to_string(tensors[i].shape()) + " has " +
                       std::to_string(rank) + " axes and " + std::to_string(named) +
                       " labels; give each axis one, or write `...`");
      ellipsis = std::max(ellipsis, rank - named);
      operands.push_back(spelled_out(written, rank - named));
    }
    if (arrow == std::string_view::npos)
      implicit_output(ellipsis);
    else
      output = spelled_out(parsed(text, text.substr(arrow + 2)), ellipsis_of(text, arrow, ellipsis));
    check_output(text);
  }

 private:
  static std::size_t ellipsis_of(std::string_view text, std::size_t arrow, std::size_t axes) {
    return parsed(text, text.substr(arrow + 2)).ellipsis ? axes : 0;
  }
  void implicit_output(std::size_t ellipsis) {
    output = spelled_out({{}, {}, true}, ellipsis);
    std::map<Label, int> times;
    for (const Labels& labels : operands)
      for (const Label label : labels) ++times[label];
    for (const auto& [label, count] : times)
      if (count == 1 && label < unnamed) output.push_back(label);
  }
  void check_output(std::string_view text) const {
    LabelSet known, seen;
    for (const Labels& labels : operands) known |= set_of(labels);
    for (const Label label : output) {
      if (!known[label])
        fail(text, "output " + name_of(label) + " is in no input; sums have none that is new");
      if (seen[label]) fail(text, "output " + name_of(label) + " is there twice; name each axis once");
      seen.set(label);
    }
  }
};

/// An operand without what the equation repeats or stretches: its diagonals, and axes of size 1 that stand
/// for a larger size dropped, as nothing depends on the position along them.
Term plain(Term term, const Sizes& sizes, Here here) {
  for (std::size_t first = 0; first < term.labels.size(); ++first) {
    const auto from = term.labels.begin() + static_cast<std::ptrdiff_t>(first);
    const auto again = std::find(from + 1, term.labels.end(), *from);
    if (again == term.labels.end()) continue;
    term = diagonal(term, first, static_cast<std::size_t>(again - term.labels.begin()), here);
    first = static_cast<std::size_t>(-1);  // once more from the beginning
  }
  Labels rest;
  std::vector<std::int64_t> kept;
  for (std::size_t axis = 0; axis < term.labels.size(); ++axis) {
    const std::int64_t size = term.tensor.shape()[axis];
    if (size == 1 && sizes[term.labels[axis]] != 1) continue;
    rest.push_back(term.labels[axis]);
    kept.push_back(size);
  }
  if (rest.size() == term.labels.size()) return term;
  return {reshape({term.tensor, here}, Shape(kept)), rest};
}

Tensor einsum(std::string_view text, const std::vector<Tensor>& tensors, Here here) {
  const Equation equation(text, tensors);
  Sizes sizes;
  sizes.fill(1);
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    std::map<Label, std::int64_t> own;
    for (std::size_t axis = 0; axis < tensors[i].rank(); ++axis) {
      const Label label = equation.operands[i][axis];
      const std::int64_t size = tensors[i].shape()[axis];
      if (const auto [before, is_new] = own.emplace(label, size); !is_new && before->second != size)
        fail(text, name_of(label) + " is twice in operand " + std::to_string(i) + " of shape " +
                       to_string(tensors[i].shape()) + ", for sizes that differ; a diagonal needs one size");
      const auto known = static_cast<std::int64_t>(sizes[label]);
      if (size != 1 && known != 1 && size != known)
        fail(text, name_of(label) + " has size " + std::to_string(known) + " and, in operand " +
                       std::to_string(i) + " of shape " + to_string(tensors[i].shape()) + ", " +
                       std::to_string(size) + "; sizes must agree or be 1");
      if (size != 1) sizes[label] = static_cast<double>(size);
    }
  }
  std::vector<Term> terms;
  for (std::size_t i = 0; i < tensors.size(); ++i)
    terms.push_back(plain({tensors[i], equation.operands[i]}, sizes, here));
  return contracted(std::move(terms), equation.output, sizes, here);
}

template <class T>  // tensors or operands
Tensor einsum_of(std::string_view equation, std::span<const T> operands, Here here) {
  std::vector<Tensor> tensors;
  std::vector<const Tensor*> named;
  try {
    if (operands.empty()) fail(equation, "no operands; give at least one");
    CommonDType common;
    for (const T& operand : operands) common.meet(operand);
    for (const T& operand : operands) {
      tensors.push_back(Operand(operand).as(number_dtype(common.result())));
      named.push_back(Operand(operand).tensor());
    }
    return einsum(equation, tensors, here);
  } catch (...) {
    rethrow_in_call("einsum", here, named);
  }
}

// ---- tensordot
// ---------------------------------------------------------------------------------------------

Tensor tensordot(std::string_view name, const Operand& a, const Operand& b,
                 const std::vector<std::int64_t>& axes_a, const std::vector<std::int64_t>& axes_b) {
  const DType dtype = number_dtype(common_dtype(a, b));
  Term x{a.as(dtype), {}}, y{b.as(dtype), {}};
  const Shape &left = x.tensor.shape(), &right = y.tensor.shape();
  const auto refuse = [&](const std::string& why) {
    throw ShapeError(std::string(name) + ": " + why + ": " + to_string(left) + " and " + to_string(right));
  };
  if (axes_a.size() != axes_b.size())
    refuse(std::to_string(axes_a.size()) + " axes against " + std::to_string(axes_b.size()) + ", give pairs");
  for (std::size_t i = 0; i < left.rank() + right.rank(); ++i) (i < left.rank() ? x : y).labels.push_back(i);
  LabelSet paired_a, paired_b;
  for (std::size_t i = 0; i < axes_a.size(); ++i) {
    const std::size_t in_a = normalize_axis(name, axes_a[i], left),
                      in_b = normalize_axis(name, axes_b[i], right);
    if (paired_a[in_a] || paired_b[in_b]) refuse("an axis is given twice, name each once");
    if (left[in_a] != right[in_b])
      refuse("axis " + std::to_string(axes_a[i]) + " of one and " + std::to_string(axes_b[i]) +
             " of the other differ in size, permute one of them");
    paired_a.set(in_a);
    paired_b.set(in_b);
    y.labels[in_b] = in_a;
  }
  return contracted(x, y, {}, a.here()).tensor;
}

}  // namespace

/// Behind each operand its labels may stand as numbers, and behind all those of the result.
static Result einsum_of_arguments(Arguments& a) {
  std::vector<Operand> operands;
  std::string equation;
  if (a.is_word(0)) {
    equation = a.word(0);
    for (std::size_t i = 1; i <= 6; ++i)
      if (a.given(i)) operands.push_back(a[i]);
  } else {
    for (std::size_t i = 0; i <= 6 && a.given(i); i += 2) {
      const bool is_operand = i < 6 && a.given(i + 1);
      equation += !is_operand ? "->" : i == 0 ? "" : ",";
      if (is_operand) operands.push_back(a[i]);
      for (const std::int64_t label : a.integers(is_operand ? i + 1 : i)) {
        if (label < 0 || label >= 52) a.fail(is_operand ? i + 1 : i, "labels from 0 to 51");
        equation += static_cast<char>(label < 26 ? 'A' + label : 'a' + label - 26);  // in their order
      }
    }
  }
  return einsum_of(equation, std::span<const Operand>(operands), Here::now());
}

/// axes=2, axes=(1, 0), or axes=((0, 1), (1, 0)).
static Result tensordot_of_arguments(Arguments& a) {
  const Tensor axes = a.places(2);
  const std::vector<std::int64_t> numbers = axes.to_vector<std::int64_t>();
  if (axes.rank() == 0) return chainrule::tensordot(a[0], a[1], numbers[0]);
  if (axes.rank() > 2 || axes.shape()[0] != 2)
    a.fail(2, "a number of axes, or a list of axes for each of the two");
  const auto middle = numbers.begin() + static_cast<std::ptrdiff_t>(numbers.size() / 2);
  return chainrule::tensordot(a[0], a[1], {numbers.begin(), middle}, {middle, numbers.end()});
}

}  // namespace ops

Tensor einsum(std::string_view equation, std::span<const Tensor> operands, Here here) {
  return ops::einsum_of(equation, operands, here);
}
Tensor einsum(std::string_view equation, std::initializer_list<Operand> operands, Here here) {
  return ops::einsum_of(equation, std::span(operands.begin(), operands.size()), here);
}
Tensor einsum(std::string_view equation, const Operand& a) { return einsum(equation, {a}, a.here()); }
Tensor einsum(std::string_view equation, const Operand& a, const Operand& b) {
  return einsum(equation, {a, b}, a.here());
}
Tensor einsum(std::string_view equation, const Operand& a, const Operand& b, const Operand& c) {
  return einsum(equation, {a, b, c}, a.here());
}

Tensor tensordot(const Operand& a, const Operand& b, const std::vector<std::int64_t>& axes_a,
                 const std::vector<std::int64_t>& axes_b) try {
  return ops::tensordot("tensordot", a, b, axes_a, axes_b);
} catch (...) {
  rethrow_in_call("tensordot", a, b);
}

Tensor tensordot(const Operand& a, const Operand& b, Integer dims) try {
  const Tensor left = a.as_tensor();
  const auto most = static_cast<std::int64_t>(std::min(left.rank(), b.as_tensor().rank()));
  if (dims < 0 || dims > most)
    throw ShapeError("tensordot: " + std::to_string(dims) + " axes of " + to_string(left.shape()) + " and " +
                     to_string(b.as_tensor().shape()) + "; give from 0 to " + std::to_string(most));
  std::vector<std::int64_t> last, first;
  for (std::int64_t i = 0; i < dims; ++i) {
    last.push_back(i - dims);
    first.push_back(i);
  }
  return ops::tensordot("tensordot", a, b, last, first);
} catch (...) {
  rethrow_in_call("tensordot", a, b);
}

Tensor inner(const Operand& a, const Operand& b) try {
  if (a.as_tensor().rank() == 0 || b.as_tensor().rank() == 0) return mul(a, b);
  return ops::tensordot("inner", a, b, {-1}, {-1});
} catch (...) {
  rethrow_in_call("inner", a, b);
}

}  // namespace chainrule
