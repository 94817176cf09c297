/*
 * Stands for an engine in tests. Does what its arguments say, one after the other, and then waits
 * for the end: "ready" says READY=1, "child-ready" has a child say so, "say=TEXT" writes a line to
 * standard error, "out=TEXT" to standard output, "flood=N" writes N lines, "keep=N" keeps a child
 * with all descriptors for N seconds, "stubborn" ignores SIGTERM, "exit=N" ends.
 */
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static void say_ready(void)
{
    const char *name = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    if (!name)
        _exit(99);
    size_t len = strlen(name);
    memcpy(address.sun_path, name, len);
    if (name[0] == '@')
        address.sun_path[0] = '\0';
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    if (sendto(fd, "STATUS=up\nREADY=1\n", 18, 0, (struct sockaddr *)&address,
               (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) < 0)
        _exit(98);
    close(fd);
}

/* Only a child of the engine says so, which does not count. */
static void child_says_ready(void)
{
    pid_t pid = fork();

    if (pid == 0) {
        say_ready();
        _exit(0);
    }
    waitpid(pid, NULL, 0);
}

static void keep_child(unsigned seconds)
{
    if (fork() == 0) {
        sleep(seconds);
        _exit(0);
    }
}

static void on_term(int signal)
{
    (void)signal;
    _exit(0);
}

static void obey(const char *word)
{
    const char *value = strchr(word, '=');
    int number = value ? (int)strtol(value + 1, NULL, 10) : 0;

    if (strcmp(word, "ready") == 0)
        say_ready();
    else if (strcmp(word, "child-ready") == 0)
        child_says_ready();
    else if (strcmp(word, "stubborn") == 0)
        signal(SIGTERM, SIG_IGN);
    else if (strncmp(word, "say=", 4) == 0)
        fprintf(stderr, "%s\n", value + 1);
    else if (strncmp(word, "out=", 4) == 0)
        printf("%s\n", value + 1);
    else if (strncmp(word, "exit=", 5) == 0)
        exit(number);
    else if (strncmp(word, "flood=", 6) == 0)
        for (int i = 0; i < number; i++)
            printf(
                "line %d of what a noisy engine writes when something goes wrong again and again\n",
                i);
    else if (strncmp(word, "keep=", 5) == 0)
        keep_child((unsigned)number);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    signal(SIGTERM, on_term);
    for (int i = 1; i < argc; i++)
        obey(argv[i]);
    for (;;)
        pause();
}
