#include <cstdlib>
#include <string_view>

#include "chainrule/simd.h"

namespace chainrule::simd {
namespace {

InstructionSet best_of_machine() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl"))
    return InstructionSet::avx512;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return InstructionSet::avx2;
#endif
  return InstructionSet::baseline;
}

InstructionSet chosen() {
  const InstructionSet best = best_of_machine();
  const char* asked = std::getenv("CHAINRULE_ISA");
  const std::string_view name = asked == nullptr ? "" : asked;
  InstructionSet wanted = best;
  if (name == "baseline") wanted = InstructionSet::baseline;
  if (name == "avx2") wanted = InstructionSet::avx2;
  if (name == "avx512") wanted = InstructionSet::avx512;
  return wanted < best ? wanted : best;  // never what the machine cannot do
}

}  // namespace

InstructionSet instruction_set() {
  static const InstructionSet set = chosen();
  return set;
}

}  // namespace chainrule::simd
