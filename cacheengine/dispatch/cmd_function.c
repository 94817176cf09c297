/* FUNCTION and FCALL: libraries of functions. */
#include "base/clock.h"
#include "base/command.h"
#include "cacheengine/dispatch/function_payload.h"
#include "cacheengine/dispatch/scripting.h"
#include "cacheengine/keyspace/glob.h"
#include "contract/command_procs.h"

#define LOAD_LIMIT_MS 500 /* the text of a library only registers functions */

/* ---- FCALL ---- */

static struct function *function_of(struct cmd_call *c)
{
    const struct libraries *all = scripting_libraries(c->engine);

    return all ? libraries_find_function(all, c->argv[1]) : NULL;
}

static void fcall(struct cmd_call *c, bool is_read_only)
{
    const struct function *f = function_of(c);
    struct machine_words w;
    int db = c->client->db;

    if (!f) {
        reply_error(c->reply, "ERR Function not found");
        return;
    }
    if (!scripting_words(c, "ERR Bad number of keys provided", &w))
        return;
    struct scripting_call sc = {.call = c,
                                .name = f->name.ptr,
                                .flags = f->flags,
                                .is_function = true,
                                .is_read_only = is_read_only};
    if (!scripting_begin(&sc))
        return;
    libraries_run(scripting_libraries(c->engine), f, &sc.run, &w);
    scripting_end(&sc);
    c->client->db = db;
}

void cmd_fcall(struct cmd_call *c)
{
    fcall(c, false);
}

void cmd_fcall_ro(struct cmd_call *c)
{
    fcall(c, true);
}

/* ---- loading and deleting ---- */

void cmd_function_load(struct cmd_call *c)
{
    enum library_policy policy = LIBRARY_ADD;
    struct library *l;
    uint32_t arg = 2;

    for (; arg + 1 < c->argc; arg++) {
        if (!call_is(c, arg, "replace")) {
            reply_errorf(c->reply, "ERR Unknown option given: %.*s", (int)c->argv[arg].len,
                         c->argv[arg].ptr);
            return;
        }
        policy = LIBRARY_REPLACE;
    }
    const char *wrong = libraries_load(scripting_of(c->engine)->libraries, c->scratch, c->argv[arg],
                                       policy, LOAD_LIMIT_MS, &l);
    if (wrong) {
        reply_error(c->reply, function_error(c->scratch, wrong));
        return;
    }
    c->dirty++;
    reply_bulk_str(c->reply, l->name);
}

void cmd_function_delete(struct cmd_call *c)
{
    struct libraries *all = scripting_libraries(c->engine);
    struct library *l = all ? libraries_find(all, c->argv[2]) : NULL;

    if (!l) {
        reply_error(c->reply, "ERR Library not found");
        return;
    }
    libraries_remove(all, l);
    c->dirty++;
    reply_ok(c->reply);
}

void cmd_function_flush(struct cmd_call *c)
{
    bool is_known = c->argc == 3 && (call_is(c, 2, "sync") || call_is(c, 2, "async"));

    if (c->argc > 3) {
        call_bad_subcommand(c);
        return;
    }
    if (c->argc != 2 && !is_known) {
        reply_error(c->reply, "ERR FUNCTION FLUSH only supports SYNC|ASYNC option");
        return;
    }
    if (scripting_libraries(c->engine))
        libraries_flush(scripting_libraries(c->engine));
    c->dirty++;
    reply_ok(c->reply);
}

/* ---- LIST and STATS ---- */

struct list_options {
    bool has_code;
    struct str pattern; /* ptr NULL: all */
};

static bool parse_list(struct cmd_call *c, struct list_options *o)
{
    *o = (struct list_options){0};
    for (uint32_t i = 2; i < c->argc; i++) {
        if (!o->has_code && call_is(c, i, "withcode")) {
            o->has_code = true;
        } else if (!o->pattern.ptr && call_is(c, i, "libraryname")) {
            if (++i == c->argc) {
                reply_error(c->reply, "ERR library name argument was not given");
                return false;
            }
            o->pattern = c->argv[i];
        } else {
            reply_errorf(c->reply, "ERR Unknown argument %.*s", (int)c->argv[i].len,
                         c->argv[i].ptr);
            return false;
        }
    }
    return true;
}

static void say_flags(struct cmd_call *c, uint32_t flags)
{
    reply_set(c->reply, (size_t)__builtin_popcount(flags));
    for (uint32_t i = 0; i < SCRIPT_FLAG_NAMES; i++)
        if (flags & 1U << i)
            reply_status(c->reply, script_flag_names[i]);
}

static void say_function(struct cmd_call *c, const struct function *f)
{
    reply_map(c->reply, 3);
    reply_bulk_text(c->reply, "name");
    reply_bulk_str(c->reply, f->name);
    reply_bulk_text(c->reply, "description");
    if (f->description.ptr)
        reply_bulk_str(c->reply, f->description);
    else
        reply_null(c->reply);
    reply_bulk_text(c->reply, "flags");
    say_flags(c, f->flags);
}

static void say_library(struct cmd_call *c, const struct library *l, bool has_code)
{
    reply_map(c->reply, has_code ? 4 : 3);
    reply_bulk_text(c->reply, "library_name");
    reply_bulk_str(c->reply, l->name);
    reply_bulk_text(c->reply, "engine");
    reply_bulk_text(c->reply, "LUA");
    reply_bulk_text(c->reply, "functions");
    reply_array(c->reply, l->function_count);
    for (const struct function *f = l->functions; f; f = f->next)
        say_function(c, f);
    if (!has_code)
        return;
    reply_bulk_text(c->reply, "library_code");
    reply_bulk_str(c->reply, l->text);
}

void cmd_function_list(struct cmd_call *c)
{
    const struct libraries *all = scripting_libraries(c->engine);
    struct library **libraries = NULL;
    struct list_options o;
    size_t count = 0, said = 0;

    if (!parse_list(c, &o))
        return;
    if (all)
        libraries = libraries_list(all, c->scratch, &count);
    struct reply_mark mark = reply_open(c->reply);
    for (size_t i = 0; i < count; i++) {
        if (o.pattern.ptr && !glob_match_nocase(o.pattern, libraries[i]->name))
            continue;
        say_library(c, libraries[i], o.has_code);
        said++;
    }
    reply_close(c->reply, mark, '*', said);
}

static void say_running(struct cmd_call *c, const struct script_run *run)
{
    const struct cmd_call *caller = run->caller;

    reply_map(c->reply, 3);
    reply_bulk_text(c->reply, "name");
    reply_bulk_text(c->reply, run->name);
    reply_bulk_text(c->reply, "command");
    reply_array(c->reply, caller->argc);
    for (uint32_t i = 0; i < caller->argc; i++)
        reply_bulk_str(c->reply, caller->argv[i]);
    reply_bulk_text(c->reply, "duration_ms");
    reply_int(c->reply, clock_boot_ms(&clock_system) - run->began_ms);
}

void cmd_function_stats(struct cmd_call *c)
{
    const struct scripting *s = c->engine->scripting;
    struct libraries_facts facts = libraries_facts(scripting_libraries(c->engine));

    if (s && s->running && !s->running->is_function) {
        reply_error(c->reply, scripting_busy_text(c->engine));
        return;
    }
    reply_map(c->reply, 2);
    reply_bulk_text(c->reply, "running_script");
    if (s && s->running)
        say_running(c, s->running);
    else
        reply_null(c->reply);
    reply_bulk_text(c->reply, "engines");
    reply_map(c->reply, 1);
    reply_bulk_text(c->reply, "LUA");
    reply_map(c->reply, 2);
    reply_bulk_text(c->reply, "libraries_count");
    reply_int(c->reply, (int64_t)facts.libraries);
    reply_bulk_text(c->reply, "functions_count");
    reply_int(c->reply, (int64_t)facts.functions);
}

/* ---- DUMP and RESTORE ---- */

void cmd_function_dump(struct cmd_call *c)
{
    scoped(buf_fini) struct buf out = BUF_EMPTY;

    function_payload_write(c->engine, &out);
    reply_bulk_str(c->reply, buf_str(&out));
}

void cmd_function_restore(struct cmd_call *c)
{
    static const struct {
        const char *word;
        enum library_policy policy;
        bool flushes;
    } policies[] = {
        {"append",  LIBRARY_ADD,     false},
        {"replace", LIBRARY_REPLACE, false},
        {"flush",   LIBRARY_ADD,     true },
    };
    size_t chosen = 0;

    if (c->argc > 4) {
        call_bad_subcommand(c);
        return;
    }
    while (c->argc == 4 && chosen < countof(policies) && !call_is(c, 3, policies[chosen].word))
        chosen++;
    if (chosen == countof(policies)) {
        reply_error(c->reply, "ERR Wrong restore policy given, value should be either FLUSH, "
                              "APPEND or REPLACE.");
        return;
    }
    const char *wrong = function_payload_load(c->engine, c->scratch, c->argv[2],
                                              policies[chosen].policy, policies[chosen].flushes);
    if (wrong) {
        reply_error(c->reply, function_error(c->scratch, wrong));
        return;
    }
    c->dirty++;
    reply_ok(c->reply);
}

void cmd_function_kill(struct cmd_call *c)
{
    scripting_kill(c, true);
}

void cmd_function_help(struct cmd_call *c)
{
    static const char *const lines[] = {
        "DELETE <library-name>",
        "    Delete a library with its functions.",
        "DUMP",
        "    Give all libraries as bytes for RESTORE.",
        "FLUSH [ASYNC|SYNC]",
        "    Delete all libraries.",
        "KILL",
        "    End the function that runs, if it has not written anything.",
        "LIST [LIBRARYNAME <pattern>] [WITHCODE]",
        "    Show the libraries with their functions, and with their texts if wanted.",
        "LOAD [REPLACE] <library-code>",
        "    Make a library known, in the place of one of its name if wanted.",
        "RESTORE <serialized-value> [FLUSH|APPEND|REPLACE]",
        "    Load the libraries of a DUMP: in the place of all, beside the others (APPEND, as",
        "    without a word), or in the place of those of the same names.",
        "STATS",
        "    Show the function that runs, and how many there are.",
        NULL,
    };

    reply_help(c->reply, "FUNCTION", lines);
}
