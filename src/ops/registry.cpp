// The list of all operations, and what it takes to find one in it: names, aliases and kinds. Made from the
// tables that registry.h names.

#include "ops/registry.h"

#include <algorithm>
#include <iterator>

namespace chainrule {
namespace registry {
namespace {

constexpr auto families = {
    ops::arithmetic_operations,
    ops::transcendental_operations,
    ops::function_operations,
    ops::special_function_operations,
    ops::special_number_operations,
    ops::rounding_operations,
    ops::activation_operations,
    ops::piecewise_operations,
    ops::logic_operations,
    ops::integer_operations,
    ops::cast_operations,
    ops::reduction_operations,
    ops::norm_and_product_operations,
    ops::linear_algebra_operations,
    ops::product_operations,
    ops::einsum_operations,
    ops::solving_operations,
    ops::decomposition_operations,
    ops::matrix_function_operations,
    ops::shape_operations,
    ops::slice_operations,
    ops::joining_operations,
    ops::row_operations,
    ops::place_operations,
    ops::indexing_operations,
    ops::weighted_row_operations,
    ops::bag_operations,
    ops::updating_operations,
    ops::meeting_operations,
    ops::product_at_places_operations,
    ops::order_operations,
    ops::unique_operations,
    ops::shaping_operations,
    ops::piece_operations,
    ops::pattern_operations,
    ops::grid_of_vector_operations,
    ops::padding_operations,
    ops::making_operations,
    ops::probability_operations,
    ops::loss_operations,
    ops::map_operations,
    ops::fourier_operations,
    ops::fourier_axis_operations,
    ops::signal_operations,
    ops::statistics_operations,
    ops::difference_operations,
    ops::cumulative_operations,
    ops::counting_operations,
    ops::series_operations,
    ops::nan_statistics_operations,
    ops::regression_loss_operations,
    ops::classification_loss_operations,
    ops::distance_operations,
    ops::distribution_operations,
    ops::choice_operations,
    ops::count_operations,
    ops::convolution_operations,
    ops::pooling_operations,
    ops::resampling_operations,
    ops::channel_operations,
    ops::grid_operations,
    ops::patch_operations,
    ops::normalization_operations,
    ops::attention_operations,
    ops::recurrent_operations,
};

/// Every name by which something is called, in alphabetic order, with its entry.
struct Name {
  std::string_view name;
  const Entry* entry;
};
const std::vector<Name>& index() {
  static const auto* const all = [] {
    auto* const names = new std::vector<Name>;  // never destroyed: others may ask at exit
    for (const Entry& entry : entries()) {
      if (entry.call == nullptr) continue;
      names->push_back({entry.name, &entry});
      for (std::string_view left = entry.aliases; !left.empty();) {
        const std::size_t end = std::min(left.find(' '), left.size());
        names->push_back({left.substr(0, end), &entry});
        left.remove_prefix(std::min(end + 1, left.size()));
      }
    }
    std::sort(names->begin(), names->end(), [](const Name& a, const Name& b) { return a.name < b.name; });
    return names;
  }();
  return *all;
}

}  // namespace

std::span<const Entry> entries() {
  static const auto* const all = [] {
    auto* const list = new std::vector<Entry>;
    for (const auto family : families) std::ranges::copy(family(), std::back_inserter(*list));
    std::sort(list->begin(), list->end(), [](const Entry& a, const Entry& b) { return a.name < b.name; });
    return list;
  }();
  return *all;
}

const Entry* find(std::string_view name) {
  const std::vector<Name>& all = index();
  const auto found = std::lower_bound(all.begin(), all.end(), name,
                                      [](const Name& a, std::string_view b) { return a.name < b; });
  return found == all.end() || found->name != name ? nullptr : found->entry;
}

std::vector<std::string_view> names() {
  std::vector<std::string_view> all;
  for (const Name& name : index()) all.push_back(name.name);
  return all;
}

std::size_t Arguments::choice(std::size_t i, std::initializer_list<std::string_view> words) const {
  const std::string given = word(i);
  if (const auto* found = std::find(words.begin(), words.end(), given); found != words.end())
    return static_cast<std::size_t>(found - words.begin());
  std::string list;
  for (const std::string_view& each : words)
    list += (list.empty() ? "'" : &each + 1 == words.end() ? " or '" : ", '") + std::string(each) + "'";
  fail(i, list);
  return words.size();  // not reached: some compilers overlook that fail() does not return
}

Tensor Arguments::in_dtype(std::size_t i) {
  return given(i) ? cast((*this)[0], dtype(i)) : (*this)[0].as_tensor();
}

Reduction Arguments::reduction(std::size_t i) const {
  constexpr Reduction all[] = {Reduction::mean, Reduction::sum, Reduction::none};
  return all[choice(i, {"mean", "sum", "none"})];
}

}  // namespace registry

std::vector<OperationInfo> operations() {
  std::vector<OperationInfo> all;
  for (const registry::Entry& entry : registry::entries()) all.push_back({entry.name, entry.formula});
  return all;
}

}  // namespace chainrule
