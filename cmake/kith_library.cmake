# kith_library(): the only way to declare a library or program of this project.
#
#   kith_library(NAME kith_client LAYER client SOURCES a.cc b.cc DEPS kith_core EXTERNAL PkgConfig::SQLITE3)
#   kith_program(NAME kithd       LAYER daemon SOURCES main.cc   DEPS kith_server)
#   kith_headers(NAME kith_conformance LAYER conformance DEPS kith_core)              # public headers alone
#
# LAYER places the target in the house; DEPS may only name targets of a layer that the arrow table below allows, so that
# a dependency drawn the wrong way stops the configure step. tests/tidy/tidy.py checks #include lines against the same
# table (cmake/layers.txt), because headers of all rooms are reachable from the source root.

file(STRINGS ${CMAKE_CURRENT_LIST_DIR}/layers.txt _kith_layer_lines REGEX "^[a-z]")
foreach(_line IN LISTS _kith_layer_lines)
  string(REGEX REPLACE "^([a-z_]+)[ ]*:[ ]*(.*)$" "\\1;\\2" _parts "${_line}")
  list(GET _parts 0 _layer)
  list(LENGTH _parts _n)
  set(_allowed "")
  if(_n GREATER 1)
    list(GET _parts 1 _allowed)
    separate_arguments(_allowed)
  endif()
  if(_allowed STREQUAL "*")
    get_property(_allowed GLOBAL PROPERTY KITH_LAYERS)
  endif()
  set(KITH_LAYER_${_layer} "${_allowed}" CACHE INTERNAL "")
  set_property(GLOBAL APPEND PROPERTY KITH_LAYERS ${_layer})
endforeach()

function(_kith_check_layer NAME LAYER DEPS)
  get_property(_layers GLOBAL PROPERTY KITH_LAYERS)
  if(NOT LAYER IN_LIST _layers)
    message(FATAL_ERROR "${NAME}: unknown layer '${LAYER}' (cmake/layers.txt lists them)")
  endif()
  foreach(_dep IN LISTS DEPS)
    get_property(_dep_layer GLOBAL PROPERTY KITH_LAYER_OF_${_dep})
    if(NOT _dep_layer)
      message(FATAL_ERROR "${NAME}: '${_dep}' is not a kith_library declared before it")
    endif()
    if(NOT _dep_layer STREQUAL LAYER AND NOT _dep_layer IN_LIST KITH_LAYER_${LAYER})
      message(FATAL_ERROR "${NAME} (layer ${LAYER}) must not depend on ${_dep} (layer ${_dep_layer})")
    endif()
  endforeach()
  set_property(GLOBAL PROPERTY KITH_LAYER_OF_${NAME} ${LAYER})
endfunction()

function(_kith_flags NAME)
  target_compile_options(${NAME} PRIVATE -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor
                                         $<$<BOOL:${KITH_WERROR}>:-Werror>
                                         -ffunction-sections -fdata-sections)
  if(KITH_SANITIZE)
    target_compile_options(${NAME} PRIVATE -fsanitize=${KITH_SANITIZE} -fno-omit-frame-pointer
                                           -fno-sanitize-recover=undefined)
    target_link_options(${NAME} PUBLIC -fsanitize=${KITH_SANITIZE})
  endif()
  if(KITH_FUZZ)
    target_compile_options(${NAME} PRIVATE -fsanitize=fuzzer-no-link)
  endif()
endfunction()

function(kith_library)
  cmake_parse_arguments(A "" "NAME;LAYER" "SOURCES;DEPS;EXTERNAL;PUBLIC_EXTERNAL" ${ARGN})
  _kith_check_layer("${A_NAME}" "${A_LAYER}" "${A_DEPS}")
  add_library(${A_NAME} STATIC ${A_SOURCES})
  # As it is called when it is installed: an application links the same name either way.
  string(REGEX REPLACE "^kith_" "Kith::" _alias ${A_NAME})
  add_library(${_alias} ALIAS ${A_NAME})
  target_compile_features(${A_NAME} PUBLIC cxx_std_20)
  target_include_directories(${A_NAME}
    PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>
    PRIVATE ${PROJECT_SOURCE_DIR})
  target_link_libraries(${A_NAME} PUBLIC ${A_DEPS} ${A_PUBLIC_EXTERNAL} PRIVATE ${A_EXTERNAL})
  _kith_flags(${A_NAME})
endfunction()

function(kith_headers)
  cmake_parse_arguments(A "" "NAME;LAYER" "DEPS" ${ARGN})
  _kith_check_layer("${A_NAME}" "${A_LAYER}" "${A_DEPS}")
  add_library(${A_NAME} INTERFACE)
  string(REGEX REPLACE "^kith_" "Kith::" _alias ${A_NAME})
  add_library(${_alias} ALIAS ${A_NAME})
  target_link_libraries(${A_NAME} INTERFACE ${A_DEPS})
endfunction()

function(kith_program)
  cmake_parse_arguments(A "" "NAME;LAYER" "SOURCES;DEPS;EXTERNAL" ${ARGN})
  _kith_check_layer("${A_NAME}" "${A_LAYER}" "${A_DEPS}")
  add_executable(${A_NAME} ${A_SOURCES})
  target_include_directories(${A_NAME} PRIVATE ${PROJECT_SOURCE_DIR}/include)
  if(NOT A_LAYER STREQUAL "example")  # examples see what an embedder sees: the public headers
    target_include_directories(${A_NAME} PRIVATE ${PROJECT_SOURCE_DIR})
  endif()
  target_link_libraries(${A_NAME} PRIVATE ${A_DEPS} ${A_EXTERNAL})
  target_link_options(${A_NAME} PRIVATE -Wl,--gc-sections)
  if(KITH_SANITIZE MATCHES "thread")
    target_sources(${A_NAME} PRIVATE ${PROJECT_SOURCE_DIR}/tests/support/tsan_suppressions.cc)
  endif()
  _kith_flags(${A_NAME})
endfunction()
