// A program of the benchmark as a child process, with which the driver speaks by pipes: one line asks, one
// answers.

#include "child.h"

#include <csignal>
#include <cstdlib>
#include <stdexcept>
#include <system_error>

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace bench {
namespace {

struct Pipe {
  Pipe() {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) throw std::system_error(errno, std::generic_category(), "pipe");
    read = ends[0];
    write = ends[1];
  }
  int read, write;
};

/// Starts a program with these ends as its standard input (none if negative) and output.
pid_t start(const std::vector<std::string>& command, const Environment& environment, int input, int output) {
  std::vector<char*> words;
  for (const std::string& word : command) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);

  const pid_t process = fork();
  if (process < 0) throw std::system_error(errno, std::generic_category(), "fork");
  if (process == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);  // a stopped program would outlive us for ever
    dup2(input < 0 ? open("/dev/null", O_RDONLY) : input, STDIN_FILENO);
    dup2(output, STDOUT_FILENO);
    for (const auto& [name, value] : environment)
      value ? setenv(name.c_str(), value->c_str(), 1) : unsetenv(name.c_str());
    execvp(words[0], words.data());
    _exit(127);
  }
  return process;
}

}  // namespace

Child::Child(const std::string& program, const Environment& environment) : program_(program) {
  const Pipe questions, answers;
  process_ = start({program}, environment, questions.read, answers.write);
  close(questions.read);
  close(answers.write);
  questions_ = questions.write;
  answers_ = answers.read;
}

Child::~Child() {
  close(questions_);
  close(answers_);
  kill(process_, SIGKILL);
  waitpid(process_, nullptr, 0);
}

std::vector<std::string> Child::ask(const std::string& question) {
  kill(process_, SIGCONT);
  const std::string line = question + "\n";
  if (write(questions_, line.data(), line.size()) != static_cast<ssize_t>(line.size()))
    throw std::runtime_error(program_ + " does not listen any more");
  std::vector<std::string> answer;
  while (true) {
    for (std::size_t end; (end = unread_.find('\n')) != std::string::npos; unread_.erase(0, end + 1)) {
      if (unread_.compare(0, end, ".") == 0) {
        unread_.clear();
        kill(process_, SIGSTOP);
        return answer;
      }
      answer.push_back(unread_.substr(0, end));
    }
    char buffer[4096];
    const ssize_t count = read(answers_, buffer, sizeof buffer);
    if (count <= 0) throw std::runtime_error(program_ + " ended when asked to: " + question);
    unread_.append(buffer, static_cast<std::size_t>(count));
  }
}

std::string output_of(const std::vector<std::string>& command, const Environment& environment) {
  const Pipe output;
  const pid_t process = start(command, environment, -1, output.write);
  close(output.write);
  std::string text;
  char buffer[4096];
  for (ssize_t count; (count = read(output.read, buffer, sizeof buffer)) > 0;)
    text.append(buffer, static_cast<std::size_t>(count));
  close(output.read);
  int status = 0;
  waitpid(process, &status, 0);
  if (status != 0) {
    std::string line;
    for (const std::string& word : command) line += " " + word;
    throw std::runtime_error("this failed:" + line);
  }
  return text;
}

}  // namespace bench
