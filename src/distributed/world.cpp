// The ranks of a program: start, end, comparisons, and what ends all of them. MPI starts with the first World
// and ends with the program; an exception on one rank ends all.

#include "chainrule/distributed/world.h"

#include <unistd.h>

#include <cmath>
#include <cstdlib>
#include <exception>

#include "array/array.h"
#include "array/number_text.h"
#include "chainrule/ops.h"
#include "distributed/threads.h"
#include "distributed/transport.h"

namespace chainrule::distributed {
namespace {

/// The World that is, for what happens at exit().
const World* the_world = nullptr;

void at_exit() {
  static const pid_t started = getpid();  // children that it has forked are no ranks
  if (the_world != nullptr && getpid() == started)
    the_world->abort("the process exits, while its World goes on; return from main() instead");
}

std::shared_ptr<Transport> started(int* argc, char*** argv, const WorldOptions& options) {
  if (the_world != nullptr) throw std::logic_error("World: there is one already in this process; use that");
  if (!(options.timeout > 0))
    throw std::invalid_argument("World: timeout is " + number_text(options.timeout) + ", not a number > 0");
  if (options.threads < 0)
    throw std::invalid_argument("World: threads is " + std::to_string(options.threads) +
                                ", not a number >= 0");
  return std::make_shared<Transport>(argc, argv, options.timeout);
}

/// As much of a text as a message can show.
std::string shown(std::string_view text) {
  if (text.size() <= 500) return "'" + std::string(text) + "'";
  return "'" + std::string(text.substr(0, 500)) + "...' with hash " +
         hash_text(chainrule::detail::hash_of(text.data(), text.size()));
}

std::string shown(const Tensor& value) {
  const std::size_t bytes = static_cast<std::size_t>(value.size()) * item_size(value.dtype());
  const std::string hash = " with hash " + hash_text(chainrule::detail::hash_of(elements_of(value), bytes));
  if (value.rank() == 0) return to_string(value) + (is_floating(value.dtype()) ? hash : "");
  return std::string(to_string(value.dtype())) + " " + to_string(value.shape()) + hash;
}

}  // namespace

World::World(int& argc, char**& argv, const WorldOptions& options) : World(&argc, &argv, options) {}
World::World(const WorldOptions& options) : World(nullptr, nullptr, options) {}

World::World(int* argc, char*** argv, const WorldOptions& options)
    : transport_(started(argc, argv, options)), exceptions_(std::uncaught_exceptions()) {
  static const bool registered = std::atexit(at_exit) == 0;
  (void)registered;
  try {
    share_processors(options.threads);
    check_equal("version of chainrule", CHAINRULE_VERSION);
  } catch (const std::exception& error) {
    transport_->abort(error.what(), transport_->is_common(error.what()));
  }
  the_world = this;
}

World::~World() {
  if (std::uncaught_exceptions() > exceptions_) abort("an exception has ended what its World was for");
  try {
    transport_->finish();
  } catch (const std::exception& error) {
    transport_->abort(error.what(), transport_->is_common(error.what()));
  }
  the_world = nullptr;
}

int World::rank() const { return transport_->rank; }
int World::size() const { return transport_->size; }
void World::barrier() const { transport_->agree({.operation = "barrier"}); }
World::Traffic World::traffic() const { return transport_->traffic; }
void World::abort(std::string_view reason) const { transport_->abort(reason); }

void World::check_equal(std::string_view name, std::string_view value) const {
  transport_->agree({.operation = "check_equal '" + std::string(name) + "'", .value = shown(value)});
}

void World::check_equal(std::string_view name, const Tensor& value) const {
  transport_->agree({.operation = "check_equal '" + std::string(name) + "'", .value = shown(value)});
}

int detail::run(int& argc, char**& argv, const WorldOptions& options, FunctionRef<int(World&)> program) {
  World world(argc, argv, options);
  const auto ended_by = [&](std::string_view reason) {
    world.transport()->abort(reason, world.transport()->is_common(reason));
  };
  int status = 0;
  try {
    status = program(world);
  } catch (const std::exception& error) {
    ended_by(error.what());
  } catch (...) {
    ended_by("an exception that is no std::exception");
  }
  return status;
}

}  // namespace chainrule::distributed
