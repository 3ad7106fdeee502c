#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace chainrule::cli {

/// How files of data are read.
struct ReadOptions {
  std::string separator, header = "auto", labels;
};

/// What `train` has been asked for.
struct TrainOptions {
  std::string data, test, target = "last", task = "auto";
  std::vector<std::string> dropped;
  ReadOptions reading;
  std::string hidden = "64,64", init = "he", optimizer = "sgd", schedule = "cosine", class_weights = "none";
  std::int64_t patience = 0;
  // Where they are not given, these depend on the data: see complete().
  std::int64_t epochs = 0, batch = 0;
  double learning_rate = 0, weight_decay = -1, clip = -1;
  double momentum = 0.9, dropout = 0, label_smoothing = 0;
  double validation = 0;
  std::uint64_t seed = 0;
  std::string report, save;
  bool plot = false, json = false;

  /// Does anybody want to know how the network does on the test samples on the way? That takes time.
  bool wants_curves() const { return plot || !report.empty(); }
};

}  // namespace chainrule::cli
