// Dropout as a layer: the function of distributions.h, with a generator that the layer keeps.
// Evaluated, it gives its argument.

#include "chainrule/nn/dropout.h"

#include <limits>

#include "array/number_text.h"
#include "chainrule/distributions.h"

namespace chainrule {

Dropout::Dropout(double given, Generator& generator)
    : p(given), seed(tensor(generator.below(std::numeric_limits<std::int64_t>::max())), false) {
  if (!(p >= 0 && p <= 1))
    throw std::invalid_argument("Dropout: p is " + number_text(p) + "; it is a probability, from 0 to 1");
}

Tensor Dropout::operator()(const Operand& x) const {
  if (!is_on()) return x.as_tensor();
  Generator generator = next_generator();
  return dropout(x, p, generator);
}

Generator Dropout::next_generator() const {
  Generator generator(static_cast<std::uint64_t>(seed.value().item<std::int64_t>()));
  seed.assign(tensor(generator.below(std::numeric_limits<std::int64_t>::max())));
  return generator;
}

}  // namespace chainrule
