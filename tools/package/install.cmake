# What `cmake --install` installs, with the files by which CMake and pkg-config find it again.
include(CMakePackageConfigHelpers)

set(config_dir ${CMAKE_INSTALL_LIBDIR}/cmake/chainrule)
set(staging ${PROJECT_BINARY_DIR}/package)
get_target_property(chainrule_type chainrule TYPE)

install(TARGETS chainrule EXPORT chainruleTargets FILE_SET HEADERS)
install(EXPORT chainruleTargets NAMESPACE chainrule:: DESTINATION ${config_dir})
foreach(component Xtensor Render Onnx Distributed)
  string(TOLOWER chainrule_${component} target)
  if(TARGET ${target})
    install(TARGETS ${target} EXPORT chainrule${component}Targets)
    install(EXPORT chainrule${component}Targets NAMESPACE chainrule:: DESTINATION ${config_dir})
  endif()
endforeach()

configure_package_config_file(tools/package/chainruleConfig.cmake.in ${staging}/chainruleConfig.cmake
                              INSTALL_DESTINATION ${config_dir})
write_basic_package_version_file(${staging}/chainruleConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${staging}/chainruleConfig.cmake ${staging}/chainruleConfigVersion.cmake
              third_party/FindLibcsv.cmake
        DESTINATION ${config_dir})

# A shared library brings its own dependencies; with a static one the program links them.
cmake_path(RELATIVE_PATH CMAKE_INSTALL_PREFIX BASE_DIRECTORY ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig
           OUTPUT_VARIABLE pc_to_prefix)
if(chainrule_type STREQUAL STATIC_LIBRARY)
  list(TRANSFORM CMAKE_DL_LIBS PREPEND " -l" OUTPUT_VARIABLE pc_dl)
  set(pc_libs " -lcsv -lz ${CMAKE_THREAD_LIBS_INIT}${pc_dl}")
endif()
configure_file(tools/package/chainrule.pc.in ${staging}/chainrule.pc @ONLY)
install(FILES ${staging}/chainrule.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
