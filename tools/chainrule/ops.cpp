#include <fmt/format.h>

#include <algorithm>

#include "chainrule/graph.h"
#include "commands.h"
#include "print.h"

namespace chainrule::cli {

void add_ops(CLI::App& app) {
  CLI::App* command = app.add_subcommand("ops", "List every operation with its derivative");
  command->callback([] {
    const std::vector<OperationInfo> all = operations();
    std::size_t width = 0;
    for (const OperationInfo& operation : all) width = std::max(width, operation.name.size());
    std::string text;
    for (const OperationInfo& operation : all)
      text += fmt::format("{:<{}}  {}\n", operation.name, width, operation.formula);
    write_output(text);
  });
}

}  // namespace chainrule::cli
