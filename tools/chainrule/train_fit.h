// A network made by the options, and trained.
// Knows no files; ranks.h says which samples are its own.

#pragma once

#include <stdexcept>
#include <vector>

#include "chainrule/data/table_network.h"
#include "ranks.h"
#include "train_data.h"
#include "train_state.h"

namespace chainrule::cli {

/// "64,64" as numbers. CommandError, which names the option, for anything else.
std::vector<std::int64_t> parse_sizes(const char* option, const std::string& text);
/// A network for these data, initialised as the options say. CommandError for one that is too large.
TableNetwork make_network(const TrainingData& data, const TrainOptions& options, Generator& generator);

/// What the options leave open: epochs, batch, learning rate, weight decay, and the limit of gradients.
void complete(TrainOptions& options, const TrainingData& data);

/// Numbers of a network that learns are no longer finite, on all ranks alike.
class Diverged : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Lets the network learn, and shows how far it is; from a state on, if there is one. Of each batch, every
/// rank has its share. Writes checkpoints as the options say. Diverged when its numbers are no longer finite,
/// and Stopped after the batch in which SIGINT or SIGTERM has arrived on any rank: both say what is left, and
/// how to go on.
Learned fit(const TableNetwork& network, const TrainingData& data, const TrainOptions& options, Ranks& ranks,
            const TrainingState* state = nullptr);

/// The mean loss on these samples: cross-entropy or, for numbers, squared differences.
double mean_loss(const TableNetwork& network, const Dataset& samples, Task task);

}  // namespace chainrule::cli
