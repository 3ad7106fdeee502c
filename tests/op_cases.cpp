// The table of all operations: its rows put together, and checks and random inputs of any row.
// op_cases.h says what a row is.

#include "op_cases.h"

#include <cctype>
#include <stdexcept>

namespace chainrule::test {

// The rows, by family, in the files op_cases_*.cpp.
std::vector<OpCase> elementwise_rows();
std::vector<OpCase> function_rows();
std::vector<OpCase> special_rows();
std::vector<OpCase> map_rows();
std::vector<OpCase> reduction_rows();
std::vector<OpCase> shape_rows();
std::vector<OpCase> slice_rows();
std::vector<OpCase> linear_algebra_rows();
std::vector<OpCase> product_rows();
std::vector<OpCase> decomposition_rows();
std::vector<OpCase> probability_rows();
std::vector<OpCase> fourier_rows();
std::vector<OpCase> statistics_rows();
std::vector<OpCase> difference_rows();
std::vector<OpCase> nan_statistics_rows();
std::vector<OpCase> loss_rows();
std::vector<OpCase> distance_rows();
std::vector<OpCase> distribution_rows();
std::vector<OpCase> indexing_rows();
std::vector<OpCase> order_rows();
std::vector<OpCase> shaping_rows();
std::vector<OpCase> window_rows();
std::vector<OpCase> vision_rows();
std::vector<OpCase> bag_rows();
std::vector<OpCase> series_rows();
std::vector<OpCase> network_rows();

const std::vector<OpCase>& op_cases() {
  static const std::vector<OpCase> table = [] {
    std::vector<OpCase> all;
    for (const auto family : {
             elementwise_rows,    function_rows,       map_rows,
             reduction_rows,      shape_rows,          slice_rows,
             linear_algebra_rows, product_rows,        decomposition_rows,
             probability_rows,    fourier_rows,        statistics_rows,
             difference_rows,     loss_rows,           distribution_rows,
             indexing_rows,       order_rows,          shaping_rows,
             window_rows,         vision_rows,         bag_rows,
             series_rows,         nan_statistics_rows, network_rows,
             special_rows,        distance_rows,
         })
      for (OpCase& row : family()) all.push_back(std::move(row));
    return all;
  }();
  return table;
}

const OpCase& op_case(const std::string& operation) {
  for (const OpCase& row : op_cases())
    if (row.operation == operation) return row;
  throw std::out_of_range("no row for " + operation);
}

std::string Case::name() const {
  return variant->name.empty() ? row->operation : row->operation + " " + variant->name;
}

Inputs Case::draw(const Shapes& shapes, Engine& engine) const {
  Inputs result;
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    // Operations on any number of tensors, such as concatenate, describe only the first.
    const Input& input = inputs()[std::min(i, inputs().size() - 1)];
    result.push_back(input.draw(shapes[i], engine));
  }
  return result;
}

std::vector<Case> all_cases() {
  std::vector<Case> all;
  for (const OpCase& row : op_cases())
    for (const Variant& variant : row.variants) all.push_back({&row, &variant});
  return all;
}

std::vector<Case> differentiable_cases() {
  std::vector<Case> some;
  for (const Case& one : all_cases()) {
    bool any = false;
    for (const Input& input : one.inputs()) any = any || input.differentiable;
    if (one.row->differentiable && any) some.push_back(one);
  }
  return some;
}

std::vector<Case> elementwise_cases() {
  std::vector<Case> some;
  for (const Case& one : all_cases())
    if (one.row->scalar) some.push_back(one);
  return some;
}

std::vector<Shapes> combinations_of_shapes(std::size_t inputs) {
  const Shapes choices = {{},     {1},       {3},       {2, 1},       {2, 3},         {1, 3},
                          {0, 3}, {4, 1, 3}, {4, 0, 3}, {2, 3, 1, 2}, {5, 1, 1, 1, 1}};
  std::vector<Shapes> all = {{}};
  for (std::size_t i = 0; i < inputs; ++i) {
    std::vector<Shapes> longer;
    for (const Shapes& shapes : all)
      for (const Shape& next : choices) {
        longer.push_back(shapes);
        longer.back().push_back(next);
      }
    all = std::move(longer);
  }
  return all;
}

bool is_differentiable(const Case& one, std::size_t input) {
  return one.inputs()[std::min(input, one.inputs().size() - 1)].differentiable;
}

Inputs as_variables(const Case& one, const Inputs& constants) {
  Inputs result;
  for (std::size_t i = 0; i < constants.size(); ++i)
    result.push_back(is_differentiable(one, i) ? variable(constants[i]) : constants[i]);
  return result;
}

Inputs differentiable_inputs(const Case& one, const Inputs& inputs) {
  Inputs result;
  for (std::size_t i = 0; i < inputs.size(); ++i)
    if (is_differentiable(one, i)) result.push_back(inputs[i]);
  return result;
}

Inputs converted(const Inputs& inputs, DType dtype) {
  Inputs result;
  for (const Tensor& input : inputs) {
    if (!is_floating(input.dtype()))
      result.push_back(input);
    else if (dtype == DType::float32)
      result.push_back(tensor(input.to_vector<float>(), input.shape()));
    else if (dtype == DType::float64)
      result.push_back(tensor(input.to_vector<double>(), input.shape()));
    else
      result.push_back(cast(input.detach(), dtype));
  }
  return result;
}

std::string identifier(std::string text) {
  for (char& letter : text)
    if (std::isalnum(static_cast<unsigned char>(letter)) == 0) letter = '_';
  return text;
}

std::string case_name(const ::testing::TestParamInfo<Case>& info) {
  return (info.param.row->composed ? "composed_" : "") + identifier(info.param.name());
}

std::ostream& operator<<(std::ostream& out, const Case& one) { return out << one.name(); }

}  // namespace chainrule::test
