/* SPDX-License-Identifier: BSD-2-Clause */
/* expr_eval.c - truth of a compiled expression for one record.
 *
 * Thread: any; nothing is written but the caller's scratch arena and the text of an error.  The recursion is bounded
 * by EXPR_NODES_MAX.  The right side of a comparison comes first, as in jq: it decides which error is seen. */
#include "expr.h"
#include "expr_tree.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

enum outcome {
    GOT,
    NOTHING, /* no result, from `?`: nothing behind it runs and the record does not match */
    FAILED   /* why is filled */
};

struct eval {
    const struct subject *subject;
    struct strbuf *why;
};

static enum outcome eval_node(struct eval *, const struct expr_node *, const struct value *input,
                              struct value *ret);

__attribute__((format(printf, 3, 4))) static enum outcome fail(struct eval *e, const struct expr_node *node,
                                                               const char *format, ...)
{
    char text[256];
    va_list ap;
    va_start(ap, format);
    (void)vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    strbuf_printf(e->why, "the expression fails at column %u: %s", node->column, text);
    return FAILED;
}

/* Makes the type of a value known: parses the record when it is the input and nobody has. */
static enum outcome resolve(struct eval *e, const struct expr_node *node, struct value *v)
{
    const char *why = "";
    if (v->form != VALUE_INPUT)
        return GOT;
    if (!e->subject->record->value.ptr) {
        *v = VALUE_OF_TYPE(WEIR_JSON_NULL);
        return GOT;
    }
    const struct json_doc *doc = e->subject->doc(e->subject, &why);
    if (!doc)
        return fail(e, node, "the record's value is not JSON: %s", why);
    *v = value_from_node(doc->root);
    return GOT;
}

static bool is_true(const struct value *v)
{
    return v->type != WEIR_JSON_NULL && v->type != WEIR_JSON_FALSE;
}

static struct value from_bool(bool b)
{
    return VALUE_OF_TYPE(b ? WEIR_JSON_TRUE : WEIR_JSON_FALSE);
}

static struct value from_number(double number)
{
    struct value v = VALUE_OF_TYPE(WEIR_JSON_NUMBER);
    v.u.number = number;
    return v;
}

static enum outcome string_of(struct eval *e, const struct expr_node *node, const struct value *v,
                              struct weir_slice *ret)
{
    if (value_string(e->subject->scratch, v, ret))
        return GOT;
    return fail(e, node, "the string comes from outside the JSON value and is not UTF-8");
}

static enum outcome eval_metadata(struct eval *e, const struct expr_node *node, struct value *ret)
{
    const struct weir_record *record = e->subject->record;
    switch (node->op) {
    case EXPR_TOPIC:
        *ret = value_from_bytes(record->topic);
        break;
    case EXPR_KEY:
        *ret = value_from_bytes(record->key);
        break;
    case EXPR_VALUE:
        *ret = value_from_bytes(record->value);
        break;
    case EXPR_PARTITION:
        *ret = record->partition < 0 ? VALUE_OF_TYPE(WEIR_JSON_NULL) : from_number(record->partition);
        break;
    case EXPR_OFFSET:
        *ret = record->offset < 0 ? VALUE_OF_TYPE(WEIR_JSON_NULL) : from_number((double)record->offset);
        break;
    case EXPR_TIME:
        *ret = record->time_ms == WEIR_NO_TIME ? VALUE_OF_TYPE(WEIR_JSON_NULL)
                                               : from_number((double)record->time_ms);
        break;
    default:
        *ret = (struct value){.type = WEIR_JSON_OBJECT, .form = VALUE_HEADERS};
        ret->u.record = record;
    }
    return GOT;
}

static enum outcome eval_step(struct eval *e, const struct expr_node *node, const struct expr_step *step,
                              struct value *v)
{
    if (v->type == WEIR_JSON_NULL)
        return GOT;
    if (step->key.ptr && v->type == WEIR_JSON_OBJECT)
        *v = value_member(v, step->key);
    else if (!step->key.ptr && v->type == WEIR_JSON_ARRAY)
        *v = value_element(v, step->index);
    else if (step->optional)
        return NOTHING;
    else if (!step->key.ptr)
        return fail(e, node, "cannot index %s with number", value_type_name(v->type));
    else
        return fail(e, node, "cannot index %s with \"%.*s\"", value_type_name(v->type),
                    step->key.len > 100 ? 100 : (int)step->key.len, (const char *)step->key.ptr);
    return GOT;
}

static enum outcome eval_path(struct eval *e, const struct expr_node *node, const struct value *input,
                              struct value *ret)
{
    enum outcome outcome = eval_node(e, node->left, input, ret);
    if (outcome == GOT)
        outcome = resolve(e, node, ret);
    for (size_t i = 0; i < node->n_steps && outcome == GOT; i++)
        outcome = eval_step(e, node, &node->steps[i], ret);
    return outcome;
}

static enum outcome eval_pipe(struct eval *e, const struct expr_node *node, const struct value *input,
                              struct value *ret)
{
    struct value v;
    enum outcome outcome = eval_node(e, node->left, input, &v);
    return outcome == GOT ? eval_node(e, node->right, &v, ret) : outcome;
}

/* Evaluates and makes its type known. */
static enum outcome eval_known(struct eval *e, const struct expr_node *node, const struct value *input,
                               struct value *ret)
{
    enum outcome outcome = eval_node(e, node, input, ret);
    return outcome == GOT ? resolve(e, node, ret) : outcome;
}

static enum outcome eval_logic(struct eval *e, const struct expr_node *node, const struct value *input,
                               struct value *ret)
{
    struct value v;
    enum outcome outcome = eval_known(e, node->left, input, &v);
    if (outcome == GOT && is_true(&v) != (node->op == EXPR_OR))
        outcome = eval_known(e, node->right, input, &v);
    if (outcome == GOT)
        *ret = from_bool(is_true(&v));
    return outcome;
}

static bool order_holds(enum expr_op op, int order)
{
    switch (op) {
    case EXPR_EQ:
        return order == 0;
    case EXPR_NE:
        return order != 0;
    case EXPR_LT:
        return order < 0;
    case EXPR_LE:
        return order <= 0;
    case EXPR_GT:
        return order > 0;
    default:
        return order >= 0;
    }
}

static enum outcome eval_comparison(struct eval *e, const struct expr_node *node, const struct value *input,
                                    struct value *ret)
{
    struct value left, right;
    int order;
    enum outcome outcome = eval_known(e, node->right, input, &right);
    if (outcome == GOT)
        outcome = eval_known(e, node->left, input, &left);
    if (outcome != GOT)
        return outcome;
    if (!value_compare(e->subject->scratch, &left, &right, &order))
        return fail(e, node, "a string to compare comes from outside the JSON value and is not UTF-8");
    *ret = from_bool(order_holds(node->op, order));
    return GOT;
}

static size_t count_characters(struct weir_slice s)
{
    const unsigned char *p = s.ptr;
    size_t n = 0;
    for (size_t i = 0; i < s.len; i++)
        n += (p[i] & 0xc0) != 0x80;
    return n;
}

static enum outcome eval_length(struct eval *e, const struct expr_node *node, const struct value *v,
                                struct value *ret)
{
    struct weir_slice s;
    double number;
    switch (v->type) {
    case WEIR_JSON_NULL:
        *ret = from_number(0);
        return GOT;
    case WEIR_JSON_NUMBER:
        number = value_number(v);
        *ret = from_number(number < 0 ? -number : number);
        return GOT;
    case WEIR_JSON_STRING:
        if (string_of(e, node, v, &s) != GOT)
            return FAILED;
        *ret = from_number((double)count_characters(s));
        return GOT;
    case WEIR_JSON_ARRAY:
    case WEIR_JSON_OBJECT:
        *ret = from_number((double)value_count(e->subject->scratch, v));
        return GOT;
    default:
        return fail(e, node, "boolean (%s) has no length", v->type == WEIR_JSON_TRUE ? "true" : "false");
    }
}

static enum outcome eval_test(struct eval *e, const struct expr_node *node, const struct value *v,
                              struct value *ret)
{
    struct weir_slice s;
    if (v->type != WEIR_JSON_STRING)
        return fail(e, node, "%s cannot be matched, as it is not a string", value_type_name(v->type));
    if (string_of(e, node, v, &s) != GOT)
        return FAILED;
    const OnigUChar *start = s.len ? s.ptr : (const OnigUChar *)"", *end = start + s.len;
    int rc = onig_search(node->regex, start, end, start, end, NULL, ONIG_OPTION_NONE);
    if (rc < 0 && rc != ONIG_MISMATCH) {
        OnigUChar text[ONIG_MAX_ERROR_MESSAGE_LEN];
        int n = onig_error_code_to_str(text, rc);
        return fail(e, node, "the regular expression failed: %.*s", n, (const char *)text);
    }
    *ret = from_bool(rc >= 0);
    return GOT;
}

static enum outcome eval_affix(struct eval *e, const struct expr_node *node, const struct value *v,
                               const struct value *argument, struct value *ret)
{
    struct weir_slice s, part;
    bool start = node->op == EXPR_STARTSWITH;
    if (v->type != WEIR_JSON_STRING || argument->type != WEIR_JSON_STRING)
        return fail(e, node, "%s requires string inputs", start ? "startswith()" : "endswith()");
    if (string_of(e, node, v, &s) != GOT || string_of(e, node, argument, &part) != GOT)
        return FAILED;
    *ret = from_bool(part.len <= s.len &&
                     (part.len == 0 ||
                      memcmp((const char *)s.ptr + (start ? 0 : s.len - part.len), part.ptr, part.len) == 0));
    return GOT;
}

static enum outcome eval_has(struct eval *e, const struct expr_node *node, const struct value *container,
                             const struct value *key, struct value *ret)
{
    struct weir_slice s;
    if (container->type == WEIR_JSON_OBJECT && key->type == WEIR_JSON_STRING) {
        if (string_of(e, node, key, &s) != GOT)
            return FAILED;
        *ret = from_bool(value_has_member(container, s));
        return GOT;
    }
    if (container->type == WEIR_JSON_ARRAY && key->type == WEIR_JSON_NUMBER) {
        double n = value_number(key); /* cut towards zero, and no element is counted from the end */
        *ret = from_bool(n > -1 && n < INT_MAX && json_element(container->u.node, (int64_t)n) != NULL);
        return GOT;
    }
    if (container->type == WEIR_JSON_NULL) { /* whatever the key is */
        *ret = from_bool(false);
        return GOT;
    }
    return fail(e, node, "cannot check whether %s has a %s key", value_type_name(container->type),
                value_type_name(key->type));
}

static enum outcome eval_one_of(struct eval *e, const struct expr_node *node, const struct value *v,
                                struct value *ret)
{
    int order = 1;
    for (const struct json_node *each = node->literal.u.node->child; each && order; each = each->next) {
        struct value literal = value_from_node(each);
        if (!value_compare(e->subject->scratch, v, &literal, &order))
            return fail(e, node, "a string to compare comes from outside the JSON value and is not UTF-8");
    }
    *ret = from_bool(order == 0);
    return GOT;
}

/* Functions of their input, and of an argument that sees the same input. */
static enum outcome eval_call(struct eval *e, const struct expr_node *node, const struct value *input,
                              struct value *ret)
{
    struct value v = *input, argument;
    enum outcome outcome = node->left ? eval_known(e, node->left, input, &argument) : GOT;
    if (outcome == GOT)
        outcome = resolve(e, node, &v);
    if (outcome != GOT)
        return outcome;
    switch (node->op) {
    case EXPR_NOT:
        *ret = from_bool(!is_true(&v));
        return GOT;
    case EXPR_LENGTH:
        return eval_length(e, node, &v, ret);
    case EXPR_TYPE:
        *ret = VALUE_OF_TYPE(WEIR_JSON_STRING);
        ret->u.string.ptr = value_type_name(v.type);
        ret->u.string.len = strlen(ret->u.string.ptr);
        return GOT;
    case EXPR_TEST:
        return eval_test(e, node, &v, ret);
    case EXPR_HAS:
        return eval_has(e, node, &v, &argument, ret);
    case EXPR_IN:
        return eval_has(e, node, &argument, &v, ret);
    case EXPR_ONE_OF:
        return eval_one_of(e, node, &v, ret);
    default:
        return eval_affix(e, node, &v, &argument, ret);
    }
}

static enum outcome eval_node(struct eval *e, const struct expr_node *node, const struct value *input,
                              struct value *ret)
{
    switch (node->op) {
    case EXPR_INPUT:
        *ret = *input;
        return GOT;
    case EXPR_LITERAL:
        *ret = node->literal;
        return GOT;
    case EXPR_PATH:
        return eval_path(e, node, input, ret);
    case EXPR_PIPE:
        return eval_pipe(e, node, input, ret);
    case EXPR_OR:
    case EXPR_AND:
        return eval_logic(e, node, input, ret);
    case EXPR_EQ:
    case EXPR_NE:
    case EXPR_LT:
    case EXPR_LE:
    case EXPR_GT:
    case EXPR_GE:
        return eval_comparison(e, node, input, ret);
    case EXPR_TOPIC:
    case EXPR_PARTITION:
    case EXPR_OFFSET:
    case EXPR_KEY:
    case EXPR_HEADERS:
    case EXPR_TIME:
    case EXPR_VALUE:
        return eval_metadata(e, node, ret);
    default:
        return eval_call(e, node, input, ret);
    }
}

enum expr_result expr_match(const struct weir_expr *expr, const struct subject *subject, struct strbuf *why)
{
    struct eval e = {subject, why};
    struct value input = {.type = WEIR_JSON_NULL, .form = VALUE_INPUT}, v;
    switch (eval_known(&e, expr->root, &input, &v)) {
    case GOT:
        return is_true(&v) ? EXPR_TRUE : EXPR_FALSE;
    case NOTHING:
        return EXPR_FALSE;
    default:
        return EXPR_ERROR;
    }
}
