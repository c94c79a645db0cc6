# Finds MuJoCo: Debian's libmujoco-dev, or an official release unpacked at MuJoCo_ROOT.
# (Debian's own CMake package names an include folder that nothing installs.)
# Defines the target MuJoCo::MuJoCo and MuJoCo_VERSION_HEX-style MuJoCo_VERSION_NUMBER.
find_path(MuJoCo_INCLUDE_DIR mujoco/mujoco.h)
find_library(MuJoCo_LIBRARY mujoco)
if(MuJoCo_INCLUDE_DIR AND EXISTS ${MuJoCo_INCLUDE_DIR}/mujoco/mujoco.h)
  file(STRINGS ${MuJoCo_INCLUDE_DIR}/mujoco/mujoco.h MuJoCo_VERSION_LINE
       REGEX "#define mjVERSION_HEADER ")
  string(REGEX MATCH "[0-9]+" MuJoCo_VERSION_NUMBER "${MuJoCo_VERSION_LINE}")
endif()
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(MuJoCo REQUIRED_VARS MuJoCo_LIBRARY MuJoCo_INCLUDE_DIR
                                  VERSION_VAR MuJoCo_VERSION_NUMBER)
if(MuJoCo_FOUND AND NOT TARGET MuJoCo::MuJoCo)
  add_library(MuJoCo::MuJoCo UNKNOWN IMPORTED)
  set_target_properties(MuJoCo::MuJoCo PROPERTIES
    IMPORTED_LOCATION ${MuJoCo_LIBRARY}
    INTERFACE_INCLUDE_DIRECTORIES ${MuJoCo_INCLUDE_DIR})
endif()
