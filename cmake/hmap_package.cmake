# Debian packages, of a build with prefix /usr: cmake --workflow --preset package

# ---- All packages ----

set(HMAP_PACKAGE_CONTACT
    "The hmap authors <hmap@packages.invalid>"
    CACHE STRING "Maintainer of the packages, NAME <ADDRESS>"
)
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_CONTACT "${HMAP_PACKAGE_CONTACT}")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "") # each package has its own
set(CPACK_VERBATIM_VARIABLES TRUE)
set(CPACK_STRIP_FILES FALSE) # the gdb commands need the debug information

# The real prefix, under DESTDIR: it is part of the path of gdb's auto-load script.
set(CPACK_SET_DESTDIR TRUE)
set(CPACK_INSTALL_PREFIX /usr)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
    OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE
)

set(CPACK_DEB_COMPONENT_INSTALL TRUE)
set(CPACK_COMPONENTS_ALL hmap_runtime hmap_development hmap_gdb)
if(TARGET hmap-layout)
  list(APPEND CPACK_COMPONENTS_ALL hmap_layout)
endif()
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SOURCE hmap)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION TRUE)
set(HMAP_DEBIAN_VERSION "${PROJECT_VERSION}-${CPACK_DEBIAN_PACKAGE_RELEASE}")

# ---- libhmap1 ----

get_target_property(HMAP_SOVERSION hmap SOVERSION)
set(HMAP_RUNTIME_PACKAGE libhmap${HMAP_SOVERSION})
set(CPACK_DEBIAN_HMAP_RUNTIME_PACKAGE_NAME ${HMAP_RUNTIME_PACKAGE})
set(CPACK_DEBIAN_HMAP_RUNTIME_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_HMAP_RUNTIME_PACKAGE_SHLIBDEPS TRUE)
set(CPACK_DEBIAN_HMAP_RUNTIME_PACKAGE_SUGGESTS libhmap-gdb)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS TRUE)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS_POLICY >=)
set(CPACK_DEBIAN_HMAP_RUNTIME_PACKAGE_CONTROL_EXTRA
    "${PROJECT_SOURCE_DIR}/cmake/debian/libhmap1/triggers"
)
set(CPACK_COMPONENT_HMAP_RUNTIME_DESCRIPTION
    "hash map that a debugger can inspect - shared library
A hash map in C with the layout and algorithms of Go's bucket map: buckets
of eight slots, tophash bytes, overflow chains, incremental growth.
.
The library keeps its debug information (it is not stripped): the hmap
commands of the package libhmap-gdb take all offsets from it."
)

# ---- libhmap-dev ----

set(CPACK_DEBIAN_HMAP_DEVELOPMENT_PACKAGE_NAME libhmap-dev)
set(CPACK_DEBIAN_HMAP_DEVELOPMENT_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_HMAP_DEVELOPMENT_PACKAGE_DEPENDS
    "${HMAP_RUNTIME_PACKAGE} (= ${HMAP_DEBIAN_VERSION}), libc6-dev | libc-dev"
)
set(CPACK_DEBIAN_HMAP_DEVELOPMENT_PACKAGE_SUGGESTS libhmap-gdb)
set(CPACK_COMPONENT_HMAP_DEVELOPMENT_DESCRIPTION
    "hash map that a debugger can inspect - development files
A hash map in C with the layout and algorithms of Go's bucket map: buckets
of eight slots, tophash bytes, overflow chains, incremental growth.
.
Header, static library, manual page, and files for CMake's
find_package(hmap) and for pkg-config. The static library keeps its debug
information (it is not stripped), and so do programs linked with it."
)

# ---- libhmap-gdb ----

set(CPACK_DEBIAN_HMAP_GDB_PACKAGE_NAME libhmap-gdb)
set(CPACK_DEBIAN_HMAP_GDB_PACKAGE_ARCHITECTURE all)
set(CPACK_DEBIAN_HMAP_GDB_PACKAGE_SECTION devel)
set(CPACK_DEBIAN_HMAP_GDB_PACKAGE_DEPENDS "gdb (>= 13), python3 (>= 3.9), python3-numpy")
set(CPACK_DEBIAN_HMAP_GDB_PACKAGE_RECOMMENDS "python3-matplotlib, python3-xxhash, python3-jinja2, zstd, lz4")
set(CPACK_DEBIAN_HMAP_GDB_PACKAGE_ENHANCES "gdb, ${HMAP_RUNTIME_PACKAGE}")
set(CPACK_DEBIAN_HMAP_GDB_PACKAGE_CONTROL_EXTRA
    "${PROJECT_SOURCE_DIR}/cmake/debian/libhmap-gdb/postinst"
    "${PROJECT_SOURCE_DIR}/cmake/debian/libhmap-gdb/prerm"
)
set(CPACK_COMPONENT_HMAP_GDB_DESCRIPTION
    "gdb commands that show what is in a hash map
Shows, in a live process, a remote target or a core file, whether a hash
map is full of live keys, full of tombstones, far too large for its
entries, badly hashed, stalled in growth or pinned by an iterator; writes
its buckets and entries as CSV, and draws pictures.
.
gdb loads the commands automatically for programs that use libhmap."
)

# ---- hmap-layout ----

set(CPACK_DEBIAN_HMAP_LAYOUT_PACKAGE_NAME hmap-layout)
set(CPACK_DEBIAN_HMAP_LAYOUT_PACKAGE_SECTION devel)
set(CPACK_DEBIAN_HMAP_LAYOUT_PACKAGE_SHLIBDEPS TRUE)
set(CPACK_DEBIAN_HMAP_LAYOUT_PACKAGE_ENHANCES libhmap-gdb)
set(CPACK_COMPONENT_HMAP_LAYOUT_DESCRIPTION
    "struct layouts of a program's hash maps, from its DWARF
Shows the field offsets of a program's hash maps, writes them to a layout
file with which gdb reads the maps of the stripped program and its cores,
and fails in CI when a layout has changed.
.
Supports the maps of libhmap and Go, and the unordered containers of
libstdc++."
)

# ---- Other files that Debian requires ----

set(CPACK_PRE_BUILD_SCRIPTS "${PROJECT_BINARY_DIR}/package_debian.cmake")
configure_file(
  "${PROJECT_SOURCE_DIR}/cmake/package_debian.cmake.in" "${PROJECT_BINARY_DIR}/package_debian.cmake"
  @ONLY
)

include(CPack)
