#pragma once

namespace chainrule::distributed {

/// Sets the number of threads: as told, by WorldOptions or the environment, or to this rank's share.
void share_processors(int told);

}  // namespace chainrule::distributed
