// chainrule_ranks: `chainrule train` where mpirun has started several of it, which becomes this program then.
// The only file of the tool that needs MPI.

#include <fmt/format.h>

#include <optional>
#include <stdexcept>
#include <utility>

#include "chainrule/autograd.h"
#include "chainrule/distributed.h"
#include "chainrule/error.h"
#include "chainrule/ops.h"
#include "command.h"
#include "text.h"
#include "tool.h"

namespace chainrule::cli {
namespace {

using distributed::Reduce;
using distributed::World;

/// The error of a rank, for the others.
struct Failure {
  bool is_command = false;
  std::string text;
};

std::optional<Failure> failure_of(FunctionRef<void()> action) {
  try {
    action();
  } catch (const CommandError& error) {
    return Failure{true, std::string(without_place(error))};
  } catch (const std::exception& error) {
    return Failure{false, std::string(without_place(error))};
  }
  return {};
}

class RanksOfWorld final : public Ranks {
 public:
  explicit RanksOfWorld(const World& world) : world_(world) {}

  int rank() const override { return world_.rank(); }
  int size() const override { return world_.size(); }

  void alike(FunctionRef<void()> action) const override {
    const std::optional<Failure> mine = failure_of(action);
    const int first = first_where(mine.has_value());
    if (first == size()) return;
    const Failure all = mine.value_or(Failure());
    const std::string text = from(first, (all.is_command ? "c" : " ") + all.text);
    // One that all have, or that rank 0 had to look for, needs no name of a rank.
    const std::string named = (first > 0 ? fmt::format("rank {}: ", first) : "") + text.substr(1);
    if (text[0] == 'c') throw CommandError(named);
    throw std::runtime_error(named);
  }

  void require_equal(std::string_view what, const std::string& value) const override {
    const int other = first_where(value != from(0, value));
    if (other < size())
      throw CommandError(
          fmt::format("{} differs: rank {} has something else than rank 0; give all ranks the "
                      "same options and files",
                      what, other));
  }

  std::string from_first(const std::string& text) const override { return from(0, text); }
  NamedTensors from_first(const NamedTensors& state) const override { return world_.broadcast_state(state); }

  std::vector<double> sum(const std::vector<double>& numbers) const override {
    return world_.all_reduce(tensor(numbers)).to_vector<double>();
  }

  void share(const std::vector<Parameter>& parameters) override {
    std::vector<Parameter> all = parameters;
    all.push_back(numbers_);
    parallel_.emplace(world_, all);
  }

  // The numbers go as the gradient of one more parameter: with the others, and not in messages of their own.
  std::vector<double> backward(Tensor loss, double weight, const std::vector<double>& numbers) override {
    std::vector<double> all = numbers;
    all.resize(most_numbers);
    const Tensor riding = chainrule::sum(numbers_ * cast(tensor(all), numbers_.dtype()));
    loss = loss.is_empty() ? riding : loss * (weight * size()) + riding;
    parallel_->backward(std::move(loss));
    std::vector<double> sums = cast(numbers_.grad(), DType::float64).to_vector<double>();
    numbers_.zero_grad();
    sums.resize(numbers.size());
    for (double& each : sums) each *= size();
    return sums;
  }

  void end_others(const std::string& reason) const override { world_.abort(reason); }

 private:
  /// The first rank that says so; size() where none does.
  int first_where(bool so) const {
    return world_.all_reduce(tensor(so ? rank() : size()), Reduce::min).item<int>();
  }

  std::string from(int root, const std::string& text) const {
    std::vector<std::int64_t> letters(text.begin(), text.end());
    letters = world_.broadcast_state({{"text", tensor(letters)}}, root)[0].second.to_vector<std::int64_t>();
    return {letters.begin(), letters.end()};
  }

  const World& world_;
  Parameter numbers_{zeros({most_numbers}, DType::float32), "numbers of the step"};
  std::optional<distributed::DataParallel> parallel_;
};

int run(int count, char** values) {
  const World world(count, values);
  const Launched started = launched();
  if (world.size() != started.size) {
    if (started.rank == 0)
      fmt::print(
          stderr,
          "chainrule train: the launcher has started {} ranks, of which MPI sees {}; start them with the "
          "mpirun of the MPI that chainrule is built with\n",
          started.size, world.size());
    return 2;
  }
  RanksOfWorld ranks(world);
  return run_tool(count, values, ranks);
}

}  // namespace
}  // namespace chainrule::cli

int main(int count, char** values) { return chainrule::cli::run(count, values); }
