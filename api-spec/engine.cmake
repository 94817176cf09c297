# The engine's command table: one JSON file per command becomes contract/commands.c and
# contract/command_procs.h.
file(GLOB ENGINE_COMMANDS CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/engine/*.json)
target_sources(specgen PRIVATE ${CMAKE_SOURCE_DIR}/base/command_names.c)
add_custom_command(
  OUTPUT ${LARDER_GENERATED}/contract/commands.c ${LARDER_GENERATED}/contract/command_procs.h
  COMMAND ${CMAKE_COMMAND} -E make_directory ${LARDER_GENERATED}/contract
  COMMAND specgen engine ${LARDER_GENERATED}/contract ${ENGINE_COMMANDS}
  DEPENDS specgen ${ENGINE_COMMANDS}
  VERBATIM)
larder_module(NAME commands
  SOURCES ${LARDER_GENERATED}/contract/commands.c ${CMAKE_SOURCE_DIR}/base/command.c
    ${CMAKE_SOURCE_DIR}/base/command_names.c
  LINKS larder_base)
add_custom_target(engine_contract DEPENDS ${LARDER_GENERATED}/contract/command_procs.h)
add_dependencies(larder_commands engine_contract)
