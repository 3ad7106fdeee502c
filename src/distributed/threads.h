// How many threads a rank may use.
// Relies on chainrule/threads.h for setting them.

#pragma once

namespace chainrule::distributed {

/// Sets the number of threads: as told, by WorldOptions or the environment, or to this rank's share.
void share_processors(int told);

}  // namespace chainrule::distributed
