// What is kept of a training run on the way, so that it can go on where it was stopped, to the bit.
// Files are safetensors.

#include "train_state.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "chainrule/detail/hash.h"
#include "chainrule/detail/json_message.h"
#include "chainrule/io.h"
#include "chainrule/model.h"
#include "command.h"
#include "text.h"

namespace chainrule::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* entry = "chainrule.training";
constexpr int format_version = 2;

/// A number that is the same for the same data.
class Fingerprint {
 public:
  void add(std::span<const std::byte> bytes) { value_ = detail::hash_of(bytes.data(), bytes.size(), value_); }
  void add(const std::string& text) { add(std::as_bytes(std::span(text))); }
  void add(double number) { add(std::as_bytes(std::span(&number, 1))); }
  void add(const Tensor& x) {
    add(to_string(x.shape()));
    if (x.dtype() == DType::int64)
      add(std::as_bytes(x.data<std::int64_t>()));
    else if (x.dtype() == DType::float32)
      add(std::as_bytes(x.data<float>()));
    else
      add(std::as_bytes(x.data<double>()));
  }
  std::uint64_t value() const { return value_; }

 private:
  std::uint64_t value_ = 0;
};

/// JSON has no number that is not finite.
Json number(double x) { return std::isfinite(x) ? Json(x) : Json(nullptr); }
double number_of(const Json& json) { return json.is_null() ? NAN : json.get<double>(); }

Json to_json(const TrainingState& state) {
  Json json = {{"epoch", state.epoch},
               {"batch", state.batch},
               {"loss", number(state.loss)},
               {"accuracy", number(state.accuracy)},
               {"best_epoch", state.best_epoch},
               {"best_loss", number(state.best_loss)},
               {"seconds", state.learned.seconds},
               {"epochs", Json::array()},
               {"validation_losses", Json::array()}};
  for (const TrainingEpoch& each : state.learned.epochs) {
    json["epochs"].push_back(
        {number(each.loss), number(each.accuracy), number(each.test_loss), number(each.test_accuracy)});
    if (!each.different_units.empty()) json["epochs"].back().push_back(each.different_units);
  }
  for (const double each : state.learned.validation_losses) json["validation_losses"].push_back(number(each));
  return json;
}

TrainingState state_from(const Json& json) {
  TrainingState state;
  state.epoch = json.at("epoch");
  state.batch = json.at("batch");
  state.loss = number_of(json.at("loss"));
  state.accuracy = number_of(json.at("accuracy"));
  state.best_epoch = json.at("best_epoch");
  state.best_loss = number_of(json.at("best_loss"));
  state.learned.seconds = json.at("seconds");
  for (const Json& each : json.at("epochs"))
    state.learned.epochs.push_back({.loss = number_of(each.at(0)),
                                    .accuracy = number_of(each.at(1)),
                                    .test_loss = number_of(each.at(2)),
                                    .test_accuracy = number_of(each.at(3)),
                                    .different_units = each.size() > 4
                                                           ? each.at(4).get<std::vector<std::int64_t>>()
                                                           : std::vector<std::int64_t>{}});
  for (const Json& each : json.at("validation_losses"))
    state.learned.validation_losses.push_back(number_of(each));
  return state;
}

Json to_json(const TrainOptions& options) {
  Json json;
  for_each_setting(options, [&](const char* name, const auto& value, SettingKind) { json[name] = value; });
  return json;
}

TrainOptions options_from(const Json& json) {
  TrainOptions options;
  for_each_setting(options, [&](const char* name, auto& value, SettingKind) {
    // One that the program which wrote it did not have is at its default.
    if (json.contains(name)) value = json.at(name).get<std::decay_t<decltype(value)>>();
  });
  return options;
}

/// The parts of a state that are tensors, and the first part of their names.
auto parts_of(auto& state) {
  return std::array{std::pair("network.", &state.network), std::pair("best.", &state.best),
                    std::pair("optimizer.", &state.optimizer), std::pair("scheduler.", &state.scheduler)};
}

Checkpoint checkpoint_from(const Safetensors& file) {
  const auto found = file.metadata.find(entry);
  if (found == file.metadata.end() || found->second.empty())
    throw std::invalid_argument("it is no checkpoint of `chainrule train`");
  const Json json = Json::parse(found->second);
  if (const int version = json.at("version"); version != format_version)
    throw std::invalid_argument(fmt::format("a checkpoint in version {} of its format; this program knows {}",
                                            version, format_version));
  Checkpoint checkpoint{.options = options_from(json.at("options")),
                        .data = json.at("data"),
                        .state = state_from(json.at("state"))};
  for (const auto& [name, tensor] : file.tensors)
    for (const auto& [prefix, part] : parts_of(checkpoint.state))
      if (name.starts_with(prefix)) part->emplace_back(name.substr(std::strlen(prefix)), tensor);
  return checkpoint;
}

/// Is there nothing at this path? Where the folder may not be looked into, whoever opens the file says so.
bool is_absent(const std::string& path) {
  std::error_code error;
  return !std::filesystem::exists(path, error) && !error;
}

/// So that the folder itself is there after a loss of power, too.
void sync_folder(const std::filesystem::path& folder) {
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return;
  ::fsync(descriptor);
  ::close(descriptor);
}

}  // namespace

std::string fingerprint(const TrainingData& data) {
  Fingerprint found;
  for (const Dataset* part : {&data.train, &data.validation, &data.test}) {
    found.add(part->x);
    found.add(part->y);
  }
  for (const std::string& name : data.encoder.input_names()) found.add(name);
  for (const TargetColumn& target : data.encoder.all_targets()) {
    found.add(target.name);
    for (const std::string& name : target.classes) found.add(name);
    found.add(target.mean);
    found.add(target.deviation);
  }
  for (const Tensor& scale : {data.encoder.mean(), data.encoder.deviation()}) found.add(scale);
  return fmt::format("{:016x}", found.value());
}

std::string fingerprint(const TrainOptions& options) {
  Json json;
  for_each_setting(options, [&](const char* name, const auto& value, SettingKind kind) {
    if (kind != SettingKind::file) json[name] = value;
  });
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string checkpoint_file(const std::string& folder) {
  return (std::filesystem::path(folder) / "checkpoint.safetensors").string();
}

void make_folder(const std::string& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) throw IoError(fmt::format("{}: the folder cannot be made: {}", folder, error.message()));
  sync_folder(std::filesystem::absolute(folder) / "..");
}

FolderLock::FolderLock(const std::string& folder)
    : descriptor_(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
  if (descriptor_ < 0 || ::flock(descriptor_, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) return;
  ::close(descriptor_);
  throw IoError(
      fmt::format("{}: another process is keeping its training there; wait for its end, or give another "
                  "folder as --checkpoint",
                  folder));
}
FolderLock::~FolderLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void require_no_checkpoint(const std::string& folder) {
  const std::string file = checkpoint_file(folder);
  std::error_code ignored;
  if (std::filesystem::exists(file, ignored))
    throw CommandError(
        fmt::format("--checkpoint {}: there is one of another run; go on with that by "
                    "--resume {}, or remove {}",
                    folder, folder, file));
}

void save_checkpoint(const std::string& folder, const Checkpoint& checkpoint) {
  Json json = {{"version", format_version},
               {"chainrule", CHAINRULE_VERSION},
               {"data", checkpoint.data},
               {"state", to_json(checkpoint.state)},
               {"options", to_json(checkpoint.options)}};
  NamedTensors tensors;
  for (const auto& [prefix, part] : parts_of(checkpoint.state))
    for (const auto& [name, tensor] : *part) tensors.emplace_back(prefix + name, tensor);
  const std::string file = checkpoint_file(folder);
  try {
    const std::string text = json.dump(-1, ' ', false, Json::error_handler_t::replace);
    save_safetensors(
        file, tensors,
        {{entry, text}, {chainrule::detail::checksum_entry, chainrule::detail::checksum_of(text, tensors)}});
  } catch (const IoError& error) {
    if (is_absent(file)) throw;
    throw IoError(
        fmt::format("{}; the last checkpoint is still there: once that is mended, go on with "
                    "chainrule train --resume {}",
                    error.what(), folder));
  }
}

Checkpoint load_checkpoint(const std::string& folder, const Ranks& ranks) {
  const std::string file = checkpoint_file(folder);
  Safetensors read;
  ranks.alike([&] {
    if (!ranks.is_first()) return;
    if (is_absent(file))
      throw IoError(
          fmt::format("--resume {}: there is no {}; --checkpoint {} makes one", folder, file, folder));
    read = load_safetensors(file);
    if (read.metadata.contains(entry)) chainrule::detail::require_checksum(file, read, entry);
  });
  read.metadata[entry] = ranks.from_first(read.metadata[entry]);
  read.tensors = ranks.from_first(read.tensors);
  try {
    return checkpoint_from(read);
  } catch (const Json::exception& error) {
    throw IoError(file + ": what it says about the run is damaged: " +
                  std::string(chainrule::detail::json_message(error.what())));
  } catch (const std::invalid_argument& error) {
    throw IoError(file + ": " + error.what());
  }
}

void take_over(TrainOptions& options, const TrainOptions& saved, const std::set<std::string>& given) {
  const Json here = to_json(options);
  Json merged = to_json(saved);
  std::vector<std::string> others;
  for_each_setting(saved, [&](const char* name, const auto&, SettingKind kind) {
    if (!given.contains(name)) return;
    if (kind == SettingKind::learning && here[name] != merged[name])
      others.push_back(
          fmt::format("{} is {} there and {} here", name, merged[name].dump(), here[name].dump()));
    merged[name] = here[name];
  });
  if (!others.empty())
    throw CommandError(
        printable(fmt::format("--resume {}: that is another run: {}; leave these options out, or begin anew",
                              options.resume, fmt::join(others, ", ")),
                  2000));
  if (!given.contains("--checkpoint")) merged["--checkpoint"] = options.resume;
  const std::string resume = options.resume;
  options = options_from(merged);
  options.resume = resume;
}

}  // namespace chainrule::cli
