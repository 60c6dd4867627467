/* The small reply with libfcgi. With a socket: threads that accept on it, as examples/threaded.c of libfcgi. Without:
 * one request at a time on descriptor 0, as mod_fcgid starts it.
 *
 *   libfcgi [SOCKET THREADS]
 */
#include <fcgiapp.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { BACKLOG = 4096, STACK_BYTES = 256 * 1024 };

static void *serve(void *socket) {
    FCGX_Request request;
    if (FCGX_InitRequest(&request, (int)(intptr_t)socket, 0) != 0) exit(1);
    while (FCGX_Accept_r(&request) == 0) {
        /* An end of the body that comes after the reply would be taken for the next request, and end the connection. */
        while (FCGX_GetChar(request.in) != EOF) continue;
        FCGX_PutS("Content-Type: text/plain;charset=UTF-8\r\nContent-Length: 13\r\n\r\nHello, world\n", request.out);
        FCGX_Finish_r(&request);
    }
    return NULL;
}

int main(int argc, char **argv) {
    if (FCGX_Init() != 0) return 1;
    if (argc != 3) return serve(0) == NULL ? 0 : 1;
    const int socket = FCGX_OpenSocket(argv[1], BACKLOG);
    if (socket < 0 || chmod(argv[1], 0666) != 0) return 1;
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    for (int thread = atoi(argv[2]); thread > 1; thread--) {
        pthread_t id;
        if (pthread_create(&id, &attributes, serve, (void *)(intptr_t)socket) != 0) return 1;
    }
    serve((void *)(intptr_t)socket);
    return 0;
}
