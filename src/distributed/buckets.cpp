// Gradients that are sent in buckets while the backward pass goes on. A bucket goes off when the last of its
// gradients is complete; the others wait for nothing.

#include "distributed/buckets.h"

#include <array>
#include <cstring>

#include "array/array.h"
#include "chainrule/ops.h"

namespace chainrule::distributed {
namespace {

/// Is any element other than 0?
bool has_gradient(const Tensor& gradient) { return any(gradient != 0).item<bool>(); }

}  // namespace

Bucket::Bucket(Transport& transport, DType type, std::vector<Part> of, std::int64_t count)
    : dtype(type),
      parts(std::move(of)),
      elements(count),
      own(new std::byte[static_cast<std::size_t>(count + std::ssize(parts)) * item_size(type)]),
      mean(new std::byte[static_cast<std::size_t>(count + std::ssize(parts)) * item_size(type)]),
      summation(transport, {transport.first, transport.second}, Reduce::mean, type, own.get(), mean.get(),
                count + std::ssize(parts)) {}

DataParallel::Buckets::Buckets(Transport& transport, const std::vector<Parameter>& parameters,
                               const std::vector<std::int64_t>& order, std::int64_t bytes)
    : where(parameters.size()) {
  struct Open {
    std::vector<Bucket::Part> parts;
    std::int64_t elements = 0;
  };
  std::array<Open, 2> open;  // one for each floating dtype
  const auto close = [&](DType dtype) {
    Open full = std::exchange(open[dtype == DType::float64 ? 1 : 0], {});
    if (full.parts.empty()) return;
    for (std::size_t i = 0; i < full.parts.size(); ++i)
      where[static_cast<std::size_t>(full.parts[i].parameter)] = {buckets.size(), i};
    buckets.push_back(std::make_unique<Bucket>(transport, dtype, std::move(full.parts), full.elements));
  };
  for (const std::int64_t number : order) {
    const Tensor& leaf = parameters[static_cast<std::size_t>(number)].leaf();
    Open& to = open[leaf.dtype() == DType::float64 ? 1 : 0];
    to.parts.push_back({number, to.elements, leaf.size()});
    to.elements += leaf.size();
    if (to.elements * static_cast<std::int64_t>(item_size(leaf.dtype())) >= bytes) close(leaf.dtype());
  }
  close(DType::float32);
  close(DType::float64);
}

DataParallel::Pass::Pass(Transport& transport, Buckets& buckets, const std::vector<Parameter>& parameters)
    : transport_(transport),
      buckets_(buckets),
      parameters_(parameters),
      agreement_(transport, {.operation = "DataParallel::backward"}, false),
      filled_(parameters.size()) {
  for (std::size_t i = 0; i < parameters.size(); ++i)
    numbers_.emplace(parameters[i].leaf().node(), static_cast<std::int64_t>(i));
  for (const auto& bucket : buckets.buckets) bucket->missing = bucket->parts.size();
}

DataParallel::Pass::~Pass() {
  if (!finished_) transport_.give_up("a backward pass of DataParallel failed half way on this rank");
}

void DataParallel::Pass::complete(const Tensor& leaf) {
  if (const auto found = numbers_.find(leaf.node()); found != numbers_.end()) {
    completed_.push_back(found->second);
    fill(found->second, true);
  }
  progress();
}

void DataParallel::Pass::fill(std::int64_t parameter, bool reached) {
  const auto number = static_cast<std::size_t>(parameter);
  const Buckets::Where where = buckets_.where[number];
  Bucket& bucket = *buckets_.buckets[where.bucket];
  const Bucket::Part& part = bucket.parts[where.part];
  const Tensor gradient = parameters_[number].grad();
  reached = reached || has_gradient(gradient);
  std::memcpy(bucket.at(bucket.own.get(), part.begin), elements_of(gradient),
              static_cast<std::size_t>(part.size) * item_size(bucket.dtype));
  dispatch_floating(bucket.dtype, [&]<class T>() {
    const T mark = reached ? 1 : 0;
    std::memcpy(bucket.at(bucket.own.get(), bucket.elements + static_cast<std::int64_t>(where.part)), &mark,
                sizeof mark);
  });
  filled_[number] = true;
  --bucket.missing;
}

// Each step in the order of the buckets, so that it is the same on all ranks, whatever is ready first.
void DataParallel::Pass::progress() {
  auto& all = buckets_.buckets;
  if (!agreement_.settled()) return;
  for (; sent_ < all.size() && all[sent_]->missing == 0; ++sent_) {
    if (sent_ == 0) begin_ = std::chrono::steady_clock::now();
    all[sent_]->summation.start();
  }
  for (; reduced_ < sent_ && all[reduced_]->summation.is_reduced(); ++reduced_)
    all[reduced_]->summation.finish();
}

void DataParallel::Pass::finish() {
  auto& all = buckets_.buckets;
  for (std::size_t i = 0; i < parameters_.size(); ++i)
    if (!filled_[i]) fill(static_cast<std::int64_t>(i), false);
  (void)agreement_.wait();
  progress();
  for (; reduced_ < all.size(); ++reduced_) {
    all[reduced_]->summation.wait();
    (void)all[reduced_]->summation.is_reduced();
    all[reduced_]->summation.finish();
  }
  for (const auto& bucket : all) bucket->summation.wait();
  end_ = std::chrono::steady_clock::now();
  put_means();
  finished_ = true;
}

void DataParallel::Pass::put_means() const {
  for (const auto& each : buckets_.buckets) {
    const Bucket& bucket = *each;
    for (std::size_t i = 0; i < bucket.parts.size(); ++i) {
      const std::byte* const mark =
          bucket.at(bucket.mean.get(), bucket.elements + static_cast<std::int64_t>(i));
      const bool reached = dispatch_floating(bucket.dtype, [&]<class T>() {
        T value = 0;
        std::memcpy(&value, mark, sizeof value);
        return value > 0;
      });
      if (!reached) continue;
      const Bucket::Part& part = bucket.parts[i];
      const Tensor leaf = parameters_[static_cast<std::size_t>(part.parameter)].leaf();
      leaf.zero_grad();
      leaf.backward(from_memory(bucket.at(bucket.mean.get(), part.begin), bucket.dtype, leaf.shape()));
    }
  }
}

std::vector<std::int64_t> DataParallel::Pass::completed() const {
  std::vector<std::int64_t> order = completed_;
  std::vector<bool> there(parameters_.size());
  for (const std::int64_t number : order) there[static_cast<std::size_t>(number)] = true;
  for (std::size_t i = there.size(); i-- > 0;)
    if (!there[i]) order.push_back(static_cast<std::int64_t>(i));
  return order;
}

double DataParallel::Pass::seconds() const {
  return buckets_.buckets.empty() ? 0 : std::chrono::duration<double>(end_ - begin_).count();
}

}  // namespace chainrule::distributed
