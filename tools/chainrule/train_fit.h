#pragma once

#include <vector>

#include "chainrule/nn.h"
#include "chainrule/report.h"
#include "train_data.h"

namespace chainrule::cli {

/// How a network has learned.
struct Learned {
  std::vector<TrainingEpoch> epochs;      ///< their test numbers only if somebody wants them
  std::vector<double> validation_losses;  ///< after each epoch; none without validation samples
  std::int64_t best_epoch = 0;  ///< whose parameters were kept: the last one without validation samples
  double seconds = 0;           ///< spent on learning alone
};

/// A network for these data, initialised as the options say. CommandError for one that is too large.
Mlp make_network(const TrainingData& data, const TrainOptions& options, Generator& generator);

/// What the options leave open: epochs, batch, learning rate, weight decay, and the limit of gradients.
void complete(TrainOptions& options, const TrainingData& data);

/// Lets the network learn, and shows how far it is. std::runtime_error when its numbers are no longer finite.
Learned fit(const Mlp& network, const TrainingData& data, const TrainOptions& options, Generator& generator);

/// The mean loss on these samples: cross-entropy or, for numbers, squared differences.
double mean_loss(const Mlp& network, const Dataset& samples, Task task);
/// What the network says of samples, (n, outputs), some at a time and without recording a graph.
Tensor outputs_of(const Mlp& network, const Tensor& x);

}  // namespace chainrule::cli
