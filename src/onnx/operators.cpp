// The list of all operators by name, and of those that ONNX has but this engine has not, and why. A name that
// is in neither is no operator.

#include "onnx/operators.h"

#include <algorithm>
#include <array>
#include <map>

namespace chainrule::onnx {
namespace {

constexpr std::array families = {
    arithmetic_operators,    integer_operators,   activation_operators,  cast_operators,
    reduction_operators,     shape_operators,     making_operators,      indexing_operators,
    order_operators,         product_operators,   convolution_operators, pooling_operators,
    normalization_operators, attention_operators, recurrent_operators,   loss_operators,
    resize_operators,        sampling_operators,  signal_operators,      control_operators,
    training_operators,
};

using Key = std::pair<std::string_view, std::string_view>;  // domain, name

const std::map<Key, const Operator*>& table() {
  static const std::map<Key, const Operator*> all = [] {
    std::map<Key, const Operator*> result;
    for (const auto& family : families)
      for (const Operator& op : family()) result.emplace(Key(op.domain, op.name), &op);
    return result;
  }();
  return all;
}

struct Refused {
  std::string_view reason, names;
};
constexpr Refused refused[] = {
    {"quantised numbers",
     "ConvInteger DequantizeLinear DynamicQuantizeLinear MatMulInteger QLinearConv QLinearMatMul "
     "QuantizeLinear"},
    {"random numbers", "Bernoulli Multinomial RandomNormal RandomNormalLike RandomUniform RandomUniformLike"},
    {"strings", "RegexFullMatch StringConcat StringNormalizer StringSplit"},
    {"sequences",
     "ConcatFromSequence SequenceAt SequenceConstruct SequenceEmpty SequenceErase SequenceInsert "
     "SequenceLength "
     "SequenceMap SplitToSequence"},
    {"optionals", "Optional OptionalGetElement OptionalHasElement"},
    {"files of images", "ImageDecoder"},
    {"n-grams", "TfIdfVectorizer"},
};

}  // namespace

const Operator* find_operator(std::string_view name, std::string_view domain, const std::string& place) {
  if (const auto found = table().find(Key(domain, name)); found != table().end()) return found->second;
  if (domain == "ai.onnx.ml")
    throw Unsupported(place + "operators of the domain 'ai.onnx.ml' are not for this engine",
                      "classical machine learning");
  if (!domain.empty()) return nullptr;
  for (const Refused& group : refused) {
    const std::string names = " " + std::string(group.names) + " ";
    if (names.find(" " + std::string(name) + " ") != std::string::npos)
      throw Unsupported(
          place + "it works on " + std::string(group.reason) + ", which are not for this engine",
          std::string(group.reason));
  }
  return nullptr;
}

std::vector<std::string> operators() {
  std::vector<std::string> names;
  for (const auto& [key, op] : table())
    names.push_back((key.first.empty() ? "" : std::string(key.first) + ".") + std::string(key.second));
  return names;
}

}  // namespace chainrule::onnx
