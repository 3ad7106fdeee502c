// How the operations of one file enter the list of all: each file has a function with a table of entries.
// What an entry says is in chainrule/registry.h.

#pragma once

#include "chainrule/registry.h"
#include "graph/apply.h"

namespace chainrule::ops {

using registry::Arguments;
using registry::call;
using registry::Entry;
using registry::Result;
using Entries = std::span<const Entry>;

/// The parameters of most operations.
constexpr std::string_view one_input = "x|input", two_inputs = "a|x1|input, b|x2|other",
                           over_axes = "x|a|input, axis|dim=None, keepdims|keepdim=False",
                           over_axes_in_dtype =
                               "x|a|input, axis|dim=None, keepdims|keepdim=False, dtype=None";

/// The entry of an operation that people do not call by name: derivatives are made of it.
template <Operation Op>
constexpr Entry inner() {
  Entry entry = {.name = Op::name, .formula = Op::formula};
  if constexpr (requires { Op::notation; }) entry.notation = Op::notation;
  return entry;
}

// As registry::entries() calls them, a program that asks for the list links those files, and no other program
// does for the list's sake.
Entries arithmetic_operations();
Entries transcendental_operations();
Entries function_operations();
Entries special_function_operations();
Entries special_number_operations();
Entries rounding_operations();
Entries activation_operations();
Entries piecewise_operations();
Entries logic_operations();
Entries integer_operations();
Entries cast_operations();
Entries reduction_operations();
Entries norm_and_product_operations();
Entries linear_algebra_operations();
Entries product_operations();
Entries einsum_operations();
Entries solving_operations();
Entries decomposition_operations();
Entries matrix_function_operations();
Entries shape_operations();
Entries slice_operations();
Entries joining_operations();
Entries row_operations();
Entries place_operations();
Entries indexing_operations();
Entries weighted_row_operations();
Entries bag_operations();
Entries updating_operations();
Entries meeting_operations();
Entries product_at_places_operations();
Entries order_operations();
Entries unique_operations();
Entries shaping_operations();
Entries piece_operations();
Entries pattern_operations();
Entries grid_of_vector_operations();
Entries padding_operations();
Entries probability_operations();
Entries loss_operations();
Entries map_operations();
Entries making_operations();
Entries fourier_operations();
Entries fourier_axis_operations();
Entries signal_operations();
Entries statistics_operations();
Entries difference_operations();
Entries cumulative_operations();
Entries counting_operations();
Entries series_operations();
Entries nan_statistics_operations();
Entries regression_loss_operations();
Entries classification_loss_operations();
Entries distance_operations();
Entries distribution_operations();
Entries choice_operations();
Entries count_operations();
Entries convolution_operations();
Entries pooling_operations();
Entries resampling_operations();
Entries channel_operations();
Entries grid_operations();
Entries patch_operations();
Entries normalization_operations();
Entries attention_operations();
Entries recurrent_operations();

}  // namespace chainrule::ops
