// Single operations of all families, each with its derivative, as a user of chainrule writes them.
// libtorch_operations.h has the same cases.

#pragma once

#include <chainrule/optim.h>

#include "chainrule_base.h"

namespace {

/// f of a million numbers.
template <Tensor (*f)(const Tensor&)>
struct OfNumbers : DifferentiateFrom<OfNumbers<f>> {
  OfNumbers(std::int64_t count, float low, float high) : in(count, low, high) {}
  bench::PairInputs in;
  Tensor x = variable(tensor(in.x)), seed = tensor(in.seed);
  std::array<Tensor*, 1> leaves() { return {&x}; }
  Tensor value() { return f(x); }
};
Tensor gelu_of(const Tensor& x) { return gelu(x); }
Tensor erf_of(const Tensor& x) { return erf(x); }
Tensor silu_of(const Tensor& x) { return silu(x); }

struct Angles : DifferentiateFrom<Angles> {
  Angles(std::int64_t count, float low, float high) : in(count, low, high) {}
  bench::PairInputs in;
  Tensor x = variable(tensor(in.x)), a = variable(tensor(in.a)), seed = tensor(in.seed);
  std::array<Tensor*, 2> leaves() { return {&x, &a}; }
  Tensor value() { return atan2(x, a); }
};

Tensor cumsum_last(const Tensor& x) { return cumsum(x, -1); }
Tensor sort_last(const Tensor& x) { return sort(x).values; }
Tensor topk_last(const Tensor& x) { return topk(x, 10).values; }
Tensor var_last(const Tensor& x) { return var(x, -1); }
Tensor median_last(const Tensor& x) { return median(x, -1).values; }
Tensor prod_last(const Tensor& x) { return prod(x, -1); }
Tensor slices(const Tensor& x) {
  const auto part = [&](std::int64_t i) { return x[{Slice{}, Slice{i * 128, (i + 1) * 128}}]; };
  return sigmoid(part(0)) * tanh(part(1)) + sigmoid(part(2)) * part(3);
}
Tensor differences(const Tensor& x) {
  return x[{Slice{1, {}}, Slice{0, -1}}] - x[{Slice{0, -1}, Slice{1, {}}}];
}
Tensor channels_last(const Tensor& x) { return sum(square(permute(x, {0, 2, 3, 1})), -1); }
Tensor energy_of_frames(const Tensor& x) { return sum(square(unfold(x, 1, 64, 32)), -1); }
Tensor clamped(const Tensor& x) { return sum(clamp(x, -0.5, 0.5), -1); }
Tensor times_small(const Tensor& x) {
  static const Tensor weight = full({8, 8}, 0.125, DType::float32);
  return matmul(x, weight);
}
template <std::int64_t N>
Tensor sampled(const Tensor& x) {  // N images
  static const Tensor theta = tensor({{{0.8F, -0.3F, 0.1F}, {0.3F, 0.8F, -0.1F}}});
  static const Tensor grid = affine_grid(broadcast_to(theta, {N, 2, 3}), x.shape());
  return grid_sample(x, grid);
}
Tensor normalized_as_before(const Tensor& x) {
  static const Tensor mean = full({x.shape()[1]}, 0.25, DType::float32), variance = mean + 1,
                      weight = mean + 2;
  return batch_norm(x, mean, variance, {.weight = weight, .bias = mean});
}
Tensor rolled(const Tensor& x) { return roll(x, 37, 1); }
Tensor taken_along(const Tensor& x) {
  static const Tensor index = tensor(bench::some_places(x.size(), x.shape()[1]), x.shape());
  return take_along_axis(x, index, 1);
}
Tensor distances_of_rows(const Tensor& x) { return cdist(x, x * 0.5); }
Tensor manhattan_of_pairs(const Tensor& x) { return pdist(x, 1); }
Tensor cosines(const Tensor& x) { return cosine_similarity(x, x * x); }
Tensor times_transposed(const Tensor& x) {
  static const Tensor weight = full({1024, 1024}, 0.125, DType::float32);
  return matmul(x, transpose(weight));
}
Tensor cumprod_last(const Tensor& x) { return cumprod(x * 0.1 + 1, -1); }
Tensor inverses(const Tensor& x) { return inverse(x + 4 * eye(5, {}, DType::float32)); }

struct Embedding : DifferentiateFrom<Embedding> {
  bench::EmbeddingInputs in;
  Tensor table = variable(tensor(in.table, {in.rows, in.width})), positions = tensor(in.positions),
         seed = tensor(in.seed, {in.count, in.width});
  std::array<Tensor*, 1> leaves() { return {&table}; }
  Tensor value() { return embedding(table, positions); }
};

struct EmbeddingSgd {
  static constexpr bool learns = true;
  bench::EmbeddingInputs in;
  Parameter table{tensor(in.table, {in.rows, in.width}), "table"};
  Tensor positions = tensor(in.positions), seed = tensor(in.seed, {in.count, in.width});
  Sgd optimizer{{table}, {.learning_rate = bench::EmbeddingInputs::learning_rate}};
  void step() {
    embedding(table, positions).backward(seed);
    optimizer.step();
  }
  void report(bench::Report& report) { add(report, "parameter", table); }
};

/// One step of an optimiser; that the gradient comes in costs nothing.
struct AdamStep {
  static constexpr bool learns = true;
  bench::AdamInputs in;
  Parameter weights{tensor(in.weights), "weights"};
  Tensor gradient = tensor(in.gradient);
  Adam optimizer{{weights}, {.learning_rate = bench::AdamInputs::learning_rate}};
  void step() {
    Tensor(weights).backward(gradient);
    optimizer.step();
  }
  void report(bench::Report& report) { add(report, "parameter", weights); }
};

/// f of a square matrix; the gradient from above begins the seeds.
template <Tensor (*f)(const Tensor&), bool symmetric>
struct OfSquare : DifferentiateFrom<OfSquare<f, symmetric>> {
  explicit OfSquare(std::int64_t size) : in(size, symmetric) {}
  bench::SquareInputs in;
  Tensor matrix = variable(tensor(in.matrix, {in.size, in.size}));
  Tensor seed = tensor(std::span<const float>(in.seed).first(f(matrix).size()), f(matrix).shape());
  std::array<Tensor*, 1> leaves() { return {&matrix}; }
  Tensor value() { return f(matrix); }
};
Tensor cholesky_of(const Tensor& a) { return cholesky(a); }
Tensor log_determinant(const Tensor& a) { return slogdet(a).logabsdet; }

struct Solve : DifferentiateFrom<Solve> {
  explicit Solve(std::int64_t size) : in(size, false) {}
  bench::SquareInputs in;
  Tensor matrix = variable(tensor(in.matrix, {in.size, in.size})), vector = variable(tensor(in.vector)),
         seed = tensor(std::span<const float>(in.seed).first(in.size), {in.size});
  std::array<Tensor*, 2> leaves() { return {&matrix, &vector}; }
  Tensor value() { return solve(matrix, vector); }
};

}  // namespace
