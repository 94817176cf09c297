/* What FAILOVER refuses; how it goes is in tests/conformance. */
#include "cacheengine/dispatch/failover.h"
#include "dispatch_test.h"

Test(cmd_failover, what_cannot_be_handed_over)
{
    struct resp_fixture f;

    resp_open(&f, NULL);
    says(&f, "FAILOVER", "-ERR FAILOVER requires connected replicas.\r\n");
    says(&f, "FAILOVER ABORT", "-ERR No failover in progress.\r\n");
    says(&f, "FAILOVER TIMEOUT 0", "-ERR FAILOVER timeout must be greater than 0\r\n");
    says(&f, "FAILOVER TIMEOUT x", "-ERR value is not an integer or out of range\r\n");
    says(&f, "FAILOVER SOMETHING", "-ERR syntax error\r\n");
    says(&f, "FAILOVER FORCE FORCE", "-ERR syntax error\r\n");
    says(&f, "REPLICAOF 127.0.0.1 1", "+OK\r\n");
    says(&f, "FAILOVER", "-ERR FAILOVER is not valid when server is a replica.\r\n");
    cr_assert_str_eq(failover_state_name(&f.engine), "no-failover");
    failover_abort(&f.engine, "nothing happens");
    resp_close(&f);
}
