// A small number for each running thread, which a node keeps of the thread that made it. That of a thread
// that has ended goes to a new one.

#pragma once

#include <cstdint>

namespace chainrule {

/// A small number for each running thread. That of a thread that has ended goes to a new one.
using ThreadId = std::uint16_t;
/// Of a thread that is ending, or that found no number left.
constexpr ThreadId no_thread = 0;

namespace detail {

constexpr ThreadId unknown_thread = 0xFFFF;
// initial-exec and constant-initialised: an access is one instruction, without a guard.
[[gnu::tls_model("initial-exec")]] extern constinit thread_local ThreadId current_thread;
ThreadId number_this_thread();

}  // namespace detail

inline ThreadId this_thread() {
  const ThreadId known = detail::current_thread;
  return known != detail::unknown_thread ? known : detail::number_this_thread();
}

}  // namespace chainrule
