#include <cstring>

#include "chainrule/io.h"
#include "files.h"

namespace chainrule::fuzz {
namespace {

template <Element T>
bool same_bytes(const Tensor& a, const Tensor& b) {
  const auto left = a.data<T>(), right = b.data<T>();
  return left.empty() || std::memcmp(left.data(), right.data(), left.size_bytes()) == 0;
}

bool same_elements(const Tensor& a, const Tensor& b) {
  switch (a.dtype()) {
    case DType::boolean: return same_bytes<bool>(a, b);
    case DType::int64: return same_bytes<std::int64_t>(a, b);
    case DType::float32: return same_bytes<float>(a, b);
    case DType::float64: return same_bytes<double>(a, b);
  }
  return false;
}

}  // namespace

void npy(Bytes bytes) {
  Tensor loaded;
  try {
    loaded = load_npy(file_of(bytes));
  } catch (const IoError&) {
    return;
  }
  save_npy(scratch_path(), loaded);
  const Tensor again = load_npy(scratch_path());
  if (again.dtype() != loaded.dtype() || !(again.shape() == loaded.shape()) || !same_elements(again, loaded))
    throw Finding("not the same array when it is saved and loaded again: " + to_string(loaded));
}

}  // namespace chainrule::fuzz
