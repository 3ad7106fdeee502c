// Which instructions the processor has, and which of them loops may use. Found once, by the processor or by
// CHAINRULE_ISA; simd::vectorized asks for it.

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>

#include "chainrule/simd.h"

namespace chainrule::simd {
namespace {

InstructionSet best_of_machine() {
#if defined(__x86_64__)
  __builtin_cpu_init();
#ifndef CHAINRULE_WITHOUT_AVX512  // whose loops vectorized() would not find
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl"))
    return InstructionSet::avx512;
#endif
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return InstructionSet::avx2;
#endif
  return InstructionSet::baseline;
}

struct Named {
  std::string_view name;
  InstructionSet set;
};
constexpr Named sets[] = {{"baseline", InstructionSet::baseline},
                          {"avx2", InstructionSet::avx2},
                          {"avx512", InstructionSet::avx512}};

/// What is asked for, and why it is not what is taken: `what` of the names that `chosen` prefers.
void warn(std::string_view asked, const char* what, InstructionSet best) {
  std::string text = "chainrule: CHAINRULE_ISA=";
  for (const char c : asked.substr(0, 40)) text += c >= ' ' && c <= '~' ? c : '?';
  text += what;
  const char* separator = "";
  for (const Named& each : sets) {
    if (each.set <= best) (text += std::exchange(separator, ", ")) += each.name;
  }
  std::fprintf(stderr, "%s; taking %s\n", text.c_str(),
               std::string(sets[static_cast<std::size_t>(best)].name).c_str());
}

InstructionSet chosen() {
  const InstructionSet best = best_of_machine();
  const char* asked = std::getenv("CHAINRULE_ISA");
  if (asked == nullptr || *asked == '\0') return best;
  for (const Named& each : sets) {
    if (each.name != asked) continue;
    if (each.set <= best) return each.set;
    warn(asked, " needs another processor; this one has ", best);
    return best;
  }
  warn(asked, " is unknown; there are ", best);
  return best;
}

}  // namespace

InstructionSet instruction_set() {
  static const InstructionSet set = chosen();
  return set;
}

}  // namespace chainrule::simd
