// ONNX's own checker, in a file of its own: its headers are slow to compile.
// Finds what is wrong with models that we write.

#include "onnx/complaint.h"

#include <onnx/checker.h>
#include <onnx/onnx_pb.h>
#include <onnx/shape_inference/implementation.h>

namespace chainrule::test {

std::string complaint_about(const std::string& model) {
  ::onnx::ModelProto message;
  if (!message.ParseFromString(model)) return "it is no ModelProto";
  try {
    ::onnx::checker::check_model(message);
    ::onnx::shape_inference::InferShapes(message, ::onnx::OpSchemaRegistry::Instance(), {true, 1});
  } catch (const std::exception& error) {
    return error.what();
  }
  return {};
}

}  // namespace chainrule::test
