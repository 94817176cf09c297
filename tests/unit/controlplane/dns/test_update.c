/* Updates as a name server on loopback sees them; what signatures are worth is proved with a real
 * one, end to end. */
#include "base/arena.h"
#include "base/clock.h"
#include "base/fs.h"
#include "controlplane/dns/dns.h"
#include "nameserver/name.h"

#include <criterion/criterion.h>

#include <arpa/inet.h>
#include <ldns/ldns.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PATIENCE_MS 10000

/* A server that writes down the updates that it is sent, one line each, and answers with `rcode`.
 */
static struct server {
    int fd, port;
    pthread_t thread;
    atomic_int rcode, count, is_signed;
    pthread_mutex_t lock;
    char said[1 << 18];
} server = {.lock = PTHREAD_MUTEX_INITIALIZER};

static struct arena a;
static struct dns *d;

static bool read_all(int fd, void *out, size_t len)
{
    for (size_t done = 0; done < len;) {
        ssize_t n = read(fd, (char *)out + done, len - done);
        if (n <= 0)
            return false;
        done += (size_t)n;
    }
    return true;
}

static void write_down(const ldns_pkt *m)
{
    const ldns_rr_list *changes = ldns_pkt_authority(m); /* where updates have them */
    char *zone = ldns_rdf2str(ldns_rr_owner(ldns_rr_list_rr(ldns_pkt_question(m), 0)));

    pthread_mutex_lock(&server.lock);
    size_t len = strlen(server.said);
    len += (size_t)snprintf(server.said + len, sizeof(server.said) - len, "%s:", zone);
    free(zone);
    for (size_t i = 0; i < ldns_rr_list_rr_count(changes); i++) {
        const ldns_rr *rr = ldns_rr_list_rr(changes, i);
        char *owner = ldns_rdf2str(ldns_rr_owner(rr)),
             *type = ldns_rr_type2str(ldns_rr_get_type(rr));
        char *data = ldns_rr_rd_count(rr) > 0 ? ldns_rdf2str(ldns_rr_rdf(rr, 0)) : strdup("");
        len += (size_t)snprintf(server.said + len, sizeof(server.said) - len, " %s%s/%s/%u/%s",
                                ldns_rr_get_class(rr) == LDNS_RR_CLASS_ANY ? "-" : "+", owner, type,
                                ldns_rr_ttl(rr), data);
        free(owner), free(type), free(data);
    }
    snprintf(server.said + len, sizeof(server.said) - len, "\n");
    pthread_mutex_unlock(&server.lock);
}

static void answer(int fd)
{
    unsigned char head[2], body[65535];
    ldns_pkt *m = NULL;

    if (!read_all(fd, head, 2) || !read_all(fd, body, (size_t)head[0] << 8 | head[1]))
        return;
    if (ldns_wire2pkt(&m, body, (size_t)head[0] << 8 | head[1]) != LDNS_STATUS_OK)
        return;
    if (ldns_pkt_get_opcode(m) == LDNS_PACKET_UPDATE) {
        atomic_store(&server.is_signed, ldns_pkt_tsig(m) != NULL);
        if (atomic_load(&server.rcode) == 0)
            write_down(m); /* the last: it is what tests wait for */
    }
    unsigned char reply[14] = {0, 12, body[0], body[1], 0xa8, (unsigned char)server.rcode};
    if (write(fd, reply, sizeof(reply)) == sizeof(reply))
        atomic_fetch_add(&server.count, 1);
    ldns_pkt_free(m);
}

static void *serve(void *unused)
{
    (void)unused;
    for (;;) {
        int fd = accept(server.fd, NULL, NULL);
        if (fd < 0)
            return NULL;
        answer(fd);
        close(fd);
    }
}

static void open_fixture(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(at);

    server.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_eq(bind(server.fd, (struct sockaddr *)&at, sizeof(at)), 0);
    cr_assert_eq(listen(server.fd, 8), 0);
    cr_assert_eq(getsockname(server.fd, (struct sockaddr *)&at, &len), 0);
    server.port = ntohs(at.sin_port);
    cr_assert_eq(pthread_create(&server.thread, NULL, serve, NULL), 0);
}

static void close_fixture(void)
{
    dns_close(d);
    shutdown(server.fd, SHUT_RDWR);
    pthread_join(server.thread, NULL);
    close(server.fd);
    arena_fini(&a);
}

TestSuite(update, .init = open_fixture, .fini = close_fixture);

static void start(const char *key_file)
{
    struct dns_conf conf = {
        .zone = "cache.test",
        .update_server = arena_printf(&a, "127.0.0.1:%d", server.port),
        .update_key_file = key_file,
        .clock = &clock_system,
    };
    struct err e = dns_open(&a, &conf, &d);

    cr_assert_eq(e.code, ERR_OK, "%s", e.why);
}

static void wait_said(const char *line)
{
    bool is_there = false;

    for (int i = 0; i < PATIENCE_MS && !is_there; i++) {
        usleep(1000);
        pthread_mutex_lock(&server.lock);
        is_there = strstr(server.said, line) != NULL;
        pthread_mutex_unlock(&server.lock);
    }
    cr_assert(is_there, "never \"%s\" in \"%s\"", line, server.said);
}

Test(update, a_name_gets_all_its_addresses_in_place_of_the_old_ones_in_one_message)
{
    static const char *const addresses[] = {"127.0.0.1", "::1", "127.0.0.2"};

    start(NULL);
    cr_assert_eq(dns_upsert(d, "c1.cache.test", addresses, 3, 5).code, ERR_OK);
    wait_said(
        "cache.test.: -c1.cache.test./A/0/ -c1.cache.test./AAAA/0/ +c1.cache.test./A/5/127.0.0.1 "
        "+c1.cache.test./AAAA/5/::1 +c1.cache.test./A/5/127.0.0.2\n");
    cr_assert_eq(dns_remove(d, "c1.cache.test").code, ERR_OK);
    wait_said("cache.test.: -c1.cache.test./A/0/ -c1.cache.test./AAAA/0/\n");
    cr_expect_not(atomic_load(&server.is_signed));
}

Test(update, what_the_server_refuses_is_sent_again)
{
    static const char *const addresses[] = {"127.0.0.1"};

    atomic_store(&server.rcode, LDNS_RCODE_SERVFAIL);
    start(NULL);
    cr_assert_eq(dns_upsert(d, "c1.cache.test", addresses, 1, 5).code, ERR_OK);
    for (int i = 0; i < PATIENCE_MS && atomic_load(&server.count) < 2; i++)
        usleep(1000);
    cr_assert_geq(atomic_load(&server.count), 2);
    cr_expect_str_eq(server.said, "");
    atomic_store(&server.rcode, LDNS_RCODE_NOERROR);
    wait_said("+c1.cache.test./A/5/127.0.0.1\n");
}

Test(update, one_name_may_have_as_many_addresses_as_names_can_have)
{
    const char **addresses = arena_array(&a, DNS_ADDRESSES_MAX, sizeof(*addresses));

    for (int i = 0; i < DNS_ADDRESSES_MAX; i++)
        addresses[i] = arena_printf(&a, "fd00:1111:2222:3333:4444:5555:6666:%x", i + 1);
    start(NULL);
    cr_assert_eq(dns_upsert(d, "a-name-that-is-not-short-at-all.and-has-several-labels.cache.test",
                            addresses, DNS_ADDRESSES_MAX, 5)
                     .code,
                 ERR_OK);
    wait_said(":6666:1 ");
    wait_said(":6666:3e8\n");
}

Test(update, with_a_key_messages_are_signed)
{
    static const char *const addresses[] = {"127.0.0.1"};
    char path[] = "/tmp/larder-key-XXXXXX";
    int fd = mkstemp(path);

    cr_assert_geq(fd, 0);
    close(fd);
    cr_assert_eq(fs_write_atomic(path, str_of("hmac-sha256:k:c2VjcmV0IQ=="), 0600, FS_NO_SYNC).code,
                 ERR_OK);
    start(path);
    cr_assert_eq(fs_remove(path).code, ERR_OK);
    cr_assert_eq(dns_upsert(d, "c1.cache.test", addresses, 1, 5).code, ERR_OK);
    wait_said("+c1.cache.test./A/5/127.0.0.1");
    cr_expect(atomic_load(&server.is_signed));
    for (int i = 0; i < PATIENCE_MS && atomic_load(&server.count) < 2; i++)
        usleep(1000);
    cr_expect_geq(atomic_load(&server.count), 2, "an answer that is not signed is worth nothing");
}
