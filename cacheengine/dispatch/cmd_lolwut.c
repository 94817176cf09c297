/*
 * LOLWUT: a picture for who asks for one, after Georg Nees: squares that fall into disorder, the
 * more the further down they stand. The one idea: a character of Braille is two dots by four.
 */
#include "base/arena.h"
#include "base/buf.h"
#include "base/command.h"
#include "base/rng.h"
#include "cacheengine/dispatch/engine.h"
#include "contract/command_procs.h"

#include <math.h>

#define COLUMNS_MAX 1000
#define ROWS_MAX    500
#define SQUARES_MAX 200
#define DOTS_ACROSS 2
#define DOTS_DOWN   4

struct canvas {
    int columns, rows; /* characters */
    uint8_t *dots;     /* of each character, as Unicode numbers them */
};

static void plot(struct canvas *canvas, int x, int y)
{
    static const uint8_t bits[DOTS_DOWN][DOTS_ACROSS] = {
        {0x01, 0x08},
        {0x02, 0x10},
        {0x04, 0x20},
        {0x40, 0x80}
    };

    if (x < 0 || y < 0 || x >= canvas->columns * DOTS_ACROSS || y >= canvas->rows * DOTS_DOWN)
        return;
    canvas->dots[y / DOTS_DOWN * canvas->columns + x / DOTS_ACROSS] |=
        bits[y % DOTS_DOWN][x % DOTS_ACROSS];
}

static void line(struct canvas *canvas, double ax, double ay, double bx, double by)
{
    int steps = (int)ceil(fmax(fabs(bx - ax), fabs(by - ay)));

    for (int i = 0; i <= steps; i++) {
        double part = steps ? (double)i / steps : 0;

        plot(canvas, (int)lrint(ax + (bx - ax) * part), (int)lrint(ay + (by - ay) * part));
    }
}

static void square(struct canvas *canvas, double x, double y, double side, double angle)
{
    double reach = side / M_SQRT2;

    for (int i = 0; i < 4; i++) {
        double from = angle + M_PI_4 + i * M_PI_2, to = from + M_PI_2;

        line(canvas, x + reach * cos(from), y + reach * sin(from), x + reach * cos(to),
             y + reach * sin(to));
    }
}

/* A number between -1 and 1. */
static double chance(struct rng *rng)
{
    return (double)rng_below(rng, 2001) / 1000 - 1;
}

/* So many squares in a line, and so many lines. */
static void draw(struct canvas *canvas, struct rng *rng, int across, int down, double side)
{
    for (int j = 0; j < down; j++)
        for (int i = 0; i < across; i++) {
            double disorder = (double)j / down;

            square(canvas, 1 + side * (i + 0.5 + chance(rng) * disorder * 0.4),
                   1 + side * (j + 0.5 + chance(rng) * disorder * 0.4), side,
                   chance(rng) * disorder * M_PI_4);
        }
}

static void canvas_write(const struct canvas *canvas, struct buf *out)
{
    for (int y = 0; y < canvas->rows; y++) {
        for (int x = 0; x < canvas->columns; x++) {
            uint8_t dots = canvas->dots[y * canvas->columns + x];
            char utf8[3] = {(char)0xe2, (char)(0xa0 | dots >> 6), (char)(0x80 | (dots & 0x3f))};

            buf_add(out, utf8, sizeof(utf8));
        }
        buf_add(out, "\n", 1);
    }
    buf_printf(out, "\nAfter Georg Nees: Schotter, 1968. ");
}

/* Columns, squares in a line, lines: from argument 3 on. False after the error was sent. */
static bool read_sizes(struct cmd_call *c, int64_t sizes[3])
{
    static const int64_t most[] = {COLUMNS_MAX, SQUARES_MAX, SQUARES_MAX};

    for (uint32_t i = 0; i < 3 && i + 3 < c->argc; i++) {
        if (!call_int(c, i + 3, &sizes[i]))
            return false;
        sizes[i] = sizes[i] < 1 ? 1 : sizes[i] > most[i] ? most[i] : sizes[i];
    }
    return true;
}

static void picture(struct cmd_call *c, const int64_t sizes[3], struct buf *out)
{
    double side = (double)(sizes[0] * DOTS_ACROSS - 2) / (double)sizes[1];
    int rows = (int)(side * (double)sizes[2]) / DOTS_DOWN + 1;
    struct canvas canvas = {.columns = (int)sizes[0], .rows = rows < ROWS_MAX ? rows : ROWS_MAX};

    canvas.dots = arena_zalloc(c->scratch, (size_t)canvas.columns * (size_t)canvas.rows);
    draw(&canvas, &c->ks->rng, (int)sizes[1], (int)sizes[2], side);
    canvas_write(&canvas, out);
}

void cmd_lolwut(struct cmd_call *c)
{
    const struct settings *s = c->ks->settings;
    int64_t sizes[3] = {66, 8, 12}, version = 0;
    scoped(buf_fini) struct buf text = BUF_EMPTY;

    if (c->argc >= 3 && call_is(c, 1, "version") && !call_int(c, 2, &version))
        return;
    /* Of the others nobody knows what they draw. */
    bool is_drawn = version == 5 || version == 6;
    if (is_drawn && !read_sizes(c, sizes))
        return;
    if (is_drawn)
        picture(c, sizes, &text);
    buf_printf(&text, "%s ver. %s\n", s->brand == BRAND_VALKEY ? "Valkey" : "Redis",
               s->engine_version);
    reply_verbatim(c->reply, buf_str(&text), "txt");
}
