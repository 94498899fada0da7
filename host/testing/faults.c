/* SPDX-License-Identifier: BSD-2-Clause */
/* faults.c - the first fault that is due (faults.h). */
#include "faults.h"

static const struct fault *due(const struct faults *f, bool of_records, uint64_t number)
{
    for (size_t i = 0; i < f->n; i++)
        if (f->items[i]->of_records == of_records && number >= f->items[i]->first &&
            number <= f->items[i]->last)
            return f->items[i];
    return NULL;
}

const struct fault *faults_request(struct faults *f)
{
    return due(f, false, ++f->requests);
}

const struct fault *faults_record(struct faults *f)
{
    return due(f, true, ++f->records);
}
