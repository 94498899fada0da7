/* SPDX-License-Identifier: BSD-2-Clause */
/* expr_literal.c - numbers, strings, true, false, null, and arrays and objects of them, as parsed JSON.
 *
 * Thread: the main thread, while the configuration is read. */
#include "expr_tree.h"

#include <string.h>

static void write_literal(struct expr_parser *p, struct strbuf *json);

static void write_string(struct strbuf *json, struct weir_slice s)
{
    size_t n = json_quote(NULL, s.ptr, s.len);
    json->len += json_quote(strbuf_reserve(json, n), s.ptr, s.len);
}

static void write_number(struct expr_parser *p, struct strbuf *json, bool negative)
{
    struct weir_slice text = expr_number_text(&p->expr->arena, p->token.text, negative);
    strbuf_add(json, text.ptr, text.len);
    expr_advance(p);
}

/* Behind an element: true when another follows, false at the end bracket (taken) or after a complaint. */
static bool more_follow(struct expr_parser *p, const char *close, unsigned opened)
{
    if (expr_token_is(p, ",")) {
        expr_advance(p);
        return !p->failed;
    }
    if (expr_token_is(p, close))
        expr_advance(p);
    else if (p->token.type == TOKEN_END)
        expr_complain(p, opened, "`%s` is missing for the bracket that opens here", close);
    else
        expr_complain(p, p->token.column,
                      "an array, object or list of IN holds only literals in `when`; `,` or `%s` "
                      "is expected here",
                      close);
    return false;
}

static void write_array(struct expr_parser *p, struct strbuf *json)
{
    unsigned opened = p->token.column;
    expr_advance(p);
    strbuf_char(json, '[');
    if (expr_token_is(p, "]")) {
        expr_advance(p);
    } else {
        write_literal(p, json);
        while (!p->failed && more_follow(p, "]", opened)) {
            strbuf_char(json, ',');
            write_literal(p, json);
        }
    }
    strbuf_char(json, ']');
}

static void write_member(struct expr_parser *p, struct strbuf *json)
{
    if (p->token.type != TOKEN_NAME && p->token.type != TOKEN_STRING) {
        expr_complain(p, p->token.column, "an object's key is a name or a string in `when`");
        return;
    }
    write_string(json, p->token.text);
    expr_advance(p);
    if (!expr_token_is(p, ":")) {
        expr_complain(p, p->token.column, "`:` and a literal must follow the key of an object");
        return;
    }
    expr_advance(p);
    strbuf_char(json, ':');
    write_literal(p, json);
}

static void write_object(struct expr_parser *p, struct strbuf *json)
{
    unsigned opened = p->token.column;
    expr_advance(p);
    strbuf_char(json, '{');
    if (expr_token_is(p, "}")) {
        expr_advance(p);
    } else {
        write_member(p, json);
        while (!p->failed && more_follow(p, "}", opened)) {
            strbuf_char(json, ',');
            write_member(p, json);
        }
    }
    strbuf_char(json, '}');
}

static void write_container(struct expr_parser *p, struct strbuf *json)
{
    if (++p->depth > EXPR_DEPTH_MAX)
        expr_complain(p, p->token.column, "more than %d brackets within each other", EXPR_DEPTH_MAX);
    else if (expr_token_is(p, "["))
        write_array(p, json);
    else
        write_object(p, json);
    p->depth--;
}

static bool write_word(struct expr_parser *p, struct strbuf *json)
{
    if (!expr_token_named(p, "true") && !expr_token_named(p, "false") && !expr_token_named(p, "null"))
        return false;
    strbuf_add(json, p->token.text.ptr, p->token.text.len);
    expr_advance(p);
    return true;
}

static void write_literal(struct expr_parser *p, struct strbuf *json)
{
    bool negative = expr_token_is(p, "-");
    if (negative)
        expr_advance(p);
    if (p->token.type == TOKEN_NUMBER) {
        write_number(p, json, negative);
    } else if (negative) {
        expr_complain(p, p->token.column, "`-` may stand only before a number literal in `when`");
    } else if (p->token.type == TOKEN_STRING) {
        write_string(json, p->token.text);
        expr_advance(p);
    } else if (expr_token_is(p, "[") || expr_token_is(p, "{")) {
        write_container(p, json);
    } else if (!write_word(p, json)) {
        expr_complain(p, p->token.column,
                      "a literal is expected here: an array, object or list of IN holds nothing "
                      "else in `when`");
    }
}

/* Numbers and strings become plain values at once: they are what most records are compared with. */
static struct expr_node *literal_node(struct expr_parser *p, unsigned column, const struct strbuf *json,
                                      enum expr_op op)
{
    struct arena *arena = &p->expr->arena;
    struct expr_node *node = p->failed ? NULL : expr_new_node(p, op, column);
    if (!node)
        return NULL;
    struct json_error error;
    struct json_doc *doc = json_parse(arena, arena_copy(arena, json->data, json->len), json->len, &error);
    if (!doc) {
        expr_complain(p, column, "this literal is not JSON: %s", error.why);
        return NULL;
    }
    node->literal = value_from_node(doc->root);
    if (doc->root->type == WEIR_JSON_NUMBER)
        node->literal.u.number = json_number(doc->root->text);
    else if (doc->root->type == WEIR_JSON_STRING)
        node->literal.u.string = json_string(arena, doc->root->text);
    if (doc->root->type < WEIR_JSON_ARRAY)
        node->literal.form = VALUE_PLAIN;
    return node;
}

struct expr_node *expr_parse_literal(struct expr_parser *p)
{
    struct strbuf json = {0};
    unsigned column = p->token.column;
    write_literal(p, &json);
    struct expr_node *node = literal_node(p, column, &json, EXPR_LITERAL);
    strbuf_free(&json);
    return node;
}

/* The token is the first behind "IN(". */
struct expr_node *expr_parse_one_of(struct expr_parser *p, unsigned column)
{
    struct strbuf json = {0};
    strbuf_char(&json, '[');
    write_literal(p, &json);
    while (!p->failed && more_follow(p, ")", column)) {
        strbuf_char(&json, ',');
        write_literal(p, &json);
    }
    strbuf_char(&json, ']');
    struct expr_node *node = literal_node(p, column, &json, EXPR_ONE_OF);
    strbuf_free(&json);
    return node;
}
