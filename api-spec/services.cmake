# larder_contract: what is said between clients, control plane and agents, as C types and tables.
set(CONTRACT_DIR ${LARDER_GENERATED}/contract)
file(MAKE_DIRECTORY ${CONTRACT_DIR})
file(GLOB SERVICE_FILES CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/services/*.json)
set(SERVICE_INPUTS ${SERVICE_FILES} ${CMAKE_CURRENT_SOURCE_DIR}/agent.json
  ${CMAKE_CURRENT_SOURCE_DIR}/faults.json)

set(SERVICE_SOURCES ${CONTRACT_DIR}/agent.c ${CONTRACT_DIR}/faults.c)
set(SERVICE_HEADERS ${CONTRACT_DIR}/agent.h ${CONTRACT_DIR}/faults.h)
foreach(file ${SERVICE_FILES})
  get_filename_component(name ${file} NAME_WE)
  list(APPEND SERVICE_SOURCES ${CONTRACT_DIR}/${name}.c)
  list(APPEND SERVICE_HEADERS ${CONTRACT_DIR}/${name}.h ${CONTRACT_DIR}/${name}_handlers.h
    ${CONTRACT_DIR}/${name}_served.def)
endforeach()

add_custom_command(OUTPUT ${SERVICE_SOURCES} ${SERVICE_HEADERS}
  COMMAND specgen services ${CONTRACT_DIR} ${SERVICE_INPUTS}
  DEPENDS specgen ${SERVICE_INPUTS}
  COMMENT "specgen services" VERBATIM)
larder_module(NAME contract SOURCES ${SERVICE_SOURCES} ${SERVICE_HEADERS} LINKS larder_base larder_json larder_states)
