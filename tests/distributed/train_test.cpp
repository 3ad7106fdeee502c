// `chainrule train` where mpirun starts it several times: the model is that of one process, nothing is lost
// whatever ends a rank, and what cannot work is said once.

#include <gtest/gtest.h>
#include <signal.h>  // NOLINT(modernize-deprecated-headers): <csignal> need not have kill
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <thread>

#include "chainrule/io.h"
#include "distributed/launch.h"
#include "support.h"

namespace chainrule::distributed::test {
namespace {

using namespace chainrule::test;
using Milliseconds = std::chrono::milliseconds;

class TrainOnRanks : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path() / ("train_on_ranks_" + std::to_string(getpid()));
    std::filesystem::create_directories(folder_);
    setenv("ASAN_OPTIONS", "detect_leaks=0", 1);  // MPI has leaks of its own
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::string file(const std::string& name) const { return (folder_ / name).string(); }
  std::string content(const std::string& name) const {
    std::ifstream in(file(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  void write(const std::string& name, const std::string& text) const {
    std::filesystem::create_directories(std::filesystem::path(file(name)).parent_path());
    std::ofstream(file(name)) << text;
  }
  /// Is the model that one run has saved that of another, to rounding?
  void expect_close(const std::string& actual, const std::string& expected) const {
    const NamedTensors a = load_safetensors(file(actual)).tensors,
                       b = load_safetensors(file(expected)).tensors;
    ASSERT_EQ(a.size(), b.size());
    for (std::size_t i = 0; i < a.size(); ++i)
      EXPECT_TRUE(close(a[i].second, values(b[i].second), 5e-4)) << actual << ": " << b[i].first;
  }
  /// Each rank writes which process it is, and becomes the tool.
  std::string traced(const std::string& arguments) const {
    return "sh -c 'echo $$ > \"" + file("pid.") +
           "${OMPI_COMM_WORLD_RANK:-$PMI_RANK}\"; exec " CHAINRULE_TOOL " train " + arguments + "'";
  }
  /// Waits for a file, for a minute at most.
  std::string appeared(const std::string& name) const {
    for (int i = 0; i < 6000 && content(name).empty(); ++i) std::this_thread::sleep_for(Milliseconds(10));
    return content(name);
  }
  /// Sends a signal to a rank when it has run for so long.
  void send(int signal, int rank, Milliseconds after) const {
    const std::string name = "pid." + std::to_string(rank);
    const int process = std::atoi(appeared(name).c_str());
    std::this_thread::sleep_for(after);
    if (process > 0) kill(process, signal);
    std::filesystem::remove(file(name));
  }

 private:
  std::filesystem::path folder_;
};

const std::string train = CHAINRULE_TOOL " train ";
/// All that depends on more than a rank's own samples: masks, weights of classes, norms, a best epoch, and
/// batches that ranks have unequal parts of.
const std::string everything =
    "--epochs 3 --hidden 8,8 --batch 61 --dropout 0.2 --optim adam --clip 1 --class-weights balanced "
    "--label-smoothing 0.1 --validation 0.2 --seed 5 --plot ";

TEST_F(TrainOnRanks, gives_the_model_of_one_process_and_the_same_bits_each_time) {
  const Ended alone = ended(train + everything + "--save " + file("alone"));
  ASSERT_EQ(alone.status, 0) << alone.said;
  for (const int ranks : {2, 4}) {
    const Ended all = ended(on_ranks(ranks) + train + everything + "--save " + file("together"));
    ASSERT_EQ(all.status, 0) << all.said;
    EXPECT_EQ(count(all.said, "test accuracy"), 1U) << all.said;
    EXPECT_EQ(count(all.said, "epoch 2/3"), 1U) << all.said;
    expect_close("together", "alone");
  }
  const std::string first = content("together");
  ASSERT_EQ(ended(on_ranks(4) + train + everything + "--save " + file("together")).status, 0);
  EXPECT_EQ(content("together") == first, true);
}

TEST_F(TrainOnRanks, takes_numbers_and_batches_of_fewer_samples_than_ranks) {
  std::string table = "x,y\n";
  for (int i = 0; i < 40; ++i) table += std::to_string(i) + "," + std::to_string(0.5 * i * i) + "\n";
  write("squares.csv", table);
  const std::string command =
      train + file("squares.csv") + " --task regression --epochs 2 --hidden 4 --batch 3 --save ";
  ASSERT_EQ(ended(command + file("alone")).status, 0);
  const Ended all = ended(on_ranks(4) + command + file("together"));
  ASSERT_EQ(all.status, 0) << all.said;
  expect_close("together", "alone");
  const Ended parts =
      ended(on_ranks(2) + train + file("squares.csv") + " --task regression --epochs 2 --cv 2");
  EXPECT_EQ(parts.status, 0) << parts.said;
  EXPECT_EQ(count(parts.said, "part 2 of 2"), 1U) << parts.said;
}

TEST_F(TrainOnRanks, is_stopped_by_a_signal_and_goes_on_with_other_ranks) {
  const std::string run = "--epochs 300 --hidden 8 --batch 100 --save ";
  ASSERT_EQ(ended(train + run + file("whole")).status, 0);
  const Ended stopped =
      ended(on_ranks(2) + traced(run + file("model") + " --checkpoint " + file("kept")), [&] {
        appeared("kept/checkpoint.safetensors");
        send(SIGTERM, 1, Milliseconds(20));
      });
  EXPECT_NE(stopped.status, 0);
  EXPECT_EQ(count(stopped.said, "chainrule train: stopped in epoch"), 1U) << stopped.said;
  EXPECT_EQ(count(stopped.said, "go on with chainrule train --resume " + file("kept")), 1U) << stopped.said;
  const Ended rest = ended(on_ranks(3) + train + "--resume " + file("kept"));
  EXPECT_EQ(rest.status, 0) << rest.said;
  expect_close("model", "whole");
}

TEST_F(TrainOnRanks, loses_nothing_when_ranks_are_killed_at_random_moments) {
  const std::string run = "--epochs 30 --hidden 8,8 --batch 50 --dropout 0.1 --optim adam --every 30 --save ";
  const Ended whole =
      ended(on_ranks(2) + train + run + file("whole") + " --checkpoint " + file("whole_kept"));
  ASSERT_EQ(whole.status, 0) << whole.said;
  const unsigned seed = std::random_device()();
  std::mt19937 random(seed);
  const char* const asked = std::getenv("CHAINRULE_TEST_KILLS");  // 30, in tools/test.sh long
  const int kills = asked != nullptr ? std::atoi(asked)
                    : sanitized      ? 1
                                     : 4,
            most = static_cast<int>(1000 * whole.seconds) + 1;
  for (int killed = 0, tries = 0; killed < kills && tries < 4 * kills; ++tries) {
    SCOPED_TRACE("seed " + std::to_string(seed) + ", kill " + std::to_string(killed));
    const int victim = static_cast<int>(random() % 2);
    const Milliseconds after(random() % static_cast<unsigned>(most));
    const bool begun = std::filesystem::exists(file("kept/checkpoint.safetensors"));
    const Ended end =
        ended(on_ranks(2) + traced(begun ? "--resume " + file("kept")
                                         : run + file("model") + " --checkpoint " + file("kept")),
              [&] { send(SIGKILL, victim, after); });
    if (end.status == 0) {  // it was over before
      EXPECT_TRUE(content("model") == content("whole"));
      std::filesystem::remove_all(file("kept"));
      continue;
    }
    ++killed;
    EXPECT_LE(count(end.said, "process rank"), 1U) << end.said;
    EXPECT_EQ(count(end.said, ended_by_signal(victim)), 1U) << end.said;
    EXPECT_LT(end.seconds, whole.seconds * 3 + (sanitized ? 60 : 20));
  }
  const bool begun = std::filesystem::exists(file("kept/checkpoint.safetensors"));
  const Ended rest =
      ended(on_ranks(2) + train +
            (begun ? "--resume " + file("kept") : run + file("model") + " --checkpoint " + file("kept")));
  EXPECT_EQ(rest.status, 0) << "seed " << seed << ": " << rest.said;
  EXPECT_TRUE(content("model") == content("whole")) << "seed " << seed;
}

TEST_F(TrainOnRanks, finds_data_and_options_that_differ_at_the_start) {
  std::string table = "x,y\n";
  for (int i = 0; i < 20; ++i) table += std::to_string(i) + "," + (i % 3 == 0 ? "a" : "b") + "\n";
  write("0/table.csv", table);
  write("1/table.csv", table + "20,a\n");
  const auto both = [&](const std::string& first, const std::string& second) {
    return ended(CHAINRULE_MPIRUN " -np 1 -wdir " + file("0") + " " + train + first + " : -np 1 -wdir " +
                 file("1") + " " + train + second);
  };
  const auto expect = [](const Ended& end, const std::string& message) {
    EXPECT_NE(end.status, 0);
    EXPECT_EQ(count(end.said, message), 1U) << end.said;
    EXPECT_LT(end.seconds, sanitized ? 60 : 20);
  };
  expect(both("table.csv", "table.csv"),
         "chainrule train: what is read of table.csv differs: rank 1 has something else than rank 0");
  expect(both("--epochs 1", "--epochs 2"), "chainrule train: the command differs: rank 1 has");
  std::filesystem::remove(file("1/table.csv"));
  expect(both("table.csv", "table.csv"), "chainrule train: rank 1: ");
}

TEST_F(TrainOnRanks, says_once_what_cannot_be_done) {
  const auto expect = [](const std::string& command, const std::string& message, int status) {
    const Ended end = ended(command);
    EXPECT_EQ(end.status, status * 256) << end.said;
    EXPECT_EQ(count(end.said, message), 1U) << end.said;
  };
  expect(on_ranks(2) + train + "no.csv", "chainrule train: no.csv", 1);
  expect(on_ranks(2) + train + "--epochs -1", "chainrule train: --epochs", 2);
  expect(on_ranks(2) + train + "-", "DATA -: standard input goes to one of 2 ranks; give a file", 2);
  expect(on_ranks(2) + train + "--resume " + file("none"), "chainrule train: --resume", 1);
  // Without the program that is linked with MPI.
  std::filesystem::copy_file(CHAINRULE_TOOL, file("chainrule"));
  const std::string copy = file("chainrule") + " train --epochs 1";
  expect("OMPI_COMM_WORLD_SIZE=2 OMPI_COMM_WORLD_RANK=0 " + copy,
         "chainrule train: mpirun has started this 2 times, and there is no " + file("chainrule_ranks"), 2);
  EXPECT_EQ(ended("PMI_SIZE=2 PMI_RANK=1 " + copy).said, "");
}

}  // namespace
}  // namespace chainrule::distributed::test
