// Random numbers that all samples of a vmap see are the same in all its chunks, too: what is drawn in a
// further chunk begins as the draw of the first one did that was as many draws after its start.

#pragma once

#include "chainrule/random.h"

namespace chainrule {

/// A chunk of a vmap begins and ends in this thread; `same` are its random numbers for all samples.
void enter_chunk(bool is_first, bool is_last, bool same);
void leave_chunk();

/// Before a draw inside of transforms.
void begin_draw(Generator& generator);

}  // namespace chainrule
