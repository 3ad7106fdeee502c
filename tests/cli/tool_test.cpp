// The tool as a whole: its commands and help, wrong ones, and standard output that is lost, full or closed.
// cli/run_tool.h runs the tool.

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "cli/run_tool.h"
#include "paths.h"
#include "support.h"

namespace chainrule::test {
namespace {

TEST(Tool, says_which_commands_it_has) {
  const ToolResult help = run_tool({"--help"});
  EXPECT_EQ(help.exit_code, 0);
  EXPECT_TRUE(mentions(help.output, {"eval", "graph", "walk", "train", "ops", "Exit codes: 0 fine"}));
  for (const char* command : {"eval", "graph", "walk", "train", "ops"})
    EXPECT_EQ(run_tool({command, "--help"}).exit_code, 0) << command;
  EXPECT_TRUE(mentions(run_tool({"eval", "--help"}).output, {"chainrule eval '(x + y) * z' x=-2 y=5 z=-4"}));
  // As wide as a terminal is, but for commands and names that are longer.
  std::istringstream lines(run_tool({"train", "--help"}).output);
  for (std::string line; std::getline(lines, line);)
    if (!line.starts_with("  chainrule") && !line.starts_with("  mpirun")) {
      EXPECT_LE(line.size(), 80U) << line;
    }
  EXPECT_EQ(run_tool({"--version"}).output, "chainrule " CHAINRULE_VERSION "\n");
}

TEST(Tool, refuses_commands_that_are_wrong) {
  for (const std::vector<std::string>& arguments :
       std::vector<std::vector<std::string>>{{},
                                             {"fly"},
                                             {"eval"},
                                             {"eval", "x", "x=1", "--no-such"},
                                             {"eval", "1", "--dtype", "int8"},
                                             {"eval", "1", "--seed", "one"},
                                             {"eval", "1", "--seed", "-1"},
                                             {"eval", "1", "--seed", ""},
                                             {"eval", "1", "--seed="},
                                             {"eval", "1", "--seed", "0x10"},
                                             {"eval", "1", "--seed", "1e3"},
                                             {"eval", "1", "--seed", "99999999999999999999"},
                                             {"eval", "1", "--dtype="},
                                             {"graph", "1", "-o", ""},
                                             {"walk", "1", "-o", ""},
                                             {"graph", "1", "--seed", "-1"},
                                             {"walk", "1", "--seed", "-1"},
                                             {"graph", "1", "-o"},
                                             {"ops", "add", "extra"}}) {
    const ToolResult result = run_tool(arguments);
    EXPECT_EQ(result.exit_code, 2);
    EXPECT_EQ(result.output, "");
    EXPECT_TRUE(result.errors.starts_with("chainrule") && result.errors.ends_with("\n")) << result.errors;
  }
}

TEST(Tool, lists_every_operation_with_its_derivative) {
  const ToolResult result = run_tool({"ops"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_TRUE(mentions(result.output, {"tanh", "∂(a · b)/∂a = b", "matmul", "cross_entropy", "logsumexp"}));
}

TEST(Tool, shows_examples_that_a_shell_understands) {
  EXPECT_TRUE(mentions(run_tool({"ops", "interpolate"}).output,
                       {"chainrule eval \"interpolate([[[1, 3]]], 4, mode='linear')\"\nvalue = [[[1. "}));
  EXPECT_TRUE(mentions(run_tool({"ops", "int64"}).output, {"no gradient", "chainrule eval 'int64("}));
}

TEST(Tool, does_not_keep_quiet_when_its_output_is_lost) {
  if (!std::filesystem::exists("/dev/full")) GTEST_SKIP() << "no /dev/full here";
  const TemporaryFile errors("", ".txt");
  const auto complaint = [&](const std::string& command) {
    const int status = std::system((tool_path() + " " + command + " 2> " + errors.path()).c_str());
    std::ostringstream text;
    text << std::ifstream(errors.path()).rdbuf();
    return std::to_string(WEXITSTATUS(status)) + " " + text.str();
  };
  const std::string full = "standard output: No space left on device\n";
  EXPECT_EQ(complaint("eval x x=1 > /dev/full"), "1 chainrule eval: " + full);
  EXPECT_EQ(complaint("ops > /dev/full"), "1 chainrule ops: " + full);
  EXPECT_EQ(complaint("graph x x=1 > /dev/full"), "1 chainrule graph: " + full);
  EXPECT_EQ(complaint("--help > /dev/full"), "1 chainrule: " + full);
  EXPECT_EQ(complaint("--version > /dev/full"), "1 chainrule: " + full);
  EXPECT_EQ(complaint("walk --help > /dev/full"), "1 chainrule walk: " + full);
  EXPECT_EQ(complaint("eval x x=1 >&-"), "1 chainrule eval: standard output: Bad file descriptor\n");
}

TEST(Tool, ends_quietly_when_its_reader_has_what_it_wants) {
  const TemporaryFile errors("", ".txt");
  const std::string command = "(" + tool_path() + " ops; echo $? >&2) 2>" + errors.path() + " | true";
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(std::system(("bash -c 'sleep 0.1 | true; " + command + "'").c_str()), 0);
    const std::string said = content_of(errors.path());
    EXPECT_TRUE(said == "0\n" || said == "141\n") << said;
  }
}

TEST(Tool, takes_a_full_file_for_an_error) {
  const FileSizeLimit limit(10);
  const TemporaryFile output("", ".txt"), errors("", ".txt");
  const int status = std::system((tool_path() + " ops >" + output.path() + " 2>/dev/null").c_str());
  EXPECT_EQ(WEXITSTATUS(status), 1);
}

TEST(Tool, shows_escape_sequences_in_messages_instead_of_sending_them) {
  const std::string escape = "\x1b[31m", right_to_left = "\u202e";
  for (const std::vector<std::string>& arguments :
       std::vector<std::vector<std::string>>{{"eval", "x" + escape},
                                             {"eval", "x", "x" + escape + "=1"},
                                             {"eval", "x", "x=@/no/" + escape + ".csv"},
                                             {"eval", "x", "x=1", "--wrt", escape},
                                             {"eval", "x", "x=1", "--seed", escape},
                                             {"eval", "x", "x=1", "--dtype", escape},
                                             {"eval", "x", "x=1", "--" + escape},
                                             {"eval", "sum(x, '" + escape + "')", "x=1"},
                                             {"graph", "x", "x=1", "-o", "/no/" + escape + ".svg"},
                                             {"graph", "/no/" + escape + ".json"},
                                             {"walk", "x", "x=1", "-o", "/no/" + escape + ".html"},
                                             {"walk", "x", "x=1", "-o", "/no/" + escape + "/"},
                                             {"train", "/no/" + escape + ".csv"},
                                             {"train", "--report", "/no/" + escape},
                                             {"train", "--hidden", escape},
                                             {escape}}) {
    const ToolResult result = run_tool(arguments);
    EXPECT_NE(result.exit_code, 0);
    EXPECT_EQ(result.errors.find('\x1b'), std::string::npos) << result.errors;
    EXPECT_TRUE(mentions(result.errors, {"\\x1b[31m"}));
  }
  EXPECT_TRUE(mentions(run_tool({"eval", "x" + right_to_left}).errors, {"\\u202e"}));
}

TEST(Tool, refuses_names_that_are_not_utf8) {
  for (const char* name :
       {"\xe0\x81\xa1", "\xc1\xa1", "\xf0\x80\x81\xa1", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xff", "\xce"}) {
    const ToolResult value = run_tool({"eval", "1", std::string(name) + "=2", "--json"});
    EXPECT_EQ(value.exit_code, 2);
    EXPECT_TRUE(mentions(value.errors, {"=2' is not a value; write NAME=VALUE", "\\x"})) << value.errors;
    const ToolResult expression = run_tool({"eval", std::string(name) + " = 3", "--json"});
    EXPECT_EQ(expression.exit_code, 2);
    EXPECT_TRUE(mentions(expression.errors, {"unexpected '\\x"})) << expression.errors;
  }
}

TEST(Tool, takes_expressions_that_look_like_options_or_commands) {
  EXPECT_EQ(run_tool({"eval", "-x * 2", "x=3"}).output, "value = -6\ndL/dx = -2\n");
  EXPECT_EQ(run_tool({"eval", "--", "--x", "x=3"}).output, "value = 3\ndL/dx = 1\n");
  EXPECT_EQ(run_tool({"eval", "graph", "graph=2"}).output, "value = 2\ndgraph/dgraph = 1\n");
  EXPECT_EQ(run_tool({"eval", "x", "x=-1", "--wrt", "x", "--seed=3"}).output, "value = -1\ndx/dx = 1\n");
}

}  // namespace
}  // namespace chainrule::test
