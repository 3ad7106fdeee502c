#pragma once

namespace chainrule::cli {

/// From now on this process may take only the memory that is free now. An expression that asks for more then
/// fails with std::bad_alloc, where the system would let it take memory until it ends some process, often
/// another one.
void limit_memory();

}  // namespace chainrule::cli
