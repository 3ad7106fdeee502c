// The random numbers of vmaps that run in chunks: the state of the generator before each draw of the first
// chunk, which further ones repeat. One list for each thread.

#include "graph/chunks.h"

#include <vector>

namespace chainrule {
namespace {

/// The chunk that runs of a vmap, and how each draw of the first one began.
struct Chunk {
  bool is_first = true, is_last = true, same = false, runs = true;
  std::size_t draws = 0;
  std::vector<Generator> began{};
};
/// The outer ones first. Between its chunks, a vmap waits behind those that run.
thread_local std::vector<Chunk> chunks;

std::size_t running_chunks() {
  std::size_t count = 0;
  while (count < chunks.size() && chunks[count].runs) ++count;
  return count;
}

}  // namespace

void enter_chunk(bool is_first, bool is_last, bool same) {
  const std::size_t at = running_chunks();
  if (is_first || at == chunks.size()) {
    chunks.resize(at);
    chunks.push_back({.is_first = true, .is_last = is_last, .same = same});
    return;
  }
  Chunk& next = chunks[at];
  next.is_first = false;
  next.is_last = is_last;
  next.runs = true;
  next.draws = 0;
}

void leave_chunk() {
  const std::size_t at = running_chunks() - 1;
  chunks.resize(at + 1);
  chunks[at].runs = false;
  if (chunks[at].is_last) chunks.pop_back();
}

// The innermost first: the outermost one that repeats a chunk has the last word.
void begin_draw(Generator& generator) {
  for (std::size_t i = running_chunks(); i-- > 0;) {
    Chunk& chunk = chunks[i];
    if (!chunk.same) continue;
    const std::size_t draw = chunk.draws++;
    if (chunk.is_first)
      chunk.began.push_back(generator);
    else if (draw < chunk.began.size())
      generator = chunk.began[draw];
  }
}

}  // namespace chainrule
