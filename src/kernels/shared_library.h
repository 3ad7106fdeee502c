// A library that is loaded when it is first needed: OpenBLAS, FFTW, Graphviz, librsvg. Relies on dlopen; who
// asks for one says what to install where it is missing.

#pragma once

#include <string>
#include <type_traits>

#include <dlfcn.h>

namespace chainrule {

/// A library that is loaded when this is made, and stays until the program ends: what few programs need costs
/// the others neither the time to start nor an installed package.
class SharedLibrary {
 public:
  explicit SharedLibrary(const char* name) : handle_(dlopen(name, RTLD_LAZY | RTLD_LOCAL)) {}
  explicit operator bool() const { return handle_ != nullptr; }
  static bool is_loaded(const char* name) { return dlopen(name, RTLD_LAZY | RTLD_NOLOAD) != nullptr; }

  /// Sets a pointer to the function of this name, or to null and gives false.
  template <class Function>
  bool find(Function*& function, const std::string& name) const {
    static_assert(std::is_function_v<Function>);
    void* const address = handle_ == nullptr ? nullptr : dlsym(handle_, name.c_str());
    function = reinterpret_cast<Function*>(address);  // NOLINT(performance-no-int-to-ptr): as POSIX has it
    return function != nullptr;
  }

 private:
  void* handle_;
};

}  // namespace chainrule
