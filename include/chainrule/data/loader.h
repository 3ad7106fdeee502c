/// \file
/// Batches for training, prepared by threads ahead of their use, of data in memory or of any size. Relies on
/// data.h for samples in memory, and on encoder.h for rows of tables. Batches are the same for any number of
/// threads.

#pragma once

#include <functional>
#include <memory>
#include <string>

#include "chainrule/data.h"
#include "chainrule/data/encoder.h"

namespace CHAINRULE_API chainrule {

/// The next samples of a source, at most so many; none at its end.
using SampleReader = std::function<Dataset(std::int64_t most)>;
/// Samples that are read from their beginning whenever it is called: data larger than memory. Any function
/// will do; it is called once for each epoch, and what it gives by one thread at a time.
using SampleStream = std::function<SampleReader()>;

/// The rows of a table that have a target, see TableStream, as the encoder makes them inputs and targets.
[[nodiscard]] SampleStream stream_table(const std::string& path, TableEncoder encoder,
                                        const TableOptions& options = {});
/// The rows of two arrays saved by NumPy, x (n, ...) and y (n,), read by memory map: element types as in
/// load_npy, in C order. IoError, when a reader is made, for files that are damaged or do not fit each other.
///
/// Floats and int64 in a file of safetensors need no stream: load_safetensors reads from the disk what is
/// used, so that a DataLoader of such a Dataset has a perfect order of files of any size.
[[nodiscard]] SampleStream stream_npy(const std::string& x_path, const std::string& y_path,
                                      std::int64_t classes = 0);

/// How a DataLoader makes batches.
struct LoaderOptions {
  /// How many samples are in each but the last one.
  std::int64_t batch_size = 32;
  /// In a new random order in each epoch, or as they come?
  bool shuffle = true;
  std::uint64_t seed = 0;       ///< of the order, and of what `prepare` draws
  bool drop_last = false;       ///< leaves out a last batch that is smaller
  std::int64_t window = 10000;  ///< of a stream: each sample is drawn from among so many that were read
  int threads = 1;              ///< that prepare batches; 0: they are prepared when they are asked for
  int ahead = 4;                ///< so many batches may be ready before their use
  /// What is done to each batch, as augmentation. It is called in several threads, each time with a generator
  /// of its own.
  std::function<Dataset(Dataset batch, Generator& generator)> prepare = {};
  /// std::invalid_argument that names the option and what is allowed.
  void check() const;
};

/// The samples in a new order in each epoch, batch by batch:
///
///     const DataLoader loader(data, {.batch_size = 64, .seed = 1, .threads = 2});
///     for (std::int64_t epoch = 0; epoch < 10; ++epoch)
///       for (const Dataset& batch : loader.epoch(epoch)) ...
///
/// What is in an epoch follows from the seed and its number alone: it is the same for any number of threads,
/// and when training goes on with that epoch in another process. A stream is shuffled in a window that moves
/// over it, so that memory holds no more than the window and the batches ahead.
///
/// Threads: any number may take epochs of one loader, if its stream may be opened several times. An epoch is
/// used by one at a time.
class DataLoader {
 public:
  /// Keeps a handle to the data. ShapeError unless each sample has a target.
  explicit DataLoader(Dataset data, LoaderOptions options = {});
  explicit DataLoader(SampleStream stream, LoaderOptions options = {});

  /// The batches of one epoch, to be gone through once. Its threads start here, and end with it, also where
  /// it is not gone through to the end.
  class Epoch {
   public:
    Epoch(Epoch&&) noexcept;
    Epoch& operator=(Epoch&&) noexcept;
    ~Epoch();

    struct End {};
    /// Goes from batch to batch.
    class Iterator {
     public:
      using value_type = Dataset;
      using difference_type = std::ptrdiff_t;
      const Dataset& operator*() const { return batch_; }
      const Dataset* operator->() const { return &batch_; }
      Iterator& operator++() {
        batch_ = epoch_->next();
        return *this;
      }
      void operator++(int) { ++*this; }
      bool operator==(End) const { return batch_.x.is_empty(); }

     private:
      friend class Epoch;
      explicit Iterator(Epoch& epoch) : epoch_(&epoch), batch_(epoch.next()) {}
      Epoch* epoch_;
      Dataset batch_;
    };
    Iterator begin() { return Iterator(*this); }
    End end() const { return {}; }

    /// The next batch, an empty x after the last one. What reading or `prepare` has thrown for it arrives
    /// here.
    Dataset next();

   private:
    friend class DataLoader;
    class Work;
    explicit Epoch(std::unique_ptr<Work> work);
    std::unique_ptr<Work> work_;
  };
  /// The batches of the epoch with this number.
  [[nodiscard]] Epoch epoch(std::int64_t number) const;

 private:
  Dataset data_;
  SampleStream stream_;
  LoaderOptions options_;
};

}  // namespace chainrule
