// What reads the elements of all samples of vmaps at once: random numbers by parameters, and checks of
// values.

#pragma once

#include "graph/traced.h"

namespace chainrule {

/// Random numbers that draw(parameters) gives, which reads the elements of these, and takes any axes before
/// theirs. Those of each sample where vmaps around say so; where they are the same for all samples, each
/// sample's parameters meet the same numbers of the generator. GradError where vmaps refuse them. What comes
/// out has no history.
Tensor drawn_from_samples(std::string_view operation, const Tensor& parameters, Generator& generator,
                          FunctionRef<Tensor(const Tensor& elements)> draw);
/// With the elements of all samples of all vmaps around, along first axes; of primals.
Tensor elements_of_all_samples(const Tensor& tensor);

}  // namespace chainrule
