// Learns what pictures of strokes have in common, and draws new ones: an encoder says which two numbers,
// about, a picture stands for, and a decoder draws the picture that two numbers stand for. Samples of a
// normal distribution are differentiated in its mean and deviation.
//
//   variational_autoencoder [STEPS]
//
//   step    0  loss 51.24
//   ...
//   step 2000  loss 21.91
//   +#*:      *=:       -.
//   :+%#=     ##*=.     *+:.      .
//     -%%+:   :+#%#-.   *%%+:     +=:       -.        .
//      :%%*-    .*%#+-  :=#%#+-.  +#%*-.    #*=.      *=.
//       :*#*     .=***    .+#**+  :=#%#*=:  *#%%*-.   %%#+-.
//        .*=       :=+     .-=++    .-=+*+  .:+%#*+=  =*#@%*=:
//         .-        .:       ..:       :-=     .-+**    .-*##*
//          .                            .:       :==      .-++
//
// Source: Kingma and Welling, "Auto-encoding variational Bayes", 2014.
#include <chainrule/chainrule.h>

#include <cstdio>
#include <cstdlib>
#include <numbers>

using namespace chainrule;

namespace {

constexpr std::int64_t side = 8, pixels = side * side, latent = 2;

/// Strokes through a picture at any angle and place, from 0, black, to 1: (count, pixels).
Tensor strokes(std::int64_t count, Generator& generator) {
  const Tensor angle = uniform(0.0, std::numbers::pi, {count, 1}, generator);
  const Tensor offset = uniform(-2.0, 2.0, {count, 1}, generator);
  const Tensor place = linspace(-3.5, 3.5, side);
  const Tensor x = tile(place, {side}), y = repeat_interleave(place, side);
  return exp(-square(x * cos(angle) + y * sin(angle) - offset));
}

struct Autoencoder {
  Linear encoder, center, spread, decoder, picture;
  explicit Autoencoder(Generator& generator)
      : encoder(pixels, 64, generator),
        center(64, latent, generator),
        spread(64, latent, generator),
        decoder(latent, 64, generator),
        picture(64, pixels, generator) {}
  /// Logits of the pixels.
  Tensor decode(const Tensor& z) const { return picture(tanh(decoder(z))); }
  CHAINRULE_MEMBERS(encoder, center, spread, decoder, picture)
};

/// The negative evidence lower bound, of a picture on average: what the decoder gets wrong, plus how much the
/// encoder tells beyond what is always known, a divergence of normal distributions.
Tensor loss_of(const Autoencoder& network, const Tensor& x, Generator& generator) {
  const Tensor h = tanh(network.encoder(x));
  const Tensor mean_z = network.center(h), log_variance = network.spread(h);
  const Tensor z = normal(mean_z, exp(log_variance / 2), generator);
  const Tensor wrong = binary_cross_entropy_with_logits(network.decode(z), x, 1, Reduction::sum);
  const Tensor told = sum(exp(log_variance) + square(mean_z) - 1 - log_variance) / 2;
  return (wrong + told) / double(x.shape()[0]);
}

void draw(const Tensor& pictures) {  // (count, pixels), beside each other
  constexpr std::string_view shades = " .:-=+*#%@";
  for (std::int64_t row = 0; row < side; ++row) {
    for (std::int64_t each = 0; each < pictures.shape()[0]; ++each) {
      for (std::int64_t column = 0; column < side; ++column) {
        const double value = pictures[each][row * side + column].item();
        std::printf("%c", shades[static_cast<std::size_t>(value * 9.99)]);
      }
      std::printf("  ");
    }
    std::printf("\n");
  }
}

}  // namespace

int main(int argc, char** argv) {
  const int steps = argc > 1 ? std::atoi(argv[1]) : 2000;
  set_default_dtype(DType::float32);
  Generator generator(2);
  const Autoencoder network(generator);
  Adam optimizer(parameters(network), {.learning_rate = 3e-3});
  double first = 0, last = 0;
  for (int step = 0; step <= steps; ++step) {
    const Tensor loss = loss_of(network, strokes(64, generator), generator);
    last = loss.item();
    if (step == 0) first = last;
    if (step % 500 == 0 || step == steps) std::printf("step %4d  loss %.2f\n", step, last);
    loss.backward();
    optimizer.step();
  }
  const Tensor from_left_to_right = stack({linspace(-1.5, 1.5, 6), full({6}, 0.5)}, 1);
  draw(no_grad([&] { return sigmoid(network.decode(from_left_to_right)); }));
  return last < 0.8 * first ? 0 : 1;
}
