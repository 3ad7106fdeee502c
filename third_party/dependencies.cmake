# Finds what chainrule is built on. Packages, minimum versions and licences stand in packages.txt.

list(APPEND CMAKE_MODULE_PATH ${CMAKE_CURRENT_LIST_DIR})
set(chainrule_packages ${CMAKE_CURRENT_LIST_DIR}/packages.txt)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${chainrule_packages})

# Finds one dependency in at least the version that packages.txt asks for, which <name>_MINIMUM then says.
# Adds it to chainrule_missing when it is not there, so that all that is missing is reported at once.
function(chainrule_find name)
  file(STRINGS ${chainrule_packages} line REGEX "^[^# ]+ +${name} ")
  if(NOT line MATCHES "^([^ ]+) +[^ ]+ +([^ ]+)")
    message(FATAL_ERROR "third_party/packages.txt has no line for ${name}")
  endif()
  set(package ${CMAKE_MATCH_1})
  string(REPLACE - "" minimum ${CMAKE_MATCH_2})  # "-" is any version
  find_package(${name} ${minimum} QUIET)
  if(NOT ${name}_FOUND)
    set(chainrule_missing ${chainrule_missing} ${package} PARENT_SCOPE)
    message(NOTICE "chainrule: ${name} ${minimum} or newer is missing; install the Debian package ${package}")
  endif()
  set(${name}_MINIMUM ${minimum} PARENT_SCOPE)
endfunction()

chainrule_find(PkgConfig)
chainrule_find(xtensor)
chainrule_find(OpenBLAS)
set(BLA_VENDOR OpenBLAS)  # or xtensor-blas takes any BLAS and LAPACK that it meets
chainrule_find(xtensor-blas)
chainrule_find(FFTW3)
chainrule_find(fmt)
chainrule_find(nlohmann_json)
chainrule_find(Libcsv)
chainrule_find(ZLIB)
find_package(Threads REQUIRED)
if(CHAINRULE_BUILD_RENDER)
  chainrule_find(Graphviz)
  chainrule_find(Librsvg)
  chainrule_find(PNG)
endif()
if(CHAINRULE_BUILD_ONNX)
  # Both together, or the rest without them: ONNX's own configuration expects that Protobuf has been found, and says
  # its version in a variable alone.
  find_package(Protobuf 3.21 QUIET)
  if(Protobuf_FOUND)
    find_package(ONNX QUIET)
  endif()
  if(NOT ONNX_FOUND OR ONNX_VERSION VERSION_LESS 1.12)
    message(NOTICE "chainrule: chainrule::onnx is not built; it needs the Debian packages libprotobuf-dev and libonnx-dev")
    set(CHAINRULE_BUILD_ONNX OFF)
  endif()
endif()
if(CHAINRULE_BUILD_DISTRIBUTED)
  find_package(MPI 3.1 QUIET COMPONENTS CXX)
  if(NOT MPI_CXX_FOUND)
    message(NOTICE "chainrule: chainrule::distributed is not built; it needs the Debian packages libopenmpi-dev and openmpi-bin")
    set(CHAINRULE_BUILD_DISTRIBUTED OFF)
  endif()
endif()
if(CHAINRULE_BUILD_TOOLS OR CHAINRULE_BUILD_BENCH)
  chainrule_find(CLI11)
endif()
if(CHAINRULE_BUILD_TOOLS)
  chainrule_find(pegtl)
endif()
if(CHAINRULE_BUILD_TESTS)
  chainrule_find(GTest)
endif()

if(chainrule_missing)
  list(JOIN chainrule_missing " " packages)
  message(FATAL_ERROR "chainrule cannot be built without what is named above. On Debian:\n"
                      "  apt-get install ${packages}\n"
                      "If it is installed in an unusual place, add that place to CMAKE_PREFIX_PATH.")
endif()

# The name by which a program loads lib<library> while it runs, as libgvc.so.6.
function(chainrule_file_to_load variable library)
  find_library(path ${library} HINTS ${ARGN} NO_CACHE REQUIRED)
  file(REAL_PATH ${path} path)
  string(REGEX REPLACE "^.*/(lib.*[.]so[.][0-9]+).*$" "\\1" file ${path})
  set(${variable} ${file} PARENT_SCOPE)
endfunction()

# fmt, as a part of a target: see fmt.cpp.
add_library(chainrule_fmt OBJECT ${CMAKE_CURRENT_LIST_DIR}/fmt.cpp)
target_include_directories(chainrule_fmt SYSTEM PUBLIC $<TARGET_PROPERTY:fmt::fmt,INTERFACE_INCLUDE_DIRECTORIES>)
target_compile_options(chainrule_fmt PRIVATE $<$<CONFIG:Release>:-Os> -ffunction-sections -fdata-sections)
set_target_properties(chainrule_fmt PROPERTIES CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
function(chainrule_use_fmt target)
  target_sources(${target} PRIVATE $<TARGET_OBJECTS:chainrule_fmt>)
  target_include_directories(${target} SYSTEM
                             PRIVATE $<TARGET_PROPERTY:chainrule_fmt,INTERFACE_INCLUDE_DIRECTORIES>)
endfunction()
