// Gradients in a row, sent together while the backward pass goes on: few large messages instead of many small
// ones. Relies on summation.h for what is sent.

#pragma once

#include <cstddef>
#include <memory>
#include <unordered_map>
#include <vector>

#include "chainrule/distributed/data_parallel.h"
#include "distributed/summation.h"

namespace chainrule::distributed {

/// Gradients in a row, which are sent together. Behind them is, for each, whether there is one: 1 or 0.
struct Bucket {
  struct Part {
    std::int64_t parameter, begin, size;
  };
  Bucket(Transport& transport, DType dtype, std::vector<Part> of, std::int64_t elements);
  std::byte* at(std::byte* row, std::int64_t element) const {
    return row + static_cast<std::size_t>(element) * item_size(dtype);
  }
  DType dtype;
  std::vector<Part> parts;
  std::int64_t elements;  // without the marks
  std::unique_ptr<std::byte[]> own, mean;
  Summation summation;
  std::size_t missing = 0;  // gradients of the present pass
};

/// All gradients in buckets, in the order in which they are sent.
class DataParallel::Buckets {
 public:
  Buckets(Transport& transport, const std::vector<Parameter>& parameters,
          const std::vector<std::int64_t>& order, std::int64_t bytes);
  struct Where {
    std::size_t bucket, part;
  };
  std::vector<std::unique_ptr<Bucket>> buckets;
  std::vector<Where> where;  // by parameter
};

/// One backward pass with its communication.
class DataParallel::Pass {
 public:
  Pass(Transport& transport, Buckets& buckets, const std::vector<Parameter>& parameters);
  /// Where it has not been finished, an exception is on its way.
  ~Pass();
  Pass(const Pass&) = delete;
  Pass& operator=(const Pass&) = delete;

  /// A leaf has its gradient.
  void complete(const Tensor& leaf);
  /// Sends what is left, waits, and puts the means in place.
  void finish();
  /// The parameters in the order in which their gradients were completed, then the others.
  std::vector<std::int64_t> completed() const;
  /// Of all buckets, in seconds.
  double seconds() const;

 private:
  void fill(std::int64_t parameter, bool reached);
  void progress();
  void put_means() const;

  Transport& transport_;
  Buckets& buckets_;
  const std::vector<Parameter>& parameters_;
  Transport::Agreement agreement_;
  std::unordered_map<const Node*, std::int64_t> numbers_;
  std::vector<std::int64_t> completed_;
  std::vector<bool> filled_;
  // How many buckets have been sent, have been reduced and sent on, and are done.
  std::size_t sent_ = 0, reduced_ = 0;
  std::chrono::steady_clock::time_point begin_ = {}, end_ = {};
  bool finished_ = false;
};

}  // namespace chainrule::distributed
