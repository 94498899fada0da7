/* SPDX-License-Identifier: BSD-2-Clause */
/* expr_parse.c - text of a `when` to a tree: the part of jq 1.6's grammar that docs/expressions.md names.
 *
 * Precedence, from loosest: `|`, `or`, `and`, comparisons (which do not chain), terms with their path behind.
 * Thread: the main thread, while the configuration is read. */
#include "expr.h"
#include "expr_tree.h"

#include "closest.h"

#include "report/log.h"

#include <stdlib.h>
#include <string.h>

struct expr_node *expr_new_node(struct expr_parser *p, enum expr_op op, unsigned column)
{
    if (++p->nodes > EXPR_NODES_MAX) {
        expr_complain(p, column, "the expression is too long: it has more than %d parts", EXPR_NODES_MAX);
        return NULL;
    }
    struct expr_node *node = arena_alloc(&p->expr->arena, sizeof *node);
    *node = (struct expr_node){.op = op, .column = column};
    return node;
}

static struct expr_node *binary(struct expr_parser *p, enum expr_op op, unsigned column,
                                struct expr_node *left, struct expr_node *right)
{
    struct expr_node *node = left && right ? expr_new_node(p, op, column) : NULL;
    if (node) {
        node->left = left;
        node->right = right;
    }
    return node;
}

static struct expr_node *parse_parentheses(struct expr_parser *p)
{
    unsigned opened = p->token.column;
    expr_advance(p);
    struct expr_node *node = expr_parse_pipe(p);
    if (!node)
        return NULL;
    if (expr_token_is(p, ")")) {
        expr_advance(p);
        return node;
    }
    if (p->token.type == TOKEN_END)
        expr_complain(p, opened, "the parenthesis that opens here is not closed");
    expr_complain_token(p);
    return NULL;
}

static struct expr_node *parse_variable(struct expr_parser *p)
{
    static const char *const names[] = {"topic",   "partition", "offset", "key",
                                        "headers", "time",      "value",  NULL};
    unsigned column = p->token.column;
    const char *name = p->token.text.ptr;
    size_t len = p->token.text.len;
    for (size_t i = 0; names[i]; i++)
        if (strlen(names[i]) == len && memcmp(names[i], name, len) == 0) {
            expr_advance(p);
            p->expr->wants_text |= EXPR_TOPIC + i == EXPR_VALUE;
            return expr_new_node(p, (enum expr_op)(EXPR_TOPIC + i), column);
        }
    const char *meant = closest_word(name, len, names);
    int n = len > 60 ? 60 : (int)len;
    if (meant)
        expr_complain(p, column, "unknown variable \"$%.*s\"; did you mean \"$%s\"?", n, name, meant);
    else
        expr_complain(p, column,
                      "unknown variable \"$%.*s\"; there are $topic, $partition, $offset, $key, $headers, "
                      "$time and $value",
                      n, name);
    return NULL;
}

static bool add_step(struct expr_parser *p, struct expr_node *path, struct expr_step step)
{
    if (path->n_steps == EXPR_STEPS_MAX) {
        expr_complain(p, path->column, "a path may have at most %d steps", EXPR_STEPS_MAX);
        return false;
    }
    if (path->n_steps == 0)
        path->steps = arena_alloc(&p->expr->arena, EXPR_STEPS_MAX * sizeof *path->steps);
    if (expr_token_is(p, "?")) {
        step.optional = true;
        expr_advance(p);
    }
    path->steps[path->n_steps++] = step;
    return !p->failed;
}

static bool read_index(struct expr_parser *p, bool negative, int64_t *ret)
{
    const char *digits = p->token.text.ptr;
    int64_t n = 0;
    for (size_t i = 0; i < p->token.text.len; i++) {
        if (digits[i] < '0' || digits[i] > '9' || n > INT32_MAX) {
            n = INT64_MAX;
            break;
        }
        n = n * 10 + (digits[i] - '0');
    }
    if (n > INT32_MAX) {
        expr_complain(p, p->token.column, "an index is a whole number below 2147483648 in `when`");
        return false;
    }
    *ret = negative ? -n : n;
    return true;
}

/* Behind "[". */
static bool parse_bracket(struct expr_parser *p, struct expr_node *path)
{
    struct expr_step step = {0};
    bool negative = expr_token_is(p, "-");
    if (negative)
        expr_advance(p);
    if (p->token.type == TOKEN_NUMBER) {
        if (!read_index(p, negative, &step.index))
            return false;
    } else if (p->token.type == TOKEN_STRING && !negative) {
        step.key = p->token.text;
    } else if (expr_token_is(p, "]")) {
        expr_complain(p, p->token.column, "`[]` (each element) is not part of `when`");
    } else if (p->token.type != TOKEN_END && !expr_token_is(p, ":")) {
        expr_complain(p, p->token.column,
                      "only a number or a string literal may stand between brackets in `when`");
    }
    if (expr_token_is(p, ":")) {
        expr_complain(p, p->token.column, "slices (`[1:2]`) are not part of `when`");
        return false;
    }
    expr_advance(p);
    if (expr_token_is(p, ":"))
        expr_complain(p, p->token.column, "slices (`[1:2]`) are not part of `when`");
    if (!expr_token_is(p, "]")) {
        expr_complain(p, p->token.column, "`]` is expected here");
        return false;
    }
    expr_advance(p);
    return add_step(p, path, step);
}

/* What a path goes on with: .name, ."name", [index], ["name"], each with an optional `?`. */
static bool parse_steps(struct expr_parser *p, struct expr_node *path)
{
    while (!p->failed) {
        struct expr_step step = {0};
        if (p->token.type == TOKEN_FIELD) {
            step.key = p->token.text;
            expr_advance(p);
        } else if (p->token.type == TOKEN_DOT) {
            expr_advance(p);
            if (expr_token_is(p, "[")) {
                expr_complain(p, p->token.column, "jq 1.6 has no dot before `[` here; write .a[0]");
                return false;
            }
            if (p->token.type != TOKEN_STRING) {
                expr_complain(p, p->token.column, "a name must follow the dot");
                return false;
            }
            step.key = p->token.text;
            expr_advance(p);
        } else if (expr_token_is(p, "[")) {
            expr_advance(p);
            if (!parse_bracket(p, path))
                return false;
            continue;
        } else {
            return true;
        }
        if (!add_step(p, path, step))
            return false;
    }
    return false;
}

/* node, or a path from it when one stands behind.  A string behind a dot belongs to the dot: ."odd name". */
static struct expr_node *with_steps(struct expr_parser *p, struct expr_node *node, bool dot)
{
    struct expr_step step = {0};
    if (!node)
        return NULL;
    if (!(dot && p->token.type == TOKEN_STRING) && p->token.type != TOKEN_FIELD &&
        p->token.type != TOKEN_DOT && !expr_token_is(p, "["))
        return node;
    struct expr_node *path = expr_new_node(p, EXPR_PATH, node->column);
    if (!path)
        return NULL;
    path->left = node;
    if (dot && p->token.type == TOKEN_STRING) {
        step.key = p->token.text;
        expr_advance(p);
        if (!add_step(p, path, step))
            return NULL;
    }
    return parse_steps(p, path) ? path : NULL;
}

static bool starts_literal(const struct expr_parser *p)
{
    return p->token.type == TOKEN_NUMBER || p->token.type == TOKEN_STRING || expr_token_is(p, "[") ||
           expr_token_is(p, "{") || expr_token_is(p, "-") || expr_token_named(p, "true") ||
           expr_token_named(p, "false") || expr_token_named(p, "null");
}

static struct expr_node *parse_term(struct expr_parser *p)
{
    if (p->token.type == TOKEN_DOT) {
        struct expr_node *node = expr_new_node(p, EXPR_INPUT, p->token.column);
        expr_advance(p);
        return with_steps(p, node, true);
    }
    if (p->token.type == TOKEN_FIELD)
        return with_steps(p, expr_new_node(p, EXPR_INPUT, p->token.column), false);
    if (expr_token_is(p, "("))
        return with_steps(p, parse_parentheses(p), false);
    if (p->token.type == TOKEN_VARIABLE)
        return with_steps(p, parse_variable(p), false);
    if (starts_literal(p))
        return with_steps(p, expr_parse_literal(p), false);
    if (p->token.type == TOKEN_NAME)
        return with_steps(p, expr_parse_call(p), false);
    expr_complain_token(p);
    return NULL;
}

/* EXPR_PATH: the token is no comparison. */
static enum expr_op comparison(const struct expr_parser *p)
{
    static const char *const names[] = {"==", "!=", "<", "<=", ">", ">="};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (expr_token_is(p, names[i]))
            return (enum expr_op)(EXPR_EQ + i);
    return EXPR_PATH;
}

static struct expr_node *parse_comparison(struct expr_parser *p)
{
    struct expr_node *left = parse_term(p);
    enum expr_op op = left ? comparison(p) : EXPR_PATH;
    if (op == EXPR_PATH)
        return left;
    unsigned column = p->token.column;
    expr_advance(p);
    struct expr_node *node = binary(p, op, column, left, parse_term(p));
    if (node && comparison(p) != EXPR_PATH) {
        expr_complain(p, p->token.column,
                      "comparisons do not chain; combine them by `and` or use parentheses");
        return NULL;
    }
    return node;
}

static struct expr_node *parse_and(struct expr_parser *p)
{
    struct expr_node *left = parse_comparison(p);
    while (left && expr_token_named(p, "and")) {
        unsigned column = p->token.column;
        expr_advance(p);
        left = binary(p, EXPR_AND, column, left, parse_comparison(p));
    }
    return left;
}

static struct expr_node *parse_or(struct expr_parser *p)
{
    struct expr_node *left = parse_and(p);
    while (left && expr_token_named(p, "or")) {
        unsigned column = p->token.column;
        expr_advance(p);
        left = binary(p, EXPR_OR, column, left, parse_and(p));
    }
    return left;
}

/* Right-associative in jq; to the left it means the same and needs no recursion. */
struct expr_node *expr_parse_pipe(struct expr_parser *p)
{
    if (++p->depth > EXPR_DEPTH_MAX) {
        expr_complain(p, p->token.column, "more than %d parentheses within each other", EXPR_DEPTH_MAX);
        return NULL;
    }
    struct expr_node *left = parse_or(p);
    while (left && expr_token_is(p, "|")) {
        unsigned column = p->token.column;
        expr_advance(p);
        left = binary(p, EXPR_PIPE, column, left, parse_or(p));
    }
    p->depth--;
    return p->failed ? NULL : left;
}

struct weir_expr *expr_compile(const char *text, char *why, size_t cap)
{
    struct weir_expr *expr = xcalloc(1, sizeof *expr);
    size_t len = strlen(text);
    const char *start =
        arena_copy(&expr->arena, text, len); /* the keys of paths stay where they stand in it */
    struct expr_parser p = {
        .start = start, .at = start, .end = start + len, .expr = expr, .why = why, .cap = cap};
    if (!json_utf8_valid(text, len))
        expr_complain(&p, 1, "the expression is not UTF-8");
    expr_advance(&p);
    if (!p.failed && p.token.type == TOKEN_END)
        expr_complain(&p, p.token.column, "the expression is empty");
    if (!p.failed)
        expr->root = expr_parse_pipe(&p);
    if (!p.failed && p.token.type != TOKEN_END)
        expr_complain_token(&p);
    if (p.failed) {
        expr_free(expr);
        return NULL;
    }
    return expr;
}

bool expr_wants_text(const struct weir_expr *expr)
{
    return expr->wants_text;
}

void expr_free(struct weir_expr *expr)
{
    if (!expr)
        return;
    for (struct expr_regex *r = expr->regexes; r; r = r->next)
        onig_free(r->regex);
    arena_free(&expr->arena);
    free(expr);
}
