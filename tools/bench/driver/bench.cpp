// How cases are measured: programs started with their threads and instruction sets, timed in turns, and their
// results compared. The programs do the work; see child.h for how they are spoken to.

#include "bench.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

namespace bench {
namespace {

namespace fs = std::filesystem;

// LibTorch when malloc does not give back pages to take them again, which is up to half of its time; and so
// on the OpenMP build of OpenBLAS, too.
const std::string libtorch_tuned = "libtorch_tuned", libtorch_openmp = "libtorch_openmp";

// Chainrule's program at another step, in place of the floor.
const std::string passes = "passes";

/// The program that one of our names stands for.
std::string program_of(const std::string& name) {
  return name.starts_with("libtorch") ? "libtorch" : name == passes ? "chainrule" : name;
}
/// The step that it is asked for.
const std::string& step_of(const std::string& name, const Case& that) {
  return name == passes ? that.passes : that.step;
}

double median(std::vector<double> numbers) {
  const auto middle = numbers.begin() + static_cast<std::ptrdiff_t>(numbers.size() / 2);
  std::nth_element(numbers.begin(), middle, numbers.end());
  return *middle;
}

/// "name count sum mean-of-absolutes root-mean-square some elements...", as bench::Report prints it.
struct Summary {
  explicit Summary(const std::string& line) {
    std::istringstream words(line);
    words >> name >> count >> sum >> absolute >> root_mean_square;
    for (double one; words >> one;) picked.push_back(one);
  }
  /// The largest difference, relative to the size of what is compared; NaN counts as infinite.
  double distance(const Summary& other) const {
    double largest = 0;
    const auto compare = [&](double a, double b, double scale) {
      const double difference = a == b ? 0 : std::abs(a - b) / scale;
      largest = difference <= largest ? largest : std::isnan(difference) ? INFINITY : difference;
    };
    if (name != other.name || count != other.count || picked.size() != other.picked.size()) return INFINITY;
    compare(sum, other.sum, absolute * count);
    compare(absolute, other.absolute, absolute);
    compare(root_mean_square, other.root_mean_square, root_mean_square);
    for (std::size_t i = 0; i < picked.size(); ++i)
      compare(picked[i], other.picked[i], std::max(root_mean_square, std::abs(picked[i])));
    return largest;
  }
  std::string name;
  double count = 0, sum = 0, absolute = 0, root_mean_square = 0;
  std::vector<double> picked;
};

/// The files that the dynamic linker loads for a program.
std::set<fs::path> libraries_of(const std::string& program) {
  std::set<fs::path> files;
  std::istringstream lines(output_of({"ldd", program}));
  for (std::string line; std::getline(lines, line);)
    if (const auto start = line.find('/'); start != std::string::npos)
      files.insert(fs::canonical(line.substr(start, line.find(' ', start) - start)));
  return files;
}

}  // namespace

Bench::Bench(const nlohmann::json& build, int threads, const Effort& effort)
    : build_(build), threads_(threads), effort_(effort) {}

Environment Bench::environment(const std::string& name) const {
  const std::string count = std::to_string(threads_);
  // What is set where we are started must not choose the kernels.
  Environment all = {{"OMP_NUM_THREADS", count},
                     {"OPENBLAS_NUM_THREADS", count},
                     {"MKL_NUM_THREADS", count},
                     {"OPENBLAS_CORETYPE", {}},
                     {"OPENBLAS_L2_SIZE", {}}};
  const bool tuned = name == libtorch_tuned || name == libtorch_openmp;
  for (const char* variable : {"MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_"})
    all.emplace_back(variable, tuned ? std::optional(std::to_string(std::int64_t{1} << 40)) : std::nullopt);
  if (name == libtorch_openmp) all.emplace_back("LD_LIBRARY_PATH", build_["openmp_blas"]);
  return all;
}

std::unique_ptr<Child> Bench::start(const std::string& name) const {
  return std::make_unique<Child>(build_["programs"][program_of(name)], environment(name));
}

Child& Bench::child(const std::string& program) {
  auto& child = children_[program];
  if (!child) child = start(program);
  return *child;
}

std::vector<std::string> Bench::names(const Case& that) const {
  std::vector<std::string> names = {"chainrule"};
  const bool worth_it =
      that.libtorch == Libtorch::always || (that.libtorch == Libtorch::unless_quick && !effort_.is_quick);
  if (has_libtorch() && worth_it) {
    names.push_back("libtorch");
    if (that.is_step()) names.push_back(libtorch_tuned);
    if (threads_ > 1 && that.is_step() && has_openmp_blas()) names.push_back(libtorch_openmp);
  }
  if (that.has_floor && (that.is_step() || that.is_process())) names.push_back("floor");
  if (!that.passes.empty()) names.push_back(passes);
  return names;
}

double Bench::check(const Case& that) {
  if (!that.is_step()) return 0;
  std::vector<std::vector<std::string>> answers;
  for (const std::string& program : names(that))
    if (program != passes) answers.push_back(child(program).ask("check " + that.step));
  double largest = 0;
  for (std::size_t k = 1; k < answers.size(); ++k) {
    const std::string other = names(that)[k];
    if (answers[k].size() != answers[0].size())
      throw Disagreement(that.name + ": chainrule and " + other + " compute different things");
    for (std::size_t i = 0; i < answers[0].size(); ++i) {
      const double distance = Summary(answers[0][i]).distance(Summary(answers[k][i]));
      if (!(distance <= that.tolerance))
        throw Disagreement(
            fmt::format("{}: chainrule and {} disagree by {:.1e}, more than {:.1e}, in line {}:\n  {}\n  {}",
                        that.name, other, distance, that.tolerance, i + 1, answers[0][i], answers[k][i]));
      largest = std::max(largest, distance);
    }
  }
  return largest;
}

Bench::Numbers Bench::in_turns(const std::vector<std::string>& programs, int rounds,
                               const std::function<double(const std::string&)>& ask) const {
  Numbers numbers;
  const auto start = std::chrono::steady_clock::now();
  const auto time_is_up = [&] {
    const std::chrono::duration<double, std::milli> taken = std::chrono::steady_clock::now() - start;
    return taken.count() > effort_.most_milliseconds;
  };
  for (int round = 0; round < rounds && (round == 0 || !time_is_up()); ++round)
    for (const std::string& program : programs) numbers[program].push_back(ask(program));
  return numbers;
}

Bench::Numbers Bench::numbers(const Case& that) {
  switch (that.kind) {
    case Kind::time: {
      const auto ask = [&](const std::string& program) {
        const std::string question = fmt::format("{} {} {}", effort_.is_cpu_time ? "cpu" : "time",
                                                 step_of(program, that), effort_.milliseconds);
        return std::stod(child(program).ask(question).at(0));
      };
      for (const std::string& program : names(that))
        child(program).ask(fmt::format("time {} 1", step_of(program, that)));  // to warm up
      return in_turns(names(that), effort_.rounds, ask);
    }
    case Kind::memory:
      return in_turns(names(that), 1, [&](const std::string& program) { return peak(program, that); });
    case Kind::startup_time:
      return in_turns(names(that), effort_.processes,
                      [&](const std::string& program) { return process(program, false); });
    case Kind::startup_memory:
      return in_turns(names(that), 3, [&](const std::string& program) { return process(program, true); });
    case Kind::compile_time:
      return in_turns(names(that), effort_.compilations, [&](const std::string& program) {
        std::vector<std::string> command = build_["compile"][program];
        command.insert(command.begin(), build_["measure"]);
        return std::stod(output_of(command));
      });
    case Kind::library_size:
      return in_turns(names(that), 1, [&](const std::string& program) { return library_size(program); });
  }
  return {};
}

Result Bench::measure(const Case& that) {
  Result result{that, {}, {}, {}, {}};
  children_.clear();
  for (auto& [program, numbers] : numbers(that)) {
    const double number = median(std::move(numbers)) / that.parts;
    if (program == "chainrule") result.chainrule = number;
    if (program == "libtorch") result.libtorch = number;
    if (program == "floor") result.floor = number;
    if (program == passes) result.floor = number * that.pass_count;
    if (program_of(program) == "libtorch")
      result.libtorch_at_best = std::min(result.libtorch_at_best.value_or(number), number);
  }
  return result;
}

double Bench::peak(const std::string& program, const Case& that) const {
  return std::stod(start(program)->ask("memory " + step_of(program, that)).at(0));
}

double Bench::process(const std::string& program, bool memory) const {
  std::istringstream words(
      output_of({build_["measure"], build_["walkthrough"][program]}, environment(program)));
  double nanoseconds = 0, bytes = 0;
  words >> nanoseconds >> bytes;
  return memory ? bytes : nanoseconds;
}

/// What a program needs beyond what chainrule needs, too: the C and C++ run time, and OpenBLAS, which it
/// loads for large products.
double Bench::library_size(const std::string& program) const {
  if (program == "chainrule") {
    const std::string stripped = build_["scratch"].get<std::string>() + "/stripped_library";
    output_of({"strip", "--strip-unneeded", "-o", stripped, build_["library"]});
    const auto size = static_cast<double>(fs::file_size(stripped));
    fs::remove(stripped);
    return size;
  }
  std::set<fs::path> common = libraries_of(build_["walkthrough"]["chainrule"]);
  common.merge(libraries_of(build_["programs"]["floor"]));
  double bytes = 0;
  for (const fs::path& file : libraries_of(build_["walkthrough"][program]))
    if (!common.contains(file)) bytes += static_cast<double>(fs::file_size(file));
  return bytes;
}

std::string Bench::machine() {
  std::string processor = "unknown processor";
  int count = 0;
  std::ifstream information("/proc/cpuinfo");
  for (std::string line; std::getline(information, line);)
    if (line.starts_with("model name")) {
      processor = line.substr(line.find(':') + 2);
      ++count;
    }
  std::string text = fmt::format("{} with {} CPUs", processor, count);
  for (const auto& [program, path] : build_["programs"].items())
    text += "; " + child(program).ask("about").at(0);
  if (threads_ > 1 && has_libtorch())
    text += has_openmp_blas() ? ", at best on the OpenMP build of OpenBLAS where that is faster"
                              : " (install libopenblas0-openmp to try the OpenMP build of OpenBLAS, too)";
  return text;
}

}  // namespace bench
