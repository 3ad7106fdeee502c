// Batches of an epoch, and the threads that prepare them. A batch is made by one thread from its own seed, so
// that their number changes nothing but the time.

#include "chainrule/data/loader.h"

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <map>
#include <mutex>
#include <thread>

#include "chainrule/autograd.h"
#include "chainrule/detail/seeds.h"
#include "data/pairs.h"
#include "data/window.h"
#include "io/elements.h"

namespace chainrule {

void LoaderOptions::check() const {
  const auto require = [](bool holds, const std::string& what) {
    if (!holds) throw std::invalid_argument("DataLoader: " + what);
  };
  require(batch_size > 0, "batch_size is " + std::to_string(batch_size) + "; it must be positive");
  require(window > 0, "window is " + std::to_string(window) + "; it must be positive");
  require(threads >= 0, "threads is " + std::to_string(threads) + "; it must not be negative");
  require(ahead > 0, "ahead is " + std::to_string(ahead) + "; it must be positive");
}

DataLoader::DataLoader(Dataset data, LoaderOptions options)
    : data_(std::move(data)), options_(std::move(options)) {
  options_.check();
  require_pairs("DataLoader", data_, true);
}

DataLoader::DataLoader(SampleStream stream, LoaderOptions options)
    : stream_(std::move(stream)), options_(std::move(options)) {
  options_.check();
}

namespace {

/// The batches of data in memory.
std::function<Dataset()> batches_of(const Dataset& data, const LoaderOptions& options, std::uint64_t seed) {
  Generator generator(seed);
  const Tensor order = options.shuffle ? randperm(data.size(), generator) : arange(0, data.size());
  return [data, order, size = options.batch_size, first = std::int64_t{0}]() mutable -> Dataset {
    const std::int64_t count = std::min(size, data.size() - first);
    if (count <= 0) return {};
    const auto positions =
        order.data<std::int64_t>().subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(count));
    first += count;
    return take_rows(data, positions);
  };
}

/// Those of a stream in its order. A reader may give less than it is asked for.
std::function<Dataset()> batches_in_order(SampleReader reader, std::int64_t size) {
  return [reader = std::move(reader), size]() -> Dataset {
    Dataset batch;
    while (batch.x.is_empty() || batch.size() < size) {
      const Dataset more = reader(batch.x.is_empty() ? size : size - batch.size());
      if (more.x.is_empty() || more.size() == 0) break;
      batch = batch.x.is_empty()
                  ? more
                  : Dataset{concatenate({batch.x, more.x}), concatenate({batch.y, more.y}), more.classes};
    }
    return batch;
  };
}

/// Elements that wait to be computed are computed here, and not by whoever reads them.
void compute(const Dataset& batch) {
  bytes_of(batch.x);
  bytes_of(batch.y);
}

}  // namespace

class DataLoader::Epoch::Work {
 public:
  Work(std::function<Dataset()> read, LoaderOptions options, std::uint64_t seed)
      : read_(std::move(read)), options_(std::move(options)), seed_(seed) {
    try {
      for (int i = 0; i < options_.threads; ++i) threads_.emplace_back([this] { prepare_all(); });
    } catch (...) {  // no further thread: those that there are must end before this goes
      stop();
      throw;
    }
  }
  ~Work() { stop(); }
  Work(const Work&) = delete;
  Work& operator=(const Work&) = delete;

  Dataset next() {
    if (is_over_) return {};
    if (options_.threads == 0) {
      is_over_ = true;  // if this throws
      const std::int64_t number = claimed_;
      return given(prepared(number, read_one()));
    }
    std::unique_lock lock(mutex_);
    ready_.wait(lock, [&] { return results_.contains(given_); });
    const auto result = std::move(results_.extract(given_).mapped());
    ++given_;
    room_.notify_one();
    lock.unlock();
    if (result.error) {
      is_over_ = true;
      std::rethrow_exception(result.error);
    }
    return given(result.batch);
  }

 private:
  struct Result {
    Dataset batch;  // empty at the end
    std::exception_ptr error;
  };

  Dataset given(Dataset batch) {
    is_over_ = batch.x.is_empty();
    return batch;
  }
  Dataset read_one() {
    ++claimed_;
    Dataset raw = read_();
    if (raw.x.is_empty() || raw.size() == 0 || (options_.drop_last && raw.size() < options_.batch_size))
      return {};
    return raw;
  }
  Dataset prepared(std::int64_t number, Dataset raw) const {
    if (raw.x.is_empty()) return raw;
    if (options_.prepare) {
      Generator generator(detail::seed_at(seed_, 1 + number));
      raw = options_.prepare(std::move(raw), generator);
      if (raw.x.is_empty())
        throw std::invalid_argument("DataLoader: prepare gave no x for batch " + std::to_string(number));
    }
    compute(raw);
    return raw;
  }

  /// What each thread does: reads the next batch while no other reads, and then prepares it beside them.
  void prepare_all() {
    const NoGrad guard;
    while (true) {
      std::int64_t number = 0;
      Result result;
      {
        const std::lock_guard reading(reading_);
        {
          std::unique_lock lock(mutex_);
          room_.wait(lock, [&] { return is_stopped_ || claimed_ < given_ + options_.ahead; });
          if (is_stopped_ || is_read_) return;
        }
        number = claimed_;
        try {
          result.batch = read_one();
        } catch (...) {
          result.error = std::current_exception();
        }
        is_read_ = result.error || result.batch.x.is_empty();
      }
      try {
        if (!result.error) result.batch = prepared(number, std::move(result.batch));
      } catch (...) {
        result.error = std::current_exception();
      }
      const std::lock_guard lock(mutex_);
      results_.emplace(number, std::move(result));
      ready_.notify_one();
    }
  }

  void stop() {
    {
      const std::lock_guard lock(mutex_);
      is_stopped_ = true;
    }
    room_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }

  std::function<Dataset()> read_;
  LoaderOptions options_;
  std::uint64_t seed_;
  std::vector<std::thread> threads_;

  std::mutex reading_;        // is held by the thread that reads
  std::int64_t claimed_ = 0;  // batches that were read, or are being; changed under reading_
  bool is_read_ = false;      // to the end; under reading_
  std::mutex mutex_;          // of what follows
  std::condition_variable ready_, room_;
  std::map<std::int64_t, Result> results_;
  std::int64_t given_ = 0;
  bool is_stopped_ = false;
  bool is_over_ = false;  // of the thread that uses the epoch alone
};

DataLoader::Epoch::Epoch(std::unique_ptr<Work> work) : work_(std::move(work)) {}
DataLoader::Epoch::Epoch(Epoch&&) noexcept = default;
DataLoader::Epoch& DataLoader::Epoch::operator=(Epoch&&) noexcept = default;
DataLoader::Epoch::~Epoch() = default;
Dataset DataLoader::Epoch::next() { return work_->next(); }

DataLoader::Epoch DataLoader::epoch(std::int64_t number) const {
  const std::uint64_t seed = detail::seed_at(options_.seed, number), order = detail::seed_at(seed, 0);
  std::function<Dataset()> read;
  if (!stream_) {
    read = batches_of(data_, options_, order);
  } else if (options_.shuffle) {
    // std::function holds what can be copied.
    const auto window =
        std::make_shared<Window>(stream_(), std::max(options_.window, options_.batch_size), order);
    read = [window, size = options_.batch_size] { return window->draw(size); };
  } else {
    read = batches_in_order(stream_(), options_.batch_size);
  }
  return Epoch(std::make_unique<Epoch::Work>(std::move(read), options_, seed));
}

}  // namespace chainrule
