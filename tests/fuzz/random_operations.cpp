// The operations that random programs are made of, each with arguments that the bytes choose.
// random_program.h says what a step is.

#include <algorithm>

#include "chainrule/map.h"
#include "chainrule/ops.h"
#include "random_program.h"

namespace chainrule::fuzz {
namespace {

using std::move;
using X = Inputs;

/// One of the tensor's axes; 0 where it has none, which is then an error of shapes.
std::int64_t axis(const Tensor& x, std::int64_t number) {
  return number % std::max<std::int64_t>(static_cast<std::int64_t>(x.rank()), 1);
}

/// All axes, one, or the first and the last.
Axes axes(const X& x) {
  const auto rank = static_cast<std::int64_t>(x.a.rank());
  if (x.number % 4 == 0) return {};
  if (x.number % 4 == 1 && rank > 1) return {0, -1};
  return axis(x.a, x.number / 4);
}
bool keeps(const X& x) { return x.number >= 128; }

std::vector<std::int64_t> sizes_of(const Tensor& x) { return {x.shape().begin(), x.shape().end()}; }

Tensor reshaped(X x) {
  std::vector<std::int64_t> sizes = sizes_of(x.a);
  if (x.number % 3 == 0) return reshape(move(x.a), {-1});
  if (x.number % 3 == 1) sizes.insert(sizes.begin() + axis(x.a, x.number / 3), 1);
  std::reverse(sizes.begin(), sizes.end());
  return reshape(move(x.a), Shape(sizes));
}

Tensor rotated(X x) {
  std::vector<std::int64_t> order(x.a.rank());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<std::int64_t>(i);
  std::rotate(order.begin(), order.begin() + axis(x.a, x.number), order.end());
  return permute(move(x.a), order);
}

Tensor broadcast(X x) {
  std::vector<std::int64_t> sizes = sizes_of(x.a);
  for (std::int64_t& size : sizes)
    if (size == 1) size = 1 + x.number % 3;
  sizes.insert(sizes.begin(), x.number / 3 % 3);
  return broadcast_to(move(x.a), Shape(sizes));
}

/// Part of a tensor, by positions and slices that often fit.
std::vector<Index> part(std::int64_t number) {
  switch (number % 8) {
    case 0: return {0};
    case 1: return {-1};
    case 2: return {Slice{1, {}}};
    case 3: return {Slice{{}, {}, -1}};
    case 4: return {Index::ellipsis(), Slice{{}, {}, 2}};
    case 5: return {Index::ellipsis(), 1};
    case 6: return {Slice{{}, -1}, Index::ellipsis(), Slice{-2, {}, 1}};
    default: return {Slice{2, 1}};
  }
}

Tensor rows(X x) {
  const std::int64_t count = x.a.rank() == 0 ? 0 : x.a.shape()[0];
  if (count == 0) return take_rows(move(x.a), {});
  return take_rows(move(x.a), {x.number % count, count - 1, x.number / 2 % count, x.number % count});
}

Tensor many_times(X x) {  // with its gradients from all of them
  Tensor total = x.a;
  for (std::int64_t i = 0; i < 1 + x.number % 6; ++i) total = move(total) * 0.5 + x.a;
  return total;
}

constexpr Operation table[] = {
    {"add", 2, [](X x) { return move(x.a) + move(x.b); }},
    {"sub", 2, [](X x) { return move(x.a) - move(x.b); }},
    {"mul", 2, [](X x) { return move(x.a) * move(x.b); }},
    {"neg", 1, [](X x) { return -move(x.a); }},
    {"a/(1+b²)", 2, [](X x) { return move(x.a) / (square(move(x.b)) + 1); }},
    {"a·number", 1, [](X x) { return move(x.a) * (static_cast<double>(x.number) / 64 - 2); }},
    {"many_times", 1, many_times},
    {"square", 1, [](X x) { return square(move(x.a)); }},
    {"exp", 1, [](X x) { return exp(move(x.a)); }},
    {"expm1", 1, [](X x) { return expm1(move(x.a)); }},
    {"log(a²+¼)", 1, [](X x) { return log(square(move(x.a)) + 0.25); }},
    {"log1p(a²)", 1, [](X x) { return log1p(square(move(x.a))); }},
    {"sqrt(a²+¼)", 1, [](X x) { return sqrt(square(move(x.a)) + 0.25); }},
    {"pow(sigmoid(a)+½,b)", 2, [](X x) { return pow(sigmoid(move(x.a)) + 0.5, move(x.b)); }},
    {"pow(a,n)", 1, [](X x) { return pow(move(x.a), x.number % 4); }},
    {"sin", 1, [](X x) { return sin(move(x.a)); }},
    {"cos", 1, [](X x) { return cos(move(x.a)); }},
    {"tanh", 1, [](X x) { return tanh(move(x.a)); }},
    {"sigmoid", 1, [](X x) { return sigmoid(move(x.a)); }},
    {"softplus", 1, [](X x) { return softplus(move(x.a)); }},
    {"logaddexp", 2, [](X x) { return logaddexp(move(x.a), move(x.b)); }},
    {"relu", 1, [](X x) { return relu(move(x.a)); }},
    {"abs", 1, [](X x) { return abs(move(x.a)); }},
    {"sign", 1, [](X x) { return sign(move(x.a)); }},
    {"maximum", 2, [](X x) { return maximum(move(x.a), move(x.b)); }},
    {"minimum", 2, [](X x) { return minimum(move(x.a), move(x.b)); }},
    {"clamp", 3, [](X x) { return clamp(move(x.a), move(x.b), move(x.c)); }},
    {"where(a<b,c,a)", 3, [](X x) { return where(x.a < move(x.b), move(x.c), move(x.a)); }},
    {"sum", 1, [](X x) { return sum(move(x.a), axes(x), keeps(x)); }},
    {"mean", 1, [](X x) { return mean(move(x.a), axes(x), keeps(x)); }},
    {"prod", 1, [](X x) { return prod(move(x.a), axes(x), keeps(x)); }},
    {"norm", 1, [](X x) { return norm(move(x.a), axes(x), keeps(x)); }},
    {"max", 1, [](X x) { return max(move(x.a), axes(x), keeps(x)); }},
    {"min", 1, [](X x) { return min(move(x.a), axes(x), keeps(x)); }},
    {"logsumexp", 1, [](X x) { return logsumexp(move(x.a), axes(x), keeps(x)); }},
    {"softmax", 1, [](X x) { return softmax(move(x.a), axis(x.a, x.number)); }},
    {"log_softmax", 1, [](X x) { return log_softmax(move(x.a), axis(x.a, x.number)); }},
    {"cross_entropy", 2, [](X x) { return cross_entropy(move(x.a), softmax(move(x.b)), Reduction::none); }},
    {"mse_loss", 2, [](X x) { return mse_loss(move(x.a), move(x.b), Reduction::none); }},
    {"hinge_loss", 2, [](X x) { return hinge_loss(move(x.a), move(x.b)); }},
    {"matmul", 2, [](X x) { return matmul(move(x.a), move(x.b)); }},
    {"a@bᵀ", 2, [](X x) { return matmul(move(x.a), transpose(move(x.b))); }},
    {"linear", 3, [](X x) { return linear(move(x.a), move(x.b), move(x.c)); }},
    {"linear without bias", 2, [](X x) { return linear(move(x.a), move(x.b)); }},
    {"reshape", 1, reshaped},
    {"transpose", 1, [](X x) { return transpose(move(x.a)); }},
    {"permute", 1, rotated},
    {"broadcast_to", 1, broadcast},
    {"concatenate", 2,
     [](X x) {
       return concatenate({move(x.a), move(x.b)}, axis(x.a, x.number));
     }},
    {"stack", 2,
     [](X x) {
       return stack({move(x.a), move(x.b)}, axis(x.a, x.number));
     }},
    {"index", 1, [](X x) { return index(move(x.a), part(x.number)); }},
    {"slice_update", 2, [](X x) { return slice_update(move(x.a), part(x.number), move(x.b)); }},
    {"take_rows", 1, rows},
    {"map(tanh(a·b)+relu(a)-b)", 2,
     [](X x) { return map([](auto a, auto b) { return tanh(a * b) + relu(a) - b; }, x.a, x.b); }},
    {"map(where(a<b,sin(a),c²))", 3,
     [](X x) {
       return map([](auto a, auto b, auto c) { return where(a < b, sin(a), square(c)); }, x.a, x.b, x.c);
     }},

    {"div", 2, [](X x) { return move(x.a) / move(x.b); }, false},
    {"log", 1, [](X x) { return log(move(x.a)); }, false},
    {"log1p", 1, [](X x) { return log1p(move(x.a)); }, false},
    {"sqrt", 1, [](X x) { return sqrt(move(x.a)); }, false},
    {"pow", 2, [](X x) { return pow(move(x.a), move(x.b)); }, false},
    {"map(a/b)", 2, [](X x) { return map([](auto a, auto b) { return a / b; }, x.a, x.b); }, false},
    {"float32", 1, [](X x) { return cast(cast(move(x.a), DType::float32), DType::float64); }, false},
    {"detach", 1, [](X x) { return x.a.detach(); }, false},
};

}  // namespace

std::span<const Operation> operations() { return table; }

}  // namespace chainrule::fuzz
