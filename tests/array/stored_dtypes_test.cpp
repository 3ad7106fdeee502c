// The dtypes that tensors only store, as uint8 and float16: what operations and derivatives make of
// them. How numbers are rounded to 16 bits is in halves_test.cpp.

#include <cmath>
#include <limits>
#include <set>
#include <sstream>

#include "chainrule/autograd.h"
#include "chainrule/chainrule.h"
#include "chainrule/testing.h"
#include "op_cases.h"
#include "support.h"
#include "temporary_files.h"

namespace chainrule::test {
namespace {

const std::vector<DType> stored = [] {
  std::vector<DType> found;
  for (std::size_t i = 0; i < std::size(detail::dtype_names); ++i)
    if (const auto dtype = static_cast<DType>(i); is_only_stored(dtype)) found.push_back(dtype);
  return found;
}();

// ---- Making, reading and printing

TEST(StoredDTypes, are_those_of_arrays) {
  EXPECT_EQ(tensor(std::vector<int>{1, -2}).dtype(), DType::int32);
  EXPECT_EQ(tensor(std::vector<unsigned char>{1, 255}).dtype(), DType::uint8);
  EXPECT_EQ(tensor(std::vector<Float16>{Float16(0.5)}).dtype(), DType::float16);
  const BFloat16 nested[2][1] = {{BFloat16(1)}, {BFloat16(3)}};
  EXPECT_EQ(tensor(nested).shape(), Shape({2, 1}));
  EXPECT_EQ(tensor({1, 2}).dtype(), DType::int64) << "numbers in braces";
  EXPECT_EQ(tensor(std::vector<unsigned long long>{1}).dtype(), DType::int64) << "which no tensor stores";
  std::vector<int> moved = {1, 2, 3};
  const int* const place = moved.data();
  const Tensor taken = tensor(std::move(moved));
  EXPECT_EQ(taken.data<int>().data(), place);
}

template <class T>
void expect_to_be_read_as() {
  const Tensor x = cast(tensor({1, 0}), dtype_of<T>);
  for (const Tensor& same : {x, tensor({1, 0})}) {
    const std::vector<T> elements = same.to_vector<T>();
    ASSERT_EQ(elements.size(), 2U);
    EXPECT_EQ(convert<int>(T(elements[0])), 1) << x.dtype();
    EXPECT_EQ(convert<int>(T(elements[1])), 0) << x.dtype();
  }
}
template <class... T>
void expect_each_to_be_read(TypeList<T...>) {
  (expect_to_be_read_as<T>(), ...);
}

TEST(StoredDTypes, as_all_others_are_read_by_their_type_and_cast_to_by_their_name) {
  expect_each_to_be_read(Elements{});
  for (std::size_t i = 0; i < std::size(detail::dtype_names); ++i) {
    const registry::Entry* const cast_to = registry::find(detail::dtype_names[i]);
    ASSERT_NE(cast_to, nullptr) << detail::dtype_names[i];
    EXPECT_EQ(cast_to->differentiable, is_floating(static_cast<DType>(i))) << cast_to->name;
  }
}

TEST(StoredDTypes, as_all_others_are_cast_alike_at_once_and_in_a_chain) {
  PRINT_SEED_ON_FAILURE();
  Engine engine(seed());
  constexpr std::int64_t rows = 80, columns = 301;  // so many that a cast waits, but not that of a row
  for (std::size_t i = 0; i < std::size(detail::dtype_names); ++i)
    for (std::size_t k = 0; k < std::size(detail::dtype_names); ++k) {
      const auto from = static_cast<DType>(i), to = static_cast<DType>(k);
      SCOPED_TRACE(std::string(to_string(from)) + " to " + std::string(to_string(to)));
      const Tensor x = cast(random_tensor({rows, columns}, engine, 0, 200), from);
      std::vector<Tensor> each;
      for (std::int64_t row = 0; row < rows; ++row) each.push_back(cast(x[row], to));
      const Tensor expected = stack(std::span<const Tensor>(each));
      EXPECT_TRUE(close(cast(x, to), expected, 0));
      EXPECT_TRUE(close(cast(transpose(x), to), transpose(expected), 0));
      EXPECT_TRUE(close(cast(flip(x, 0), to), flip(expected, 0), 0));
      EXPECT_TRUE(close(cast(broadcast_to(x[0], x.shape()), to), broadcast_to(expected[0], x.shape()), 0));
      const Tensor held = cast(x, to), sum = held + held;  // of which the first is wanted later
      EXPECT_TRUE(close(sum, expected + expected, 0));
      EXPECT_TRUE(close(held, expected, 0));
    }
}

TEST(StoredDTypes, of_whole_numbers_are_the_first_that_holds_a_number) {
  for (std::size_t i = 0; i < std::size(detail::dtype_names); ++i) {
    const auto dtype = static_cast<DType>(i);
    if (!is_integer(dtype)) continue;
    const int bits = 8 * static_cast<int>(item_size(dtype)) - (dtype == DType::uint8 ? 0 : 1);
    const std::int64_t largest = static_cast<std::int64_t>((std::uint64_t{1} << bits) - 1);
    EXPECT_EQ(Operand(largest).least_dtype(), dtype);
    EXPECT_TRUE(largest == INT64_MAX || Operand(largest + 1).least_dtype() > dtype);
  }
}

TEST(StoredDTypes, are_read_as_any_number) {
  for (const DType dtype : stored) {
    const Tensor x = full({3}, 5, dtype);
    EXPECT_EQ(x[1].item<int>(), 5);
    EXPECT_EQ(x[1].item(), 5.0);
    EXPECT_EQ(x.to_vector<float>(), std::vector<float>(3, 5.0F));
    EXPECT_TRUE(x[0] == 5) << dtype;
    EXPECT_TRUE(all(cast(cast(x, DType::float64), dtype) == x));
  }
  EXPECT_EQ(cast(tensor({300, -1}), DType::uint8).to_vector<std::int64_t>(),
            (std::vector<std::int64_t>{44, 255}));
  EXPECT_EQ(tensor(std::vector<int>{7}).to_vector<std::uint8_t>(), std::vector<std::uint8_t>{7});
  const Tensor whole = full({3}, 5, DType::int32);
  EXPECT_TRUE(
      mentions(message_of<DTypeError>([&] { (void)whole.data<std::int64_t>(); }), {"int32, not int64"}));
}

TEST(StoredDTypes, print_as_in_numpy) {
  EXPECT_EQ(to_string(tensor(std::vector<int>{1, -20})), "[  1 -20]");
  EXPECT_EQ(to_string(cast(tensor({0.1, 2.71875, 1.0 / 3}), DType::float16)), "[0.1    2.719  0.3333]");
  EXPECT_EQ(to_string(cast(Tensor(0.1), DType::float16)), "0.1");
  EXPECT_EQ(to_string(cast(Tensor(65504.0), DType::float16)), "65500.0");
  EXPECT_EQ(to_string(cast(Tensor(1.0 / 3), DType::bfloat16)), "0.334");
  EXPECT_EQ(to_string(cast(tensor({INFINITY, NAN}), DType::float16)), "[inf nan]");
  EXPECT_EQ(to_string(cast(tensor({108.94, -89.3125, 0.00213}), DType::float16)),  // their digits, not zeros
            "[ 1.0894e+02 -8.9312e+01  2.1305e-03]");
}

// ---- Which dtype results have

TEST(StoredDTypes, are_promoted_in_their_order) {
  EXPECT_EQ(promote(DType::uint8, DType::int32), DType::int32);
  EXPECT_EQ(promote(DType::int64, DType::uint8), DType::int64);
  EXPECT_EQ(promote(DType::int64, DType::float16), DType::float16);
  EXPECT_EQ(promote(DType::float16, DType::bfloat16), DType::float32);
  EXPECT_EQ(promote(DType::bfloat16, DType::float32), DType::float32);
  for (const DType a : stored)
    for (const DType b : stored) {
      EXPECT_EQ(promote(a, b), promote(b, a));
      EXPECT_EQ((ones({2}, a) + ones({2}, b)).dtype(), promote(a, b));
      EXPECT_EQ(where(tensor({true, false}), ones({2}, a), ones({2}, b)).dtype(), promote(a, b));
    }
}

TEST(StoredDTypes, of_whole_numbers_grow_where_a_number_asks_for_it) {
  const Tensor bytes = tensor(std::vector<std::uint8_t>{0, 200});
  EXPECT_EQ((bytes + 1).dtype(), DType::uint8);
  EXPECT_EQ((bytes + 55).to_vector<std::int64_t>(), (std::vector<std::int64_t>{55, 255}));
  EXPECT_EQ((bytes + 300).to_vector<std::int64_t>(), (std::vector<std::int64_t>{300, 500}));
  EXPECT_EQ((bytes - 1).to_vector<std::int64_t>(), (std::vector<std::int64_t>{255, 199})) << "as in NumPy";
  EXPECT_EQ((bytes + -1).to_vector<std::int64_t>(), (std::vector<std::int64_t>{-1, 199}));
  EXPECT_TRUE(all(bytes < 300));
  EXPECT_TRUE(all(bytes > -1));
  EXPECT_EQ((bytes * 0.5).dtype(), default_dtype());
  EXPECT_EQ((bytes / 2).dtype(), default_dtype());
  EXPECT_EQ((tensor(std::vector<int>{2147483647}) + 1).item<std::int64_t>(), -2147483648) << "wraps around";
}

TEST(StoredDTypes, of_whole_numbers_stay_where_numpy_lets_them) {
  const Tensor x = tensor(std::vector<int>{3, -4, 5});
  for (const Tensor& same :
       {-x, abs(x), x * x, maximum(x, 4), max(x), flip(x, {0}), concatenate({x, x}), x[1], where(x > 0, x, 0),
        clamp(x, -1, 1), sort(x).values, gather(x, 0, tensor({2, 0})), floor(x), matmul(x, x)})
    EXPECT_EQ(same.dtype(), DType::int32);
  for (const Tensor& count : {sum(x), argmax(x), argsort(x), count_nonzero(x), prod(x)})
    EXPECT_EQ(count.dtype(), DType::int64);
  EXPECT_EQ(mean(x).dtype(), default_dtype());
  EXPECT_EQ(exp(x).dtype(), default_dtype());
}

TEST(StoredDTypes, of_whole_numbers_are_places_and_classes) {
  const Tensor x = tensor({{1.0, 2.0, 4.0}, {8.0, 16.0, 32.0}});
  const Tensor places = tensor(std::vector<int>{2, 0}), wide = tensor({2, 0});
  const auto same = [](const Tensor& a, const Tensor& b) { return bool(all(a == b)); };
  EXPECT_TRUE(same(cross_entropy(x, places), cross_entropy(x, wide)));
  EXPECT_TRUE(same(cross_entropy(x, places, CrossEntropyOptions{.label_smoothing = 0.1}),
                   cross_entropy(x, wide, CrossEntropyOptions{.label_smoothing = 0.1})));
  EXPECT_TRUE(same(nll_loss(x, places), nll_loss(x, wide)));
  EXPECT_TRUE(same(take_rows(x, tensor(std::vector<int>{1, 0})), take_rows(x, tensor({1, 0}))));
  EXPECT_TRUE(same(index_select(x, 1, places), index_select(x, 1, wide)));
  EXPECT_TRUE(same(gather(x, 1, reshape(places, {2, 1})), gather(x, 1, reshape(wide, {2, 1}))));
  EXPECT_TRUE(same(one_hot(places), one_hot(wide)));
  EXPECT_TRUE(same(bincount(places), bincount(wide)));
  EXPECT_EQ(accuracy(x, places), accuracy(x, wide));
  const auto one = vmap([](const Tensor& row, const Tensor& at) { return gather(row, 0, reshape(at, {1})); });
  EXPECT_TRUE(same(one(x, places), one(x, wide)));
}

// ---- Operations

class StoredDTypesOfOperation : public ::testing::TestWithParam<Case> {};

bool is_close(const Tensor& a, const Tensor& b, double tolerance) {
  const std::vector<double> x = a.to_vector<double>(), y = b.to_vector<double>();
  for (std::size_t i = 0; i < x.size(); ++i)
    if (!(std::abs(x[i] - y[i]) <= tolerance * std::max(1.0, std::abs(y[i]))) &&
        !(std::isnan(x[i]) && std::isnan(y[i])) && x[i] != y[i])
      return false;
  return true;
}

TEST_P(StoredDTypesOfOperation, are_computed_in_float32_and_rounded) {
  PRINT_SEED_ON_FAILURE();
  const Case& one = GetParam();
  Engine engine(seed());
  const Shapes& shapes = one.variant->shapes.front();
  const Inputs drawn = converted(one.draw(shapes, engine), DType::float32);
  for (const DType dtype : {DType::float16, DType::bfloat16}) {
    const Inputs half = converted(drawn, dtype), exact = converted(half, DType::float32);
    const Inputs x = as_variables(one, half), wide = as_variables(one, exact);
    const Tensor expected = one.variant->call(wide);
    Tensor y;
    try {
      y = one.variant->call(x);
    } catch (const DTypeError& error) {  // decompositions and what is made of them
      EXPECT_TRUE(mentions(error.what(), {": nothing is computed in " + std::string(to_string(dtype)) +
                                          " itself; cast to float32 first"}));
      const std::set<std::string> refusing = {"cond",        "eigh", "eigvalsh", "inverse", "lstsq",
                                              "matrix_rank", "qr",   "svd",      "svdvals"};
      EXPECT_TRUE(refusing.contains(one.row->operation)) << one;
      return;
    }
    ASSERT_EQ(y.shape(), expected.shape());
    if (expected.dtype() != DType::float32) {
      EXPECT_EQ(y.dtype(), expected.dtype());
      continue;
    }
    if (one.row->operation == "cast") continue;
    EXPECT_EQ(y.dtype(), dtype);
    // What is composed rounds at each step.
    const double tolerance = dtype == DType::float16 ? 0.02 : 0.15;
    // (Some rows make matrices that are well conditioned of what they draw.)
    const std::set<std::string> of_matrices = {"cholesky", "det", "matrix_exp", "pinv", "slogdet"};
    const bool steps = one.row->composed || one.row->own_inputs || of_matrices.contains(one.row->operation);
    if (steps)
      EXPECT_TRUE(is_close(y, expected, tolerance)) << y << "\n" << expected;
    else
      EXPECT_TRUE(is_close(y, cast(expected, dtype), 0)) << y << "\n" << expected;
    if (!y.requires_grad()) continue;
    y.backward(ones_like(y));
    expected.backward(ones_like(expected));
    for (std::size_t i = 0; i < x.size(); ++i)
      if (is_differentiable(one, i) && !x[i].is_empty()) {
        EXPECT_EQ(x[i].grad().dtype(), dtype);
        EXPECT_TRUE(is_close(x[i].grad(), wide[i].grad(), steps ? 10 * tolerance : tolerance))
            << x[i].grad() << "\n"
            << wide[i].grad();
      }
  }
}

INSTANTIATE_TEST_SUITE_P(, StoredDTypesOfOperation, ::testing::ValuesIn(all_cases()), case_name);

// ---- Derivatives

TEST(StoredDTypes, sum_up_gradients_in_float32) {
  const Tensor x = variable(full({2}, 1, DType::float16));
  Tensor total = x * 1024;
  for (int i = 0; i < 4; ++i) total = total + x * 0.25;  // each less than half of a step at 1024
  total.backward(ones_like(total));
  EXPECT_EQ(x.grad().dtype(), DType::float16);
  EXPECT_EQ(x.grad()[0].item(), 1025);
}

TEST(StoredDTypes, have_derivatives_of_any_order_and_in_both_modes) {
  const Tensor x = variable(cast(tensor({0.5, 2.0}), DType::float16));
  const auto f = [](const Tensor& at) { return sum(at * at * at); };
  const Tensor first = gradients(f(x), {x}, {.create_graph = true})[x];
  EXPECT_EQ(first.to_vector<float>(), (std::vector<float>{0.75F, 12}));
  EXPECT_EQ(gradients(sum(first), {x})[x].to_vector<float>(), (std::vector<float>{3, 12}));
  const auto [value, tangent] = jvp(f, x.detach(), ones_like(x));
  EXPECT_EQ(tangent.item(), 12.75);
  EXPECT_EQ(tangent.dtype(), DType::float16);
  const Tensor each =
      vmap([](const Tensor& at) { return sum(at * at); })(cast(tensor({{1, 2}, {3, 4}}), DType::bfloat16));
  EXPECT_EQ(each.to_vector<float>(), (std::vector<float>{5, 25}));
}

TEST(StoredDTypes, have_jacobians_and_second_derivatives) {
  for (const DType dtype : {DType::float16, DType::bfloat16}) {
    const Tensor x = cast(tensor({0.5, 2.0}), dtype);
    const auto squares = [](const Tensor& at) { return at * at; };
    const auto cubes = [](const Tensor& at) { return sum(at * at * at); };
    for (const JacobianMode mode : {JacobianMode::forward, JacobianMode::reverse})
      EXPECT_THAT(jacobian(squares, {.mode = mode})(x), IsClose(cast(tensor({{1, 0}, {0, 4}}), dtype)));
    EXPECT_THAT(hessian(cubes)(x), IsClose(cast(tensor({{3, 0}, {0, 12}}), dtype)));
    EXPECT_THAT(laplacian(cubes)(x), IsClose(cast(tensor(15), dtype)));
    EXPECT_THAT(divergence(squares)(x), IsClose(cast(tensor(5), dtype)));
  }
}

TEST(StoredDTypes, are_what_solvers_begin_with_and_give_but_not_what_they_compute_in) {
  const auto root_of = [](const Tensor& a) {
    return root([](const Tensor& x, const Tensor& at) { return x * x - at; }, cast(Tensor(1), a.dtype()), a);
  };
  const auto fixed = [](const Tensor& a) {
    return fixed_point([](const Tensor& x, const Tensor& at) { return (x + at / x) / 2; },
                       cast(Tensor(1), a.dtype()), a);
  };
  const auto least = [](const Tensor& a) {
    return minimize([](const Tensor& x, const Tensor& at) { return square(x - sqrt(at)); },
                    cast(Tensor(1), a.dtype()), a);
  };
  const auto grown = [](const Tensor& a) {  // over 2, from 1 at the rate log(a) / 4 to the root of a
    return odeint([](const Tensor& y, const Tensor&, const Tensor& rate) { return rate * y; },
                  cast(Tensor(1), a.dtype()), tensor({0.0, 2.0}), log(a) / 4)[1];
  };
  for (const DType dtype : {DType::float16, DType::bfloat16})
    for (const std::function<Tensor(const Tensor&)>& f :
         {std::function<Tensor(const Tensor&)>(root_of), {fixed}, {least}, {grown}}) {
      const Tensor x = cast(tensor(4), dtype);
      EXPECT_THAT(f(x), IsClose(cast(tensor(2), dtype), 0.01));
      EXPECT_THAT(grad(f)(x), IsClose(cast(tensor(0.25), dtype), 0.01));
    }
}

TEST(StoredDTypes, have_gradients_of_rows_that_were_looked_up) {
  for (const DType dtype : {DType::float16, DType::bfloat16}) {
    const Tensor table = variable(ones({10, 3}, dtype));
    const Tensor g = gradients(sum(take(table, {1, 4, 1}, 0)), {table})[table];
    EXPECT_EQ(g.dtype(), dtype);
    EXPECT_THAT(stack({g[1], g[4], g[0]}), IsClose({{2, 2, 2}, {1, 1, 1}, {0, 0, 0}}));
  }
}

TEST(StoredDTypes, of_whole_numbers_stay_where_samples_have_their_own_places) {
  const Tensor places = tensor({{1, 0}, {0, 0}});
  for (const DType dtype : {DType::uint8, DType::int32}) {
    const Tensor x = cast(tensor({{3, 4, 5}, {6, 7, 8}}), dtype), more = ones({2, 2}, dtype);
    const Tensor taken =
        vmap([](const Tensor& each, const Tensor& at) { return gather(each, 0, at); })(x, places);
    EXPECT_EQ(taken.dtype(), dtype);
    EXPECT_TRUE(array_equal(taken, tensor({{4, 3}, {6, 6}})));
    const Tensor added = vmap([](const Tensor& each, const Tensor& at, const Tensor& values) {
      return scatter_add(each, 0, at, values);
    })(x, places, more);
    EXPECT_EQ(added.dtype(), dtype);
    EXPECT_TRUE(array_equal(added, tensor({{4, 5, 5}, {8, 7, 8}})));
  }
}

TEST(StoredDTypes, have_identity_matrices) {
  for (const DType dtype : stored)
    EXPECT_TRUE(array_equal(matrix_power(full({2, 2}, 3, dtype), 0), eye(2, {}, dtype)));
}

/// What would be 0 or 1 in a half is not, where float32 is rounded once.
TEST(StoredDTypes, round_once_where_a_small_number_counts) {
  const auto half = [](const Tensor& x) { return cast(x, DType::float16); };
  const Tensor none = half(zeros({1, 2})), one = half(tensor({1.0, 1.0})), third = half(tensor({-2.6543}));
  EXPECT_THAT(logit(one, 1e-6), IsClose(half(logit(tensor({1.0F, 1.0F}), 1e-6))));
  EXPECT_THAT(cosine_similarity(none, none), IsClose(none[{0, Slice{0, 1}}]));
  EXPECT_THAT(pairwise_distance(none, none), IsClose(half(pairwise_distance(zeros({1, 2}), zeros({1, 2})))));
  EXPECT_THAT(poisson_nll_loss(none, none + 1, false), IsClose(half(tensor(-std::log(1e-8)))));
  EXPECT_THAT(round(third, 2), IsClose(half(tensor({-2.65}))));
}

TEST(StoredDTypes, are_cast_to_each_other_by_one_rounding) {
  const std::int64_t tie = (std::int64_t{1} << 30) + (1 << 22);
  const Tensor x = cast(cast(tensor({tie, tie + 1}), DType::int32), DType::bfloat16);
  EXPECT_TRUE(equals(cast(x, DType::float64), {2}, {0x1p30, 0x1p30 + 0x1p23}));
}

TEST(StoredDTypes, have_means_of_more_elements_than_they_can_count) {
  const Tensor many = ones(70000, DType::float16), classes = zeros(70000, DType::int64);
  const Tensor log_p = reshape(-many, {70000, 1});
  for (const Tensor& mean :
       {nanmean(many), average(many, many), nll_loss(log_p, classes), cross_entropy(log_p, classes, {}) + 1,
        adaptive_avg_pool1d(reshape(many, {1, 70000}), 1),
        scatter_reduce(zeros(1, DType::float16), 0, classes, many, Combining::mean)}) {
    EXPECT_EQ(mean.dtype(), DType::float16);
    EXPECT_EQ(mean.to_vector<float>(), std::vector<float>{1});
  }
  EXPECT_THAT(vector_norm(many, 4), IsClose(cast(tensor(std::pow(70000, 0.25)), DType::float16)));
}

TEST(StoredDTypes, let_a_float32_leaf_be_used_in_float16) {
  const Tensor w = variable(tensor({0.1F, 0.2F}));
  const Tensor y = sum(cast(w, DType::float16) * cast(tensor({3, 4}), DType::float16));
  EXPECT_EQ(y.dtype(), DType::float16);
  y.backward();
  EXPECT_EQ(w.grad().dtype(), DType::float32);
  EXPECT_EQ(w.grad().to_vector<float>(), (std::vector<float>{3, 4}));
}

TEST(StoredDTypes, are_drawn_and_dumped) {
  const Tensor x = variable(cast(Tensor(1.5), DType::float16)).named("x");
  std::ostringstream dot;
  write_dot(dot, x * 2);
  EXPECT_NE(dot.str().find("1.5"), std::string::npos);
}

TEST(StoredDTypes, go_to_files_and_back) {
  for (const DType dtype : stored) {
    const Tensor x = cast(tensor({{1, 2}, {250, 4}}), dtype);
    const TemporaryFile file("", ".bin");
    save_safetensors(file.path(), {{"x", x}});
    EXPECT_EQ(load_safetensors(file.path()).tensors[0].second.dtype(), dtype);
    EXPECT_TRUE(all(load_safetensors(file.path()).tensors[0].second == x));
    const DType numpy_has = dtype == DType::bfloat16 ? DType::float32 : dtype;
    save_npy(file.path(), x);
    EXPECT_EQ(load_npy(file.path()).dtype(), numpy_has);
    EXPECT_TRUE(all(load_npy(file.path()) == x));
    save_npz(file.path(), {{"x", x}});
    EXPECT_EQ(load_npz(file.path())[0].second.dtype(), numpy_has);
    EXPECT_TRUE(all(load_npz(file.path())[0].second == x));
  }
}

TEST(StoredDTypes, are_not_learned) {
  const Tensor x = full({2}, 1, DType::float16);
  EXPECT_TRUE(mentions(message_of<DTypeError>([&] { Parameter(x, "w"); }),
                       {"'w' is float16", "float32 and float64"}));
}

TEST(StoredDTypes, cannot_be_the_default) {
  EXPECT_TRUE(mentions(message_of<DTypeError>([] { set_default_dtype(DType::float16); }),
                       {"float16 cannot be the default", "give float32 or float64"}));
}

}  // namespace
}  // namespace chainrule::test
