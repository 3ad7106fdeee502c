// Cross-entropy of logits, with its gradient if it is wanted, in one pass. Lines are samples; what reduces
// them to one number is an operation's.

#pragma once

#include "array/array.h"

namespace chainrule::kernels {

/// -log softmax(logits)[target], or -Σ target · log softmax(logits): one loss per sample, of logits
/// (samples, classes) against classes (samples,) or probabilities (samples, classes). Everything comes from
/// the logits in one pass over each row, which stays in the cache.
///
/// `gradient`, if not null, gets the losses' gradient with respect to the logits, times `scale`:
/// softmax(logits) · Σ target - target.
Array cross_entropy(const Array& logits, const Array& target, Array* gradient, double scale);

}  // namespace chainrule::kernels
