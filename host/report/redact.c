/* SPDX-License-Identifier: BSD-2-Clause */
/* redact.c - the store of known secret values and the mask (redact.h). */
#include "redact.h"

#include "log.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define VALUES_MAX 1024

struct value {
    char *data;
    size_t len;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct value values[VALUES_MAX];
static size_t n_values; /* ever added: the slot is n_values % VALUES_MAX */

static size_t held(void)
{
    return n_values < VALUES_MAX ? n_values : VALUES_MAX;
}

static void forget(struct value *value)
{
    if (value->data) {
        explicit_bzero(value->data, value->len);
        free(value->data);
    }
    memset(value, 0, sizeof *value);
}

void redact_add(const void *p, size_t n)
{
    if (n < REDACT_MIN)
        return;
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < held(); i++) {
        if (values[i].len == n && memcmp(values[i].data, p, n) == 0) {
            pthread_mutex_unlock(&lock);
            return;
        }
    }
    struct value *slot = &values[n_values++ % VALUES_MAX];
    forget(slot);
    slot->data = xmalloc(n);
    slot->len = n;
    memcpy(slot->data, p, n);
    pthread_mutex_unlock(&lock);
}

/* Marks every byte that belongs to a known value: values may overlap, so replacing one after the other would leave
 * pieces of the second. */
static bool mark(const char *text, size_t n, unsigned char *marks)
{
    bool found = false;
    for (size_t i = 0; i < held(); i++) {
        const char *at = text;
        while ((at = memmem(at, n - (size_t)(at - text), values[i].data, values[i].len))) {
            memset(marks + (at - text), 1, values[i].len);
            found = true;
            at++;
        }
    }
    return found;
}

void redact_text(const void *p, size_t n, struct strbuf *out)
{
    const char *text = p;
    unsigned char *marks = NULL;
    bool found = false;
    pthread_mutex_lock(&lock);
    if (n_values > 0 && n >= REDACT_MIN) {
        marks = xcalloc(n, 1);
        found = mark(text, n, marks);
    }
    pthread_mutex_unlock(&lock);
    if (!found)
        strbuf_add(out, text, n);
    for (size_t i = 0; found && i < n;) {
        size_t start = i;
        while (i < n && marks[i] == marks[start])
            i++;
        if (marks[start])
            strbuf_str(out, REDACT_MASK);
        else
            strbuf_add(out, text + start, i - start);
    }
    free(marks);
}

void redact_reset(void)
{
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < VALUES_MAX; i++)
        forget(&values[i]);
    n_values = 0;
    pthread_mutex_unlock(&lock);
}
