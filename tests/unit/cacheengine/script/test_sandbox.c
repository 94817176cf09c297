#include "script_fixture.h"

static void setup(void);
static void teardown(void);
static struct script_fixture f;

TestSuite(sandbox, .init = setup, .fini = teardown);

static void setup(void)
{
    script_open(&f, 8 << 20);
}

static void teardown(void)
{
    script_close(&f);
}

Test(sandbox, nothing_that_scripts_share_can_be_changed)
{
    static const char *const tries[] = {
        "x = 1",
        "_G.x = 1",
        "redis.call = 1",
        "redis = 1",
        "string.format = 1",
        "rawset(_G, 'x', 1)",
        "rawset(string, 'format', 1)",
        "setmetatable(_G, {})",
        "setmetatable(redis, {})",
        "getmetatable(_G).__index = 1",
        "getmetatable('').__index = 1",
        "getmetatable('').__index.format = 1",
        "table.insert(redis, 1)",
        "table.remove(string)",
        "table.sort(math)",
        "for k in pairs(redis) do redis[k] = 1 end",
        "local _, t = pairs(redis) t.call = 1",
        "cjson.encode = 1",
        "bit.band = 1",
        "os.clock = 1",
        "coroutine.wrap = 1",
    };

    for (size_t i = 0; i < countof(tries); i++)
        fails(&f, tries[i], "Attempt to modify a readonly table");
}

Test(sandbox, locked_tables_read_as_others_do)
{
    answers(
        &f,
        "local n = 0 for k, v in pairs(redis) do if k == 'call' then n = n + 1 end end return n",
        ":1\r\n");
    answers(&f, "return type(rawget(_G, 'redis'))", "$5\r\ntable\r\n");
    answers(&f, "return rawget(_G, 'nope') == nil", ":1\r\n");
    answers(&f, "return type(next(string))", "$6\r\nstring\r\n");
    answers(&f, "return getmetatable(redis) == nil", ":1\r\n");
    answers(&f, "return ('x'):rep(3)", "$3\r\nxxx\r\n");
    answers(&f, "return server.call == redis.call", ":1\r\n");
}

Test(sandbox, there_are_no_files_processes_or_compiled_code)
{
    static const char *const names[] = {"io",     "dofile",  "loadfile", "print",   "require",
                                        "module", "package", "debug",    "newproxy"};
    char text[64];

    for (size_t i = 0; i < countof(names); i++) {
        snprintf(text, sizeof(text), "return %s", names[i]);
        fails(&f, text, "Script attempted to access nonexistent global variable");
    }
    fails(&f, "return os.execute('true')", "attempt to call field 'execute' (a nil value)");
    answers(&f, "return loadstring(string.dump(function() end)) == nil", ":1\r\n");
    answers(&f,
            "local s = string.dump(function() end) return load(function() local p = s s = nil "
            "return p end) == nil",
            ":1\r\n");
    answers(&f, "return loadstring('return 1')()", ":1\r\n");
}

Test(sandbox, the_environment_of_all_scripts_stays)
{
    fails(&f, "setfenv(0, {})", "'setfenv' cannot change environment of given object");
    answers(&f, "local e = setmetatable({}, {__index = _G}) setfenv(1, e) x = 5 return x",
            ":5\r\n");
    answers(&f, "return rawget(_G, 'x') == nil", ":1\r\n");
}
