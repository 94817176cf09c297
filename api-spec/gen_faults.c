/* Faults of all services in one table, and the list of handlers that the operations need. */
#include "api-spec/model.h"

void write_faults(const struct model *m, const char *dir)
{
    struct spec_out h, c;

    spec_out_begin(&h, dir, "faults.h");
    fprintf(h.stream, "#ifndef LARDER_CONTRACT_FAULTS_H\n#define LARDER_CONTRACT_FAULTS_H\n\n"
                      "#include \"base/err.h\"\n#include \"base/shape.h\"\n\n"
                      "enum fault {\n    FAULT_BEFORE_FIRST_ = ERR_FAULT_BASE - 1,\n");
    spec_out_begin(&c, dir, "faults.c");
    fprintf(c.stream, "#include \"contract/faults.h\"\n\n"
                      "static const struct fault_desc faults[] = {\n");
    for (size_t i = 0; i < m->fault_count; i++) {
        const struct model_fault *f = &m->faults[i];
        fprintf(h.stream, "    %s,\n", f->constant);
        fprintf(c.stream, "    {%s, \"%s\", \"%s\", %d, %s, ", f->constant, f->name, f->wire,
                f->status, f->is_receiver ? "true" : "false");
        spec_out_literal(&c, f->doc);
        fputs("},\n", c.stream);
    }
    fprintf(h.stream, "};\n\n#define FAULT_COUNT %zu\n\n", m->fault_count);
    fprintf(h.stream, "/* The fault of that FAULT_* code; NULL for any other code. */\n"
                      "const struct fault_desc *fault_find(int code);\n\n#endif\n");
    fprintf(c.stream, "};\n\nconst struct fault_desc *fault_find(int code)\n{\n"
                      "    if (code < ERR_FAULT_BASE || code >= ERR_FAULT_BASE + FAULT_COUNT)\n"
                      "        return NULL;\n"
                      "    return &faults[code - ERR_FAULT_BASE];\n}\n");
    spec_out_end(&h);
    spec_out_end(&c);
}

void write_service_handlers(const struct model_service *s, const char *dir)
{
    struct spec_out h, def;
    const char *shout = spec_shout(s->name);

    spec_out_begin(&h, dir, spec_format("%s_handlers.h", s->name));
    spec_out_begin(&def, dir, spec_format("%s_served.def", s->name));
    fprintf(h.stream, "#ifndef LARDER_CONTRACT_%s_HANDLERS_H\n", shout);
    fprintf(h.stream, "#define LARDER_CONTRACT_%s_HANDLERS_H\n\n#include \"base/err.h\"\n", shout);
    fprintf(h.stream, "#include \"contract/%s.h\"\n\nstruct call;\n", s->name);
    fprintf(def.stream, "/* OP(handler, operation), sorted by operation. */\n");
    for (size_t i = 0; i < s->op_count; i++) {
        const char *name = spec_format("%s_%s", s->prefix, spec_snake(s->ops[i]->string));
        fprintf(h.stream,
                "\nmust_use struct err %s(struct call *c, const struct %s_in *in,\n"
                "    struct %s_out *out);\n",
                name, name, name);
        fprintf(def.stream, "OP(%s, \"%s\")\n", name, s->ops[i]->string);
    }
    fprintf(h.stream, "\n#endif\n");
    spec_out_end(&h);
    spec_out_end(&def);
}
