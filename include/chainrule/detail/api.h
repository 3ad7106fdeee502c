#pragma once

/// Marks what a shared library of chainrule exports, most often the namespace that a public header opens.
/// All else that the library is made of stays inside.
#define CHAINRULE_API [[gnu::visibility("default")]]
