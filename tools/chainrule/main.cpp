// The tool as one process: several that an MPI launcher has started become chainrule_ranks, so that this one
// needs no MPI.

#include <string_view>

#include "tool.h"

int main(int count, char** values) {
  using namespace chainrule::cli;
  if (count > 1 && std::string_view(values[1]) == "train" && launched().size > 1) return become_ranks(values);
  Ranks alone;
  return run_tool(count, values, alone);
}
