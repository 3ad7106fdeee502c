// A small transformer that writes names: every letter attends to all those before it, where names_network
// sees the last three.
//
//   names_transformer [STEPS]
//
//   27547 parameters
//   step   0  loss 4.336
//   step  50  loss 1.911
//   step 100  loss 1.640
//   step 150  loss 1.565
//   new names: tetara frisas marla pourig mirelcin gona marlel belia vitoj henno irsta ezjera
//
// Source: Vaswani and others, "Attention is all you need", 2017.
#include <chainrule/chainrule.h>

#include <cstdio>
#include <cstdlib>

#include "names.h"

using namespace chainrule;

namespace {

constexpr std::int64_t length = 10, features = 32, heads = 4;

struct Transformer {
  Embedding letters, places;
  std::vector<TransformerEncoderLayer> blocks;
  LayerNorm norm;
  Linear output;
  explicit Transformer(Generator& generator)
      : letters(names::symbols, features, generator),
        places(length, features, generator),
        norm(features),
        output(features, names::symbols, generator) {
    const TransformerOptions options = {.feedforward = 4 * features, .batch_first = true, .norm_first = true};
    for (int i = 0; i < 2; ++i) blocks.emplace_back(features, heads, generator, options);
  }
  /// Letters (n, up to length) give scores of each one's successor, (n, up to length, symbols).
  Tensor operator()(const Tensor& x) const {
    Tensor h = letters(x) + places(arange(0, x.shape()[1]));
    for (const TransformerEncoderLayer& block : blocks) h = block(h, {.causal = true});
    return output(norm(h));
  }
  CHAINRULE_MEMBERS(letters, places, blocks, norm, output)
};

/// A row for each name: what is read, which begins with 0, and what comes next, which ends with 0. What is
/// behind the end counts nothing.
Dataset rows_of(const std::vector<std::string>& words) {
  std::vector<std::int64_t> read, next;
  for (const std::string& word : words) {
    const std::size_t end = read.size() + length;
    read.push_back(0);
    for (const char letter : word) {
      read.push_back(names::number_of(letter));
      next.push_back(names::number_of(letter));
    }
    next.push_back(0);
    read.resize(end, 0);
    next.resize(end, CrossEntropyOptions{}.ignore_index);
  }
  const auto count = static_cast<std::int64_t>(words.size());
  return {tensor(std::move(read), {count, length}), tensor(std::move(next), {count, length}), names::symbols};
}

std::string write_name(const Transformer& network, Generator& generator) {
  std::vector<std::int64_t> read = {0};
  std::string name;
  while (read.size() < length) {
    const Tensor scores = network(tensor(read, {1, static_cast<std::int64_t>(read.size())}))[0][-1];
    const auto next = categorical(softmax(scores), generator).item<std::int64_t>();
    if (next == 0) break;
    name += names::letter_of(next);
    read.push_back(next);
  }
  return name;
}

}  // namespace

int main(int argc, char** argv) {
  const int steps = argc > 1 ? std::atoi(argv[1]) : 150;
  set_default_dtype(DType::float32);
  Generator generator(3);
  const Dataset data = rows_of(names::all());

  Transformer network(generator);
  std::printf("%d parameters\n", int(count_parameters(network)));
  AdamW optimizer(parameters(network), {.learning_rate = 4e-3});
  Scheduler scheduler(optimizer, Schedule::chained({Schedule::linear(0.1, 1, 10), Schedule::cosine(steps)}));
  double first = 0, last = 0;
  for (int step = 0; step <= steps; ++step) {
    // With options, cross_entropy has the classes in the second axis.
    const Tensor loss = cross_entropy(swapaxes(network(data.x), 1, 2), data.y, CrossEntropyOptions{});
    last = loss.item();
    if (step == 0) first = last;
    if (step % 50 == 0 || step == steps) std::printf("step %3d  loss %.3f\n", step, last);
    loss.backward();
    clip_grad_norm(optimizer.parameters(), 1.0);
    optimizer.step();
    scheduler.step();
  }

  eval(network);  // no dropout any more
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
