#pragma once

#include "array/array.h"

namespace chainrule::kernels {

// Logits (samples, classes) against classes (samples,) or probabilities (samples, classes). Everything
// comes from the logits in one pass over each row, which stays in the cache.

/// -log softmax(logits)[target], or -Σ target · log softmax(logits): one loss per sample.
Array cross_entropy(const Array& logits, const Array& target);

/// Its gradient with respect to the logits, softmax(logits) · Σ target - target, times g: one g per
/// sample, or one for all.
Array cross_entropy_gradient(const Array& logits, const Array& target, const Array& g, double scale);

}  // namespace chainrule::kernels
