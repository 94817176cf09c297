#include "dispatch_test.h"

static void stall(struct resp_fixture *f)
{
    resp_ask(f, "CONFIG SET latency-monitor-threshold 5");
    while (f->engine.ticks_per_ms == 0)
        engine_tick(&f->engine);
    resp_ask(f, "DEBUG SLEEP 0.006");
}

Test(cmd_latency, stalls_are_shown_and_forgotten)
{
    struct resp_fixture f;

    resp_open(&f, NULL);
    says(&f, "LATENCY LATEST", "*0\r\n");
    says(&f, "LATENCY HISTORY command", "*0\r\n");
    says(&f, "LATENCY GRAPH command", "-ERR No samples available for event 'command'\r\n");
    shows(&f, "LATENCY DOCTOR", "latency-monitor-threshold");
    stall(&f);
    shows(&f, "LATENCY LATEST", "*1\r\n*4\r\n$7\r\ncommand\r\n");
    shows(&f, "LATENCY HISTORY command", "*1\r\n*2\r\n:");
    shows(&f, "LATENCY GRAPH command", "command - high ");
    shows(&f, "LATENCY DOCTOR", "- command: 1 stalls");
    says(&f, "LATENCY RESET nosuch", ":0\r\n");
    says(&f, "LATENCY RESET COMMAND command", ":1\r\n");
    says(&f, "LATENCY LATEST", "*0\r\n");
    stall(&f);
    says(&f, "LATENCY RESET", ":1\r\n");
    shows(&f, "LATENCY DOCTOR", "No latency stall");
    resp_close(&f);
}

Test(cmd_latency, durations_of_all_calls_are_counted)
{
    struct resp_fixture f;

    resp_open(&f, NULL);
    resp_ask(&f, "SET k v");
    resp_ask(&f, "SET k v");
    resp_ask(&f, "CLIENT ID");
    shows(&f, "LATENCY HISTOGRAM set", "$3\r\nset\r\n*4\r\n$5\r\ncalls\r\n:2\r\n");
    shows(&f, "LATENCY HISTOGRAM client", "$9\r\nclient|id\r\n*4\r\n$5\r\ncalls\r\n:1\r\n");
    shows(&f, "LATENCY HISTOGRAM client|id nosuch", "*2\r\n$9\r\nclient|id\r\n");
    says(&f, "LATENCY HISTOGRAM get nosuch |", "*0\r\n");
    shows(&f, "INFO latencystats", "latency_percentiles_usec_set:p50=");
    resp_ask(&f, "CONFIG SET latency-tracking-info-percentiles \"100.0 0.5\"");
    shows(&f, "INFO latencystats", "latency_percentiles_usec_set:p100=");
    shows(&f, "CONFIG GET latency-tracking-info-percentiles", "100 0.5\r\n");
    resp_ask(&f, "CONFIG SET latency-tracking no");
    says(&f, "LATENCY HISTOGRAM", "*0\r\n");
    resp_close(&f);
}

Test(cmd_latency, a_reset_of_statistics_forgets_durations)
{
    struct resp_fixture f;

    resp_open(&f, NULL);
    resp_ask(&f, "SET k v");
    resp_ask(&f, "CONFIG RESETSTAT");
    shows(&f, "LATENCY HISTOGRAM", "*2\r\n$16\r\nconfig|resetstat\r\n");
    resp_close(&f);
}
