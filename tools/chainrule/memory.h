// A limit for the memory of this process: an expression of the user's may ask for any size, and is then told
// so.

#pragma once

namespace chainrule::cli {

/// From now on this process may take only the memory that is free now. An expression that asks for more then
/// fails with std::bad_alloc, where the system would let it take memory until it ends some process, often
/// another one.
void limit_memory();

}  // namespace chainrule::cli
