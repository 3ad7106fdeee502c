// Files written whole or not at all: permissions, links, full disks, killed programs.
// temporary_files.h has the files.

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <thread>

#include "chainrule/draw.h"
#include "chainrule/io.h"
#include "chainrule/report.h"
#include "support.h"
#include "temporary_files.h"

namespace chainrule::test {
namespace {

using Names = std::vector<std::string>;

void write_plainly(const std::string& path, const std::string& content) {
  std::ofstream(path, std::ios::binary) << content;
}
std::string complaint(const std::string& path, const std::string& content = "new") {
  return message_of<IoError>([&] { save_file(path, content); });
}
unsigned permissions_of(const std::string& path) {
  struct stat found = {};
  EXPECT_EQ(stat(path.c_str(), &found), 0);
  return found.st_mode & 07777;
}

TEST(OutputFile, replaces_a_file_and_leaves_nothing_else) {
  const TemporaryFolder folder;
  const std::string path = folder.file("a.txt"), large(3'000'000, 'x');
  for (const std::string& content : {std::string("first"), std::string(), large, std::string("a\0b", 3)}) {
    save_file(path, content);
    EXPECT_EQ(content_of(path), content);
    EXPECT_EQ(folder.names(), Names{"a.txt"});
  }
}

TEST(OutputFile, removes_what_killed_programs_have_left) {
  const TemporaryFolder folder;
  const auto make = [&](const std::string& name, bool is_old) {
    std::ofstream(folder.file(name)) << "half";
    if (is_old)
      std::filesystem::last_write_time(folder.file(name),
                                       std::filesystem::file_time_type::clock::now() - std::chrono::hours(1));
  };
  make(".chainrule-1-0-1", true);
  make(".chainrule-1-0-2", false);  // may be of a program that runs
  make(".chainrule-1-0-3", true);
  make("mine", true);
  const int held = ::open(folder.file(".chainrule-1-0-3").c_str(), O_WRONLY | O_CLOEXEC);
  ASSERT_EQ(::flock(held, LOCK_EX), 0);  // as one that still writes it
  save_file(folder.file("new"), "whole");
  ::close(held);
  EXPECT_EQ(folder.names(),
            (std::vector<std::string>{".chainrule-1-0-2", ".chainrule-1-0-3", "mine", "new"}));
}

TEST(OutputFile, gives_a_new_file_the_permissions_of_the_umask_and_keeps_those_of_an_old_one) {
  const TemporaryFolder folder;
  const mode_t before = umask(027);
  save_file(folder.file("new"), "");
  umask(before);
  EXPECT_EQ(permissions_of(folder.file("new")), 0640U);
  write_plainly(folder.file("old"), "old");
  chmod(folder.file("old").c_str(), 0604);
  save_file(folder.file("old"), "new");
  EXPECT_EQ(permissions_of(folder.file("old")), 0604U);
}

TEST(OutputFile, writes_where_links_lead_and_keeps_the_links) {
  const TemporaryFolder folder;
  const std::string inner = folder.file("inner");
  std::filesystem::create_directory(inner);
  write_plainly(inner + "/old", "old");
  std::filesystem::create_symlink("old", inner + "/link");
  std::filesystem::create_symlink("inner/link", folder.file("to_link"));
  std::filesystem::create_symlink("inner/missing", folder.file("dangling"));
  save_file(folder.file("to_link"), "new");
  save_file(folder.file("dangling"), "made");
  EXPECT_EQ(content_of(inner + "/old"), "new");
  EXPECT_EQ(content_of(inner + "/missing"), "made");
  for (const std::string& link : {folder.file("to_link"), folder.file("dangling"), inner + "/link"})
    EXPECT_TRUE(std::filesystem::is_symlink(link)) << link;
  EXPECT_EQ(folder.names(), (Names{"dangling", "inner", "to_link"}));
}

TEST(OutputFile, says_why_a_file_cannot_be_written) {
  const TemporaryFolder folder;
  const auto why = [&](const std::string& name) {
    const std::string path = folder.file(name),
                      start = path + ": it cannot be written: ", said = complaint(path);
    EXPECT_TRUE(said.starts_with(start)) << said;
    EXPECT_EQ(message_of<IoError>([&] { require_writable(path); }), said);
    return said.substr(std::min(start.size(), said.size()));
  };
  std::filesystem::create_symlink("loop", folder.file("loop"));
  std::filesystem::create_symlink("no/such/file", folder.file("nowhere"));
  EXPECT_EQ(why("loop"), "Too many levels of symbolic links");
  EXPECT_EQ(why("nowhere"), "No such file or directory");
  EXPECT_EQ(why("none/a"), "No such file or directory");
  EXPECT_EQ(why("."), "Is a directory");
  EXPECT_EQ(why("new/"), "Is a directory");
  EXPECT_EQ(why("loop/a"), "Too many levels of symbolic links");
  EXPECT_EQ(why(std::string(300, 'a')), "File name too long");
  EXPECT_EQ(folder.names(), (Names{"loop", "nowhere"}));
}

TEST(OutputFile, respects_that_a_file_or_its_folder_must_not_be_written) {
  const TemporaryFolder folder;
  write_plainly(folder.file("mine"), "old");
  chmod(folder.file("mine").c_str(), 0444);
  const bool is_root = geteuid() == 0;  // to whom permissions are nothing
  constexpr uid_t nobody = 65534;
  if (is_root && (chown(folder.path().c_str(), nobody, nobody) != 0 ||
                  chown(folder.file("mine").c_str(), nobody, nobody) != 0 || seteuid(nobody) != 0))
    GTEST_SKIP() << "cannot become another user";
  EXPECT_EQ(complaint(folder.file("mine")),
            folder.file("mine") + ": it cannot be written: Permission denied");
  chmod(folder.file("mine").c_str(), 0644);
  chmod(folder.path().c_str(), 0555);
  for (const char* name : {"mine", "new"})
    EXPECT_EQ(complaint(folder.file(name)), folder.file(name) + ": it cannot be written: Permission denied");
  chmod(folder.path().c_str(), 0755);
  if (is_root) {
    EXPECT_EQ(seteuid(0), 0);
  }
  EXPECT_EQ(content_of(folder.file("mine")), "old");
  EXPECT_EQ(folder.names(), Names{"mine"});
}

TEST(OutputFile, asking_whether_a_file_can_be_written_changes_nothing) {
  const TemporaryFolder folder;
  require_writable(folder.file("new"));
  EXPECT_EQ(folder.names(), Names{});
  write_plainly(folder.file("old"), "old");
  require_writable(folder.file("old"));
  EXPECT_EQ(content_of(folder.file("old")), "old");
}

TEST(OutputFile, writes_streams_directly_and_does_not_wait_for_a_reader) {
  const TemporaryFolder folder;
  const std::string path = folder.file("pipe");
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  EXPECT_EQ(complaint(path), path + ": it cannot be written: it is a pipe that nobody reads");
  const int reader = open(path.c_str(), O_RDONLY | O_NONBLOCK);
  require_writable(path);
  save_file(path, "through the pipe");
  char text[100];
  EXPECT_EQ(std::string_view(text, static_cast<std::size_t>(read(reader, text, sizeof text))),
            "through the pipe");
  ::close(reader);
  EXPECT_EQ(folder.names(), Names{"pipe"});

  save_file("/dev/null", "nothing");
  EXPECT_TRUE(std::filesystem::is_character_file("/dev/null"));
  if (!std::filesystem::exists("/dev/full")) return;
  EXPECT_EQ(complaint("/dev/full"), "/dev/full: it cannot be written: No space left on device");
}

TEST(OutputFile, goes_on_in_a_file_that_is_open_already) {
  const TemporaryFolder folder;
  const int descriptor = open(folder.file("log").c_str(), O_CREAT | O_WRONLY, 0600);
  ASSERT_EQ(write(descriptor, "before, ", 8), 8);
  save_file("/dev/fd/" + std::to_string(descriptor), "ours, ");
  ASSERT_EQ(write(descriptor, "after", 5), 5);
  ::close(descriptor);
  EXPECT_EQ(content_of(folder.file("log")), "before, ours, after");
}

TEST(OutputFile, takes_a_reader_that_goes_away_for_an_error) {
  const TemporaryFolder folder;
  const std::string path = folder.file("pipe");
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  std::atomic<bool> is_open = false;
  std::thread reader([&] {  // reads a little of what no pipe holds at once
    const int descriptor = open(path.c_str(), O_RDONLY | O_NONBLOCK);
    is_open = true;
    char text[100];
    while (read(descriptor, text, sizeof text) <= 0) usleep(100);
    ::close(descriptor);
  });
  while (!is_open) usleep(100);
  EXPECT_EQ(complaint(path, std::string(10'000'000, 'x')), path + ": it cannot be written: Broken pipe");
  reader.join();
}

TEST(OutputFile, takes_a_file_that_may_not_grow_for_an_error) {
  const TemporaryFolder folder;
  const std::string path = folder.file("a");
  write_plainly(path, "old");
  {
    const FileSizeLimit limit(1000);
    EXPECT_EQ(complaint(path, std::string(1001, 'x')), path + ": it cannot be written: File too large");
    EXPECT_EQ(complaint(folder.file("b"), std::string(10'000'000, 'x')),
              folder.file("b") + ": it cannot be written: File too large");
  }
  EXPECT_EQ(content_of(path), "old");
  EXPECT_EQ(folder.names(), Names{"a"});
  sigset_t pending;
  sigpending(&pending);
  EXPECT_EQ(sigismember(&pending, SIGXFSZ), 0);
}

TEST(OutputFile, leaves_the_old_file_on_a_full_disk) {
  const TemporaryFolder folder;
  if (mount("tmpfs", folder.path().c_str(), "tmpfs", 0, "size=64k") != 0)
    GTEST_SKIP() << "cannot mount a small file system here";
  const std::string path = folder.file("a"), old(30'000, 'o');
  save_file(path, old);
  EXPECT_EQ(complaint(path, std::string(100'000, 'x')),
            path + ": it cannot be written: No space left on device");
  EXPECT_EQ(content_of(path), old);
  EXPECT_EQ(folder.names(), Names{"a"});
  umount(folder.path().c_str());
}

TEST(OutputFile, is_the_old_or_the_new_one_whenever_the_program_is_killed) {
  const TemporaryFolder folder;
  const std::string path = folder.file("a");
  std::mt19937 random(1);
  const auto content = [](int i) {
    return std::string(1'000'000 + static_cast<std::size_t>(i), static_cast<char>('a' + i % 26));
  };
  save_file(path, content(0));
  int completed = 0, last = 0;
  const int kills = sanitized ? 30 : 250;  // where a fork takes half a second
  for (int i = 1; i <= kills; ++i) {
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      save_file(path, content(i));
      _exit(0);
    }
    usleep(std::uniform_int_distribution<useconds_t>(0, 4000)(random));
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    const std::string found = content_of(path);
    if (found == content(i)) {
      last = i;
      ++completed;
    }
    ASSERT_EQ(found, content(last)) << "the kill number " << i;
  }
  // Without a name until it is whole: only a kill between two system calls leaves something, where nearly all
  // others of those that did not complete would.
  EXPECT_LE(folder.names().size(), 20U) << completed << " were complete";
}

// ---- Every function of the library that writes ------------------------------------------------------------

struct Writer {
  const char* name;
  void (*write)(const std::string& path);
};

Tensor small_graph() { return sum(tanh(variable({1.0, 2.0}, "x"))); }

const Writer writers[] = {
    {"save_npy",
     [](const std::string& path) {
       save_npy(path, zeros({100, 100}));
     }},
    {"save_npz",
     [](const std::string& path) {
       save_npz(path, {{"w", zeros({100, 100})}, {"b", zeros({100})}});
     }},
    {"save_safetensors",
     [](const std::string& path) {
       save_safetensors(path, {{"w", zeros({100, 100})}});
     }},
    {"save_graph", [](const std::string& path) { save_graph(small_graph(), path); }},
    {"render_dot_svg", [](const std::string& path) { render_dot("digraph { a -> b }", "svg", path); }},
    {"render_dot_png", [](const std::string& path) { render_dot("digraph { a -> b }", "png", path); }},
    {"render_dot_pdf", [](const std::string& path) { render_dot("digraph { a -> b }", "pdf", path); }},
    {"save_report",
     [](const std::string& path) {
       Generator generator(1);
       const Tensor x = randn({6, 2}, generator);
       const Dataset data{x, tensor(std::vector{0, 1, 0, 1, 0, 1}), 2};
       save_report(path, {.title = "A title",
                          .facts = {},
                          .epochs = {{.loss = 1, .accuracy = 1, .test_loss = 1, .test_accuracy = 1}},
                          .network = Mlp({2, 2}, generator),
                          .train = data,
                          .test = data,
                          .scale = Standardizer(x),
                          .classes = {"a", "b"},
                          .inputs = {"x", "y"}});
     }},
};

class Writers : public ::testing::TestWithParam<Writer> {};

TEST_P(Writers, leave_the_old_file_when_the_new_one_cannot_be_written) {
  const TemporaryFolder folder;
  const std::string path = folder.file("file");
  write_plainly(path, "old");
  {
    const FileSizeLimit limit(100);
    EXPECT_EQ(message_of<IoError>([&] { GetParam().write(path); }),
              path + ": it cannot be written: File too large");
  }
  EXPECT_EQ(content_of(path), "old");
  EXPECT_EQ(folder.names(), Names{"file"});
  GetParam().write(path);
  EXPECT_GT(content_of(path).size(), 100U);
  EXPECT_EQ(folder.names(), Names{"file"});
}

INSTANTIATE_TEST_SUITE_P(All, Writers, ::testing::ValuesIn(writers),
                         [](const auto& each) { return std::string(each.param.name); });

}  // namespace
}  // namespace chainrule::test
