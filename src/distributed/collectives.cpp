// Tensors that go between ranks, and their derivatives. Each is a custom_gradient whose rule is another of
// them. Relies on transport.h to see that all ranks mean the same call.

#include "distributed/collectives.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "chainrule/autograd.h"
#include "chainrule/custom_gradient.h"
#include "chainrule/ops.h"
#include "distributed/summation.h"
#include "distributed/transport.h"

namespace chainrule::distributed {
namespace {

using Shared = std::shared_ptr<Transport>;
/// At most so many elements go at once: MPI counts in int, those of all ranks together.
constexpr std::int64_t block = std::int64_t{1} << 27;

std::string_view name_of(Reduce how) {
  switch (how) {
    case Reduce::sum: return "sum";
    case Reduce::mean: return "mean";
    case Reduce::max: return "max";
    case Reduce::min: break;
  }
  return "min";
}

std::string called(std::string_view operation, Reduce how) {
  return std::string(operation) + "(" + std::string(name_of(how)) + ")";
}

/// Elements that are to become a tensor.
class Result {
 public:
  Result(DType dtype, const Shape& shape) : dtype_(dtype), shape_(shape), item_(item_size(dtype)) {
    bytes_ = static_cast<std::size_t>(shape.size()) * item_;
    elements_ = std::shared_ptr<std::byte[]>(new std::byte[bytes_]);
  }
  std::byte* at(std::int64_t element) const {
    return elements_.get() + static_cast<std::size_t>(element) * item_;
  }
  std::byte* begin() const { return elements_.get(); }
  std::size_t bytes() const { return bytes_; }
  Tensor tensor() const { return from_memory(std::shared_ptr<const void>(elements_), dtype_, shape_); }

 private:
  DType dtype_;
  Shape shape_;
  std::size_t item_, bytes_;
  std::shared_ptr<std::byte[]> elements_;
};

const std::byte* element(const Tensor& x, std::int64_t number) {
  return static_cast<const std::byte*>(elements_of(x)) +
         static_cast<std::size_t>(number) * item_size(x.dtype());
}

/// visit(first element, how many), part by part.
template <class Visit>
void by_blocks(std::int64_t count, int ranks, const Visit& visit) {
  const std::int64_t most = std::max<std::int64_t>(1, block / ranks);
  for (std::int64_t first = 0; first < count; first += most) visit(first, std::min(most, count - first));
}

// ---- Without derivatives, of tensors that are alike --------------------------------------------------

Tensor send_from(Transport& to, const Tensor& x, int root) {
  const Result all(x.dtype(), x.shape());
  if (to.rank == root && all.bytes() > 0) std::memcpy(all.begin(), elements_of(x), all.bytes());
  by_blocks(x.size(), to.size, [&](std::int64_t first, std::int64_t count) {
    MPI_Request request = MPI_REQUEST_NULL;
    check(MPI_Ibcast(all.at(first), count_of(count), type_of(x.dtype()), root, to.data, &request),
          "broadcast");
    to.wait(request, "broadcast");
  });
  if (to.rank == root) to.count(static_cast<std::int64_t>(all.bytes()) * (to.size - 1));
  return all.tensor();
}

Tensor reduced(Transport& to, const Tensor& x, Reduce how) {
  const Result all(x.dtype(), x.shape());
  by_blocks(x.size(), to.size, [&](std::int64_t first, std::int64_t count) {
    Summation(to, {to.data, to.data}, how, x.dtype(), element(x, first), all.at(first), count).run();
  });
  return all.tensor();
}

Tensor gathered(Transport& to, const Tensor& x) {
  Shape shape = x.rank() == 0 ? Shape(std::int64_t{1}) : x.shape();
  shape[0] *= to.size;
  const Result all(x.dtype(), shape);
  const std::size_t item = item_size(x.dtype());
  std::vector<std::byte> parts;
  by_blocks(x.size(), to.size, [&](std::int64_t first, std::int64_t count) {
    const int n = count_of(count);
    const bool whole = count == x.size();
    if (!whole) parts.resize(static_cast<std::size_t>(count * to.size) * item);
    MPI_Request request = MPI_REQUEST_NULL;
    check(MPI_Iallgather(element(x, first), n, type_of(x.dtype()), whole ? all.begin() : parts.data(), n,
                         type_of(x.dtype()), to.data, &request),
          "all_gather");
    to.wait(request, "all_gather");
    to.count(count * static_cast<std::int64_t>(item) * (to.size - 1));
    for (int r = 0; !whole && r < to.size; ++r)
      std::memcpy(all.at(x.size() * r + first), parts.data() + static_cast<std::size_t>(count * r) * item,
                  static_cast<std::size_t>(count) * item);
  });
  return all.tensor();
}

/// x has a first axis of a multiple of the ranks.
Tensor scattered(Transport& to, const Tensor& x, Reduce how) {
  Shape shape = x.shape();
  shape[0] /= to.size;
  const Result own(x.dtype(), shape);
  const std::int64_t part = shape.size();
  const std::size_t item = item_size(x.dtype());
  std::vector<std::byte> sent, got;
  by_blocks(part, to.size, [&](std::int64_t first, std::int64_t count) {
    const int n = count_of(count);
    const auto bytes = static_cast<std::size_t>(count) * item;
    got.resize(bytes * static_cast<std::size_t>(to.size));
    sent.resize(count == part ? 0 : got.size());
    for (int r = 0; !sent.empty() && r < to.size; ++r)
      std::memcpy(sent.data() + bytes * static_cast<std::size_t>(r), element(x, part * r + first), bytes);
    MPI_Request request = MPI_REQUEST_NULL;
    check(MPI_Ialltoall(sent.empty() ? element(x, 0) : sent.data(), n, type_of(x.dtype()), got.data(), n,
                        type_of(x.dtype()), to.data, &request),
          "reduce_scatter");
    to.wait(request, "reduce_scatter");
    to.count(static_cast<std::int64_t>(bytes) * (to.size - 1));
    reduce_in_order(how, x.dtype(), got.data(), to.size, count, own.at(first));
  });
  return own.tensor();
}

// ---- With derivatives, in which elements are read of tensors without a history --------------------

bool needs_gradient(const Tensor& x) { return is_floating(x.dtype()) && x.requires_grad(); }

/// x, checked to be alike on all ranks; one that needs a gradient where it does on any.
Tensor agreed(Transport& to, const std::string& operation, const Tensor& x) {
  const Agreed all = to.agree(call_on(operation, x), needs_gradient(x));
  return all.any && !needs_gradient(x) ? variable(x) : x;
}

Tensor all_reduce(const Shared& to, const Operand& x, Reduce how);
Tensor all_gather(const Shared& to, const Operand& x);
Tensor reduce_scatter(const Shared& to, const Operand& x, Reduce how);
Tensor reduce(const Shared& to, const Operand& x, int root);

void require_root(const Transport& to, std::string_view operation, int root) {
  if (root < 0 || root >= to.size)
    throw std::invalid_argument(std::string(operation) + ": root is " + std::to_string(root) +
                                ", not a rank of " + std::to_string(to.size) + ", 0 to " +
                                std::to_string(to.size - 1));
}

Tensor broadcast(const Shared& to, const Operand& x, int root) {
  require_root(*to, "broadcast", root);
  const std::string name = "broadcast";
  const Tensor in = agreed(*to, name + " from rank " + std::to_string(root), x.as_tensor());
  return custom_gradient(
      name, [to, root](const Tensor& its) { return send_from(*to, its.detach(), root); },
      [to, root](const Tensor&, const Tensor&, const Tensor& g) { return reduce(to, g, root); },
      x.here())(in);
}

/// The dtype that a sum or a mean has.
Tensor as_summand(const Tensor& x, Reduce how) {
  if (how == Reduce::sum && x.dtype() == DType::boolean) return cast(x, DType::int64);
  if (how == Reduce::mean && !is_floating(x.dtype())) return cast(x, default_dtype());
  return x;
}

Tensor reduce(const Shared& to, const Operand& x, int root) {
  require_root(*to, "reduce", root);
  const std::string name = "reduce";
  const Tensor in =
      as_summand(agreed(*to, name + " to rank " + std::to_string(root), x.as_tensor()), Reduce::sum);
  return custom_gradient(
      name,
      [to, root](const Tensor& its) {
        const Tensor sum = reduced(*to, its.detach(), Reduce::sum);
        return to->rank == root ? sum : zeros_like(sum);
      },
      [to, root](const Tensor&, const Tensor&, const Tensor& g) { return broadcast(to, g, root); },
      x.here())(in);
}

Tensor all_reduce(const Shared& to, const Operand& x, Reduce how) {
  const std::string name = called("all_reduce", how);
  const Tensor in = as_summand(agreed(*to, name, x.as_tensor()), how);
  const auto forward = [to, how](const Tensor& its) { return reduced(*to, its.detach(), how); };
  if (how == Reduce::sum || how == Reduce::mean)
    return custom_gradient(
        name, forward,
        [to, how](const Tensor&, const Tensor&, const Tensor& g) { return all_reduce(to, g, how); },
        x.here())(in);
  return custom_gradient(
      name, forward,
      [to](const Tensor& its, const Tensor& y, const Tensor& g) {
        const Tensor has_it = cast(its.detach() == y.detach(), g.dtype());
        const Tensor ranks = maximum(all_reduce(to, has_it, Reduce::sum), 1);  // none has NaN
        return all_reduce(to, g, Reduce::sum) * (has_it / ranks);
      },
      x.here())(in);
}

Tensor all_gather(const Shared& to, const Operand& x) {
  const std::string name = "all_gather";
  const Tensor in = agreed(*to, name, x.as_tensor());
  return custom_gradient(
      name, [to](const Tensor& its) { return gathered(*to, its.detach()); },
      [to](const Tensor& its, const Tensor&, const Tensor& g) {
        return reshape(reduce_scatter(to, g, Reduce::sum), its.shape());
      },
      x.here())(in);
}

Tensor reduce_scatter(const Shared& to, const Operand& x, Reduce how) {
  const std::string name = called("reduce_scatter", how);
  if (how != Reduce::sum && how != Reduce::mean)
    throw std::invalid_argument(name + ": it has sums and means; take all_reduce, and of that a part");
  const Tensor in = as_summand(agreed(*to, name, x.as_tensor()), how);
  if (in.rank() == 0 || in.shape()[0] % to->size != 0)
    throw ShapeError(name + ": x " + to_string(in.shape()) + " has no first axis of equal parts for " +
                     std::to_string(to->size) + " ranks; pad it");
  return custom_gradient(
      name, [to, how](const Tensor& its) { return scattered(*to, its.detach(), how); },
      [to, how](const Tensor&, const Tensor&, const Tensor& g) {
        const Tensor all = all_gather(to, g);
        return how == Reduce::mean ? all / to->size : all;
      },
      x.here())(in);
}

}  // namespace

void gather_shares(Transport& to, DType dtype, void* row, std::int64_t count) {
  if (count == 0) return;
  const auto ranks = static_cast<std::size_t>(to.size);
  std::vector<int> counts(ranks), from(ranks);
  for (int r = 0; r < to.size; ++r) {
    const std::int64_t begin = share_begin(count, to.size, r);
    counts[static_cast<std::size_t>(r)] = count_of(share_begin(count, to.size, r + 1) - begin);
    from[static_cast<std::size_t>(r)] = count_of(begin);
  }
  const int mine = counts[static_cast<std::size_t>(to.rank)];
  MPI_Request request = MPI_REQUEST_NULL;
  check(MPI_Iallgatherv(MPI_IN_PLACE, mine, type_of(dtype), row, counts.data(), from.data(), type_of(dtype),
                        to.data, &request),
        "all_gather");
  to.wait(request, "all_gather");
  to.count(std::int64_t{mine} * static_cast<std::int64_t>(item_size(dtype)) * (to.size - 1));
}

Tensor World::broadcast(const Operand& x, int root) const {
  return distributed::broadcast(transport_, x, root);
}
Tensor World::reduce(const Operand& x, int root) const { return distributed::reduce(transport_, x, root); }
Tensor World::all_reduce(const Operand& x, Reduce how) const {
  return distributed::all_reduce(transport_, x, how);
}
Tensor World::all_gather(const Operand& x) const { return distributed::all_gather(transport_, x); }
Tensor World::reduce_scatter(const Operand& x, Reduce how) const {
  return distributed::reduce_scatter(transport_, x, how);
}

// First how long the description is, then that, then the tensors.
NamedTensors World::broadcast_state(const NamedTensors& state, int root) const {
  const NoGrad off;
  std::vector<std::int64_t> words;
  if (rank() == root) {
    for (const auto& [name, tensor] : state) {
      words.push_back(static_cast<std::int64_t>(name.size()));
      words.insert(words.end(), name.begin(), name.end());
      words.push_back(static_cast<std::int64_t>(tensor.dtype()));
      words.push_back(static_cast<std::int64_t>(tensor.rank()));
      const Shape shape = tensor.shape();
      words.insert(words.end(), shape.begin(), shape.end());
    }
  }
  const auto length = broadcast(static_cast<std::int64_t>(words.size()), root).item<std::int64_t>();
  words.resize(static_cast<std::size_t>(length));
  words = broadcast(tensor(words), root).to_vector<std::int64_t>();
  NamedTensors all;
  for (auto next = words.begin(); next != words.end();) {
    const std::int64_t letters = *next++;
    const std::string name(next, next + letters);
    next += letters;
    const auto dtype = static_cast<DType>(*next++);
    const std::int64_t axes = *next++;
    const Shape shape(std::vector<std::int64_t>(next, next + axes));
    next += axes;
    const Tensor mine = rank() == root ? state[all.size()].second.detach() : zeros(shape, dtype);
    all.emplace_back(name, broadcast(mine, root));
  }
  return all;
}

}  // namespace chainrule::distributed
