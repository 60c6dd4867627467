/* The floor: the least that a FastCGI responder can do and still be one. It keeps its connections,
 * finds the end of each request in the records, and answers every one with the same bytes. One
 * thread, epoll, no libfcgi, no limits: it is for the bench only and must never be used to serve.
 *
 *   responder unix:PATH | PORT                                        (127.0.0.1)
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { BEGIN_REQUEST = 1, END_REQUEST = 3, STDIN = 5, STDOUT = 6 };
enum { KEEP_CONN = 1, HEADER_LEN = 8, MAX_FDS = 4096, EVENTS = 256 };

static const char RESPONSE[] =
    "Content-Type: text/plain;charset=UTF-8\r\n"
    "Content-Length: 13\r\n"
    "\r\n"
    "Hello, world\n";

struct connection {
    uint8_t header[HEADER_LEN];
    int have;           /* bytes of the header that are here */
    int begin_left;     /* body bytes of BEGIN_REQUEST still to look at */
    int left;           /* content and padding still to pass over */
    int keep;
};

static struct connection *connections[MAX_FDS];

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static size_t build_reply(uint8_t *out, const uint8_t *id) {
    const size_t length = sizeof RESPONSE - 1;
    const uint8_t stdout_header[HEADER_LEN] = {1, STDOUT, id[0], id[1], length >> 8, length & 255, 0, 0};
    const uint8_t end[2 * HEADER_LEN] = {1, END_REQUEST, id[0], id[1], 0, 8, 0, 0};
    memcpy(out, stdout_header, HEADER_LEN);
    memcpy(out + HEADER_LEN, RESPONSE, length);
    memcpy(out + HEADER_LEN + length, end, sizeof end);
    return HEADER_LEN + length + sizeof end;
}

/* Returns 0 when the connection is to be closed. */
static int consume(int fd, struct connection *c, const uint8_t *bytes, size_t count) {
    size_t at = 0;
    for (;;) {
        if (c->have < HEADER_LEN) {
            while (c->have < HEADER_LEN && at < count) c->header[c->have++] = bytes[at++];
            if (c->have < HEADER_LEN) return 1;
            const int content = c->header[4] << 8 | c->header[5];
            c->left = content + c->header[6];
            c->begin_left = c->header[1] == BEGIN_REQUEST ? content : 0;
            if (c->header[1] == STDIN && content == 0) {
                uint8_t reply[256];
                const size_t length = build_reply(reply, c->header + 2);
                if (write(fd, reply, length) != (ssize_t)length || !c->keep) return 0;
            }
        }
        const size_t here = count - at < (size_t)c->left ? count - at : (size_t)c->left;
        if (c->begin_left > 0) {
            /* The flags are the third byte of the body [FastCGI 1.0 §5.1]. */
            for (size_t i = 0; i < here && c->begin_left > 0; i++, c->begin_left--)
                if (c->begin_left == HEADER_LEN - 2) c->keep = bytes[at + i] & KEEP_CONN;
        }
        at += here;
        c->left -= (int)here;
        if (c->left > 0) return 1;
        c->have = 0;
    }
}

static int listen_on(const char *where) {
    const int is_unix = strncmp(where, "unix:", 5) == 0;
    const int fd = socket(is_unix ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) fail("socket");
    if (is_unix) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        if (strlen(where + 5) >= sizeof address.sun_path) errno = ENAMETOOLONG, fail(where);
        strcpy(address.sun_path, where + 5);
        unlink(address.sun_path);
        if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0) fail(where);
        if (chmod(address.sun_path, 0666) < 0) fail(where);
    } else {
        const int on = 1;
        struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(where))};
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0) fail(where);
    }
    if (listen(fd, 4096) < 0) fail("listen");
    return fd;
}

int main(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: responder unix:PATH | PORT\n");
        return 64;
    }
    /* A peer that left is found by the failed write, which closes its connection. */
    signal(SIGPIPE, SIG_IGN);
    static uint8_t bytes[64 * 1024];
    struct epoll_event events[EVENTS];
    const int listener = listen_on(argv[1]);
    const int epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event wanted = {.events = EPOLLIN, .data.fd = listener};
    if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &wanted) < 0) fail("epoll");

    for (;;) {
        const int ready = epoll_wait(epoll, events, EVENTS, -1);
        if (ready < 0 && errno != EINTR) fail("epoll_wait");
        for (int i = 0; i < ready; i++) {
            const int fd = events[i].data.fd;
            if (fd == listener) {
                int client;
                while ((client = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
                    const int on = 1;
                    if (client >= MAX_FDS) {
                        close(client);
                        continue;
                    }
                    setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
                    connections[client] = calloc(1, sizeof *connections[client]);
                    wanted.data.fd = client;
                    if (connections[client] == NULL || epoll_ctl(epoll, EPOLL_CTL_ADD, client, &wanted) < 0) fail("accept");
                }
                continue;
            }
            const ssize_t count = read(fd, bytes, sizeof bytes);
            if (count < 0 && (errno == EAGAIN || errno == EINTR)) continue;
            if (count <= 0 || !consume(fd, connections[fd], bytes, (size_t)count)) {
                free(connections[fd]);
                close(fd);
            }
        }
    }
}
