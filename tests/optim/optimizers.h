// An optimiser of each kind, for tests that hold for all.
// A new one is added here.

#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "chainrule/optim.h"

namespace chainrule::test {

/// An optimiser of each kind that steps along gradients, with options that use all of its state.
struct OptimizerKind {
  std::string name;
  std::function<std::unique_ptr<Optimizer>(const std::vector<Parameter>&)> make;
};

inline std::vector<OptimizerKind> optimizer_kinds() {
  using Parameters = const std::vector<Parameter>&;
  return {
      {"Sgd",
       [](Parameters p) {
         return std::make_unique<Sgd>(p, SgdOptions{.momentum = 0.9, .weight_decay = 0.1, .dampening = 0.25});
       }},
      {"Adam",
       [](Parameters p) {
         return std::make_unique<Adam>(p, AdamOptions{.weight_decay = 0.1, .amsgrad = true});
       }},
      {"AdamW", [](Parameters p) { return std::make_unique<AdamW>(p); }},
      {"NAdam", [](Parameters p) { return std::make_unique<NAdam>(p); }},
      {"RmsProp",
       [](Parameters p) {
         return std::make_unique<RmsProp>(p, RmsPropOptions{.momentum = 0.8, .centered = true});
       }},
      {"Adagrad",
       [](Parameters p) {
         return std::make_unique<Adagrad>(p, AdagradOptions{.learning_rate_decay = 0.1, .initial_sum = 0.5});
       }},
      {"Adadelta", [](Parameters p) { return std::make_unique<Adadelta>(p); }},
      {"Lion", [](Parameters p) { return std::make_unique<Lion>(p); }},
  };
}

}  // namespace chainrule::test
