# Writes the page of all operations, as the tool TOOL prints it, to OUTPUT.
execute_process(COMMAND ${TOOL} ops --markdown OUTPUT_VARIABLE table COMMAND_ERROR_IS_FATAL ANY)
file(WRITE ${OUTPUT} "# Operations {#operations}\n\nEvery operation that can be called, in C++ and on the command line, with its "
                     "derivative.\n\n${table}")
