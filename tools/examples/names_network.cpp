// A language model of letters: which one comes next, given the last three? It learns that from 160 first
// names, and then writes some of its own, letter by letter.
//
//   names_network [STEPS]
//
//   step   0  loss 4.056
//   step 100  loss 1.302
//   ...
//   step 400  loss 1.009
//   a letter that is guessed at random: 3.296
//   new names: tobianca maoda jona ingrida ine tin ther alinus jona anda tiviana samira
//
// Source: Bengio, Ducharme, Vincent and Jauvin, "A neural probabilistic language model", 2003.
#include <chainrule/chainrule.h>

#include <cstdio>
#include <cstdlib>

#include "names.h"

using namespace chainrule;

namespace {

constexpr std::int64_t seen = 3;  // letters

struct Network {
  Embedding letters;
  Linear hidden, output;
  explicit Network(Generator& generator)
      : letters(names::symbols, 8, generator),
        hidden(seen * 8, 64, generator),
        output(64, names::symbols, generator) {}
  /// The last letters (n, seen), as numbers, give scores of the next one, (n, symbols).
  Tensor operator()(const Tensor& last) const { return output(tanh(hidden(flatten(letters(last), 1)))); }
  CHAINRULE_MEMBERS(letters, hidden, output)
};

/// Every letter of every name, and its end, with the letters before it.
Dataset every_letter(const std::vector<std::string>& words) {
  std::vector<std::int64_t> before, next;
  for (const std::string& word : words) {
    std::vector<std::int64_t> numbers(seen, 0);
    for (const char letter : word) numbers.push_back(names::number_of(letter));
    numbers.push_back(0);
    for (std::size_t i = seen; i < numbers.size(); ++i) {
      before.insert(before.end(), &numbers[i - seen], &numbers[i]);
      next.push_back(numbers[i]);
    }
  }
  const auto count = static_cast<std::int64_t>(next.size());
  return {tensor(std::move(before), {count, seen}), tensor(std::move(next), {count}), names::symbols};
}

/// Draws letter after letter, each with the probability that the network gives it, until one is the end.
std::string write_name(const Network& network, Generator& generator) {
  std::vector<std::int64_t> last(seen, 0);
  std::string name;
  while (name.size() < 12) {
    const Tensor probabilities = softmax(network(tensor(last, {1, seen})));
    const auto next = categorical(probabilities, generator).item<std::int64_t>();
    if (next == 0) break;
    name += names::letter_of(next);
    last.erase(last.begin());
    last.push_back(next);
  }
  return name;
}

}  // namespace

int main(int argc, char** argv) {
  const int steps = argc > 1 ? std::atoi(argv[1]) : 400;
  set_default_dtype(DType::float32);
  Generator generator(1);
  const Dataset data = every_letter(names::all());

  Network network(generator);
  AdamW optimizer(parameters(network), {.learning_rate = 0.01, .weight_decay = 0.1});
  Scheduler scheduler(optimizer, Schedule::cosine(steps));
  double first = 0, last = 0;
  for (int step = 0; step <= steps; ++step) {
    const Tensor loss = cross_entropy(network(data.x), data.y);
    last = loss.item();
    if (step == 0) first = last;
    if (step % 100 == 0 || step == steps) std::printf("step %3d  loss %.3f\n", step, last);
    loss.backward();
    optimizer.step();
    scheduler.step();
  }
  std::printf("a letter that is guessed at random: %.3f\n", log(tensor(double(names::symbols))).item());

  std::printf("new names:");
  const NoGrad no_graph;
  for (int written = 0; written < 12;) {
    const std::string name = write_name(network, generator);
    if (name.size() < 3 || names::is_known(name)) continue;
    std::printf(" %s", name.c_str());
    ++written;
  }
  std::printf("\n");
  return last < 0.8 * first ? 0 : 1;
}
