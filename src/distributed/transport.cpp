// MPI below all else.
// What ranks are about to do is compared first, so that a mistake is an error and not a hang.

#include "distributed/transport.h"

#include <algorithm>
#include <array>
#include <climits>
#include <cstdio>
#include <cstring>
#include <stdexcept>
#include <thread>
#include <vector>

#include "array/array.h"
#include "array/number_text.h"
#include "chainrule/ops.h"
#include "graph/node.h"

namespace chainrule::distributed {
namespace {

/// A call as it is sent where calls differ: what is too long is cut off.
struct Record {
  std::array<char, 96> operation;
  std::array<char, 16> dtype;
  std::array<char, 256> shape;
  std::array<char, 656> value;
};

template <std::size_t N>
void put(std::array<char, N>& to, const std::string& text) {
  to.fill('\0');
  std::memcpy(to.data(), text.data(), std::min(text.size(), N - 1));
}

Record record_of(const Call& call) {
  Record record;
  put(record.operation, call.operation);
  put(record.dtype, call.dtype);
  put(record.shape, call.shape);
  put(record.value, call.value);
  return record;
}

std::uint64_t hash_of_call(const Call& call) {
  std::uint64_t hash = 0;
  for (const std::string* text : {&call.operation, &call.dtype, &call.shape, &call.value})
    hash = chainrule::detail::hash_of(text->data(), text->size(), hash + text->size() + 1);
  return hash;
}

/// Does this thread record at all?
bool is_recording() { return (variable(tensor(0.0)) * 1.0).requires_grad(); }

MPI_Comm duplicate() {
  MPI_Comm copy = MPI_COMM_NULL;
  check(MPI_Comm_dup(MPI_COMM_WORLD, &copy), "World");
  check(MPI_Comm_set_errhandler(copy, MPI_ERRORS_RETURN), "World");
  return copy;
}

/// Says whether it has started MPI.
bool start(int* argc, char*** argv) {
  int started = 0, ended = 0;
  MPI_Initialized(&started);
  MPI_Finalized(&ended);
  if (ended != 0)
    throw std::logic_error("World: MPI has ended in this process and cannot start again; keep one World");
  if (started != 0) return false;
  int level = 0;
  check(MPI_Init_thread(argc, argv, MPI_THREAD_SERIALIZED, &level), "World");
  return true;
}

int number_from(int (*get)(MPI_Comm, int*)) {
  int number = 0;
  get(MPI_COMM_WORLD, &number);
  return number;
}

}  // namespace

void check(int code, std::string_view what) {
  if (code == MPI_SUCCESS) return;
  std::array<char, MPI_MAX_ERROR_STRING> text = {};
  int length = 0;
  MPI_Error_string(code, text.data(), &length);
  throw DistributedError(std::string(what) +
                         ": MPI says: " + std::string(text.data(), static_cast<std::size_t>(length)));
}

std::string hash_text(std::uint64_t hash) {
  std::array<char, 17> text = {};
  std::snprintf(text.data(), text.size(), "%016llx", static_cast<unsigned long long>(hash));
  return text.data();
}

Call call_on(std::string operation, const Tensor& x) {
  return {std::move(operation), std::string(to_string(x.dtype())), to_string(x.shape())};
}

const void* elements_of(const Tensor& x) { return value_of(x).raw(); }

MPI_Datatype type_of(DType dtype) {
  switch (dtype) {
    case DType::int64: return MPI_INT64_T;
    case DType::float32: return MPI_FLOAT;
    case DType::float64: return MPI_DOUBLE;
    default: break;
  }
  // The others are only moved.
  switch (item_size(dtype)) {
    case 1: return MPI_BYTE;
    case 2: return MPI_UINT16_T;
    case 4: return MPI_UINT32_T;
    default: return MPI_UINT64_T;
  }
}

int count_of(std::int64_t count) {
  if (count > INT_MAX)
    throw std::length_error("distributed: " + std::to_string(count) +
                            " elements at once are more than MPI can count; split the tensor");
  return static_cast<int>(count);
}

Transport::Transport(int* argc, char*** argv, double timeout)
    : started_here(start(argc, argv)),
      rank(number_from(MPI_Comm_rank)),
      size(number_from(MPI_Comm_size)),
      data(duplicate()),
      first(duplicate()),
      second(duplicate()),
      calls_(duplicate()),
      timeout_(timeout) {}

void Transport::require_usable(std::string_view operation) const {
  if (ended_)
    throw std::logic_error(std::string(operation) +
                           ": its World has ended; what communicates, derivatives among it, needs it");
  if (!broken_.empty())
    throw DistributedError(std::string(operation) + ": not possible any more, as " + broken_);
}

bool Transport::is_done(MPI_Request& request) const {
  int done = 0;
  check(MPI_Test(&request, &done, MPI_STATUS_IGNORE), "distributed");
  return done != 0;
}

// What takes long is most likely another rank that computes, perhaps on this very processor: it is left to
// that, and the answer found a tenth later at most.
void Transport::wait(MPI_Request& request, std::string_view what) {
  using Clock = std::chrono::steady_clock;
  using std::chrono::microseconds;
  constexpr microseconds soon(200), longest(200);
  if (is_done(request)) return;
  const auto begin = Clock::now();
  while (!is_done(request)) {
    const auto waited = Clock::now() - begin;
    if (waited > soon)
      std::this_thread::sleep_for(std::min<Clock::duration>(waited / 10, longest));
    else if (waited > soon / 10)
      std::this_thread::yield();
    if (std::chrono::duration<double>(waited).count() > timeout_)
      abort(std::string(what) + ": the other ranks have not come within " + number_text(timeout_) +
            " s; WorldOptions.timeout allows more");
  }
}

Agreed Transport::agree(const Call& call, bool needs_gradient) {
  return Agreement(*this, call, needs_gradient).wait();
}

Transport::Agreement::Agreement(Transport& transport, Call call, bool needs_gradient)
    : transport_(transport), call_(std::move(call)) {
  transport.require_usable(call_.operation);
  const auto hash = static_cast<std::int64_t>(hash_of_call(call_));
  const std::int64_t records = is_recording() ? 1 : 0;
  const std::int64_t needs = needs_gradient && records == 1 ? 1 : 0;
  mine_ = Summary{hash, ~hash, -needs, records, -records};
  check(MPI_Iallreduce(&mine_, &all_, sizeof mine_ / sizeof hash, MPI_INT64_T, MPI_MIN, transport.calls_,
                       &request_),
        call_.operation);
}

Transport::Agreement::~Agreement() {
  // What MPI still writes to must not go. Others come, or all are ended.
  if (request_ != MPI_REQUEST_NULL) transport_.wait(request_, call_.operation);
}

void Transport::Agreement::judge() {
  judged_ = true;
  if (all_.hash != ~all_.not_hash) transport_.report_difference(call_);
  if (all_.not_needs < 0 && all_.records != -all_.not_records) {
    transport_.common_ =
        call_.operation +
        ": some ranks record it for derivatives, others do not; let all call it under NoGrad, or none";
    throw DistributedError(transport_.common_);
  }
}

bool Transport::Agreement::settled() {
  if (judged_) return true;
  if (!transport_.is_done(request_)) return false;
  judge();
  return true;
}

Agreed Transport::Agreement::wait() {
  if (!judged_) {
    transport_.wait(request_, call_.operation);
    judge();
  }
  return {.any = all_.not_needs < 0};
}

/// All ranks have the same calls before them, and so the same message.
void Transport::report_difference(const Call& call) {
  std::vector<Record> records(static_cast<std::size_t>(size));
  const Record mine = record_of(call);
  MPI_Request request = MPI_REQUEST_NULL;
  check(MPI_Iallgather(&mine, sizeof mine, MPI_BYTE, records.data(), sizeof mine, MPI_BYTE, calls_, &request),
        call.operation);
  wait(request, call.operation);
  const Record& zero = records.front();
  for (std::size_t r = 1; r < records.size(); ++r) {
    const Record& other = records[r];
    const std::string name = "rank " + std::to_string(r), operation = zero.operation.data();
    const auto has = [&](const char* what, const char* its, const char* of_zero) {
      return common_ = operation + ": " + name + " has " + what + its + ", rank 0 " + of_zero;
    };
    if (other.operation != zero.operation)
      throw DistributedError(common_ = name + " is at " + other.operation.data() + ", rank 0 at " +
                                       operation +
                                       "; all ranks must call the same operations in the same order");
    if (other.dtype != zero.dtype)
      throw DTypeError(has("dtype ", other.dtype.data(), zero.dtype.data()) + "; cast to one dtype");
    if (other.shape != zero.shape)
      throw ShapeError(has("shape ", other.shape.data(), zero.shape.data()) +
                       "; all ranks must give one shape");
    if (other.value != zero.value)
      throw DistributedError(has("", other.value.data(), zero.value.data()) + "; they must be equal");
  }
  throw DistributedError(common_ = call.operation + ": the ranks differ in what is too long to show here");
}

void Transport::abort(std::string_view reason, bool all_say_so) const {
  // Rank 0 speaks for all, and ends them.
  if (all_say_so && rank != 0) std::this_thread::sleep_for(std::chrono::seconds(2));
  std::fflush(stdout);
  std::fprintf(stderr, "rank %d of %d: %.*s\n", rank, size, static_cast<int>(reason.size()), reason.data());
  std::fflush(stderr);
  MPI_Abort(MPI_COMM_WORLD, 1);
  std::abort();
}

void Transport::finish() {
  if (ended_) return;
  agree({.operation = "the end of the program"});
  ended_ = true;
  for (MPI_Comm* each : {&data, &first, &second, &calls_}) MPI_Comm_free(each);
  if (started_here) MPI_Finalize();
}

}  // namespace chainrule::distributed
