# Graphviz's C libraries libgvc (layout and drawing) and libcgraph (graphs), through pkg-config. Defines
# Graphviz::Graphviz.
find_package(PkgConfig QUIET)
if(PkgConfig_FOUND)
  pkg_check_modules(PC_Graphviz QUIET IMPORTED_TARGET libgvc libcgraph)
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(Graphviz REQUIRED_VARS PC_Graphviz_LINK_LIBRARIES
                                  VERSION_VAR PC_Graphviz_libgvc_VERSION)

if(Graphviz_FOUND AND NOT TARGET Graphviz::Graphviz)
  add_library(Graphviz::Graphviz INTERFACE IMPORTED)
  target_link_libraries(Graphviz::Graphviz INTERFACE PkgConfig::PC_Graphviz)
endif()
