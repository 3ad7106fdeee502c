// The table of cases, with their goals and which programs have them.
// What each case does is written in the programs.

#include "cases.h"

namespace bench {
namespace {

// float32 results differ by the order of sums and by the last bits of exp and tanh; float64 ones by less.
constexpr double float32 = 3e-5, float64 = 1e-8;

Case step(std::string name, double tolerance, Goals goals, Goals goals_of_two = {}) {
  return {.name = name, .step = name, .tolerance = tolerance, .goals = goals, .goals_of_two = goals_of_two};
}
Case chain(std::string name, double parts, Libtorch libtorch, Goals goals) {
  return {
      .name = name, .step = name, .parts = parts, .tolerance = float64, .libtorch = libtorch, .goals = goals};
}
Case without_floor(Case that) {
  that.has_floor = false;
  return that;
}
/// A transform of a function, against so many passes of another step of the same program.
Case transform(std::string name, double pass_count, std::string passes, double at_most) {
  Case that = step(name, float32, {.floor = at_most});
  that.libtorch = Libtorch::never;
  that.has_floor = false;
  that.passes = std::move(passes);
  that.pass_count = pass_count;
  return that;
}
/// The memory of a case that is timed, too.
Case memory(Case timed, Goals goals) {
  timed.name += "_memory";
  timed.kind = Kind::memory;
  timed.goals = goals;
  timed.goals_of_two = {};
  return timed;
}

}  // namespace

std::vector<Case> all_cases() {
  std::vector<Case> cases;
  cases.push_back(step("walkthrough", float64, {.faster = 99}));
  // A multiply-add is two nodes.
  cases.push_back(chain("chain_1e3", 2e3, Libtorch::always, {.faster = 60}));
  cases.push_back(chain("chain_1e6", 2e6, Libtorch::unless_quick, {.faster = 60}));
  cases.push_back(memory(cases.back(), {.at_most = 200}));
  cases.push_back(step("half_moons", float32, {.faster = 21.7, .floor = 2.2}));

  const auto network = [&](const char* name, Goals goals, Goals goals_of_two) {
    cases.push_back(step(name, float32, goals, goals_of_two));
    cases.push_back(memory(cases.back(), {.faster = 1 / 0.7}));
  };
  network("network_batch1", {2.6, 1}, {});
  network("network_batch32", {1.63, 0.72}, {});
  network("network_batch128", {1.16, 1}, {1.4, 1.15});
  network("network_batch1024", {1.05, 1.01}, {1.4, 1.15});

  cases.push_back(step("elementwise_operators", float32, {.faster = 3.5}));
  cases.push_back(step("elementwise_map", float32, {8, 2}));
  cases.push_back(step("cross_entropy_128x10", float32, {12, 1.15}));
  cases.push_back(step("cross_entropy_1024x1000", float32, {5.7, 1.15}));
  cases.push_back(step("cross_entropy_256x50257", float32, {9.6, 1.15}));
  for (const char* name : {"broadcast_row", "broadcast_column"})
    cases.push_back(step(name, float32, {2, 1.3}));
  for (const char* name : {"sum_axis0", "sum_axis1", "sum_all"})
    cases.push_back(step(name, float32, {1.3, 1.2}));
  for (const char* name : {"max_axis0", "max_axis1", "transpose"})
    cases.push_back(step(name, float32, {1, 1.2}));
  cases.push_back(step("matmul_64", float32, {2.5, 1.1}));
  cases.push_back(step("matmul_256", float32, {1.05, 1.03}));
  cases.push_back(step("matmul_1024", float32, {1.08, 1.02}));
  cases.push_back(step("matmul_64x32x32", float32, {}));

  // Shapes and chains that nobody tunes for.
  for (const char* name : {"matmul_10000x4x4", "tall_matrix", "tall_matrix_transposed", "attention",
                           "pairwise_distances", "pairwise_norms", "max_last3", "softmax_last3",
                           "log_softmax_middle", "max_apart", "powers", "branches", "outer_exp"})
    cases.push_back(step(name, float32, {.faster = 1.5}));
  for (const char* name : {"sum_last3", "sum_apart", "permute_6"})  // passes over memory
    cases.push_back(step(name, float32, {.faster = 2}));

  // Operations of all families, forward and backward; LibTorch has kernels of its own for each.
  cases.push_back(step("conv2d_3x3", float32, {.faster = 1.1}));
  cases.push_back(step("conv2d_5x5_weights", float32, {.faster = 1.5}));
  cases.push_back(
      without_floor(step("conv2d_dilated", float32, {.faster = 1})));  // nothing but multiply-adds
  cases.push_back(without_floor(step("lenet_batch64", float32, {.faster = 1.6})));
  cases.push_back(step("max_pool2d", float32, {.faster = 5}));
  cases.push_back(step("layer_norm", float32, {.faster = 2}));
  cases.push_back(step("batch_norm", float32, {.faster = 3}));
  cases.push_back(step("gelu", float32, {.faster = 3.5}));
  cases.push_back(step("erf", float32, {.faster = 4}));
  cases.push_back(step("atan2", float32, {.faster = 3}));
  cases.push_back(step("silu", float32, {.faster = 1.3}));
  cases.push_back(step("embedding", float32, {.faster = 2}));
  cases.push_back(step("embedding_sgd", float32, {.faster = 5}));
  cases.push_back(step("adam_1e6", float32, {.faster = 1.5, .floor = 1.1}));
  for (const char* name : {"cumsum", "sort", "topk_10"}) cases.push_back(step(name, float32, {.faster = 2}));
  cases.push_back(step("var", float32, {.faster = 6}));
  for (const char* name : {"cholesky_200", "solve_200", "slogdet_200"})
    cases.push_back(without_floor(step(name, float32, {.faster = 1.1})));
  cases.push_back(step("attention_8x4x128", float32, {.faster = 1.8}));
  // The weights alone would be 268 MB; inputs, the gradient from above and those to be made are 29 MB.
  cases.push_back({.name = "attention_4096_memory",
                   .kind = Kind::memory,
                   .step = "attention_4096",
                   .libtorch = Libtorch::never,
                   .has_floor = false,
                   .goals = {.at_most = 64e6 + 7 * 4.0 * 4 * 4096 * 64}});
  cases.push_back(without_floor(step("lstm", float32, {.faster = 5})));
  cases.push_back(without_floor(step("transformer_block", float32, {.faster = 1.4})));
  for (const char* name : {"max_pool2d_overlapping",
                           "conv2d_depthwise",
                           "conv2d_stride2",
                           "conv2d_depthwise_stride2",
                           "conv2d_1x1",
                           "conv2d_to_one",
                           "loss_of_logits",
                           "conv_transpose2d",
                           "avg_pool2d",
                           "adaptive_avg_pool2d",
                           "roll",
                           "take_along_axis",
                           "cdist",
                           "pdist_manhattan",
                           "cosine_similarity",
                           "cumprod",
                           "times_transposed",
                           "median",
                           "prod_last8",
                           "slices",
                           "differences",
                           "channels_last",
                           "frames",
                           "clamp_sum",
                           "matmul_4000x8x8",
                           "grid_sample",
                           "grid_sample_images",
                           "batch_norm_evaluated",
                           "inverse_2048x5x5"})
    cases.push_back(without_floor(step(name, float32, {.faster = 1.5})));

  // Transforms of functions, against passes of the same function.
  cases.push_back(transform("jvp_network", 1, "network_forward", 2.5));
  cases.push_back(transform("hvp_network", 1, "network_backward", 3.1));
  cases.push_back(memory(cases.back(), {.floor = 3}));
  cases.push_back(transform("jacobian_100", 1, "jacobian_100_rows", 0.1));
  cases.push_back(step("jacobian_100", float32, {}));
  cases.back().name = "jacobian_100_products";
  cases.back().libtorch = Libtorch::never;
  cases.push_back(transform("hessian_rosenbrock", 100, "hvp_rosenbrock", 0.2));
  cases.push_back(transform("per_sample_gradients", 1, "batch_gradient", 4));
  cases.push_back(without_floor(step("pinn_step", 1e-3, {.faster = 5})));
  cases.push_back(transform("checkpoint_100_layers", 1, "plain_100_layers", 1.4));
  cases.push_back(memory(cases.back(), {.floor = 0.25}));
  for (const auto& [name, at_most] :
       {std::pair("custom_gradient", 1.5), std::pair("custom_gradient_tensors", 0.0)}) {
    cases.push_back(transform(name, 1, "builtin_gradient", at_most));
    cases.back().parts = 1000;
  }

  cases.push_back({.name = "startup_time", .kind = Kind::startup_time, .goals = {.faster = 30}});
  cases.push_back({.name = "startup_memory", .kind = Kind::startup_memory, .goals = {.faster = 8}});
  cases.push_back(
      {.name = "compile_time", .kind = Kind::compile_time, .goals = {.faster = 12, .at_most = 1e9}});
  cases.push_back({.name = "library_size", .kind = Kind::library_size, .goals = {.at_most = 8e6}});

  // Work and memory per node must not grow with the graph.
  const std::pair<const char*, double> sizes[] = {
      {"nodes_1e3", 1e3}, {"nodes_1e4", 1e4}, {"nodes_1e5", 1e5}, {"nodes_1e6", 1e6}, {"nodes_1e7", 1e7}};
  for (const auto& [name, nodes] : sizes) cases.push_back(chain(name, nodes, Libtorch::never, {}));
  for (std::size_t i = cases.size() - std::size(sizes), end = cases.size(); i < end; ++i)
    cases.push_back(memory(cases[i], {}));
  return cases;
}

std::optional<double> Result::faster() const {
  if (!chainrule || !libtorch_at_best) return {};
  return *libtorch_at_best / *chainrule;
}

std::optional<double> Result::above_floor() const {
  if (!chainrule || !floor) return {};
  return *chainrule / *floor;
}

}  // namespace bench
