# libcsv, the C library that reads CSV; it comes with neither CMake nor pkg-config files. Defines Libcsv::Libcsv.
find_path(Libcsv_INCLUDE_DIR csv.h)
find_library(Libcsv_LIBRARY csv)
mark_as_advanced(Libcsv_INCLUDE_DIR Libcsv_LIBRARY)

# Other libraries have a csv.h too; this one states its version.
if(Libcsv_INCLUDE_DIR)
  file(STRINGS ${Libcsv_INCLUDE_DIR}/csv.h version REGEX "^#define CSV_(MAJOR|MINOR) +[0-9]+")
  string(REGEX REPLACE "[^0-9]+([0-9]+);[^0-9]+([0-9]+)" "\\1.\\2" Libcsv_VERSION "${version}")
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(Libcsv REQUIRED_VARS Libcsv_LIBRARY Libcsv_INCLUDE_DIR Libcsv_VERSION
                                  VERSION_VAR Libcsv_VERSION)

if(Libcsv_FOUND AND NOT TARGET Libcsv::Libcsv)
  add_library(Libcsv::Libcsv UNKNOWN IMPORTED)
  set_target_properties(Libcsv::Libcsv PROPERTIES IMPORTED_LOCATION ${Libcsv_LIBRARY}
                                                  INTERFACE_INCLUDE_DIRECTORIES ${Libcsv_INCLUDE_DIR})
endif()
