// What several tests need: reading tensors, comparing them, catching errors, random numbers.
// Relies on public headers only.

#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <random>
#include <string>
#include <typeinfo>
#include <vector>

#include "chainrule/ops.h"
#include "chainrule/tensor.h"

namespace chainrule::test {

#if defined(__has_feature)
inline constexpr bool address_sanitized = __has_feature(address_sanitizer);
inline constexpr bool thread_sanitized = __has_feature(thread_sanitizer);
#else
#ifdef __SANITIZE_ADDRESS__
inline constexpr bool address_sanitized = true;
#else
inline constexpr bool address_sanitized = false;
#endif
#ifdef __SANITIZE_THREAD__
inline constexpr bool thread_sanitized = true;
#else
inline constexpr bool thread_sanitized = false;
#endif
#endif
inline constexpr bool sanitized = address_sanitized || thread_sanitized;

/// The address sanitizer must see every allocation, so the pool recycles nothing under it.
#define SKIP_WITHOUT_POOL() \
  if (::chainrule::test::address_sanitized) GTEST_SKIP() << "no pool under the address sanitizer"

// ---- Reading and comparing -------------------------------------------------------------------------

/// The elements of a tensor of any dtype.
std::vector<double> values(const Tensor& tensor);

/// Same shape, and |actual - expected| <= tolerance · max(1, |expected|) element by element. NaN equals
/// NaN, and an infinity only itself.
::testing::AssertionResult close(const Tensor& actual, const Tensor& expected, double tolerance);
/// The same, against elements in row-major order.
::testing::AssertionResult close(const Tensor& actual, const std::vector<double>& expected,
                                 double tolerance = 1e-12);
/// Same shape and exactly these elements; NaN equals NaN.
::testing::AssertionResult equals(const Tensor& actual, const Shape& shape,
                                  const std::vector<double>& expected);

/// Two numbers agree as in close().
bool agree(double actual, double expected, double tolerance);

// ---- Errors ----------------------------------------------------------------------------------------

/// What `function` complains about. The test fails when it throws nothing, or another type of error.
template <class Error, class Function>
std::string message_of(Function&& function) {
  try {
    function();
  } catch (const Error& error) {
    return error.what();
  } catch (const std::exception& error) {
    ADD_FAILURE() << "threw " << typeid(error).name() << " instead: " << error.what();
    return {};
  }
  ADD_FAILURE() << "threw nothing";
  return {};
}

/// Does the message contain each of these?
::testing::AssertionResult mentions(const std::string& message, const std::vector<std::string>& words);

// ---- Random numbers --------------------------------------------------------------------------------

/// CHAINRULE_TEST_SEED of the environment, or a fixed number.
std::uint64_t seed();

/// Prints the seed with every failure in the scope that follows.
#define PRINT_SEED_ON_FAILURE() \
  SCOPED_TRACE("repeat with CHAINRULE_TEST_SEED=" + std::to_string(::chainrule::test::seed()))

using Engine = std::mt19937_64;
double uniform(Engine& engine, double low, double high);
/// float64, each element uniform between low and high.
Tensor random_tensor(const Shape& shape, Engine& engine, double low = -1, double high = 1);

// ---- Threads -------------------------------------------------------------------------------------------

/// Runs `function` in a thread whose stack has this many bytes, and waits for it.
void run_on_stack(std::size_t bytes, const std::function<void()>& function);

}  // namespace chainrule::test

namespace chainrule {
/// For gtest's messages.
void PrintTo(const Shape& shape, std::ostream* out);
}  // namespace chainrule
