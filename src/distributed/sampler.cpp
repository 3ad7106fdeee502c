// Which samples each rank sees: one order for all, by seed and epoch, of which each rank takes every
// so-manieth.

#include "chainrule/distributed/sampler.h"

#include <algorithm>
#include <numeric>

#include "chainrule/detail/seeds.h"
#include "chainrule/ops.h"
#include "chainrule/random.h"

namespace chainrule::distributed {
namespace {

void require_positive(const char* what, std::int64_t number) {
  if (number <= 0)
    throw std::invalid_argument("Sampler: " + std::string(what) + " is " + std::to_string(number) +
                                ", not a number > 0");
}

}  // namespace

Sampler::Sampler(const World& world, std::int64_t samples, const SamplerOptions& options)
    : Sampler(world.rank(), world.size(), samples, options) {
  world.check_equal("number of samples", tensor(samples));
  world.check_equal("batch_size", tensor(options.batch_size));
  world.check_equal("seed of the sampler", std::to_string(options.seed));
  world.check_equal("options of the sampler", tensor(2 * int{options.shuffle} + int{options.drop_last}));
}

Sampler::Sampler(int rank, int ranks, std::int64_t samples, const SamplerOptions& options)
    : rank_(rank), ranks_(ranks), samples_(samples), options_(options) {
  require_positive("samples", samples);
  require_positive("batch_size", options.batch_size);
  if (samples_of_rank() == 0)
    throw std::invalid_argument("Sampler: " + std::to_string(samples) + " samples make no batch of " +
                                std::to_string(options.batch_size) + " on each of " + std::to_string(ranks) +
                                " ranks; take smaller batches, or leave drop_last off");
}

std::int64_t Sampler::samples_of_rank() const {
  if (!options_.drop_last) return (samples_ + ranks_ - 1) / ranks_;
  return samples_ / ranks_ / options_.batch_size * options_.batch_size;
}

std::int64_t Sampler::size() const {
  return (samples_of_rank() + options_.batch_size - 1) / options_.batch_size;
}

std::vector<std::vector<std::int64_t>> Sampler::batches(std::int64_t epoch) const {
  std::vector<std::int64_t> order(static_cast<std::size_t>(samples_));
  std::iota(order.begin(), order.end(), 0);
  if (options_.shuffle) {
    Generator generator(chainrule::detail::seed_at(options_.seed, epoch));
    order = randperm(samples_, generator).to_vector<std::int64_t>();
  }
  std::vector<std::vector<std::int64_t>> all(static_cast<std::size_t>(size()));
  for (std::int64_t i = 0; i < samples_of_rank(); ++i)
    all[static_cast<std::size_t>(i / options_.batch_size)].push_back(
        order[static_cast<std::size_t>((i * ranks_ + rank_) % samples_)]);
  return all;
}

}  // namespace chainrule::distributed
