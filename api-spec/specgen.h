/*
 * specgen: compiles api-spec/ to C at build time. One generator per kind of description; each reads
 * JSON files and writes a header and a source below the output directory. Errors in a description
 * end the build with file, place and reason.
 */
#ifndef LARDER_API_SPEC_SPECGEN_H
#define LARDER_API_SPEC_SPECGEN_H

/* Each takes the arguments behind its name and returns the exit status. */
int gen_services(int argc,
                 char **argv); /* OUT_DIR SERVICE.json ...: structs, shapes, operations, faults */
int gen_states(int argc, char **argv); /* OUT_DIR STATES.json ...: states and legal edges */
int gen_engine(int argc, char **argv); /* OUT_DIR COMMAND.json ...: the engine's command table */
int gen_parameters(int argc, char **argv); /* OUT_DIR FAMILY.json ...: families of parameters */

#endif
