/* SPDX-License-Identifier: BSD-2-Clause */
/* template_render.c - a compiled template and a record to text.
 *
 * Thread: any; nothing is written but the caller's buffers and scratch arena. */
#include "template.h"
#include "template_private.h"

#include <string.h>

enum found { FOUND, MISSING }; /* MISSING: absence says why, the default has its turn */

struct render {
    const struct subject *subject;
    struct strbuf *out;
    const char *absence; /* static: why a field is missing */
};

/* The value as a reader sees it: cut, control characters and what is not UTF-8 escaped. */
static void put_shown(struct strbuf *why, const char *p, size_t n)
{
    size_t shown = n > 60 ? 60 : n, valid = json_utf8_prefix(p, shown);
    if (n > shown && shown - valid < 4)
        shown = valid; /* the cut went through a character */
    strbuf_char(why, '"');
    for (size_t i = 0; i < shown; i++) {
        unsigned char c = (unsigned char)p[i];
        if (c < 0x20 || c == 0x7f || i >= valid)
            strbuf_printf(why, "\\x%02x", c);
        else
            strbuf_char(why, p[i]);
    }
    strbuf_str(why, n > shown ? "...\"" : "\"");
}

static enum found missing(struct render *r, const char *absence)
{
    r->absence = absence;
    return MISSING;
}

static enum found render_slice(struct render *r, struct weir_slice s, const char *absence)
{
    if (!s.ptr)
        return missing(r, absence);
    strbuf_add(r->out, s.ptr, s.len);
    return FOUND;
}

static enum found render_number(struct render *r, int64_t n, const char *absence)
{
    if (n < 0)
        return missing(r, absence);
    strbuf_printf(r->out, "%lld", (long long)n);
    return FOUND;
}

static enum found render_path(struct render *r, const struct template_part *part)
{
    const char *why = "";
    struct arena *scratch = r->subject->scratch;
    if (!r->subject->record->value.ptr)
        return missing(r, "the record is a tombstone");
    const struct json_doc *doc = r->subject->doc(r->subject, &why);
    if (!doc)
        return missing(r, why);
    const struct json_node *node = json_find(doc->root, part->path);
    if (!node || node->type == WEIR_JSON_NULL)
        return missing(r, node ? "it is null" : "the JSON value has no such field");
    if (node->type == WEIR_JSON_STRING)
        return render_slice(r, json_string(scratch, node->text), "");
    return render_slice(r, json_node_text(scratch, node), "");
}

static enum found render_header(struct render *r, struct weir_slice name)
{
    const struct weir_record *record = r->subject->record;
    for (uint32_t i = record->n_headers; i-- > 0;) {
        const struct weir_header *h = &record->headers[i];
        if (h->name.len == name.len && memcmp(h->name.ptr, name.ptr, name.len) == 0)
            return render_slice(r, h->value, "the header is null");
    }
    return missing(r, "the record has no such header");
}

static enum found render_field(struct render *r, const struct template_part *part)
{
    const struct weir_record *record = r->subject->record;
    switch (part->kind) {
    case PART_PATH:
        return render_path(r, part);
    case PART_KEY:
        return render_slice(r, record->key, "the record has no key");
    case PART_TOPIC:
        return render_slice(r, record->topic, "the record has no topic");
    case PART_PARTITION:
        return render_number(r, record->partition, "the record has no partition");
    case PART_OFFSET:
        return render_number(r, record->offset, "the record has no offset");
    case PART_HEADER:
        return render_header(r, part->text);
    case PART_TIME:
        if (record->time_ms == WEIR_NO_TIME)
            return missing(r, "the record has no time");
        if (time_format_print(r->out, part->text, record->time_ms))
            return FOUND;
        return missing(r, "the record's time is not in the years 1 to 9999");
    default:
        return render_slice(r, part->text, "");
    }
}

static bool render_part(struct render *r, const struct template_part *part, uint32_t flags,
                        struct strbuf *why)
{
    size_t start = r->out->len;
    enum found found = render_field(r, part);
    int n = part->written.len > 100 ? 100 : (int)part->written.len;
    const char *written = part->written.ptr ? part->written.ptr : "";
    if (found == MISSING && part->has_fallback) {
        strbuf_add(r->out, part->fallback.ptr, part->fallback.len);
        return true;
    }
    if (found == MISSING) {
        strbuf_printf(why, "%.*s is missing: %s; a default is written {...|default}", n, written, r->absence);
        return false;
    }
    if (part->kind == PART_TEXT || !(flags & WEIR_F_NAME))
        return true;
    struct weir_slice field = {r->out->len > start ? r->out->data + start : "", r->out->len - start};
    const char *fault = template_name_fault(field);
    if (!fault)
        return true;
    strbuf_printf(why, "%.*s is ", n, written);
    put_shown(why, field.ptr, field.len);
    strbuf_printf(why, ", which %s and can not be part of a name", fault);
    return false;
}

int template_render(const struct weir_template *tpl, const struct subject *subject, struct strbuf *out,
                    struct strbuf *why)
{
    struct render r = {subject, out, ""};
    size_t before = out->len;
    for (size_t i = 0; i < tpl->count; i++)
        if (!render_part(&r, &tpl->parts[i], tpl->flags, why)) {
            out->len = before;
            if (out->data)
                out->data[before] = '\0';
            return WEIR_REJECT;
        }
    return WEIR_OK;
}
