# chainrule_embed(TARGET FUNCTION FILE...): compiles text files into a library. FUNCTION, which a header of the library
# declares as `std::string_view chainrule::FUNCTION(std::string_view name)`, then gives a file's text by its name.
# The build runs this same file as a script, which writes the C++.
if(NOT CMAKE_SCRIPT_MODE_FILE)
  set(chainrule_embed_script ${CMAKE_CURRENT_LIST_FILE})

  function(chainrule_embed target function)
    set(output ${CMAKE_CURRENT_BINARY_DIR}/${function}.cpp)
    add_custom_command(
      OUTPUT ${output}
      COMMAND ${CMAKE_COMMAND} -D function=${function} -D output=${output} -D "files=${ARGN}" -P
              ${chainrule_embed_script}
      DEPENDS ${ARGN} ${chainrule_embed_script}
      COMMENT "Embedding the files of ${function}"
      VERBATIM)
    target_sources(${target} PRIVATE ${output})
  endfunction()
  return()
endif()

# One literal per line, as compilers limit the length of a literal.
set(entries "")
foreach(file IN LISTS files)
  file(READ ${file} text)
  string(REPLACE "\n" "\n)page\"\n    R\"page(" text "${text}")
  cmake_path(GET file FILENAME name)
  string(APPEND entries "  if (name == \"${name}\")\n    return R\"page(${text})page\";\n")
endforeach()
file(WRITE ${output} "#include <string_view>\n
namespace chainrule {\n
std::string_view ${function}(std::string_view name);\n
std::string_view ${function}(std::string_view name) {
${entries}  return {};
}\n
}  // namespace chainrule\n")
