# Compiler settings and the one way a library, binary or test is declared.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()
# Assertions of libraries off, no debug information, and no value-changing
# floating-point shortcuts: the bits of a run depend on it.
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG")
# Static libraries and programs are compiled alike, so that they share precompiled headers.
add_compile_options(-ffp-contract=off -pthread -fPIE)
add_link_options(-pie)
if(SR2L_ARCH AND CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64")
  add_compile_options(-march=${SR2L_ARCH})
endif()
if(SR2L_SANITIZER)
  # -O1: the rest of the optimizer takes twice as long and makes reports harder to read.
  add_compile_options(-fsanitize=${SR2L_SANITIZER} -fno-omit-frame-pointer -g1 -O1)
  add_link_options(-fsanitize=${SR2L_SANITIZER})
  set(CMAKE_DISABLE_PRECOMPILE_HEADERS ON)  # GCC 12 breaks down with both
endif()
if(SR2L_SANITIZER MATCHES "undefined")
  add_compile_options(-fno-sanitize-recover=undefined)
endif()
if(SR2L_SANITIZER MATCHES "thread")
  # Every program stands before the functions of shared libraries that order its threads.
  add_library(sr2l_visible_order OBJECT tests/sanitizers/visible_calls.cc
              tests/sanitizers/visible_mutex.cc)
  link_libraries($<TARGET_OBJECTS:sr2l_visible_order> absl_synchronization absl_time dl)
endif()

find_program(SR2L_CCACHE ccache)
if(SR2L_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # ccache takes precompiled headers only when told that defines and times may differ.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env
      CCACHE_SLOPPINESS=pch_defines,time_macros ${SR2L_CCACHE})
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    add_compile_options(-fpch-preprocess)
  endif()
endif()
find_program(SR2L_MOLD mold)
if(SR2L_MOLD)
  add_link_options(-fuse-ld=mold)
endif()

add_library(sr2l_warnings INTERFACE)
target_compile_options(sr2l_warnings INTERFACE -Wall -Wextra -Werror
  $<$<CXX_COMPILER_ID:Clang>:-Wthread-safety>)

# Headers of the system's libraries are found everywhere; tests/layering_test.cmake
# checks that a layer includes only what it may.

# What most files include takes longer to parse than they themselves to compile, so they share
# precompiled copies: of the service's headers, of its tests', of LibTorch's. Every file still
# includes what it uses: sanitizer builds have no precompiled headers.
# sr2l_precompiled_headers(NAME DEPS targets... HEADERS headers...)
function(sr2l_precompiled_headers name)
  cmake_parse_arguments(ARG "" "" "DEPS;HEADERS" ${ARGN})
  file(CONFIGURE OUTPUT ${name}.cc CONTENT "")
  add_library(${name} OBJECT ${CMAKE_CURRENT_BINARY_DIR}/${name}.cc)
  target_link_libraries(${name} PRIVATE ${ARG_DEPS})
  target_precompile_headers(${name} PRIVATE ${ARG_HEADERS})
endfunction()

# A target takes its headers from `owner` if that is built, whatever it took them from before.
function(sr2l_share_headers target owner)
  if(TARGET ${owner})
    set_target_properties(${target} PROPERTIES PRECOMPILE_HEADERS_REUSE_FROM ${owner})
  endif()
endfunction()

# For targets that include LibTorch.
function(sr2l_share_torch_headers)
  foreach(target IN LISTS ARGN)
    sr2l_share_headers(${target} sr2l_torch_headers)
  endforeach()
endfunction()

# One static library per part of a layer; DEPS is the whole of what it may link.
function(sr2l_library name)
  cmake_parse_arguments(ARG "" "" "SRCS;DEPS" ${ARGN})
  if(ARG_SRCS)
    add_library(sr2l_${name} STATIC ${ARG_SRCS})
    target_include_directories(sr2l_${name} PUBLIC ${PROJECT_SOURCE_DIR})
    target_link_libraries(sr2l_${name} PUBLIC ${ARG_DEPS} PRIVATE sr2l_warnings)
    sr2l_share_headers(sr2l_${name} sr2l_service_headers)
  else()
    add_library(sr2l_${name} INTERFACE)
    target_include_directories(sr2l_${name} INTERFACE ${PROJECT_SOURCE_DIR})
    target_link_libraries(sr2l_${name} INTERFACE ${ARG_DEPS})
  endif()
  add_library(sr2l::${name} ALIAS sr2l_${name})
endfunction()

# The messages of a file format of others, which is no part of the service's (proto/):
# `file`.proto lies beside the code that uses it, which includes "<folder>/<file>.pb.h".
function(sr2l_format_messages name file)
  file(RELATIVE_PATH folder ${PROJECT_SOURCE_DIR} ${CMAKE_CURRENT_SOURCE_DIR})
  cmake_path(GET file STEM stem)
  set(out ${PROJECT_BINARY_DIR}/format_messages)
  file(MAKE_DIRECTORY ${out})
  add_custom_command(
    OUTPUT ${out}/${folder}/${stem}.pb.cc ${out}/${folder}/${stem}.pb.h
    COMMAND protobuf::protoc -I${PROJECT_SOURCE_DIR} --cpp_out=${out} ${folder}/${file}
    DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${file}
    WORKING_DIRECTORY ${PROJECT_SOURCE_DIR}
    VERBATIM)
  add_library(sr2l_${name} STATIC ${out}/${folder}/${stem}.pb.cc)
  add_library(sr2l::${name} ALIAS sr2l_${name})
  target_include_directories(sr2l_${name} SYSTEM PUBLIC ${out})
  target_link_libraries(sr2l_${name} PUBLIC protobuf::libprotobuf)
endfunction()

# A program, placed in <build>/bin under its own name.
function(sr2l_binary name)
  cmake_parse_arguments(ARG "" "" "SRCS;DEPS" ${ARGN})
  add_executable(${name} ${ARG_SRCS})
  target_link_libraries(${name} PRIVATE ${ARG_DEPS} sr2l_warnings)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
  sr2l_share_headers(${name} sr2l_service_headers)
endfunction()

# A GoogleTest program, run by ctest as one test. LABELS: unit (default), integration, slow.
function(sr2l_test name)
  cmake_parse_arguments(ARG "" "TIMEOUT" "SRCS;DEPS;LABELS" ${ARGN})
  if(NOT ARG_LABELS)
    set(ARG_LABELS unit)
  endif()
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 300)
  endif()
  add_executable(${name} ${ARG_SRCS})
  target_link_libraries(${name} PRIVATE ${ARG_DEPS} GTest::gmock GTest::gtest_main sr2l_warnings)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
    # GCC 12 misreads std::string's + in precompiled headers.
    target_compile_options(${name} PRIVATE -Wno-array-bounds -Wno-restrict -Wno-stringop-overread)
  endif()
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
  sr2l_share_headers(${name} sr2l_test_headers)
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES LABELS "${ARG_LABELS}" TIMEOUT ${ARG_TIMEOUT}
    ENVIRONMENT "OPENBLAS_NUM_THREADS=1;SR2L_BIN=${PROJECT_BINARY_DIR}/bin;SR2L_SOURCE=${PROJECT_SOURCE_DIR}")
endfunction()
