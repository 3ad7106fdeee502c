// What functions do to the buffers of modules, for who calls them again. Assignments are seen through
// AssignedBuffers while one exists in the thread; see buffers.h.

#include "autograd/buffers.h"

#include <algorithm>

namespace chainrule {

constinit thread_local AssignedBuffers* AssignedBuffers::newest_ = nullptr;

void AssignedBuffers::note(const Buffer& buffer) {
  for (AssignedBuffers* each = newest_; each != nullptr; each = each->around_)
    if (std::ranges::none_of(each->before,
                             [&](const auto& noted) { return noted.first.slot() == buffer.slot(); }))
      each->before.emplace_back(buffer, buffer.value());
}

}  // namespace chainrule
