/// \file
/// Marks what a shared library of chainrule exports, most often the namespace that a public header opens, and
/// refuses compilers that are told an older standard than C++20. All else stays inside.

#pragma once

#if __cplusplus < 202002L
#error "chainrule needs C++20: compile with -std=c++20, in CMake with target_compile_features(... cxx_std_20)"
#include "chainrule needs C++20: compile with -std=c++20"  // which ends the compilation here, not in 100 errors
#endif

/// Marks what a shared library of chainrule exports, most often the namespace that a public header opens.
/// All else that the library is made of stays inside.
#define CHAINRULE_API [[gnu::visibility("default")]]

/// Marks what is inlined, but not where code is to be small (-Os): constructors of operands, each of which is
/// longer than its call, and which what is made of other operations consists of.
#ifdef __OPTIMIZE_SIZE__
#define CHAINRULE_SMALL [[gnu::noinline]]
#else
#define CHAINRULE_SMALL
#endif
