# TensorRT's headers and, where it is there, its library.
#
# Looked for in TensorRT_ROOT (variable or environment) and TENSORRT_ROOT (environment), then where
# Debian packages, JetPack, NVIDIA's containers and its archives put them.
#
# Sets TensorRT_FOUND, TensorRT_VERSION, TensorRT_INCLUDE_DIR and TensorRT_LIBRARY.

set(_places
  $ENV{TENSORRT_ROOT}
  /usr/include/${CMAKE_SYSTEM_PROCESSOR}-linux-gnu
  /usr/src/tensorrt
  /opt/tensorrt
  /usr/local/tensorrt
  /usr/local/TensorRT)

find_path(TensorRT_INCLUDE_DIR NvInferVersion.h PATHS ${_places} PATH_SUFFIXES include)

set(TensorRT_VERSION)
if(TensorRT_INCLUDE_DIR)
  # From 10 on each number is defined by another macro: the last definition with digits counts.
  file(STRINGS ${TensorRT_INCLUDE_DIR}/NvInferVersion.h _lines REGEX "^#define [A-Z_]+ [0-9]+")
  foreach(_part MAJOR MINOR PATCH)
    set(_number)
    foreach(_line IN LISTS _lines)
      if(_line MATCHES "^#define (NV_TENSORRT_${_part}|TRT_${_part}_ENTERPRISE) ([0-9]+)")
        set(_number ${CMAKE_MATCH_2})
      endif()
    endforeach()
    list(APPEND TensorRT_VERSION ${_number})
  endforeach()
  list(GET TensorRT_VERSION 0 _major)
  string(REPLACE ";" "." TensorRT_VERSION "${TensorRT_VERSION}")
  # By its soname, as runtimes install it, also where no file for linking is there.
  find_file(TensorRT_LIBRARY libnvinfer.so.${_major}
    HINTS ${TensorRT_INCLUDE_DIR}/..
    PATHS ${_places} /usr/lib/${CMAKE_SYSTEM_PROCESSOR}-linux-gnu
    PATH_SUFFIXES lib lib/${CMAKE_SYSTEM_PROCESSOR}-linux-gnu)
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(TensorRT
  REQUIRED_VARS TensorRT_INCLUDE_DIR
  VERSION_VAR TensorRT_VERSION
  REASON_FAILURE_MESSAGE "NvInferVersion.h is in none of the usual places. It comes with JetPack, \
with NVIDIA's containers, and with the package libnvinfer-dev (libnvinfer-headers-dev from \
TensorRT 10 on). Or say where TensorRT is with -DTensorRT_ROOT=DIR")
