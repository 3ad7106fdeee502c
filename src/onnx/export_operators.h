// The tables of what operations become in ONNX: this one, and that of networks.
// exporter.cpp looks operations up in them.

#pragma once

#include <span>

#include "onnx/exporter.h"

namespace chainrule::onnx {

/// An operation by its name, and what writes it.
struct Written {
  std::string_view operation;
  StepWriter write;
};
/// Those that networks are made of: convolutions, pooling, normalisation, attention, rows by their places.
std::span<const Written> written_networks();

}  // namespace chainrule::onnx
