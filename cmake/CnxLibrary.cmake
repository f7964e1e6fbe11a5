# libcnx, shared and static, from the objects of all folders; and what `cmake --install` puts beside
# it: cnx.h, a pkg-config file, a CMake package, the program.

set(CNX_FOLDERS cnx_core cnx_mask cnx_coco cnx_kernels cnx_ops cnx_plan cnx_checkpoint cnx_image cnx_embedded cnx_datasets cnx_backbone cnx_heads)
set(CNX_OBJECTS)
foreach(folder ${CNX_FOLDERS})
  list(APPEND CNX_OBJECTS $<TARGET_OBJECTS:${folder}>)
endforeach()

set(CNX_REQUIRED cnx_cjson ZLIB::ZLIB Threads::Threads m ${CMAKE_DL_LIBS})
if(NOT CNX_IMAGE_MODULE)
  list(APPEND CNX_REQUIRED cnx_opencv)
endif()
if(CNX_THREADS STREQUAL "openmp")
  list(APPEND CNX_REQUIRED OpenMP::OpenMP_C)
endif()

add_library(cnx_shared SHARED ${CNX_OBJECTS})
add_library(cnx_static STATIC ${CNX_OBJECTS})
set_target_properties(cnx_shared PROPERTIES
  OUTPUT_NAME cnx EXPORT_NAME cnx VERSION ${PROJECT_VERSION}
  # Before 1.0 every minor version may change the interface.
  SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR}
  LINK_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/libcnx.map)
set_target_properties(cnx_static PROPERTIES OUTPUT_NAME cnx EXPORT_NAME static)
foreach(library cnx_shared cnx_static)
  # Objects alone do not tell whether there is C++ inside.
  if(CNX_IMAGE_MODULE)
    set_target_properties(${library} PROPERTIES LINKER_LANGUAGE C)
  else()
    set_target_properties(${library} PROPERTIES LINKER_LANGUAGE CXX)
  endif()
  target_include_directories(${library} INTERFACE
    $<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
endforeach()
target_link_libraries(cnx_shared PRIVATE $<BUILD_INTERFACE:${CNX_REQUIRED}>)
# The map keeps what a header of another library leaves behind out of libcnx's interface.
target_link_options(cnx_shared PRIVATE LINKER:--version-script=${CMAKE_CURRENT_LIST_DIR}/libcnx.map)
if(NOT CNX_FUZZ AND NOT CMAKE_C_FLAGS MATCHES "-fsanitize")
  # A sanitizer's own symbols are the program's to resolve.
  target_link_options(cnx_shared PRIVATE LINKER:--no-undefined)
endif()

# ---- what a static link needs besides: names for the linker, written into cnx.pc and the package ----

set(CNX_STATIC_LIBS cjson z ${CMAKE_DL_LIBS})
if(NOT CNX_IMAGE_MODULE)
  list(APPEND CNX_STATIC_LIBS opencv_imgcodecs opencv_imgproc opencv_core stdc++)
endif()
if(CNX_THREADS STREQUAL "openmp")
  foreach(name ${OpenMP_C_LIB_NAMES})
    if(name STREQUAL "gomp" OR name STREQUAL "pthread")
      list(APPEND CNX_STATIC_LIBS ${name})
    else() # libomp stands in clang's own folder
      list(APPEND CNX_STATIC_LIBS ${OpenMP_${name}_LIBRARY})
    endif()
  endforeach()
endif()
list(APPEND CNX_STATIC_LIBS pthread m)
list(REMOVE_DUPLICATES CNX_STATIC_LIBS)

set(CNX_PC_LIBS_PRIVATE "")
foreach(lib ${CNX_STATIC_LIBS})
  if(IS_ABSOLUTE ${lib})
    string(APPEND CNX_PC_LIBS_PRIVATE " ${lib}")
  else()
    string(APPEND CNX_PC_LIBS_PRIVATE " -l${lib}")
  endif()
endforeach()

# cnx.pc finds the prefix from its own place, so that a tree can be moved or staged.
if(IS_ABSOLUTE ${CMAKE_INSTALL_LIBDIR} OR IS_ABSOLUTE ${CMAKE_INSTALL_INCLUDEDIR})
  set(CNX_PC_PREFIX ${CMAKE_INSTALL_PREFIX})
  set(CNX_PC_LIBDIR ${CMAKE_INSTALL_FULL_LIBDIR})
  set(CNX_PC_INCLUDEDIR ${CMAKE_INSTALL_FULL_INCLUDEDIR})
else()
  file(RELATIVE_PATH up /x/${CMAKE_INSTALL_LIBDIR}/pkgconfig /x)
  string(REGEX REPLACE "/$" "" up "${up}")
  set(CNX_PC_PREFIX "\${pcfiledir}/${up}")
  set(CNX_PC_LIBDIR "\${prefix}/${CMAKE_INSTALL_LIBDIR}")
  set(CNX_PC_INCLUDEDIR "\${prefix}/${CMAKE_INSTALL_INCLUDEDIR}")
endif()
configure_file(${CMAKE_CURRENT_LIST_DIR}/cnx.pc.in ${CMAKE_BINARY_DIR}/cnx.pc @ONLY)

include(CMakePackageConfigHelpers)
set(CNX_PACKAGE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/cnx)
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/cnxConfig.cmake.in
                              ${CMAKE_BINARY_DIR}/cnxConfig.cmake
                              INSTALL_DESTINATION ${CNX_PACKAGE_DIR})
write_basic_package_version_file(${CMAKE_BINARY_DIR}/cnxConfigVersion.cmake
                                 COMPATIBILITY SameMinorVersion)

install(TARGETS cnx_shared cnx_static EXPORT cnxTargets)
install(EXPORT cnxTargets NAMESPACE cnx:: DESTINATION ${CNX_PACKAGE_DIR})
install(FILES ${CMAKE_BINARY_DIR}/cnxConfig.cmake ${CMAKE_BINARY_DIR}/cnxConfigVersion.cmake
        DESTINATION ${CNX_PACKAGE_DIR})
install(FILES ${CMAKE_BINARY_DIR}/cnx.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
install(FILES ${CMAKE_SOURCE_DIR}/include/cnx.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(FILES ${CMAKE_SOURCE_DIR}/LICENSE ${CMAKE_SOURCE_DIR}/README.md
              ${CMAKE_SOURCE_DIR}/CHANGELOG.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY ${CMAKE_SOURCE_DIR}/docs/ DESTINATION ${CMAKE_INSTALL_DOCDIR}/docs
        FILES_MATCHING PATTERN "*.md" PATTERN "*.svg")
install(TARGETS cnx)
if(CNX_IMAGE_MODULE)
  install(TARGETS cnx_image_module DESTINATION ${CMAKE_INSTALL_LIBDIR}/${CNX_MODULE_FOLDER})
endif()
