/* SPDX-License-Identifier: MIT */
/* record.h - writes what a command and its server say to each other into a file,
 * as `godwit replay` reads it (replay/recording.h). */
#ifndef GODWIT_CLI_RECORD_H
#define GODWIT_CLI_RECORD_H

#include "client/ports/lws.h"

typedef struct gw_record gw_record;

/**
 * Begin a file, for its owner only; one that is there is replaced.
 *   name     of the command, for messages
 *   returns  NULL: it cannot be made, which is told on standard error
 */
gw_record *gw_record_open(const char *name, const char *path);

/**
 * Write one of the news down, with tokens, the client's instance and the query of
 * the endpoint overwritten or left out. When the disk is full, or the file has
 * reached what can be replayed, that is told and the rest is not recorded.
 */
void gw_record_put(gw_record *r, const gw_lws_wire *news);

/** NULL is fine. */
void gw_record_close(gw_record *r);

#endif
