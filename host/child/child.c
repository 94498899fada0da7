/* SPDX-License-Identifier: BSD-2-Clause */
/* child.c - the process of a plugin from its start to its end: what weir calls is called, in the order it came.
 *
 * Main thread, but for the alarm's: it interrupts the plugin, and ends the process when weir is gone, whatever the
 * plugin does at that time. */
#include "child.h"

#include "../command.h"
#include "instance/call.h"
#include "isolate/process.h"
#include "isolate/setup.h"
#include "report/log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define AGAIN_MS 100 /* before what write refused is offered once more, unless the plugin wakes sooner */

struct child child;

static void send_log(int level, const char *text, size_t len)
{
    struct strbuf body = {0};
    pack_slice(&body, (struct weir_slice){text, len});
    child_send(WIRE_LOG, 0, 0, (uint64_t)level, 0, &body);
    strbuf_free(&body);
}

static void *wait_for_alarm(void *arg)
{
    char byte;
    (void)arg;
    for (;;) {
        ssize_t n = read(PROCESS_ALARM, &byte, 1);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            _exit(EXIT_FAILURE);
        instance_interrupt(child.instance);
    }
}

/* The answer to a call: why it failed goes with it. */
static void done(const struct message *to, int status, const char *why, const struct strbuf *more)
{
    struct strbuf body = {0};
    if (status < 0) {
        const struct failure none = {0};
        const struct failure *f = child.instance ? &child.instance->failure : &none;
        const struct weir_result r = {.status = status,
                                      .code = f->code,
                                      .retry_after_ms = f->retry_after_ms,
                                      .type = f->type.len ? f->type.data : NULL,
                                      .why = why              ? why
                                             : child.instance ? instance_why(child.instance)
                                                              : NULL};
        pack_result(&body, &r);
    }
    if (more)
        strbuf_add(&body, more->data, more->len);
    child_send(WIRE_DONE, to->frame.id, status, 0, 0, &body);
    strbuf_free(&body);
}

static struct instance *make_instance(const struct setup *s)
{
    struct section_conf *section = &child.conf->source;
    section->batch_records = (int64_t)s->batch_records;
    section->batch_bytes = (int64_t)s->batch_bytes;
    section->in_flight = (int64_t)s->in_flight;
    child.conf->reader = s->reader;
    const struct instance_place place = {.conf = child.conf,
                                         .host = child_host(),
                                         .loop = &child.loop,
                                         .worker = (uint32_t)s->worker,
                                         .budget = s->budget};
    struct instance *in = instance_new(section, &place);
    free(in->who);
    in->who = xstrdup(s->who);
    in->info.want = (uint32_t)s->want;
    child.around = (struct weir_around){
        .struct_size = sizeof child.around, .source = s->source, .commit_ms = (int64_t)s->commit_ms};
    if (s->source)
        in->info.around = &child.around;
    if (in->ops->metrics)
        child.told = xcalloc(in->ops->metrics->count, sizeof *child.told);
    return in;
}

/* Reads the section; false and why. */
static bool set_up(struct message *m, char **ret_why)
{
    struct setup s;
    struct unpack from = {.at = arena_copy(&child.setup, m->body, (size_t)m->frame.len)};
    pthread_t alarm;
    size_t n;
    from.end = from.at + m->frame.len;
    if (!setup_unpack(&from, &child.setup, &s))
        die("weir sent what is no section");
    log_set_other((int)s.log_level, send_log);
    FILE *err = open_memstream(ret_why, &n);
    if (!err)
        die("out of memory");
    child.conf = conf_load_section(&s.section, s.path, s.pipeline, err);
    fclose(err);
    if (!child.conf) {
        if (n && (*ret_why)[n - 1] == '\n')
            (*ret_why)[n - 1] = 0;
        return false;
    }
    child.instance = make_instance(&s);
    if (pthread_create(&alarm, NULL, wait_for_alarm, NULL) != 0)
        die("cannot start a thread");
    pthread_detach(alarm);
    return true;
}

static int open_plugin(void)
{
    struct instance *in = child.instance;
    if (!in)
        return WEIR_FATAL;
    instance_clear_failure(in);
    int status = instance_create(in);
    if (status == WEIR_OK)
        status = call_open(in);
    atomic_store(&in->opened, status == WEIR_OK);
    return status;
}

static void close_plugin(void)
{
    child.closed = true;
    if (!child.instance) /* its section was refused */
        return;
    instance_close(child.instance);
    loop_run_tasks(&child.loop); /* what it completed while closing */
    child_tell_metrics();
}

static void answer_call(struct message *m)
{
    struct unpack from = {.at = m->body, .end = m->body + m->frame.len};
    struct strbuf more = {0};
    char *why = NULL;
    int status = WEIR_OK;
    if (child.instance)
        instance_clear_failure(child.instance);
    switch (m->frame.type) {
    case WIRE_SETUP:
        status = set_up(m, &why) ? WEIR_OK : WEIR_FATAL;
        break;
    case WIRE_OPEN:
        status = open_plugin();
        break;
    case WIRE_COMMIT:
        status = child_commit(&from);
        break;
    case WIRE_POLL:
        child.woke = false;
        status = child_poll(&from);
        break;
    case WIRE_POSITION:
        status = child_position(m, &more);
        break;
    case WIRE_COMMITTED:
        status = child_committed(m, &from);
        break;
    case WIRE_REVOKED:
        status = child_revoked(&from);
        break;
    case WIRE_PROCESS:
        status = child_process(m, &more);
        break;
    case WIRE_CLOSE:
        close_plugin();
        break;
    case WIRE_PING:
        break;
    default:
        die("weir called what there is not (%u)", m->frame.type);
    }
    child_tell_source();
    done(m, status, why && *why ? why : NULL, &more);
    strbuf_free(&more);
    free(why);
}

static void take(struct message *m)
{
    struct instance *in = child.instance;
    switch (m->frame.type) {
    case WIRE_WRITE:
        child.flushing = false;
        child_write(m);
        break;
    case WIRE_FLUSH:
        child.flushing = in->ops->flush != NULL;
        break;
    default:
        answer_call(m);
    }
    message_free(m);
}

/* What came, without waiting for more. */
static struct message *next_message(void)
{
    struct message *m = child.later;
    struct pollfd p = {.fd = child.line.fd, .events = POLLIN};
    if (m) {
        child.later = m->next;
        if (!child.later)
            child.later_tail = &child.later;
        m->next = NULL;
        return m;
    }
    if (!child.line.head && poll(&p, 1, 0) > 0)
        line_fill(&child.line);
    if (child.line.dead)
        _exit(EXIT_FAILURE);
    return line_next(&child.line);
}

static void serve(void)
{
    struct instance *in = child.instance;
    uint32_t why = in->ready;
    if (!why || !in->opened)
        return;
    in->ready = 0;
    if (in->ops->kind == WEIR_SOURCE) {
        child_send(WIRE_WAKE, 0, 0, 0, 0, NULL);
        child.woke = true;
        return;
    }
    instance_clear_failure(in);
    if (in->ops->service && call_service(in, why) == WEIR_FATAL) {
        struct strbuf body = {0};
        pack_text(&body, instance_why(in));
        child_send(WIRE_FAULT, 0, 0, 0, 0, &body);
        strbuf_free(&body);
    }
}

static void turn(void)
{
    struct message *m;
    loop_run_tasks(&child.loop);
    while (!child.closed && (m = next_message()) != NULL) {
        take(m);
        loop_run_tasks(&child.loop);
    }
    if (!child.instance || child.closed)
        return;
    serve();
    if (child.offered && child.instance->opened)
        child_offer();
    if (child.flushing && child.instance->opened &&
        child_holds()) /* what was just taken too: at each turn, as in weir */
        (void)call_flush(child.instance);
    child_tell_metrics();
}

/* A source that wants to be polled waits for that alone: its descriptors stay ready until then. */
static void wait_for_more(void)
{
    if (child.later || child.line.head)
        return;
    if (child.woke)
        (void)line_wait(&child.line, INT64_MAX);
    else
        loop_wait(&child.loop, child.offered ? AGAIN_MS : -1);
}

static void begin(void)
{
    closefrom(PROCESS_ALARM + 1);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    signal(SIGINT, SIG_IGN); /* weir gets it too, and says what is to be done */
    signal(SIGTERM, SIG_IGN);
    /* what the plugin starts must not hold them open: weir would not see the end of this process */
    (void)fcntl(PROCESS_LINE, F_SETFD, FD_CLOEXEC);
    (void)fcntl(PROCESS_ALARM, F_SETFD, FD_CLOEXEC);
    line_init(&child.line, PROCESS_LINE);
    child.later_tail = &child.later;
    child.offered_tail = &child.offered;
    child.budget.limit = child.budget.record_max = SIZE_MAX;
    pthread_mutex_init(&child.lock, NULL);
    loop_init(&child.loop);
    loop_begin(&child.loop);
    loop_watch(&child.loop, &child.inbox, PROCESS_LINE, WEIR_FD_READ);
}

static void end(void)
{
    struct child_lent *next;
    for (struct child_lent *l = child.lent; l; l = next) {
        next = l->next;
        batch_unref(l->batch);
        free(l);
    }
    for (struct child_lent *l = child.offered; l; l = next) {
        next = l->next;
        batch_unref(l->batch);
        free(l);
    }
    fflush(NULL);
    _exit(EXIT_DONE); /* the alarm's thread looks at what would be freed */
}

int cmd_plugin_process(int argc, char **argv)
{
    struct sockaddr_storage peer;
    socklen_t n = sizeof peer;
    (void)argv;
    if (argc != 2 || getpeername(PROCESS_LINE, (struct sockaddr *)&peer, &n) != 0)
        return command_usage(NULL, "the process of a plugin is started by weir run, by isolate = process");
    begin();
    for (turn(); !child.closed; turn())
        wait_for_more();
    end();
    return EXIT_DONE;
}
