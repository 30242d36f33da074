# The options of every C target of the project: hmap_options(TARGET).

include(CheckCCompilerFlag)

# ---- Debug information ----

# The gdb commands need all types, in every build type, also those that the program does not use. gcc
# omits unused types, clang those that another file could describe.
check_c_compiler_flag(-fno-eliminate-unused-debug-types HMAP_HAVE_KEEP_TYPES)
check_c_compiler_flag(-fstandalone-debug HMAP_HAVE_STANDALONE_DEBUG)
set(HMAP_DEBUG_FLAGS -g)
if(HMAP_HAVE_STANDALONE_DEBUG)
  list(APPEND HMAP_DEBUG_FLAGS -fstandalone-debug)
elseif(HMAP_HAVE_KEEP_TYPES)
  list(APPEND HMAP_DEBUG_FLAGS -fno-eliminate-unused-debug-types)
endif()

# ---- Warnings ----

set(HMAP_WARNING_FLAGS -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wstrict-prototypes)

# ---- All options ----

function(hmap_options target)
  set_target_properties(
    ${target}
    PROPERTIES C_STANDARD 11
               C_STANDARD_REQUIRED ON
               C_EXTENSIONS ON
               C_VISIBILITY_PRESET hidden
               COMPILE_WARNING_AS_ERROR ${HMAP_DEVELOPER}
  )
  target_compile_options(${target} PRIVATE ${HMAP_WARNING_FLAGS} ${HMAP_DEBUG_FLAGS})
  if(HMAP_SANITIZE)
    target_compile_options(
      ${target} PRIVATE -fsanitize=${HMAP_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer
    )
    target_link_options(${target} PRIVATE -fsanitize=${HMAP_SANITIZE})
  endif()
endfunction()
