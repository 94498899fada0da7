/* SPDX-License-Identifier: BSD-2-Clause */
/* expr_tree.h - a compiled expression, shared by expr_parse.c, expr_lex.c and expr_eval.c and by nobody else. */
#ifndef WEIR_HOST_EXPR_TREE_H
#define WEIR_HOST_EXPR_TREE_H

#include "arena.h"
#include "expr_value.h"
#include "strbuf.h"

#include <oniguruma.h>

#define EXPR_NODES_MAX 2000 /* bounds the recursion of the evaluator */
#define EXPR_DEPTH_MAX 100  /* parentheses within each other; bounds the recursion of the parser */
#define EXPR_STEPS_MAX 64

enum expr_op {
    EXPR_INPUT, /* . */
    EXPR_LITERAL,
    EXPR_TOPIC,
    EXPR_PARTITION,
    EXPR_OFFSET,
    EXPR_KEY,
    EXPR_HEADERS,
    EXPR_TIME,
    EXPR_VALUE, /* its bytes, as text */
    EXPR_PATH,  /* left, then steps */
    EXPR_PIPE,
    EXPR_OR,
    EXPR_AND,
    EXPR_EQ,
    EXPR_NE,
    EXPR_LT,
    EXPR_LE,
    EXPR_GT,
    EXPR_GE,
    EXPR_NOT,
    EXPR_LENGTH,
    EXPR_TYPE,
    EXPR_TEST,       /* regex */
    EXPR_STARTSWITH, /* left: the argument, as in the next three */
    EXPR_ENDSWITH,
    EXPR_HAS,
    EXPR_IN,
    EXPR_ONE_OF /* IN(...): literal is the array of its arguments */
};

struct expr_step {
    struct weir_slice key; /* ptr NULL: an index */
    int64_t index;
    bool optional; /* `?` behind it: no result instead of an error */
};

struct expr_node {
    enum expr_op op;
    unsigned column;
    struct expr_node *left, *right;
    struct expr_step *steps;
    size_t n_steps;
    struct value literal;
    regex_t *regex;
};

struct expr_regex { /* what expr_free has to free beside the arena */
    struct expr_regex *next;
    regex_t *regex;
};

struct weir_expr {
    struct arena arena; /* nodes, literals */
    struct expr_node *root;
    struct expr_regex *regexes;
    bool wants_text; /* $value occurs */
};

enum expr_token_type {
    TOKEN_END,
    TOKEN_FIELD, /* .name; text is the name */
    TOKEN_DOT,
    TOKEN_NAME,
    TOKEN_VARIABLE, /* $name; text is the name */
    TOKEN_NUMBER,
    TOKEN_STRING, /* text is decoded */
    TOKEN_SIGN    /* text is the operator or bracket */
};

struct expr_token {
    enum expr_token_type type;
    unsigned column;
    struct weir_slice text;
};

struct expr_parser {
    const char *start, *at, *end;
    struct weir_expr *expr;
    struct expr_token token; /* the next one, not taken yet */
    unsigned nodes, depth;
    bool failed; /* why is filled; nothing goes on */
    char *why;
    size_t cap;
};

/* expr_lex.c */
/* Says what is wrong in why, once: "column 7: ...". */
__attribute__((format(printf, 3, 4))) void expr_complain(struct expr_parser *, unsigned column,
                                                         const char *format, ...);
/* Moves to the next token; after a complaint that is TOKEN_END. */
void expr_advance(struct expr_parser *);
bool expr_token_is(const struct expr_parser *, const char *sign);
bool expr_token_named(const struct expr_parser *, const char *name);
/* Complains about the token for what it is: a jq feature outside the subset, a slip, or simply unexpected. */
void expr_complain_token(struct expr_parser *);
/* Number literal of jq as a JSON number, in the arena. */
struct weir_slice expr_number_text(struct arena *, struct weir_slice literal, bool negative);

/* expr_call.c: the token is the function's name.  NULL after a complaint. */
struct expr_node *expr_parse_call(struct expr_parser *);
/* expr_literal.c: an array or object of literals, or one scalar literal.  NULL after a complaint. */
struct expr_node *expr_parse_literal(struct expr_parser *);
struct expr_node *expr_parse_one_of(struct expr_parser *, unsigned column);
/* expr_parse.c */
struct expr_node *expr_parse_pipe(struct expr_parser *);
struct expr_node *expr_new_node(struct expr_parser *, enum expr_op, unsigned column);

#endif
