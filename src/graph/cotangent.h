// What flows back through a graph: the cotangent of a node, dL/d(its value), and those that a node sends to
// its inputs. That of a scalar is a bare number, without a node, unless it is to be differentiated again.

#pragma once

#include <concepts>

#include "graph/node.h"

namespace chainrule {

/// Which inputs need a gradient.
class Wanted {
 public:
  static constexpr Wanted all() {
    Wanted wanted;
    wanted.inputs_ = ~std::uint64_t{0};
    return wanted;
  }
  constexpr void add(std::size_t input) { inputs_ |= bit(input); }
  constexpr bool operator()(std::size_t input) const { return (inputs_ & bit(input)) != 0; }
  constexpr bool any() const { return inputs_ != 0; }

 private:
  static constexpr std::uint64_t bit(std::size_t input) {
    return std::uint64_t{1} << (input < 63 ? input : 63);
  }
  std::uint64_t inputs_ = 0;  // the last bit is for all further ones
};

/// Nothing, a number, or a tensor.
class Cotangent {
 public:
  Cotangent() = default;
  Cotangent(double number) : kind_(Kind::number), number_(number) {}  // NOLINT(google-explicit-constructor)
  Cotangent(Tensor tensor)                                            // NOLINT(google-explicit-constructor)
      : kind_(tensor.node() != nullptr ? Kind::tensor : Kind::nothing),
        node_(TensorAccess::give_up(tensor)) {}
  Cotangent(Cotangent&& other) noexcept
      : kind_(std::exchange(other.kind_, Kind::nothing)), node_(other.node_) {}
  Cotangent& operator=(Cotangent&& other) noexcept {
    std::swap(kind_, other.kind_);
    std::swap(node_, other.node_);
    return *this;
  }
  template <std::same_as<double> Number>  // not = {}
  Cotangent& operator=(Number number) {
    if (kind_ == Kind::tensor) [[unlikely]]
      return *this = Cotangent(number);
    kind_ = Kind::number;
    number_ = number;
    return *this;
  }
  ~Cotangent() {
    if (kind_ == Kind::tensor) node_->drop(Node::handle);
  }

  bool is_nothing() const { return kind_ == Kind::nothing; }
  bool is_number() const { return kind_ == Kind::number; }
  double number() const { return number_; }
  /// Leaves nothing.
  double take_number() {
    kind_ = Kind::nothing;
    return number_;
  }
  /// The node of a tensor, null for anything else.
  Node* node() const { return kind_ == Kind::tensor ? node_ : nullptr; }
  /// As a tensor: of a number a scalar of this dtype, empty for nothing.
  Tensor tensor(DType dtype) && {
    switch (std::exchange(kind_, Kind::nothing)) {
      case Kind::nothing: break;
      case Kind::number: return scalar(number_, dtype);
      case Kind::tensor: return TensorAccess::adopt(node_);
    }
    return {};
  }
  Tensor tensor(DType dtype) const& {
    return kind_ == Kind::tensor ? TensorAccess::share(node_) : Cotangent(*this, Copied()).tensor(dtype);
  }

 private:
  enum class Kind : std::uint8_t { nothing, number, tensor };
  struct Copied {};
  Cotangent(const Cotangent& other, Copied) : kind_(other.kind_), number_(other.number_) {}

  Kind kind_ = Kind::nothing;
  union {
    double number_;
    Node* node_ = nullptr;
  };
};

/// The cotangents that one node sends to its inputs. A rule sets those that are wanted.
class Cotangents {
 public:
  /// What is asked of a rule.
  struct Request {
    bool only_needed = true;       ///< for the inputs that need a gradient
    bool in_numbers = false;       ///< without a graph of how they are computed
    Wanted among = Wanted::all();  ///< otherwise
  };
  Cotangents(std::span<Cotangent> cotangents, std::span<const Tensor> inputs, Request request)
      : cotangents_(cotangents), inputs_(inputs), request_(request) {}
  bool wants(std::size_t input) const {
    return request_.only_needed ? inputs_[input].node()->requires_grad() : request_.among(input);
  }
  /// Are only numbers wanted, no graph of the computation?
  bool in_numbers() const { return request_.in_numbers; }
  Cotangent& operator[](std::size_t input) { return cotangents_[input]; }

 private:
  std::span<Cotangent> cotangents_;
  std::span<const Tensor> inputs_;
  Request request_;
};

}  // namespace chainrule
