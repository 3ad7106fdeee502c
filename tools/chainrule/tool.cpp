// The command line as a whole: its commands, help and version, and how errors end it, with exit codes.
// CLI11 reads the arguments.

#include "tool.h"

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <new>
#include <sstream>

#include "chainrule/error.h"
#include "chainrule/simd.h"
#include "command.h"
#include "commands.h"
#include "help.h"
#include "memory.h"
#include "print.h"
#include "terminal.h"
#include "text.h"
#include "train.h"

namespace chainrule::cli {
namespace {

constexpr int work_failed = 1, command_wrong = 2;

/// Of what all ranks have in common, as all that ends here.
int complain(const CLI::App& app, const Ranks& ranks, const std::string& message, int exit_code) {
  if (!ranks.is_first()) return exit_code;
  const auto chosen = app.get_subcommands();
  const std::string command = chosen.empty() ? "chainrule" : "chainrule " + chosen.front()->get_name();
  std::fprintf(stderr, "%s: %s\n", command.c_str(), printable_lines(message).c_str());
  return exit_code;
}

/// The arguments in the order in which CLI11 wants them: the last one first. An expression may begin with a
/// minus sign, which CLI11 would take for an option, or be called like a command; behind "--" it is neither.
/// So options come first, their values as arguments of their own.
std::vector<std::string> arguments_of(const CLI::App& app, int count, char** values) {
  const std::vector<std::string> given(values + 1, values + count);
  std::vector<std::string> arguments, others;
  const CLI::App* command = &app;
  for (auto argument = given.begin(); argument != given.end(); ++argument) {
    if (*argument == "--") {
      others.insert(others.end(), argument + 1, given.end());
      break;
    }
    if (command == &app && !argument->starts_with('-')) {
      std::string names;
      for (const CLI::App* each : app.get_subcommands({})) {
        names += (names.empty() ? "" : ", ") + each->get_name();
        if (each->get_name() == *argument) command = each;
      }
      if (command == &app)
        throw CommandError("no command '" + printable(*argument) + "'; there are " + names + "; see --help");
      arguments.push_back(*argument);
      continue;
    }
    if (!argument->starts_with("--") && *argument != "-h" && *argument != "-o") {
      others.push_back(*argument);
      continue;
    }
    const std::size_t equals = argument->find('=');
    const CLI::Option* option = command->get_option_no_throw(argument->substr(0, equals));
    const bool takes_value = option != nullptr && option->get_items_expected_min() > 0;
    arguments.push_back(takes_value ? argument->substr(0, equals) : *argument);
    if (takes_value && equals != std::string::npos)
      arguments.push_back(argument->substr(equals + 1));
    else if (takes_value && argument + 1 != given.end())
      arguments.push_back(*++argument);
  }
  const auto is_ambiguous = [&](const std::string& other) {
    const auto commands = app.get_subcommands({});
    return other.starts_with('-') || other == "++" ||
           std::any_of(commands.begin(), commands.end(),
                       [&](const CLI::App* each) { return each->get_name() == other; });
  };
  if (std::any_of(others.begin(), others.end(), is_ambiguous)) arguments.emplace_back("--");
  arguments.insert(arguments.end(), others.begin(), others.end());
  return {arguments.rbegin(), arguments.rend()};
}

int run(CLI::App& app, const Ranks& ranks, int count, char** values) {
  try {
    app.parse(arguments_of(app, count, values));
    write_output("");  // what a command has printed by other means must have been written, too
  } catch (const CLI::Success& request) {  // --help, --version
    std::ostringstream text;
    app.exit(request, text, text);
    constexpr std::int64_t narrowest = 60, widest = 110;
    const auto width = std::clamp(Terminal().width, narrowest, widest);
    if (ranks.is_first()) write_output(filled_help(text.str(), static_cast<std::size_t>(width)));
  } catch (const CLI::ParseError& error) {
    return complain(app, ranks, error.what() + std::string("; see --help"), command_wrong);
  } catch (const CommandError& error) {
    return complain(app, ranks, error.what(), command_wrong);
  }
  return 0;
}

/// As what reads our output expects: `chainrule ops | head -3` prints three lines and no complaint.
int end_quietly() {
  std::signal(SIGPIPE, SIG_DFL);
  std::raise(SIGPIPE);
  return work_failed;
}

}  // namespace

int run_tool(int count, char** values, Ranks& ranks) {
  // Errors of writing, to be noticed where it is done.
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
  limit_memory();
  if (std::getenv("CHAINRULE_ISA") != nullptr) simd::instruction_set();  // says at once what is wrong with it
  CLI::App app(
      "Derivatives of tensor expressions: compute them, draw them, step through them, learn with them.",
      "chainrule");
  app.set_version_flag("--version", "chainrule " CHAINRULE_VERSION);
  app.require_subcommand(1);
  app.footer(
      "`chainrule COMMAND --help` shows examples. Exit codes: 0 fine, 1 the work failed, 2 the command was "
      "wrong,\n130 interrupted.");
  add_eval(app);
  add_check(app);
  add_graph(app);
  add_walk(app);
  add_train(app, ranks);
  add_models(app);
  add_explain(app);
  add_exchange(app);
  add_ops(app);
  try {
    return run(app, ranks, count, values);
  } catch (const ReaderGone&) {
    return end_quietly();
  } catch (const Stopped& stopped) {
    constexpr int by_signal = 128;  // as shells say it
    return complain(app, ranks, stopped.what(), by_signal + stopped.signal);
  } catch (const MemoryError& error) {
    return complain(app, ranks, std::string(without_place(error)), work_failed);
  } catch (const std::bad_alloc&) {
    return complain(app, ranks, "not enough memory", work_failed);
  } catch (const std::exception& error) {
    return complain(app, ranks, std::string(without_place(error)), work_failed);
  }
}

}  // namespace chainrule::cli
