// names_page FILE NAME...: writes the page of a walk through the product of variables with these names, which
// may be anything: the names in the tool's expressions are identifiers.

#include <chainrule/ops.h>
#include <chainrule/walk.h>

#include <fstream>

int main(int count, char** values) {
  using namespace chainrule;
  const KeepValues keep;
  Tensor product = tensor(1.0);
  for (int i = 2; i < count; ++i) product = product * variable(static_cast<double>(i), values[i]);
  const Walk walk(product);
  std::ofstream(values[1]) << WalkDrawing(walk).html();
}
