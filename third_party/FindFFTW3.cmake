# FFTW, of which only the header is needed to build: it is loaded when it is needed. Defines FFTW3::FFTW3.
find_path(FFTW3_INCLUDE_DIR fftw3.h)
mark_as_advanced(FFTW3_INCLUDE_DIR)
find_package(PkgConfig QUIET)
if(PkgConfig_FOUND)
  pkg_check_modules(PC_FFTW3 QUIET fftw3)
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(FFTW3 REQUIRED_VARS FFTW3_INCLUDE_DIR VERSION_VAR PC_FFTW3_VERSION)

if(FFTW3_FOUND AND NOT TARGET FFTW3::FFTW3)
  add_library(FFTW3::FFTW3 INTERFACE IMPORTED)
  target_include_directories(FFTW3::FFTW3 INTERFACE ${FFTW3_INCLUDE_DIR})
endif()
