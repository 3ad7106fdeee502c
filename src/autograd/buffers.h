// What a function does to the buffers of modules, as running statistics, when it is called again to be
// differentiated. Relies on Buffer telling its thread of each assignment.

#pragma once

#include <utility>
#include <vector>

#include "chainrule/nn/parameter.h"

namespace chainrule {

/// Buffers and what they hold at some time.
using BufferValues = std::vector<std::pair<Buffer, Tensor>>;

/// While this exists in its thread: to which buffers something is assigned, as the next seed of a Dropout and
/// the statistics of a BatchNorm, and what they held before.
class AssignedBuffers {
 public:
  AssignedBuffers() : around_(std::exchange(newest_, this)) {}
  ~AssignedBuffers() { newest_ = around_; }
  AssignedBuffers(const AssignedBuffers&) = delete;
  AssignedBuffers& operator=(const AssignedBuffers&) = delete;
  /// To be called before each assignment.
  static void note(const Buffer& buffer);
  BufferValues before;

 private:
  [[gnu::tls_model("initial-exec")]] static constinit thread_local AssignedBuffers* newest_;
  AssignedBuffers* around_;
};

/// While this exists, the buffers hold these values, and then again what they hold now.
class BuffersAsBefore {
 public:
  explicit BuffersAsBefore(const BufferValues& before) {
    for (const auto& [buffer, value] : before) now_.emplace_back(buffer, buffer.value());
    put(before);
  }
  ~BuffersAsBefore() { put(now_); }
  BuffersAsBefore(const BuffersAsBefore&) = delete;
  BuffersAsBefore& operator=(const BuffersAsBefore&) = delete;

 private:
  static void put(const BufferValues& values) {
    for (const auto& [buffer, value] : values) buffer.assign(value);
  }
  BufferValues now_;
};

}  // namespace chainrule
