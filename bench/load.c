/* A FastCGI web server's side under load: CONNECTIONS sockets, one request at a time on each, for
 * SECONDS. Each reply must be complete, carry no status but 200 and end in BODY; anything else is an
 * error. In C so that the generator is not what is measured.
 *
 *   load unix:PATH | PORT  CONNECTIONS  SECONDS  kept|fresh  BODY
 *
 * `kept` asks the application to keep the connection and reconnects when it did not; `fresh` opens a
 * connection for every request. Prints one line of JSON; latencies in microseconds.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { BEGIN_REQUEST = 1, END_REQUEST = 3, PARAMS = 4, STDIN = 5, STDOUT = 6, RESPONDER = 1 };
enum { HEADER_LEN = 8, REPLY_MAX = 64 * 1024, MAX_CONNECTIONS = 1024, SLOWEST_US = 2000000 };

/* What Apache 2.4 sends for a GET of a ProxyPass mount, in its order. */
static const char *const VARIABLES[][2] = {
    {"HTTP_HOST", "127.0.0.1:8080"}, {"HTTP_CONNECTION", "keep-alive"}, {"ap_trust_cgilike_cl", "1"},
    {"PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}, {"SERVER_SIGNATURE", ""},
    {"SERVER_SOFTWARE", "Apache/2.4.71 (Debian)"}, {"SERVER_NAME", "127.0.0.1"}, {"SERVER_ADDR", "127.0.0.1"},
    {"SERVER_PORT", "8080"}, {"REMOTE_ADDR", "127.0.0.1"}, {"DOCUMENT_ROOT", "/srv/www"},
    {"REQUEST_SCHEME", "http"}, {"CONTEXT_PREFIX", ""}, {"CONTEXT_DOCUMENT_ROOT", "/srv/www"},
    {"SERVER_ADMIN", "[no address given]"}, {"SCRIPT_FILENAME", "/hello"}, {"REMOTE_PORT", "45678"},
    {"GATEWAY_INTERFACE", "CGI/1.1"}, {"SERVER_PROTOCOL", "HTTP/1.1"}, {"REQUEST_METHOD", "GET"},
    {"QUERY_STRING", ""}, {"REQUEST_URI", "/hello"}, {"SCRIPT_NAME", "/hello"},
};

struct connection {
    int fd;
    int ended;
    size_t have;
    uint64_t started;
    uint8_t reply[REPLY_MAX];
};

static uint8_t request[8192];
static size_t request_length;
static const char *where, *body;
static int epoll, kept;
static unsigned long requests, errors, reconnects;
static unsigned long histogram[SLOWEST_US + 1];
static char first_error[200];

static uint64_t now_us(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000 + (uint64_t)time.tv_nsec / 1000;
}

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static void put_header(uint8_t type, size_t length) {
    const uint8_t header[HEADER_LEN] = {1, type, 0, 1, (uint8_t)(length >> 8), (uint8_t)length, 0, 0};
    memcpy(request + request_length, header, HEADER_LEN);
    request_length += HEADER_LEN;
}

static void build_request(void) {
    uint8_t pairs[4096];
    size_t length = 0;
    for (size_t i = 0; i < sizeof VARIABLES / sizeof *VARIABLES; i++) {
        const size_t name = strlen(VARIABLES[i][0]), value = strlen(VARIABLES[i][1]);
        pairs[length++] = (uint8_t)name;
        pairs[length++] = (uint8_t)value;
        memcpy(pairs + length, VARIABLES[i][0], name);
        memcpy(pairs + length + name, VARIABLES[i][1], value);
        length += name + value;
    }
    const uint8_t begin[8] = {0, RESPONDER, (uint8_t)kept};
    put_header(BEGIN_REQUEST, sizeof begin);
    memcpy(request + request_length, begin, sizeof begin);
    request_length += sizeof begin;
    put_header(PARAMS, length);
    memcpy(request + request_length, pairs, length);
    request_length += length;
    put_header(PARAMS, 0);
    put_header(STDIN, 0);
}

static void count_error(const char *what) {
    if (errors++ == 0) snprintf(first_error, sizeof first_error, "%s", what);
}

static void open_connection(struct connection *c) {
    const int is_unix = strncmp(where, "unix:", 5) == 0;
    c->fd = socket(is_unix ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->fd < 0) fail("socket");
    int status;
    if (is_unix) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        strncpy(address.sun_path, where + 5, sizeof address.sun_path - 1);
        status = connect(c->fd, (struct sockaddr *)&address, sizeof address);
    } else {
        const int on = 1;
        struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(where))};
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        status = connect(c->fd, (struct sockaddr *)&address, sizeof address);
    }
    if (status < 0) fail(where);
    struct epoll_event wanted = {.events = EPOLLIN, .data.ptr = c};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &wanted) < 0) fail("epoll_ctl");
}

static void send_request(struct connection *c) {
    c->have = 0;
    c->ended = 0;
    c->started = now_us();
    if (send(c->fd, request, request_length, MSG_NOSIGNAL) != (ssize_t)request_length) count_error("send failed");
}

/* 1 when the records in `reply` are a whole answer, 0 when more must come, -1 when they are wrong. */
static int judge(const struct connection *c) {
    static char text[REPLY_MAX + 1];
    size_t length = 0;
    for (size_t at = 0; at + HEADER_LEN <= c->have;) {
        const uint8_t *header = c->reply + at;
        const size_t content = (size_t)(header[4] << 8 | header[5]);
        at += HEADER_LEN + content + header[6];
        if (header[0] != 1 || header[2] != 0 || header[3] != 1) return -1;
        if (at > c->have) return 0;
        if (header[1] == STDOUT) {
            memcpy(text + length, header + HEADER_LEN, content);
            length += content;
        } else if (header[1] == END_REQUEST) {
            text[length] = 0;
            const char *status = strcasestr(text, "status:");
            if (at != c->have || length < strlen(body)) return -1;
            if (status != NULL && atoi(status + 7) != 200) return -1;
            return strcmp(text + length - strlen(body), body) == 0 ? 1 : -1;
        } else {
            return -1;
        }
    }
    return 0;
}

static void reopen(struct connection *c) {
    close(c->fd);
    open_connection(c);
    send_request(c);
}

static void receive(struct connection *c) {
    const ssize_t count = recv(c->fd, c->reply + c->have, REPLY_MAX - c->have, 0);
    if (count <= 0) {
        /* Between two replies the application may close; in the middle of one it may not. */
        if (c->have > 0 || kept == 0) count_error("closed in the middle of a reply");
        reconnects++;
        reopen(c);
        return;
    }
    c->have += (size_t)count;
    const int verdict = judge(c);
    if (verdict == 0 && c->have < REPLY_MAX) return;
    if (verdict == 1) {
        const uint64_t took = now_us() - c->started;
        histogram[took < SLOWEST_US ? took : SLOWEST_US]++;
        requests++;
    } else {
        count_error("a wrong reply");
    }
    if (verdict == 1 && kept) send_request(c);
    else reopen(c);
}

static unsigned long percentile(double share) {
    unsigned long seen = 0;
    for (unsigned long us = 0; us <= SLOWEST_US; us++)
        if ((seen += histogram[us]) > (unsigned long)(share * (double)requests)) return us;
    return SLOWEST_US;
}

int main(int argc, char **argv) {
    if (argc != 6) {
        fprintf(stderr, "usage: load unix:PATH|PORT CONNECTIONS SECONDS kept|fresh BODY\n");
        return 64;
    }
    static struct connection connections[MAX_CONNECTIONS];
    const int count = atoi(argv[2]);
    where = argv[1];
    kept = strcmp(argv[4], "kept") == 0;
    body = argv[5];
    if (count < 1 || count > MAX_CONNECTIONS) return 64;
    build_request();
    epoll = epoll_create1(EPOLL_CLOEXEC);
    if (epoll < 0) fail("epoll_create1");
    for (int i = 0; i < count; i++) open_connection(&connections[i]), send_request(&connections[i]);

    const uint64_t begun = now_us(), end = begun + (uint64_t)(atof(argv[3]) * 1e6);
    uint64_t time = begun;
    struct epoll_event events[256];
    while (time < end && errors < 100) {
        const int ready = epoll_wait(epoll, events, 256, (int)((end - time) / 1000) + 1);
        if (ready < 0 && errno != EINTR) fail("epoll_wait");
        for (int i = 0; i < ready; i++) receive(events[i].data.ptr);
        time = now_us();
    }
    printf("{\"requests\":%lu,\"errors\":%lu,\"firstError\":\"%s\",\"reconnects\":%lu,\"seconds\":%.6f,\"p50Us\":%lu,\"p99Us\":%lu}\n",
           requests, errors, first_error, reconnects, (double)(time - begun) / 1e6, percentile(0.5), percentile(0.99));
    return 0;
}
