// That `chainrule train` loses nothing: checkpoints, going on after a kill, a signal, a full disk or numbers
// that are no longer finite.

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>

#include "chainrule/io.h"
#include "cli/signals.h"
#include "support.h"

namespace chainrule::test {
namespace {

using Arguments = std::vector<std::string>;

Arguments operator+(Arguments first, const Arguments& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

ToolResult train(const Arguments& arguments) { return run_command("train", arguments); }

/// Threads of the tools that are started while this lives.
class ToolThreads {
 public:
  explicit ToolThreads(int count) {
    if (const char* before = std::getenv("OMP_NUM_THREADS")) before_ = before;
    setenv("OMP_NUM_THREADS", std::to_string(count).c_str(), 1);
  }
  ~ToolThreads() {
    if (before_.empty())
      unsetenv("OMP_NUM_THREADS");
    else
      setenv("OMP_NUM_THREADS", before_.c_str(), 1);
  }
  ToolThreads(const ToolThreads&) = delete;
  ToolThreads& operator=(const ToolThreads&) = delete;

 private:
  std::string before_;
};

/// A run in which everything has a state: random masks, momentum, a schedule, a best epoch.
const Arguments run = {"--epochs", "6",   "--hidden",   "8,8",  "--dropout",  "0.2",
                       "--seed",   "5",   "--optim",    "adam", "--clip",     "1",
                       "--batch",  "100", "--patience", "3",    "--schedule", "one-cycle"};

class Checkpoints : public ::testing::Test {
 protected:
  void SetUp() override {
    reference_ = train(run + Arguments{"--save", folder_.file("whole")});
    ASSERT_EQ(reference_.exit_code, 0) << reference_.errors;
    expected_ = content_of(folder_.file("whole"));
  }
  Arguments begin() const { return run + Arguments{"--save", model_, "--checkpoint", kept_, "--every", "3"}; }
  std::string checkpoint() const { return kept_ + "/checkpoint.safetensors"; }

  const TemporaryFolder folder_;
  const std::string kept_ = folder_.file("kept"), model_ = folder_.file("model");
  ToolResult reference_;
  std::string expected_;
};

TEST_F(Checkpoints, change_nothing_and_go_on_after_the_end) {
  EXPECT_EQ(train(begin()).exit_code, 0);
  EXPECT_EQ(content_of(model_), expected_);
  std::filesystem::remove(model_);
  const ToolResult again = train({"--resume", kept_});  // with --save and all the rest from there
  EXPECT_EQ(again.output.substr(0, again.output.find('\n')),
            reference_.output.substr(0, reference_.output.find('\n')));
  EXPECT_EQ(content_of(model_), expected_);
  EXPECT_TRUE(mentions(train(begin()).errors, {"there is one of another run", "--resume " + kept_}));
}

TEST_F(Checkpoints, go_on_to_the_same_bits_after_kills_at_random_moments) {
  const std::uint64_t number = seed();
  RecordProperty("seed", std::to_string(number));
  std::printf("kills at random moments, seed %llu\n", static_cast<unsigned long long>(number));
  Engine engine(number);
  const auto start = std::chrono::steady_clock::now();
  ASSERT_EQ(train(begin()).exit_code, 0);
  const double whole =
      std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - start).count();
  const int kills = sanitized ? 5 : 500;
  int finished = 0;
  std::filesystem::remove_all(kept_);
  std::filesystem::remove(model_);
  for (int i = 0; i < kills; ++i) {
    const ToolThreads threads(1 + i % 3);
    const bool begun = std::filesystem::exists(checkpoint());
    run_tool_and_kill(Arguments{"train"} + (begun ? Arguments{"--resume", kept_} : begin()),
                      static_cast<std::int64_t>(uniform(engine, 0, 1.1 * whole)));
    if (!std::filesystem::exists(model_)) continue;
    ASSERT_EQ(content_of(model_), expected_) << "kill " << i;
    ++finished;
    std::filesystem::remove_all(kept_);
    std::filesystem::remove(model_);
  }
  const bool begun = std::filesystem::exists(checkpoint());
  const ToolResult last = train(begun ? Arguments{"--resume", kept_} : begin());
  EXPECT_EQ(last.exit_code, 0) << last.errors;
  EXPECT_EQ(content_of(model_), expected_) << finished << " finished before";
}

TEST_F(Checkpoints, refuse_other_options_and_other_data_by_name) {
  std::string text = "x,y\n";
  for (int i = 0; i < 40; ++i) text += std::to_string(i * 7 % 11) + ".5," + std::to_string(i % 2) + "\n";
  const TemporaryFile data(text), same(text), other(text + "1,1\n");
  const Arguments start = {data.path(), "--epochs", "2", "--checkpoint", kept_};
  ASSERT_EQ(train(start).exit_code, 0);
  const ToolResult options =
      train({"--resume", kept_, "--epochs", "3", "--hidden", "4", "--momentum", "0.9"});
  EXPECT_EQ(options.exit_code, 2);
  EXPECT_TRUE(mentions(options.errors, {"another run", "--epochs is 2 there and 3 here",
                                        "--hidden is \"64,64\" there and \"4\" here", "begin anew"}));
  EXPECT_EQ(options.errors.find("--momentum"), std::string::npos);
  const ToolResult wrong = train({other.path(), "--resume", kept_});
  EXPECT_EQ(wrong.exit_code, 2);
  EXPECT_TRUE(mentions(wrong.errors, {"other data", other.path()}));
  EXPECT_EQ(train({same.path(), "--resume", kept_, "--epochs", "2"}).exit_code, 0);
  EXPECT_EQ(train({"--every", "3"}).exit_code, 2);
  EXPECT_TRUE(mentions(train({"--resume", folder_.path()}).errors, {folder_.path() + "/checkpoint", "no"}));
  std::string bytes = content_of(checkpoint());
  bytes.back() ^= 1;  // of a number that may as well be another one
  save_file(checkpoint(), bytes);
  EXPECT_TRUE(mentions(train({"--resume", kept_}).errors, {checkpoint() + ": it is damaged: its checksum"}));
  save_file(checkpoint(), content_of(checkpoint()).substr(0, 500));
  EXPECT_TRUE(mentions(train({"--resume", kept_}).errors, {checkpoint()}));
  save_safetensors(checkpoint(), {}, {{"chainrule.training", "{\"version\":1}"}});
  EXPECT_TRUE(mentions(train({"--resume", kept_}).errors, {checkpoint(), "version 1", "knows 2"}));
  save_safetensors(checkpoint(), {}, {{"chainrule.training", "{\"version\":2}"}});
  EXPECT_TRUE(mentions(train({"--resume", kept_}).errors, {checkpoint() + ": ", "damaged: key"}));
  save_safetensors(checkpoint(), {{"x", zeros({2})}});
  EXPECT_TRUE(mentions(train({"--resume", kept_}).errors, {checkpoint(), "no checkpoint of"}));
}

TEST_F(Checkpoints, stay_as_they_were_when_the_disk_is_full) {
  run_tool_and_signal(Arguments{"train", "--epochs", "1000000", "--save", model_, "--checkpoint", kept_},
                      SIGINT, sanitized ? 3'000'000 : 500'000);
  const std::string before = content_of(checkpoint());
  ASSERT_NE(before, "");
  {
    const FileSizeLimit limit(1000);
    const ToolResult result = train({"--resume", kept_});
    EXPECT_EQ(result.exit_code, 1);
    EXPECT_TRUE(mentions(result.errors, {checkpoint() + ": it cannot be written: File too large",
                                         "the last checkpoint is still there", "--resume " + kept_}));
  }
  EXPECT_EQ(content_of(checkpoint()), before);
  EXPECT_EQ(std::filesystem::exists(model_), false);
}

TEST_F(Checkpoints, stay_as_they_were_in_a_folder_that_must_not_be_written) {
  ASSERT_EQ(train(begin()).exit_code, 0);
  const std::string before = content_of(checkpoint());
  const bool is_root = geteuid() == 0;  // to whom permissions are nothing
  constexpr uid_t nobody = 65534;
  chmod(kept_.c_str(), 0555);
  chmod(folder_.path().c_str(), 0755);
  if (is_root && seteuid(nobody) != 0) GTEST_SKIP() << "cannot become another user";
  const ToolResult result = train({"--resume", kept_});
  if (is_root) {
    EXPECT_EQ(seteuid(0), 0);
  }
  chmod(kept_.c_str(), 0000);  // nobody may even look whether there is one
  if (is_root) {
    EXPECT_EQ(seteuid(nobody), 0);
  }
  const ToolResult resumed = train({"--resume", kept_}), begun = train({"--checkpoint", kept_});
  if (is_root) {
    EXPECT_EQ(seteuid(0), 0);
  }
  chmod(kept_.c_str(), 0755);
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_TRUE(mentions(result.errors, {": it cannot be written: Permission denied"}));
  EXPECT_TRUE(mentions(resumed.errors, {checkpoint() + ": it cannot be read: Permission denied"}));
  EXPECT_TRUE(mentions(begun.errors, {checkpoint() + ": it cannot be written: Permission denied"}));
  EXPECT_EQ(content_of(checkpoint()), before);
}

TEST_F(Checkpoints, are_of_one_run_at_a_time) {
  ASSERT_EQ(train(begin()).exit_code, 0);
  const int other = ::open(kept_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  ASSERT_EQ(::flock(other, LOCK_EX | LOCK_NB), 0);
  for (const char* option : {"--resume", "--checkpoint"}) {
    const ToolResult result = train({option, kept_});
    EXPECT_EQ(result.exit_code, 1);
    EXPECT_TRUE(mentions(result.errors, {kept_ + ": another process is keeping its training there"}));
  }
  ::close(other);
  EXPECT_EQ(train({"--resume", kept_}).exit_code, 0);
}

TEST_F(Checkpoints, are_written_when_a_signal_asks_to_stop) {
  const std::int64_t soon = sanitized ? 3'000'000 : 500'000;
  const Arguments long_run = {"train", "--epochs", "1000000", "--hidden", "4"};
  const ToolResult plain = run_tool_and_signal(long_run, SIGINT, soon);
  EXPECT_EQ(plain.exit_code, 130) << plain.errors;
  EXPECT_TRUE(
      mentions(plain.errors, {"stopped in epoch ", "nothing is kept without --save or --checkpoint"}));

  const ToolResult saving = run_tool_and_signal(long_run + Arguments{"--save", model_}, SIGTERM, soon);
  EXPECT_EQ(saving.exit_code, 143) << saving.errors;
  EXPECT_TRUE(mentions(saving.errors, {"go on with chainrule train --resume " + model_ + ".checkpoint"}));
  const ToolResult on = run_tool_and_signal({"train", "--resume", model_ + ".checkpoint"}, SIGINT, soon);
  EXPECT_EQ(on.exit_code, 130) << on.errors;
  const auto epoch = [](const ToolResult& result) {
    return std::stoi(result.errors.substr(result.errors.find("stopped in epoch ") + 17));
  };
  EXPECT_GT(epoch(on), epoch(saving));
  EXPECT_FALSE(std::filesystem::exists(model_));
}

TEST_F(Checkpoints, keep_the_last_good_state_when_numbers_are_no_longer_finite) {
  const ToolResult result = train({"--lr", "1e6", "--epochs", "5", "--checkpoint", kept_, "--every", "1"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_EQ(result.output, "");
  EXPECT_TRUE(mentions(result.errors, {"training diverged in epoch 1, batch ", "(step ",
                                       "in the batch before", "lower --lr (it is 1000000)", "--clip 1",
                                       checkpoint() + " keeps the state of epoch 1, batch "}));
  for (const auto& [name, tensor] : load_safetensors(checkpoint()).tensors)
    EXPECT_TRUE(all(cast(tensor, DType::float64) - cast(tensor, DType::float64) == 0.0).item<bool>()) << name;
}

}  // namespace
}  // namespace chainrule::test
