// Runs the tool as a child with pipes or a terminal, with limits and signals, and collects what it says.
// Relies on POSIX alone.

#include "cli/run_tool.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <pty.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <thread>

#include "cli/signals.h"
#include "paths.h"

namespace chainrule::test {
namespace {

/// What the tool writes to, and the end that the test reads.
struct Channel {
  int read_end = -1, write_end = -1;
};

Channel make_pipe() {
  std::array<int, 2> ends{};
  if (pipe(ends.data()) != 0) throw std::runtime_error("pipe failed");
  return {ends[0], ends[1]};
}

Channel make_terminal() {
  Channel channel;
  if (openpty(&channel.read_end, &channel.write_end, nullptr, nullptr, nullptr) != 0)
    throw std::runtime_error("openpty failed");
  return channel;
}

/// Reads both channels as text arrives, so that the tool never waits for the other one to be read.
void read_until_closed(const Channel& output, const Channel& errors, ToolResult& result) {
  std::array<pollfd, 2> open = {{{output.read_end, POLLIN, 0}, {errors.read_end, POLLIN, 0}}};
  const std::array<std::string*, 2> texts = {&result.output, &result.errors};
  while (open[0].fd >= 0 || open[1].fd >= 0) {
    if (poll(open.data(), open.size(), -1) < 0) continue;
    for (std::size_t i = 0; i < open.size(); ++i) {
      if (open[i].fd < 0 || open[i].revents == 0) continue;
      std::array<char, 4096> piece{};
      const ssize_t count = read(open[i].fd, piece.data(), piece.size());
      if (count > 0)
        texts[i]->append(piece.data(), static_cast<std::size_t>(count));
      else
        open[i].fd = -1;  // the end of a pipe, or EIO: the end of a terminal
    }
  }
}

/// The words of a command, as the system wants them.
class Words {
 public:
  explicit Words(const std::vector<std::string>& arguments) : words_{tool_path()} {
    words_.insert(words_.end(), arguments.begin(), arguments.end());
    for (std::string& word : words_) pointers_.push_back(word.data());
    pointers_.push_back(nullptr);
  }
  /// With the signals as at a terminal: tests that run in the background of a script ignore SIGINT, and what
  /// they start would, too.
  [[noreturn]] void execute() const {
    for (const int each : {SIGINT, SIGQUIT, SIGHUP, SIGTERM}) std::signal(each, SIG_DFL);
    execv(pointers_[0], pointers_.data());
    _exit(127);
  }

 private:
  std::vector<std::string> words_;
  std::vector<char*> pointers_;
};

/// A signal, and when it is sent.
struct Blow {
  int signal = 0;  // none
  std::int64_t microseconds = 0;
};

ToolResult run(const std::vector<std::string>& arguments, const Channel& errors, const Blow& blow = {}) {
  const Channel output = make_pipe();
  Words words(arguments);
  std::fflush(nullptr);
  const pid_t child = fork();
  if (child < 0) throw std::runtime_error("fork failed");
  if (child == 0) {
    const int nothing = open("/dev/null", O_RDONLY);
    dup2(nothing, STDIN_FILENO);
    dup2(output.write_end, STDOUT_FILENO);
    dup2(errors.write_end, STDERR_FILENO);
    for (const int end : {nothing, output.read_end, output.write_end, errors.read_end, errors.write_end})
      close(end);
    words.execute();
  }
  close(output.write_end);
  close(errors.write_end);
  std::thread sender;
  if (blow.signal != 0)
    sender = std::thread([&] {
      std::this_thread::sleep_for(std::chrono::microseconds(blow.microseconds));
      kill(child, blow.signal);
    });
  ToolResult result;
  read_until_closed(output, errors, result);
  if (sender.joinable()) sender.join();  // before the child is gone, and its number another's
  close(output.read_end);
  close(errors.read_end);
  int status = 0;
  waitpid(child, &status, 0);
  result.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  return result;
}

}  // namespace

ToolResult run_tool(const std::vector<std::string>& arguments) { return run(arguments, make_pipe()); }

ToolResult run_tool_and_signal(const std::vector<std::string>& arguments, int signal,
                               std::int64_t microseconds) {
  return run(arguments, make_pipe(), {signal, microseconds});
}

ToolResult run_command(const std::string& command, std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), command);
  return run_tool(arguments);
}
ToolResult run_tool_on_terminal(const std::vector<std::string>& arguments) {
  return run(arguments, make_terminal());
}

void run_tool_and_kill(const std::vector<std::string>& arguments, std::int64_t microseconds) {
  const Words words(arguments);
  std::fflush(nullptr);
  const pid_t child = fork();
  if (child < 0) throw std::runtime_error("fork failed");
  if (child == 0) {
    const int nothing = open("/dev/null", O_RDWR);
    for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) dup2(nothing, stream);
    words.execute();
  }
  if (microseconds >= 0) {
    usleep(static_cast<useconds_t>(microseconds));
    kill(child, SIGKILL);
  }
  waitpid(child, nullptr, 0);
}

}  // namespace chainrule::test
