// The operators, a table for each family. An operator is one function from a Call to its results, written in
// chainrule's public operations, and one line in its family's table.

#pragma once

#include <span>

#include "onnx/graph.h"

namespace chainrule::onnx {

std::span<const Operator> arithmetic_operators();
std::span<const Operator> integer_operators();
std::span<const Operator> activation_operators();
std::span<const Operator> cast_operators();
std::span<const Operator> reduction_operators();
std::span<const Operator> shape_operators();
std::span<const Operator> making_operators();
std::span<const Operator> indexing_operators();
std::span<const Operator> order_operators();
std::span<const Operator> product_operators();
std::span<const Operator> convolution_operators();
std::span<const Operator> pooling_operators();
std::span<const Operator> normalization_operators();
std::span<const Operator> attention_operators();
std::span<const Operator> recurrent_operators();
std::span<const Operator> loss_operators();
std::span<const Operator> resize_operators();
std::span<const Operator> sampling_operators();
std::span<const Operator> signal_operators();
std::span<const Operator> control_operators();
std::span<const Operator> training_operators();

}  // namespace chainrule::onnx
