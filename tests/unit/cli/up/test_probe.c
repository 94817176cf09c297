#include "cli/up/probe.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

Test(probe, finds_the_number_of_hosts_among_the_metrics)
{
    size_t count = 0;

    cr_expect(
        probe_hosts_in(STR("# HELP larder_hosts Hosts.\n# TYPE larder_hosts gauge\n"
                           "larder_hosts{state=\"heard\"} 3\nlarder_hosts{state=\"silent\"} 9\n"),
                       &count));
    cr_expect(eq(sz, count, 3));
}

Test(probe, does_not_invent_hosts)
{
    size_t count = 7;

    cr_expect(not(probe_hosts_in(STR(""), &count)));
    cr_expect(not(probe_hosts_in(STR("larder_hosts{state=\"silent\"} 3\n"), &count)));
    cr_expect(not(probe_hosts_in(STR("larder_hosts{state=\"heard\"} many\n"), &count)));
    cr_expect(eq(sz, count, 7));
}
