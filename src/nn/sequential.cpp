// One module after another, with errors that say which.
// Modules of any kind are held by AnyModule.

#include "chainrule/nn/sequential.h"

#include <algorithm>

namespace chainrule {

// Compiled here, as almost every program that includes nn would have to otherwise.
AnyModule::AnyModule(Tensor (*function)(const Operand&))
    : held_(std::make_unique<Of<Tensor (*)(const Operand&)>>(function)) {}

Sequential& Sequential::add(AnyModule module, std::string name) {
  if (name.empty()) name = std::to_string(modules_.size());
  if (name.find_first_of(".,") != std::string::npos)
    throw std::invalid_argument("Sequential: '" + name +
                                "' is no name of a module; leave out dots, which stand between names, and "
                                "commas");
  if (std::ranges::any_of(modules_, [&](const auto& each) { return each.first == name; }))
    throw std::invalid_argument("Sequential: there is a module '" + name + "' already; give it another name");
  modules_.emplace_back(std::move(name), std::move(module));
  return *this;
}

void Sequential::name_all() const { name_parameters(*this); }

Tensor Sequential::operator()(const Operand& x) const {
  Tensor signal = x.as_tensor();
  for (const auto& [name, module] : modules_) signal = module(signal);
  return signal;
}

}  // namespace chainrule
