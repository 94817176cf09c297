#include "base/err.h"
#include "cli/commands/commands.h"
#include "stub_service.h"

#include <criterion/criterion.h>
#include <criterion/redirect.h>

#include <stdio.h>
#include <stdlib.h>

static void redirect(void)
{
    unsetenv("AWS_REGION");
    unsetenv("AWS_DEFAULT_REGION");
    unsetenv("AWS_ACCESS_KEY_ID");
    cr_redirect_stdout();
    cr_redirect_stderr();
}

TestSuite(commands, .init = redirect);

static int run(char **words)
{
    int count = 0;

    while (words[count])
        count++;
    int status = command_run(count, words);
    fflush(stdout);
    return status;
}

Test(commands, print_results_as_json)
{
    static const struct stub_answer answers[] = {
        {200, "{\"CacheClusters\":[]}"}
    };
    struct stub *s = stub_start(answers, 1);
    char *words[] = {"describe-cache-clusters", "--endpoint-url", s->url, NULL};

    cr_expect_eq(run(words), COMMAND_DONE);
    cr_expect_stdout_eq_str("{\n    \"CacheClusters\": []\n}\n");
    stub_stop(s);
}

Test(commands, take_the_words_of_aws_too)
{
    static const struct stub_answer answers[] = {
        {200, "{\"CacheClusters\":[]}"}
    };
    struct stub *s = stub_start(answers, 1);
    char *words[] = {"--endpoint-url", s->url, "elasticache", "describe-cache-clusters",
                     "--max-records",  "20",   NULL};

    cr_expect_eq(run(words), COMMAND_DONE);
    cr_expect_stdout_eq_str("{\n    \"CacheClusters\": []\n}\n");
    stub_stop(s);
}

Test(commands, tell_faults_as_aws_cli_does)
{
    static const struct stub_answer answers[] = {
        {404, "{\"Code\":\"CacheClusterNotFound\",\"Message\":\"CacheCluster not found: c1\"}"}
    };
    struct stub *s = stub_start(answers, 1);
    char *words[] = {
        "delete-cache-cluster", "--cache-cluster-id", "c1", "--endpoint-url", s->url, NULL};

    cr_expect_eq(run(words), COMMAND_REFUSED);
    cr_expect_stderr_eq_str("\nAn error occurred (CacheClusterNotFound) when calling the "
                            "DeleteCacheCluster operation: CacheCluster not found: c1\n");
    stub_stop(s);
}

Test(commands, say_that_nobody_answers)
{
    char *words[] = {"describe-events", "--endpoint-url", "http://127.0.0.1:1", NULL};

    cr_expect_eq(run(words), COMMAND_FAILED);
}

Test(commands, that_are_unknown_are_misuse)
{
    cr_expect_eq(run((char *[]){"describe-cache-cluster", NULL}), COMMAND_MISUSED);
    fflush(stderr);
    cr_expect_stderr_eq_str("larder: unknown command describe-cache-cluster: did you mean "
                            "describe-cache-clusters?\n");
}

Test(commands, wait_fails_as_aws_cli_does)
{
    static const struct stub_answer answers[] = {
        {200, "{\"CacheClusters\":[{\"CacheClusterStatus\":\"deleting\"}]}"}
    };
    struct stub *s = stub_start(answers, 1);
    char *words[] = {"wait", "cache-cluster-available", "--cache-cluster-id",
                     "c1",   "--endpoint-url",          s->url,
                     NULL};

    cr_expect_eq(run(words), COMMAND_FAILED);
    fflush(stderr);
    cr_expect_stderr_eq_str("\nWaiter CacheClusterAvailable failed: it cannot be reached any more: "
                            "CacheClusters[].CacheClusterStatus is deleting\n");
    stub_stop(s);
}

Test(commands, wait_suggests_the_nearest_condition)
{
    cr_expect_eq(run((char *[]){"wait", "cache-cluster-availible", NULL}), COMMAND_MISUSED);
    fflush(stderr);
    cr_expect_stderr_eq_str("larder: nothing waits for cache-cluster-availible: did you mean "
                            "cache-cluster-available?\n");
}

Test(commands, help_is_no_failure)
{
    cr_expect_eq(run((char *[]){"help", NULL}), COMMAND_DONE);
    cr_expect_eq(run((char *[]){"help", "wait", NULL}), COMMAND_DONE);
    cr_expect_eq(run((char *[]){"help", "create-cache-cluster", NULL}), COMMAND_DONE);
    cr_expect_eq(run((char *[]){"create-cache-cluster", "--help", NULL}), COMMAND_DONE);
    cr_expect_eq(run((char *[]){"wait", "--help", NULL}), COMMAND_DONE);
    cr_expect_eq(run((char *[]){NULL}), COMMAND_MISUSED);
}
