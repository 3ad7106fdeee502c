// The same network on all ranks: parameters from the first rank at the start, gradients averaged through
// buckets.h on each backward pass.

#include "chainrule/distributed/data_parallel.h"

#include <algorithm>

#include "chainrule/autograd.h"
#include "chainrule/backward.h"
#include "chainrule/ops.h"
#include "distributed/buckets.h"

namespace chainrule::distributed {

void DataParallelOptions::check() const {
  if (bucket_bytes <= 0)
    throw std::invalid_argument("DataParallel: bucket_bytes is " + std::to_string(bucket_bytes) +
                                ", not a number > 0");
}

DataParallel::DataParallel(const World& world, const ModuleRef& module, const DataParallelOptions& options)
    : world_(world), options_(options), parameters_(parameters(module)) {
  options.check();
  const NoGrad off;
  const NamedBuffers buffers = named_buffers(module);
  world.check_equal("number of parameters", std::ssize(parameters_));
  world.check_equal("number of buffers", std::ssize(buffers));
  for (const Parameter& each : parameters_)
    world.transport()->agree(call_on("DataParallel of '" + each.name() + "'", each.leaf()));
  for (const Parameter& each : parameters_) {
    const Tensor value = world.broadcast(each.leaf().detach());
    if (world.rank() != 0) each.assign(value);
  }
  for (const auto& [name, buffer] : buffers) {
    const Tensor value = world.broadcast(buffer.value());
    if (world.rank() != 0) Buffer(buffer).assign(value);
  }
  check_equal();
  // The last layers come first in a backward pass.
  std::vector<std::int64_t> order(parameters_.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<std::int64_t>(order.size() - 1 - i);
  buckets_ = std::make_unique<Buckets>(*world.transport(), parameters_, order, options_.bucket_bytes);
}

DataParallel::~DataParallel() = default;

void DataParallel::check_equal() const {
  for (const Parameter& each : parameters_) world_.check_equal(each.name(), each.leaf().detach());
}

void DataParallel::backward(Tensor loss, const Tensor& seed) {
  if (world_.size() == 1 || no_sync_ > 0) return std::move(loss).backward(seed);
  const World::Traffic before = world_.traffic();
  std::vector<std::int64_t> completed;
  {
    Pass pass(*world_.transport(), *buckets_, parameters_);
    chainrule::backward(
        std::move(loss), [&](const Tensor& leaf) { pass.complete(leaf); }, seed);
    const auto over = std::chrono::steady_clock::now();
    pass.finish();
    const double waited = std::chrono::duration<double>(std::chrono::steady_clock::now() - over).count();
    cost_.buckets = std::ssize(buckets_->buckets);
    cost_.seconds = pass.seconds();
    cost_.waited = std::min(waited, cost_.seconds);
    if (!ordered_) completed = pass.completed();
  }
  cost_.sent = {world_.traffic().messages - before.messages, world_.traffic().bytes - before.bytes};
  if (!ordered_) take_order(completed);
}

/// All ranks take that of rank 0.
void DataParallel::take_order(const std::vector<std::int64_t>& completed) {
  const auto order = world_.broadcast(tensor(completed)).to_vector<std::int64_t>();
  buckets_ = std::make_unique<Buckets>(*world_.transport(), parameters_, order, options_.bucket_bytes);
  ordered_ = true;
}

}  // namespace chainrule::distributed
