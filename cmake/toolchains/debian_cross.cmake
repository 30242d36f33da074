# Debian's cross gcc for HMAP_TRIPLET. Programs are static, so that an emulator needs no libraries of
# the other processor.

set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_C_COMPILER "${HMAP_TRIPLET}-gcc")
set(CMAKE_EXE_LINKER_FLAGS_INIT -static)
set(CMAKE_FIND_ROOT_PATH "/usr/${HMAP_TRIPLET}")
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
