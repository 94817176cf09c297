# larder_states: node states and the legal edges between them, in contract/node_states.h.
set(CONTRACT_DIR ${LARDER_GENERATED}/contract)
file(MAKE_DIRECTORY ${CONTRACT_DIR})
file(GLOB STATE_FILES CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/states/*.json)
set(STATE_OUTPUTS)
foreach(file ${STATE_FILES})
  get_filename_component(name ${file} NAME_WE)
  list(APPEND STATE_OUTPUTS ${CONTRACT_DIR}/${name}_states.c ${CONTRACT_DIR}/${name}_states.h)
endforeach()

add_custom_command(OUTPUT ${STATE_OUTPUTS}
  COMMAND specgen states ${CONTRACT_DIR} ${STATE_FILES}
  DEPENDS specgen ${STATE_FILES}
  COMMENT "specgen states" VERBATIM)
larder_module(NAME states SOURCES ${STATE_OUTPUTS})
