// chainrule train: its options, and a run from the data to the saved model.
// The steps of it are in the files train_*.

#include "train.h"

#include <fmt/format.h>

#include <cmath>
#include <memory>
#include <optional>
#include <set>

#include "chainrule/error.h"
#include "chainrule/io.h"
#include "chainrule/model.h"
#include "command.h"
#include "options.h"
#include "print.h"
#include "standard_input.h"
#include "text.h"
#include "train_result.h"

namespace chainrule::cli {
namespace {

/// The folder of checkpoints, if there is to be one, is this run's from here on.
std::unique_ptr<FolderLock> check(const TrainOptions& options) {
  if (!options.report.empty()) require_writable(options.report);
  if (!options.save.empty()) require_writable(options.save);
  if (options.every > 0 && options.checkpoint.empty())
    throw CommandError("--every: say with --checkpoint FOLDER where to");
  if (options.plot + options.json + options.csv > 1)
    throw CommandError("--plot, --json and --csv: give one of them");
  if (options.checkpoint.empty()) return nullptr;
  make_folder(options.checkpoint);
  auto lock = std::make_unique<FolderLock>(options.checkpoint);
  if (options.checkpoint != options.resume) require_no_checkpoint(options.checkpoint);
  require_writable(checkpoint_file(options.checkpoint));
  return lock;
}

/// Says what will be done, before it takes time.
void announce(const TrainingData& data, const TableNetwork& network) {
  const std::string source = printable(data.source, 1000);
  if (!data.reading.empty()) fmt::print(stderr, "{}: {}\n", source, data.reading);
  std::string parts = fmt::format("{} samples to learn from, ", data.train.size());
  if (data.validation.size() > 0) parts += fmt::format("{} to validate, ", data.validation.size());
  parts += fmt::format("{} to test on", data.test.size());
  const std::vector<std::string>& classes = data.encoder.target().classes;
  if (data.task() == Task::classification)
    parts += fmt::format(", in {} classes: {}", classes.size(),
                         printable(fmt::format("{}", fmt::join(classes, ", "))));
  fmt::print(stderr, "{}: {}\n", source, parts);
  fmt::print(stderr, "network {} with {} parameters\n", network.sizes(), count_parameters(network));
  for (const std::string& warning : data.warnings) write_note("train", "warning: " + warning);
}

/// Options that contradict each other, or what is learned.
void check(const TrainOptions& options, Task task) {
  if (task == Task::classification) return;
  if (options.class_weights != "none" || options.label_smoothing > 0)
    throw CommandError(
        fmt::format("{} is for classes, and this target is a number; give --task classification",
                    options.class_weights != "none" ? "--class-weights" : "--label-smoothing"));
}

void require_same_data(const Checkpoint& saved, const TrainingData& data, const TrainOptions& options) {
  if (saved.data == fingerprint(data)) return;
  throw CommandError(fmt::format(
      "--resume {}: that run has learned from other data: {} {} not what it was then; give the file as it "
      "was, or begin anew",
      options.resume, printable(data.source, 1000),
      options.test.empty() ? "is" : "or " + printable(data.test_source, 1000) + " is"));
}

/// What several ranks cannot do.
void check(const TrainOptions& options, const Ranks& ranks) {
  if (ranks.size() == 1) return;
  for (const auto& [name, file] : {std::pair("DATA", &options.data), std::pair("--test", &options.test)})
    if (is_standard_input(*file))
      throw CommandError(fmt::format("{} {}: standard input goes to one of {} ranks; give a file", name,
                                     *file, ranks.size()));
}

/// What the rest depends on must be the same everywhere, or ranks would wait for each other for ever.
void require_alike(const TrainOptions& options, const std::vector<const TrainingData*>& all,
                   const Ranks& ranks) {
  ranks.require_equal("the command", fingerprint(options));
  std::string prints;
  for (const TrainingData* each : all) prints += fingerprint(*each);
  ranks.require_equal("what is read of " + printable(all[0]->source, 1000), prints);
}

/// fit(), and an end of all ranks for what goes wrong on one of them.
Learned fit_together(const TableNetwork& network, const TrainingData& data, const TrainOptions& options,
                     Ranks& ranks, const TrainingState* state = nullptr) {
  try {
    return fit(network, data, options, ranks, state);
  } catch (const Stopped&) {
    throw;
  } catch (const Diverged&) {
    throw;
  } catch (const std::exception& error) {
    ranks.end_others(std::string(without_place(error)));
    throw;
  }
}

/// Learns as often as there are parts, each time without one, which it is tested on.
void cross_validate(TrainOptions options, Ranks& ranks) {
  for (const auto& [name, is_given] :
       {std::pair("--test", !options.test.empty()), std::pair("--save", !options.save.empty()),
        std::pair("--report", !options.report.empty()), std::pair("--plot", options.plot),
        std::pair("--checkpoint", !options.checkpoint.empty()),
        std::pair("--resume", !options.resume.empty())})
    if (is_given)
      throw CommandError(
          fmt::format("--cv gives scores of several networks, and keeps none; leave {} out", name));
  if (options.patience > 0 && options.validation == 0) options.validation = 0.1;
  Generator generator(options.seed);
  std::vector<TrainingData> folds;
  ranks.alike([&] {
    check(options, ranks);
    folds = read_folds(options, generator);
    check(options, folds.front().task());
  });
  std::vector<const TrainingData*> all;
  all.reserve(folds.size());
  for (const TrainingData& each : folds) all.push_back(&each);
  require_alike(options, all, ranks);
  std::vector<double> scores;
  for (const TrainingData& data : folds) {
    TrainOptions completed = options;
    complete(completed, data);
    const TableNetwork network = make_network(data, completed, generator);
    if (scores.empty() && ranks.is_first()) announce(data, network);
    const Learned learned = fit_together(network, data, completed, ranks);
    scores.push_back(TrainResult{completed, data, network, learned}.score());
    if (ranks.is_first())
      fmt::print(stderr, "part {} of {}: {:.4g}{}\n", scores.size(), folds.size(), scores.back(),
                 data.task() == Task::regression ? "" : " %");
  }
  if (ranks.is_first()) write_output(describe_scores(scores, folds.front().task(), options));
}

/// What a training run begins with.
struct Beginning {
  std::unique_ptr<FolderLock> lock;
  TrainingData data;
  TableNetwork network;
};

Beginning begin(TrainOptions& options, const std::set<std::string>& given, const Checkpoint* saved,
                const Ranks& ranks) {
  if (saved != nullptr) take_over(options, saved->options, given);
  std::unique_ptr<FolderLock> lock;
  if (ranks.is_first()) lock = check(options);
  check(options, ranks);
  if (options.patience > 0 && options.validation == 0) options.validation = 0.1;
  Generator generator(options.seed);
  TrainingData data = read_training_data(options, generator);
  check(options, data.task());
  complete(options, data);
  if (saved != nullptr) require_same_data(*saved, data, options);
  TableNetwork network = make_network(data, options, generator);
  return {std::move(lock), std::move(data), std::move(network)};
}

void run(TrainOptions options, const std::set<std::string>& given, Ranks& ranks) {
  set_default_dtype(DType::float32);  // networks need no more
  if (given.contains("--hidden")) (void)parse_sizes("--hidden", options.hidden);
  if (options.cv > 0) return cross_validate(std::move(options), ranks);
  std::optional<Checkpoint> saved;
  if (!options.resume.empty()) saved = load_checkpoint(options.resume, ranks);
  std::optional<Beginning> beginning;
  ranks.alike([&] { beginning = begin(options, given, saved ? &*saved : nullptr, ranks); });
  const auto& [lock, data, network] = *beginning;
  require_alike(options, {&data}, ranks);
  if (ranks.is_first()) announce(data, network);
  const Learned learned = fit_together(network, data, options, ranks, saved ? &saved->state : nullptr);
  if (!ranks.is_first()) return;
  const TrainResult result{options, data, network, learned};
  if (!options.save.empty()) save_model(options.save, {data.encoder, network});
  write_output(describe(result));
  if (const std::string text = warning(result); !text.empty()) write_note("train", "warning: " + text);
  if (!options.report.empty()) write_report(result);
}

/// The names of the options and arguments that the command line has.
std::set<std::string> given_to(const CLI::App& command) {
  std::set<std::string> names;
  for (const CLI::Option* option : command.get_options())
    if (option->count() > 0) names.insert(option->get_name());
  return names;
}

void add_keeping(CLI::App& command, TrainOptions& options) {
  command
      .add_option("--save", options.save, "Write the model, for predict and evaluate, as model.safetensors")
      ->check(file_name())
      ->type_name("FILE");
  command
      .add_option("--checkpoint", options.checkpoint,
                  "Keep in this folder where training is, so that it can go on after whatever happens")
      ->check(file_name())
      ->type_name("FOLDER");
  add_whole_number<std::int64_t>(command, "--every", options.every, 1, 1'000'000'000,
                                 "Steps from one checkpoint to the next")
      ->default_str("an epoch's");
  command
      .add_option("--resume", options.resume,
                  "Go on from the checkpoint in this folder, with its options, to the same model")
      ->check(file_name())
      ->type_name("FOLDER");
}

void add_numbers(CLI::App& command, TrainOptions& options) {
  constexpr std::int64_t most = 1'000'000'000;
  add_whole_number<std::int64_t>(command, "--epochs", options.epochs, 1, most,
                                 "How often every sample is seen")
      ->default_str("10 to 300, fewer for many samples");
  add_whole_number<std::int64_t>(command, "--batch", options.batch, 1, most, "Samples per step")
      ->default_str("16 below 1000 samples, else 32");
  const auto is_positive = [](double x) { return x > 0 && std::isfinite(x); };
  const auto is_size = [](double x) { return x >= 0 && std::isfinite(x); };
  const auto is_share = [](double x) { return x >= 0 && x < 1; };
  const char* const size = "a finite number of at least 0";
  const char* const share = "a number of at least 0 and below 1";
  add_number(command, "--lr", options.learning_rate, is_positive, "a finite number above 0", "Learning rate")
      ->default_str("0.03; 0.01 for numbers; 0.003 with adam");
  add_number(command, "--momentum", options.momentum, is_share, share, "Share of the last step that is kept");
  add_number(command, "--weight-decay", options.weight_decay, is_size, size,
             "Pull of the weights towards zero")
      ->default_str("6 / samples, at most 0.01; less for two or three inputs");
  add_number(command, "--dropout", options.dropout, is_share, share,
             "Share of the hidden units that are left out by chance while learning");
  add_number(command, "--label-smoothing", options.label_smoothing, is_share, share,
             "Share of each target that is spread over all classes");
  add_number(command, "--clip", options.clip, is_size, size, "Largest norm of the gradients; 0: any")
      ->default_str("1 for numbers, else 0");
  add_number(command, "--validation", options.validation, is_share, share,
             "Share held back to choose the best epoch by; 0.1 with --patience");
  add_whole_number<std::int64_t>(command, "--shift", options.shift, 0, 1000,
                                 "Images: pixels by which each is moved at most, at random, while learning")
      ->default_str("1; a 28th of the side");
  add_whole_number<std::int64_t>(command, "--patience", options.patience, 1, most,
                                 "Stop after so many epochs without improvement on those")
      ->default_str("no limit");
  add_whole_number<std::int64_t>(command, "--cv", options.cv, 2, most,
                                 "Cross-validation: learn as often, each time without one of so many\nparts, "
                                 "and print the mean of what they score")
      ->default_str("none");
  add_seed(command, options.seed, "Of the random numbers: the same seed gives the same network");
}

void add_choices(CLI::App& command, TrainOptions& options) {
  const auto choose = [&](const char* name, std::string& value, std::vector<std::string> choices,
                          const char* help) {
    command.add_option(name, value, help)
        ->check(CLI::IsMember(std::move(choices)))
        ->type_name("")
        ->capture_default_str();
  };
  choose("--task", options.task, {"auto", "classification", "regression"},
         "auto: regression for a target with fractions, or of many whole\nnumbers");
  choose("--optim", options.optimizer, {"sgd", "adam", "adamw"}, "Optimiser");
  choose("--schedule", options.schedule, {"constant", "cosine", "linear", "step", "one-cycle"},
         "How the learning rate falls");
  choose("--class-weights", options.class_weights, {"none", "balanced"},
         "balanced: rare classes weigh as much as frequent ones");
}

}  // namespace

void add_reading(CLI::App& command, ReadOptions& options) {
  command
      .add_option("--sep", options.separator,
                  "What is between fields: a character, tab or space; without it, found out")
      ->type_name("C");
  command
      .add_option("--quote", options.quote,
                  "What is around fields that hold separators, \" or '; without it, found out")
      ->check(CLI::IsMember({"\"", "'"}))
      ->type_name("C");
  command
      .add_option("--part", options.part,
                  "Of arrays in NPZ called x_train, x_val, x_test and so on, which are read; else\nthose for "
                  "train to learn from, and for test to test on")
      ->check(CLI::IsMember({"train", "validation", "test"}))
      ->type_name("");
  command.add_option("--header", options.header, "Is the first line one? Found out by auto")
      ->check(CLI::IsMember({"auto", "yes", "no"}))
      ->type_name("")
      ->capture_default_str();
  command
      .add_option("--decimal", options.decimal,
                  "What is before the decimals of a number; with a comma, points may stand\nbetween "
                  "thousands; without it, found out")
      ->check(CLI::IsMember({".", ","}))
      ->type_name("C");
  command
      .add_option("--missing", options.missing,
                  "What cells hold that have no value, beside nothing, ?, NA, nan and null, as\nn.a.,-,-999")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->type_name("TEXT,...");
  command
      .add_option("--labels", options.labels,
                  "Classes of images in IDX, if not beside them as t10k-labels-idx1-ubyte")
      ->check(file_name())
      ->type_name("FILE");
}

void add_train(CLI::App& app, Ranks& ranks) {
  CLI::App* command =
      app.add_subcommand("train", "Train a network on a table, and print how it does on test samples");
  const auto options = std::make_shared<TrainOptions>();
  const auto add = [&](const char* name, auto& value, const char* type, const char* help) {
    return command->add_option(name, value, help)->type_name(type)->capture_default_str();
  };
  CLI::Option* data =
      command->add_option("DATA", options->data,
                          "Table with a sample per row: CSV and the like, plain or in gzip, NPZ, "
                          "or images\nin IDX; without it, half-moons are made");
  data->check(file_name());
  command->add_option("--test", options->test, "Table to test on; without it, a fifth of DATA is held back")
      ->check(file_name())
      ->type_name("FILE")
      ->needs(data);
  add("--target", options->target, "COLUMN,...",
      "What to predict: last, a number from 1, or a header's name; several for\nnumbers that are predicted "
      "together")
      ->needs(data);
  command->add_option("--drop", options->dropped, "Columns to leave out, as identifiers; like --target")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->type_name("COLUMN,...")
      ->needs(data);
  add_reading(*command, options->reading);
  for (const char* name : {"--sep", "--quote", "--part", "--header", "--decimal", "--missing", "--labels"})
    command->get_option(name)->needs(data);
  add("--arch", options->arch, "ARCH",
      "linear, mlp, cnn (convolutions for images), or with sizes, as mlp:256,128, or\ncnn:16,32 for the "
      "channels");
  command
      ->add_option("--image", options->image,
                   "Shape of the images that the columns are, as 28x28 or 3x32x32; IDX says it")
      ->type_name("HxW");
  command->add_option("--hidden", options->hidden, "Sizes of the hidden layers")
      ->type_name("N,...")
      ->default_str("64,64; 256,128 for images, 128 behind convolutions");
  add("--init", options->init, "INIT", "First weights: he, xavier, zeros, or as constant=0.1");
  add_choices(*command, *options);
  add_numbers(*command, *options);
  add_keeping(*command, *options);
  add("--report", options->report, "FILE",
      "Write a page that shows how and what the network learned, as report.html")
      ->check(file_name());
  command->add_flag("--plot", options->plot, "Draw the loss as a curve");
  command->add_flag("--json", options->json, "Print all figures as JSON");
  command->add_flag("--csv", options->csv, "Print the figures as CSV, one in each line");
  command->footer(
      "A multi-layer perceptron or convolutional network with ReLU. Classes are whole numbers or text, and "
      "learned by softmax\n"
      "cross-entropy; other numbers by squared differences. Numbers are standardised, texts become\n"
      "categories, and gaps (empty, ?, NA, nan) the median or the most frequent.\n\n"
      "  chainrule train --plot\n"
      "  chainrule train titanic.csv --target Survived --drop PassengerId,Name,Ticket,Cabin\n"
      "  chainrule train digits.csv --hidden 128,64 --report report.html --save digits.safetensors\n"
      "  chainrule train wine.csv --task regression --patience 20\n"
      "  chainrule train digits.csv --save digits.safetensors --checkpoint kept\n"
      "  chainrule train --resume kept\n\n"
      "Several processes, on one machine or many, share out each batch where MPI starts them:\n\n"
      "  mpirun -np 4 chainrule train digits.csv --batch 128 --checkpoint kept");
  command->callback([options, command, &ranks] { run(*options, given_to(*command), ranks); });
}

}  // namespace chainrule::cli
