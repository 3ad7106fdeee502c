// The files that the tool writes: old or new and never half, when it is killed, when the disk is full,
// through links and pipes.

#include <sys/stat.h>

#include <chrono>
#include <filesystem>
#include <fstream>

#include "cli/run_tool.h"
#include "support.h"

namespace chainrule::test {
namespace {

using Words = std::vector<std::string>;

/// Commands that write a file, without its name.
struct Command {
  std::string extension;
  Words words;
};
const Command commands[] = {
    {"file.dot", {"graph", "x * x", "x=3", "-o"}},
    {"file.svg", {"graph", "x * x", "x=3", "-o"}},
    {"file.png", {"graph", "x * x", "x=3", "-o"}},
    {"file.pdf", {"graph", "x * x", "x=3", "-o"}},
    {"file.html", {"graph", "x * x", "x=3", "-o"}},
    {"file.graph.json", {"graph", "x * x", "x=3", "-o"}},
    {"file.html", {"walk", "x * x", "x=3", "-o"}},
    {"file.pdf", {"walk", "x * x", "x=3", "-o"}},
    {"file.html", {"train", "--epochs", "1", "--report"}},
    {"file.safetensors", {"train", "--epochs", "1", "--save"}},
};

ToolResult run_with(const Command& command, const std::string& path) {
  Words words = command.words;
  words.push_back(path);
  return run_tool(words);
}

TEST(Files, stay_as_they_were_when_they_cannot_be_written) {
  for (const Command& command : commands) {
    const TemporaryFolder folder;
    const std::string path = folder.file(command.extension);
    std::ofstream(path) << "old";
    {
      const FileSizeLimit limit(100);
      const ToolResult result = run_with(command, path);
      EXPECT_EQ(result.exit_code, 1) << path;
      EXPECT_TRUE(mentions(result.errors, {path + ": it cannot be written: File too large\n"}));
    }
    EXPECT_EQ(content_of(path), "old");
    EXPECT_EQ(folder.names(), Words{command.extension});
    EXPECT_EQ(run_with(command, path).exit_code, 0);
    EXPECT_GT(content_of(path).size(), 100U);
    EXPECT_EQ(folder.names(), Words{command.extension});
  }
}

TEST(Files, of_a_folder_of_pictures_are_written_whole_too) {
  const TemporaryFolder folder;
  const Words words = {"walk", "x * x", "x=3", "-o", folder.path() + "/"};
  ASSERT_EQ(run_tool(words).exit_code, 0);
  const Words names = folder.names();
  const std::string before = content_of(folder.file(names.front()));
  {
    const FileSizeLimit limit(100);
    const ToolResult result = run_tool(words);
    EXPECT_EQ(result.exit_code, 1);
    EXPECT_TRUE(mentions(result.errors, {names.front() + ": it cannot be written: File too large"}));
  }
  EXPECT_EQ(content_of(folder.file(names.front())), before);
  EXPECT_EQ(folder.names(), names);
}

TEST(Files, are_old_or_new_whenever_the_tool_is_killed) {
  std::string expression = "x";
  for (int i = 0; i < 1000; ++i) expression += " + x";
  const TemporaryFolder folder;
  const std::string path = folder.file("sum.dot");
  const auto words = [&](int i) { return Words{"graph", expression, "x=" + std::to_string(i), "-o", path}; };
  using Clock = std::chrono::steady_clock;
  const auto start = Clock::now();
  run_tool_and_kill(words(0), -1);
  const auto needed = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - start).count();
  std::string old = content_of(path);
  EXPECT_GT(old.size(), 100'000U);
  std::mt19937_64 random(7);
  int complete = 0, kills = 0;
  for (; kills < 200 && Clock::now() - start < std::chrono::seconds(10); ++kills) {
    // Most of them near the end, where the file is written.
    const auto delay =
        std::uniform_int_distribution<std::int64_t>(kills % 4 == 0 ? 0 : needed / 2, needed * 5 / 4)(random);
    run_tool_and_kill(words(kills % 9 + 1), delay);
    const std::string found = content_of(path);
    if (found == old) continue;
    ++complete;
    ASSERT_TRUE(found.starts_with("digraph chainrule {\n") && found.ends_with("}\n"))
        << "kill " << kills << " after " << delay << " µs: " << found.size() << " bytes";
    EXPECT_TRUE(mentions(found, {">" + std::to_string(kills % 9 + 1) + "</FONT>"}));
    old = found;
  }
  std::cout << complete << " of " << kills << " were complete\n";
  EXPECT_LE(folder.names().size(), 3U) << "a kill between two system calls may leave one";
}

TEST(Files, that_are_links_or_pipes_stay_so) {
  const TemporaryFolder folder;
  const std::string link = folder.file("link.html"), pipe = folder.file("pipe.html");
  std::filesystem::create_symlink("report.html", link);
  const Words train = {"train", "--epochs", "1", "--report"};
  EXPECT_EQ(run_with({"", train}, link).exit_code, 0);
  EXPECT_TRUE(std::filesystem::is_symlink(link));
  EXPECT_GT(content_of(folder.file("report.html")).size(), 1000U);

  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  const ToolResult refused = run_with({"", train}, pipe);
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_TRUE(mentions(refused.errors, {pipe + ": it cannot be written: it is a pipe that nobody reads\n"}));
  EXPECT_TRUE(std::filesystem::is_fifo(pipe));
}

TEST(Files, may_be_standard_output) {
  const ToolResult result = run_tool({"train", "--epochs", "1", "--report", "/dev/stdout"});
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_TRUE(mentions(result.output, {"test accuracy", "<!doctype html>", "</html>"}));
}

TEST(Files, that_never_end_a_line_are_refused) {
  const TemporaryFolder folder;
  const std::string zeros = folder.file("zeros.csv"), quote = folder.file("quote.csv"),
                    blank = folder.file("blank.csv");
  std::filesystem::create_symlink("/dev/zero", zeros);
  std::ofstream(quote) << "1,2\n\n3,\"" << std::string(20'000'000, '\n');
  std::ofstream(blank) << "1,2\n" << std::string(20'000'000, ' ');
  const std::string message =
      ": a row of more than 16777216 bytes; is this a CSV file, and does every quoted field end?\n";
  for (const auto& [path, line] : {std::pair{zeros, 1}, {quote, 3}, {blank, 2}})
    for (const Words& words : {Words{"eval", "x", "x=@" + path}, Words{"train", path}}) {
      const ToolResult result = run_tool(words);
      EXPECT_EQ(result.exit_code, 1);
      const bool is_table = words[0] == "train" && path == zeros;
      EXPECT_TRUE(mentions(result.errors, {is_table ? zeros + ": this is no text"
                                                    : path + ":" + std::to_string(line) + message}));
    }
}

}  // namespace
}  // namespace chainrule::test
