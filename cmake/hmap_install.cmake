# Files that contain installation paths: hmap_install_made(TEMPLATE DESTINATION NAME COMPONENT)
#
# They are generated at installation, since `cmake --install --prefix` may change the prefix;
# install_made.cmake.in has the variables that TEMPLATE, DESTINATION and NAME may use.

function(hmap_install_made template destination name component)
  set(script "${PROJECT_BINARY_DIR}/install_made/${template}.cmake")
  set(source_dir "${PROJECT_SOURCE_DIR}/cmake")
  set(made "${PROJECT_BINARY_DIR}/install_made/${template}.made")
  configure_file("${source_dir}/install_made.cmake.in" "${script}" @ONLY)
  install(SCRIPT "${script}" COMPONENT ${component})
endfunction()
