#pragma once

#include <string>

#include "chainrule/model.h"

namespace chainrule::cli {

/// Is it the name of a model of ONNX?
bool is_onnx(const std::string& path);

/// A model that `train --save` or `export` has written. An error for models that do not say what their
/// columns are.
Model load_any_model(const std::string& path);

}  // namespace chainrule::cli
