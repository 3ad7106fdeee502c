// Fuzz target: an expression and values as the command line takes them, computed, drawn and walked through.
// Relies on the sources of the tool.

#include <algorithm>
#include <sstream>
#include <stdexcept>

#include "chainrule/draw.h"
#include "chainrule/linalg.h"
#include "chainrule/walk.h"
#include "command.h"
#include "expression.h"
#include "print.h"
#include "session.h"
#include "targets.h"

namespace chainrule::fuzz {
namespace {

/// The command line: an expression and then values, each after a "$", which stands in none.
cli::Request request_of(Bytes bytes) {
  std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  cli::Request request;
  request.most_elements = 256;  // three of them broadcast to no more than 128 MB
  const auto next = [&] {
    const std::string_view part = text.substr(0, text.find('$'));
    text.remove_prefix(std::min(part.size() + 1, text.size()));
    return std::string(part);
  };
  request.expression = next();
  while (!text.empty()) request.values.push_back(next());
  return request;
}

/// Can lists not have grown too long to be computed with in no time? a = [a, a] doubles one.
bool is_quick(const cli::Program& program) {
  std::size_t items = 1;
  for (const cli::Instruction& instruction : program.instructions())
    if (instruction.code == cli::Code::list || instruction.code == cli::Code::tuple)
      items = std::min<std::size_t>(items * std::max<std::size_t>(instruction.count, 1), 10'000);
  return items < 10'000;
}

/// All that the commands eval, graph and walk do, but to draw by Graphviz.
void run(const cli::Request& request) {
  if (!is_quick(cli::Program(request.expression))) return;
  for (const std::string& value : request.values) {
    if (value.find('@') != std::string::npos) return;  // a file's name: csv and npy are targets of their own
    if (!is_quick(cli::Program(value))) return;
  }
  const KeepValues keep;
  const cli::Computed computed = cli::compute(request);
  (void)cli::equation(computed.output.name(), computed.output);
  (void)cli::to_json(computed.output);
  const Gradients found = cli::gradients(computed, true);
  for (const Tensor& variable : computed.wrt) (void)cli::to_json(cli::gradient(found, variable));
  std::ostringstream dot;
  write_dot(dot, GraphRecord(computed.output, &found));
  if (cli::not_a_scalar(computed).empty()) (void)walk_text(Walk(computed.output, request.expression));
}

}  // namespace

static void expression(Bytes bytes) {
  if (bytes.size() > most_bytes) return;
  try {
    run(request_of(bytes));
  } catch (const ParseError&) {  // CommandError is one
  } catch (const ShapeError&) {
  } catch (const DTypeError&) {
  } catch (const GradError&) {
  } catch (const LinAlgError&) {
  } catch (const MemoryError&) {
  } catch (const std::runtime_error&) {  // more memory than is allowed here, with its place in the expression
  }
}
static const Registered registered("expression", expression);

}  // namespace chainrule::fuzz
