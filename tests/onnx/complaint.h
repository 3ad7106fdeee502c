// ONNX's own checker as one function, for tests of what we write.
// complaint.cpp calls it.

#pragma once

#include <string>

namespace chainrule::test {

/// What ONNX's own checker and inference of shapes have against a model; empty for nothing.
std::string complaint_about(const std::string& model);

}  // namespace chainrule::test
