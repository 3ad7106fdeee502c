// The options of `train` as plain data, and the list of those that decide a run, which a checkpoint compares.
// Relies on nothing of the library but its types.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace chainrule::cli {

/// How files of data are read.
struct ReadOptions {
  std::string separator, quote, header = "auto", decimal, labels, part;
  std::vector<std::string> missing;
  // Of what has been learned from, no options.
  char usual_decimal = '.';
  std::vector<std::string> usual_names;
};

/// What `train` has been asked for.
struct TrainOptions {
  std::string data, test, target = "last", task = "auto";
  std::vector<std::string> dropped;
  ReadOptions reading;
  std::string arch = "mlp", image, hidden, init = "he", optimizer = "sgd", schedule = "cosine",
              class_weights = "none";
  std::int64_t patience = 0, cv = 0, shift = -1;
  // Where they are not given, these depend on the data: see complete().
  std::int64_t epochs = 0, batch = 0;
  double learning_rate = 0, weight_decay = -1, clip = -1;
  double momentum = 0.9, dropout = 0, label_smoothing = 0;
  double validation = 0;
  std::uint64_t seed = 0;
  std::string report, save;
  std::string checkpoint, resume;
  std::int64_t every = 0;  // steps; 0: at the end of each epoch
  bool plot = false, json = false, csv = false;

  /// Does anybody want to know how the network does on the test samples on the way? That takes time.
  bool wants_curves() const { return plot || !report.empty(); }
};

/// What an option is to a run that goes on: may it be another one?
enum class SettingKind : std::uint8_t {
  file,      ///< yes, if it holds the same
  learning,  ///< no
  output,    ///< yes
};

/// Calls visit(name, value, kind) for each option but --resume.
template <class Options, class Visit>
void for_each_setting(Options& o, const Visit& visit) {
  using enum SettingKind;
  visit("DATA", o.data, file);
  visit("--test", o.test, file);
  visit("--labels", o.reading.labels, file);
  visit("--sep", o.reading.separator, learning);
  visit("--quote", o.reading.quote, learning);
  visit("--part", o.reading.part, learning);
  visit("--header", o.reading.header, learning);
  visit("--decimal", o.reading.decimal, learning);
  visit("--missing", o.reading.missing, learning);
  visit("--target", o.target, learning);
  visit("--drop", o.dropped, learning);
  visit("--task", o.task, learning);
  visit("--arch", o.arch, learning);
  visit("--image", o.image, learning);
  visit("--shift", o.shift, learning);
  visit("--hidden", o.hidden, learning);
  visit("--init", o.init, learning);
  visit("--optim", o.optimizer, learning);
  visit("--schedule", o.schedule, learning);
  visit("--class-weights", o.class_weights, learning);
  visit("--patience", o.patience, learning);
  visit("--epochs", o.epochs, learning);
  visit("--batch", o.batch, learning);
  visit("--lr", o.learning_rate, learning);
  visit("--weight-decay", o.weight_decay, learning);
  visit("--clip", o.clip, learning);
  visit("--momentum", o.momentum, learning);
  visit("--dropout", o.dropout, learning);
  visit("--label-smoothing", o.label_smoothing, learning);
  visit("--validation", o.validation, learning);
  visit("--seed", o.seed, learning);
  visit("--report", o.report, output);
  visit("--save", o.save, output);
  visit("--checkpoint", o.checkpoint, output);
  visit("--every", o.every, output);
  visit("--plot", o.plot, output);
  visit("--json", o.json, output);
  visit("--csv", o.csv, output);
}

}  // namespace chainrule::cli
