# How every module of the house is built: one static library each, whose link list is its permission.

set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
set(LARDER_GENERATED ${CMAKE_BINARY_DIR}/gen) # contract/*.h and contract/*.c land below it
set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(CURL REQUIRED IMPORTED_TARGET libcurl)
pkg_check_modules(CJSON REQUIRED IMPORTED_TARGET libcjson)
pkg_check_modules(SQLITE REQUIRED IMPORTED_TARGET sqlite3)
pkg_check_modules(MICROHTTPD REQUIRED IMPORTED_TARGET libmicrohttpd)
pkg_check_modules(LDNS REQUIRED IMPORTED_TARGET ldns)
pkg_check_modules(LZF REQUIRED IMPORTED_TARGET liblzf)
pkg_check_modules(OPENSSL REQUIRED IMPORTED_TARGET libssl libcrypto)
pkg_check_modules(NETTLE REQUIRED IMPORTED_TARGET nettle)

add_library(larder_options INTERFACE)
target_compile_definitions(larder_options INTERFACE _GNU_SOURCE LARDER_VERSION="${PROJECT_VERSION}")
target_compile_options(larder_options INTERFACE -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes
  -Wmissing-prototypes -Wpointer-arith -Wvla -fno-common -fno-strict-aliasing)
target_include_directories(larder_options INTERFACE ${CMAKE_SOURCE_DIR} ${LARDER_GENERATED})
target_link_libraries(larder_options INTERFACE Threads::Threads)
if(CMAKE_BUILD_TYPE STREQUAL "Release")
  set(CMAKE_C_FLAGS_RELEASE "-O2 -g1")
endif()
if(LARDER_SANITIZE STREQUAL "address")
  target_compile_options(larder_options INTERFACE -fsanitize=address,undefined
    -fno-sanitize-recover=all -fno-omit-frame-pointer -g)
  target_link_options(larder_options INTERFACE -fsanitize=address,undefined)
elseif(LARDER_SANITIZE STREQUAL "thread")
  target_compile_options(larder_options INTERFACE -fsanitize=thread -fno-omit-frame-pointer -g)
  target_link_options(larder_options INTERFACE -fsanitize=thread)
endif()
if(LARDER_FUZZ)
  target_compile_options(larder_options INTERFACE -fsanitize=fuzzer-no-link)
endif()

# larder_module(NAME base SOURCES err.c ... LINKS lower modules and libraries)
# Makes the library larder_<NAME>.
function(larder_module)
  cmake_parse_arguments(M "" "NAME" "SOURCES;LINKS" ${ARGN})
  add_library(larder_${M_NAME} STATIC ${M_SOURCES})
  target_link_libraries(larder_${M_NAME} PUBLIC larder_options ${M_LINKS})
  target_compile_options(larder_${M_NAME} PRIVATE -include ${CMAKE_SOURCE_DIR}/base/banned.h)
endfunction()

# larder_program(NAME larderd SOURCES main.c LINKS modules): an executable in build/bin.
function(larder_program)
  cmake_parse_arguments(P "" "NAME" "SOURCES;LINKS" ${ARGN})
  add_executable(${P_NAME} ${P_SOURCES})
  target_link_libraries(${P_NAME} PRIVATE larder_options ${P_LINKS})
  target_compile_options(${P_NAME} PRIVATE -include ${CMAKE_SOURCE_DIR}/base/banned.h)
endfunction()
