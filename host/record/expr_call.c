/* SPDX-License-Identifier: BSD-2-Clause */
/* expr_call.c - the functions an expression may call, and the regular expressions of test().
 *
 * Oniguruma is set up once per process: syntax and options as jq 1.6 gives them, and limits on its work, so that
 * a bad pattern costs an error and not the pipeline.  Thread: the main thread, while the configuration is read. */
#include "expr_tree.h"

#include <pthread.h>
#include <string.h>

#define REGEX_RETRIES_MATCH  1000000UL  /* backtracks from one start */
#define REGEX_RETRIES_SEARCH 10000000UL /* backtracks in all of one call: a fraction of a second */
#define REGEX_STACK          500000U    /* entries of its backtracking stack: tens of megabytes */

static pthread_once_t regex_once = PTHREAD_ONCE_INIT;

static void set_up_regex(void)
{
    OnigEncoding use[] = {ONIG_ENCODING_UTF8};
    onig_initialize(use, 1);
    onig_set_retry_limit_in_match(REGEX_RETRIES_MATCH);
    onig_set_retry_limit_in_search(REGEX_RETRIES_SEARCH);
    onig_set_match_stack_limit_size(REGEX_STACK);
}

static void compile_regex(struct expr_parser *p, struct expr_node *node, struct weir_slice pattern,
                          OnigOptionType options)
{
    const OnigUChar *start = pattern.ptr;
    OnigErrorInfo info = {0};
    regex_t *regex;
    pthread_once(&regex_once, set_up_regex);
    int rc =
        onig_new(&regex, start, start + pattern.len, options, ONIG_ENCODING_UTF8, ONIG_SYNTAX_PERL_NG, &info);
    if (rc != ONIG_NORMAL) {
        OnigUChar text[ONIG_MAX_ERROR_MESSAGE_LEN];
        int n = onig_error_code_to_str(text, rc, &info);
        expr_complain(p, node->column, "the regular expression is not valid: %.*s", n, (const char *)text);
        return;
    }
    struct expr_regex *kept = arena_alloc(&p->expr->arena, sizeof *kept);
    kept->next = p->expr->regexes;
    kept->regex = regex;
    p->expr->regexes = kept;
    node->regex = regex;
}

/* The second argument of test; null is as if it were not there. */
static OnigOptionType parse_flags(struct expr_parser *p)
{
    OnigOptionType options = ONIG_OPTION_CAPTURE_GROUP;
    if (expr_token_named(p, "null"))
        return options;
    if (p->token.type != TOKEN_STRING) {
        expr_complain(p, p->token.column, "the flags of `test` are a string literal, for example \"i\"");
        return options;
    }
    const char *flags = p->token.text.ptr;
    for (size_t i = 0; i < p->token.text.len; i++)
        switch (flags[i]) {
        case 'g': /* all matches: the same truth */
            break;
        case 'i':
            options |= ONIG_OPTION_IGNORECASE;
            break;
        case 'x':
            options |= ONIG_OPTION_EXTEND;
            break;
        case 's':
            options |= ONIG_OPTION_SINGLELINE;
            break;
        case 'n':
            options |= ONIG_OPTION_FIND_NOT_EMPTY;
            break;
        case 'l':
            options |= ONIG_OPTION_FIND_LONGEST;
            break;
        case 'p':
            options |= ONIG_OPTION_MULTILINE | ONIG_OPTION_SINGLELINE;
            break;
        default:
            expr_complain(p, p->token.column, "`test` has the flags g i l n p s x");
            return options;
        }
    return options;
}

static void parse_test(struct expr_parser *p, struct expr_node *node)
{
    OnigOptionType options = ONIG_OPTION_CAPTURE_GROUP;
    struct weir_slice pattern = p->token.text;
    if (p->token.type != TOKEN_STRING) {
        expr_complain(p, p->token.column, "the regular expression of `test` is a string literal in `when`");
        return;
    }
    expr_advance(p);
    if (expr_token_is(p, ";")) {
        expr_advance(p);
        options = parse_flags(p);
        expr_advance(p);
    } else if (expr_token_is(p, ",")) {
        expr_complain(p, p->token.column, "jq separates arguments by `;`, as in test(\"regex\"; \"i\")");
    }
    if (!p->failed)
        compile_regex(p, node, pattern, options);
}

static const struct {
    const char *name;
    enum expr_op op;
    bool arguments;
} functions[] = {
    {"not", EXPR_NOT, false},
    {"length", EXPR_LENGTH, false},
    {"type", EXPR_TYPE, false},
    {"test", EXPR_TEST, true},
    {"startswith", EXPR_STARTSWITH, true},
    {"endswith", EXPR_ENDSWITH, true},
    {"has", EXPR_HAS, true},
    {"in", EXPR_IN, true},
    {"IN", EXPR_ONE_OF, true},
};

static bool open_arguments(struct expr_parser *p, const char *name, unsigned column)
{
    if (expr_token_is(p, "(")) {
        expr_advance(p);
        return !p->failed;
    }
    expr_complain(p, column, "`%s` takes an argument in parentheses", name);
    return false;
}

static struct expr_node *parse_arguments(struct expr_parser *p, const char *name, enum expr_op op,
                                         unsigned column)
{
    if (!open_arguments(p, name, column))
        return NULL;
    if (op == EXPR_ONE_OF) /* takes its own parenthesis */
        return expr_parse_one_of(p, column);
    struct expr_node *node = expr_new_node(p, op, column);
    if (!node)
        return NULL;
    if (op == EXPR_TEST)
        parse_test(p, node);
    else
        node->left = expr_parse_pipe(p);
    if (p->failed)
        return NULL;
    if (!expr_token_is(p, ")")) {
        if (p->token.type == TOKEN_END || expr_token_is(p, ";") || op == EXPR_TEST)
            expr_complain(p, p->token.column, "`)` is expected here: the end of the arguments of `%s`", name);
        expr_complain_token(p);
        return NULL;
    }
    expr_advance(p);
    return node;
}

struct expr_node *expr_parse_call(struct expr_parser *p)
{
    unsigned column = p->token.column;
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
        const char *name = functions[i].name;
        if (!expr_token_named(p, name))
            continue;
        expr_advance(p);
        if (functions[i].arguments)
            return parse_arguments(p, name, functions[i].op, column);
        if (expr_token_is(p, "(")) {
            expr_complain(p, column, "`%s` takes no argument in jq; write `(...) | %s`", name, name);
            return NULL;
        }
        return expr_new_node(p, functions[i].op, column);
    }
    expr_complain_token(p);
    return NULL;
}
