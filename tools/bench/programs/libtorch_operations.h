// Single operations of all families, each with its derivative, as a user of LibTorch writes them.
// chainrule_operations.h has the same cases.

#pragma once

#include "libtorch_base.h"

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
Tensor gelu_of(const Tensor& x) { return torch::gelu(x); }
Tensor erf_of(const Tensor& x) { return torch::erf(x); }
Tensor silu_of(const Tensor& x) { return torch::silu(x); }

struct Angles : DifferentiateFrom<Angles> {
  Angles(std::int64_t count, float low, float high) : in(count, low, high) {}
  bench::PairInputs in;
  Tensor x = variable(tensor(in.x)), a = variable(tensor(in.a)), seed = tensor(in.seed);
  std::array<Tensor*, 2> leaves() { return {&x, &a}; }
  Tensor value() { return torch::atan2(x, a); }
};

Tensor cumsum_last(const Tensor& x) { return x.cumsum(-1); }
Tensor sort_last(const Tensor& x) { return std::get<0>(x.sort(-1)); }
Tensor topk_last(const Tensor& x) { return std::get<0>(x.topk(10)); }
Tensor var_last(const Tensor& x) { return x.var(at::IntArrayRef{-1}); }
Tensor median_last(const Tensor& x) { return std::get<0>(x.median(-1)); }
Tensor prod_last(const Tensor& x) { return x.prod(-1); }
Tensor slices(const Tensor& x) {
  const std::vector<Tensor> parts = x.chunk(4, 1);
  return torch::sigmoid(parts[0]) * torch::tanh(parts[1]) + torch::sigmoid(parts[2]) * parts[3];
}
Tensor differences(const Tensor& x) { return x.slice(0, 1).slice(1, 0, -1) - x.slice(0, 0, -1).slice(1, 1); }
Tensor channels_last(const Tensor& x) { return x.permute({0, 2, 3, 1}).square().sum(-1); }
Tensor energy_of_frames(const Tensor& x) { return x.unfold(1, 64, 32).square().sum(-1); }
Tensor clamped(const Tensor& x) { return x.clamp(-0.5, 0.5).sum(-1); }
Tensor times_small(const Tensor& x) {
  static const Tensor weight = torch::full({8, 8}, 0.125);
  return torch::matmul(x, weight);
}
template <std::int64_t N>
Tensor sampled(const Tensor& x) {  // N images
  static const Tensor theta = torch::tensor({0.8F, -0.3F, 0.1F, 0.3F, 0.8F, -0.1F}).reshape({1, 2, 3});
  static const Tensor grid = torch::affine_grid_generator(theta.expand({N, 2, 3}), x.sizes(), false);
  return torch::grid_sampler(x, grid, 0, 0, false);
}
Tensor normalized_as_before(const Tensor& x) {
  static const Tensor mean = torch::full({x.size(1)}, 0.25), variance = mean + 1, weight = mean + 2;
  return torch::batch_norm(x, weight, mean, mean, variance, false, 0.1, 1e-5, false);
}
Tensor rolled(const Tensor& x) { return x.roll({37}, {1}); }
Tensor taken_along(const Tensor& x) {
  static const Tensor index = tensor(bench::some_places(x.numel(), x.size(1))).reshape(x.sizes());
  return torch::take_along_dim(x, index, 1);
}
Tensor distances_of_rows(const Tensor& x) { return torch::cdist(x, x * 0.5); }
Tensor manhattan_of_pairs(const Tensor& x) { return torch::pdist(x, 1); }
Tensor cosines(const Tensor& x) { return torch::cosine_similarity(x, x * x); }
Tensor times_transposed(const Tensor& x) {
  static const Tensor weight = torch::full({1024, 1024}, 0.125);
  return torch::matmul(x, weight.t());
}
Tensor cumprod_last(const Tensor& x) { return torch::cumprod(x * 0.1 + 1, -1); }
Tensor inverses(const Tensor& x) { return torch::linalg::inv(x + 4 * torch::eye(5)); }

struct Embedding : DifferentiateFrom<Embedding> {
  bench::EmbeddingInputs in;
  Tensor table = variable(tensor(in.table, {in.rows, in.width})), positions = tensor(in.positions),
         seed = tensor(in.seed, {in.count, in.width});
  std::array<Tensor*, 1> leaves() { return {&table}; }
  Tensor value() { return torch::embedding(table, positions); }
};

/// With a sparse gradient, whose rows alone are stepped.
struct EmbeddingSgd {
  static constexpr bool learns = true;
  bench::EmbeddingInputs in;
  Tensor table = variable(tensor(in.table, {in.rows, in.width})), positions = tensor(in.positions),
         seed = tensor(in.seed, {in.count, in.width});
  void step() {
    torch::embedding(table, positions, -1, false, /*sparse=*/true).backward(seed);
    const torch::NoGradGuard no_grad;
    table.add_(table.grad(), -in.learning_rate);
    zero_grad(table);
  }
  void report(bench::Report& report) { add(report, "parameter", table); }
};

/// One step of an optimiser, whose gradient stays where it is.
struct AdamStep {
  static constexpr bool learns = true;
  bench::AdamInputs in;
  Tensor weights = variable(tensor(in.weights));
  torch::optim::Adam optimizer{{weights}, torch::optim::AdamOptions(in.learning_rate)};
  AdamStep() { weights.mutable_grad() = tensor(in.gradient); }
  void step() { optimizer.step(); }
  void report(bench::Report& report) { add(report, "parameter", weights); }
};

/// f of a square matrix; the gradient from above begins the seeds.
template <Tensor (*f)(const Tensor&), bool symmetric>
struct OfSquare : DifferentiateFrom<OfSquare<f, symmetric>> {
  explicit OfSquare(std::int64_t size) : in(size, symmetric) {}
  bench::SquareInputs in;
  Tensor matrix = variable(tensor(in.matrix, {in.size, in.size}));
  Tensor seed = tensor(in.seed).narrow(0, 0, f(matrix).numel()).reshape(f(matrix).sizes()).clone();
  std::array<Tensor*, 1> leaves() { return {&matrix}; }
  Tensor value() { return f(matrix); }
};
Tensor cholesky_of(const Tensor& a) { return torch::linalg_cholesky(a); }
Tensor log_determinant(const Tensor& a) { return std::get<1>(torch::linalg_slogdet(a)); }

struct Solve : DifferentiateFrom<Solve> {
  explicit Solve(std::int64_t size) : in(size, false) {}
  bench::SquareInputs in;
  Tensor matrix = variable(tensor(in.matrix, {in.size, in.size})), vector = variable(tensor(in.vector)),
         seed = tensor(in.seed).narrow(0, 0, in.size).clone();
  std::array<Tensor*, 2> leaves() { return {&matrix, &vector}; }
  Tensor value() { return torch::linalg_solve(matrix, vector); }
};

}  // namespace
