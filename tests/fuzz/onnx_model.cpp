// The fuzz target for models of ONNX: whatever the bytes are, reading, running and differentiating them ends,
// with a result or a ModelError.

#include "chainrule/autograd.h"
#include "chainrule/onnx.h"
#include "targets.h"

namespace chainrule::fuzz {
namespace {

/// Enough for every model of the corpus, and too little for a model that wants much.
constexpr std::int64_t most_elements = 1 << 12;

/// Ones of the sizes that the model asks for, where any size is 2.
Tensor input_for(const onnx::Port& port) {
  std::vector<std::int64_t> sizes;
  for (const auto& size : port.sizes.value_or(std::vector<std::optional<std::int64_t>>()))
    sizes.push_back(size.value_or(2));
  const bool real = port.type == "float" || port.type == "double" || port.type.ends_with("float16");
  const DType dtype = port.type == "bool"                          ? DType::boolean
                      : port.type.find("int") != std::string::npos ? DType::int64
                      : port.type == "double"                      ? DType::float64
                                                                   : DType::float32;
  std::int64_t count = 1;
  for (const std::int64_t size : sizes)
    if (size < 0 || size > most_elements || (count *= size) > most_elements)
      throw onnx::ModelError("a large input");
  const Tensor value = ones(Shape(sizes), dtype);
  return real && is_floating(dtype) ? variable(value) : value;
}

}  // namespace

static void onnx_model(Bytes bytes) {
  try {
    const onnx::Model model = onnx::parse({reinterpret_cast<const char*>(bytes.data()), bytes.size()},
                                          "model", {.most_elements = most_elements});
    std::vector<Tensor> inputs;
    for (const onnx::Port& port : model.inputs()) inputs.push_back(input_for(port));
    for (const Tensor& result : model(inputs)) {
      if (!is_floating(result.dtype()) || !result.requires_grad()) continue;
      sum(result).backward();
    }
  } catch (const onnx::ModelError&) {
    return;
  }
}
static const Registered registered("onnx_model", onnx_model);

}  // namespace chainrule::fuzz
