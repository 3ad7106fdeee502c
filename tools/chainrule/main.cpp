#include <csignal>
#include <cstdio>
#include <exception>
#include <new>

#include "chainrule/error.h"
#include "command.h"
#include "commands.h"
#include "print.h"
#include "train.h"

namespace {

using namespace chainrule::cli;

constexpr int work_failed = 1, command_wrong = 2;

int complain(const CLI::App& app, const std::string& message, int exit_code) {
  const auto chosen = app.get_subcommands();
  const std::string command = chosen.empty() ? "chainrule" : "chainrule " + chosen.front()->get_name();
  std::fprintf(stderr, "%s: %s\n", command.c_str(), message.c_str());
  return exit_code;
}

/// An expression may begin with a minus sign, which CLI11 would take for an option. A space before it
/// changes its meaning for CLI11 only.
std::vector<std::string> arguments_of(int count, char** values) {
  std::vector<std::string> arguments(values + 1, values + count);
  for (std::string& argument : arguments) {
    const bool may_be_option =
        argument == "-" || argument.starts_with("--") || argument == "-h" || argument == "-o";
    if (argument.starts_with('-') && !may_be_option) argument.insert(0, " ");
  }
  return {arguments.rbegin(), arguments.rend()};  // the order in which CLI11 wants them
}

int run(CLI::App& app, int count, char** values) {
  try {
    app.parse(arguments_of(count, values));
    write_output("");  // what a command has printed by other means must have been written, too
  } catch (const CLI::Success& request) {  // --help, --version
    app.exit(request);
    write_output("");
  } catch (const CLI::ParseError& error) {
    return complain(app, error.what() + std::string("; see --help"), command_wrong);
  } catch (const CommandError& error) {
    return complain(app, error.what(), command_wrong);
  }
  return 0;
}

}  // namespace

int main(int count, char** values) {
  // A reader of our output that leaves early is an error to report, not a reason to die without a word.
  std::signal(SIGPIPE, SIG_IGN);
  CLI::App app(
      "Derivatives of tensor expressions: compute them, draw them, step through them, learn with them.",
      "chainrule");
  app.set_version_flag("--version", "chainrule " CHAINRULE_VERSION);
  app.require_subcommand(1);
  app.footer(
      "`chainrule COMMAND --help` shows examples. Exit codes: 0 fine, 1 the work failed, 2 the command was "
      "wrong.");
  add_eval(app);
  add_graph(app);
  add_walk(app);
  add_train(app);
  add_ops(app);
  try {
    return run(app, count, values);
  } catch (const std::bad_alloc&) {
    return complain(app, "not enough memory", work_failed);
  } catch (const std::exception& error) {
    return complain(app, std::string(chainrule::without_place(error)), work_failed);
  }
}
