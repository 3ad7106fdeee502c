// Reading what tests/reference/optim/make.py has written: PyTorch's steps, number by number.
// support.h compares the numbers.

#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "paths.h"

namespace chainrule::test {

using nlohmann::json;
using Numbers = std::vector<double>;

inline json reference(const std::string& name) {
  std::ifstream in(tests_path("reference/optim/" + name + ".json"));
  return json::parse(in);
}

/// The numbers of nested lists, in order.
inline Numbers flat(const json& numbers) {
  Numbers all;
  for (const json& one : numbers) {
    const Numbers inner = one.is_array() ? flat(one) : Numbers{one.get<double>()};
    all.insert(all.end(), inner.begin(), inner.end());
  }
  return all;
}

/// Sets what options a case has, and counts them, so that none goes unheeded.
class Reader {
 public:
  explicit Reader(const json& options) : options_(options) {}
  ~Reader() { EXPECT_EQ(used_, options_.size()) << "not all options are known: " << options_; }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;
  template <class T>
  Reader& operator()(const char* name, T& option) {
    if (!options_.contains(name)) return *this;
    option = options_[name].get<T>();
    ++used_;
    return *this;
  }

 private:
  const json& options_;
  std::size_t used_ = 0;
};

}  // namespace chainrule::test
