# larder_parameters: the families of parameters, in contract/parameters.h.
file(GLOB PARAMETER_FILES CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/parameters/*.json)
add_custom_command(OUTPUT ${LARDER_GENERATED}/contract/parameters.c ${LARDER_GENERATED}/contract/parameters.h
  COMMAND ${CMAKE_COMMAND} -E make_directory ${LARDER_GENERATED}/contract
  COMMAND specgen parameters ${LARDER_GENERATED}/contract ${PARAMETER_FILES}
  DEPENDS specgen ${PARAMETER_FILES}
  COMMENT "specgen parameters" VERBATIM)
larder_module(NAME parameters
  SOURCES ${LARDER_GENERATED}/contract/parameters.c ${LARDER_GENERATED}/contract/parameters.h)
