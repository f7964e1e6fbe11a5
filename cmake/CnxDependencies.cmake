# Finds what cnx is built on, and says in one line what to install where something is missing.

set(CNX_APT "apt-get install libopencv-core-dev libopencv-imgcodecs-dev libopencv-imgproc-dev libopenblas-dev libcjson-dev zlib1g-dev")

function(cnx_missing what)
  message(FATAL_ERROR "cnx needs ${what}, which was not found.\n"
                      "On Debian and Ubuntu: ${CNX_APT}\n(or run tools/bootstrap, which does it)")
endfunction()

find_package(PkgConfig QUIET)

find_package(OpenCV QUIET COMPONENTS core imgcodecs imgproc)
if(OpenCV_FOUND)
  add_library(cnx_opencv INTERFACE)
  target_include_directories(cnx_opencv SYSTEM INTERFACE ${OpenCV_INCLUDE_DIRS})
  target_link_libraries(cnx_opencv INTERFACE opencv_core opencv_imgcodecs opencv_imgproc)
else()
  # Debian puts OpenCV's CMake package into libopencv-dev, which pulls in all of it; the three
  # libraries that are needed come without.
  find_path(CNX_OPENCV_INCLUDE opencv2/imgcodecs.hpp PATH_SUFFIXES opencv4)
  find_library(CNX_OPENCV_CORE opencv_core)
  find_library(CNX_OPENCV_IMGCODECS opencv_imgcodecs)
  find_library(CNX_OPENCV_IMGPROC opencv_imgproc)
  if(NOT CNX_OPENCV_INCLUDE OR NOT CNX_OPENCV_CORE OR NOT CNX_OPENCV_IMGCODECS
     OR NOT CNX_OPENCV_IMGPROC)
    cnx_missing("OpenCV (core, imgcodecs, imgproc)")
  endif()
  add_library(cnx_opencv INTERFACE)
  target_include_directories(cnx_opencv SYSTEM INTERFACE ${CNX_OPENCV_INCLUDE})
  target_link_libraries(cnx_opencv INTERFACE ${CNX_OPENCV_IMGCODECS} ${CNX_OPENCV_IMGPROC}
                                             ${CNX_OPENCV_CORE})
endif()

# Of OpenBLAS the headers; the library is loaded at run time (core/kernels/openblas_load.c).
find_path(CNX_OPENBLAS_INCLUDE openblas_config.h PATH_SUFFIXES openblas openblas-pthread
          x86_64-linux-gnu x86_64-linux-gnu/openblas-pthread)
if(NOT CNX_OPENBLAS_INCLUDE)
  cnx_missing("OpenBLAS")
endif()
add_library(cnx_openblas INTERFACE)
target_include_directories(cnx_openblas SYSTEM INTERFACE ${CNX_OPENBLAS_INCLUDE})

find_path(CNX_CJSON_INCLUDE cjson/cJSON.h)
find_library(CNX_CJSON_LIBRARY cjson)
if(NOT CNX_CJSON_INCLUDE OR NOT CNX_CJSON_LIBRARY)
  cnx_missing("cJSON")
endif()
add_library(cnx_cjson INTERFACE)
target_include_directories(cnx_cjson SYSTEM INTERFACE ${CNX_CJSON_INCLUDE})
target_link_libraries(cnx_cjson INTERFACE ${CNX_CJSON_LIBRARY})

find_package(ZLIB QUIET)
if(NOT ZLIB_FOUND)
  cnx_missing("zlib")
endif()

find_package(Threads REQUIRED)
if(CNX_THREADS STREQUAL "openmp")
  find_package(OpenMP QUIET COMPONENTS C)
  if(NOT OpenMP_C_FOUND)
    cnx_missing("OpenMP (with clang: libomp-dev)")
  endif()
endif()
