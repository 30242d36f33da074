# Files with places of the installation in them: hmap_install_made(TEMPLATE DESTINATION NAME COMPONENT)
#
# They are made while they are installed, since `cmake --install --prefix` may change the prefix;
# how, and which variables TEMPLATE, DESTINATION and NAME may use, stands in install_made.cmake.in.

function(hmap_install_made template destination name component)
  set(script "${PROJECT_BINARY_DIR}/install_made/${template}.cmake")
  set(source_dir "${PROJECT_SOURCE_DIR}/cmake")
  set(made "${PROJECT_BINARY_DIR}/install_made/${template}.made")
  configure_file("${source_dir}/install_made.cmake.in" "${script}" @ONLY)
  install(SCRIPT "${script}" COMPONENT ${component})
endfunction()
