#include "dispatch_test.h"

static const char *const clustered[] = {"cluster-enabled yes", NULL};

Test(cmd_cluster, without_cluster_mode_all_of_it_is_refused)
{
    static const char *const lines[] = {"CLUSTER INFO",      "CLUSTER SLOTS", "CLUSTER KEYSLOT k",
                                        "CLUSTER MYSHARDID", "CLUSTER HELP",  "READONLY",
                                        "READWRITE",         "ASKING"};
    struct resp_fixture f;

    resp_open(&f, NULL);
    for (size_t i = 0; i < countof(lines); i++)
        says(&f, lines[i], "-ERR This instance has cluster support disabled\r\n");
    shows(&f, "INFO cluster", "cluster_enabled:0");
    resp_close(&f);
}

Test(cmd_cluster, what_would_change_the_cluster_does_not_exist)
{
    static const char *const words[] = {"MEET",      "ADDSLOTS",  "ADDSLOTSRANGE", "DELSLOTS",
                                        "SETSLOT",   "FORGET",    "FAILOVER",      "RESET",
                                        "REPLICATE", "BUMPEPOCH", "FLUSHSLOTS",    "SAVECONFIG"};
    struct resp_fixture f;
    char line[64], answer[128];

    resp_open(&f, clustered);
    for (size_t i = 0; i < countof(words); i++) {
        snprintf(line, sizeof(line), "CLUSTER %s x", words[i]);
        snprintf(answer, sizeof(answer), "-ERR unknown subcommand '%s'. Try CLUSTER HELP.\r\n",
                 words[i]);
        says(&f, line, answer);
    }
    says(&f, "LARDER.TOPOLOGY",
         "-ERR unknown command 'LARDER.TOPOLOGY', with args beginning with: \r\n");
    resp_close(&f);
}

Test(cmd_cluster, slots_are_counted_and_listed)
{
    struct resp_fixture f;
    struct resp_client agent;

    resp_open(&f, clustered);
    resp_client_open(&f, &agent, true);
    for (int i = 0; i < 20; i++) {
        char line[64];

        snprintf(line, sizeof(line), "SET key%d{tag} v", i);
        resp_ask_of(&f, &agent, line);
    }
    says(&f, "CLUSTER KEYSLOT {tag}", ":8338\r\n");
    says(&f, "CLUSTER COUNTKEYSINSLOT 8338", ":20\r\n");
    shows(&f, "CLUSTER GETKEYSINSLOT 8338 100", "*20\r\n");
    shows(&f, "CLUSTER GETKEYSINSLOT 8338 3", "*3\r\n");
    says(&f, "CLUSTER GETKEYSINSLOT 8339 3", "*0\r\n");
    says(&f, "CLUSTER COUNTKEYSINSLOT 16384", "-ERR Invalid slot\r\n");
    says(&f, "CLUSTER GETKEYSINSLOT 0 -1", "-ERR Invalid slot or number of keys\r\n");
    says(&f, "CLUSTER REPLICAS x", "-ERR Unknown node x\r\n");
    resp_client_close(&f, &agent);
    resp_close(&f);
}

Test(cmd_cluster, a_refused_topology_says_why_and_changes_nothing)
{
    struct resp_fixture f;
    struct resp_client agent;

    resp_open(&f, clustered);
    resp_client_open(&f, &agent, true);
    cr_assert_str_eq(resp_ask_of(&f, &agent, "LARDER.TOPOLOGY 1"),
                     "-ERR topology refused: it ends where the epoch and the node's own id is "
                     "expected\r\n");
    cr_assert_str_eq(resp_ask_of(&f, &agent, "LARDER.TOPOLOGY"), "*0\r\n");
    shows(&f, "CLUSTER INFO", "cluster_state:fail\r\ncluster_slots_assigned:0\r\n");
    resp_client_close(&f, &agent);
    resp_close(&f);
}
