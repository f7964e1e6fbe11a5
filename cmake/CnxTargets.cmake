# One static library a folder.  A test links only its own folder's library and those below, so that an
# arrow in the wrong direction does not link.

set(CNX_WARNINGS -Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion -Wpointer-arith
                 -Wwrite-strings)

# FMA contraction is off everywhere: where a threshold, floor or ceiling decides, it would change
# results from one compiler to the next.  Kernels that want fused multiply-adds say so themselves.
#
# CNX_BUILD_SHARED marks what cnx.h declares as exported; all else is hidden.  The folders' objects
# go into libcnx.so and libcnx.a alike, so all of them are built that way.
add_library(cnx_flags INTERFACE)
target_compile_options(cnx_flags INTERFACE -ffp-contract=off ${CNX_WARNINGS}
                       $<$<COMPILE_LANGUAGE:C>:-Wstrict-prototypes -Wmissing-prototypes -Wvla>
                       $<$<BOOL:${CNX_WERROR}>:-Werror>)
target_compile_definitions(cnx_flags INTERFACE _GNU_SOURCE CNX_BUILD_SHARED)
target_include_directories(cnx_flags INTERFACE ${CMAKE_SOURCE_DIR} ${CMAKE_SOURCE_DIR}/include)

# cnx_add_folder(name SOURCES... LINK libs...)
function(cnx_add_folder name)
  cmake_parse_arguments(F "" "" "SOURCES;LINK" ${ARGN})
  add_library(${name} STATIC ${F_SOURCES})
  target_link_libraries(${name} PUBLIC cnx_flags ${F_LINK})
endfunction()
