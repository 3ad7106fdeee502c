// The state of a training run between epochs, and files of it.
// What must be the same to go on is the fingerprint.

#pragma once

#include <set>
#include <string>
#include <vector>

#include "chainrule/named_tensors.h"
#include "chainrule/report.h"
#include "ranks.h"
#include "train_data.h"
#include "train_options.h"

namespace chainrule::cli {

/// How a network has learned.
struct Learned {
  std::vector<TrainingEpoch> epochs;      ///< their test numbers only if somebody wants them
  std::vector<double> validation_losses;  ///< after each epoch; none without validation samples
  std::int64_t best_epoch = 0;  ///< whose parameters were kept: the last one without validation samples
  double seconds = 0;           ///< spent on learning alone
};

/// All that the rest of a training run depends on, beside data and options. Random numbers are not among it:
/// each epoch and batch draws its own, from the seed and its place.
struct TrainingState {
  std::int64_t epoch = 1, batch = 0;  ///< the present epoch, from 1, and how many of its batches are done
  double loss = 0, accuracy = 0;      ///< the means over those
  Learned learned;                    ///< of the epochs before
  std::int64_t best_epoch = 0;        ///< with the least validation loss; 0: none yet
  double best_loss = 0;               ///< that one
  NamedTensors network, best, optimizer, scheduler;  ///< `best` is empty without a best epoch
};

/// What a folder keeps of a run.
struct Checkpoint {
  TrainOptions options;  ///< completed
  std::string data;      ///< fingerprint() of what it learns from
  TrainingState state;
};

/// Of samples and what they mean: other data have another one, but for a chance of 2⁻⁶⁴.
std::string fingerprint(const TrainingData& data);
/// Of all options but the names of files to learn from: what ranks must have in common.
std::string fingerprint(const TrainOptions& options);

/// The file in a folder of checkpoints.
std::string checkpoint_file(const std::string& folder);
/// Makes it, if it is not there. IoError where it cannot be made.
void make_folder(const std::string& folder);
/// Keeps other runs out of a folder of checkpoints, where the file system has locks, until this or the
/// process ends. IoError where another one is in it.
class FolderLock {
 public:
  explicit FolderLock(const std::string& folder);
  ~FolderLock();
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  int descriptor_;
};
/// CommandError where the folder has a checkpoint, which is another run's.
void require_no_checkpoint(const std::string& folder);
/// Writes the file whole or not at all, as save_file does. IoError says what is left.
void save_checkpoint(const std::string& folder, const Checkpoint& checkpoint);
/// On all ranks that of the first. An error that names the file and what is wrong with it.
Checkpoint load_checkpoint(const std::string& folder, const Ranks& ranks);

/// Takes over from a checkpoint what the command line has not given. CommandError that names all that it has
/// given otherwise, and the run depends on.
void take_over(TrainOptions& options, const TrainOptions& saved, const std::set<std::string>& given);

}  // namespace chainrule::cli
