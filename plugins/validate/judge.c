/* SPDX-License-Identifier: BSD-2-Clause */
/* judge.c - see judge.h: the keywords, each against the value it is about. */
#define WEIR_API 1
#include "judge.h"

#include <string.h>

#define FEW_NAMES 256u

static bool judge(struct judge *j, const struct schema *s, const struct place *at);

/* After a fault: is there nothing more to find out? */
static bool enough(const struct judge *j)
{
    return j->quiet || j->stop || j->told == JUDGE_TOLD;
}

/* The same, with nothing told. */
static bool fits(struct judge *j, const struct schema *s, const struct place *at)
{
    j->quiet++;
    bool good = judge(j, s, at);
    j->quiet--;
    return good;
}

/* ---- numbers, strings ------------------------------------------------------------------------------------------ */
static bool judge_number(struct judge *j, const struct schema *s, const struct place *at)
{
    struct number n = number_read(at->at->text);
    const struct {
        const struct bound *bound;
        const char *must;
        bool good;
    } rules[] = {
        {&s->minimum, "at least", number_compare(&n, &s->minimum.number) >= 0},
        {&s->maximum, "at most", number_compare(&n, &s->maximum.number) <= 0},
        {&s->above, "more than", number_compare(&n, &s->above.number) > 0},
        {&s->below, "less than", number_compare(&n, &s->below.number) < 0},
        {&s->multiple, "a multiple of", !s->multiple.text.ptr || number_is_multiple(&n, &s->multiple.number)},
    };
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
        if (rules[i].bound->text.ptr && !rules[i].good)
            return say_must(j, at, "%s %.*s", rules[i].must, (int)rules[i].bound->text.len,
                            (const char *)rules[i].bound->text.ptr);
    return true;
}

/* Whether the regex fits somewhere in the text; stop is set where that can't be told. */
static bool matches(struct judge *j, const struct schema_pattern *p, struct weir_slice text)
{
    int answer = regex_find_within(p->regex, text, true, &j->time);
    if (answer < 0)
        j->stop = regex_error(answer);
    return answer == REGEX_FOUND;
}

/* What the string means.  Many schemas may ask for the same one in turn: it is kept once, not once for each. */
static struct weir_slice text_of(struct judge *j, struct weir_slice quoted)
{
    if (j->quoted.ptr != quoted.ptr) {
        j->text = jsontree_string(quoted, j->memory, j->opaque);
        j->quoted = quoted;
    }
    return j->text;
}

static bool judge_string(struct judge *j, const struct schema *s, const struct place *at)
{
    if (s->length.min > 0 || s->length.max != SCHEMA_NO_LIMIT) {
        size_t n = jsontree_length(at->at->text);
        if (n < s->length.min || n > s->length.max)
            return say_count(j, at, n, &s->length, "character", "characters");
    }
    if (!s->pattern.regex && !s->format)
        return true;
    struct weir_slice text = text_of(j, at->at->text);
    if (s->pattern.regex && !matches(j, &s->pattern, text))
        return say_must(j, at, "something that matches %.*s", (int)s->pattern.text.len,
                        (const char *)s->pattern.text.ptr);
    const char *p = text.ptr;
    return !s->format || s->format->fits(p, p + text.len) || say_must(j, at, "%s", s->format->means);
}

/* ---- arrays ------------------------------------------------------------------------------------------------------ */
static bool judge_contains(struct judge *j, const struct schema *s, const struct place *at)
{
    struct place here = {.above = at};
    uint64_t n = 0;
    if (!s->contains)
        return true;
    for (here.at = at->at->child; here.at && n <= s->contained.max; here.at = here.at->next, here.index++)
        n += fits(j, s->contains, &here);
    if (n >= s->contained.min && n <= s->contained.max)
        return true;
    return say_count(j, at, n, &s->contained, "element that fits `contains`", "elements that fit `contains`");
}

static bool judge_elements(struct judge *j, const struct schema *s, const struct place *at)
{
    struct place here = {.above = at, .at = at->at->child};
    bool good = true;
    if (!s->items && s->prefix.count == 0)
        return true;
    for (; here.at; here.at = here.at->next, here.index++) {
        const struct schema *of = here.index < s->prefix.count ? s->prefix.items[here.index] : s->items;
        if (of && !judge(j, of, &here)) {
            good = false;
            if (enough(j))
                break;
        }
    }
    return good;
}

static bool judge_array(struct judge *j, const struct schema *s, const struct place *at)
{
    uint32_t n = at->at->count, first, second;
    if (n < s->items_count.min || n > s->items_count.max)
        return say_count(j, at, n, &s->items_count, "element", "elements");
    if (!judge_elements(j, s, at) || !judge_contains(j, s, at))
        return false;
    if (s->unique && judge_find_twins(j, at->at, &first, &second))
        return say_that(j, at, "has the same element at %u and %u, but each must be another", first, second);
    return !j->stop;
}

/* ---- objects ------------------------------------------------------------------------------------------------------ */
/* One member, by all that speaks of it; *ret_name is its number among the names, or -1. */
static bool judge_member(struct judge *j, const struct schema *s, const struct place *here, int64_t *ret_name)
{
    struct weir_slice key = text_of(j, here->at->key);
    const struct schema_name *name;
    bool known = false, good = true;
    *ret_name = schema_find_name(&s->names, key);
    name = *ret_name >= 0 ? &s->names.items[*ret_name] : NULL;
    if (name && name->property) {
        known = true;
        good = judge(j, name->property, here);
    }
    for (size_t i = 0; i < s->n_patterns && (good || !enough(j)); i++)
        if (matches(j, &s->patterns[i], key)) {
            known = true;
            good = judge(j, s->patterns[i].schema, here) && good;
        }
    if (!known && s->additional && !j->stop)
        good = judge(j, s->additional, here);
    if (s->property_names && (good || !enough(j))) {
        struct jsontree text = {.text = here->at->key, .key = here->at->key, .type = WEIR_JSON_STRING};
        struct place named = {.above = here->above, .at = &text, .name = true};
        good = judge(j, s->property_names, &named) && good;
    }
    return good && !j->stop;
}

/* What must be there because of the names, and what holds when they are. */
static bool judge_names(struct judge *j, const struct schema *s, const struct place *at, const uint64_t *seen)
{
    const struct schema_names *names = &s->names;
    bool good = true;
    for (uint32_t i = 0; i < names->count && (good || !enough(j)); i++) {
        const struct schema_name *name = &names->items[i];
        bool there = seen[i / 64] >> i % 64 & 1;
        if (!there) {
            if (name->required)
                good = say_missing(j, at, name->text, NULL);
            continue;
        }
        for (uint32_t k = 0; k < name->n_needs; k++)
            if (!(seen[name->needs[k] / 64] >> name->needs[k] % 64 & 1))
                good = say_missing(j, at, names->items[name->needs[k]].text, &name->text);
        if (name->dependent && !judge(j, name->dependent, at))
            good = false;
    }
    return good;
}

static bool judge_object(struct judge *j, const struct schema *s, const struct place *at)
{
    uint64_t few[FEW_NAMES / 64] = {0}, *seen = few;
    struct place here = {.above = at};
    bool good = true;
    int64_t name;
    if (at->at->count < s->members.min || at->at->count > s->members.max)
        return say_count(j, at, at->at->count, &s->members, "member", "members");
    if (s->names.count == 0 && s->n_patterns == 0 && !s->additional && !s->property_names)
        return true;
    if (s->names.count > FEW_NAMES) {
        size_t bytes = (s->names.count + 63) / 64 * sizeof *seen;
        seen = j->memory(j->opaque, bytes);
        memset(seen, 0, bytes);
    }
    for (here.at = at->at->child; here.at; here.at = here.at->next) {
        if (!judge_member(j, s, &here, &name))
            good = false;
        if (!good && enough(j))
            return false;
        if (name >= 0)
            seen[name / 64] |= UINT64_C(1) << name % 64;
    }
    return judge_names(j, s, at, seen) && good;
}

/* ---- schemas of schemas ------------------------------------------------------------------------------------------- */
/* None of them fits: the one whose fault lies deepest in the value tells what the record was meant to be. */
static bool say_none(struct judge *j, const struct schema_list *list, const struct place *at,
                     const char *keyword)
{
    unsigned deepest = 0, before = j->deepest;
    size_t nearest = 0;
    bool tie = true;
    if (j->quiet)
        return say_that(j, at, "fits none");
    for (size_t i = 0; i < list->count && !j->stop; i++) {
        j->deepest = 0;
        (void)fits(j, list->items[i], at);
        tie = j->deepest == deepest || (tie && j->deepest < deepest);
        nearest = j->deepest > deepest ? i : nearest;
        deepest = j->deepest > deepest ? j->deepest : deepest;
    }
    j->deepest = before;
    if (tie)
        return say_that(j, at, "fits none of the %zu schemas of %s", list->count, keyword);
    (void)say_that(j, at, "fits none of the %zu schemas of %s, number %zu being the nearest", list->count,
                   keyword, nearest + 1);
    return enough(j) ? false : judge(j, list->items[nearest], at) && false;
}

static bool judge_any(struct judge *j, const struct schema *s, const struct place *at)
{
    for (size_t i = 0; i < s->any.count; i++)
        if (fits(j, s->any.items[i], at))
            return true;
    return s->any.count == 0 || (s->any.count == 1 && !j->quiet ? judge(j, s->any.items[0], at)
                                                                : say_none(j, &s->any, at, "anyOf"));
}

static bool judge_one(struct judge *j, const struct schema *s, const struct place *at)
{
    size_t fitting = 0, first = 0;
    for (size_t i = 0; i < s->one.count; i++) {
        if (!fits(j, s->one.items[i], at))
            continue;
        if (fitting++)
            return say_that(j, at, "fits the schemas %zu and %zu of oneOf, but must fit one alone", first + 1,
                            i + 1);
        first = i;
    }
    return s->one.count == 0 || fitting == 1 || say_none(j, &s->one, at, "oneOf");
}

static bool judge_condition(struct judge *j, const struct schema *s, const struct place *at)
{
    if (!s->condition)
        return true;
    const struct schema *then = fits(j, s->condition, at) ? s->then : s->otherwise;
    return !j->stop && (!then || judge(j, then, at));
}

static bool judge_combined(struct judge *j, const struct schema *s, const struct place *at)
{
    bool good = !s->ref || judge(j, s->ref, at);
    for (size_t i = 0; i < s->all.count && (good || !enough(j)); i++)
        good = judge(j, s->all.items[i], at) && good;
    if (good || !enough(j))
        good = judge_any(j, s, at) && good;
    if (good || !enough(j))
        good = judge_one(j, s, at) && good;
    if (good || !enough(j))
        good = judge_condition(j, s, at) && good;
    if (s->negated && (good || !enough(j)) && fits(j, s->negated, at))
        return say_that(j, at, "fits the schema of `not`, but must not");
    return good && !j->stop;
}

/* ---- one schema --------------------------------------------------------------------------------------------------- */
static bool fits_type(const struct schema *s, const struct jsontree *v)
{
    if (s->types == 0 || s->types & 1u << v->type)
        return true;
    if (v->type != WEIR_JSON_NUMBER || !(s->types & SCHEMA_INTEGER))
        return false;
    struct number n = number_read(v->text);
    return number_is_integer(&n);
}

static bool judge_values(struct judge *j, const struct schema *s, const struct place *at)
{
    if (s->constant && !judge_equal(j, s->constant, at->at))
        return say_values(j, at, s->constant, false);
    if (!s->enums)
        return true;
    for (const struct jsontree *v = s->enums->child; v; v = v->next)
        if (judge_equal(j, v, at->at))
            return true;
    return say_values(j, at, s->enums->child, true);
}

static bool judge_by_type(struct judge *j, const struct schema *s, const struct place *at)
{
    switch (at->at->type) {
    case WEIR_JSON_NUMBER:
        return judge_number(j, s, at);
    case WEIR_JSON_STRING:
        return judge_string(j, s, at);
    case WEIR_JSON_ARRAY:
        return judge_array(j, s, at);
    case WEIR_JSON_OBJECT:
        return judge_object(j, s, at);
    default:
        return true;
    }
}

static bool judge(struct judge *j, const struct schema *s, const struct place *at)
{
    if (s->never)
        return say_that(j, at, "is not allowed");
    if (!fits_type(s, at->at))
        return say_types(j, at, s->types);
    if (j->steps == 0 || j->depth == JUDGE_DEPTH) {
        j->stop =
            j->steps == 0 ? "the schema takes too many steps for it" : "the schema goes too deep for it";
        return false;
    }
    j->steps--;
    j->depth++;
    bool good = judge_values(j, s, at);
    if (good || !enough(j))
        good = judge_by_type(j, s, at) && good;
    if (good || !enough(j))
        good = judge_combined(j, s, at) && good;
    j->depth--;
    return good && !j->stop;
}

bool judge_value(struct judge *j, const struct schema *schema, const struct jsontree *value)
{
    const struct place top = {.at = value};
    j->steps = JUDGE_STEPS + 16 * (uint64_t)value->text.len;
    j->time = REGEX_TIME;
    j->depth = j->quiet = j->deepest = j->told = 0;
    j->stop = NULL;
    j->quoted = j->text = (struct weir_slice){NULL, 0};
    j->len = 0;
    j->why[0] = '\0';
    return judge(j, schema, &top);
}
