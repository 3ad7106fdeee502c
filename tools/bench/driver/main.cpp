// Compares chainrule with LibTorch and with hand-written loops: see tools/bench/run.sh. Options are here;
// bench.h measures, table.h prints.

#include <fnmatch.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <set>

#include "bench.h"
#include "chainrule/io.h"
#include "table.h"

namespace {

using namespace bench;

struct Options {
  int threads = 1;
  std::vector<std::string> only;
  std::string json;
  bool quick = false, markdown = false, check = false, list = false, without_libtorch = false, cpu = false;
};

/// The cases that a pattern names: the one that is called so, or all that have it in their names.
std::vector<Case> named(const std::string& pattern, const std::vector<Case>& cases) {
  std::vector<Case> exact, similar;
  for (const Case& that : cases) {
    if (that.name == pattern) exact.push_back(that);
    if (fnmatch(("*" + pattern + "*").c_str(), that.name.c_str(), 0) == 0) similar.push_back(that);
  }
  if (similar.empty())
    throw std::runtime_error("--only: no case has '" + pattern + "' in its name; --list shows all");
  return exact.empty() ? similar : exact;
}

std::vector<Case> chosen_cases(const Options& options) {
  const std::vector<Case> all = all_cases();
  if (options.only.empty()) return all;
  std::set<std::string> names;
  for (const std::string& pattern : options.only)
    for (const Case& that : named(pattern, all)) names.insert(that.name);
  std::vector<Case> cases;
  for (const Case& that : all)
    if (names.contains(that.name)) cases.push_back(that);
  return cases;
}

/// Where things are, which the build wrote beside this program.
nlohmann::json build_description(bool without_libtorch) {
  const auto path = std::filesystem::read_symlink("/proc/self/exe").parent_path() / "bench.json";
  std::ifstream file(path);
  if (!file) throw std::runtime_error(path.string() + " is missing; build again");
  auto build = nlohmann::json::parse(file);
  if (without_libtorch)
    for (auto& [key, value] : build.items())
      if (value.is_object()) value.erase("libtorch");
  return build;
}

void run(const Options& options) {
  const std::vector<Case> cases = chosen_cases(options);
  if (options.list) {
    for (const Case& that : cases) std::printf("%s\n", that.name.c_str());
    return;
  }

  Effort effort = options.quick ? quick : thorough;
  effort.is_cpu_time = options.cpu;
  Bench bench(build_description(options.without_libtorch), options.threads, effort);
  if (options.check) {
    for (const Case& that : cases)
      if (that.kind == Kind::time)
        std::printf("%-24s agree to %.1e (%.0e is asked for)\n", that.name.c_str(), bench.check(that),
                    that.tolerance);
    return;
  }

  if (!options.json.empty()) chainrule::require_writable(options.json);
  const Format format = options.markdown ? Format::markdown : Format::plain;
  const std::string machine = bench.machine();
  std::printf("%s; threads: %d%s\n\n%s", machine.c_str(), options.threads,
              options.cpu ? ", processor's time" : "", table_head(format).c_str());
  std::vector<Result> results;
  int disagreements = 0;
  for (const Case& that : cases) {
    std::fflush(stdout);
    try {
      if (that.kind == Kind::time) bench.check(that);
    } catch (const Disagreement& error) {
      std::fprintf(stderr, "%s\n", error.what());
      ++disagreements;
      continue;
    }
    results.push_back(bench.measure(that));
    std::fputs(table_row(results.back(), options.threads, format).c_str(), stdout);
  }
  if (!bench.has_libtorch())
    std::printf("\nLibTorch is not there to compare with: apt-get install libtorch-dev, then start again.\n");
  if (!options.json.empty())
    chainrule::save_file(options.json, to_json(results, machine, options.threads).dump(2) + '\n');
  if (disagreements > 0)
    throw std::runtime_error(std::to_string(disagreements) + " cases disagree and were not timed");
}

}  // namespace

int main(int count, char** values) {
  std::signal(SIGPIPE, SIG_IGN);
  CLI::App app(
      "Times chainrule, LibTorch and hand-written loops (the floor) on the same work, in turns, and prints "
      "medians with two ratios: LibTorch's at its best by chainrule's, chainrule's by the floor's. Idle "
      "programs are stopped. Thread counts are set alike, and OpenBLAS chooses the kernels for the processor "
      "by itself in all of them. LibTorch runs as installed and also tuned: malloc told to keep its pages "
      "(MALLOC_MMAP_THRESHOLD_, MALLOC_TRIM_THRESHOLD_) and, with several threads, on the OpenMP build of "
      "OpenBLAS; the best of these, case by case, is what counts.",
      "run.sh");
  Options options;
  app.add_option("--threads", options.threads, "Threads for each program (default 1)")
      ->check(CLI::Range(1, 1024));
  app.add_option("--only", options.only,
                 "Only the case of this name, or all with this in their names; * and ? as in file names; may "
                 "be repeated")
      ->expected(1)
      ->take_all();
  app.add_option("--json", options.json, "Also write the results to this file");
  app.add_flag("--quick", options.quick, "About a minute for all cases, and noisier");
  app.add_flag(
      "--cpu", options.cpu,
      "Of steps the processor's time, all threads together: for a machine that also does other things");
  app.add_flag("--markdown", options.markdown, "Print the table as Markdown");
  app.add_flag("--check", options.check, "Only check that the programs compute the same numbers");
  app.add_flag("--list", options.list, "Only list the cases");
  app.add_flag("--without-libtorch", options.without_libtorch, "Leave LibTorch out");
  CLI11_PARSE(app, count, values);
  try {
    run(options);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "run.sh: %s\n", error.what());
    return 1;
  }
}
