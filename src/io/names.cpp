// Names of tensors in files: UTF-8, and each of them once. Checked before anything is written. Relies on the
// JSON library to write them.

#include "io/names.h"

#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>
#include <string_view>

#include "io/file.h"

namespace chainrule {

std::string in_json(const std::string& function, const std::string& text) {
  try {
    return nlohmann::json(text).dump();
  } catch (const nlohmann::json::type_error&) {
    throw std::invalid_argument(function + ": " + in_quotes(text) +
                                " is not UTF-8, which all text in these files is; choose another text");
  }
}

void check_names(const std::string& function, const NamedTensors& tensors) {
  std::set<std::string_view> names;
  for (const auto& [name, tensor] : tensors) {
    (void)in_json(function, name);
    if (!names.insert(name).second)
      throw std::invalid_argument(function + ": " + in_quotes(name) +
                                  " is there twice; give each tensor a name of its own");
    if (tensor.is_empty())
      throw GradError(function + ": " + in_quotes(name) + " is an empty handle; assign a tensor to it first");
  }
}

}  // namespace chainrule
