# librsvg, the C library that draws SVG with cairo, which comes with it, through pkg-config. Defines Librsvg::Librsvg.
find_package(PkgConfig QUIET)
if(PkgConfig_FOUND)
  pkg_check_modules(PC_Librsvg QUIET IMPORTED_TARGET librsvg-2.0 cairo)
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(Librsvg REQUIRED_VARS PC_Librsvg_LINK_LIBRARIES
                                  VERSION_VAR PC_Librsvg_librsvg-2.0_VERSION)

if(Librsvg_FOUND AND NOT TARGET Librsvg::Librsvg)
  add_library(Librsvg::Librsvg INTERFACE IMPORTED)
  target_link_libraries(Librsvg::Librsvg INTERFACE PkgConfig::PC_Librsvg)
endif()
