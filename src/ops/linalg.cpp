// Products of matrices, and linear layers. Which kernel computes them is chosen in kernels/matmul.cpp;
// gradients are products again, those of weights deferred.

#include "autograd/total.h"
#include "kernels/broadcast.h"
#include "kernels/deferred_product.h"
#include "kernels/diagonal.h"
#include "kernels/matmul.h"
#include "kernels/permuted.h"
#include "kernels/small_matmul.h"
#include "ops/elementwise.h"
#include "ops/registry.h"

namespace chainrule {
namespace ops {

/// op(a) · op(b), where op exchanges the last two axes if told. Vectors are a row on the left, a column
/// on the right, and are never transposed.
struct Matmul {
  static constexpr bool integers = true;
  static constexpr Notation notation = {"@", "@"};
  static constexpr std::string_view name = "matmul", formula = "∂(a @ b): to a: g @ bᵀ,  to b: aᵀ @ g";
  bool transpose_a = false, transpose_b = false;

  Attributes attributes() const { return {{"transpose_a", transpose_a}, {"transpose_b", transpose_b}}; }
  /// Operands that are the transpose of another array are read as that one, but for a stack beside a single
  /// matrix, which is one product as it is.
  Array forward(Values in) const {
    const bool is_one_product = in[0]->shape().rank() > 2 && in[1]->shape().rank() <= 2;
    const auto a = is_one_product ? std::nullopt : kernels::untransposed(*in[0]),
               b = kernels::untransposed(*in[1]);
    if (!a && !b) return multiplied(in);
    (void)Plan(*this, in[0]->shape(), in[1]->shape());  // its errors
    const std::array<const Array*, 2> others = {a ? &*a : in[0], b ? &*b : in[1]};
    return Matmul{transpose_a != a.has_value(), transpose_b != b.has_value()}.multiplied(others);
  }
  Reads reads(Wanted wanted) const {
    return (wanted(0) ? reads_input(1) : 0) | (wanted(1) ? reads_input(0) : 0);
  }
  void vjp(Inputs in, const Tensor&, const Tensor& gradient, Cotangents& to) const {
    // A vector beside a matrix gets a vector: it need not be made a matrix first.
    const std::array is_vector = {in[0].rank() == 1 && in[1].rank() == 2,
                                  in[1].rank() == 1 && in[0].rank() == 2};
    if (is_vector[0] && to.wants(0)) to[0] = product(gradient, in[1], false, !transpose_b);
    if (is_vector[1] && to.wants(1)) to[1] = product(gradient, in[0], false, transpose_a);
    const std::array wants = {to.wants(0) && !is_vector[0], to.wants(1) && !is_vector[1]};
    if (!wants[0] && !wants[1]) return;
    const Plan plan(*this, in[0].shape(), in[1].shape());
    if (in[0].rank() > 1 && in[1].rank() == 2 && !transpose_a)
      return vjp_of_rows(in, 0, gradient, plan.one.n, transpose_b, to);
    if (in[0].rank() == 2 && in[1].rank() > 2 && plan.one.n == 1)
      return vjp_of_rows(in, 1, gradient, plan.one.m, !transpose_a, to);
    const Tensor g = reshape(gradient, plan.full);
    // The matrices behind the vectors, so that the two rules below are the whole story.
    const auto matrix = [](const Tensor& tensor, const Shape& shape) {
      return tensor.shape() == shape ? tensor : reshape(tensor, shape);
    };
    if (wants[0]) {
      const Tensor b = matrix(in[1], plan.b);
      const bool is_turned = !transpose_a && is_turned_back(in[0], plan.one.n, to);
      to[0] = back(
          transpose_a || is_turned ? product(b, g, transpose_b, true) : product(g, b, false, !transpose_b),
          plan.a, is_turned, in[0]);
    }
    if (wants[1]) {
      const Tensor a = matrix(in[0], plan.a);
      const bool is_turned = !transpose_b && is_turned_back(in[1], 0, to);
      to[1] = back(transpose_b || is_turned ? product(g, a, true, transpose_a)
                   : transpose_a            ? product(a, g, false, false)
                                            : product_for(in[1], a, g, to.in_numbers()),
                   plan.b, is_turned, in[1]);
    }
  }
  LocalFormula local_formula(std::size_t input, std::span<const std::string> names,
                             const std::string&) const {
    const auto read = [](const std::string& factor, bool transposed) {
      return transposed ? factor + "ᵀ" : factor;
    };
    if (input == 0)
      return {transpose_a ? read(names[1], transpose_b) + " @ gᵀ" : "g @ " + read(names[1], !transpose_b),
              false, true};
    return {transpose_b ? "gᵀ @ " + read(names[0], transpose_a) : read(names[0], !transpose_a) + " @ g",
            false, true};
  }
  std::int64_t flops(Inputs in, const Shape& out) const {
    const Shape& a = in[0].shape();
    return 2 * out.size() * (transpose_a && a.rank() > 1 ? a[a.rank() - 2] : a.back());
  }

  /// As a stack of matrices; one matrix for all samples, beside a row or a column of each, as one product.
  Tensor batch(const Unwrapped& at) const {
    const Plan plan(*this, at.shape(0), at.shape(1));
    const std::size_t rank_a = at.rank(0), rank_b = at.rank(1);
    const auto lines = [&](std::size_t of, std::size_t matrix, bool transposed) {
      const Tensor all = product(reshape(at.in[of], {at.size, plan.one.k}), at.in[matrix], false, transposed);
      return reshape(all, with_first(at.size, plan.result));
    };
    if (!at.has(1) && rank_b == 2 && rank_a <= 2 && plan.one.m == 1) return lines(0, 1, transpose_b);
    if (!at.has(0) && rank_a == 2 && rank_b <= 2 && plan.one.n == 1) return lines(1, 0, !transpose_a);
    const auto matrices = [&](std::size_t i, const Shape& shape, std::size_t rank) {
      Shape full = shape;
      while (at.has(i) && full.rank() < rank) full = with_first(1, full);
      return reshape(at.in[i], at.has(i) ? with_first(at.size, full) : full);
    };
    const std::size_t rank = plan.full.rank();
    Tensor stacked = product(matrices(0, plan.a, rank), matrices(1, plan.b, rank), transpose_a, transpose_b);
    if (plan.full == plan.result) return stacked;
    return reshape(stacked, with_first(at.size, plan.result));
  }
  Tensor jvp(Inputs in, const Tensor&, Inputs tangents) const {
    const auto with = [&](const Tensor& a, const Tensor& b) {
      return product(a, b, transpose_a, transpose_b);
    };
    if (tangents[1].is_empty()) return with(tangents[0], in[1]);
    if (tangents[0].is_empty()) return with(in[0], tangents[1]);
    return with(tangents[0], in[1]) + with(in[0], tangents[1]);
  }

  static Tensor product(const Tensor& a, const Tensor& b, bool transpose_a, bool transpose_b) {
    return apply(Matmul{transpose_a, transpose_b}, Here::now(), Argument(a), Argument(b));
  }
  /// aᵀ b, the gradient of `in`. That of a leaf is not multiplied out where its factors are smaller.
  static Tensor product_for(const Tensor& in, const Tensor& a, const Tensor& b, bool in_numbers) {
    if (in_numbers && in.is_leaf() && a.rank() == 2 && b.rank() == 2 &&
        kernels::deferring_pays(a.shape(), b.shape()))
      return constant(kernels::deferred_product(value_of(a), value_of(b)));
    return product(a, b, true, false);
  }

 private:
  using Numbers = TypeList<std::int64_t, float, double>;
  Array multiplied(Values in) const {
    if (in[0]->shape().rank() == 2 && in[1]->shape().rank() == 2) return of_matrices(*in[0], *in[1]);
    const Plan plan(*this, in[0]->shape(), in[1]->shape());
    Array out(plan.full, in[0]->dtype());
    const auto run = [&]<class T>() { plan.run(in[0]->data<T>(), in[1]->data<T>(), out.mutable_data<T>()); };
    if (out.size() == 0) return out.reshaped(plan.result);  // of any number of matrices
    dispatch_among(Numbers(), in[0]->dtype(), run);
    return plan.result == plan.full ? out : out.reshaped(plan.result);
  }
  /// Most products, for which there is nothing to plan.
  Array of_matrices(const Array& a, const Array& b) const {
    const Shape &of_a = a.shape(), &of_b = b.shape();
    const kernels::Product one{of_a[transpose_a ? 1 : 0], of_b[transpose_b ? 0 : 1],
                               of_a[transpose_a ? 0 : 1], transpose_a, transpose_b};
    if (of_b[transpose_b ? 1 : 0] != one.k) (void)Plan(*this, of_a, of_b);  // its error
    if (a.is_deferred() && !transpose_a)
      if (const auto rows = kernels::diagonal_part(a)) return kernels::times_matrix(*rows, b, transpose_b);
    Array out({one.m, one.n}, a.dtype());
    const auto run = [&]<class T>() {
      kernels::matmul(one, a.data<T>(), b.data<T>(), out.mutable_data<T>());
    };
    if (out.size() == 0) return out;
    dispatch_among(Numbers(), a.dtype(), run);
    return out;
  }
  /// In numbers, the gradient of a transpose is made as a transpose itself, which is turned back at once, if
  /// it waits at all. But not where its rows would be short and yet no few numbers, as products of many such
  /// rows take longer; nor where g, whose rows are `beside` numbers, would have to be packed for it and is
  /// large.
  static bool is_turned_back(const Tensor& in, std::int64_t beside, const Cotangents& to) {
    if (!to.in_numbers() || in.size() < 1024 || !is_transpose(in)) return false;
    const std::int64_t rows = in.shape().back(), columns = in.shape()[in.rank() - 2];
    return (columns >= rows || columns <= 8 || columns >= 64) &&
           columns * beside <= rows * (beside + columns);
  }
  static Tensor back(const Tensor& gradient, Shape matrix, bool is_turned, const Tensor& in) {
    if (!is_turned) return reshape(sum_to(gradient, matrix), in.shape());
    std::swap(matrix[matrix.rank() - 1], matrix[matrix.rank() - 2]);
    return swapaxes(sum_to(gradient, matrix), -1, -2);
  }
  /// Of x w, where one matrix w meets a stack x of rows, all of them one product. Columns that are alone in
  /// theirs are such rows beside wᵀ.
  static void vjp_of_rows(Inputs in, std::size_t of_x, const Tensor& gradient, std::int64_t width,
                          bool transpose_w, Cotangents& to) {
    const Tensor &x = in[of_x], &w = in[1 - of_x];
    const std::int64_t k = w.shape()[transpose_w ? 1 : 0];
    const auto rows = [&](const Tensor& tensor, std::int64_t length) {
      if (tensor.rank() == 2) return tensor;
      const Shape &sizes = x.shape(), outer(sizes.sizes().first(sizes.rank() - (of_x == 0 ? 1 : 2)));
      return reshape(tensor, {outer.size(), length});
    };
    const Tensor g = rows(gradient, width);
    if (to.wants(of_x))
      to[of_x] = x.rank() == 2 && is_turned_back(x, width, to)
                     ? swapaxes(product(w, g, transpose_w, true), -1, -2)
                     : reshape(product(g, w, false, !transpose_w), x.shape());
    if (!to.wants(1 - of_x)) return;
    if (!transpose_w && !is_turned_back(w, 0, to)) {
      to[1 - of_x] = product_for(w, rows(x, k), g, to.in_numbers());
      return;
    }
    const Tensor turned = product(g, rows(x, k), true, false);
    to[1 - of_x] = transpose_w ? turned : swapaxes(turned, -1, -2);
  }

  struct Plan {
    Shape a, b;          ///< with vectors as matrices
    Shape full, result;  ///< of the product, with and without the axes that vectors do not have
    kernels::Product one;

    Plan(const Matmul& op, const Shape& in_a, const Shape& in_b) : a(in_a), b(in_b) {
      const auto fail = [&](const std::string& why) {
        throw ShapeError("matmul: " + why + ": " + to_string(in_a) + (op.transpose_a ? "ᵀ" : "") + " @ " +
                         to_string(in_b) + (op.transpose_b ? "ᵀ" : ""));
      };
      if (in_a.rank() == 0 || in_b.rank() == 0) fail("a scalar is no matrix, use * instead");
      if (in_a.rank() == 1) a = {1, in_a[0]};
      if (in_b.rank() == 1) b = {in_b[0], 1};
      const std::int64_t rows_a = a[a.rank() - 2], rows_b = b[b.rank() - 2];
      one = {op.transpose_a ? a.back() : rows_a, op.transpose_b ? rows_b : b.back(),
             op.transpose_a ? rows_a : a.back(), op.transpose_a, op.transpose_b};
      if (one.k != (op.transpose_b ? b.back() : rows_b)) fail("inner sizes differ; transpose one of them?");
      const Shape batch = [&] {
        try {
          return broadcast(name, Shape(a.sizes().first(a.rank() - 2)), Shape(b.sizes().first(b.rank() - 2)));
        } catch (const ShapeError&) {
          fail("batch axes do not broadcast; all but the last two must agree or be 1");
          throw;
        }
      }();
      full = Shape::filled(batch.rank() + 2, one.n);
      full[batch.rank()] = one.m;
      std::copy(batch.begin(), batch.end(), &full[0]);
      result = full;
      if (in_a.rank() > 1 && in_b.rank() > 1) return;
      std::vector<std::int64_t> sizes(batch.begin(), batch.end());
      if (in_a.rank() > 1) sizes.push_back(one.m);
      if (in_b.rank() > 1) sizes.push_back(one.n);
      result = Shape(sizes);
    }

    template <class T>
    void run(const T* pa, const T* pb, T* out) const {
      const Shape batch(full.sizes().first(full.rank() - 2));
      if (b.rank() == 2 && !one.transpose_a) {  // one matrix for the whole batch: a single product
        kernels::Product all = one;
        all.m *= batch.size();
        return kernels::matmul(all, pa, pb, out);
      }
      if (a.rank() == 2 && one.n == 1)  // columns of the batch as the rows of one
        return kernels::matmul({batch.size(), one.m, one.k, false, !one.transpose_a}, pb, pa, out);
      if (full.rank() == 2) return kernels::matmul(one, pa, pb, out);
      const Shape batch_a(a.sizes().first(a.rank() - 2)), batch_b(b.sizes().first(b.rank() - 2));
      kernels::for_each_row<2>(
          batch, {&batch_a, &batch_b},
          [&](auto at, auto& offsets, auto& strides, auto n) {
            if constexpr (std::is_floating_point_v<T>)
              if (kernels::is_tiny(one))
                return kernels::tiny_products(one, n, pa + offsets[0] * one.m * one.k,
                                              strides[0] * one.m * one.k, pb + offsets[1] * one.k * one.n,
                                              strides[1] * one.k * one.n, out + at * one.m * one.n);
            for (std::int64_t i = 0; i < n; ++i)
              kernels::matmul(one, pa + (offsets[0] + i * strides[0]) * one.m * one.k,
                              pb + (offsets[1] + i * strides[1]) * one.k * one.n,
                              out + (at + i) * one.m * one.n);
          },
          batch.size());  // the products use threads themselves
    }
  };
};

/// x Wᵀ + b.
struct Linear {
  static constexpr std::string_view
      name = "linear",
      formula = "∂(x Wᵀ + b): to x: g @ W,  to W: gᵀ @ x,  to b: g summed over the samples";
  Array forward(Values in) const {
    const Shape &x = in[0]->shape(), &weight = in[1]->shape();
    const bool biased = in.size() == 3;
    if (x.rank() == 0 || weight.rank() != 2 || x.back() != weight[1] ||
        (biased && in[2]->shape() != Shape{weight[0]}))
      throw ShapeError("linear: x " + to_string(x) + " and weight " + to_string(weight) +
                       (biased ? " and bias " + to_string(in[2]->shape()) : "") +
                       " do not fit; they must be (..., in), (out, in)" + (biased ? " and (out,)" : ""));
    Shape shape = x;
    shape[x.rank() - 1] = weight[0];
    Array out(shape, in[0]->dtype());
    const std::int64_t columns = weight[0], rows = columns == 0 ? 0 : out.size() / columns;
    dispatch_floating(out.dtype(), [&]<class T>() {
      const kernels::Product product{rows, columns, weight[1], false, true};
      const T *from = in[0]->data<T>(), *with = in[1]->data<T>();
      T* y = out.mutable_data<T>();
      if (biased)
        kernels::matmul_plus_row(product, from, with, in[2]->data<T>(), y);
      else
        kernels::matmul(product, from, with, y);
    });
    return out;
  }
  Reads reads(Wanted wanted) const {
    return (wanted(0) ? reads_input(1) : 0) | (wanted(1) ? reads_input(0) : 0);
  }
  void vjp(Inputs in, const Tensor&, const Tensor& g, Cotangents& to) const {
    const auto rows = [](const Tensor& tensor) {
      if (tensor.rank() == 2) return tensor;
      const Shape samples(tensor.shape().sizes().first(tensor.rank() - 1));  // -1 is not known of no features
      return reshape(tensor, {samples.size(), tensor.shape().back()});
    };
    if (to.wants(0)) to[0] = Matmul::product(g, in[1], false, false);
    if (to.wants(1)) to[1] = Matmul::product_for(in[1], rows(g), rows(in[0]), to.in_numbers());
    if (in.size() == 3 && to.wants(2)) to[2] = sum_to(g, in[2].shape());
  }
  LocalFormula local_formula(std::size_t input, std::span<const std::string> names,
                             const std::string&) const {
    return {input == 0 ? "g @ " + names[1] : input == 1 ? "gᵀ @ " + names[0] : "Σ g", false};
  }
  /// Samples are further rows, unless each has a weight of its own.
  Tensor batch(const Unwrapped& at) const {
    const Shape x = at.shape(0), weight = at.shape(1);
    const bool biased = at.in.size() == 3;
    if (!at.has(1) && !(biased && at.has(2)))
      return biased ? linear(at.in[0], at.in[1], at.in[2]) : linear(at.in[0], at.in[1]);
    if (x.rank() == 0 || weight.rank() != 2 || x.back() != weight[1] ||
        (biased && at.shape(2) != Shape{weight[0]}))  // its error
      return biased ? linear(zeros(x), zeros(weight), zeros(at.shape(2))) : linear(zeros(x), zeros(weight));
    Tensor y;
    if (at.has(1)) {
      const std::int64_t rows = Shape(x.sizes().first(x.rank() - 1)).size();
      const Tensor samples =
          reshape(at.in[0], at.has(0) ? Shape{at.size, rows, x.back()} : Shape{rows, x.back()});
      y = Matmul::product(samples, at.in[1], false, true);
      Shape result = x;
      result[x.rank() - 1] = weight[0];
      y = reshape(y, with_first(at.size, result));
    } else {
      y = linear(at.in[0], at.in[1]);
    }
    return biased ? y + at.aligned(2, x.rank()) : y;
  }
  Tensor jvp(Inputs in, const Tensor& out, Inputs tangents) const {
    if (!tangents[0].is_empty() && !tangents[1].is_empty() &&
        may_be_in_numbers({&in[0], &in[1], &tangents[0], &tangents[1],
                           tangents.size() == 3 && !tangents[2].is_empty() ? &tangents[2] : &in[0]}))
      return tangent_in_numbers(in, out.shape(), tangents);
    const Tensor bias = tangents.size() == 3 ? tangents[2] : Tensor();
    Tensor sum;
    if (!tangents[1].is_empty())
      sum = bias.is_empty() ? linear(in[0], tangents[1]) : linear(in[0], tangents[1], bias);
    if (!tangents[0].is_empty()) add_to(sum, linear(tangents[0], in[1]));
    if (tangents[1].is_empty() && !bias.is_empty())
      add_to(sum, sum.is_empty() ? broadcast_to(bias, out.shape()) : bias);
    return sum;
  }
  static std::int64_t flops(Inputs in, const Shape& out) { return 2 * out.size() * in[0].shape().back(); }

 private:
  /// x Ẇᵀ + ḃ, to which ẋ Wᵀ is added as it is made.
  static Tensor tangent_in_numbers(Inputs in, const Shape& shape, Inputs tangents) {
    const std::vector<Tensor> parts = tangents.size() == 3 && !tangents[2].is_empty()
                                          ? std::vector{in[0], tangents[1], tangents[2]}
                                          : std::vector{in[0], tangents[1]};
    std::vector<const Array*> values;
    values.reserve(parts.size());
    for (const Tensor& part : parts) values.push_back(&value_of(part));
    Array sum = Linear().forward(values);
    const std::int64_t columns = in[1].shape()[0], rows = columns == 0 ? 0 : shape.size() / columns;
    kernels::Product product{rows, columns, in[1].shape()[1], false, true};
    product.accumulate = true;
    dispatch_floating(sum.dtype(), [&]<class T>() {
      kernels::matmul(product, value_of(tangents[0]).data<T>(), value_of(in[1]).data<T>(),
                      sum.mutable_data<T>());
    });
    return constant(std::move(sum));
  }
};

Entries linear_algebra_operations() {
  static constexpr Entry table[] = {
      {.name = Matmul::name,
       .parameters = "a|x1|input, b|x2|other|mat2",
       .call = call<matmul>,
       .formula = Matmul::formula,
       .aliases = "mm bmm mv",
       .example = "matmul([[1, 2], [3, 4]], [5, 6])",
       .notation = Matmul::notation},
      {.name = Linear::name,
       .parameters = "x|input, weight, bias=None",
       .call = [](Arguments& a) -> Result {
         return a.given(2) ? linear(a[0], a[1], a[2]) : linear(a[0], a[1]);
       },
       .formula = Linear::formula,
       .example = "linear([1, 2], [[3, 4], [5, 6]], [1, 1])"},
  };
  return table;
}

}  // namespace ops

Tensor matmul(const Operand& a, const Operand& b) {
  const DType dtype = ops::number_dtype(ops::common_dtype(a, b));
  return apply(ops::Matmul{}, a.here(), Argument(a, dtype), Argument(b, dtype));
}

Tensor linear(const Operand& x, const Operand& weight, const Operand& bias) {
  const DType dtype = ops::real_dtype(ops::common_dtype(x, weight, bias));
  return apply(ops::Linear{}, x.here(), Argument(x, dtype), Argument(weight, dtype), Argument(bias, dtype));
}
Tensor linear(const Operand& x, const Operand& weight) {
  const DType dtype = ops::real_dtype(ops::common_dtype(x, weight));
  return apply(ops::Linear{}, x.here(), Argument(x, dtype), Argument(weight, dtype));
}

}  // namespace chainrule
