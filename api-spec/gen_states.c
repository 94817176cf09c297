/*
 * States and the legal edges between them. Beside the syntax it checks what makes a state machine
 * whole: from every state, the edges lead to every goal, in one way only, without going in circles.
 */
#include "api-spec/spec.h"
#include "api-spec/specgen.h"

#include <string.h>

struct machine {
    const char *file;
    const char *name;  /* "node" */
    const char *shout; /* "NODE" */
    const cJSON *states, *edges;
};

static const cJSON *state_find(const struct machine *m, const char *name)
{
    const cJSON *state;

    cJSON_ArrayForEach(state, m->states)
    {
        if (strcmp(spec_text(m->file, "states", state, "name"), name) == 0)
            return state;
    }
    return NULL;
}

static const cJSON *edge_find(const struct machine *m, const char *from, const char *goal)
{
    const cJSON *edge;

    cJSON_ArrayForEach(edge, m->edges)
    {
        if (strcmp(spec_text(m->file, "edges", edge, "from"), from) == 0 &&
            strcmp(spec_text(m->file, "edges", edge, "goal"), goal) == 0)
            return edge;
    }
    return NULL;
}

static void check_states(const struct machine *m)
{
    const cJSON *state;

    cJSON_ArrayForEach(state, m->states)
    {
        const char *name = spec_text(m->file, "states", state, "name");
        spec_only(m->file, name, state, "name is_goal doc");
        spec_text(m->file, name, state, "doc");
        if (state_find(m, name) != state)
            spec_fail(m->file, name, "is the name of two states");
    }
}

static void check_edges(const struct machine *m)
{
    const cJSON *edge;

    cJSON_ArrayForEach(edge, m->edges)
    {
        const char *from = spec_text(m->file, "edges", edge, "from");
        const char *goal = spec_text(m->file, "edges", edge, "goal");
        const char *next = spec_text(m->file, "edges", edge, "next");
        const char *place = spec_format("edge from %s with goal %s", from, goal);
        const cJSON *goal_state = state_find(m, goal);

        spec_only(m->file, place, edge, "from goal step next doc");
        spec_text(m->file, place, edge, "step");
        if (!state_find(m, from) || !goal_state || !state_find(m, next))
            spec_fail(m->file, place, "names a state that does not exist");
        if (!spec_flag(m->file, goal, goal_state, "is_goal"))
            spec_fail(m->file, place, "%s is not a goal", goal);
        if (edge_find(m, from, goal) != edge)
            spec_fail(m->file, place, "stands here twice");
        if (strcmp(from, goal) == 0)
            spec_fail(m->file, place, "leads away from its own goal");
    }
}

static void check_way(const struct machine *m, const char *from, const char *goal)
{
    const char *at = from;

    for (int steps = 0; strcmp(at, goal) != 0; steps++) {
        const cJSON *edge = edge_find(m, at, goal);
        if (!edge)
            spec_fail(m->file, at, "no edge leads from here to the goal %s", goal);
        if (steps > cJSON_GetArraySize(m->states))
            spec_fail(m->file, from, "the way to the goal %s goes in circles", goal);
        at = spec_text(m->file, "edges", edge, "next");
    }
}

static void check_machine(const struct machine *m)
{
    const cJSON *from, *goal;

    check_states(m);
    check_edges(m);
    cJSON_ArrayForEach(from, m->states) cJSON_ArrayForEach(goal, m->states)
    {
        if (spec_flag(m->file, "states", goal, "is_goal"))
            check_way(m, spec_text(m->file, "states", from, "name"),
                      spec_text(m->file, "states", goal, "name"));
    }
}

static bool is_first_of_step(const struct machine *m, const cJSON *edge)
{
    const char *step = spec_text(m->file, "edges", edge, "step");

    for (const cJSON *before = m->edges->child; before != edge; before = before->next)
        if (strcmp(spec_text(m->file, "edges", before, "step"), step) == 0)
            return false;
    return true;
}

static void write_enums(const struct machine *m, FILE *f)
{
    const cJSON *item;

    fprintf(f, "enum %s_state {\n", m->name);
    cJSON_ArrayForEach(item, m->states)
    {
        fprintf(f, "    %s_%s, /* %s */\n", m->shout,
                spec_shout(spec_text(m->file, "states", item, "name")),
                spec_text(m->file, "states", item, "doc"));
    }
    fprintf(f, "};\n\n#define %s_STATE_COUNT %d\n\n", m->shout, cJSON_GetArraySize(m->states));
    fprintf(f, "/* Every step once: X(name). */\n#define %s_STEPS(X)", m->shout);
    cJSON_ArrayForEach(item, m->edges)
    {
        if (is_first_of_step(m, item))
            fprintf(f, " \\\n    X(%s)", spec_text(m->file, "edges", item, "step"));
    }
    fprintf(f, "\n\nenum %s_step {\n", m->name);
    cJSON_ArrayForEach(item, m->edges)
    {
        if (is_first_of_step(m, item))
            fprintf(f, "    %s_STEP_%s,\n", m->shout,
                    spec_shout(spec_text(m->file, "edges", item, "step")));
    }
    fprintf(f, "};\n\n");
}

static void write_header(const struct machine *m, const char *dir)
{
    struct spec_out out;
    FILE *f;

    spec_out_begin(&out, dir, spec_format("%s_states.h", m->name));
    f = out.stream;
    fprintf(f, "#ifndef LARDER_CONTRACT_%s_STATES_H\n#define LARDER_CONTRACT_%s_STATES_H\n\n",
            m->shout, m->shout);
    fprintf(f, "#include <stdbool.h>\n#include <stddef.h>\n\n");
    write_enums(m, f);
    fprintf(f,
            "/* One way to get nearer to a goal. */\n"
            "struct %s_edge {\n"
            "    enum %s_state from, goal;\n"
            "    enum %s_step step;\n"
            "    enum %s_state next; /* the state after the step did its work */\n"
            "};\n\n",
            m->name, m->name, m->name, m->name);
    fprintf(f,
            "extern const struct %s_edge %s_edges[];\n"
            "extern const size_t %s_edge_count;\n\n",
            m->name, m->name, m->name);
    fprintf(
        f,
        "/* The only edge from there to that goal; NULL when `from` is the goal or `goal` is none. */\n"
        "const struct %s_edge *%s_edge_find(enum %s_state from, enum %s_state goal);\n\n",
        m->name, m->name, m->name, m->name);
    fprintf(f,
            "const char *%s_state_name(enum %s_state state);\n"
            "const char *%s_step_name(enum %s_step step);\n"
            "bool %s_state_is_goal(enum %s_state state);\n\n",
            m->name, m->name, m->name, m->name, m->name, m->name);
    fprintf(f,
            "/* False when no state has that name; NULL is no name. */\n"
            "bool %s_state_parse(const char *name, enum %s_state *out);\n\n#endif\n",
            m->name, m->name);
    spec_out_end(&out);
}

static void write_tables(const struct machine *m, FILE *f)
{
    const cJSON *item;

    fprintf(f, "static const struct {\n    const char *name;\n    bool is_goal;\n} states[] = {\n");
    cJSON_ArrayForEach(item, m->states)
    {
        fprintf(f, "    {\"%s\", %s},\n", spec_text(m->file, "states", item, "name"),
                spec_flag(m->file, "states", item, "is_goal") ? "true" : "false");
    }
    fprintf(f, "};\n\nstatic const char *const steps[] = {\n");
    cJSON_ArrayForEach(item, m->edges)
    {
        if (is_first_of_step(m, item))
            fprintf(f, "    \"%s\",\n", spec_text(m->file, "edges", item, "step"));
    }
    fprintf(f, "};\n\nconst struct %s_edge %s_edges[] = {\n", m->name, m->name);
    cJSON_ArrayForEach(item, m->edges)
    {
        fprintf(f, "    {%s_%s, %s_%s, %s_STEP_%s, %s_%s},\n", m->shout,
                spec_shout(spec_text(m->file, "edges", item, "from")), m->shout,
                spec_shout(spec_text(m->file, "edges", item, "goal")), m->shout,
                spec_shout(spec_text(m->file, "edges", item, "step")), m->shout,
                spec_shout(spec_text(m->file, "edges", item, "next")));
    }
    fprintf(f, "};\nconst size_t %s_edge_count = sizeof(%s_edges) / sizeof(%s_edges[0]);\n\n",
            m->name, m->name, m->name);
}

static void write_functions(const struct machine *m, FILE *f)
{
    fprintf(f,
            "const struct %s_edge *%s_edge_find(enum %s_state from, enum %s_state goal)\n{\n"
            "    for (size_t i = 0; i < %s_edge_count; i++)\n"
            "        if (%s_edges[i].from == from && %s_edges[i].goal == goal)\n"
            "            return &%s_edges[i];\n"
            "    return NULL;\n}\n\n",
            m->name, m->name, m->name, m->name, m->name, m->name, m->name, m->name);
    fprintf(
        f,
        "const char *%s_state_name(enum %s_state state)\n{\n    return states[state].name;\n}\n\n",
        m->name, m->name);
    fprintf(f, "const char *%s_step_name(enum %s_step step)\n{\n    return steps[step];\n}\n\n",
            m->name, m->name);
    fprintf(
        f,
        "bool %s_state_is_goal(enum %s_state state)\n{\n    return states[state].is_goal;\n}\n\n",
        m->name, m->name);
    fprintf(f,
            "bool %s_state_parse(const char *name, enum %s_state *out)\n{\n"
            "    for (size_t i = 0; name && i < sizeof(states) / sizeof(states[0]); i++)\n"
            "        if (strcmp(states[i].name, name) == 0) {\n"
            "            *out = (enum %s_state)i;\n"
            "            return true;\n"
            "        }\n"
            "    return false;\n}\n",
            m->name, m->name, m->name);
}

static void write_source(const struct machine *m, const char *dir)
{
    struct spec_out out;

    spec_out_begin(&out, dir, spec_format("%s_states.c", m->name));
    fprintf(out.stream, "#include \"contract/%s_states.h\"\n\n#include <string.h>\n\n", m->name);
    write_tables(m, out.stream);
    write_functions(m, out.stream);
    spec_out_end(&out);
}

int gen_states(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        const cJSON *root = spec_load(argv[i]);
        struct machine m = {.file = argv[i], .name = spec_text(argv[i], "file", root, "name")};

        spec_only(m.file, "file", root, "name doc states edges");
        m.shout = spec_shout(m.name);
        m.states = spec_array_or_null(m.file, "file", root, "states");
        m.edges = spec_array_or_null(m.file, "file", root, "edges");
        if (!m.states || !m.edges)
            spec_fail(m.file, "file", "needs the arrays \"states\" and \"edges\"");
        check_machine(&m);
        write_header(&m, argv[0]);
        write_source(&m, argv[0]);
    }
    return argc > 1 ? 0 : 2;
}
