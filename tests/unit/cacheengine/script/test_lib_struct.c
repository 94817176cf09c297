#include "script_fixture.h"

static void setup(void);
static void teardown(void);
static struct script_fixture f;

TestSuite(lib_struct, .init = setup, .fini = teardown);

static void setup(void)
{
    script_open(&f, 8 << 20);
}

static void teardown(void)
{
    script_close(&f);
}

Test(lib_struct, values_come_back)
{
    answers(&f, "return struct.pack('>I2', 0x4142)", "$2\r\nAB\r\n");
    answers(&f, "return struct.pack('<I2', 0x4142)", "$2\r\nBA\r\n");
    answers(
        &f,
        "return {struct.unpack('>bBhHlLf d s c3', "
        "struct.pack('>bBhHlLf d s c3', -1, 255, -2, 65535, -3, 3, 0.5, 0.25, 'ab', 'xyz'))}",
        "*11\r\n:-1\r\n:255\r\n:-2\r\n:65535\r\n:-3\r\n:3\r\n:0\r\n:0\r\n$2\r\nab\r\n$3\r\nxyz\r\n:41\r\n");
    answers(&f, "return {struct.unpack('bc0', struct.pack('bc0', 3, 'abc'))}",
            "*2\r\n$3\r\nabc\r\n:5\r\n");
    answers(&f, "return {struct.unpack('>I3', 'xabc', 2)}", "*2\r\n:6382179\r\n:5\r\n");
    answers(&f, "return struct.size('!4 b i4 h')", ":10\r\n");
}

Test(lib_struct, what_does_not_fit_is_an_error)
{
    fails(&f, "struct.unpack('I4', 'abc')", "data string too short");
    fails(&f, "struct.unpack('s', 'abc')", "unfinished string in data");
    fails(&f, "struct.unpack('c0', 'abc')", "format 'c0' needs a previous size");
    fails(&f, "struct.unpack('Lc0', string.rep('\\255', 9))", "data string too short");
    fails(&f, "struct.unpack('I4', 'abcd', -1)", "offset must be 1 or greater");
    fails(&f, "struct.unpack('I4', 'abcd', 2147483647)", "data string too short");
    fails(&f, "struct.pack('c5', 'abc')", "string too short");
    fails(&f, "struct.pack('i33', 1)", "integral size 33 is larger than limit of 32");
    fails(&f, "struct.pack('c99999999999', 'x')", "integral size overflow");
    fails(&f, "struct.pack('!3 i', 1)", "alignment 3 is not a power of 2");
    fails(&f, "struct.pack('q', 1)", "invalid format option 'q'");
    fails(&f, "struct.size('s')", "option 's' has no fixed size");
}
