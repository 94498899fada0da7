/* SPDX-License-Identifier: BSD-2-Clause */
/* expr-driver.c - evaluates every expression of a file for every record on standard input (format = record).
 *
 * One line per record: 0 false, 1 true, 2 error, one digit per expression; "refused" lines go to standard error.
 * With --refuse the file holds expressions that must not compile. */
#include "record/expr.h"
#include "record/format.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPRS_MAX 5000

static struct json_doc *parse_value(const struct subject *subject, const char **ret_why)
{
    struct json_error error;
    const struct weir_record *record = subject->record;
    struct json_doc *doc = json_parse(subject->scratch, record->value.ptr, record->value.len, &error);
    if (!doc)
        *ret_why = error.why;
    return doc;
}

/* Expressions compiled, -1 after a message. */
static int read_exprs(const char *name, struct weir_expr **exprs, int refuse)
{
    char *line = NULL, why[512];
    size_t room = 0;
    ssize_t len;
    int n = 0, bad = 0;
    FILE *file = fopen(name, "r");
    if (!file)
        return -1;
    while ((len = getline(&line, &room, file)) > 0 && n < EXPRS_MAX) {
        if (line[len - 1] == '\n')
            line[len - 1] = '\0';
        exprs[n] = expr_compile(line, why, sizeof why);
        if (refuse && exprs[n])
            bad += printf("accepted: %s\n", line) > 0;
        if (!refuse && !exprs[n])
            bad += printf("refused: %s: %s\n", line, why) > 0;
        n++;
    }
    free(line);
    (void)fclose(file);
    return bad ? -1 : n;
}

static void match_all(struct weir_expr **exprs, int n, const struct weir_record *record)
{
    static struct arena scratch;
    static struct strbuf why;
    struct subject subject = {record, parse_value, NULL, &scratch};
    for (int i = 0; i < n; i++) {
        arena_reset(&scratch);
        why.len = 0;
        enum expr_result result = expr_match(exprs[i], &subject, &why);
        if (getenv("EXPR_WHY") && result == EXPR_ERROR)
            (void)fprintf(stderr, "%d: %.*s\n", i, (int)why.len, why.data);
        (void)putchar('0' + (int)result);
    }
    (void)putchar('\n');
}

int main(int argc, char **argv)
{
    static struct weir_expr *exprs[EXPRS_MAX];
    struct arena arena = {0};
    char *line = NULL;
    size_t room = 0;
    ssize_t len;
    int refuse = argc == 3 && strcmp(argv[1], "--refuse") == 0;
    if (argc != 2 + refuse)
        return 2;
    int n = read_exprs(argv[1 + refuse], exprs, refuse);
    while (n >= 0 && !refuse && (len = getline(&line, &room, stdin)) > 0) {
        struct weir_record record;
        const char *why;
        arena_reset(&arena);
        if (format_parse(&arena, (struct weir_slice){line, (size_t)len}, &record, &why) != WEIR_OK) {
            printf("not a record: %s\n", why);
            n = -1;
            break;
        }
        match_all(exprs, n, &record);
    }
    return n < 0;
}
